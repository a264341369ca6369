//! memcached's classic commands: how each is spelled.

use core::time::Duration;

use super::line::{self, Line, Tokens};
use super::request::{Form, Mode, Parsed, Request, Retrieval, Sign, Skip, State, is_too_large};
use super::{SessionConfig, reply};
use crate::{Expiry, Instant, Key, Value};

/// The shortest line, with its end, that is looked at.
const LINE_MIN: usize = 4;

/// The largest size that a value can be announced with. More is no size at all: nothing is skipped.
const SIZE_MAX: u64 = i32::MAX as u64 - 2;

/// Exptimes up to thirty days count from now, larger ones are Unix times.
const RELATIVE_MAX: i64 = 30 * 24 * 60 * 60;

/// The commands. `None` means that more bytes are needed.
pub(super) fn parse<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    if line.len < LINE_MIN {
        return Some(Parsed::classic(line.len, Request::Reply(reply::BAD_LINE)));
    }
    let request = match line.verb {
        b"get" | b"gets" | b"gat" | b"gats" => return retrieval(line),
        b"set" => return store(config, Mode::Set, line),
        b"add" => return store(config, Mode::Add, line),
        b"cas" => return store(config, Mode::CompareAndSwap(0), line),
        b"replace" => return store(config, Mode::Replace, line),
        b"append" => return store(config, Mode::Append, line),
        b"prepend" => return store(config, Mode::Prepend, line),
        b"delete" => delete(line),
        b"incr" => arithmetic(Sign::Plus, line),
        b"decr" => arithmetic(Sign::Minus, line),
        b"touch" => touch(line),
        b"flush_all" => flush_all(line),
        b"verbosity" => verbosity(line),
        b"version" => Request::Version,
        b"stats" => Request::Stats {
            argument: line.arguments().next(),
        },
        b"mn" => Request::Reply(reply::META_NOOP),
        b"quit" => return Some(Parsed::close(line.len, reply::NONE)),
        _ if line.is_http() => return Some(Parsed::close(line.len, reply::NONE)),
        _ => refuse(line, reply::ERROR),
    };
    Some(Parsed::classic(line.len, request))
}

/// A refusal that `noreply` silences. Lines with too few words are refused before that is looked at.
fn refuse<'i>(line: Line<'i>, reply: &'static [u8]) -> Request<'i> {
    Request::Reply(if line.noreply() { reply::NONE } else { reply })
}

const fn bad_line<'i>() -> Request<'i> {
    Request::Reply(reply::BAD_LINE)
}

/// `set <key> <flags> <exptime> <size> [noreply]`, the same for the others; `cas` has a `<unique>`
/// after the size.
fn store<'i>(config: &SessionConfig, mode: Mode, line: Line<'i>) -> Option<Parsed<'i>> {
    let mut words = line.arguments();
    let (key, flags, exptime, size) = (words.next(), words.next(), words.next(), words.next());
    let size = size
        .and_then(line::strict_i32)
        .and_then(|size| u64::try_from(size).ok());
    let (Some(key), Some(flags), Some(exptime), Some(size @ ..=SIZE_MAX)) =
        (key, flags, exptime, size)
    else {
        // Without a size nobody can say where the next request begins; the next line is taken for it.
        return Some(Parsed::classic(line.len, bad_line()));
    };
    let mode = match mode {
        Mode::CompareAndSwap(_) => words
            .next()
            .and_then(line::strict_u64)
            .map(Mode::CompareAndSwap),
        other => Some(other),
    };
    let noreply = line.noreply();
    let skip = |reply| {
        let reply = if noreply { reply::NONE } else { reply };
        Parsed::skip(
            line.len,
            Skip {
                block: size + 2,
                line: false,
                own: false,
                reply,
            },
        )
    };
    let (true, Some(mode), Some(flags), Some(exptime)) = (
        line::is_key(key),
        mode,
        line::number(flags),
        line::number(exptime),
    ) else {
        return Some(skip(reply::BAD_LINE));
    };
    if is_too_large(config, &line, key, size) {
        return Some(Parsed {
            request: Request::TooLarge { mode, key },
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
                key,
                value,
                noreply,
            }
        }
        None => refuse(line, reply::BAD_CHUNK),
    };
    Some(Parsed::classic(line.len + block.len(), request))
}

/// `get <key>+`, `gets <key>+`, `gat <exptime> <key>+`, `gats <exptime> <key>+`.
fn retrieval<'i>(line: Line<'i>) -> Option<Parsed<'i>> {
    let refuse = |reply| Some(Parsed::classic(line.len, Request::Reply(reply)));
    let mut words = line.arguments();
    let exptime = if touches(line.verb) {
        words.next()
    } else {
        None
    };
    let keys = words.rest();
    // All keys are checked before the first is answered, so that a bad one is all of the reply.
    if words.clone().next().is_none() {
        return refuse(reply::BAD_LINE);
    }
    let Some(retrieval) = head(line.verb, exptime) else {
        return refuse(reply::BAD_EXPTIME);
    };
    if !words.all(line::is_key) {
        return refuse(reply::BAD_LINE);
    }
    key_at(retrieval, line.input, line.text.len() - keys.len())
}

