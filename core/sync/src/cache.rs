//! A cache for many threads, with the calls of `Cache`.

mod conditional;
mod load;
mod snapshot;
mod take;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use dynamidb_core::view::ItemView;
use dynamidb_core::{
    Cas, CasOutcome, Config, ConfigError, Error, Expiry, Instant, Item, Key, Stats, Value,
};

use crate::loads::Loads;
use crate::random_seed;
use crate::region::Shard;
use crate::shards::{Growth, Shards};

/// A cache for many threads: [`Cache`](dynamidb_core::Cache) in shards, each behind a lock. A clone
/// is another handle to the same cache.
///
/// Each call locks the shard in which its key lives, and no other. Reads return copies;
/// [`read`](Self::read) lends the item to a closure instead. `now` is the caller's clock, as in
/// [`Cache`](dynamidb_core::Cache).
///
/// # Examples
/// Four threads count together:
/// ```
/// use dynamidb_core::{Config, Instant};
/// use dynamidb_sync::SharedCache;
///
/// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "visits", "0")?;
/// std::thread::scope(|scope| {
///     for thread in 0..4 {
///         let cache = cache.clone();
///         scope.spawn(move || {
///             for page in 0..1000 {
///                 let key = format!("{thread}/{page}");
///                 cache.set(now, &key, "seen").expect("it is small");
///                 cache.increment(now, "visits", 1).expect("it is a number");
///             }
///         });
///     }
/// });
/// assert_eq!(cache.get(now, "visits").as_deref(), Some(&b"4000"[..]));
/// assert_eq!(cache.len(), 4001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedCache {
    shards: Arc<Shards>,
    loads: Arc<Loads>,
}

impl SharedCache {
    /// Creates a cache with as many shards as serve this number of threads well, at most 64. Its
    /// memory is mapped at once and used only as it fills.
    ///
    /// If [`Config::hash_seed`] is 0, a random one takes its place, so that nobody can choose keys
    /// that collide.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong; [`ConfigError::OutOfMemory`], that there is no
    /// memory to map.
    pub fn new(config: &Config, threads: usize) -> Result<Self, ConfigError> {
        let threads = threads.clamp(1, Shards::COUNT_MAX);
        Self::build(config, |config| {
            Shards::new(config, threads, growth(config))
        })
    }

