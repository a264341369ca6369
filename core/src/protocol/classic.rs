//! memcached's classic commands: how each is spelled. Those that only read have a file of their
//! own, [`retrieval`].

use core::time::Duration;

use super::line::{self, Line};
use super::meta::Command;
use super::request::{Form, Parsed, Request, Sign, Skip, is_too_large};
use super::{META, SessionConfig, meta, reply, retrieval};
use crate::{Expiry, Instant, SetMode, Value};

/// The shortest line, with its end, that is looked at.
const LINE_MIN: usize = 4;

/// The largest size that a value can be announced with. More is no size at all: nothing is skipped.
const SIZE_MAX: u64 = i32::MAX as u64 - 2;

/// Exptimes up to thirty days count from now, larger ones are Unix times.
const RELATIVE_MAX: i64 = 30 * 24 * 60 * 60;

const UNIX_MIN: i64 = RELATIVE_MAX + 1;

/// The largest Unix time, in 2106. The thirty days of numbers above it are negative ones of 32 bits
/// without their sign: some clients write -1 like this, and mean an item that has expired.
const UNIX_MAX: i64 = UNSIGNED_MAX - RELATIVE_MAX;
const UNSIGNED_MAX: i64 = u32::MAX as i64;
const SIGNED_MIN: i64 = i32::MIN as i64;

/// What a line is that begins with a verb of ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    Retrieve { form: Form, touches: bool },
    Store(SetMode),
    CompareAndSwap,
    Meta(Command),
    MetaNoop,
    Delete,
    Arithmetic(Sign),
    Touch,
    FlushAll,
    Version,
    Stats,
    Quit,
}

const fn retrieve(form: Form, touches: bool) -> Verb {
    Verb::Retrieve { form, touches }
}

/// What is asked for most often comes first.
static VERBS: [(&[u8], Verb); 24] = [
    (b"get", retrieve(Form::Flags, false)),
    (b"set", Verb::Store(SetMode::Set)),
    (b"mg", Verb::Meta(Command::Get)),
    (b"gets", retrieve(Form::FlagsAndCas, false)),
    (b"ms", Verb::Meta(Command::Set)),
    (b"incr", Verb::Arithmetic(Sign::Plus)),
    (b"delete", Verb::Delete),
    (b"add", Verb::Store(SetMode::Add)),
    (b"cas", Verb::CompareAndSwap),
    (b"gat", retrieve(Form::Flags, true)),
    (b"gats", retrieve(Form::FlagsAndCas, true)),
    (b"md", Verb::Meta(Command::Delete)),
    (b"mn", Verb::MetaNoop),
    (b"ma", Verb::Meta(Command::Arithmetic)),
    (b"me", Verb::Meta(Command::Debug)),
    (b"touch", Verb::Touch),
    (b"decr", Verb::Arithmetic(Sign::Minus)),
    (b"replace", Verb::Store(SetMode::Replace)),
    (b"append", Verb::Store(SetMode::Append)),
    (b"prepend", Verb::Store(SetMode::Prepend)),
    (b"flush_all", Verb::FlushAll),
    (b"version", Verb::Version),
    (b"stats", Verb::Stats),
    (b"quit", Verb::Quit),
];

/// What a verb means, if it is one of memcached's that are answered here.
pub(super) fn verb(word: &[u8]) -> Option<Verb> {
    let found = VERBS.iter().find(|(name, _)| *name == word);
    found.map(|&(_, verb)| verb)
}

