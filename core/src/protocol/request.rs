//! Requests: what a client asks, with everything checked that can be checked without the cache.
//!
//! [`next`] finds the first complete request in the input. It looks at nothing but the bytes and
//! the [`State`] that the bytes before left behind, so that a session may read ahead.

use memchr::memchr;

use super::classic::Verb;
use super::line::{LINE_MAX, Line, first_word};
use super::meta::Meta;
use super::{AdminCommand, Dialect, Next, SessionConfig, classic, dynamidb, reply, retrieval};
use crate::{Expiry, SetMode, Value};

/// A request. Borrows from the input.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request<'i> {
    /// One key of a retrieval; the last one also ends the reply.
    Get {
        key: &'i [u8],
        retrieval: Retrieval,
        last: bool,
    },
    Store {
        mode: SetMode,
        /// The `<unique>` of `cas`, whose mode is `Set`.
        compare: Option<u64>,
        key: &'i [u8],
        value: Value<'i>,
        noreply: bool,
    },
    /// A store whose value is refused because of its size; the state says what is to be skipped.
    TooLarge {
        mode: SetMode,
        compare: Option<u64>,
        key: &'i [u8],
    },
    Delete {
        key: &'i [u8],
        noreply: bool,
    },
    Arithmetic {
        key: &'i [u8],
        sign: Sign,
        delta: u64,
        noreply: bool,
    },
    Touch {
        key: &'i [u8],
        expiry: Expiry,
        noreply: bool,
    },
    /// Now, unless `at` is a moment to come.
    FlushAll {
        at: Option<Expiry>,
        noreply: bool,
    },
    Meta(Meta<'i>),
    Stats,
    ResetStats,
    Version,
    /// What DynamiDB's commands are: verbs and lines.
    Help(&'static [(&'static [u8], &'static [u8])]),
    /// Something for the host to answer.
    AdminCommand(AdminCommand<'i>),
    /// An answer that the line alone decides, perhaps an empty one.
    Reply(&'static [u8]),
}

impl<'i> Request<'i> {
    /// The key it is about, as it was written; empty if it is about none.
    pub(super) const fn key(&self) -> &'i [u8] {
        match *self {
            Self::Get { key, .. }
            | Self::Store { key, .. }
            | Self::TooLarge { key, .. }
            | Self::Delete { key, .. }
            | Self::Arithmetic { key, .. }
            | Self::Touch { key, .. }
            | Self::Meta(Meta { key, .. }) => key,
            Self::FlushAll { .. }
            | Self::Stats
            | Self::ResetStats
            | Self::Version
            | Self::Help(_)
            | Self::AdminCommand(_)
            | Self::Reply(_) => &[],
        }
    }
}

/// What is common to all keys of one retrieval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retrieval {
    pub(super) form: Form,
    /// The new expiry, of `gat` and `gats`.
    pub(super) touch: Option<Expiry>,
}

/// What stands between key and size in a `VALUE` line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Nothing: DynamiDB's.
    Bare,
    /// The client's flags.
    Flags,
    /// The client's flags, and `cas` after the size.
    FlagsAndCas,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Plus,
    Minus,
}

/// What the input up to here means for the input from here.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// A request begins. `own`: the last one was in DynamiDB's dialect, so that a blank line is
    /// nothing.
    Ready { own: bool },
    /// More keys of a retrieval follow.
    Keys(Retrieval),
    /// Something refused follows.
    Skip(Skip),
    /// The host has the word.
    Host,
    /// Whatever follows, it does not matter.
    Monologue,
    /// Nothing follows. `error`: because of what the client said, not because it wants to leave.
    Closed { error: bool },
}

impl State {
    /// What follows on a command of the host's.
    pub(super) const fn after(next: Next) -> Self {
        match next {
            Next::Request => Self::Ready { own: false },
            Next::More => Self::Host,
            Next::Monologue => Self::Monologue,
            Next::Close => Self::Closed { error: false },
        }
    }
}

/// What is passed over unread after a refusal, and then answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    /// So many bytes.
    pub(super) block: u64,
    /// After them everything up to the next LF.
    pub(super) line: bool,
    pub(super) reply: &'static [u8],
    /// The state's `own` afterwards.
    pub(super) own: bool,
}

