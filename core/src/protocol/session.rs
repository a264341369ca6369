//! One client's conversation: bytes in, bytes out.
//!
//! The session keeps no bytes, only what the ones it has seen mean for the ones to come: the rest of a
//! key list, the rest of a refused value. Whoever holds the socket holds the buffers.

use alloc::vec::Vec;

use memchr::memchr;

use super::execute::Executor;
use super::line::LINE_MAX;
use super::request::{self, Request, Skip, State};
use crate::{Instant, Key, Keyspace};

/// How many requests are read ahead, so that the memory they will need can be fetched together.
const BATCH: usize = 16;

/// Which verbs a session understands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// A verb with a capital letter is DynamiDB's, one in small letters memcached's.
    #[default]
    Auto,
    /// All verbs are DynamiDB's, in any case.
    DynamiDb,
    /// All verbs are memcached's, which has none with capital letters.
    Memcached,
}

/// The limits of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Which verbs it understands.
    pub dialect: Dialect,
    /// The largest item accepted, in bytes of key and value together; the same as the cache's
    /// [`Config::item_size_max`](crate::Config::item_size_max).
    pub item_size_max: usize,
    /// No request is begun once so many bytes of replies are waiting. So there are never more of them
    /// than this and one item, or one report of `stats`.
    pub output_max: usize,
    /// What `version` answers; memcached clients parse it.
    pub version: &'static str,
}

impl SessionConfig {
    /// The most input that has to be kept for one request: a line, a value and their ends.
    pub(super) const fn input_max(&self) -> usize {
        self.item_size_max.saturating_add(LINE_MAX + 3)
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::Auto,
            item_size_max: crate::Config::ITEM_SIZE_MAX,
            output_max: 64 * 1024,
            version: "1.6.45",
        }
    }
}

/// One client's conversation with a keyspace.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Session, SessionConfig};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let mut session = Session::new(SessionConfig::default());
/// let (mut input, mut output) = (Vec::new(), Vec::new());
///
/// // Bytes come in pieces of any size; what `process` is done with leaves the buffer.
/// for piece in ["SET greeting 30 5\r\nhe", "llo\r\nget greeting\r\n"] {
///     input.extend_from_slice(piece.as_bytes());
///     let used = session.process(Instant::from_secs(0), &input, &mut cache, &mut output);
///     input.drain(..used);
/// }
/// assert_eq!(output, b"STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n");
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
}

/// A request, its key with its hash, and how things stand once it is done.
#[derive(Clone, Copy, Debug)]
struct Step<'i> {
    request: Request<'i>,
    key: Key<'i>,
    /// Where it ends in the input.
    end: usize,
    next: State,
}

impl Session {
    /// A session that has heard nothing yet.
    #[must_use]
    pub const fn new(config: SessionConfig) -> Self {
        Self {
            config,
            state: State::Ready { own: false },
        }
    }

    /// Acts on every complete request at the front of `input`, appends the replies to `output` and
    /// returns how many bytes of `input` it is done with.
    ///
    /// Call it again with the rest, and with what has arrived meanwhile. If it returns 0 and `output`
    /// holds less than [`SessionConfig::output_max`], more bytes are needed: it never asks for more
    /// than [`input_max`](Self::input_max) at once. If `output` holds more, take from it first.
    ///
    /// A request takes effect when all of it is there and not before. The same bytes lead to the same
    /// replies however they are cut into pieces. (There is one exception, which is memcached's: a
    /// command of memcached's longer than 2048 bytes is served if its end is there when it is first
    /// looked at, and cut off otherwise.)
    #[must_use]
    pub fn process(
        &mut self,
        now: Instant,
        input: &[u8],
        keyspace: &mut impl Keyspace,
        output: &mut Vec<u8>,
    ) -> usize {
        let output_max = self.config.output_max.max(1);
        let mut used = 0;
        while output.len() < output_max {
            let rest = &input[used..];
            let len = match self.state {
                State::Ready { .. } | State::Keys(_) => self.requests(now, rest, keyspace, output),
                State::Skip(skip) => self.skip(skip, rest, output),
                State::Closed => break,
            };
            if len == 0 {
                break;
            }
            used += len;
        }
        if self.is_closed() { input.len() } else { used }
    }

    /// Whether the conversation is over: send what `output` holds, then hang up.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The most input that has to be kept for the next request: one line and one value.
    #[must_use]
    pub const fn input_max(&self) -> usize {
        self.config.input_max()
    }

    /// Carries out as many requests as are read ahead at once.
    fn requests(
        &mut self,
        now: Instant,
        input: &[u8],
        keyspace: &mut impl Keyspace,
        output: &mut Vec<u8>,
    ) -> usize {
        let mut steps = [const { None }; BATCH];
        let count = self.read_ahead(input, keyspace, &mut steps);
        if count > 1 {
            look_ahead(&steps, keyspace);
        }
        let mut executor = Executor {
            now,
            config: &self.config,
            keyspace,
            output,
        };
        let mut used = 0;
        for step in steps[..count].iter().flatten() {
            if used > 0 && executor.output.len() >= self.config.output_max {
                break;
            }
            executor.execute(&step.request, step.key);
            self.state = step.next;
            used = step.end;
        }
        used
    }

    /// Fills `steps` with the requests at the front of `input`; returns how many there are.
    fn read_ahead<'i>(
        &self,
        input: &'i [u8],
        keyspace: &impl Keyspace,
        steps: &mut [Option<Step<'i>>],
    ) -> usize {
        let (mut state, mut end) = (self.state, 0);
        for (count, step) in steps.iter_mut().enumerate() {
            let Some(parsed) = request::next(&self.config, state, &input[end..]) else {
                return count;
            };
            (state, end) = (parsed.next, end + parsed.len);
            let key = match parsed.request.key() {
                [] => Key::from(&[]),
                bytes => keyspace.key(bytes),
            };
            *step = Some(Step {
                request: parsed.request,
                key,
                end,
                next: state,
            });
        }
        BATCH
    }

    /// Passes over what was refused, as far as it has arrived.
    fn skip(&mut self, mut skip: Skip, input: &[u8], output: &mut Vec<u8>) -> usize {
        let mut used = usize::try_from(skip.block)
            .unwrap_or(usize::MAX)
            .min(input.len());
        skip.block -= used as u64;
        if skip.block == 0 && skip.line {
            let end = memchr(b'\n', &input[used..]);
            skip.line = end.is_none();
            used = end.map_or(input.len(), |end| used + end + 1);
        }
        self.state = if skip.block == 0 && !skip.line {
            output.extend_from_slice(skip.reply);
            State::Ready { own: skip.own }
        } else {
            State::Skip(skip)
        };
        used
    }
}

/// Announces the keys of `steps`.
fn look_ahead(steps: &[Option<Step<'_>>; BATCH], keyspace: &mut impl Keyspace) {
    let mut keys = [Key::from(&[]); BATCH];
    let mut count = 0;
    for step in steps
        .iter()
        .flatten()
        .filter(|step| !step.key.bytes().is_empty())
    {
        keys[count] = step.key;
        count += 1;
    }
    keyspace.look_ahead(&keys[..count]);
}