    /// Creates a cache with this number of shards, or the next power of two, at most 64. With one
    /// shard the LRU is exact over all keys, and all threads share one lock.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`ConfigError::MemoryTooSmall`] says what that many shards need.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let mut config = Config::new(64 << 20);
    /// config.max_items = Some(1000);
    /// let cache = SharedCache::with_shards(&config, 1)?;
    /// assert_eq!(cache.shards(), 1);
    /// for number in 0..1500 {
    ///     cache.set(Instant::from_secs(0), format!("{number}"), "value")?;
    /// }
    /// assert_eq!(cache.len(), 1000);
    /// assert_eq!(cache.get(Instant::from_secs(0), "499"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_shards(config: &Config, shards: usize) -> Result<Self, ConfigError> {
        Self::build(config, |config| {
            Shards::with_count(config, shards, growth(config))
        })
    }

    fn build(
        config: &Config,
        make: impl FnOnce(&Config) -> Result<Shards, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let mut config = config.clone();
        if config.hash_seed == 0 {
            config.hash_seed = random_seed();
        }
        let shards = Arc::new(make(&config)?);
        Ok(Self {
            shards,
            loads: Arc::default(),
        })
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Changes the budget. What is in use beyond it is freed at stores and in
    /// [`maintain`](Self::maintain), least recently used items first.
    ///
    /// # Errors
    /// [`ConfigError::MemoryTooSmall`], and [`ConfigError::MemoryTooLarge`] beyond the budget that
    /// the cache was made with.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(16 << 20), 2)?;
    /// cache.set_memory(8 << 20)?;
    /// while cache.maintain(Instant::from_secs(0), 8) == 8 {}
    /// assert_eq!(cache.stats().limit_maxbytes, 8 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_memory(&self, memory: usize) -> Result<(), ConfigError> {
        self.shards.set_memory(memory)
    }

    /// A copy of the value under a key; counts as use.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// assert_eq!(cache.get(now, "key"), None);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get(now, "key").as_deref(), Some(&b"value"[..]));
    /// assert!(cache.delete(now, "key") && !cache.delete(now, "key"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get(&self, now: Instant, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.read(now, key, |item| item.value.to_vec())
    }

    /// What `look` makes of the item under a key; counts as use. Nothing is copied. The shard is
    /// locked meanwhile: `look` must be short and must not use the cache. If it panics, so does
    /// this call, and the cache is as before.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.read(now, "key", |item| item.value.len()), Some(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read<R>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        look: impl FnOnce(&Item<'_>) -> R,
    ) -> Option<R> {
        self.lend(key.as_ref(), |shard, key| {
            Some(look_at(look, &shard.get(now, key)?))
        })
    }

    /// As [`read`](Self::read), but does not count as use and changes nothing. Threads that peek do
    /// not wait for each other.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.peek(now, "key", |item| item.fetched), Some(false));
    /// assert_eq!(cache.stats().cmd_get, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek<R>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        look: impl FnOnce(&Item<'_>) -> R,
    ) -> Option<R> {
        let key = self.shards.key(key.as_ref());
        let shard = self.shards.read(self.shards.index_of(&key))?;
        shard.peek(now, key).map(|item| look(&item))
    }

    /// A copy of the value under a key, which expires at another time from now on; counts as use.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb_core::{Config, Expiry, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let (now, second) = (Instant::from_secs(0), Expiry::After(Duration::from_secs(1)));
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get_and_touch(now, "key", second).as_deref(), Some(&b"value"[..]));
    /// assert!(cache.touch(now, "key", second));
    /// assert_eq!(cache.get(Instant::from_secs(1), "key"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get_and_touch(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        expiry: Expiry,
    ) -> Option<Vec<u8>> {
        self.with(key.as_ref(), |shard, key| {
            let item = shard.get_and_touch(now, key, expiry)?;
            Some(item.value.to_vec())
        })
    }

    /// Lets an item expire at another time; counts as use. Says whether there is such an item.
    pub fn touch(&self, now: Instant, key: impl AsRef<[u8]>, expiry: Expiry) -> bool {
        self.with(key.as_ref(), |shard, key| shard.touch(now, key, expiry))
    }

    /// Stores a value, whatever was there.
    ///
    /// # Errors
    /// As [`Cache::set`](dynamidb_core::Cache::set).
    pub fn set<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<(), Error> {
        self.store_value(now, key.as_ref(), value.into(), |shard, key, value| {
            shard.set(now, key, value)
        })
    }

    /// Stores a value if there is none under this key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cas, CasOutcome, Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// assert!(!cache.replace(now, "key", "zero")?);
    /// assert!(cache.add(now, "key", "one")?);
    /// assert!(!cache.add(now, "key", "two")?);
    /// let cas: Cas = cache.read(now, "key", |item| item.cas).flatten().unwrap();
    /// assert_eq!(cache.compare_and_swap(now, "key", "two", cas)?, CasOutcome::Stored);
    /// assert_eq!(cache.compare_and_swap(now, "key", "three", cas)?, CasOutcome::Exists);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_value(now, key.as_ref(), value.into(), |shard, key, value| {
            shard.add(now, key, value)
        })
    }

    /// Stores a value if there is one under this key.
    ///
    /// # Errors
    /// As [`Cache::replace`](dynamidb_core::Cache::replace).
    pub fn replace<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_value(now, key.as_ref(), value.into(), |shard, key, value| {
            shard.replace(now, key, value)
        })
    }

    /// Stores a value if nobody stored another one since this `cas` was read.
    ///
    /// # Errors
    /// As [`Cache::compare_and_swap`](dynamidb_core::Cache::compare_and_swap).
    pub fn compare_and_swap<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
        cas: Cas,
    ) -> Result<CasOutcome, Error> {
        self.store_value(now, key.as_ref(), value.into(), |shard, key, value| {
            shard.compare_and_swap(now, key, value, cas)
        })
    }

    /// Adds bytes at the end of a value. Flags and expiry stay.
    ///
    /// # Errors
    /// As [`Cache::append`](dynamidb_core::Cache::append).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "be")?;
    /// let _ = cache.append(now, "key", b"have")?;
    /// let _ = cache.prepend(now, "key", b"mis")?;
    /// assert_eq!(cache.get(now, "key").as_deref(), Some(&b"misbehave"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append(&self, now: Instant, key: impl AsRef<[u8]>, bytes: &[u8]) -> Result<bool, Error> {
        self.store(now, key.as_ref(), bytes.len(), true, |shard, key| {
            shard.append(now, key, bytes)
        })
    }

    /// Adds bytes at the beginning of a value. Flags and expiry stay.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn prepend(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        self.store(now, key.as_ref(), bytes.len(), true, |shard, key| {
            shard.prepend(now, key, bytes)
        })
    }

    /// Adds to a decimal number, wrapping at 2^64, and returns the sum; `None` if there is no item.
    ///
    /// # Errors
    /// As [`Cache::increment`](dynamidb_core::Cache::increment).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "visits", "9")?;
    /// assert_eq!(cache.increment(now, "visits", 1)?, Some(10));
    /// assert_eq!(cache.decrement(now, "visits", 3)?, Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn increment(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        delta: u64,
    ) -> Result<Option<u64>, Error> {
        self.store(now, key.as_ref(), 0, false, |shard, key| {
            shard.increment(now, key, delta)
        })
    }

    /// Subtracts from a decimal number, stopping at 0, and returns the difference; `None` if there
    /// is no item.
    ///
    /// # Errors
    /// As [`increment`](Self::increment).
    pub fn decrement(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        delta: u64,
    ) -> Result<Option<u64>, Error> {
        self.store(now, key.as_ref(), 0, false, |shard, key| {
            shard.decrement(now, key, delta)
        })
    }

    /// Removes an item. Says whether there was one.
    pub fn delete(&self, now: Instant, key: impl AsRef<[u8]>) -> bool {
        self.with(key.as_ref(), |shard, key| shard.delete(now, key))
    }

    /// Removes everything, one shard after the other.
    pub fn clear(&self) {
        self.shards.for_each(Shard::clear);
    }

    /// Removes everything that is stored under keys with this prefix, in the same time however much
    /// there is. What is stored under such keys once this has returned stays. The memory comes back
    /// as the items are swept out: by [`maintain`](Self::maintain), and by operations that come
    /// across them.
    ///
    /// # Errors
    /// [`Error::KeyLength`], if the prefix is empty or longer than a key may be;
    /// [`Error::TooManyFlushes`], if
    /// [`Config::flush_prefix_max`](dynamidb_core::Config::flush_prefix_max) of them are under way.
    /// Nothing has changed then.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Config, Instant};
    /// # use dynamidb_sync::SharedCache;
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "berlin:42", "value")?;
    /// cache.set(now, "paris:42", "value")?;
    /// cache.flush_prefix("berlin:")?;
    /// assert!(cache.get(now, "berlin:42").is_none() && cache.get(now, "paris:42").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_prefix(&self, prefix: impl AsRef<[u8]>) -> Result<(), Error> {
        self.shards.flush_prefix(prefix.as_ref())
    }

    /// Removes everything when that moment comes, items stored until then included. Replaces an
    /// earlier such request.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// cache.flush_at(Instant::from_secs(10));
    /// assert!(cache.get(Instant::from_secs(9), "key").is_some());
    /// assert!(cache.get(Instant::from_secs(10), "key").is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_at(&self, at: Instant) {
        self.shards.for_each(|shard| shard.flush_at(at));
    }

    /// Does at most `limit` steps of upkeep, in all shards together; returns how many were done.
    /// Fewer than `limit` means that nothing is left to do for now. Nothing is served past its
    /// deadline without it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb_core::{Config, Expiry, Instant, Value};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(1)));
    /// cache.set(Instant::from_secs(0), "key", brief)?;
    /// while cache.maintain(Instant::from_secs(2), 8) == 8 {}
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn maintain(&self, now: Instant, limit: usize) -> usize {
        self.shards.maintain_all(now, limit)
    }

    /// Visits the items at a cursor, some fifty, and returns the next cursor; `None` after the last
    /// one. The first cursor is 0.
    ///
    /// A scan visits each item that is in the cache all the while at least once, whatever happens
    /// in between, expired ones that were not freed yet included. A shard is locked for reading
    /// meanwhile: `visit` must be short and must not use the cache.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// for number in 0..1000 {
    ///     cache.set(Instant::from_secs(0), format!("{number}"), "value")?;
    /// }
    /// let (mut keys, mut cursor) = (Vec::new(), Some(0));
    /// while let Some(at) = cursor {
    ///     cursor = cache.scan(at, |item| keys.push(item.key.to_vec()));
    /// }
    /// assert_eq!(keys.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scan(&self, cursor: u64, mut visit: impl FnMut(&ItemView<'_>)) -> Option<u64> {
        let index = usize::try_from(cursor >> u32::BITS).ok()?;
        if index >= self.shards.len() {
            return None;
        }
        // The low half is the cursor within the shard. A shard that a panic has left half changed
        // is about to be emptied.
        let next = self.shards.read(index).and_then(|shard| {
            let (items, next) = shard.scan(cursor as u32);
            items.for_each(|item| visit(&item));
            next
        });
        let within = |next| (index as u64) << u32::BITS | u64::from(next);
        let behind = (index + 1 < self.shards.len()).then_some((index as u64 + 1) << u32::BITS);
        next.map(within).or(behind)
    }

    /// How many items there are, expired and flushed ones that were not freed yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut len = 0;
        self.shards.for_each(|shard| len += shard.len());
        len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counters of all shards together.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// assert_eq!((cache.stats().cmd_set, cache.len()), (1, 1));
    /// cache.reset_stats();
    /// assert_eq!((cache.stats().cmd_set, cache.len()), (0, 1));
    /// cache.clear();
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shards.stats()
    }

    /// Sets the counters of what happened to zero.
    pub fn reset_stats(&self) {
        self.shards.for_each(Shard::reset_stats);
    }

    /// One operation on the shard of this key.
    fn with<'k, R>(&self, key: &'k [u8], operate: impl FnOnce(&mut Shard, Key<'k>) -> R) -> R {
        let key = self.shards.key(key);
        operate(&mut self.shards.lock(self.shards.index_of(&key)), key)
    }

    /// One operation that stores `len` bytes, alone or joined to the value that is there.
    fn store<'k, R>(
        &self,
        now: Instant,
        key: &'k [u8],
        len: usize,
        joins: bool,
        operate: impl FnOnce(&mut Shard, Key<'k>) -> R,
    ) -> R {
        let key = self.shards.key(key);
        let shard = self.shards.lock(self.shards.index_of(&key));
        operate(
            &mut self.shards.with_room(&key, shard, now, len, joins),
            key,
        )
    }

    /// One operation that stores a value. The caller's code, which made the value, has run before
    /// the lock is taken.
    fn store_value<'v, R>(
        &self,
        now: Instant,
        key: &[u8],
        value: Value<'v>,
        operate: impl FnOnce(&mut Shard, Key<'_>, Value<'v>) -> R,
    ) -> R {
        self.store(now, key, value.bytes.len(), false, |shard, key| {
            operate(shard, key, value)
        })
    }

    /// The same where a caller's closure may have panicked: its panic goes on once the lock is
    /// released, because it has changed nothing, and a shard whose lock is poisoned is emptied.
    fn lend<'k, R>(
        &self,
        key: &'k [u8],
        operate: impl FnOnce(&mut Shard, Key<'k>) -> Option<std::thread::Result<R>>,
    ) -> Option<R> {
        let looked = self.with(key, operate);
        looked.map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

/// Each shard can get all of the budget, in its own addresses: where addresses cost nothing.
fn growth(config: &Config) -> Growth {
    let is_strict = || {
        let mode = std::fs::read_to_string("/proc/sys/vm/overcommit_memory");
        mode.is_ok_and(|mode| mode.trim() == "2")
    };
    Growth {
        max: config.memory,
        set_aside: cfg!(target_pointer_width = "64") && !is_strict(),
    }
}

fn look_at<T, R>(look: impl FnOnce(&T) -> R, found: &T) -> std::thread::Result<R> {
    catch_unwind(AssertUnwindSafe(|| look(found)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    #[test]
    fn maintain_visits_the_shards_in_turn() {
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        let shards = cache.shards();
        let items = |cache: &SharedCache| {
            let mut items = Vec::new();
            cache.shards.for_each(|shard| items.push(shard.len()));
            items
        };
        let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
        for number in 0..10_000 {
            cache.set(NOW, format!("{number}"), brief("value")).unwrap();
        }
        let before = items(&cache);
        for _ in 0..shards {
            assert_eq!(cache.maintain(NOW + Duration::from_secs(2), 1), 1);
        }
        let after = items(&cache);
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(before, after)| before > after),
            "{before:?} {after:?}"
        );
    }

    #[test]
    fn hash_seed_is_random_unless_the_caller_sets_one() {
        let hash = |seed| {
            let mut config = Config::new(1 << 20);
            config.hash_seed = seed;
            let cache = SharedCache::new(&config, 1).unwrap();
            cache.with(b"key", |shard, key| shard.hasher().hash(&key))
        };
        assert_ne!(hash(0), hash(0));
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
    }
}
