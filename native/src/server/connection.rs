//! One client's connection: a state machine that a worker drives a step at a time.
//!
//! ```text
//!        with users         signed in        quit, end of input, stop
//!   New ────────────▶ SignIn ────────▶ Open ─────────────────────────┐
//!    │ another protocol │ five rejections                            ▼
//!    └──────────────────┴──────────────────────────────────────▶ Flushing
//!                                                                    │
//!                                                      Closed ◀── Lingering
//! ```
//! `New` goes to `Open` where no users are configured, and for clients of the binary protocol,
//! whose session lets them sign in. `Flushing` sends the last replies; `Lingering` gives the client
//! time to read them. A socket error, a timeout or a panic closes the connection at once from any
//! state.
//!
//! A waiting connection keeps only half a request, or replies that the client has not read. While
//! it has such replies it reads nothing, so a client that never reads costs bounded memory.

pub(crate) mod buffers;
pub(crate) mod foreign;
pub(crate) mod linger;
mod records;
mod suspended;
mod timeout;
mod waiting;

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynamidb_core::{FirstRequest, Host, Instant, Keyspace, Protocol, Session};
use socket2::TcpKeepalive;

use crate::server::auth::{Access, AuthOutcome, WRONG_PASSWORD};
use crate::server::connection::buffers::{
    BatchedRead, Input, InputPool, LARGE, SMALL, Slot, UnsentOutput,
};
use crate::server::connection::linger::Linger;
use crate::server::connection::suspended::Suspended;
use crate::server::connection::timeout::DEPARTURE_PROBE;
use crate::server::context::{ConnectionPermit, ServerContext};
use crate::server::host::{SessionHost, SignIns};
use crate::server::runtime::{Runtime, Stream};
use crate::server::state::clients::{Client, ConnState};
use crate::server::state::count;
use crate::server::state::measured::Measured;
use crate::server::tls::Tls;
use crate::server::view::LockedShard;

/// The most that a connection reads in one turn. With other connections in the turn it is less,
/// except for a request that is large itself, which is read as far as it fits in a large buffer.
pub(crate) const READ_MAX: usize = 64 * 1024;
/// A client that sends nothing for this long has read its last replies.
const LINGER_PAUSE: Duration = Duration::from_millis(50);
/// The first byte of a client that speaks the binary protocol.
const PACKET: u8 = 0x80;
/// How many requests of a client that is not signed in are rejected before it is disconnected.
const REJECTIONS_MAX: u8 = 5;

enum State {
    /// Nothing was received yet.
    New,
    /// No request is served before the client signs in; this many were rejected.
    SignIn(u8),
    Open,
    /// Nothing more is read; the last replies are sent.
    Flushing,
    Lingering(Box<Linger>),
    Closed,
}

/// What a connection brings to a turn.
pub(crate) enum Received {
    /// Input to process, or earlier input to continue with.
    Input,
    /// Output to send.
    Output,
    /// A step of the TLS handshake, which takes about as long as [`READ_MAX`] bytes of requests.
    Handshake,
    Nothing,
}

/// What happens to a connection after a turn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NextStep {
    /// It has another turn after the other connections.
    Requeue,
    /// It waits for its waker.
    Wait,
}

pub(crate) struct Connection<R: Runtime> {
    stream: R::Stream,
    tls: Option<Box<Tls>>,
    session: Session,
    state: State,
    /// What the user who has signed in may do.
    access: Access,
    /// Whether processing stopped because the output is full, or to let other connections have a
    /// turn.
    backlog: bool,
    /// Whether its last requests were larger than a small buffer.
    large: bool,
    /// Whether it is closed because of what the client sent before its first request.
    protocol_error: bool,
    client: Arc<Client>,
    /// Boxed, because most connections have none.
    suspended: Option<Box<Suspended>>,
    context: ConnectionPermit,
}

