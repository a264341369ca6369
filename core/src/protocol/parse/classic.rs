//! memcached's commands that store, delete, change and flush: the grammar of each.

use super::super::line::{self, Line};
use super::super::parsed::{Parsed, Skip};
use super::super::request::{Request, Sign};
use super::super::{SessionConfig, exptime, reply};
use crate::{SetMode, Value};

/// A reply that `noreply` silences.
fn refuse<'i>(line: Line<'i>, reply: &'static [u8]) -> Request<'i> {
    Request::Reply(if line.noreply() { reply::NONE } else { reply })
}

/// The reply to a line whose form is wrong, which `noreply` does not silence.
pub(super) const fn bad_line<'i>() -> Request<'i> {
    Request::Reply(reply::BAD_LINE)
}

/// `set <key> <flags> <exptime> <size> [noreply]`, the others the same, and `cas` with a `<unique>`
/// after the size; then the value.
pub(super) fn store<'i>(
    config: &SessionConfig,
    mode: SetMode,
    compares: bool,
    line: Line<'i>,
) -> Option<Parsed<'i>> {
    let mut words = line.arguments();
    let (key, flags, exptime, size) = (words.next(), words.next(), words.next(), words.next());
    let (Some(key), Some(flags), Some(exptime), Some(size)) =
        (key, flags, exptime, size.and_then(line::value_size))
    else {
        // It is unknown where the next request begins, and a value must never be run as one.
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
                dynamidb: false,
            },
        )
    };
    let (true, Some(compare), Some(flags), Some(seconds)) = (
        line::is_key(key),
        compare,
        line::number(flags),
        line::signed(exptime),
    ) else {
        return Some(skip(reply::BAD_LINE));
    };
    if config.is_too_large(line.len, key.len(), size) {
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
                expiry: exptime::expiry(seconds),
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

/// `delete <key> [noreply]`. Two further words are ignored, as memcached ignores all; more of them
/// look like a list of keys, of which only the first would be deleted.
pub(super) fn delete<'i>(line: Line<'i>) -> Request<'i> {
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
pub(super) fn arithmetic<'i>(sign: Sign, line: Line<'i>) -> Request<'i> {
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
pub(super) fn touch<'i>(line: Line<'i>) -> Request<'i> {
    let mut words = line.arguments();
    let (Some(key), Some(exptime)) = (words.next(), words.next()) else {
        return bad_line();
    };
    if !line::is_key(key) {
        return refuse(line, reply::BAD_LINE);
    }
    match exptime::parse_strict(exptime) {
        Some(expiry) => Request::Touch {
            key,
            expiry,
            noreply: line.noreply(),
        },
        None => refuse(line, reply::BAD_EXPTIME),
    }
}

/// `flush_all [<exptime>] [noreply]`.
pub(super) fn flush_all<'i>(config: &SessionConfig, line: Line<'i>) -> Request<'i> {
    if !config.flush_enabled {
        return refuse(line, reply::FLUSH_DISABLED);
    }
    let noreply = line.noreply();
    let at = match line.arguments().next() {
        Some(exptime) if exptime != b"noreply" || !noreply => {
            match exptime::parse_strict(exptime) {
                None => return refuse(line, reply::BAD_EXPTIME),
                at => at,
            }
        }
        _ => None,
    };
    Request::FlushAll { at, noreply }
}

/// `flush_prefix <prefix> [noreply]`, which memcached does not have.
#[cfg(feature = "flush-prefix")]
#[cold]
pub(super) fn flush_prefix<'i>(config: &SessionConfig, line: Line<'i>) -> Request<'i> {
    if !config.flush_enabled {
        return refuse(line, reply::FLUSH_PREFIX_DISABLED);
    }
    let mut words = line.arguments();
    match (words.next(), words.next(), words.next()) {
        // Of an empty prefix this is what arrives.
        (None | Some(b"noreply"), None, _) => bad_line(),
        (Some(prefix), None | Some(b"noreply"), None) if line::is_key(prefix) => {
            Request::FlushPrefix {
                prefix,
                noreply: line.noreply(),
            }
        }
        _ => refuse(line, reply::BAD_LINE),
    }
}
