//! The grammar of the meta commands.
//!
//! A line is a verb, a key, for `ms` a size, and then flags in any order: one letter each, some
//! directly followed by an argument. All commands take all flags and ignore those that do not
//! concern them. What a reply shows comes in the order of the request, so the flags are kept as
//! they were written.

use base64ct::{Base64, Encoding};

use super::super::line::{self, Line, Tokens};
use super::super::parsed::{Parsed, Skip};
use super::super::request::Request;
use super::super::{SessionConfig, reply};
use super::MetaCommand;
use super::flags::{ARGUED, Arguments, Flags, Letters, flags};
use super::request::MetaRequest;
use crate::Key;

/// As many words as a line may have: verb, key, perhaps a size, and flags.
const WORDS_MAX: usize = 20;

/// The longest opaque token, with its letter.
const OPAQUE_MAX: usize = 32;

const TOO_MANY: &[u8] = b"CLIENT_ERROR options flags are too long\r\n";
const DUPLICATE: &[u8] = b"CLIENT_ERROR duplicate flag\r\n";
const INVALID: &[u8] = b"CLIENT_ERROR invalid flag\r\n";
const BAD_BASE64: &[u8] = b"CLIENT_ERROR error decoding key\r\n";
const OPAQUE_TOO_LONG: &[u8] = b"CLIENT_ERROR opaque token too long\r\n";
const BAD_SET_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ms M token\r\n";
const BAD_ARITHMETIC_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ma M token\r\n";
/// The reply of `ma` to every invalid line except for these reasons.
const BAD_ARITHMETIC: &[u8] = b"CLIENT_ERROR invalid or duplicate flag\r\n";
const KEPT_BY_ARITHMETIC: [&[u8]; 2] = [OPAQUE_TOO_LONG, BAD_ARITHMETIC_MODE];

const KNOWN: Letters = Letters::of(b"bcfhklqstuvxCDEFIJLMNOPRT");

/// The request that begins with this line. `None` means that more bytes are needed.
pub(in crate::protocol) fn parse<'i>(
    config: &SessionConfig,
    command: MetaCommand,
    line: Line<'i>,
) -> Option<Parsed<'i>> {
    if let MetaCommand::Set = command {
        return set(config, line);
    }
    let mut words = line.arguments();
    let request = match words.next() {
        None => Request::Reply(reply::BAD_LINE),
        Some(key) => match meta(config, command, key, words) {
            Ok(meta) => Request::Meta(meta),
            Err(refusal) => Request::Reply(refusal),
        },
    };
    Some(Parsed::classic(line.len, request))
}

/// `mn`.
pub(in crate::protocol) const fn noop(line: Line<'_>) -> Parsed<'_> {
    Parsed::classic(line.len, Request::Reply(b"MN\r\n"))
}

/// `ms <key> <size> <flags>*`, then the value.
fn set<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    let mut words = line.arguments();
    let (key, size) = (words.next(), words.next());
    let (Some(key), Some(size)) = (key, size.and_then(line::value_size)) else {
        return Some(Parsed::close(line.len, reply::BAD_LINE));
    };
    let skip = |reply| {
        let skip = Skip {
            block: size + 2,
            line: false,
            reply,
            dynamidb: false,
        };
        Parsed::skip(line.len, skip)
    };
    let meta = match meta(config, MetaCommand::Set, key, words) {
        Ok(meta) => meta,
        Err(refusal) => return Some(skip(refusal)),
    };
    if config.is_too_large(line.len, meta.key_len(), size) {
        let request = Request::Meta(meta);
        return Some(Parsed {
            request,
            ..skip(reply::TOO_LARGE)
        });
    }
    let block = line.rest().get(..size as usize + 2)?;
    let request = match block.strip_suffix(b"\r\n") {
        Some(value) => Request::Meta(MetaRequest {
            value: Some(value),
            ..meta
        }),
        None => Request::Reply(reply::BAD_CHUNK),
    };
    Some(Parsed::classic(line.len + block.len(), request))
}