impl<R: Runtime> Connection<R> {
    /// A connection that is woken by `waker`.
    pub(crate) fn new(stream: R::Stream, waker: Waker, mut context: ConnectionPermit) -> Self {
        let tls = context.tls.take();
        let server = &context.server;
        let mut config = context.session.clone();
        config.sasl &= context.listener.auth;
        let session = Session::new(config);
        let client = server
            .clients
            .open(server.clock.now(), &stream.socket(), waker);
        let connection = Self {
            stream,
            tls,
            session,
            state: State::New,
            access: Access::default(),
            backlog: false,
            large: false,
            protocol_error: false,
            client,
            suspended: None,
            context,
        };
        let watchers = &connection.context.server.watchers;
        watchers.on_connection(&connection.client, None);
        tracing::debug!("{} opens", connection.client);
        connection
    }

    /// Whether the first step of a turn only reads, and there probably is something: then it may be
    /// read before, together with other connections'.
    pub(crate) fn is_about_to_read(&mut self, cx: &mut Context<'_>) -> bool {
        matches!(self.state, State::New | State::SignIn(_) | State::Open)
            && !self.backlog
            && !self.large
            && self.tls.is_none()
            && self.suspended.as_ref().is_none_or(|s| s.keeps_nothing())
            && !self.context.stop.is_requested()
            && matches!(self.stream.poll_readable(cx), Poll::Ready(Ok(())))
    }

    /// Whether replies may be sent before the fourth step, together with other connections'.
    pub(crate) fn may_send(&self) -> bool {
        let suspended = self.suspended.as_ref();
        self.tls.is_none() && suspended.is_none_or(|suspended| suspended.held.is_none())
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// First step of a turn: sends earlier replies, and reads about `limit` bytes of what has
    /// arrived.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        output: &mut Vec<u8>,
        pool: &mut InputPool,
        limit: usize,
    ) -> io::Result<Received> {
        if matches!(self.state, State::Lingering(_)) {
            self.linger(cx, slot, pool)?;
            return Ok(Received::Nothing);
        }
        if let Some(suspended) = &mut self.suspended {
            let counted = self.tls.is_none();
            let flushed = suspended.poll_flush(cx, &mut self.stream, &self.context.server, counted);
            if flushed?.is_pending() {
                return Ok(Received::Nothing);
            }
            if let Some(measured) = suspended.measured.take() {
                let server = &self.context.server;
                server.count_written_at(server.clock.micros(), &measured, &self.client);
            }
        }
        // Replies are finished, but not a list of all items.
        let may_end = !self.backlog || self.session.is_busy();
        if may_end && self.context.stop.is_requested() {
            self.state = State::Flushing;
        }
        if matches!(self.state, State::Flushing) {
            return Ok(Received::Output);
        }
        if let Some(suspended) = &mut self.suspended {
            if !suspended.input.is_empty() {
                slot.resume(&mut suspended.input, pool);
            }
            if suspended.poll_watch(cx, output).is_ready() {
                return Ok(Received::Output);
            }
        }
        if self.backlog {
            return Ok(Received::Input);
        }
        if self.tls.is_some() {
            return self.receive_records(cx, slot, output, pool, limit);
        }
        if !self.read(cx, slot, pool, limit)? {
            return Ok(Received::Nothing);
        }
        self.sign_in(slot.input_mut(), output);
        Ok(match self.state {
            State::Open => Received::Input,
            _ => Received::Output,
        })
    }

