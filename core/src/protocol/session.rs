//! One client's conversation: bytes in, bytes out.
//!
//! The session buffers no bytes; its state says whether the next ones are the rest of a key list or
//! of a refused value. The owner of the socket has the buffers.

use memchr::memchr;

use super::binary;
use super::context::Context;
use super::execute::execute;
use super::notify::execute_and_notify;
use super::parse::parse;
use super::parsed::{Parsed, Skip, State};
use super::request::Request;
use super::room::{RETRIEVAL_MAX, Room};
use super::{Host, Keyspace, Output, SessionConfig, reply};
use crate::{Instant, Key};

/// What came of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Executed {
    /// It was executed; what follows is what its parser said.
    Fully,
    /// It was executed, and its outcome has decided what follows.
    AndDecided,
    /// Nothing: its reply fits once the output is empty.
    Later,
    /// Nothing: its reply never fits.
    Never,
}

/// How many requests are parsed ahead, so that the memory they need is prefetched together.
const BATCH: usize = 16;

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
/// assert!(!session.is_busy() && !session.is_closed());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
}

/// The first request of an input, [parsed](Session::parse) and not executed yet.
///
/// # Examples
/// ```
/// # use dynamidb_core::{Cache, Config, FirstRequest, Session, SessionConfig};
/// # let cache = Cache::new(Config::new(64 * 1024))?;
/// let session = Session::new(SessionConfig::default());
/// let first: Option<FirstRequest<'_>> = session.parse(b"get key\r\n", &cache);
/// assert_eq!(first.and_then(|first| first.verb()), Some("get"));
/// assert!(session.parse(b"get ke", &cache).is_none());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FirstRequest<'i> {
    input: &'i [u8],
    parsed: Parsed<'i>,
    key: Key<'i>,
}

impl<'i> FirstRequest<'i> {
    /// The key of the request, hashed; an empty one if the request has none.
    #[must_use]
    pub const fn key(&self) -> Key<'i> {
        self.key
    }

    /// What memcached calls the request; `None` if it is about no key.
    #[must_use]
    pub const fn verb(&self) -> Option<&'static str> {
        self.parsed.request.verb()
    }
}

impl Session {
    /// A session at the beginning of its input.
    #[must_use]
    pub const fn new(config: SessionConfig) -> Self {
        let state = binary::initial_state(config.protocol);
        Self { config, state }
    }

    /// Executes every complete request at the front of `input`, appends the replies to `output` and
    /// returns how many bytes of `input` it is done with.
    ///
    /// An output of fixed size, a [`FixedOutput`](crate::FixedOutput), never gets half a reply:
    /// what does not fit any more is executed by a later call, once the output has been emptied.
    ///
    /// Call it again with the rest, and with what has arrived meanwhile. If it returns 0 while
    /// `output` holds less than [`SessionConfig::output_max`], and nothing if its size is fixed, it
    /// needs more bytes, but never more than [`input_max`](Self::input_max) at once. If `output`
    /// holds more, take from it first.
    /// Only a host with admin commands has to ask whether it [`is_busy`](Self::is_busy), and only
    /// one that [`wants_pause`](Host::wants_pause) whether that is why input is left.
    ///
    /// A request takes effect when all of it is there and not before. The same bytes lead to the
    /// same replies however they are cut into pieces. There is one exception, which is memcached's:
    /// a line of its dialect longer than 2048 bytes, unless it asks for items, is served if its end
    /// is there when it is first looked at, and ends the conversation otherwise.
    #[must_use]
    pub fn process(
        &mut self,
        now: Instant,
        input: &[u8],
        host: &mut impl Host,
        output: &mut impl Output,
    ) -> usize {
        self.run(now, input, None, host, output)
    }

