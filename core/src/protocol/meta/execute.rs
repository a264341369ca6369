//! Executes meta requests: one call of the cache and one reply for each.

use super::super::context::Context;
use super::super::event::Effect;
use super::super::{Host, Output, reply};
use super::MetaCommand;
use super::flags::{Arguments, Flags};
use super::reply::{DONE, MetaReply, OF_NOTHING, OF_STORE, ReplyFields, debug};
use super::request::MetaRequest;
use crate::{
    ArithmeticOptions, ArithmeticOutcome, DeleteOptions, DeleteOutcome, GetOptions, Recache,
    SetMode, SetOptions,
};
use crate::{Error, Expiry, Instant, Key, SetOutcome, Value};

/// Executes a meta request. `key` is as it was written, with its hash.
pub(in crate::protocol) fn execute<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    request: &MetaRequest<'_>,
    key: Key<'_>,
) -> Effect {
    if request.is_base64() {
        let mut buffer = [0; Key::LEN_MAX];
        context.meta(request, key.written(request.key_bytes(&mut buffer)))
    } else {
        context.meta(request, key)
    }
}

impl<H: Host, O: Output> Context<'_, H, O> {
    fn meta(&mut self, request: &MetaRequest<'_>, key: Key<'_>) -> Effect {
        match (request.command, request.value) {
            (MetaCommand::Get, _) => {
                self.meta_get(request, key);
                Effect::Get
            }
            (MetaCommand::Set, Some(value)) => Effect::store(self.meta_set(request, key, value)),
            (MetaCommand::Set, None) => {
                self.too_large(key, true);
                Effect::store(Err(Error::ValueTooLarge))
            }
            (MetaCommand::Delete, _) => Effect::Delete {
                deleted: self.meta_delete(request, key),
            },
            (MetaCommand::Arithmetic, _) => {
                self.meta_arithmetic(request, key);
                Effect::Change
            }
            (MetaCommand::Debug, _) => {
                self.meta_debug(request, key);
                Effect::Change
            }
        }
    }

    fn meta_get(&mut self, request: &MetaRequest<'_>, key: Key<'_>) {
        let mut arguments = request.flags.arguments();
        let lead = self.resolve_all(&mut arguments);
        let options = get_options(&request.flags, &arguments, self.now);
        let cache = match options.vivify {
            Some(_) => self.host.cache_to_store(self.now, &key, 0, false),
            None => self.host.cache_for(&key),
        };
        let fetched = cache.get_with(self.now, key, &options);
        let mut reply = MetaReply {
            output: self.output,
            now: self.now,
            asked: &request.flags,
            lead,
        };
        match fetched {
            Some(fetched) => reply.item(key.as_bytes(), &fetched),
            None if request.flags.has(b'q') => {}
            None => reply.line(b"EN", OF_NOTHING, &ReplyFields::of(request)),
        }
    }

    fn meta_set(
        &mut self,
        request: &MetaRequest<'_>,
        key: Key<'_>,
        bytes: &[u8],
    ) -> Result<SetOutcome, Error> {
        let (flags, mut arguments) = (&request.flags, request.flags.arguments());
        self.resolve_all(&mut arguments);
        let value = Value {
            bytes,
            flags: arguments.client_flags,
            expiry: arguments.touch.unwrap_or_default(),
        };
        let options = set_options(flags, &arguments);
        let (len, joins) = (bytes.len(), options.mode.joins());
        let cache = self.host.cache_to_store(self.now, &key, len, joins);
        let result = cache.set_with(self.now, key, value, &options);
        let (code, cas, len): (&[u8], _, _) = match result {
            Ok(SetOutcome::Stored { cas, len }) => (DONE, cas, len),
            Ok(SetOutcome::Exists) => (b"EX", None, bytes.len()),
            Ok(SetOutcome::NotFound) => (b"NF", None, bytes.len()),
            // Not the value alone, but together with the one that it is appended to.
            Ok(SetOutcome::NotStored) | Err(Error::ValueTooLarge) => (b"NS", None, bytes.len()),
            Err(error) => {
                self.output.extend_from_slice(reply::error(error));
                return result;
            }
        };
        let fields = ReplyFields {
            cas,
            size: len as u64,
            ..ReplyFields::of(request)
        };
        self.reply(flags).outcome(code, OF_STORE, &fields);
        result
    }

    /// Says whether the item is gone.
    fn meta_delete(&mut self, request: &MetaRequest<'_>, key: Key<'_>) -> bool {
        let (flags, mut arguments) = (&request.flags, request.flags.arguments());
        self.resolve_all(&mut arguments);
        let options = DeleteOptions {
            compare: arguments.compare,
            invalidate: flags.has(b'I'),
            clear: flags.has(b'x'),
            cas: arguments.cas,
            touch: arguments.touch,
            flags: arguments.client_flags,
        };
        // What stays and gets a longer `cas` may have to be written again.
        let keeps = options.invalidate && !options.clear;
        let cache = self.host.cache_to_store(self.now, &key, 0, keeps);
        let code: &[u8] = match cache.delete_with(self.now, key, &options) {
            Ok(DeleteOutcome::Deleted) => DONE,
            Ok(DeleteOutcome::Exists) => b"EX",
            Ok(DeleteOutcome::NotFound) => b"NF",
            Err(error) => {
                self.output.extend_from_slice(reply::error(error));
                return false;
            }
        };
        let fields = ReplyFields::of(request);
        self.reply(flags).outcome(code, OF_NOTHING, &fields);
        code == DONE && !options.invalidate && !options.clear
    }

    fn meta_arithmetic(&mut self, request: &MetaRequest<'_>, key: Key<'_>) {
        let (flags, mut arguments) = (&request.flags, request.flags.arguments());
        let lead = self.resolve_all(&mut arguments);
        let options = arithmetic_options(flags, &arguments);
        let cache = self.host.cache_to_store(self.now, &key, 0, false);
        let outcome = match cache.arithmetic_with(self.now, key, &options) {
            Ok(outcome) => outcome,
            Err(error) => return self.output.extend_from_slice(reply::error(error)),
        };
        let mut reply = MetaReply {
            lead,
            ..self.reply(flags)
        };
        let none = ReplyFields::of(request);
        match outcome {
            ArithmeticOutcome::Stored { .. } if flags.has(b'q') => {}
            ArithmeticOutcome::Stored {
                number,
                cas,
                created,
                expires_at,
            } => {
                let fields = ReplyFields {
                    cas,
                    created,
                    ends: expires_at,
                    ..none
                };
                reply.number(number, &fields);
            }
            ArithmeticOutcome::Exists => reply.line(b"EX", OF_NOTHING, &none),
            ArithmeticOutcome::NotFound => reply.line(b"NF", OF_NOTHING, &none),
        }
    }

    fn meta_debug(&mut self, request: &MetaRequest<'_>, key: Key<'_>) {
        let cache = self.host.cache_for(&key);
        cache.count_meta();
        // A flush may be due.
        cache.maintain(self.now, 0);
        let is_live = |end: Option<Instant>| end.is_none_or(|end| end > self.now);
        match cache
            .view_of(key)
            .filter(|view| is_live(view.item.expires_at))
        {
            Some(mut view) => {
                if request.flags.hides_cas {
                    view.item.cas = None;
                }
                debug(self.output, self.now, &view);
            }
            None => self.output.extend_from_slice(b"EN\r\n"),
        }
    }

    /// Turns dates into moments of the caller's clock; returns how far that is ahead.
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

    /// A reply without dates.
    const fn reply<'r, 'i>(&'r mut self, asked: &'r Flags<'i>) -> MetaReply<'r, 'i, O> {
        MetaReply {
            output: self.output,
            now: self.now,
            lead: 0,
            asked,
        }
    }
}

fn get_options(flags: &Flags<'_>, arguments: &Arguments, now: Instant) -> GetOptions {
    GetOptions {
        no_bump: flags.has(b'u'),
        touch: arguments.touch,
        vivify: vivify(arguments),
        cas: arguments.cas,
        base64: flags.is_base64(),
        recache: recache(arguments, now),
    }
}

/// The expiry of an item that is created: of `N` and `T` the last one counts.
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
    // The item gets its new deadline first, so that only the request matters.
    let end = arguments.touch.and_then(|touch| touch.deadline(now));
    match end.zip(limit.deadline(now)) {
        Some((end, limit)) if end.seconds_since(now) < limit.seconds_since(now) => Recache::Always,
        _ => Recache::Never,
    }
}

fn set_options(flags: &Flags<'_>, arguments: &Arguments) -> SetOptions {
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

fn arithmetic_options(flags: &Flags<'_>, arguments: &Arguments) -> ArithmeticOptions {
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
