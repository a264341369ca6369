//! A worker: one task that serves all connections of a thread, a turn at a time.
//!
//! A turn takes the connections that are ready and goes through them in steps: receive from all,
//! parse the first request of each and prefetch what all of them will look up, process all, send to
//! all. Waits for memory overlap across connections that way, code stays in the processor's cache,
//! and a shard is locked once for all its requests. With one connection ready a turn is nothing but
//! read, process, write.
//!
//! Connections are processed in the order of the shards of their first keys. That order is free:
//! clients that have requests under way at the same time cannot tell which came first.

mod ready;

use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use dynamidb_core::{FirstRequest, Key, Keyspace};
use slab::Slab;

use crate::server::connection::buffers::{OUTPUT_KEPT, SMALL, Slot, Spare};
use crate::server::connection::{After, Connection, READ_MAX, Received};
use crate::server::context::{ConnectionPermit, ServerContext};
use crate::server::runtime::Runtime;
use crate::server::worker::ready::{ConnectionWaker, ReadyList, Token};

/// As many connections as have a turn together.
const TURN_CONNECTIONS: usize = 64;
/// What a turn receives from all its connections before those left have to wait for the next.
const TURN_INPUT: usize = 256 * 1024;
/// Replies of a turn that wait in memory until they are sent, before more requests are processed.
const TURN_OUTPUT: usize = 256 * 1024;

/// Where new connections reach a worker.
#[derive(Debug)]
pub(crate) struct Inbox<R: Runtime> {
    arrivals: Mutex<Vec<Arrival<R>>>,
    ready: Arc<ReadyList>,
}

/// A connection that was accepted.
#[derive(Debug)]
struct Arrival<R: Runtime> {
    stream: R::Stream,
    permit: ConnectionPermit,
}

impl<R: Runtime> Inbox<R> {
    /// Hands a connection over to the worker.
    pub(crate) fn push(&self, stream: R::Stream, permit: ConnectionPermit) {
        let arrival = Arrival { stream, permit };
        self.lock().push(arrival);
        self.ready.notify();
    }

