//! A worker: one task that serves all connections of a thread, a turn at a time.
//!
//! A turn takes the connections that are ready and goes through them in steps: receive from all,
//! parse the first request of each and prefetch what all of them will look up, process all, send to
//! all. Waits for memory overlap across connections that way, code stays in the processor's cache,
//! and a shard is locked once for all its requests. With one connection ready a turn is just read,
//! process, write; with more, io_uring does all reads by one call of the system, and all writes by
//! another.
//!
//! Connections are processed in the order of the shards of their first keys. That order is free:
//! clients whose requests are in progress at the same time cannot tell which came first.

mod batch;
mod inbox;
mod ready;
#[cfg_attr(
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    path = "worker/ring/absent.rs"
)]
mod ring;
mod stopwatch;
pub(crate) mod timing;
mod transfer;

use std::future::poll_fn;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dynamidb_core::{FirstRequest, Key, Keyspace};
use dynamidb_sync::SharedKeyspace;
use slab::Slab;

use crate::server::connection::buffers::{BatchedRead, InputPool, OUTPUT_KEPT, SMALL, Slot};
use crate::server::connection::{Connection, NextStep, READ_MAX, Received};
use crate::server::context::ServerContext;
use crate::server::runtime::Runtime;
use crate::server::state::measured::Measured;
use crate::server::worker::batch::Batch;
use crate::server::worker::inbox::Arrival;
pub(crate) use crate::server::worker::inbox::Inbox;
use crate::server::worker::ready::{ConnectionWaker, ReadyList, Token};
pub(crate) use crate::server::worker::ring::Ring;
use crate::server::worker::stopwatch::Stopwatch;
use crate::server::worker::timing::{Ready, Timing};
use crate::server::worker::transfer::Transfer;

/// The most connections in one turn.
const TURN_CONNECTIONS: usize = 64;
/// When a turn has received this much, its other connections wait for the next turn.
const TURN_INPUT: usize = 256 * 1024;
/// When a turn has this much output in memory, it sends it before it processes more requests.
const TURN_OUTPUT: usize = 256 * 1024;

/// All connections of a thread, and what it serves them with.
pub(crate) struct Worker<R: Runtime> {
    context: Arc<ServerContext>,
    inbox: Arc<Inbox<R>>,
    ready: Arc<ReadyList>,
    connections: Slab<ConnectionEntry<R>>,
    /// How many connections were opened so far.
    opened: u64,
    /// The connections of the turn, as they came from the ready list.
    tokens: Vec<Token>,
    /// The connections of the turn.
    turn: Vec<TurnEntry>,
    /// A slot and an output buffer for each entry of the turn.
    slots: Vec<Slot>,
    outputs: Vec<Vec<u8>>,
    pool: InputPool,
    timing: Timing,
    batch: Batch,
}

/// A connection and what wakes it.
struct ConnectionEntry<R: Runtime> {
    queue: Arc<ConnectionWaker>,
    waker: Waker,
    /// Boxed, so that connections do not move when the slab grows.
    connection: Box<Connection<R>>,
}

/// A connection in a turn.
struct TurnEntry {
    /// Its key in the slab.
    key: usize,
    /// Since when it is ready, in microseconds; 0 if that is not measured.
    since: u64,
    received: Received,
    /// How many bytes of the input are processed.
    used: usize,
    /// How many bytes of the output are sent.
    sent: usize,
    outcome: io::Result<()>,
}

impl<R: Runtime> Worker<R> {
    /// A worker, which uses this ring.
    pub(crate) fn new(context: Arc<ServerContext>, ring: Option<Ring>) -> Self {
        let ready = Arc::<ReadyList>::default();
        Self {
            batch: Batch::new(Arc::clone(&context), ring),
            context,
            inbox: Arc::new(Inbox::new(Arc::clone(&ready))),
            ready,
            connections: Slab::new(),
            opened: 0,
            tokens: Vec::new(),
            turn: Vec::new(),
            slots: Vec::new(),
            outputs: Vec::new(),
            pool: InputPool::default(),
            timing: Timing::default(),
        }
    }

