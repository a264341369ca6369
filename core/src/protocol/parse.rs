//! The first complete request in the input: its dialect and its verb. The folder has the grammar of
//! the commands.
//!
//! [`parse`] depends on the bytes and the [`State`] that earlier bytes led to, and on nothing else,
//! so that a session can parse ahead.

mod classic;
mod dynamidb;
mod retrieval;

use memchr::memchr;

use super::binary::{self, Login};
use super::line::{LINE_MAX, Line, first_word};
use super::meta::{self, MetaCommand};
use super::parsed::{Parsed, State};
use super::reply::{self, Form};
use super::request::{Request, Sign};
use super::{Dialect, SessionConfig};
use crate::SetMode;

/// The shortest valid line, with its end.
const LINE_MIN: usize = 4;

/// The first complete request in `input`, if there is one.
pub(super) fn parse<'i>(
    config: &SessionConfig,
    state: State,
    input: &'i [u8],
) -> Option<Parsed<'i>> {
    match state {
        State::Ready { dynamidb } => {
            // A device has no flash to spare for it.
            if cfg!(target_pointer_width = "64")
                && config.dialect != Dialect::DynamiDb
                && let Some(parsed) = retrieval::parse_plain(input)
            {
                return Some(parsed);
            }
            line(config, dynamidb, input)
        }
        State::Packets(login) => binary::parse(config, login, input),
        State::Undecided(login) => first(config, login, input),
        State::Keys(retrieval) => retrieval::next_key(retrieval, input),
        _ => None,
    }
}

/// The request that begins with a line.
fn line<'i>(config: &SessionConfig, dynamidb: bool, input: &'i [u8]) -> Option<Parsed<'i>> {
    match memchr(b'\n', input) {
        Some(end) if end <= LINE_MAX => request(config, dynamidb, Line::new(input, end)),
        None if input.len() <= LINE_MAX => None,
        end => long_line(config, input, end),
    }
}

/// The first request of a client, whose first byte tells what it speaks.
#[cold]
#[inline(never)]
fn first<'i>(config: &SessionConfig, login: Login, input: &'i [u8]) -> Option<Parsed<'i>> {
    match input.first() {
        Some(&binary::FIRST_BYTE) => binary::parse(config, login, input),
        _ => parse(config, State::Ready { dynamidb: false }, input),
    }
}

/// The request that begins with this line.
fn request<'i>(config: &SessionConfig, dynamidb: bool, line: Line<'i>) -> Option<Parsed<'i>> {
    if line.text.is_empty() && (dynamidb || config.dialect == Dialect::DynamiDb) {
        return Some(Parsed::dynamidb(line.len, Request::Reply(reply::NONE)));
    }
    if !is_dynamidb(config.dialect, line.verb) {
        return memcached(config, line);
    }
    if line.is_http() {
        return Some(Parsed::close(line.len, reply::NONE));
    }
    dynamidb::parse(config, line)
}

/// A line longer than [`LINE_MAX`], with its LF at `end` if that has arrived. Retrievals are taken
/// key by key; of memcached's other commands a complete one is served, and half of one cut off.
fn long_line<'i>(
    config: &SessionConfig,
    input: &'i [u8],
    end: Option<usize>,
) -> Option<Parsed<'i>> {
    let verb = first_word(input.get(..LINE_MAX).unwrap_or(input));
    if is_dynamidb(config.dialect, verb) {
        return Some(Parsed::close(input.len(), dynamidb::LINE_TOO_LONG));
    }
    if let Some(Verb::Retrieve { form, touches }) = memcached_verb(verb) {
        return retrieval::parse_long(form, touches, input, verb.len());
    }
    match end {
        Some(end) => memcached(config, Line::new(input, end)),
        None => Some(Parsed::close(input.len(), reply::NONE)),
    }
}

/// Whether a verb, known or not, is one of DynamiDB's dialect.
fn is_dynamidb(dialect: Dialect, verb: &[u8]) -> bool {
    match dialect {
        Dialect::Auto => verb.iter().any(u8::is_ascii_uppercase),
        Dialect::DynamiDb => true,
        Dialect::Memcached => false,
    }
}

/// memcached's commands but those that are for the host.
#[derive(Clone, Copy, Debug)]
enum Verb {
    Retrieve {
        form: Form,
        touches: bool,
    },
    Store(SetMode),
    CompareAndSwap,
    Meta(MetaCommand),
    MetaNoop,
    Delete,
    Arithmetic(Sign),
    Touch,
    FlushAll,
    #[cfg(feature = "flush-prefix")]
    FlushPrefix,
    Version,
    Stats,
    Quit,
}

