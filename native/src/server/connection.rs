//! One client's connection: a state machine that a worker drives a step at a time.
//!
//! ```text
//!        with users         signed in          quit, end of input, stop
//!   New ────────────▶ SignIn ────────▶ Open ────────────────────────────┐
//!    │ another protocol │ five refusals                                  ▼
//!    └──────────────────┴───────────────────────────────────────────▶ Flushing
//!                                                                        │
//!                                                          Closed ◀── Lingering
//! ```
//! `New` goes to `Open` where no users are configured. `Flushing` sends the last replies;
//! `Lingering` gives the client time to read them. Every failure of the socket, and a client that
//! stalls, closes at once from any state.
//!
//! A connection that waits holds next to nothing: half a request, or replies that the client does
//! not read. While it has such replies it reads nothing, so a client that never reads costs a
//! bounded amount of memory.

pub(crate) mod buffers;
pub(crate) mod foreign;
pub(crate) mod linger;

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynamidb_core::{FirstRequest, Instant, Keyspace, Session};
use nix::poll::PollFlags;
use socket2::TcpKeepalive;

use crate::server::admin::Task;
use crate::server::auth::Verdict;
use crate::server::connection::buffers::{Input, SMALL, Slot, Spare, UnsentOutput};
use crate::server::connection::linger::Linger;
use crate::server::context::{ConnectionPermit, ServerContext};
use crate::server::runtime::{Runtime, Stream, Timer};
use crate::server::state::clients::{Client, Doing};
use crate::server::state::{Host, count};
use crate::shards::{Held, View};

/// What a connection reads in one turn at most: a millisecond of the smallest requests. With others
/// in the turn it is less, except for a request that is large itself.
pub(crate) const READ_MAX: usize = 64 * 1024;
/// How long a stopping server waits for a client to read its last replies.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);
/// A client that sends nothing for so long has read its last replies.
const LINGER_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether a watcher has left that had closed its sending side.
const DEPARTURE_PERIOD: Duration = Duration::from_secs(1);
/// After so long without a line for it, such a watcher's host is asked whether it is still there.
const DEPARTURE_PROBE: Duration = Duration::from_secs(30);
/// After how many refusals a client that has not signed in is disconnected.
const REFUSALS_MAX: u8 = 5;

/// What a client may keep the server waiting for, but not for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wait {
    /// The rest of a request, or room for replies.
    Stall,
    /// A request.
    Idle,
    /// Room for the last replies of a server that stops.
    Drain,
    /// The departure of a watcher that has closed its sending side.
    Departure,
}

enum State {
    /// It has sent nothing yet.
    New,
    /// No request is served before the client signs in; it was refused this many times.
    SignIn(u8),
    Open,
    /// Nothing more is read; what is left to send is sent.
    Flushing,
    Lingering(Box<Linger>),
    Closed,
}

/// What a connection brings to a turn.
pub(crate) enum Received {
    /// Input to process, or to go on with what was put off.
    Input,
    /// Output to send.
    Output,
    /// Nothing.
    Nothing,
}

/// How it goes on after a turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum After {
    /// There is more to do, once others have had their turn.
    Requeue,
    /// Until its waker is woken.
    Wait,
}

pub(crate) struct Connection<R: Runtime> {
    stream: R::Stream,
    session: Session,
    state: State,
    /// Whether processing stopped because there was enough output, or to let others have a turn.
    backlog: bool,
    /// Whether its last requests were larger than a small buffer.
    large: bool,
    /// Whether it is closed because of what the client sent before any request.
    broke_protocol: bool,
    client: Arc<Client>,
    /// Boxed, because most have nothing.
    suspended: Option<Box<Suspended>>,
    context: ConnectionPermit,
}

/// What a connection keeps while it waits for its client, or for its turn.
#[derive(Default)]
struct Suspended {
    /// A command that takes longer than a reply.
    task: Option<Box<Task>>,
    /// Bytes received that are not processed: half a request, or with `backlog` whole ones.
    input: Input,
    output: UnsentOutput,
    /// Whether the client has closed its sending side and only watches.
    listens: bool,
    /// What input and output count for in [`Host::buffered`].
    buffered: usize,
    /// Ends the connection, if what it waits for must not take forever.
    timer: Option<(Wait, Timer)>,
}