    pub(crate) fn inbox(&self) -> Arc<Inbox<R>> {
        Arc::clone(&self.inbox)
    }

    /// Serves connections forever.
    pub(crate) async fn run(mut self) {
        self.batch.start();
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.ready.unpark();
        for arrival in self.inbox.take() {
            self.open(arrival);
        }
        self.tokens.clear();
        let rest = self.ready.take(TURN_CONNECTIONS, &mut self.tokens);
        let server = &self.context.server;
        let ready = self.timing.begin(server, self.tokens.len(), rest);
        self.turn(&ready);
        if !self.ready.park(cx.waker()) {
            // The runtime polls the sockets in between, so that a busy connection does not keep
            // others waiting.
            R::wake_later(cx);
        }
        Poll::Pending
    }

    fn open(&mut self, Arrival { stream, permit }: Arrival<R>) {
        let vacant = self.connections.vacant_entry();
        let token = Token {
            key: vacant.key(),
            number: self.opened,
        };
        self.opened += 1;
        let queue = ConnectionWaker::queued(token, &self.ready);
        let waker = Waker::from(Arc::clone(&queue));
        let opened = guard(|| Ok(Box::new(Connection::new(stream, waker.clone(), permit))));
        // After a panic there is no connection, and its token is skipped.
        if let Ok(connection) = opened {
            vacant.insert(ConnectionEntry {
                queue,
                waker,
                connection,
            });
        }
    }

    fn turn(&mut self, ready: &Ready) {
        self.receive(ready);
        self.process(ready);
        for at in 0..self.turn.len() {
            self.finish(at);
        }
        self.turn.clear();
    }

    /// Receives from the connections that are ready, until there is enough to do.
    fn receive(&mut self, ready: &Ready) {
        let mut size = self.receive_batch();
        // Many greedy clients must not keep a quiet one waiting for a full read of each.
        let limit = (TURN_INPUT / self.tokens.len().max(1)).clamp(SMALL, READ_MAX);
        for (number, &token) in self.tokens.iter().enumerate() {
            let Some(entry) = find(&mut self.connections, token) else {
                continue;
            };
            entry.queue.start_turn();
            let batched = self.slots.get(number).and_then(|slot| slot.batched);
            let limit = match size {
                ..=TURN_INPUT => limit,
                // What is read already.
                _ if batched.is_some() => 1,
                _ => {
                    entry.queue.queue();
                    continue;
                }
            };
            let at = self.turn.len();
            if at == self.slots.len() {
                self.slots.push(Slot::new());
                self.outputs.push(Vec::new());
            }
            if batched.is_some() {
                // Connections before it may have been passed over.
                self.slots.swap(at, number);
            }
            let (slot, output) = (&mut self.slots[at], &mut self.outputs[at]);
            let (connection, pool) = (&mut entry.connection, &mut self.pool);
            let cx = &mut Context::from_waker(&entry.waker);
            let received = guard(|| connection.receive(cx, slot, output, pool, limit));
            let (received, outcome) = match received {
                Ok(received) => (received, Ok(())),
                Err(error) => (Received::Nothing, Err(error)),
            };
            // What was batched is in `size`.
            let batched = batched.map_or(0, BatchedRead::len);
            size += match received {
                Received::Handshake => READ_MAX,
                _ => slot.input().len().saturating_sub(batched),
            };
            self.turn.push(TurnEntry {
                key: token.key,
                since: ready.since(number),
                received,
                used: 0,
                sent: 0,
                outcome,
            });
        }
    }