const fn retrieve(form: Form, touches: bool) -> Verb {
    Verb::Retrieve { form, touches }
}

const VERB_COUNT: usize = if cfg!(feature = "flush-prefix") {
    25
} else {
    24
};

/// The most frequent ones come first.
static VERBS: [(&[u8], Verb); VERB_COUNT] = [
    (b"get", retrieve(Form::Flags, false)),
    (b"set", Verb::Store(SetMode::Set)),
    (b"mg", Verb::Meta(MetaCommand::Get)),
    (b"gets", retrieve(Form::FlagsAndCas, false)),
    (b"ms", Verb::Meta(MetaCommand::Set)),
    (b"incr", Verb::Arithmetic(Sign::Plus)),
    (b"delete", Verb::Delete),
    (b"add", Verb::Store(SetMode::Add)),
    (b"cas", Verb::CompareAndSwap),
    (b"gat", retrieve(Form::Flags, true)),
    (b"gats", retrieve(Form::FlagsAndCas, true)),
    (b"md", Verb::Meta(MetaCommand::Delete)),
    (b"mn", Verb::MetaNoop),
    (b"ma", Verb::Meta(MetaCommand::Arithmetic)),
    (b"me", Verb::Meta(MetaCommand::Debug)),
    (b"touch", Verb::Touch),
    (b"decr", Verb::Arithmetic(Sign::Minus)),
    (b"replace", Verb::Store(SetMode::Replace)),
    (b"append", Verb::Store(SetMode::Append)),
    (b"prepend", Verb::Store(SetMode::Prepend)),
    (b"flush_all", Verb::FlushAll),
    #[cfg(feature = "flush-prefix")]
    (b"flush_prefix", Verb::FlushPrefix),
    (b"version", Verb::Version),
    (b"stats", Verb::Stats),
    (b"quit", Verb::Quit),
];

/// The command with this verb.
fn memcached_verb(word: &[u8]) -> Option<Verb> {
    let found = VERBS.iter().find(|(name, _)| *name == word);
    found.map(|&(_, verb)| verb)
}

/// The request that begins with this line, in memcached's dialect. `None` means that more bytes are
/// needed.
fn memcached<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    if line.len < LINE_MIN {
        return Some(Parsed::classic(line.len, classic::bad_line()));
    }
    let Some(verb) = memcached_verb(line.verb) else {
        if line.is_http() {
            return Some(Parsed::close(line.len, reply::NONE));
        }
        return Some(Parsed::command(line));
    };
    let request = match verb {
        Verb::Retrieve { form, touches } => return retrieval::parse(form, touches, line),
        Verb::Store(mode) => return classic::store(config, mode, false, line),
        Verb::CompareAndSwap => return classic::store(config, SetMode::Set, true, line),
        Verb::Meta(command) => return meta::parse(config, command, line),
        Verb::MetaNoop => return Some(meta::noop(line)),
        Verb::Delete => classic::delete(line),
        Verb::Arithmetic(sign) => classic::arithmetic(sign, line),
        Verb::Touch => classic::touch(line),
        Verb::FlushAll => classic::flush_all(config, line),
        #[cfg(feature = "flush-prefix")]
        Verb::FlushPrefix => classic::flush_prefix(config, line),
        Verb::Version => Request::Version,
        Verb::Stats => match line.arguments().next() {
            None => Request::Stats,
            // memcached accepts any prefix of the word.
            Some(word) if b"reset".starts_with(word) => Request::ResetStats,
            Some(_) => return Some(Parsed::command(line)),
        },
        Verb::Quit => return Some(Parsed::quit(line.len, reply::NONE)),
    };
    Some(Parsed::classic(line.len, request))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::{Cache, Config, Instant, Session, SessionConfig};

    #[test]
    fn without_meta_commands_their_verbs_are_unknown_and_no_value_is_executed() {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        let mut session = Session::new(SessionConfig::default());
        let (mut input, mut output) = (&b"mn\r\nmg k\r\nms k 9\r\nflush_all\r\n"[..], Vec::new());
        while !input.is_empty() && !session.is_closed() {
            let used = session.process(Instant::from_secs(1), input, &mut cache, &mut output);
            input = &input[used..];
        }
        let replies = match cfg!(feature = "meta") {
            true => &b"MN\r\nEN\r\nHD\r\n"[..],
            false => b"ERROR\r\nERROR\r\nERROR\r\n",
        };
        assert_eq!(
            (&output[..], session.is_closed()),
            (replies, !cfg!(feature = "meta"))
        );
    }
}