/// A retrieval whose line is too long to wait for its end.
pub(super) fn long_retrieval<'i>(verb: &[u8], input: &'i [u8]) -> Option<Parsed<'i>> {
    if !matches!(verb, b"get" | b"gets" | b"gat" | b"gats") {
        return None;
    }
    let mut words = Tokens::new(&input[verb.len()..]);
    let exptime = if touches(verb) { words.next() } else { None };
    let keys = input.len() - words.rest().len();
    match head(verb, exptime) {
        Some(retrieval) => key_at(retrieval, input, keys),
        None => Some(skip_line(keys, reply::BAD_EXPTIME)),
    }
}

fn touches(verb: &[u8]) -> bool {
    matches!(verb, b"gat" | b"gats")
}

/// What a retrieval says before its keys; `None` if its exptime is wrong.
fn head(verb: &[u8], exptime: Option<&[u8]>) -> Option<Retrieval> {
    let form = if verb.ends_with(b"s") {
        Form::FlagsAndCas
    } else {
        Form::Flags
    };
    let touch = match exptime {
        Some(exptime) => Some(expiry(line::strict_i32(exptime)?.into())),
        None => None,
    };
    Some(Retrieval { form, touch })
}

fn key_at<'i>(retrieval: Retrieval, input: &'i [u8], at: usize) -> Option<Parsed<'i>> {
    next_key(retrieval, &input[at..]).map(|key| Parsed {
        len: at + key.len,
        ..key
    })
}

/// The next key of a retrieval.
pub(super) fn next_key<'i>(retrieval: Retrieval, input: &'i [u8]) -> Option<Parsed<'i>> {
    let next = State::Keys(retrieval);
    let keys = line::trim_spaces(input);
    let spaces = input.len() - keys.len();
    let Some(len) = keys.iter().position(|b| matches!(b, b' ' | b'\n')) else {
        // One more than a key may have: the CR that ends the line.
        return match keys.len() > Key::LEN_MAX + 1 {
            true => Some(skip_line(spaces, reply::BAD_LINE)),
            false => (spaces > 0).then_some(Parsed {
                request: Request::Reply(reply::NONE),
                len: spaces,
                next,
            }),
        };
    };
    let (key, after) = keys.split_at(len);
    let (key, end) = match after {
        [b'\n', ..] => (key.strip_suffix(b"\r").unwrap_or(key), Some(len + 1)),
        _ => (key, line_end(after).map(|end| len + end)),
    };
    if !line::is_key(key) {
        return Some(skip_line(spaces, reply::BAD_LINE));
    }
    Some(match end {
        Some(end) if key.is_empty() => Parsed::classic(spaces + end, Request::Reply(reply::END)),
        Some(end) => Parsed::classic(
            spaces + end,
            Request::Get {
                key,
                retrieval,
                last: true,
            },
        ),
        None => Parsed {
            request: Request::Get {
                key,
                retrieval,
                last: false,
            },
            len: spaces + len,
            next,
        },
    })
}

/// How many bytes there are up to the end of the line, if nothing but spaces comes before it.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let after = line::trim_spaces(bytes);
    let end = match after {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    Some(bytes.len() - after.len() + end)
}

fn skip_line<'i>(len: usize, reply: &'static [u8]) -> Parsed<'i> {
    Parsed::skip(
        len,
        Skip {
            block: 0,
            line: true,
            own: false,
            reply,
        },
    )
}

/// `delete <key> [noreply]`. Two more words are ignored, as memcached ignores any number of them; more
/// than that look like several keys, of which only the first would be deleted.
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
    match line::strict_i32(exptime) {
        Some(exptime) => Request::Touch {
            key,
            expiry: expiry(exptime.into()),
            noreply: line.noreply(),
        },
        None => refuse(line, reply::BAD_EXPTIME),
    }
}

/// `flush_all [<exptime>] [noreply]`.
fn flush_all<'i>(line: Line<'i>) -> Request<'i> {
    let noreply = line.noreply();
    let exptime = match line.arguments().next() {
        None => Some(0),
        Some(b"noreply") if noreply => Some(0),
        Some(exptime) => line::strict_i32(exptime),
    };
    match exptime {
        Some(exptime) => {
            let at = (exptime > 0).then(|| expiry(exptime.into()));
            Request::FlushAll { at, noreply }
        }
        None => refuse(line, reply::BAD_EXPTIME),
    }
}

/// `verbosity <level> [noreply]`. The level is checked and not used: what is logged is the host's.
fn verbosity<'i>(line: Line<'i>) -> Request<'i> {
    let Some(level) = line.arguments().next() else {
        return bad_line();
    };
    match line::strict::<u32>(level, 11) {
        Some(_) => refuse(line, reply::OK),
        None => refuse(line, reply::BAD_LINE),
    }
}

/// 0 is never, a negative number at once. What 32 bits cannot hold is never, too: nobody waits for the
/// year 2106.
fn expiry(exptime: i64) -> Expiry {
    match exptime {
        0 => Expiry::Never,
        ..0 => Expiry::After(Duration::ZERO),
        1..=RELATIVE_MAX => Expiry::After(Duration::from_secs(exptime.unsigned_abs())),
        _ if exptime <= u32::MAX.into() => Expiry::At(Instant::from_secs(exptime.unsigned_abs())),
        _ => Expiry::Never,
    }
}