/// The request that begins with this line. `None` means that more bytes are needed.
pub(super) fn parse<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    if line.len < LINE_MIN {
        return Some(Parsed::classic(line.len, bad_line()));
    }
    let Some(verb) = verb(line.verb) else {
        return Some(match line.is_http() {
            true => Parsed::close(line.len, reply::NONE),
            false => Parsed::command(line),
        });
    };
    let request = match verb {
        Verb::Retrieve { form, touches } => return retrieval::parse(form, touches, line),
        Verb::Store(mode) => return store(config, mode, false, line),
        Verb::CompareAndSwap => return store(config, SetMode::Set, true, line),
        Verb::Meta(command) if META => return meta::parse(config, command, line),
        Verb::MetaNoop if META => Request::Reply(reply::META_NOOP),
        // The value behind it must not be taken for a command.
        Verb::Meta(Command::Set) => return Some(Parsed::close(line.len, reply::ERROR)),
        Verb::Meta(_) | Verb::MetaNoop => return Some(Parsed::command(line)),
        Verb::Delete => delete(line),
        Verb::Arithmetic(sign) => arithmetic(sign, line),
        Verb::Touch => touch(line),
        Verb::FlushAll => flush_all(config, line),
        Verb::Version => Request::Version,
        Verb::Stats => match line.arguments().next() {
            None => Request::Stats,
            // Memcached takes any beginning of the word.
            Some(word) if b"reset".starts_with(word) => Request::ResetStats,
            Some(_) => return Some(Parsed::command(line)),
        },
        Verb::Quit => return Some(Parsed::quit(line.len, reply::NONE)),
    };
    Some(Parsed::classic(line.len, request))
}

/// A reply that `noreply` silences.
fn refuse<'i>(line: Line<'i>, reply: &'static [u8]) -> Request<'i> {
    Request::Reply(if line.noreply() { reply::NONE } else { reply })
}

/// The reply to a line whose form is wrong, which `noreply` does not silence.
const fn bad_line<'i>() -> Request<'i> {
    Request::Reply(reply::BAD_LINE)
}

/// `set <key> <flags> <exptime> <size> [noreply]`, the others the same, and `cas` with a `<unique>`
/// after the size; then the value.
fn store<'i>(
    config: &SessionConfig,
    mode: SetMode,
    compares: bool,
    line: Line<'i>,
) -> Option<Parsed<'i>> {
    let mut words = line.arguments();
    let (key, flags, exptime, size) = (words.next(), words.next(), words.next(), words.next());
    let (Some(key), Some(flags), Some(exptime), Some(size)) =
        (key, flags, exptime, size.and_then(value_size))
    else {
        // Nobody can say where the next request begins, and no byte of a value may be taken for
        // one.
        return Some(Parsed::close(line.len, reply::BAD_LINE));
    };
    let compare = match compares {
        true => words.next().and_then(line::strict_u64).map(Some),
        false => Some(None),
    };
    let noreply = line.noreply();
    let skip = |reply| {
        let (block, reply) = (size + 2, if noreply { reply::NONE } else { reply });
        Parsed::skip(
            line.len,
            Skip {
                block,
                line: false,
                reply,
                own: false,
            },
        )
    };
    let (true, Some(compare), Some(flags), Some(exptime)) = (
        line::is_key(key),
        compare,
        line::number(flags),
        line::signed(exptime),
    ) else {
        return Some(skip(reply::BAD_LINE));
    };
    if is_too_large(config, &line, key.len(), size) {
        let request = Request::TooLarge { mode, compare, key };
        return Some(Parsed {
            request,
            ..skip(reply::TOO_LARGE)
        });
    }
    let block = line.rest().get(..size as usize + 2)?;
    let request = match block.strip_suffix(b"\r\n") {
        Some(bytes) => {
            let value = Value {
                bytes,
                flags,
                expiry: expiry(exptime),
            };
            Request::Store {
                mode,
                // No item has 0.
                compare: compare.map(|cas| if config.cas_enabled { cas } else { 0 }),
                key,
                value,
                noreply,
            }
        }
        None => refuse(line, reply::BAD_CHUNK),
    };
    Some(Parsed::classic(line.len + block.len(), request))
}

pub(super) fn value_size(word: &[u8]) -> Option<u64> {
    let size = u64::try_from(line::strict_signed(word)?).ok()?;
    (size <= SIZE_MAX).then_some(size)
}

