//! What each request does: one call of the cache, one reply.

mod meta;

use alloc::vec::Vec;

use super::meta::Meta;
use super::request::{Request, Retrieval, Sign};
use super::{META, SessionConfig, reply, stats};
use crate::{Error, Expiry, Instant, Key, Keyspace, Outcome, SetMode, SetOptions, Value};

/// Carries out requests, all at one moment.
pub(super) struct Executor<'e, K> {
    pub(super) now: Instant,
    pub(super) keyspace: &'e mut K,
    pub(super) output: &'e mut Vec<u8>,
}

/// The request's key as it was written, with its hash; an empty one if it has none.
#[inline]
pub(super) fn key_of<'i>(keyspace: &impl Keyspace, request: &Request<'i>) -> Key<'i> {
    match (request.key(), request) {
        ([], _) => Key::from(&[]),
        (_, Request::Meta(meta)) if META && meta.flags.is_base64() => decoded(keyspace, meta),
        (bytes, _) => keyspace.key(bytes),
    }
}

#[cold]
fn decoded<'i>(keyspace: &impl Keyspace, meta: &Meta<'i>) -> Key<'i> {
    let mut buffer = [0; Key::LEN_MAX];
    let key = keyspace.key(meta.key_bytes(&mut buffer));
    key.written(meta.key)
}

impl<K: Keyspace> Executor<'_, K> {
    /// Carries out one request. `key` is the request's, with its hash.
    pub(super) fn execute(&mut self, config: &SessionConfig, request: &Request<'_>, key: Key<'_>) {
        if self.keyspace.wants_events() {
            self.perform_watched(config, request, key);
        } else {
            self.perform(config, request, key);
        }
    }

    #[inline]
    pub(super) fn perform(&mut self, config: &SessionConfig, request: &Request<'_>, key: Key<'_>) {
        match *request {
            Request::Get {
                retrieval, last, ..
            } => self.get(config, key, retrieval, last),
            Request::Store {
                mode,
                compare,
                mut value,
                noreply,
                ..
            } => {
                self.resolve(&mut value.expiry);
                let outcome = self.store(key, mode, compare, value);
                self.answer(noreply, outcome.map_or_else(reply::error, reply::outcome));
            }
            Request::TooLarge { mode, compare, .. } => {
                self.too_large(key, mode == SetMode::Set && compare.is_none());
            }
            Request::Delete { noreply, .. } => {
                let found = self.keyspace.cache_for(&key).delete(self.now, key);
                self.answer(
                    noreply,
                    if found {
                        reply::DELETED
                    } else {
                        reply::NOT_FOUND
                    },
                );
            }
            Request::Arithmetic {
                sign,
                delta,
                noreply,
                ..
            } => match self.calculate(key, sign, delta) {
                Ok(Some(number)) if !noreply => reply::number_line(self.output, number),
                Ok(Some(_)) => {}
                Ok(None) => self.answer(noreply, reply::NOT_FOUND),
                Err(error) => self.answer(noreply, reply::error(error)),
            },
            Request::Touch {
                expiry, noreply, ..
            } => {
                let found = self.touch(key, expiry);
                self.answer(
                    noreply,
                    if found {
                        reply::TOUCHED
                    } else {
                        reply::NOT_FOUND
                    },
                );
            }
            Request::Meta(ref meta) if META => self.meta(meta, key),
            Request::FlushAll { at, noreply } => {
                self.flush_all(at);
                self.answer(noreply, reply::OK);
            }
            Request::Stats => stats::report(self.keyspace, self.output),
            Request::ResetStats => {
                self.keyspace.reset_stats();
                self.output.extend_from_slice(reply::RESET);
            }
            // Carried out by the session, because it decides how that goes on.
            Request::AdminCommand(_) | Request::Meta(_) => {}
            Request::Help(lines) => reply::help(self.output, lines),
            Request::Version => reply::version(self.output, config.version),
            Request::Reply(reply) => self.output.extend_from_slice(reply),
        }
    }

    /// A store that was refused before its value had come. A client that sets a value must never
    /// read the one before it.
    fn too_large(&mut self, key: Key<'_>, sets: bool) {
        let cache = self.keyspace.cache_for(&key);
        cache.count_too_large();
        if sets {
            cache.discard(self.now, key);
        }
    }

    fn answer(&mut self, noreply: bool, reply: &[u8]) {
        if !noreply {
            self.output.extend_from_slice(reply);
        }
    }

    /// A request's expiry: a date is a wall clock's, and becomes a moment of the caller's. Nothing
    /// is left of this where that is the same.
    #[inline(always)]
    fn resolve(&self, expiry: &mut Expiry) {
        if let Expiry::At(date) = expiry {
            *date = date.shifted(self.lead());
        }
    }

    /// How far `now` is ahead of the wall clock, in milliseconds.
    #[inline(always)]
    fn lead(&self) -> i64 {
        self.now.ahead_of(self.keyspace.unix_time(self.now))
    }

    fn get(&mut self, config: &SessionConfig, key: Key<'_>, retrieval: Retrieval, last: bool) {
        let mut touch = retrieval.touch;
        if let Some(expiry) = &mut touch {
            self.resolve(expiry);
        }
        let cache = self.keyspace.cache_for(&key);
        let item = match touch {
            Some(expiry) => cache.get_and_touch(self.now, key, expiry),
            None => cache.get(self.now, key),
        };
        if let Some(mut item) = item {
            if !config.cas_enabled {
                item.cas = 0;
            }
            reply::value(self.output, key.as_bytes(), &item, retrieval.form);
        }
        if last {
            self.output.extend_from_slice(reply::END);
        }
    }

    fn store(
        &mut self,
        key: Key<'_>,
        mode: SetMode,
        compare: Option<u64>,
        value: Value<'_>,
    ) -> Result<Outcome, Error> {
        let (cache, now) = (self.keyspace.cache_for(&key), self.now);
        if mode == SetMode::Set && compare.is_none() {
            return cache.set(now, key, value).map(|()| Outcome::Stored);
        }
        let options = SetOptions {
            mode,
            compare,
            ..SetOptions::default()
        };
        match cache.set_with(now, key, value, &options) {
            Ok(stored) => Ok(stored.outcome),
            // A value that is too large was refused before; here it is the old and the new one
            // together.
            Err(Error::ValueTooLarge) if mode.joins() => Ok(Outcome::NotStored),
            Err(error) => Err(error),
        }
    }

    fn touch(&mut self, key: Key<'_>, mut expiry: Expiry) -> bool {
        self.resolve(&mut expiry);
        let cache = self.keyspace.cache_for(&key);
        cache.touch(self.now, key, expiry)
    }

    fn calculate(&mut self, key: Key<'_>, sign: Sign, delta: u64) -> Result<Option<u64>, Error> {
        let cache = self.keyspace.cache_for(&key);
        match sign {
            Sign::Plus => cache.increment(self.now, key, delta),
            Sign::Minus => cache.decrement(self.now, key, delta),
        }
    }

    fn flush_all(&mut self, mut at: Option<Expiry>) {
        if let Some(at) = &mut at {
            self.resolve(at);
        }
        let at = at
            .and_then(|at| at.deadline(self.now))
            .filter(|&at| at > self.now);
        let now = self.now;
        self.keyspace.for_each(|cache| match at {
            Some(at) => {
                // If an earlier one has come due meanwhile, it is not taken back.
                cache.maintain(now, 0);
                cache.flush_at(at);
            }
            None => cache.clear(),
        });
    }
}