/// A request found at the front of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed<'i> {
    pub(super) request: Request<'i>,
    /// How many bytes it takes.
    pub(super) len: usize,
    pub(super) next: State,
}

impl<'i> Parsed<'i> {
    /// A whole request in DynamiDB's dialect.
    pub(super) const fn own(len: usize, request: Request<'i>) -> Self {
        let next = State::Ready { own: true };
        Self { request, len, next }
    }

    /// A whole request of memcached's.
    pub(super) const fn classic(len: usize, request: Request<'i>) -> Self {
        let next = State::Ready { own: false };
        Self { request, len, next }
    }

    /// A whole line for the host, which also decides what follows: nothing is read ahead.
    pub(super) const fn command(line: Line<'i>) -> Self {
        Self {
            request: Request::AdminCommand(AdminCommand::new(line)),
            len: line.len,
            next: State::Host,
        }
    }

    /// A whole retrieval, or the last part of one, in its dialect.
    pub(super) const fn retrieved(len: usize, retrieval: Retrieval, request: Request<'i>) -> Self {
        let own = matches!(retrieval.form, Form::Bare);
        let next = State::Ready { own };
        Self { request, len, next }
    }

    /// The last words to a client that leaves.
    pub(super) const fn quit(len: usize, reply: &'static [u8]) -> Self {
        let next = State::Closed { error: false };
        let request = Request::Reply(reply);
        Self { request, len, next }
    }

    /// The last words to a client that has broken the rules.
    pub(super) const fn close(len: usize, reply: &'static [u8]) -> Self {
        let next = State::Closed { error: true };
        let request = Request::Reply(reply);
        Self { request, len, next }
    }

    /// A refusal of what is still to come.
    pub(super) const fn skip(len: usize, skip: Skip) -> Self {
        let (request, next) = (Request::Reply(reply::NONE), State::Skip(skip));
        Self { request, len, next }
    }
}

/// The first complete request in `input`, if there is one.
pub(super) fn next<'i>(
    config: &SessionConfig,
    state: State,
    input: &'i [u8],
) -> Option<Parsed<'i>> {
    match state {
        State::Ready { own } => match memchr(b'\n', input) {
            Some(end) if end <= LINE_MAX => request(config, own, Line::new(input, end)),
            None if input.len() <= LINE_MAX => None,
            end => long_line(config, input, end),
        },
        State::Keys(retrieval) => retrieval::next_key(retrieval, input),
        State::Skip(_) | State::Host | State::Monologue | State::Closed { .. } => None,
    }
}

fn request<'i>(config: &SessionConfig, own: bool, line: Line<'i>) -> Option<Parsed<'i>> {
    if line.text.is_empty() && (own || config.dialect == Dialect::DynamiDb) {
        return Some(Parsed::own(line.len, Request::Reply(reply::NONE)));
    }
    if !is_own(config.dialect, line.verb) {
        return classic::parse(config, line);
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
    if is_own(config.dialect, verb) {
        return Some(Parsed::close(input.len(), dynamidb::LINE_TOO_LONG));
    }
    if let Some(Verb::Retrieve { form, touches }) = classic::verb(verb) {
        return retrieval::parse_long(form, touches, input, verb.len());
    }
    match end {
        Some(end) => classic::parse(config, Line::new(input, end)),
        None => Some(Parsed::close(input.len(), reply::NONE)),
    }
}

/// Whether a verb, known or not, is one of DynamiDB's dialect.
fn is_own(dialect: Dialect, verb: &[u8]) -> bool {
    match dialect {
        Dialect::Auto => verb.iter().any(u8::is_ascii_uppercase),
        Dialect::DynamiDb => true,
        Dialect::Memcached => false,
    }
}

/// Whether an item with a value of `size` bytes is larger than the largest, or its request larger
/// than all the input that is kept for one.
pub(super) fn is_too_large(
    config: &SessionConfig,
    line: &Line<'_>,
    key_len: usize,
    size: u64,
) -> bool {
    let over = |len: usize, max: usize| size.saturating_add(len as u64) > max as u64;
    over(key_len, config.item_size_max) || over(line.len + 2, config.input_max())
}
