//! Executes requests: one call of the cache and one reply for each.

use super::context::Context;
use super::event::Effect;
use super::request::{Request, Retrieval, Sign};
use super::{Host, Output, SessionConfig, binary, meta, reply, stats};
use crate::{Error, Expiry, Key, SetMode, SetOptions, SetOutcome, Value};

/// Executes one request and returns what it did to an item; `None` if it is about no item. `key` is
/// the request's, with its hash.
#[inline]
pub(super) fn execute<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    config: &SessionConfig,
    request: &Request<'_>,
    key: Key<'_>,
) -> Option<Effect> {
    let effect = match *request {
        Request::Get {
            retrieval, last, ..
        } => context.get(config, key, retrieval, last),
        Request::Store {
            mode,
            compare,
            value,
            noreply,
            ..
        } => context.store(key, mode, compare, value, noreply),
        Request::TooLarge { mode, compare, .. } => {
            context.too_large(key, mode == SetMode::Set && compare.is_none());
            Effect::store(Err(Error::ValueTooLarge))
        }
        Request::Delete { noreply, .. } => context.delete(key, noreply),
        Request::Arithmetic {
            sign,
            delta,
            noreply,
            ..
        } => context.arithmetic(key, sign, delta, noreply),
        Request::Touch {
            expiry, noreply, ..
        } => context.touch(key, expiry, noreply),
        Request::Meta(ref request) => meta::execute(context, request, key),
        Request::Binary(ref request) => return binary::execute(context, config, request, key),
        Request::FlushAll { at, noreply } => {
            context.flush_all(at);
            context.answer(noreply, reply::OK);
            return None;
        }
        #[cfg(feature = "flush-prefix")]
        Request::FlushPrefix { prefix, noreply } => {
            let reply = match context.host.flush_prefix(prefix) {
                Ok(()) => reply::OK,
                Err(error) => reply::error(error),
            };
            context.answer(noreply, reply);
            return None;
        }
        Request::Stats => {
            stats::report(context.host, context.output);
            return None;
        }
        Request::ResetStats => {
            context.host.reset_stats();
            context.output.extend_from_slice(reply::RESET);
            return None;
        }
        Request::Help(lines) => {
            reply::help(context.output, lines);
            return None;
        }
        Request::Version => {
            reply::version(context.output, config.version);
            return None;
        }
        Request::Reply(reply) => {
            context.output.extend_from_slice(reply);
            return None;
        }
        // Executed by the session, whose state depends on it.
        Request::AdminCommand(_) | Request::BinaryControl(_) => return None,
    };
    Some(effect)
}

impl<H: Host, O: Output> Context<'_, H, O> {
    fn get(
        &mut self,
        config: &SessionConfig,
        key: Key<'_>,
        retrieval: Retrieval,
        last: bool,
    ) -> Effect {
        self.look_up(config, key, retrieval.touch, |output, item| {
            if let Some(item) = item {
                let (key, form) = (key.as_bytes(), retrieval.form);
                reply::value(output, key, &item.value, item.flags, item.cas, form);
            }
        });
        if last {
            self.output.extend_from_slice(reply::END);
        }
        Effect::Get
    }

    fn store(
        &mut self,
        key: Key<'_>,
        mode: SetMode,
        compare: Option<u64>,
        mut value: Value<'_>,
        noreply: bool,
    ) -> Effect {
        self.resolve(&mut value.expiry);
        let (now, len) = (self.now, value.bytes.len());
        let cache = self.host.cache_to_store(now, &key, len, mode.joins());
        let result = if mode == SetMode::Set && compare.is_none() {
            let stored = SetOutcome::Stored {
                cas: None,
                len: value.bytes.len(),
            };
            cache.set(now, key, value).map(|()| stored)
        } else {
            let options = SetOptions {
                mode,
                compare,
                ..SetOptions::default()
            };
            cache.set_with(now, key, value, &options)
        };
        self.answer(noreply, reply::store(result, mode));
        Effect::store(result)
    }

    fn delete(&mut self, key: Key<'_>, noreply: bool) -> Effect {
        let deleted = self.host.cache_for(&key).delete(self.now, key);
        let reply = match deleted {
            true => reply::DELETED,
            false => reply::NOT_FOUND,
        };
        self.answer(noreply, reply);
        Effect::Delete { deleted }
    }

    fn arithmetic(&mut self, key: Key<'_>, sign: Sign, delta: u64, noreply: bool) -> Effect {
        let cache = self.host.cache_to_store(self.now, &key, 0, false);
        let result = match sign {
            Sign::Plus => cache.increment(self.now, key, delta),
            Sign::Minus => cache.decrement(self.now, key, delta),
        };
        match result {
            Ok(Some(number)) if !noreply => reply::number_line(self.output, number),
            Ok(Some(_)) => {}
            Ok(None) => self.answer(noreply, reply::NOT_FOUND),
            Err(error) => self.answer(noreply, reply::error(error)),
        }
        Effect::Change
    }

    fn touch(&mut self, key: Key<'_>, mut expiry: Expiry, noreply: bool) -> Effect {
        self.resolve(&mut expiry);
        let cache = self.host.cache_for(&key);
        let reply = match cache.touch(self.now, key, expiry) {
            true => reply::TOUCHED,
            false => reply::NOT_FOUND,
        };
        self.answer(noreply, reply);
        Effect::Change
    }
}