    fn take(&self) -> Vec<Arrival<R>> {
        mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arrival<R>>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All connections of a thread, and what it serves them with.
pub(crate) struct Worker<R: Runtime> {
    context: Arc<ServerContext>,
    inbox: Arc<Inbox<R>>,
    ready: Arc<ReadyList>,
    members: Slab<Member<R>>,
    /// How many there have been.
    opened: u64,
    /// Who has a turn.
    tokens: Vec<Token>,
    entries: Vec<Entry>,
    /// A slot and an output buffer for each of the entries.
    slots: Vec<Slot>,
    outputs: Vec<Vec<u8>>,
    spare: Spare,
}

/// A connection and what wakes it.
struct Member<R: Runtime> {
    queue: Arc<ConnectionWaker>,
    waker: Waker,
    /// Boxed, so that the others stay where they are when there are many.
    connection: Box<Connection<R>>,
}

/// A connection in a turn.
struct Entry {
    key: usize,
    received: Received,
    /// How much of the input is processed.
    used: usize,
    outcome: io::Result<()>,
}

impl<R: Runtime> Worker<R> {
    pub(crate) fn new(context: Arc<ServerContext>) -> Self {
        let ready = Arc::<ReadyList>::default();
        let inbox = Inbox {
            arrivals: Mutex::default(),
            ready: Arc::clone(&ready),
        };
        Self {
            context,
            inbox: Arc::new(inbox),
            ready,
            members: Slab::new(),
            opened: 0,
            tokens: Vec::new(),
            entries: Vec::new(),
            slots: Vec::new(),
            outputs: Vec::new(),
            spare: Spare::default(),
        }
    }

    pub(crate) fn inbox(&self) -> Arc<Inbox<R>> {
        Arc::clone(&self.inbox)
    }

    /// Serves connections for ever.
    pub(crate) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.ready.unpark();
        for arrival in self.inbox.take() {
            self.open(arrival);
        }
        self.tokens.clear();
        self.ready.take(TURN_CONNECTIONS, &mut self.tokens);
        self.turn();
        if !self.ready.park(cx.waker()) {
            // The sockets are looked at in between, so that a connection with much to do does not
            // keep others waiting.
            R::wake_later(cx);
        }
        Poll::Pending
    }

    fn open(&mut self, Arrival { stream, permit }: Arrival<R>) {
        let vacant = self.members.vacant_entry();
        let token = Token {
            key: vacant.key(),
            number: self.opened,
        };
        self.opened += 1;
        let queue = ConnectionWaker::queued(token, &self.ready);
        let waker = Waker::from(Arc::clone(&queue));
        let connection = Box::new(Connection::new(stream, waker.clone(), permit));
        vacant.insert(Member {
            queue,
            waker,
            connection,
        });
    }

    fn turn(&mut self) {
        self.receive();
        self.process();
        for at in 0..self.entries.len() {
            self.settle(at);
        }
        self.entries.clear();
    }

    /// Receives from each connection whose turn it is, until there is much to do.
    fn receive(&mut self) {
        let mut size = 0;
        // Many greedy clients must not keep a quiet one waiting for a whole round of theirs.
        let limit = (TURN_INPUT / self.tokens.len().max(1)).clamp(SMALL, READ_MAX);
        for &token in &self.tokens {
            // Its waker may have been woken when it was gone.
            let member = self.members.get_mut(token.key);
            let Some(member) = member.filter(|member| member.queue.token() == token) else {
                continue;
            };
            member.queue.start_turn();
            if size > TURN_INPUT {
                member.queue.queue();
                continue;
            }
            let at = self.entries.len();
            if at == self.slots.len() {
                self.slots.push(Slot::new());
                self.outputs.push(Vec::new());
            }
            let (slot, output) = (&mut self.slots[at], &mut self.outputs[at]);
            let (connection, spare) = (&mut member.connection, &mut self.spare);
            let cx = &mut Context::from_waker(&member.waker);
            let received = guard(|| connection.receive(cx, slot, output, spare, limit));
            let (received, outcome) = match received {
                Ok(received) => (received, Ok(())),
                Err(error) => (Received::Nothing, Err(error)),
            };
            size += slot.input().len();
            self.entries.push(Entry {
                key: token.key,
                received,
                used: 0,
                outcome,
            });
        }
    }

    /// Processes what was received, and sends the replies.
    fn process(&mut self) {
        let Self {
            context,
            members,
            entries,
            slots,
            outputs,
            ..
        } = self;
        let mut keyspace = context.shards.view(&context.host);
        // What is to be processed: which entry, its first request, and the shard of its key.
        let mut work =
            Vec::<(usize, Option<FirstRequest<'_>>, usize)>::with_capacity(entries.len());
        for (at, entry) in entries.iter_mut().enumerate() {
            if entry.outcome.is_ok() && matches!(entry.received, Received::Input) {
                let connection = &members[entry.key].connection;
                let input = slots[at].input().bytes();
                match guard(|| Ok(connection.parse(input, &keyspace))) {
                    Ok(first) => {
                        let shard = first.map_or(0, |first| keyspace.shard_of(&first.key()));
                        work.push((at, first, shard));
                    }
                    Err(error) => entry.outcome = Err(error),
                }
            }
        }
        work.sort_by_key(|(_, _, shard)| *shard);
        if work.len() > 1 {
            let keys = work
                .iter()
                .filter_map(|(_, first, _)| Some(first.as_ref()?.key()));
            let keys: Vec<Key<'_>> = keys.collect();
            // Without it the lookups are only slower.
            let _ = guard(|| {
                keyspace.prefetch(&keys);
                Ok(())
            });
        }
        let (_, mut held) = keyspace.suspend();
        let now = context.host.clock.now();
        let mut waiting = 0;
        let mut sent = 0;
        for (number, (at, first, _)) in work.iter().enumerate() {
            let (entry, output) = (&mut entries[*at], &mut outputs[*at]);
            let member = &mut members[entry.key];
            let connection = &mut member.connection;
            let input = slots[*at].input().bytes();
            let lock = held.take();
            let processed =
                guard(|| Ok(connection.process(now, *first, input, output, lock, context)));
            match processed {
                Ok((used, lock)) => (entry.used, held) = (used, lock),
                Err(error) => entry.outcome = Err(error),
            }
            waiting += output.len();
            if waiting > TURN_OUTPUT {
                // No lock is held while the kernel copies.
                held = None;
                for (at, _, _) in &work[sent..=number] {
                    send(members, &mut entries[*at], &mut outputs[*at]);
                }
                (waiting, sent) = (0, number + 1);
            }
        }
        drop(held);
        for (at, entry) in entries.iter_mut().enumerate() {
            send(members, entry, &mut outputs[at]);
        }
    }

    /// Lets a connection keep what is left, and closes it if it is over.
    fn settle(&mut self, at: usize) {
        let entry = &mut self.entries[at];
        let slot = &mut self.slots[at];
        let member = &mut self.members[entry.key];
        let connection = &mut member.connection;
        let cx = &mut Context::from_waker(&member.waker);
        let outcome = mem::replace(&mut entry.outcome, Ok(()));
        let after = outcome.and_then(|()| {
            slot.input_mut().pop(entry.used);
            guard(|| connection.settle(cx, slot, &mut self.spare, &entry.received))
        });
        match after {
            Ok(After::Wait) => {}
            Ok(After::Requeue) => member.queue.queue(),
            Err(error) => {
                let member = self.members.remove(entry.key);
                // Whatever it is in the middle of, it must not take others with it.
                let _ = guard(|| {
                    member.connection.fail(&error);
                    drop(member);
                    Ok(())
                });
            }
        }
        slot.clear(&mut self.spare);
    }
}

/// Sends the replies to one connection.
fn send<R: Runtime>(members: &mut Slab<Member<R>>, entry: &mut Entry, output: &mut Vec<u8>) {
    if !output.is_empty() && entry.outcome.is_ok() {
        let Member {
            connection, waker, ..
        } = &mut members[entry.key];
        let cx = &mut Context::from_waker(waker);
        entry.outcome = guard(|| connection.send(cx, output));
    }
    // Not at the end of the turn: until then others may have large replies too.
    output.clear();
    output.shrink_to(OUTPUT_KEPT);
}

/// What `step` returns; a panic in it is an error of this connection and of no other.
fn guard<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(io::Error::other("a panic")))
}

