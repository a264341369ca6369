//! One socket, one session: read, process, write.
//!
//! A connection that waits holds next to nothing: half a request, or replies that the client does
//! not take. While it has such replies it reads nothing, so a client that never reads costs a
//! bounded amount of memory.

use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use dynamidb_core::Session;
use nix::poll::PollFlags;
use socket2::TcpKeepalive;

use crate::admin::Task;
use crate::auth::Verdict;
use crate::buffers::{Buffers, Kept, Received};
use crate::connections::{Client, Doing};
use crate::host::{Host, count};
use crate::linger::{LINGER, linger};
use crate::runtime::{Runtime, Stream};
use crate::server::Shared;

/// Bytes in and out after which a connection lets others have a turn: a millisecond of the
/// smallest requests.
const TURN_SIZE: usize = 64 * 1024;
/// What counts besides for work that has been put off, because it may move nothing at all.
const BACKLOG_SIZE: usize = 4 * 1024;
/// How long a stopping server waits for a client to take its last replies.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);
/// A client that sends nothing for so long has taken its last replies.
const LINGER_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked whether a watcher has left that had closed its sending side.
const DEPARTURE_PERIOD: Duration = Duration::from_secs(1);
/// After so long without a line for it, such a watcher's host is asked whether it is still there.
const DEPARTURE_PROBE: Duration = Duration::from_secs(30);

/// After how many refusals a client is hung up on that has not shown who it is.
const REFUSALS_MAX: u8 = 5;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a client may let the server wait for, but not for ever.
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

/// Whether requests are listened to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Door {
    /// Not known: it has said nothing yet.
    Unknown,
    /// Not before the client shows who it is; it was refused so often.
    Closed(u8),
    Open,
    /// Never again.
    Shut,
}

/// One of the places for connections, for as long as it is held.
pub(crate) struct Seat {
    shared: Arc<Shared>,
}

impl Seat {
    pub(crate) fn take(shared: &Arc<Shared>) -> Option<Self> {
        shared.host.admit().then(|| Self {
            shared: Arc::clone(shared),
        })
    }
}

impl Deref for Seat {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.host.dismiss();
    }
}

/// Serves a client until it leaves, breaks the rules or the server stops.
///
/// Not an `async fn`: those keep their arguments twice, and there are many connections.
pub(crate) fn serve<R: Runtime>(
    stream: R::Stream,
    seat: Seat,
) -> impl Future<Output = ()> + Send + 'static {
    let mut connection = Connection::<R>::new(stream, seat);
    async move {
        if poll_fn(|cx| connection.poll_end(cx)).await {
            // Boxed, so that connections that stay do not hold the room for it.
            Box::pin(connection.hang_up()).await;
        }
    }
}

struct Connection<R: Runtime> {
    stream: R::Stream,
    session: Session,
    seat: Seat,
    /// Whether processing stopped because there was enough output, or to let others have a turn.
    backlog: bool,
    client: Arc<Client>,
    /// Boxed, because most have nothing.
    held: Option<Box<Held>>,
    /// Whether it is known whom to wake when the server stops.
    known: bool,
    door: Door,
}

/// What a connection has while it waits for its client, or for its turn.
#[derive(Default)]
struct Held {
    /// What a command has begun that takes longer.
    task: Option<Box<Task>>,
    /// Bytes received that are not processed: half a request, or with `backlog` whole ones.
    input: Received,
    /// Replies that the client has not taken.
    output: Kept,
    /// Whether the client has closed its sending side and only watches.
    listens: bool,
    /// What the two count for in [`Host::buffered`].
    buffered: usize,
    /// Ends the connection, if what it waits for must not take forever.
    timer: Option<(Wait, Timer)>,
}

impl<R: Runtime> Connection<R> {
    fn new(stream: R::Stream, seat: Seat) -> Self {
        let (host, now) = (&seat.host, seat.host.clock.now());
        let client = host.clients.open(now, &stream.socket());
        host.watchers.note_client(&client, None);
        tracing::debug!("{client} opens");
        Self {
            stream,
            session: Session::new(seat.session.clone()),
            backlog: false,
            client,
            held: None,
            known: false,
            door: Door::Unknown,
            seat,
        }
    }

