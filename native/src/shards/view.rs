//! The keyspace as one session sees it.

use std::fmt::Display;
use std::sync::{RwLockReadGuard, RwLockWriteGuard};

use dynamidb_core::{AdminCommand, AdminOutcome, Event, Instant, Key, Keyspace};
use dynamidb_core::{Cache, ClassStats, ConfigError, SlabStats};

use super::{Part, Shards};
use crate::region::Region;
use crate::server::admin::{self, Task};
use crate::server::clock;
use crate::server::state::ServerState as Host;
use crate::server::state::watchers::{Kinds, REMOVALS_MAX};

/// What a shard can be enlarged to: what one cache can address.
pub(crate) const SHARD_MEMORY_MAX: usize = 4 << 30;
/// How many keys are looked ahead for at once.
const AHEAD: usize = 16;

type Reader<'s> = RwLockReadGuard<'s, Part>;

/// A shard and its lock.
pub(crate) type Held<'s> = (usize, RwLockWriteGuard<'s, Part>);

impl Shards {
    /// The keyspace for one call of a session, which is what a lock is held for at most.
    pub(crate) fn view<'s>(&'s self, host: &'s Host) -> View<'s> {
        View::resume(self, host, 0, None)
    }

    /// Locks up to [`AHEAD`] shards for reading, a bit each, the lowest first.
    ///
    /// Nowhere else does anybody wait for a lock while holding another, so only readers can wait
    /// for each other: one for a shard that another has, because somebody who writes came in
    /// between. They do not wait in a circle because all go from the lower to the higher shard.
    fn read_all(&self, mut shards: u64) -> [Option<Reader<'_>>; AHEAD] {
        let mut readers = [const { None }; AHEAD];
        let mut before = None;
        for reader in &mut readers {
            if shards == 0 {
                break;
            }
            let index = shards.trailing_zeros() as usize;
            debug_assert!(before < Some(index), "{index} after {before:?}");
            before = Some(index);
            *reader = self.read(index);
            shards &= shards - 1;
        }
        debug_assert_eq!(shards, 0, "more shards than keys");
        readers
    }

    /// `None` if a panic has left the shard half changed.
    fn read(&self, index: usize) -> Option<Reader<'_>> {
        self.caches[index].read().ok()
    }
}

/// The shards as one session sees them during one call: it holds one lock at a time, and keeps it
/// as long as the keys stay in that shard.
#[derive(Debug)]
pub(crate) struct View<'s> {
    shards: &'s Shards,
    host: &'s Host,
    held: Option<Held<'s>>,
    /// What the connection is in the middle of.
    pub(crate) task: Option<Box<Task>>,
    /// The number of the connection that asks; 0 if none does.
    client: u64,
    /// What watchers want to know.
    watched: Kinds,
}

impl<'s> View<'s> {
    /// The keyspace for one connection, with the lock that the one before it [held](Self::suspend).
    pub(crate) fn resume(
        shards: &'s Shards,
        host: &'s Host,
        client: u64,
        held: Option<Held<'s>>,
    ) -> Self {
        Self {
            shards,
            host,
            held,
            task: None,
            client,
            watched: host.watchers.wanted(),
        }
    }

    /// What the connection is in the middle of, and the lock that is held.
    pub(crate) fn suspend(self) -> (Option<Box<Task>>, Option<Held<'s>>) {
        (self.task, self.held)
    }

    /// The shard in which a key lives.
    pub(crate) fn shard_of(&self, key: &Key<'_>) -> usize {
        self.shards.index(key)
    }

    pub(crate) const fn host(&self) -> &'s Host {
        self.host
    }

    /// Whether evictions are noted from now on, for watchers.
    pub(crate) fn note_removals(&mut self, on: bool) {
        let limit = if on { REMOVALS_MAX } else { 0 };
        self.for_each(|cache| {
            if cache.watch_removals(limit).is_err() {
                tracing::warn!("no memory to note evictions");
            }
        });
        self.release();
    }

    /// Holds no lock any more.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// Changes the budget of all shards together.
    pub(crate) fn set_memory(&mut self, memory: usize) -> Result<(), ConfigError> {
        self.release();
        self.shards.set_memory(memory)
    }

    /// The slab classes of all shards together, in order of size.
    pub(crate) fn slabs(&mut self) -> Vec<(SlabStats, ClassStats)> {
        let mut sums: Vec<(SlabStats, ClassStats)> = Vec::new();
        self.for_each(|cache| {
            for (at, (slab, class)) in cache.slabs().zip(cache.class_stats()).enumerate() {
                match sums.get_mut(at) {
                    Some((slabs, classes)) => {
                        slabs.add(&slab);
                        classes.add(&class);
                    }
                    None => sums.push((slab, class)),
                }
            }
        });
        sums
    }

    pub(super) fn shard(&mut self, index: usize) -> &mut Cache<Region> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != index) {
            // The one that is held goes first: nobody who changes a shard holds another one, see
            // `Shards::read_all`.
            self.release();
            self.held = Some((index, self.shards.lock(index)));
        }
        let (_, cache) = self.held.as_mut().expect("it was locked above or before");
        cache
    }
}

impl Keyspace for View<'_> {
    type Memory = Region;

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.shards.hasher.key(bytes)
    }

    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache<Region> {
        self.shard(self.shards.index(key))
    }

    fn cache_at(&mut self, index: usize) -> Option<&mut Cache<Region>> {
        (index < self.shards.len()).then(|| self.shard(index))
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        if self.shards.len() == 1 {
            self.shard(0).prefetch(keys);
            return;
        }
        self.release();
        for keys in keys.chunks(AHEAD) {
            let wanted = |key| 1_u64 << self.shards.index(key);
            let all = keys.iter().fold(0, |all, key| all | wanted(key));
            let readers = self.shards.read_all(all);
            let reader = |key| {
                let before = all & (wanted(key) - 1);
                let reader: Option<&Reader<'_>> = readers[before.count_ones() as usize].as_ref();
                Some((&**reader?, key))
            };
            Cache::prefetch_all(keys.iter().filter_map(reader));
        }
    }
}

impl dynamidb_core::Host for View<'_> {
    fn unix_time(&self, _now: Instant) -> Instant {
        clock::unix_time()
    }

    fn command(&mut self, command: &AdminCommand<'_>, output: &mut Vec<u8>) -> AdminOutcome {
        let next = admin::command(self, command, output);
        // It may have been to watch.
        self.watched = self.host.watchers.wanted();
        next
    }

    fn resume(&mut self, output: &mut Vec<u8>) -> AdminOutcome {
        admin::resume(self, output)
    }

    fn wants_events(&self) -> bool {
        self.watched.concern_items()
    }

    fn on_event(&mut self, event: &Event<'_>) {
        if self.watched.has(Kinds::PREFIXES) {
            self.host.prefixes.on_event(event);
        }
        let watchers = &self.host.watchers;
        watchers.on_event(event, self.client);
        if let Some((_, cache)) = self.held.as_mut().filter(|_| watchers.wants_evictions()) {
            let removals = cache.removals();
            removals.for_each(|removal| watchers.on_eviction(event.at, &removal));
            watchers.skip_evictions(cache.removals_missed());
            cache.clear_removals();
        }
    }

    fn reset_stats(&mut self) {
        self.for_each(Cache::reset_stats);
        self.host.reset();
    }

    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        self.host.report(report);
    }
}