#[cfg(feature = "tokio")]
#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;
    use crate::server::runtime::Tokio;
    use crate::{Options, Server};

    /// A worker that nobody polls but the test, and a listener for its clients.
    struct Fixture {
        context: Arc<ServerContext>,
        worker: Worker<Tokio>,
        listener: TcpListener,
    }

    impl Fixture {
        fn new() -> Self {
            let mut options = Options::default();
            options.port = 0;
            let context = Server::bind(&options).unwrap().context();
            Self {
                worker: Worker::new(Arc::clone(&context)),
                context,
                listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            }
        }

        async fn connect(&self) -> TcpStream {
            let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
            let listener = self.listener.try_clone().unwrap();
            let listener = Tokio::listen(listener.into()).unwrap();
            let stream = Tokio::accept(&listener).await.unwrap();
            let permit = ConnectionPermit::acquire(&self.context).unwrap();
            self.worker.inbox.push(stream, permit);
            client
        }

        async fn run_until(&mut self, done: impl Fn(&Worker<Tokio>) -> bool) {
            poll_fn(|cx| {
                let _ = self.worker.poll(cx);
                if done(&self.worker) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }

    #[test]
    fn a_waker_that_outlives_its_connection_gives_no_other_a_second_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = Fixture::new();
            let first = fixture.connect().await;
            fixture.run_until(|worker| worker.members.len() == 1).await;
            let late = fixture.worker.members[0].waker.clone();
            drop(first);
            fixture.run_until(|worker| worker.members.is_empty()).await;
            late.wake();
            let mut second = fixture.connect().await;
            second.write_all(b"get k\r\n").unwrap();
            drop(second);
            // The runtime hears of what has arrived.
            Tokio::sleep(Duration::from_millis(20)).await;
            // Its key is that of the first, which is on the list before it.
            let _ = poll_fn(|cx| Poll::Ready(fixture.worker.poll(cx))).await;
            assert_eq!(fixture.worker.tokens.len(), 2);
            fixture.run_until(|worker| worker.members.is_empty()).await;
        });
    }
}