    /// Parses the first request at the front of `input` and hashes its key, without executing it.
    /// `None` if no request is complete yet, or if what comes next is no request.
    ///
    /// A host that has input for several sessions at the same moment parses the first request of
    /// each, calls [`Keyspace::prefetch`] once for the keys of all, and then
    /// [`process_parsed`](Self::process_parsed) for each: the waits for memory overlap across
    /// sessions, and nothing is parsed twice.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Key, Keyspace, Session, SessionConfig};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let mut sessions = [(); 2].map(|()| Session::new(SessionConfig::default()));
    /// let inputs = [b"get one\r\n", b"get two\r\n"];
    ///
    /// let parsed = [0, 1].map(|at| sessions[at].parse(inputs[at], &cache).unwrap());
    /// Keyspace::prefetch(&mut cache, &parsed.each_ref().map(|first| first.key()));
    /// for (session, first) in sessions.iter_mut().zip(parsed) {
    ///     let mut output = Vec::new();
    ///     let used = session.process_parsed(now, first, &mut cache, &mut output);
    ///     assert_eq!((used, &output[..]), (9, &b"END\r\n"[..]));
    /// }
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn parse<'i>(&self, input: &'i [u8], keyspace: &impl Keyspace) -> Option<FirstRequest<'i>> {
        let parsed = parse(&self.config, self.state, input)?;
        let key = parsed.request.key(keyspace);
        Some(FirstRequest { input, parsed, key })
    }

    /// As [`process`](Self::process), for an input whose first request has been
    /// [parsed](Self::parse) by this session since it last processed anything.
    #[must_use]
    pub fn process_parsed(
        &mut self,
        now: Instant,
        first: FirstRequest<'_>,
        host: &mut impl Host,
        output: &mut impl Output,
    ) -> usize {
        let FirstRequest { input, parsed, key } = first;
        self.run(now, input, Some((parsed, key)), host, output)
    }

    fn run<'i>(
        &mut self,
        now: Instant,
        input: &'i [u8],
        mut first: Option<(Parsed<'i>, Key<'i>)>,
        host: &mut impl Host,
        output: &mut impl Output,
    ) -> usize {
        let output_max = self.config.output_max.max(1);
        let mut context = Context { now, host, output };
        if context.is_too_small() {
            self.state = State::Closed { error: true };
        }
        if self.is_busy() && !context.is_full(output_max) {
            let start = context.output.len();
            self.state = match self.state {
                State::PendingStat(stat) => binary::resume(&mut context, stat),
                _ => State::after(context.host.resume(context.output)),
            };
            self.close_if_overflowed(context.output, start);
        }
        let mut used = 0;
        while used < input.len() && !context.is_full(output_max) {
            let rest = &input[used..];
            let len = match self.state {
                State::Ready { .. } | State::Keys(_) | State::Undecided(_) | State::Packets(_) => {
                    self.requests(rest, first.take(), &mut context)
                }
                State::Skip(skip) => self.skip(skip, rest, context.output),
                State::PacketSkip(skip) => {
                    let len;
                    (len, self.state) = binary::skip(skip, rest, context.output);
                    len
                }
                _ => break,
            };
            if len == 0 {
                break;
            }
            used += len;
            if used < input.len() && context.host.wants_pause() {
                break;
            }
        }
        match self.state {
            State::OutputOnly | State::Closed { .. } => input.len(),
            _ => used,
        }
    }

    /// Whether a reply continues without further input: call [`process`](Self::process) again, also
    /// with none, once other sessions were served.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self.state, State::HostBusy | State::PendingStat(_))
    }

    /// Whether the conversation is over: send what `output` holds, then close the connection.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant, Session, SessionConfig};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let mut session = Session::new(SessionConfig::default());
    /// let _ = session.process(Instant::from_secs(0), b"quit\r\n", &mut cache, &mut Vec::new());
    /// assert!(session.is_closed());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Whether it is over because the client sent something that cannot be a request.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant, Session, SessionConfig};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let mut session = Session::new(SessionConfig::default());
    /// let request = b"Host: example.com\r\n";
    /// let _ = session.process(Instant::from_secs(0), request, &mut cache, &mut Vec::new());
    /// assert!(session.is_closed() && session.is_closed_by_error());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn is_closed_by_error(&self) -> bool {
        matches!(self.state, State::Closed { error: true })
    }

    /// The most input that has to be kept for the next request: one line and one value.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Session, SessionConfig};
    /// let session = Session::new(SessionConfig::default());
    /// assert!(session.input_max() > SessionConfig::default().item_size_max);
    /// ```
    #[must_use]
    pub const fn input_max(&self) -> usize {
        self.config.input_max()
    }

    /// The least size of a [`FixedOutput`](crate::FixedOutput) that fits the reply to any request
    /// for an item of [`item_size_max`](SessionConfig::item_size_max). Of a smaller one, requests
    /// whose reply does not fit are refused with `SERVER_ERROR out of memory writing response`, and
    /// with less than 80 bytes a session closes at once. A reply to `stats` or `HELP` takes 2 KiB.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Session, SessionConfig};
    /// let session = Session::new(SessionConfig::default().with_item_size_max(100));
    /// assert!((100..1000).contains(&session.output_min()));
    /// ```
    #[must_use]
    pub const fn output_min(&self) -> usize {
        self.config.item_size_max.saturating_add(RETRIEVAL_MAX)
    }

    /// Executes requests at the front of `input`: as many as are parsed ahead at once.
    fn requests<'i, H: Host, O: Output>(
        &mut self,
        input: &'i [u8],
        parsed: Option<(Parsed<'i>, Key<'i>)>,
        context: &mut Context<'_, H, O>,
    ) -> usize {
        let parse_first = || {
            let first = parse(&self.config, self.state, input)?;
            let key = first.request.key(context.host);
            Some((first, key))
        };
        let Some((first, key)) = parsed.or_else(parse_first) else {
            return 0;
        };
        // Most clients wait for each reply, so that there is nothing to parse ahead.
        if first.len == input.len() {
            match self.execute_one(&first, key, context) {
                Executed::Fully => self.state = first.next,
                Executed::AndDecided => {}
                Executed::Later => return 0,
                Executed::Never => return self.refuse(&first, context),
            }
            return first.len;
        }
        let mut steps = [const { None }; BATCH];
        let mut keys = [Key::from(&[]); BATCH];
        keys[0] = key;
        let (mut state, mut end, mut count) = (first.next, first.len, 1);
        steps[0] = Some(first);
        while count < BATCH && end < input.len() {
            steps[count] = parse(&self.config, state, &input[end..]);
            let Some(parsed) = &steps[count] else { break };
            keys[count] = parsed.request.key(context.host);
            (state, end) = (parsed.next, end + parsed.len);
            count += 1;
        }
        if count > 1 {
            context.host.prefetch(&keys[..count]);
        }
        let (mut used, mut last) = (0, None);
        for (at, (parsed, key)) in steps.iter().flatten().zip(keys).enumerate() {
            match self.execute_one(parsed, key, context) {
                Executed::Fully => {
                    used += parsed.len;
                    last = Some(at);
                }
                Executed::AndDecided => {
                    used += parsed.len;
                    last = None;
                    if self.is_closed() {
                        break;
                    }
                }
                Executed::Later => break,
                Executed::Never => {
                    self.follow(&steps, last.take());
                    used += self.refuse(parsed, context);
                    break;
                }
            }
            if context.is_full(self.config.output_max) {
                break;
            }
        }
        // Once for all of them: it is a large value.
        self.follow(&steps, last);
        used
    }

    /// What follows the last of these that was executed.
    #[inline(always)]
    fn follow(&mut self, steps: &[Option<Parsed<'_>>; BATCH], last: Option<usize>) {
        if let Some(parsed) = last.and_then(|at| steps.get(at)?.as_ref()) {
            self.state = parsed.next;
        }
    }

    /// Executes a request if its reply fits.
    fn execute_one<H: Host, O: Output>(
        &mut self,
        parsed: &Parsed<'_>,
        key: Key<'_>,
        context: &mut Context<'_, H, O>,
    ) -> Executed {
        match context.room(parsed, key) {
            Room::Enough => {}
            Room::Later => return Executed::Later,
            Room::Never => return Executed::Never,
        }
        let start = context.output.len();
        let decided = match parsed.request {
            Request::AdminCommand(command) => {
                let outcome = context.host.command(&command, context.output);
                self.state = State::after(outcome);
                true
            }
            Request::BinaryControl(ref control) => {
                self.state = binary::control(context, control);
                true
            }
            _ => {
                if context.host.wants_events() {
                    execute_and_notify(context, &self.config, &parsed.request, key);
                } else {
                    execute(context, &self.config, &parsed.request, key);
                }
                false
            }
        };
        if context.output.has_overflowed() && parsed.request.is_report() {
            // It changes nothing, so it is made again once the output is empty.
            context.output.truncate(start);
            return match start {
                0 => Executed::Never,
                _ => Executed::Later,
            };
        }
        if self.close_if_overflowed(context.output, start) || decided {
            Executed::AndDecided
        } else {
            Executed::Fully
        }
    }

    /// Answers a request whose reply never fits; returns how many bytes of input are done.
    #[cold]
    fn refuse<H: Host, O: Output>(
        &mut self,
        parsed: &Parsed<'_>,
        context: &mut Context<'_, H, O>,
    ) -> usize {
        self.state = context.refuse(self.state, parsed);
        if self.is_closed() { 0 } else { parsed.len }
    }

    /// Takes back what was written from `start` on if not all of it fit, and ends the conversation:
    /// a host wrote more than was available. Returns whether that is so.
    #[inline(always)]
    fn close_if_overflowed(&mut self, output: &mut impl Output, start: usize) -> bool {
        let overflowed = output.has_overflowed();
        if overflowed {
            output.truncate(start);
            output.extend_from_slice(reply::OUTPUT_TOO_SMALL);
            self.state = State::Closed { error: true };
        }
        overflowed
    }

    /// Skips the rest of a refused request, as far as it has arrived.
    fn skip(&mut self, mut skip: Skip, input: &[u8], output: &mut impl Output) -> usize {
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
            State::Ready {
                dynamidb: skip.dynamidb,
            }
        } else {
            State::Skip(skip)
        };
        used
    }
}