    /// Reads until the socket is empty or `limit` is reached. `false` if there was nothing, not
    /// even the end of the input.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        pool: &mut InputPool,
        limit: usize,
    ) -> io::Result<bool> {
        let limit = if self.large {
            slot.enlarge(pool);
            // All that fits: a request that is received in one turn takes no buffer to the next.
            READ_MAX.max(LARGE.saturating_sub(slot.input().len()))
        } else {
            limit
        };
        let mut total = 0;
        while total < limit {
            let (read, size) = self.poll_read(cx, slot, pool, limit);
            match read {
                Poll::Pending => break,
                Poll::Ready(read) => match read {
                    // What came before is processed first. The next read returns the same again.
                    Ok(0) | Err(_) if total > 0 => break,
                    Ok(0) if self.half_close_watcher() => return Ok(false),
                    Ok(0) => {
                        self.state = State::Flushing;
                        return Ok(true);
                    }
                    Ok(read) => {
                        slot.input_mut().advance(read);
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
            if let Some(suspended) = &mut self.suspended {
                suspended.timer.restart_stall();
            }
            self.context.server.count_read(total);
        }
        Ok(total > 0)
    }

    /// Reads once, unless a batched read has done that. Also returns for how many bytes there was
    /// space.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        pool: &mut InputPool,
        limit: usize,
    ) -> (Poll<io::Result<usize>>, usize) {
        if let Some(BatchedRead { outcome, size }) = slot.batched.take() {
            if matches!(outcome, Ok(read) if (1..size).contains(&read)) {
                self.stream.set_drained();
            }
            return (Poll::Ready(outcome.map_err(io::Error::from)), size);
        }
        let unfilled = slot.unfilled(pool);
        let size = unfilled.len().min(limit.max(SMALL));
        (self.stream.poll_read(cx, &mut unfilled[..size]), size)
    }

    /// Handles the end of the input of a watcher, which still gets its lines. `false` if this is
    /// none.
    fn half_close_watcher(&mut self) -> bool {
        let Some(suspended) = self.suspended.as_mut().filter(|s| s.is_watching()) else {
            return false;
        };
        if !mem::replace(&mut suspended.half_closed, true) {
            // The departure of the client sends nothing any more. It shows when a line is sent, or
            // by TCP's probes once the client's system has forgotten the connection.
            let probe = TcpKeepalive::new().with_time(DEPARTURE_PROBE);
            let _ = self.stream.socket().set_tcp_keepalive(&probe);
        }
        true
    }

    /// Closes the connection if its first bytes are those of another protocol, and authenticates
    /// the client where users are configured.
    fn sign_in(&mut self, input: &mut Input, output: &mut Vec<u8>) {
        let server = &self.context.server;
        if matches!(self.state, State::New) {
            if let Some(protocol) = server.foreign.recognize(input.bytes()) {
                protocol.record(server.clock.now());
                (self.state, self.protocol_error) = (State::Flushing, true);
                return;
            }
            let packets = match self.context.session.protocol {
                Protocol::Binary => true,
                Protocol::Auto => input.bytes().first() == Some(&PACKET),
                _ => false,
            };
            let users = self.context.users.as_ref();
            self.state = match users.filter(|_| self.context.listener.auth) {
                Some(_) if !packets => State::SignIn(0),
                _ => State::Open,
            };
        }
        let Some(users) = &self.context.users else {
            return;
        };
        while let State::SignIn(rejections) = self.state {
            let (used, reply, state) = match users.authenticate(input.bytes()) {
                AuthOutcome::Incomplete => return,
                AuthOutcome::Authenticated(used, access) => {
                    self.access = access;
                    (used, &b"STORED\r\n"[..], State::Open)
                }
                AuthOutcome::Rejected(used, reply) if rejections + 1 < REJECTIONS_MAX => {
                    (used, reply, State::SignIn(rejections + 1))
                }
                AuthOutcome::Rejected(_, reply) | AuthOutcome::Close(reply) => {
                    (input.len(), reply, State::Flushing)
                }
            };
            count(&server.auth_cmds, 1);
            let now = server.clock.now();
            if !matches!(state, State::Open) {
                server.auth_errors.record(now);
            }
            let failures = u32::from(reply == WRONG_PASSWORD);
            if matches!(state, State::Open) {
                tracing::trace!("{} has signed in, {:?}", self.client, self.access);
            }
            if failures > 0 || matches!(state, State::Open) {
                let hold = server.throttle.hold(self.client.address(), failures, now);
                hold_replies(&mut self.suspended, hold);
            }
            input.consume(used);
            output.extend_from_slice(reply);
            self.protocol_error = matches!(state, State::Flushing);
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

    /// Third step: processes the requests. Returns how many bytes of the input were used.
    pub(crate) fn process<'s>(
        &mut self,
        now: Instant,
        first: Option<FirstRequest<'_>>,
        input: &[u8],
        output: &mut Vec<u8>,
        held: Option<LockedShard<'s>>,
        context: &'s ServerContext,
    ) -> (usize, Option<LockedShard<'s>>) {
        self.client.record_activity(now);
        let task = self.suspended.as_mut().and_then(|s| s.task.take());
        let (shards, server, client) = (&context.shards, &context.server, self.client.number);
        let accounts = context.accounts.as_deref();
        let mut host = SessionHost::new(shards, server, accounts, self.access, client, task, held);
        let used = match first {
            Some(first) => self.session.process_parsed(now, first, &mut host, output),
            None => self.session.process(now, input, &mut host, output),
        };
        let SignIns {
            successes,
            failures,
        } = host.sign_ins;
        self.access = host.access();
        let paused = used < input.len() && host.wants_pause();
        let (task, held) = host.suspend();
        if successes + failures > 0 {
            if successes > 0 {
                tracing::trace!("{} has signed in, {:?}", self.client, self.access);
            }
            let hold = server.throttle.hold(self.client.address(), failures, now);
            hold_replies(&mut self.suspended, hold);
        }
        if self.session.is_closed_by_error() {
            context.server.foreign.record_http(input, now);
        }
        if task.is_some() {
            self.suspended.get_or_insert_default().task = task;
        }
        let is_full = output.len() >= context.session.output_max;
        self.backlog = paused || is_full || self.session.is_busy();
        (used, held)
    }

    /// Fourth step: sends the replies, of which `sent` bytes are sent, and keeps what the socket
    /// does not take.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn send(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut Vec<u8>,
        sent: usize,
    ) -> io::Result<()> {
        let start = match &mut self.tls {
            Some(tls) => {
                let start = tls.seal(output)?;
                // As in memcached, replies count, and not what TLS adds.
                self.context.server.count_written(start);
                start
            }
            None => 0,
        };
        if let Some(suspended) = self.suspended.as_mut().filter(|s| s.held.is_some()) {
            suspended.output = UnsentOutput::rest_of(output, start);
            return self.account();
        }
        let mut sent = sent.max(start);
        while sent < output.len() {
            match self.stream.poll_write(cx, &output[sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => sent += written,
                Poll::Pending => {
                    let rest = UnsentOutput::rest_of(output, sent);
                    self.suspended.get_or_insert_default().output = rest;
                    if self.tls.is_none() {
                        self.context.server.count_written(sent);
                    }
                    // Now: other connections of the turn may have large replies too.
                    return self.account();
                }
            }
        }
        if self.tls.is_none() {
            self.context.server.count_written(sent);
        }
        Ok(())
    }

    /// Counts how long a measured request took, once its replies are written: now, which is given
    /// in microseconds, or after a later turn.
    pub(crate) fn count_written(&mut self, measured: Measured, now: u64) {
        match self.suspended.as_deref_mut() {
            // How long a wrong password is held back says nothing about the server.
            Some(suspended) if suspended.held.is_some() => {}
            Some(suspended) if !suspended.output.is_empty() => {
                suspended.measured = Some(Box::new(measured));
            }
            _ => {
                let server = &self.context.server;
                server.count_written_at(now, &measured, &self.client);
            }
        }
    }

    /// Last step: keeps what is not processed, and says what happens next.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(crate) fn finish_turn(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        pool: &mut InputPool,
        received: &Received,
    ) -> io::Result<NextStep> {
        if self.session.is_closed() && !matches!(self.state, State::Lingering(_)) {
            self.state = State::Flushing;
        }
        let rest = slot.input();
        if !rest.is_empty() && matches!(self.state, State::New | State::SignIn(_) | State::Open) {
            if !self.backlog && rest.len() > self.session.input_max() {
                return Err(io::Error::other("a request is longer than the limit"));
            }
            self.large |= !self.backlog && rest.len() >= SMALL;
            self.suspended.get_or_insert_default().input = slot.suspend();
        }
        if matches!(self.state, State::Flushing) && !self.has_unsent_output() {
            self.close_tls(cx)?;
        }
        if matches!(self.state, State::Flushing) && !self.has_unsent_output() {
            self.start_lingering()?;
            self.linger(cx, slot, pool)?;
            return Ok(NextStep::Wait);
        }
        let next = self.next_step(cx, received)?;
        self.account()?;
        match next {
            NextStep::Wait => self.poll_timeout(cx),
            NextStep::Requeue => Ok(next),
        }
    }

    fn next_step(&mut self, cx: &mut Context<'_>, received: &Received) -> io::Result<NextStep> {
        let lingers = matches!(self.state, State::Lingering(_));
        if self.has_unsent_output() || lingers || matches!(received, Received::Nothing) {
            return Ok(NextStep::Wait);
        }
        // The next turn registers its waker for what it waits for from now on.
        if self.is_watching() || self.context.stop.is_requested() {
            return Ok(NextStep::Requeue);
        }
        let has_ended = self.tls.as_deref().is_some_and(Tls::has_ended);
        if self.backlog || has_ended || self.stream.poll_readable(cx)?.is_ready() {
            count(&self.context.server.yields, 1);
            return Ok(NextStep::Requeue);
        }
        Ok(NextStep::Wait)
    }

    fn has_unsent_output(&self) -> bool {
        let suspended = self.suspended.as_deref();
        suspended.is_some_and(|suspended| !suspended.output.is_empty())
    }

    fn is_watching(&self) -> bool {
        self.suspended
            .as_deref()
            .is_some_and(Suspended::is_watching)
    }

    fn start_lingering(&mut self) -> io::Result<()> {
        tracing::debug!("{} ends", self.client);
        let at_fault = self.protocol_error || self.session.is_closed_by_error();
        self.announce_end(if at_fault { "error" } else { "normal" });
        let end = self.suspended.take().and_then(|mut suspended| {
            suspended.release(&self.context.server);
            suspended.timer.into_drain()
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
        pool: &mut InputPool,
    ) -> io::Result<()> {
        if let State::Lingering(linger) = &mut self.state
            && linger
                .poll::<R>(cx, &mut self.stream, slot.unfilled(pool))
                .is_ready()
        {
            self.state = State::Closed;
            return Err(io::ErrorKind::NotConnected.into());
        }
        Ok(())
    }

    /// Accounts for the buffers that are kept. Frees them and fails if those of all connections
    /// together exceed the limit.
    fn account(&mut self) -> io::Result<()> {
        let server = &self.context.server;
        let half_a_record = self.half_a_record();
        if half_a_record > 0 {
            self.suspended.get_or_insert_default();
        }
        let Some(suspended) = &mut self.suspended else {
            self.client.set_state(ConnState::Waiting);
            return Ok(());
        };
        self.client.set_state(match suspended.conn_state() {
            ConnState::Waiting if half_a_record > 0 => ConnState::Reading,
            state => state,
        });
        let accounted = suspended.account(server, half_a_record);
        if accounted.is_err() {
            suspended.release(server);
            self.suspended = None;
        }
        accounted
    }

    /// Tells watchers why the connection is closed without lingering.
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
        let watchers = &self.context.server.watchers;
        watchers.on_connection(&self.client, Some(reason));
    }
}

/// Holds the next replies back, if it is for any time.
fn hold_replies(suspended: &mut Option<Box<Suspended>>, hold: Duration) {
    if !hold.is_zero() {
        suspended.get_or_insert_default().held = Some(hold);
    }
}

impl<R: Runtime> Drop for Connection<R> {
    fn drop(&mut self) {
        let server = &self.context.server;
        server.clients.close(&self.client);
        if let Some(suspended) = &mut self.suspended {
            suspended.release(server);
        }
    }
}
