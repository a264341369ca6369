//! The shards as the sessions of one thread see them.

use dynamidb_core::{Error, Host, Instant, Key, Keyspace};

use crate::clock::Clock;
use crate::region::{Region, Shard};
use crate::shards::{ShardGuard, Shards};

/// The keyspace of one call of a [`Session`](dynamidb_core::Session): it holds one lock at a time,
/// and keeps it as long as the keys stay in that shard. Make one for each call, so that no lock
/// outlives it.
///
/// # Examples
/// Two threads, each with its own session, on the same items:
/// ```
/// use dynamidb_core::{Config, Session, SessionConfig};
/// use dynamidb_sync::SharedCache;
///
/// let cache = SharedCache::new(&Config::new(64 << 20), 2)?;
/// let serve = |input: &[u8]| {
///     let (mut session, mut output) = (Session::new(SessionConfig::default()), Vec::new());
///     let used = session.process(cache.now(), input, &mut cache.keyspace(), &mut output);
///     assert_eq!(used, input.len());
///     output
/// };
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(serve(b"set one 0 0 1\r\n1\r\n"), b"STORED\r\n"));
///     scope.spawn(|| assert_eq!(serve(b"set two 0 0 1\r\n2\r\n"), b"STORED\r\n"));
/// });
/// let both = b"VALUE one 0 1\r\n1\r\nVALUE two 0 1\r\n2\r\nEND\r\n";
/// assert_eq!(serve(b"get one two\r\n"), both);
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
/// A host with more than the items hands its `Keyspace` on to one of these.
#[derive(Debug)]
pub struct SharedKeyspace<'s> {
    shards: &'s Shards,
    clock: Option<&'s Clock>,
    held: Option<(usize, ShardGuard<'s>)>,
}

impl<'s> SharedKeyspace<'s> {
    pub(crate) const fn new(shards: &'s Shards, clock: &'s Clock) -> Self {
        Self {
            shards,
            clock: Some(clock),
            held: None,
        }
    }

    /// The keyspace of a host that has its own clock. It begins with the lock that the one before
    /// it [held](Self::into_lock), if any.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Keyspace};
    /// use dynamidb_sync::{Growth, SharedKeyspace, Shards};
    ///
    /// let shards = Shards::new(&Config::new(64 << 20), 4, Growth::default())?;
    /// let mut keyspace = SharedKeyspace::with_lock(&shards, None);
    /// keyspace.cache_at(3).clear();
    /// let lock = keyspace.into_lock();
    /// assert_eq!(lock.as_ref().map(|(index, _)| *index), Some(3));
    /// let mut keyspace = SharedKeyspace::with_lock(&shards, lock);
    /// keyspace.release();
    /// assert!(keyspace.lock_held().is_none());
    /// assert_eq!(keyspace.shards().len(), 16);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_lock(shards: &'s Shards, held: Option<(usize, ShardGuard<'s>)>) -> Self {
        Self {
            shards,
            clock: None,
            held,
        }
    }

    /// The lock that is held, and the number of its shard.
    #[must_use]
    pub fn into_lock(self) -> Option<(usize, ShardGuard<'s>)> {
        self.held
    }

    /// The shard that is locked.
    pub fn lock_held(&mut self) -> Option<&mut Shard> {
        let (_, shard) = self.held.as_mut()?;
        Some(shard)
    }

    /// Holds no lock any more.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// The shards.
    #[must_use]
    pub const fn shards(&self) -> &'s Shards {
        self.shards
    }
}

impl Keyspace for SharedKeyspace<'_> {
    type Memory = Region;

    fn cache_at(&mut self, index: usize) -> &mut Shard {
        if self.held.as_ref().is_none_or(|(held, _)| *held != index) {
            // The one that is held is released first: a thread that changes a shard holds no other,
            // see `Shards::prefetch`.
            self.release();
            self.held = Some((index, self.shards.lock(index)));
        }
        let (_, shard) = self.held.as_mut().expect("it was locked above or before");
        shard
    }

    fn cache_count(&self) -> usize {
        self.shards.len()
    }

    fn index_of(&self, key: &Key<'_>) -> usize {
        self.shards.index_of(key)
    }

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.shards.key(bytes)
    }

    fn cache_to_store(
        &mut self,
        now: Instant,
        key: &Key<'_>,
        len: usize,
        joins: bool,
    ) -> &mut Shard {
        let index = self.shards.index_of(key);
        self.cache_at(index);
        let (_, shard) = self.held.take().expect("it was locked above");
        let shard = self.shards.with_room(key, shard, now, len, joins);
        let (_, shard) = self.held.insert((index, shard));
        shard
    }

    fn flush_prefix(&mut self, prefix: &[u8]) -> Result<(), Error> {
        self.release();
        self.shards.flush_prefix(prefix)
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        if self.shards.len() == 1 {
            self.cache_at(0).prefetch(keys);
            return;
        }
        self.release();
        self.shards.prefetch(keys);
    }
}

impl Host for SharedKeyspace<'_> {
    fn unix_time(&self, now: Instant) -> Instant {
        self.clock.map_or(now, Clock::unix_time)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use dynamidb_core::Config;

    use super::*;
    use crate::shards::Growth;

    const NOW: Instant = Instant::from_secs(1);

    fn shards(memory: usize) -> Shards {
        Shards::new(&Config::new(memory), 2, Growth::default()).unwrap()
    }

    #[test]
    fn prefetching_in_all_shards_blocks_nobody_forever() {
        let shards = shards(64 << 20);
        let work = |thread: u32| {
            for round in 0..500_u32 {
                let texts: [_; 40] = std::array::from_fn(|n| format!("{}", round * 7 + n as u32));
                let mut keyspace = SharedKeyspace::with_lock(&shards, None);
                let keys = texts.each_ref().map(|text| keyspace.key(text.as_bytes()));
                keyspace.prefetch(&keys);
                for key in keys {
                    let value = thread.to_le_bytes();
                    keyspace.cache_for(&key).set(NOW, key, &value).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || work(thread));
            }
        });
        let mut count = 0;
        SharedKeyspace::with_lock(&shards, None).for_each(|cache| count += cache.len());
        assert_eq!(count, 499 * 7 + 40);
    }

    #[test]
    fn prefetch_skips_a_shard_that_a_panic_has_left() {
        let shards = shards(64 << 20);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut keyspace = SharedKeyspace::with_lock(&shards, None);
            keyspace.cache_at(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let mut keyspace = SharedKeyspace::with_lock(&shards, None);
        let texts: [_; 40] = std::array::from_fn(|number| number.to_string());
        let keys = texts.each_ref().map(|text| keyspace.key(text.as_bytes()));
        assert!(keys.iter().any(|key| shards.index_of(key) == 3));
        keyspace.prefetch(&keys);
        for key in keys {
            keyspace.cache_for(&key).set(NOW, key, "v").unwrap();
            assert!(keyspace.cache_for(&key).get(NOW, key).is_some());
        }
    }
}
