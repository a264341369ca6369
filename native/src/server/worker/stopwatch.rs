//! Measures the requests of a turn, if the turn is measured.

use dynamidb_core::FirstRequest;

use crate::server::context::ServerContext;
use crate::server::state::measured::Measured;
use crate::server::view::{LockedShard, View};
use crate::server::worker::timing::Ready;

/// Measures the requests of a turn. The first request of a connection stands for all that the
/// client sent together: the replies to them are written together.
///
/// Most turns are not measured: then each call is one comparison.
pub(super) struct Stopwatch<'s>(Option<Box<Running<'s>>>);

/// The stopwatch of a turn that is measured.
struct Running<'s> {
    context: &'s ServerContext,
    ready: Ready,
    /// Whether the steps of each are measured.
    detailed: bool,
    /// When the last step ended.
    last: u64,
    /// By connection, in the order of the work; `since` is 0 if it is not measured.
    measured: Vec<Measured>,
}

impl<'s> Stopwatch<'s> {
    #[inline]
    pub(super) fn new(context: &'s ServerContext, ready: &Ready) -> Self {
        let running = || Box::new(Running::new(context, *ready));
        Self(ready.is_measured().then(running))
    }

    /// Begins with the next connection, with its first request, the shard of that, all that was
    /// received, and the lock that is held. Returns the lock to go on with.
    #[inline]
    pub(super) fn start(
        &mut self,
        since: u64,
        first: Option<&FirstRequest<'_>>,
        shard: usize,
        input: &[u8],
        held: Option<LockedShard<'s>>,
    ) -> Option<LockedShard<'s>> {
        match &mut self.0 {
            Some(running) => running.start(since, first, shard, input, held),
            None => held,
        }
    }

    /// The requests of the connection are executed, with this many bytes of replies.
    #[inline]
    pub(super) fn executed(&mut self, output: usize) {
        if let Some(running) = &mut self.0 {
            running.executed(output);
        }
    }

    /// The replies of all are written, as far as sockets take them. Returns when, and what was
    /// measured of each.
    #[inline]
    pub(super) fn written(self, connections: usize) -> Option<(u64, Vec<Measured>)> {
        Some(self.0?.written(connections))
    }
}

impl<'s> Running<'s> {
    #[cold]
    fn new(context: &'s ServerContext, ready: Ready) -> Self {
        let server = &context.server;
        Self {
            context,
            ready,
            detailed: server.slow.is_wanted(server.watchers.wanted()),
            last: 0,
            measured: Vec::new(),
        }
    }

    #[cold]
    fn start(
        &mut self,
        since: u64,
        first: Option<&FirstRequest<'_>>,
        shard: usize,
        input: &[u8],
        held: Option<LockedShard<'s>>,
    ) -> Option<LockedShard<'s>> {
        // Without a request nothing is complete, or something goes on that was counted before.
        self.measured
            .push(first.map_or_else(Measured::default, |first| Measured {
                since,
                verb: first.verb(),
                input: input.len(),
                ..Measured::default()
            }));
        match first {
            Some(first) if self.detailed => self.lock(first, shard, held),
            _ => held,
        }
    }

    /// Takes the lock that the request takes anyway, a little earlier, to measure the wait.
    fn lock(
        &mut self,
        first: &FirstRequest<'_>,
        shard: usize,
        held: Option<LockedShard<'s>>,
    ) -> Option<LockedShard<'s>> {
        let server = &self.context.server;
        self.last = server.clock.micros();
        let began = self.last;
        let held = View::with_lock(&self.context.shards, server, held).locked(shard);
        let locked = self.step();
        if let Some(measured) = self.measured.last_mut() {
            measured.queued = began.saturating_sub(measured.since);
            measured.locked = locked;
            let hidden = server.settings.options.memcached.disable_dumping;
            let key = first.key();
            let key = Some(key.as_bytes()).filter(|key| !hidden && !key.is_empty());
            measured.key = key.map(Into::into);
        }
        held
    }

    #[cold]
    fn executed(&mut self, output: usize) {
        let step = if self.detailed { self.step() } else { 0 };
        if let Some(measured) = self.measured.last_mut() {
            (measured.executed, measured.output) = (step, output);
        }
    }

    fn step(&mut self) -> u64 {
        let now = self.context.server.clock.micros();
        now.saturating_sub(std::mem::replace(&mut self.last, now))
    }

    #[cold]
    fn written(self, connections: usize) -> (u64, Vec<Measured>) {
        let server = &self.context.server;
        let now = server.clock.micros();
        if let Some(began) = self.ready.turn_began() {
            server.latency.turns.record(now.saturating_sub(began));
            server.latency.turn_sizes.record(connections as u64);
        }
        (now, self.measured)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use dynamidb_core::{Session, SessionConfig};
    use dynamidb_sync::{Growth, Shards, SharedKeyspace};

    use super::*;
    use crate::server::options::Options;
    use crate::server::worker::timing::Timing;

    fn context(slow_log: Option<u32>) -> ServerContext {
        let mut options = Options::default();
        options.slow_log = slow_log;
        let shards = Shards::new(&options.config(), 1, Growth::default()).unwrap();
        ServerContext::new(&options, shards, None, None, Vec::new(), 100)
    }

    /// Measures a `get` in a measured turn. `meanwhile` runs when the turn has begun.
    fn measure(context: &ServerContext, meanwhile: impl FnOnce()) -> Measured {
        let ready = Timing::default().begin(&context.server, 1, 0);
        let input = b"get key\r\n";
        let session = Session::new(SessionConfig::default());
        let first = session.parse(input, &SharedKeyspace::with_lock(&context.shards, None));
        assert!(first.is_some());
        let mut stopwatch = Stopwatch::new(context, &ready);
        meanwhile();
        let held = stopwatch.start(ready.since(0), first.as_ref(), 0, input, None);
        stopwatch.executed(55);
        drop(held);
        let (written, mut measured) = stopwatch.written(1).unwrap();
        assert!(written >= ready.since(0));
        measured.pop().unwrap()
    }

    #[test]
    fn a_wait_for_a_lock_is_told_apart_from_one_for_a_turn() {
        let context = context(Some(1));
        let pause = Duration::from_millis(50);
        let measured = measure(&context, || thread::sleep(pause));
        assert!(measured.queued >= 50_000, "{measured:?}");
        let waiting = || {
            thread::scope(|scope| {
                let (locks, locked) = mpsc::channel();
                measure(&context, || {
                    let shards = &context.shards;
                    scope.spawn(move || {
                        let _shard = shards.lock(0);
                        locks.send(()).unwrap();
                        thread::sleep(pause);
                    });
                    locked.recv().unwrap();
                })
            })
        };
        // On a busy machine the lock may be free before this thread runs again.
        let mut rounds = (0..100).map(|_| waiting());
        let measured = rounds.find(|measured| measured.locked >= 40_000);
        let measured = measured.expect("a wait for the lock");
        assert_eq!((measured.verb, measured.input), (Some("get"), 9));
        assert_eq!(
            (measured.key.as_deref(), measured.output),
            (Some(&b"key"[..]), 55)
        );
    }

    #[test]
    fn without_a_slow_log_steps_and_keys_are_not_kept() {
        let measured = measure(&context(None), || thread::sleep(Duration::from_millis(5)));
        assert!(measured.since > 0);
        let (queued, locked, executed) = (measured.queued, measured.locked, measured.executed);
        assert_eq!((queued, locked, executed, measured.key), (0, 0, 0, None));
    }
}