/// `delete <key> [noreply]`. Two further words are ignored, as memcached ignores all; more of them
/// look like a list of keys, of which only the first would be deleted.
fn delete<'i>(line: Line<'i>) -> Request<'i> {
    let mut words = line.arguments();
    let Some(key) = words.next() else {
        return bad_line();
    };
    if !line::is_key(key) || words.nth(2).is_some() {
        return refuse(line, reply::BAD_LINE);
    }
    Request::Delete {
        key,
        noreply: line.noreply(),
    }
}

/// `incr <key> <delta> [noreply]`, `decr` the same.
fn arithmetic<'i>(sign: Sign, line: Line<'i>) -> Request<'i> {
    let mut words = line.arguments();
    let (Some(key), Some(delta)) = (words.next(), words.next()) else {
        return bad_line();
    };
    if !line::is_key(key) {
        return refuse(line, reply::BAD_LINE);
    }
    match line::strict_u64(delta) {
        Some(delta) => Request::Arithmetic {
            key,
            sign,
            delta,
            noreply: line.noreply(),
        },
        None => refuse(line, reply::BAD_DELTA),
    }
}

/// `touch <key> <exptime> [noreply]`.
fn touch<'i>(line: Line<'i>) -> Request<'i> {
    let mut words = line.arguments();
    let (Some(key), Some(exptime)) = (words.next(), words.next()) else {
        return bad_line();
    };
    if !line::is_key(key) {
        return refuse(line, reply::BAD_LINE);
    }
    match strict_expiry(exptime) {
        Some(expiry) => Request::Touch {
            key,
            expiry,
            noreply: line.noreply(),
        },
        None => refuse(line, reply::BAD_EXPTIME),
    }
}

/// `flush_all [<exptime>] [noreply]`.
fn flush_all<'i>(config: &SessionConfig, line: Line<'i>) -> Request<'i> {
    if !config.flush_enabled {
        return refuse(line, reply::FLUSH_DISABLED);
    }
    let noreply = line.noreply();
    let at = match line.arguments().next() {
        Some(exptime) if exptime != b"noreply" || !noreply => match strict_expiry(exptime) {
            None => return refuse(line, reply::BAD_EXPTIME),
            at => at,
        },
        _ => None,
    };
    Request::FlushAll { at, noreply }
}

/// The same of an exptime that has to be a strict number: of 32 bits, with a sign or without.
pub(super) fn strict_expiry(word: &[u8]) -> Option<Expiry> {
    let exptime = line::strict_signed(word)?;
    (SIGNED_MIN..=UNSIGNED_MAX)
        .contains(&exptime)
        .then(|| expiry(exptime))
}

/// What an exptime means. What 32 bits cannot hold is never.
fn expiry(exptime: i64) -> Expiry {
    let seconds = exptime.unsigned_abs();
    match exptime {
        0 => Expiry::Never,
        1..=RELATIVE_MAX => Expiry::After(Duration::from_secs(seconds)),
        UNIX_MIN..=UNIX_MAX => Expiry::At(Instant::from_secs(seconds)),
        ..=UNSIGNED_MAX => Expiry::After(Duration::ZERO),
        _ => Expiry::Never,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::{Cache, Config, Instant, Session, SessionConfig};

    #[test]
    fn without_meta_commands_their_verbs_are_unknown_and_no_value_is_run() {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        let mut session = Session::new(SessionConfig::default());
        let (mut input, mut output) = (&b"mn\r\nmg k\r\nms k 9\r\nflush_all\r\n"[..], Vec::new());
        while !input.is_empty() && !session.is_closed() {
            let used = session.process(Instant::from_secs(1), input, &mut cache, &mut output);
            input = &input[used..];
        }
        let replies = match super::META {
            true => &b"MN\r\nEN\r\nHD\r\n"[..],
            false => b"ERROR\r\nERROR\r\nERROR\r\n",
        };
        assert_eq!((&output[..], session.is_closed()), (replies, !super::META));
    }
}