    /// Goes on to the end; whether the client is there to hear of it.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let outcome = ready!(self.poll_converse(cx));
        self.say_why(&outcome);
        match &outcome {
            Ok(()) => tracing::debug!("{} ends", self.client),
            Err(error) => tracing::debug!("{} ends: {error}", self.client),
        }
        Poll::Ready(outcome.is_ok())
    }

    /// Lets watchers know how it ended.
    fn say_why(&self, outcome: &io::Result<()>) {
        let reason = match outcome {
            _ if self.seat.stop.is_requested() => "shutdown",
            Ok(()) => "normal",
            Err(error) if error.kind() == io::ErrorKind::TimedOut => "idle_timeout",
            Err(_) => "error",
        };
        let host = &self.seat.host;
        host.watchers.note_client(&self.client, Some(reason));
    }

    /// Goes on until the conversation is over and its replies are taken.
    fn poll_converse(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !mem::replace(&mut self.known, true) {
            // Once is enough: a task is woken by its first waker as well as by any later one.
            self.seat.host.clients.set_waker(&self.client, cx.waker());
        }
        let over = Buffers::with(|buffers| {
            if let Some(held) = &mut self.held {
                buffers.resume(&mut held.input);
            }
            let over = self.poll_turn(cx, buffers);
            if !buffers.received.is_empty() {
                buffers.suspend(&mut self.held.get_or_insert_default().input);
            }
            over
        });
        self.keep_account()?;
        match over {
            Poll::Pending => self.poll_timer(cx),
            over => over,
        }
    }

    /// Works until the socket has nothing more to give or takes nothing more.
    fn poll_turn(&mut self, cx: &mut Context<'_>, buffers: &mut Buffers) -> Poll<io::Result<()>> {
        let mut moved = 0;
        let mut halfway = false;
        loop {
            ready!(self.poll_flush(cx))?;
            if self.session.is_closed() || self.door == Door::Shut {
                return Poll::Ready(Ok(()));
            }
            if moved >= TURN_SIZE && !halfway {
                count(&self.seat.host.yields, 1);
                R::wake_later(cx);
                return Poll::Pending;
            }
            // Replies are finished, but no list of everything there is.
            let may_end = !self.backlog || self.session.is_busy();
            if may_end && self.seat.stop.is_requested() {
                return Poll::Ready(Ok(()));
            }
            if let Poll::Ready(sent) = self.poll_watch(cx, buffers)? {
                moved += sent;
                continue;
            }
            let mut read = 0;
            if !self.backlog {
                read = ready!(self.stream.poll_read(cx, buffers.received.room()))?;
                if read == 0 {
                    return match self.listen() {
                        true => Poll::Pending,
                        false => Poll::Ready(Ok(())),
                    };
                }
                buffers.received.grow(read);
                self.rewind_timer();
            }
            let received = buffers.received.len();
            let replied = self.answer(cx, buffers)?;
            self.seat.host.count_traffic(read, replied);
            moved += read + replied;
            if self.backlog {
                moved += BACKLOG_SIZE;
            }
            // The beginning of a large value stays where it is while the rest may be there.
            let unused = !self.backlog && received > 0 && buffers.received.len() == received;
            halfway = unused && buffers.received.has_room();
        }
    }

    /// Processes what was received; returns the size of the replies.
    fn answer(&mut self, cx: &mut Context<'_>, buffers: &mut Buffers) -> io::Result<usize> {
        let Buffers {
            received, output, ..
        } = buffers;
        output.clear();
        if self.door != Door::Open {
            self.check_in(received, output);
            if self.door != Door::Open {
                let replied = output.len();
                self.send(cx, buffers)?;
                return Ok(replied);
            }
        }
        let now = self.seat.host.clock.now();
        let mut keyspace = self.seat.shards.view(&self.seat.host);
        keyspace.task = self.held.as_mut().and_then(|held| held.task.take());
        keyspace.client = Some(&self.client);
        self.client.heard(now);
        let input = received.bytes();
        let used = self.session.process(now, input, &mut keyspace, output);
        if let task @ Some(_) = keyspace.task.take() {
            self.held.get_or_insert_default().task = task;
        }
        // A lock is not held while the kernel copies.
        drop(keyspace);
        received.pop(used);
        self.backlog = output.len() >= self.seat.session.output_max || self.session.is_busy();
        if !self.backlog && received.len() > self.session.input_max() {
            return Err(io::Error::other("a request is longer than the longest"));
        }
        let replied = output.len();
        self.send(cx, buffers)?;
        Ok(replied)
    }

    /// Hears who the client is, and says whether it may come in.
    fn check_in(&mut self, received: &mut Received, output: &mut Vec<u8>) {
        let host = &self.seat.host;
        if self.door == Door::Unknown {
            if let Some(protocol) = host.foreign.recognize(received.bytes()) {
                protocol.happened(host.clock.now());
                received.pop(received.len());
                self.door = Door::Shut;
                return;
            }
            self.door = match self.seat.users {
                Some(_) => Door::Closed(0),
                None => Door::Open,
            };
        }
        let Some(users) = &self.seat.users else {
            return;
        };
        while let Door::Closed(refusals) = self.door {
            let (used, reply, door) = match users.judge(received.bytes()) {
                Verdict::Wait => return,
                Verdict::Admit(used) => (used, &b"STORED\r\n"[..], Door::Open),
                Verdict::Refuse(used, reply) if refusals + 1 < REFUSALS_MAX => {
                    (used, reply, Door::Closed(refusals + 1))
                }
                Verdict::Refuse(_, reply) | Verdict::Close(reply) => {
                    (received.len(), reply, Door::Shut)
                }
            };
            count(&host.auth_cmds, 1);
            if door != Door::Open {
                host.auth_errors.happened(host.clock.now());
            }
            received.pop(used);
            output.extend_from_slice(reply);
            self.door = door;
        }
    }

    /// Sends what a watcher is to know; pending if there is nothing, or nobody watches.
    fn poll_watch(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &mut Buffers,
    ) -> Poll<io::Result<usize>> {
        let task = self.held.as_mut().and_then(|held| held.task.as_deref_mut());
        let Some(Task::Watch(watcher)) = task else {
            return Poll::Pending;
        };
        buffers.output.clear();
        ready!(watcher.poll_lines(cx, &mut buffers.output));
        let len = buffers.output.len();
        self.send(cx, buffers)?;
        self.seat.host.count_traffic(0, len);
        Poll::Ready(Ok(len))
    }

    /// Nothing more will come from the client. A watcher goes on hearing; whether this is one.
    fn listen(&mut self) -> bool {
        let Some(held) = &mut self.held else {
            return false;
        };
        let watches = matches!(held.task.as_deref(), Some(Task::Watch(_)));
        if watches && !mem::replace(&mut held.listens, true) {
            // Leaving is silent now. It shows when there is a line for the client; else the probes
            // of TCP find out, once the client's system has forgotten the connection.
            let probe = TcpKeepalive::new().with_time(DEPARTURE_PROBE);
            let _ = self.stream.socket().set_tcp_keepalive(&probe);
        }
        watches
    }

    /// Writes the output, and keeps what the socket does not take.
    fn send(&mut self, cx: &mut Context<'_>, buffers: &mut Buffers) -> io::Result<()> {
        let mut sent = 0;
        while sent < buffers.output.len() {
            match self.stream.poll_write(cx, &buffers.output[sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => sent += written,
                Poll::Pending => {
                    buffers.keep_output(sent, &mut self.held.get_or_insert_default().output);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes what was kept.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(held) = self.held.as_mut().filter(|held| !held.output.is_empty()) {
            match ready!(self.stream.poll_write(cx, held.output.bytes()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => held.output.pop(written),
            }
            self.rewind_timer();
        }
        Poll::Ready(Ok(()))
    }

    /// Tells the host how much is kept here. Fails if that is too much in all.
    fn keep_account(&mut self) -> io::Result<()> {
        self.client.set_doing(match &self.held {
            Some(held) if matches!(held.task.as_deref(), Some(Task::Watch(_))) => Doing::Watching,
            Some(held) if !held.output.is_empty() => Doing::Writing,
            Some(held) if !held.input.is_empty() => Doing::Reading,
            _ => Doing::Waiting,
        });
        let Some(held) = &mut self.held else {
            return Ok(());
        };
        let host = &self.seat.host;
        let size = held.input.size() + held.output.size();
        let before = mem::replace(&mut held.buffered, size);
        if size < before {
            host.buffered.fetch_sub(before - size, Ordering::Relaxed);
        } else if size > before {
            let all = host.buffered.fetch_add(size - before, Ordering::Relaxed) + size - before;
            if all > Host::BUFFERED_MAX {
                host.overfull.happened(host.clock.now());
                return Err(io::Error::other("too much is kept for all connections"));
            }
        }
        Ok(())
    }

    /// Ready when the client has let the server wait too long.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some((wait, limit)) = self.wait() else {
            self.held
                .take_if(|held| held.buffered == 0 && held.task.is_none());
            self.rewind_timer();
            return Poll::Pending;
        };
        let held = self.held.get_or_insert_default();
        let timer = held.timer.take().filter(|(set, _)| *set == wait);
        let (_, timer) = held
            .timer
            .insert(timer.unwrap_or_else(|| (wait, Box::pin(R::sleep(limit)))));
        ready!(timer.as_mut().poll(cx));
        let host = &self.seat.host;
        let now = host.clock.now();
        if wait == Wait::Idle {
            // Nothing was wound back while requests came.
            let quiet = self.client.quiet_for(now);
            if quiet < limit {
                *timer = Box::pin(R::sleep(limit - quiet));
                ready!(timer.as_mut().poll(cx));
            }
        }
        // After a stall of the process or its machine the time is over before the runtime has heard
        // of what came meanwhile, so that the socket itself is asked.
        let over = match wait {
            Wait::Stall if !held.output.is_empty() => !self.stream.is_ready(PollFlags::POLLOUT),
            Wait::Stall | Wait::Idle => !self.stream.is_ready(PollFlags::POLLIN),
            Wait::Departure => self.stream.is_ready(PollFlags::empty()),
            Wait::Drain => true,
        };
        if !over {
            held.timer = None;
            R::wake_later(cx);
            return Poll::Pending;
        }
        match wait {
            Wait::Departure => return Poll::Ready(Ok(())),
            Wait::Drain => {}
            Wait::Stall => {
                host.stalled.happened(now);
            }
            Wait::Idle => {
                host.idle_kicks.happened(now);
            }
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// What is waited for, and for how long at most.
    fn wait(&self) -> Option<(Wait, Duration)> {
        if self.seat.stop.is_requested() {
            return Some((Wait::Drain, DRAIN_TIMEOUT));
        }
        let half_done = |held: &Held| {
            let half_a_request = !held.input.is_empty() && !self.backlog;
            half_a_request || !held.output.is_empty()
        };
        if self.held.as_deref().is_some_and(half_done) {
            return Some((Wait::Stall, self.seat.stall_timeout?));
        }
        // Who watches has nothing to say.
        let busy = match self.held.as_deref() {
            Some(held) if held.listens => return Some((Wait::Departure, DEPARTURE_PERIOD)),
            Some(held) => held.task.is_some(),
            None => false,
        };
        let idle_timeout = self.seat.idle_timeout.filter(|_| !busy);
        Some((Wait::Idle, idle_timeout?))
    }

    /// Something moved: the client has its time anew, unless the server stops.
    fn rewind_timer(&mut self) {
        if let Some(held) = &mut self.held {
            held.timer.take_if(|(wait, _)| *wait == Wait::Stall);
        }
    }

    /// Says that there is nothing more to come, and gives the client time to hear it.
    async fn hang_up(&mut self) {
        let timer = self.held.as_mut().and_then(|held| held.timer.take());
        let end = match timer {
            Some((Wait::Drain, timer)) => timer,
            _ => Box::pin(R::sleep(LINGER)),
        };
        linger::<R>(&mut self.stream, LINGER_PAUSE, end).await;
    }
}

impl<R: Runtime> Drop for Connection<R> {
    fn drop(&mut self) {
        let host = &self.seat.host;
        host.clients.close(&self.client);
        let buffered = self.held.as_ref().map_or(0, |held| held.buffered);
        host.buffered.fetch_sub(buffered, Ordering::Relaxed);
    }
}
