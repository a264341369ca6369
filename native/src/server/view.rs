//! The shards as one session sees them.

use dynamidb_core::{ClassStats, ConfigError, Error, Instant, Key, Keyspace, SlabStats};
use dynamidb_sync::{Region, Shard, ShardGuard, Shards};

use crate::server::state::ServerState;
use crate::server::state::watchers::{REMOVALS_MAX, Watchers};

/// A shard that is locked, and its number.
pub(crate) type LockedShard<'s> = (usize, ShardGuard<'s>);

/// The shards as one session sees them during one call: it holds one lock at a time, and keeps it
/// as long as the keys stay in that shard.
#[derive(Debug)]
pub(crate) struct View<'s> {
    shards: &'s Shards,
    host: &'s ServerState,
    held: Option<LockedShard<'s>>,
}

impl<'s> View<'s> {
    /// The keyspace for one call of a session, which is what a lock is held for at most.
    pub(crate) const fn new(shards: &'s Shards, host: &'s ServerState) -> Self {
        Self::with_lock(shards, host, None)
    }

    /// The same, with the lock that the session before it [held](Self::into_lock).
    pub(crate) const fn with_lock(
        shards: &'s Shards,
        host: &'s ServerState,
        held: Option<LockedShard<'s>>,
    ) -> Self {
        Self { shards, host, held }
    }

    /// The lock that is held.
    pub(crate) fn into_lock(self) -> Option<LockedShard<'s>> {
        self.held
    }

    /// The lock of a shard.
    pub(crate) fn locked(mut self, index: usize) -> Option<LockedShard<'s>> {
        self.shard(index);
        self.held
    }

    /// The shard in which a key lives.
    pub(crate) fn shard_of(&self, key: &Key<'_>) -> usize {
        self.shards.index_of(key)
    }

    pub(crate) const fn host(&self) -> &'s ServerState {
        self.host
    }

    /// Whether evictions are logged from now on, for watchers.
    pub(crate) fn log_removals(&mut self, on: bool) {
        let limit = if on { REMOVALS_MAX } else { 0 };
        self.for_each(|cache| {
            if cache.removal_log_mut().set_limit(limit).is_err() {
                tracing::warn!("no memory for a log of evictions");
            }
        });
        self.release();
    }

    /// Reports the evictions of the shard that is locked.
    pub(crate) fn report_evictions(&mut self, at: Instant, watchers: &Watchers) {
        if let Some((_, cache)) = &mut self.held {
            let removals = cache.removal_log().iter();
            removals.for_each(|removal| watchers.on_eviction(at, &removal));
            watchers.skip_evictions(cache.removal_log().missed());
            cache.removal_log_mut().clear();
        }
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

    fn shard(&mut self, index: usize) -> &mut Shard {
        if self.held.as_ref().is_none_or(|(held, _)| *held != index) {
            // The lock on another shard is released before: a writer holds one shard at a time, see
            // `Shards::prefetch`.
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
        self.shards.key(bytes)
    }

    fn cache_for(&mut self, key: &Key<'_>) -> &mut Shard {
        self.shard(self.shards.index_of(key))
    }

    fn cache_to_store(
        &mut self,
        now: Instant,
        key: &Key<'_>,
        len: usize,
        joins: bool,
    ) -> &mut Shard {
        let index = self.shards.index_of(key);
        self.shard(index);
        let (_, shard) = self.held.take().expect("it was locked above");
        let shard = self.shards.with_room(key, shard, now, len, joins);
        let (_, shard) = self.held.insert((index, shard));
        shard
    }

    fn cache_at(&mut self, index: usize) -> Option<&mut Shard> {
        (index < self.shards.len()).then(|| self.shard(index))
    }

    fn flush_prefix(&mut self, prefix: &[u8]) -> Result<(), Error> {
        self.release();
        self.shards.flush_prefix(prefix)
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        if self.shards.len() == 1 {
            self.shard(0).prefetch(keys);
            return;
        }
        self.release();
        self.shards.prefetch(keys);
    }
}

#[cfg(test)]
mod tests {
    use dynamidb_core::Config;
    use dynamidb_sync::Growth;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    fn shards(memory: usize) -> Shards {
        Shards::new(&Config::new(memory), 2, Growth::default()).unwrap()
    }

    #[test]
    fn prefetching_in_all_shards_blocks_nobody_forever() {
        let (shards, host) = (shards(64 << 20), ServerState::for_tests());
        let work = |thread: u32| {
            for round in 0..500_u32 {
                let texts: [_; 40] = std::array::from_fn(|n| format!("{}", round * 7 + n as u32));
                let mut view = View::new(&shards, &host);
                let keys = texts.each_ref().map(|text| view.key(text.as_bytes()));
                view.prefetch(&keys);
                for key in keys {
                    let value = thread.to_le_bytes();
                    view.cache_for(&key).set(NOW, key, &value).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || work(thread));
            }
        });
        let mut count = 0;
        View::new(&shards, &host).for_each(|cache| count += cache.len());
        assert_eq!(count, 499 * 7 + 40);
    }

    #[test]
    fn prefetch_skips_a_shard_that_a_panic_has_left() {
        let (shards, host) = (shards(64 << 20), ServerState::for_tests());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut view = View::new(&shards, &host);
            view.shard(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let mut view = View::new(&shards, &host);
        let texts: [_; 40] = std::array::from_fn(|number| number.to_string());
        let keys = texts.each_ref().map(|text| view.key(text.as_bytes()));
        assert!(keys.iter().any(|key| shards.index_of(key) == 3));
        view.prefetch(&keys);
        for key in keys {
            view.cache_for(&key).set(NOW, key, "v").unwrap();
            assert!(view.cache_for(&key).get(NOW, key).is_some());
        }
    }
}