impl<R: Runtime> Connection<R> {
    /// A connection that is woken by `waker`.
    pub(crate) fn new(stream: R::Stream, waker: Waker, context: ConnectionPermit) -> Self {
        let (host, now) = (&context.host, context.host.clock.now());
        let client = host.clients.open(now, &stream.socket(), waker);
        host.watchers.note_client(&client, None);
        tracing::debug!("{client} opens");
        Self {
            stream,
            session: Session::new(context.session.clone()),
            state: State::New,
            backlog: false,
            large: false,
            broke_protocol: false,
            client,
            suspended: None,
            context,
        }
    }

    /// First step of a turn: sends what was kept, and reads what has arrived, about `limit` bytes.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        output: &mut Vec<u8>,
        spare: &mut Spare,
        limit: usize,
    ) -> io::Result<Received> {
        if matches!(self.state, State::Lingering(_)) {
            self.linger(cx, slot, spare)?;
            return Ok(Received::Nothing);
        }
        if self.poll_flush(cx)?.is_pending() {
            return Ok(Received::Nothing);
        }
        // Replies are finished, but no list of everything there is.
        let may_end = !self.backlog || self.session.is_busy();
        if may_end && self.context.stop.is_requested() {
            self.state = State::Flushing;
        }
        if matches!(self.state, State::Flushing) {
            return Ok(Received::Output);
        }
        if let Some(suspended) = &mut self.suspended
            && !suspended.input.is_empty()
        {
            slot.resume(&mut suspended.input, spare);
        }
        if self.poll_watch(cx, output).is_ready() {
            return Ok(Received::Output);
        }
        if self.backlog {
            return Ok(Received::Input);
        }
        if !self.read(cx, slot, spare, limit)? {
            return Ok(Received::Nothing);
        }
        self.sign_in(slot.input_mut(), output);
        Ok(match self.state {
            State::Open => Received::Input,
            _ => Received::Output,
        })
    }

    /// Reads until nothing is left or a turn's worth has come; whether something has, be it the end
    /// of the input.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        spare: &mut Spare,
        limit: usize,
    ) -> io::Result<bool> {
        let limit = if self.large {
            slot.enlarge(spare);
            READ_MAX
        } else {
            limit
        };
        let mut total = 0;
        while total < limit {
            let room = slot.room(spare);
            let size = room.len();
            match self.stream.poll_read(cx, room) {
                Poll::Pending => break,
                Poll::Ready(read) => match read {
                    // What came before is processed first. The next read will say the same again.
                    Ok(0) | Err(_) if total > 0 => break,
                    Ok(0) if self.listen() => return Ok(false),
                    Ok(0) => {
                        self.state = State::Flushing;
                        return Ok(true);
                    }
                    Ok(read) => {
                        slot.input_mut().grow(read);
                        total += read;
                        if read < size {
                            break;
                        }
                    }
                    Err(error) => return Err(error),
                },
            }
        }
        self.large &= total >= SMALL;
        if total > 0 {
            self.rewind_timer();
            self.context.host.count_read(total);
        }
        Ok(total > 0)
    }

    /// Nothing more will come from the client. A watcher goes on hearing; whether this is one.
    fn listen(&mut self) -> bool {
        let watches = self.is_watching();
        if let Some(suspended) = self.suspended.as_mut().filter(|_| watches)
            && !mem::replace(&mut suspended.listens, true)
        {
            // Leaving is silent now. It shows when there is a line for the client; else the probes
            // of TCP find out, once the client's system has forgotten the connection.
            let probe = TcpKeepalive::new().with_time(DEPARTURE_PROBE);
            let _ = self.stream.socket().set_tcp_keepalive(&probe);
        }
        watches
    }

    /// Looks at the first bytes, and lets the client sign in, if it has to.
    fn sign_in(&mut self, input: &mut Input, output: &mut Vec<u8>) {
        let host = &self.context.host;
        if matches!(self.state, State::New) {
            if let Some(protocol) = host.foreign.recognize(input.bytes()) {
                protocol.happened(host.clock.now());
                (self.state, self.broke_protocol) = (State::Flushing, true);
                return;
            }
            self.state = match self.context.users {
                Some(_) => State::SignIn(0),
                None => State::Open,
            };
        }
        let Some(users) = &self.context.users else {
            return;
        };
        while let State::SignIn(refusals) = self.state {
            let (used, reply, state) = match users.judge(input.bytes()) {
                Verdict::Wait => return,
                Verdict::Admit(used) => (used, &b"STORED\r\n"[..], State::Open),
                Verdict::Refuse(used, reply) if refusals + 1 < REFUSALS_MAX => {
                    (used, reply, State::SignIn(refusals + 1))
                }
                Verdict::Refuse(_, reply) | Verdict::Close(reply) => {
                    (input.len(), reply, State::Flushing)
                }
            };
            count(&host.auth_cmds, 1);
            if !matches!(state, State::Open) {
                host.auth_errors.happened(host.clock.now());
            }
            input.pop(used);
            output.extend_from_slice(reply);
            self.broke_protocol = matches!(state, State::Flushing);
            self.state = state;
        }
    }

    /// Second step: parses the first request that was received.
    pub(crate) fn parse<'i>(
        &self,
        input: &'i [u8],
        keyspace: &impl Keyspace,
    ) -> Option<FirstRequest<'i>> {
        if self.backlog {
            return None;
        }
        self.session.parse(input, keyspace)
    }

    /// Third step: processes the requests. Returns how many bytes of the input are done with.
    pub(crate) fn process<'s>(
        &mut self,
        now: Instant,
        first: Option<FirstRequest<'_>>,
        input: &[u8],
        output: &mut Vec<u8>,
        held: Option<Held<'s>>,
        context: &'s ServerContext,
    ) -> (usize, Option<Held<'s>>) {
        self.client.heard(now);
        let mut keyspace = View::resume(&context.shards, &context.host, self.client.number, held);
        keyspace.task = self.suspended.as_mut().and_then(|s| s.task.take());
        let used = match first {
            Some(first) => self
                .session
                .process_parsed(now, first, &mut keyspace, output),
            None => self.session.process(now, input, &mut keyspace, output),
        };
        let (task, held) = keyspace.suspend();
        if task.is_some() {
            self.suspended.get_or_insert_default().task = task;
        }
        self.backlog = output.len() >= context.session.output_max || self.session.is_busy();
        (used, held)
    }

    /// Fourth step: sends the replies, and keeps what the socket does not take.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn send(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) -> io::Result<()> {
        let mut sent = 0;
        while sent < output.len() {
            match self.stream.poll_write(cx, &output[sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => sent += written,
                Poll::Pending => {
                    let rest = UnsentOutput::rest_of(output, sent);
                    self.suspended.get_or_insert_default().output = rest;
                    self.context.host.count_written(sent);
                    // At once: the others of the turn may have large replies too.
                    return self.keep_account();
                }
            }
        }
        self.context.host.count_written(sent);
        Ok(())
    }

    /// Last step: keeps what is not processed, and says how it goes on.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn settle(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        spare: &mut Spare,
        received: &Received,
    ) -> io::Result<After> {
        if self.session.is_closed() {
            self.state = State::Flushing;
        }
        let rest = slot.input();
        if !rest.is_empty() && matches!(self.state, State::New | State::SignIn(_) | State::Open) {
            if !self.backlog && rest.len() > self.session.input_max() {
                return Err(io::Error::other("a request is longer than the longest"));
            }
            self.large |= !self.backlog && rest.len() >= SMALL;
            self.suspended.get_or_insert_default().input = slot.suspend();
        }
        if matches!(self.state, State::Flushing) && !self.has_unsent_output() {
            self.start_lingering()?;
            self.linger(cx, slot, spare)?;
            return Ok(After::Wait);
        }
        let after = self.next_step(cx, received)?;
        self.keep_account()?;
        match after {
            After::Wait => self.check_timer(cx),
            other => Ok(other),
        }
    }

    fn next_step(&mut self, cx: &mut Context<'_>, received: &Received) -> io::Result<After> {
        let lingers = matches!(self.state, State::Lingering(_));
        if self.has_unsent_output() || lingers || matches!(received, Received::Nothing) {
            return Ok(After::Wait);
        }
        // Whatever it waits for from now on, it has to ask for it once more.
        if self.is_watching() || self.context.stop.is_requested() {
            return Ok(After::Requeue);
        }
        if self.backlog || self.stream.poll_readable(cx)?.is_ready() {
            count(&self.context.host.yields, 1);
            return Ok(After::Requeue);
        }
        Ok(After::Wait)
    }

    fn has_unsent_output(&self) -> bool {
        let suspended = self.suspended.as_ref();
        suspended.is_some_and(|suspended| !suspended.output.is_empty())
    }

    fn start_lingering(&mut self) -> io::Result<()> {
        tracing::debug!("{} ends", self.client);
        let at_fault = self.broke_protocol || self.session.is_closed_by_error();
        self.announce_end(if at_fault { "error" } else { "normal" });
        let end = self.suspended.take().and_then(|suspended| {
            let buffered = &self.context.host.buffered;
            buffered.fetch_sub(suspended.buffered, Ordering::Relaxed);
            match suspended.timer {
                Some((Wait::Drain, timer)) => Some(timer),
                _ => None,
            }
        });
        self.state = State::Closed;
        let linger = Linger::start::<R>(&self.stream, LINGER_PAUSE, end)?;
        self.state = State::Lingering(Box::new(linger));
        Ok(())
    }

    /// Fails when the client has had its time to read the last replies.
    fn linger(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        spare: &mut Spare,
    ) -> io::Result<()> {
        if let State::Lingering(linger) = &mut self.state
            && linger
                .poll::<R>(cx, &mut self.stream, slot.room(spare))
                .is_ready()
        {
            self.state = State::Closed;
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(())
    }

    fn is_watching(&self) -> bool {
        let task = self.suspended.as_ref().and_then(|s| s.task.as_deref());
        matches!(task, Some(Task::Watch(_)))
    }

    /// Appends what a watcher is to hear; pending if there is nothing, or nobody watches.
    fn poll_watch(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) -> Poll<()> {
        let suspended = self.suspended.as_mut();
        match suspended.and_then(|s| s.task.as_deref_mut()) {
            Some(Task::Watch(watcher)) => watcher.poll_lines(cx, output),
            _ => Poll::Pending,
        }
    }

    /// Sends what was kept.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        while let Some(s) = self.suspended.as_mut().filter(|s| !s.output.is_empty()) {
            match self.stream.poll_write(cx, s.output.bytes())? {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    s.output.pop(written);
                    self.context.host.count_written(written);
                }
            }
            self.rewind_timer();
        }
        Ok(Poll::Ready(()))
    }

    /// Tells the host how much is kept here. Frees it and fails if that is too much in all.
    fn keep_account(&mut self) -> io::Result<()> {
        let suspended = self.suspended.as_deref();
        self.client.set_doing(match suspended {
            Some(_) if self.is_watching() => Doing::Watching,
            Some(s) if !s.output.is_empty() => Doing::Writing,
            Some(s) if !s.input.is_empty() => Doing::Reading,
            _ => Doing::Waiting,
        });
        let Some(suspended) = &mut self.suspended else {
            return Ok(());
        };
        let host = &self.context.host;
        let size = suspended.input.size() + suspended.output.size();
        let before = mem::replace(&mut suspended.buffered, size);
        if size < before {
            host.buffered.fetch_sub(before - size, Ordering::Relaxed);
        } else if size > before {
            let all = host.buffered.fetch_add(size - before, Ordering::Relaxed) + size - before;
            if all > Host::BUFFERED_MAX {
                host.buffered.fetch_sub(size, Ordering::Relaxed);
                self.suspended = None;
                host.overfull.happened(host.clock.now());
                return Err(io::Error::other("too much is kept for all connections"));
            }
        }
        Ok(())
    }

    /// Fails when the client has kept the server waiting for too long.
    fn check_timer(&mut self, cx: &mut Context<'_>) -> io::Result<After> {
        let Some((wait, limit)) = self.wait() else {
            self.suspended
                .take_if(|s| s.buffered == 0 && s.task.is_none());
            self.rewind_timer();
            return Ok(After::Wait);
        };
        let suspended = self.suspended.get_or_insert_default();
        let timer = suspended.timer.take().filter(|(set, _)| *set == wait);
        let (_, timer) = suspended
            .timer
            .insert(timer.unwrap_or_else(|| (wait, Box::pin(R::sleep(limit)))));
        if timer.as_mut().poll(cx).is_pending() {
            return Ok(After::Wait);
        }
        let host = &self.context.host;
        let now = host.clock.now();
        if wait == Wait::Idle {
            // Nothing was wound back while requests came.
            let quiet = self.client.quiet_for(now);
            if quiet < limit {
                *timer = Box::pin(R::sleep(limit - quiet));
                if timer.as_mut().poll(cx).is_pending() {
                    return Ok(After::Wait);
                }
            }
        }
        // After a stall of the process or its machine the time is over before the runtime has heard
        // of what came meanwhile, so that the socket itself is asked.
        let over = match wait {
            Wait::Stall if !suspended.output.is_empty() => {
                !self.stream.is_ready(PollFlags::POLLOUT)
            }
            Wait::Stall | Wait::Idle => !self.stream.is_ready(PollFlags::POLLIN),
            Wait::Departure => self.stream.is_ready(PollFlags::empty()),
            Wait::Drain => true,
        };
        if !over {
            suspended.timer = None;
            return Ok(After::Requeue);
        }
        match wait {
            Wait::Departure => {
                self.state = State::Flushing;
                return Ok(After::Requeue);
            }
            Wait::Drain => {}
            Wait::Stall => {
                host.stalled.happened(now);
            }
            Wait::Idle => {
                host.idle_kicks.happened(now);
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// What is waited for, and for how long at most.
    fn wait(&self) -> Option<(Wait, Duration)> {
        if matches!(self.state, State::Lingering(_)) {
            return None;
        }
        if self.context.stop.is_requested() {
            return Some((Wait::Drain, DRAIN_TIMEOUT));
        }
        let half_done = |s: &Suspended| {
            let half_a_request = !s.input.is_empty() && !self.backlog;
            half_a_request || !s.output.is_empty()
        };
        if self.suspended.as_deref().is_some_and(half_done) {
            return Some((Wait::Stall, self.context.stall_timeout?));
        }
        // A watcher has nothing to say.
        let busy = match self.suspended.as_deref() {
            Some(s) if s.listens => return Some((Wait::Departure, DEPARTURE_PERIOD)),
            Some(s) => s.task.is_some(),
            None => false,
        };
        let idle_timeout = self.context.idle_timeout.filter(|_| !busy);
        Some((Wait::Idle, idle_timeout?))
    }

    /// Something moved: the client has its full time again, unless the server stops.
    fn rewind_timer(&mut self) {
        if let Some(suspended) = &mut self.suspended {
            suspended.timer.take_if(|(wait, _)| *wait == Wait::Stall);
        }
    }

    /// Lets watchers know why the connection fails.
    pub(crate) fn fail(&self, error: &io::Error) {
        if matches!(self.state, State::Lingering(_) | State::Closed) {
            return;
        }
        tracing::debug!("{} ends: {error}", self.client);
        self.announce_end(match error.kind() {
            io::ErrorKind::TimedOut => "idle_timeout",
            _ => "error",
        });
    }

    fn announce_end(&self, reason: &str) {
        let reason = if self.context.stop.is_requested() {
            "shutdown"
        } else {
            reason
        };
        let host = &self.context.host;
        host.watchers.note_client(&self.client, Some(reason));
    }
}

impl<R: Runtime> Drop for Connection<R> {
    fn drop(&mut self) {
        let host = &self.context.host;
        host.clients.close(&self.client);
        let buffered = self.suspended.as_ref().map_or(0, |s| s.buffered);
        host.buffered.fetch_sub(buffered, Ordering::Relaxed);
    }
}
