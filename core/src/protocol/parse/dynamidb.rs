//! DynamiDB's dialect: the grammar of each command. Every refusal says why. The connection stays
//! open if it is known where the refused request ends, and is closed otherwise.

use core::time::Duration;

use super::super::SessionConfig;
use super::super::line::{self, Line};
use super::super::parsed::{Parsed, Skip};
use super::super::reply::{self, Form};
use super::super::request::{Request, Retrieval};
use super::retrieval;
use crate::{Expiry, Key, SetMode, Value};

pub(super) const LINE_TOO_LONG: &[u8] = b"CLIENT_ERROR line is longer than 2048 bytes\r\n";
const SET_USAGE: &[u8] = b"CLIENT_ERROR expected SET <key> <expire_seconds> <value_size>\r\n";
const GET_USAGE: &[u8] = b"CLIENT_ERROR expected GET <key>...\r\n";
const DELETE_USAGE: &[u8] = b"CLIENT_ERROR expected DELETE <key>\r\n";
const HELP_USAGE: &[u8] = match cfg!(feature = "flush-prefix") {
    true => b"CLIENT_ERROR expected HELP [SET|GET|DELETE|FLUSH|QUIT|HELP]\r\n",
    false => b"CLIENT_ERROR expected HELP [SET|GET|DELETE|QUIT|HELP]\r\n",
};
#[cfg(feature = "flush-prefix")]
const FLUSH_USAGE: &[u8] = b"CLIENT_ERROR expected FLUSH <prefix>\r\n";
#[cfg(feature = "flush-prefix")]
const PREFIX_TOO_LONG: &[u8] = b"CLIENT_ERROR prefix is longer than 250 bytes\r\n";
#[cfg(feature = "flush-prefix")]
const PREFIX_CONTROL: &[u8] = b"CLIENT_ERROR prefix contains a control character\r\n";
#[cfg(feature = "flush-prefix")]
const FLUSH_DISABLED: &[u8] = b"CLIENT_ERROR FLUSH not allowed\r\n";
const KEY_TOO_LONG: &[u8] = b"CLIENT_ERROR key is longer than 250 bytes\r\n";
const KEY_CONTROL: &[u8] = b"CLIENT_ERROR key contains a control character\r\n";
const BAD_EXPIRE: &[u8] = b"CLIENT_ERROR expire_seconds is not a number of seconds\r\n";
const BAD_SIZE: &[u8] = b"CLIENT_ERROR value_size is not a number of bytes\r\n";

/// All commands, in the words of the refusals.
const HELP: [(&[u8], &[u8]); 5 + cfg!(feature = "flush-prefix") as usize] = [
    (
        b"SET",
        b"SET <key> <expire_seconds> <value_size>, then the value on a line of its own; \
          0 seconds: never\r\n",
    ),
    (b"GET", b"GET <key>...\r\n"),
    (b"DELETE", b"DELETE <key>\r\n"),
    #[cfg(feature = "flush-prefix")]
    (b"FLUSH", b"FLUSH <prefix>, all keys that begin with it\r\n"),
    (b"QUIT", b"QUIT\r\n"),
    (
        b"HELP",
        match cfg!(feature = "flush-prefix") {
            true => b"HELP [SET|GET|DELETE|FLUSH|QUIT|HELP]\r\n",
            false => b"HELP [SET|GET|DELETE|QUIT|HELP]\r\n",
        },
    ),
];

const RETRIEVAL: Retrieval = Retrieval {
    form: Form::Bare,
    touch: None,
};

/// The request that begins with this line. `None` means that more bytes are needed.
pub(super) fn parse<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    let is = |verb: &[u8]| line.verb.eq_ignore_ascii_case(verb);
    let request = if is(b"GET") {
        return get(line);
    } else if is(b"SET") {
        return set(config, line);
    } else if is(b"DELETE") {
        delete(line)
    } else if is(b"QUIT") {
        return Some(Parsed::quit(line.len, reply::BYE));
    } else if is(b"HELP") {
        help(line)
    } else if is(b"HOT") {
        // What is asked for most is the host's to say.
        return Some(Parsed::command(line));
    } else if cfg!(feature = "flush-prefix") && is(b"FLUSH") {
        flush(config, line)
    } else {
        Request::Reply(reply::ERROR)
    };
    Some(Parsed::dynamidb(line.len, request))
}

