//! Measures the requests of a turn, if the turn is measured.

use dynamidb_core::FirstRequest;

use crate::server::context::ServerContext;
use crate::server::state::measured::Measured;
use crate::server::view::{Held, View};
use crate::server::worker::timing::Ready;

/// Measures the requests of a turn. The first request of a connection stands for all that the
/// client sent together: the replies to them are written together.
pub(super) struct Stopwatch<'s> {
    context: &'s ServerContext,
    ready: &'s Ready,
    is_on: bool,
    /// Whether the steps of each are measured.
    detailed: bool,
    /// When the last step ended.
    last: u64,
    /// By connection, in the order of the work; `since` is 0 if it is not measured.
    measured: Vec<Measured>,
}

impl<'s> Stopwatch<'s> {
    pub(super) fn new(context: &'s ServerContext, ready: &'s Ready) -> Self {
        let server = &context.server;
        let is_on = ready.is_measured();
        Self {
            context,
            ready,
            is_on,
            detailed: is_on && server.slow.is_wanted(server.watchers.wanted()),
            last: 0,
            measured: Vec::new(),
        }
    }

    /// Begins with the next connection, with its first request, the shard of that, and all that
    /// was received. Returns the lock to go on with.
    pub(super) fn start(
        &mut self,
        since: u64,
        first: Option<FirstRequest<'_>>,
        shard: usize,
        input: &[u8],
        held: Option<Held<'s>>,
    ) -> Option<Held<'s>> {
        if !self.is_on {
            return held;
        }
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
    #[cold]
    fn lock(
        &mut self,
        first: FirstRequest<'_>,
        shard: usize,
        held: Option<Held<'s>>,
    ) -> Option<Held<'s>> {
        let server = &self.context.server;
        self.last = server.clock.micros();
        let began = self.last;
        let held = View::with_lock(&self.context.shards, server, held).locked(shard);
        let locked = self.step();
        if let Some(measured) = self.measured.last_mut() {
            measured.queued = began.saturating_sub(measured.since);
            measured.locked = locked;
            let (key, hidden) = (
                first.key(),
                server.settings.options.memcached.disable_dumping,
            );
            let key = Some(key.as_bytes()).filter(|key| !hidden && !key.is_empty());
            measured.key = key.map(Into::into);
        }
        held
    }

    /// The requests of the connection are executed, with this many bytes of replies.
    pub(super) fn executed(&mut self, output: usize) {
        if self.is_on {
            let step = if self.detailed { self.step() } else { 0 };
            if let Some(measured) = self.measured.last_mut() {
                (measured.executed, measured.output) = (step, output);
            }
        }
    }

    fn step(&mut self) -> u64 {
        let now = self.context.server.clock.micros();
        now.saturating_sub(std::mem::replace(&mut self.last, now))
    }

    /// The replies of all are written, as far as sockets take them. Returns when, and what was
    /// measured of each.
    pub(super) fn written(self, connections: usize) -> Option<(u64, Vec<Measured>)> {
        if !self.is_on {
            return None;
        }
        let server = &self.context.server;
        let now = server.clock.micros();
        if let Some(began) = self.ready.turn_began() {
            server.latency.turns.record(now.saturating_sub(began));
            server.latency.turn_sizes.record(connections as u64);
        }
        Some((now, self.measured))
    }
}
