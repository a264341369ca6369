//! What each meta request does: one call of the cache, one reply.

use super::super::meta::{Arguments, Command, Flags, Meta};
use super::super::meta_reply::{self, Facts, MetaReply, OF_NOTHING, OF_STORE};
use super::super::reply;
use super::Executor;
use crate::{ArithmeticOptions, DeleteOptions, GetOptions, Recache, SetMode, SetOptions};
use crate::{Error, Expiry, Instant, Key, Keyspace, Outcome, Value};

impl<K: Keyspace> Executor<'_, K> {
    /// Carries out a meta request. `key` is the one that was written, with its hash.
    pub(super) fn meta(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        if meta.flags.is_base64() {
            let mut buffer = [0; Key::LEN_MAX];
            self.meta_command(meta, key.written(meta.key_bytes(&mut buffer)));
        } else {
            self.meta_command(meta, key);
        }
    }

    fn meta_command(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        match meta.command {
            Command::Get => self.meta_get(meta, key),
            Command::Set => match meta.value {
                Some(value) => self.meta_set(meta, key, value),
                None => self.too_large(key, true),
            },
            Command::Delete => self.meta_delete(meta, key),
            Command::Arithmetic => self.meta_arithmetic(meta, key),
            Command::Debug => self.meta_debug(meta, key),
        }
    }

    fn meta_get(&mut self, meta: &Meta<'_>, key: Key<'_>) {
        let mut arguments = meta.flags.arguments();
        let lead = self.resolve_all(&mut arguments);
        let options = fetch_options(&meta.flags, &arguments, self.now);
        let cache = self.keyspace.cache_for(&key);
        let fetched = cache.get_with(self.now, key, &options);
        let mut reply = MetaReply {
            output: self.output,
            now: self.now,
            asked: &meta.flags,
            lead,
        };
        match fetched {
            Some(fetched) => reply.item(key.as_bytes(), &fetched),
            None if meta.flags.has(b'q') => {}
            None => reply.line(b"EN", OF_NOTHING, &Facts::of(meta)),
        }
    }

    fn meta_set(&mut self, meta: &Meta<'_>, key: Key<'_>, bytes: &[u8]) {
        let (flags, mut arguments) = (&meta.flags, meta.flags.arguments());
        self.resolve_all(&mut arguments);
        let value = Value {
            bytes,
            flags: arguments.client_flags,
            expiry: arguments.touch.unwrap_or_default(),
        };
        let options = store_options(flags, &arguments);
        let cache = self.keyspace.cache_for(&key);
        let stored = cache.set_with(self.now, key, value, &options);
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
        let (flags, mut arguments) = (&meta.flags, meta.flags.arguments());
        self.resolve_all(&mut arguments);
        let options = DeleteOptions {
            compare: arguments.compare,
            invalidate: flags.has(b'I'),
            clear: flags.has(b'x'),
            cas: arguments.cas,
            touch: arguments.touch,
            flags: arguments.client_flags,
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
        let (flags, mut arguments) = (&meta.flags, meta.flags.arguments());
        let lead = self.resolve_all(&mut arguments);
        let options = calculate_options(flags, &arguments);
        let cache = self.keyspace.cache_for(&key);
        let done = match cache.arithmetic_with(self.now, key, &options) {
            Ok(done) => done,
            Err(error) => return self.output.extend_from_slice(reply::error(error)),
        };
        let facts = Facts {
            cas: done.cas,
            created: done.created,
            ends: done.expires_at,
            ..Facts::of(meta)
        };
        let mut reply = MetaReply {
            lead,
            ..self.reply(flags)
        };
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
        cache.maintain(self.now, 0);
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

    /// Puts moments of the caller's in the place of dates; returns how far these are apart.
    #[inline(always)]
    fn resolve_all(&self, arguments: &mut Arguments) -> i64 {
        if !arguments.have_dates() {
            return 0;
        }
        let lead = self.lead();
        if lead != 0 {
            arguments.shift_dates(lead);
        }
        lead
    }

    /// A reply in which there is no time left.
    const fn reply<'r, 'i>(&'r mut self, asked: &'r Flags<'i>) -> MetaReply<'r, 'i> {
        MetaReply {
            output: self.output,
            now: self.now,
            lead: 0,
            asked,
        }
    }
}

fn fetch_options(flags: &Flags<'_>, arguments: &Arguments, now: Instant) -> GetOptions {
    GetOptions {
        no_bump: flags.has(b'u'),
        touch: arguments.touch,
        vivify: vivify(arguments),
        cas: arguments.cas,
        base64: flags.is_base64(),
        recache: recache(arguments, now),
    }
}

/// When an item that is made ends: what was said last counts.
fn vivify(arguments: &Arguments) -> Option<Expiry> {
    let touch = arguments.touch.filter(|_| !arguments.touches_before_vivify);
    arguments.vivify.map(|vivify| touch.unwrap_or(vivify))
}

fn recache(arguments: &Arguments, now: Instant) -> Recache {
    let Some(limit) = arguments.recache else {
        return Recache::Never;
    };
    if !arguments.touches_before_recache {
        return Recache::EndsBefore(limit);
    }
    // The item is given another end first, so that only the request itself matters.
    let end = arguments.touch.and_then(|touch| touch.deadline(now));
    match end.zip(limit.deadline(now)) {
        Some((end, limit)) if end.seconds_since(now) < limit.seconds_since(now) => Recache::Always,
        _ => Recache::Never,
    }
}

fn store_options(flags: &Flags<'_>, arguments: &Arguments) -> SetOptions {
    SetOptions {
        mode: match arguments.mode {
            Some(b'E') => SetMode::Add,
            Some(b'A') => SetMode::Append,
            Some(b'P') => SetMode::Prepend,
            Some(b'R') => SetMode::Replace,
            _ => SetMode::Set,
        },
        compare: arguments.compare,
        cas: arguments.cas,
        invalidate: flags.has(b'I'),
        vivify: arguments.vivify,
        base64: flags.is_base64(),
    }
}

fn calculate_options(flags: &Flags<'_>, arguments: &Arguments) -> ArithmeticOptions {
    ArithmeticOptions {
        delta: arguments.delta,
        decrement: matches!(arguments.mode, Some(b'D' | b'-')),
        initial: vivify(arguments).map(|expiry| (arguments.initial, expiry)),
        // As in memcached, 0 compares with nothing here.
        compare: arguments.compare.filter(|&cas| cas != 0 || flags.hides_cas),
        cas: arguments.cas,
        touch: arguments.touch,
        base64: flags.is_base64(),
    }
}