    /// Reads from all connections that are about to read, together. Returns how much that is.
    fn receive_batch(&mut self) -> usize {
        if !self.batch.has_ring() || self.tokens.len() < 2 {
            return 0;
        }
        let Self {
            connections,
            tokens,
            slots,
            outputs,
            batch,
            ..
        } = self;
        while slots.len() < tokens.len() {
            slots.push(Slot::new());
            outputs.push(Vec::new());
        }
        let size = TURN_INPUT / tokens.len();
        let is_reading = |&token| {
            find(connections, token).is_some_and(|entry| {
                let cx = &mut Context::from_waker(&entry.waker);
                guard(|| Ok(entry.connection.is_about_to_read(cx))).unwrap_or_default()
            })
        };
        let reading: Vec<bool> = tokens.iter().map(is_reading).collect();
        let chosen = slots.iter_mut().zip(&*tokens).zip(&reading);
        let mut transfers: Vec<_> = chosen
            .filter(|(_, reads)| **reads)
            .map(|((slot, token), _)| {
                let socket = connections[token.key].connection.socket();
                Transfer::receive(socket, slot.batch_buffer(size))
            })
            .collect();
        batch.perform(&mut transfers);
        let outcomes: Vec<_> = transfers.into_iter().map(Transfer::finish).collect();
        let mut total = 0;
        let chosen = slots.iter_mut().zip(&reading).filter(|(_, reads)| **reads);
        for ((slot, _), outcome) in chosen.zip(outcomes) {
            slot.batched = outcome.map(|(outcome, size)| BatchedRead { outcome, size });
            total += slot.batched.map_or(0, BatchedRead::len);
        }
        total
    }