/// All keys are checked before the first is answered, so that a bad one is all of the reply.
fn get<'i>(line: Line<'i>) -> Option<Parsed<'i>> {
    let mut keys = line.arguments();
    let refuse = |reply| Some(Parsed::dynamidb(line.len, Request::Reply(reply)));
    let Some(key) = keys.next() else {
        return refuse(GET_USAGE);
    };
    if let Some(reply) = line.arguments().find_map(|key| check(key).err()) {
        return refuse(reply);
    }
    if keys.is_empty() {
        let request = retrieval::get(RETRIEVAL, key, true);
        return Some(Parsed::dynamidb(line.len, request));
    }
    retrieval::key_at(RETRIEVAL, line.input, line.verb.len())
}

fn help<'i>(line: Line<'i>) -> Request<'i> {
    let mut words = line.arguments();
    let lines = match words.next() {
        None => Some(&HELP[..]),
        Some(verb) => HELP
            .chunks(1)
            .find(|entry| verb.eq_ignore_ascii_case(entry[0].0)),
    };
    match lines.filter(|_| words.is_empty()) {
        Some(lines) => Request::Help(lines),
        None => Request::Reply(HELP_USAGE),
    }
}

fn delete<'i>(line: Line<'i>) -> Request<'i> {
    match one_key(line, DELETE_USAGE) {
        Ok(key) => Request::Delete {
            key,
            noreply: false,
        },
        Err(reply) => Request::Reply(reply),
    }
}

#[cfg(feature = "flush-prefix")]
#[cold]
fn flush<'i>(config: &SessionConfig, line: Line<'i>) -> Request<'i> {
    if !config.flush_enabled {
        return Request::Reply(FLUSH_DISABLED);
    }
    match arguments(line) {
        None => Request::Reply(FLUSH_USAGE),
        Some([prefix]) if prefix.len() > Key::LEN_MAX => Request::Reply(PREFIX_TOO_LONG),
        Some([prefix]) if line::has_control(prefix) => Request::Reply(PREFIX_CONTROL),
        Some([prefix]) => Request::FlushPrefix {
            prefix,
            noreply: false,
        },
    }
}

#[cfg(not(feature = "flush-prefix"))]
const fn flush<'i>(_config: &SessionConfig, _line: Line<'i>) -> Request<'i> {
    Request::Reply(reply::ERROR)
}

fn set<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    let Some([key, expire, size]) = arguments(line) else {
        return Some(Parsed::close(line.len, SET_USAGE));
    };
    let Some(size) = line::strict_u64(size) else {
        return Some(Parsed::close(line.len, BAD_SIZE));
    };
    // The value ends with its line, whatever its size, so that the rest of a value that is longer
    // than announced is never run as a command.
    let skip = |reply| {
        Parsed::skip(
            line.len,
            Skip {
                block: size,
                line: true,
                dynamidb: true,
                reply,
            },
        )
    };
    if let Err(reply) = check(key) {
        return Some(skip(reply));
    }
    let Some(seconds) = line::strict_u64(expire) else {
        return Some(skip(BAD_EXPIRE));
    };
    if config.is_too_large(line.len, key.len(), size) {
        return Some(Parsed {
            request: Request::TooLarge {
                mode: SetMode::Set,
                compare: None,
                key,
            },
            ..skip(reply::TOO_LARGE)
        });
    }
    let (bytes, after) = line.rest().split_at_checked(size as usize)?;
    let end = match after {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] | [b'\r'] => return None,
        _ => return Some(skip(reply::BAD_CHUNK)),
    };
    let expiry = match seconds {
        0 => Expiry::Never,
        _ => Expiry::After(Duration::from_secs(seconds)),
    };
    let value = Value {
        bytes,
        flags: 0,
        expiry,
    };
    let request = Request::Store {
        mode: SetMode::Set,
        compare: None,
        key,
        value,
        noreply: false,
    };
    Some(Parsed::dynamidb(line.len + bytes.len() + end, request))
}

fn one_key<'i>(line: Line<'i>, usage: &'static [u8]) -> Result<&'i [u8], &'static [u8]> {
    let [key] = arguments(line).ok_or(usage)?;
    check(key).map(|()| key)
}

/// Exactly `N` words after the verb.
fn arguments<const N: usize>(line: Line<'_>) -> Option<[&[u8]; N]> {
    let mut words = line.arguments();
    let arguments = [(); N].map(|()| words.next().unwrap_or_default());
    let complete = arguments.last().is_some_and(|last| !last.is_empty());
    (complete && words.next().is_none()).then_some(arguments)
}

fn check(key: &[u8]) -> Result<(), &'static [u8]> {
    if key.len() > Key::LEN_MAX {
        return Err(KEY_TOO_LONG);
    }
    if line::has_control(key) {
        Err(KEY_CONTROL)
    } else {
        Ok(())
    }
}
