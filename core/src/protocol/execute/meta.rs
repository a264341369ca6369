//! What each meta request does: one call of the cache, one reply.

use super::super::meta::{Command, Flags, Meta};
use super::super::meta_reply::{self, Facts, MetaReply, OF_NOTHING, OF_STORE};
use super::super::reply;
use super::Executor;
use crate::{CalculateOptions, DeleteOptions, FetchOptions, Recache, StoreMode, StoreOptions};
use crate::{Error, Expiry, Instant, Key, Keyspace, Outcome, Value};

impl<K: Keyspace> Executor<'_, K> {
    /// Carries out a meta request. `key` is the one that was written, with its hash.
    pub(super) fn meta(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let mut buffer = [0; Key::LEN_MAX];
        let key = key.written(meta.key_bytes(&mut buffer));
        match meta.command {
            Command::Get => self.meta_get(meta, key),
            Command::Set(Some(value)) => self.meta_set(meta, key, value),
            Command::Set(None) => self.too_large(key, true),
            Command::Delete => self.meta_delete(meta, key),
            Command::Arithmetic => self.meta_arithmetic(meta, key),
            Command::Debug => self.meta_debug(meta, key),
        }
    }

    fn meta_get(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let options = fetch_options(&meta.flags, self.now);
        let cache = self.keyspace.cache_for(&key);
        let fetched = cache.fetch_with(self.now, key, &options);
        let mut reply = MetaReply {
            output: self.output,
            now: self.now,
            asked: &meta.flags,
        };
        match fetched {
            Some(fetched) => reply.item(key.bytes(), &fetched),
            None if meta.flags.has(b'q') => {}
            None => reply.line(b"EN", OF_NOTHING, &Facts::of(meta)),
        }
    }

    fn meta_set(&mut self, meta: &Meta<'_>, key: Key<'_>, bytes: &[u8]) {
        let flags = &meta.flags;
        let value = Value {
            bytes,
            flags: flags.client_flags,
            expiry: flags.touch().unwrap_or_default(),
        };
        let cache = self.keyspace.cache_for(&key);
        let stored = cache.store_with(self.now, key, value, &store_options(flags));
        let (outcome, cas, len) = match stored {
            Ok(stored) => (stored.outcome, stored.cas, stored.len),
            // The value alone was not, but it is together with the one it was to be joined to.
            Err(Error::ValueTooLarge) => (Outcome::NotStored, 0, bytes.len()),
            Err(error) => return self.output.extend_from_slice(reply::error(error)),
        };
        let facts = Facts {
            cas,
            size: len as u64,
            ..Facts::of(meta)
        };
        self.reply(flags).outcome(outcome, OF_STORE, &facts);
    }

    fn meta_delete(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let flags = &meta.flags;
        let options = DeleteOptions {
            compare: flags.compare(),
            invalidate: flags.has(b'I'),
            clear: flags.has(b'x'),
            cas: flags.cas,
            touch: flags.touch(),
            flags: flags.client_flags,
        };
        let cache = self.keyspace.cache_for(&key);
        match cache.delete_with(self.now, key, &options) {
            Ok(outcome) => self
                .reply(flags)
                .outcome(outcome, OF_NOTHING, &Facts::of(meta)),
            Err(error) => self.output.extend_from_slice(reply::error(error)),
        }
    }

    fn meta_arithmetic(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let flags = &meta.flags;
        let cache = self.keyspace.cache_for(&key);
        let done = match cache.calculate_with(self.now, key, &calculate_options(flags)) {
            Ok(done) => done,
            Err(error) => return self.output.extend_from_slice(reply::error(error)),
        };
        let facts = Facts {
            cas: done.cas,
            created: done.created,
            ends: done.expires_at,
            ..Facts::of(meta)
        };
        let mut reply = self.reply(flags);
        match done.outcome {
            Outcome::Stored if flags.has(b'q') => {}
            Outcome::Stored => reply.number(done.number, &facts),
            other => reply.outcome(other, OF_NOTHING, &facts),
        }
    }

    fn meta_debug(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let cache = self.keyspace.cache_for(&key);
        cache.count_meta();
        // Seen only now, a clearing may have come due.
        cache.tick(self.now, 0);
        let is_live = |end: Option<Instant>| end.is_none_or(|end| end > self.now);
        match cache
            .view_of(key)
            .filter(|view| is_live(view.item.expires_at))
        {
            Some(mut view) => {
                if meta.flags.hides_cas {
                    view.item.cas = 0;
                }
                meta_reply::debug(self.output, self.now, &view);
            }
            None => self.output.extend_from_slice(b"EN\r\n"),
        }
    }

    const fn reply<'r, 'i>(&'r mut self, asked: &'r Flags<'i>) -> MetaReply<'r, 'i> {
        MetaReply {
            output: self.output,
            now: self.now,
            asked,
        }
    }
}

fn fetch_options(flags: &Flags<'_>, now: Instant) -> FetchOptions {
    let (touch, limit) = (flags.touch(), flags.recache());
    let recache = match limit {
        None => Recache::Never,
        // The item is given another end first, so that only the request itself matters.
        Some(limit) if flags.touches_before_recache => {
            let is_before = |end: Instant| {
                let limit = limit.deadline(now);
                limit.is_some_and(|limit| end.seconds_since(now) < limit.seconds_since(now))
            };
            match touch
                .and_then(|touch| touch.deadline(now))
                .is_some_and(is_before)
            {
                true => Recache::Always,
                false => Recache::Never,
            }
        }
        Some(limit) => Recache::EndsBefore(limit),
    };
    FetchOptions {
        no_bump: flags.has(b'u'),
        touch,
        vivify: vivify(flags),
        cas: flags.cas,
        base64: flags.is_base64(),
        recache,
    }
}

/// When an item that is made ends: what was said last counts.
fn vivify(flags: &Flags<'_>) -> Option<Expiry> {
    let (vivify, touch) = (flags.vivify()?, flags.touch());
    Some(
        touch
            .filter(|_| !flags.touches_before_vivify)
            .unwrap_or(vivify),
    )
}

fn store_options(flags: &Flags<'_>) -> StoreOptions {
    StoreOptions {
        mode: match flags.mode {
            Some(b'E') => StoreMode::Add,
            Some(b'A') => StoreMode::Append,
            Some(b'P') => StoreMode::Prepend,
            Some(b'R') => StoreMode::Replace,
            _ => StoreMode::Set,
        },
        compare: flags.compare(),
        cas: flags.cas,
        invalidate: flags.has(b'I'),
        vivify: flags.vivify(),
        base64: flags.is_base64(),
    }
}

fn calculate_options(flags: &Flags<'_>) -> CalculateOptions {
    CalculateOptions {
        delta: flags.delta,
        decrement: matches!(flags.mode, Some(b'D' | b'-')),
        initial: vivify(flags).map(|expiry| (flags.initial, expiry)),
        compare: flags.compare(),
        cas: flags.cas,
        touch: flags.touch(),
        base64: flags.is_base64(),
    }
}
