//! The shards as one session sees them.

use std::ops::{Deref, DerefMut};

use dynamidb_core::{ClassStats, ConfigError, Instant, Keyspace, SlabStats};
use dynamidb_sync::{ShardGuard, Shards, SharedKeyspace};

use crate::server::state::ServerState;
use crate::server::state::watchers::{REMOVALS_MAX, Watchers};

/// A shard that is locked, and its number.
pub(crate) type LockedShard<'s> = (usize, ShardGuard<'s>);

/// The shards as one session sees them during one call, which is what a lock is held for at most,
/// and the server's state.
#[derive(Debug)]
pub(crate) struct View<'s> {
    keyspace: SharedKeyspace<'s>,
    host: &'s ServerState,
}

impl<'s> View<'s> {
    pub(crate) const fn new(shards: &'s Shards, host: &'s ServerState) -> Self {
        Self::with_lock(shards, host, None)
    }

    /// The same, with the lock that the session before it [held](Self::into_lock).
    pub(crate) const fn with_lock(
        shards: &'s Shards,
        host: &'s ServerState,
        held: Option<LockedShard<'s>>,
    ) -> Self {
        let keyspace = SharedKeyspace::with_lock(shards, held);
        Self { keyspace, host }
    }

    /// The lock that is held.
    pub(crate) fn into_lock(self) -> Option<LockedShard<'s>> {
        self.keyspace.into_lock()
    }

    /// The lock of a shard.
    pub(crate) fn locked(mut self, index: usize) -> Option<LockedShard<'s>> {
        self.cache_at(index);
        self.into_lock()
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
        if let Some(cache) = self.lock_held() {
            let removals = cache.removal_log().iter();
            removals.for_each(|removal| watchers.on_eviction(at, &removal));
            watchers.skip_evictions(cache.removal_log().missed());
            cache.removal_log_mut().clear();
        }
    }

    /// Changes the budget of all shards together.
    pub(crate) fn set_memory(&mut self, memory: usize) -> Result<(), ConfigError> {
        self.release();
        self.shards().set_memory(memory)
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
}

impl<'s> Deref for View<'s> {
    type Target = SharedKeyspace<'s>;

    fn deref(&self) -> &SharedKeyspace<'s> {
        &self.keyspace
    }
}

impl<'s> DerefMut for View<'s> {
    fn deref_mut(&mut self) -> &mut SharedKeyspace<'s> {
        &mut self.keyspace
    }
}