    /// Processes what was received, and sends the replies.
    fn process(&mut self, ready: &Ready) {
        let Self {
            context,
            connections,
            turn,
            slots,
            outputs,
            batch,
            ..
        } = self;
        let mut keyspace = SharedKeyspace::with_lock(&context.shards, None);
        // The index in the turn, the first request, and the shard of its key.
        let mut work = Vec::<(usize, Option<FirstRequest<'_>>, usize)>::with_capacity(turn.len());
        for (at, entry) in turn.iter_mut().enumerate() {
            if entry.outcome.is_ok() && matches!(entry.received, Received::Input) {
                let connection = &connections[entry.key].connection;
                let input = slots[at].input().bytes();
                match guard(|| Ok(connection.parse(input, &keyspace))) {
                    Ok(first) => {
                        let shard = first.map_or(0, |first| keyspace.index_of(&first.key()));
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
        let mut held = keyspace.into_lock();
        let now = context.server.clock.now();
        let mut unsent_size = 0;
        let mut sent = 0;
        let mut stopwatch = Stopwatch::new(context, ready);
        for (number, (at, first, shard)) in work.iter().enumerate() {
            let (entry, output) = (&mut turn[*at], &mut outputs[*at]);
            let connection = &mut connections[entry.key].connection;
            let input = slots[*at].input().bytes();
            let lock = stopwatch.start(entry.since, first.as_ref(), *shard, input, held.take());
            let processed =
                guard(|| Ok(connection.process(now, *first, input, output, lock, context)));
            match processed {
                Ok((used, lock)) => (entry.used, held) = (used, lock),
                Err(error) => entry.outcome = Err(error),
            }
            stopwatch.executed(output.len());
            unsent_size += output.len();
            if unsent_size > TURN_OUTPUT {
                // No lock is held while the kernel copies.
                held = None;
                let processed = work[sent..=number].iter().map(|(at, _, _)| *at);
                send_all(connections, turn, outputs, processed, batch);
                (unsent_size, sent) = (0, number + 1);
            }
        }
        drop(held);
        let all = 0..turn.len();
        send_all(connections, turn, outputs, all, batch);
        if let Some((written, measured)) = stopwatch.written(turn.len()) {
            for ((at, ..), measured) in work.iter().zip(measured) {
                count_written(connections, &turn[*at], measured, written);
            }
        }
    }

    /// Lets a connection keep what is left, and removes it if it is closed.
    fn finish(&mut self, at: usize) {
        let turn_entry = &mut self.turn[at];
        let slot = &mut self.slots[at];
        let entry = &mut self.connections[turn_entry.key];
        let connection = &mut entry.connection;
        let cx = &mut Context::from_waker(&entry.waker);
        let outcome = mem::replace(&mut turn_entry.outcome, Ok(()));
        let next = outcome.and_then(|()| {
            slot.input_mut().consume(turn_entry.used);
            guard(|| connection.finish_turn(cx, slot, &mut self.pool, &turn_entry.received))
        });
        match next {
            Ok(NextStep::Wait) => {}
            Ok(NextStep::Requeue) => entry.queue.queue(),
            Err(error) => {
                let entry = self.connections.remove(turn_entry.key);
                // A panic may have left it in any state, and must not end the others.
                let _ = guard(|| {
                    entry.connection.fail(&error);
                    drop(entry);
                    Ok(())
                });
            }
        }
        slot.clear(&mut self.pool);
    }
}

/// The connection that has this token. A waker may be woken after its connection was closed.
fn find<R: Runtime>(
    connections: &mut Slab<ConnectionEntry<R>>,
    token: Token,
) -> Option<&mut ConnectionEntry<R>> {
    let entry = connections.get_mut(token.key);
    entry.filter(|entry| entry.queue.token() == token)
}

/// Sends the replies to these connections of the turn.
fn send_all<R: Runtime>(
    connections: &mut Slab<ConnectionEntry<R>>,
    turn: &mut [TurnEntry],
    outputs: &mut [Vec<u8>],
    which: impl Iterator<Item = usize> + Clone,
    batch: &mut Batch,
) {
    if batch.has_ring() {
        let mut senders: Vec<_> = which.clone().collect();
        senders.retain(|&at| {
            let connection = &connections[turn[at].key].connection;
            !outputs[at].is_empty() && turn[at].outcome.is_ok() && connection.may_send()
        });
        let transfers = senders.iter().map(|&at| {
            let socket = connections[turn[at].key].connection.socket();
            Transfer::send(socket, &outputs[at])
        });
        let mut transfers: Vec<_> = transfers.collect();
        batch.perform(&mut transfers);
        for (&at, transfer) in senders.iter().zip(transfers) {
            match transfer.finish() {
                Some((Ok(sent), _)) => turn[at].sent = sent,
                Some((Err(error), _)) => turn[at].outcome = Err(error.into()),
                None => {}
            }
        }
    }
    for at in which {
        send(connections, &mut turn[at], &mut outputs[at]);
    }
}

/// Sends the replies to one connection.
fn send<R: Runtime>(
    connections: &mut Slab<ConnectionEntry<R>>,
    turn_entry: &mut TurnEntry,
    output: &mut Vec<u8>,
) {
    let has_output = || !output.is_empty() || connections[turn_entry.key].connection.has_records();
    if turn_entry.outcome.is_ok() && has_output() {
        let entry = &mut connections[turn_entry.key];
        let cx = &mut Context::from_waker(&entry.waker);
        let sent = turn_entry.sent;
        turn_entry.outcome = guard(|| entry.connection.send(cx, output, sent));
    }
    // Not at the end of the turn: until then others may have large replies too.
    output.clear();
    output.shrink_to(OUTPUT_KEPT);
}

/// Counts how long a request took whose replies were written at this moment, if it is measured.
fn count_written<R: Runtime>(
    connections: &mut Slab<ConnectionEntry<R>>,
    turn_entry: &TurnEntry,
    measured: Measured,
    written: u64,
) {
    if measured.since > 0 && turn_entry.outcome.is_ok() {
        let connection = &mut connections[turn_entry.key].connection;
        connection.count_written(measured, written);
    }
}

/// Runs a step of one connection. A panic in it is an error of this connection alone.
fn guard<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(io::Error::other("a panic")))
}

#[cfg(feature = "tokio")]
#[cfg(test)]
mod tests;