/// What a line asks for; `words` are those that follow the key and the size. `Err` is a refusal.
fn meta<'i>(
    config: &SessionConfig,
    command: MetaCommand,
    key: &'i [u8],
    words: Tokens<'i>,
) -> Result<MetaRequest<'i>, &'static [u8]> {
    let before = match command {
        MetaCommand::Set => 3,
        _ => 2,
    };
    let flags = match command {
        _ if !line::is_key(key) => Err(reply::BAD_LINE),
        MetaCommand::Debug => debug_flags(words, key),
        _ => check(words.rest(), command, key, WORDS_MAX - before),
    };
    let flags = flags.map_err(|refusal| match command {
        MetaCommand::Arithmetic if !KEPT_BY_ARITHMETIC.contains(&refusal) => BAD_ARITHMETIC,
        _ => refusal,
    })?;
    let hides_cas = !config.cas_enabled;
    Ok(MetaRequest {
        command,
        value: None,
        key,
        flags: Flags { hides_cas, ..flags },
    })
}

/// Reads at most `max` flags. `Err` is a refusal.
fn check<'i>(
    text: &'i [u8],
    command: MetaCommand,
    key: &[u8],
    max: usize,
) -> Result<Flags<'i>, &'static [u8]> {
    let (mut letters, mut count) = (Letters::default(), 0);
    for (letter, _) in flags(text) {
        count += 1;
        if !matches!(letter, b'A'..=b'z') || !KNOWN.has(letter) || letters.has(letter) {
            return Err(refusal(text, letter, max));
        }
        letters.add(letter);
    }
    if count > max {
        return Err(TOO_MANY);
    }
    if letters.meets(ARGUED) {
        check_arguments(text, command, key)?;
    }
    Ok(Flags {
        text,
        letters,
        hides_cas: false,
    })
}

/// The flags of `me`: only `b` counts, and, as in memcached, only if another word follows.
fn debug_flags<'i>(mut words: Tokens<'i>, key: &[u8]) -> Result<Flags<'i>, &'static [u8]> {
    let mut flags = Flags::default();
    if words.next() == Some(b"b") && !words.is_empty() {
        flags.letters.add(b'b');
        Base64::decode(key, &mut [0; Key::LEN_MAX]).map_err(|_| BAD_BASE64)?;
    }
    Ok(flags)
}

/// Why a letter cannot come next.
#[cold]
fn refusal(text: &[u8], letter: u8, max: usize) -> &'static [u8] {
    let is_odd = |letter| !matches!(letter, b'A'..=b'z' | b'0'..=b'9');
    if flags(text).nth(max).is_some() {
        TOO_MANY
    } else if flags(text).any(|(letter, _)| is_odd(letter)) {
        reply::BAD_LINE
    } else if letter.is_ascii_digit() || !KNOWN.has(letter) {
        INVALID
    } else {
        DUPLICATE
    }
}

/// Of several invalid arguments the last one is reported, those of `F`, `O` and `M` only alone.
fn check_arguments(text: &[u8], command: MetaCommand, key: &[u8]) -> Result<(), &'static [u8]> {
    let mut arguments = Arguments::NONE;
    let mut wrong: Option<&'static [u8]> = None;
    for (letter, argument) in flags(text) {
        let taken = match letter {
            b'O' if argument.len() >= OPAQUE_MAX => Err(OPAQUE_TOO_LONG),
            b'b' => match Base64::decode(key, &mut [0; Key::LEN_MAX]) {
                Ok(_) => Ok(()),
                Err(_) => Err(BAD_BASE64),
            },
            _ => arguments.take(letter, argument),
        };
        if let Err(reply) = taken {
            wrong = match letter {
                b'F' | b'O' => wrong.or(Some(reply)),
                _ => Some(reply),
            };
        }
    }
    let bad_mode = match (command, arguments.mode) {
        (MetaCommand::Set, Some(mode)) if !b"SEAPR".contains(&mode) => Some(BAD_SET_MODE),
        (MetaCommand::Arithmetic, Some(mode)) if !b"ID+-".contains(&mode) => {
            Some(BAD_ARITHMETIC_MODE)
        }
        _ => None,
    };
    wrong.or(bad_mode).map_or(Ok(()), Err)
}
