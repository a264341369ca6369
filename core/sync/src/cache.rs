//! A cache for many threads, with the calls of `Cache`.

mod conditional;
pub(crate) mod iter;
mod load;
mod snapshot;
mod take;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use dynamidb_core::{
    Cas, CasOutcome, Config, ConfigError, Error, Expiry, Instant, Item, Key, Stats, Value,
};

use crate::clock::Clock;
use crate::keyspace::SharedKeyspace;
use crate::loads::Loads;
use crate::random_seed;
use crate::region::Shard;
use crate::shards::{Growth, Shards};

/// A cache for many threads: [`Cache`](dynamidb_core::Cache) in shards, each behind a lock. A clone
/// is another handle to the same cache.
///
/// Each call locks the shard in which its key lives, and no other. Reads return copies;
/// [`read`](Self::read) lends the item to a closure instead. Time is the system's, unless
/// [`with_clock`](Self::with_clock) says otherwise.
///
/// # Examples
/// Four threads count together:
/// ```
/// use dynamidb_core::Config;
/// use dynamidb_sync::SharedCache;
///
/// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
/// cache.set("visits", "0")?;
/// std::thread::scope(|scope| {
///     for thread in 0..4 {
///         let cache = cache.clone();
///         scope.spawn(move || {
///             for page in 0..1000 {
///                 let key = format!("{thread}/{page}");
///                 cache.set(&key, "seen").expect("it is small");
///                 cache.increment("visits", 1).expect("it is a number");
///             }
///         });
///     }
/// });
/// assert_eq!(cache.get("visits").as_deref(), Some(&b"4000"[..]));
/// assert_eq!(cache.len(), 4001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedCache {
    shards: Arc<Shards>,
    loads: Arc<Loads>,
    clock: Clock,
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let mut config = Config::new(64 << 20);
    /// config.max_items = Some(1000);
    /// let cache = SharedCache::with_shards(&config, 1)?;
    /// assert_eq!(cache.shards(), 1);
    /// for number in 0..1500 {
    ///     cache.set(format!("{number}"), "value")?;
    /// }
    /// assert_eq!(cache.len(), 1000);
    /// assert_eq!(cache.get("499"), None);
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
            clock: Clock::system(),
        })
    }

    /// The same cache with another clock, for this handle and its later clones: a
    /// [`FakeClock`](crate::FakeClock) in tests, or one of your own.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{FakeClock, SharedCache};
    ///
    /// let clock = FakeClock::new(Instant::from_secs(60));
    /// let cache = SharedCache::new(&Config::default(), 1)?.with_clock(&clock);
    /// assert_eq!(cache.now(), Instant::from_secs(60));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// What time it is for this cache.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The items as a [`Session`](dynamidb_core::Session) sees them during one call. Each thread
    /// may serve its own sessions.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Session, SessionConfig};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::default(), 4)?;
    /// cache.set("key", "value")?;
    /// let (mut session, mut output) = (Session::new(SessionConfig::default()), Vec::new());
    /// session.process(cache.now(), b"get key\r\n", &mut cache.keyspace(), &mut output);
    /// assert_eq!(output, b"VALUE key 0 5\r\nvalue\r\nEND\r\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn keyspace(&self) -> SharedKeyspace<'_> {
        SharedKeyspace::new(&self.shards, &self.clock)
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(16 << 20), 2)?;
    /// cache.set_memory(8 << 20)?;
    /// while cache.maintain(8) == 8 {}
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// assert_eq!(cache.get("key"), None);
    /// cache.set("key", "value")?;
    /// assert_eq!(cache.get("key").as_deref(), Some(&b"value"[..]));
    /// assert!(cache.delete("key") && !cache.delete("key"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.read(key, |item| item.value.to_vec())
    }

    /// What `look` makes of the item under a key; counts as use. Nothing is copied. The shard is
    /// locked meanwhile: `look` must be short and must not use the cache. If it panics, so does
    /// this call, and the cache is as before.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("key", "value")?;
    /// assert_eq!(cache.read("key", |item| item.value.len()), Some(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read<R>(&self, key: impl AsRef<[u8]>, look: impl FnOnce(&Item<'_>) -> R) -> Option<R> {
        self.lend(key.as_ref(), |shard, now, key| {
            Some(look_at(look, &shard.get(now, key)?))
        })
    }

    /// As [`read`](Self::read), but does not count as use and changes nothing. Threads that peek do
    /// not wait for each other.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("key", "value")?;
    /// assert_eq!(cache.peek("key", |item| item.fetched), Some(false));
    /// assert_eq!(cache.stats().cmd_get, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn peek<R>(&self, key: impl AsRef<[u8]>, look: impl FnOnce(&Item<'_>) -> R) -> Option<R> {
        let key = self.shards.key(key.as_ref());
        let now = self.now();
        let shard = self.shards.read(self.shards.index_of(&key))?;
        shard.peek(now, key).map(|item| look(&item))
    }

    /// A copy of the value under a key, which expires at another time from now on; counts as use.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb_core::{Config, Expiry};
    /// use dynamidb_sync::{FakeClock, SharedCache};
    ///
    /// let clock = FakeClock::default();
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?.with_clock(&clock);
    /// let second = Expiry::After(Duration::from_secs(1));
    /// cache.set("key", "value")?;
    /// assert_eq!(cache.get_and_touch("key", second).as_deref(), Some(&b"value"[..]));
    /// assert!(cache.touch("key", second));
    /// clock.advance(Duration::from_secs(1));
    /// assert_eq!(cache.get("key"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn get_and_touch(&self, key: impl AsRef<[u8]>, expiry: Expiry) -> Option<Vec<u8>> {
        self.with(key.as_ref(), |shard, now, key| {
            let item = shard.get_and_touch(now, key, expiry)?;
            Some(item.value.to_vec())
        })
    }

    /// Lets an item expire at another time; counts as use. Says whether there is such an item.
    pub fn touch(&self, key: impl AsRef<[u8]>, expiry: Expiry) -> bool {
        self.with(key.as_ref(), |shard, now, key| {
            shard.touch(now, key, expiry)
        })
    }

    /// Stores a value, whatever was there.
    ///
    /// # Errors
    /// As [`Cache::set`](dynamidb_core::Cache::set).
    pub fn set<'v>(&self, key: impl AsRef<[u8]>, value: impl Into<Value<'v>>) -> Result<(), Error> {
        self.store_value(key.as_ref(), value.into(), |shard, now, key, value| {
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
    /// use dynamidb_core::{Cas, CasOutcome, Config};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// assert!(!cache.replace("key", "zero")?);
    /// assert!(cache.add("key", "one")?);
    /// assert!(!cache.add("key", "two")?);
    /// let cas: Cas = cache.read("key", |item| item.cas).flatten().unwrap();
    /// assert_eq!(cache.compare_and_swap("key", "two", cas)?, CasOutcome::Stored);
    /// assert_eq!(cache.compare_and_swap("key", "three", cas)?, CasOutcome::Exists);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add<'v>(
        &self,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_value(key.as_ref(), value.into(), |shard, now, key, value| {
            shard.add(now, key, value)
        })
    }

    /// Stores a value if there is one under this key.
    ///
    /// # Errors
    /// As [`Cache::replace`](dynamidb_core::Cache::replace).
    pub fn replace<'v>(
        &self,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_value(key.as_ref(), value.into(), |shard, now, key, value| {
            shard.replace(now, key, value)
        })
    }

    /// Stores a value if nobody stored another one since this `cas` was read.
    ///
    /// # Errors
    /// As [`Cache::compare_and_swap`](dynamidb_core::Cache::compare_and_swap).
    pub fn compare_and_swap<'v>(
        &self,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
        cas: Cas,
    ) -> Result<CasOutcome, Error> {
        self.store_value(key.as_ref(), value.into(), |shard, now, key, value| {
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("key", "be")?;
    /// let _ = cache.append("key", b"have")?;
    /// let _ = cache.prepend("key", b"mis")?;
    /// assert_eq!(cache.get("key").as_deref(), Some(&b"misbehave"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn append(&self, key: impl AsRef<[u8]>, bytes: &[u8]) -> Result<bool, Error> {
        self.store(key.as_ref(), bytes.len(), true, |shard, now, key| {
            shard.append(now, key, bytes)
        })
    }

    /// Adds bytes at the beginning of a value. Flags and expiry stay.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn prepend(&self, key: impl AsRef<[u8]>, bytes: &[u8]) -> Result<bool, Error> {
        self.store(key.as_ref(), bytes.len(), true, |shard, now, key| {
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("visits", "9")?;
    /// assert_eq!(cache.increment("visits", 1)?, Some(10));
    /// assert_eq!(cache.decrement("visits", 3)?, Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn increment(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>, Error> {
        self.store(key.as_ref(), 0, false, |shard, now, key| {
            shard.increment(now, key, delta)
        })
    }

    /// Subtracts from a decimal number, stopping at 0, and returns the difference; `None` if there
    /// is no item.
    ///
    /// # Errors
    /// As [`increment`](Self::increment).
    pub fn decrement(&self, key: impl AsRef<[u8]>, delta: u64) -> Result<Option<u64>, Error> {
        self.store(key.as_ref(), 0, false, |shard, now, key| {
            shard.decrement(now, key, delta)
        })
    }

    /// Removes an item. Says whether there was one.
    pub fn delete(&self, key: impl AsRef<[u8]>) -> bool {
        self.with(key.as_ref(), |shard, now, key| shard.delete(now, key))
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
    /// # use dynamidb_core::Config;
    /// # use dynamidb_sync::SharedCache;
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set("berlin:42", "value")?;
    /// cache.set("paris:42", "value")?;
    /// cache.flush_prefix("berlin:")?;
    /// assert!(cache.get("berlin:42").is_none() && cache.get("paris:42").is_some());
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
    /// use dynamidb_sync::{FakeClock, SharedCache};
    ///
    /// let clock = FakeClock::new(Instant::from_secs(0));
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?.with_clock(&clock);
    /// cache.set("key", "value")?;
    /// cache.flush_at(Instant::from_secs(10));
    /// clock.set(Instant::from_secs(9));
    /// assert!(cache.get("key").is_some());
    /// clock.set(Instant::from_secs(10));
    /// assert!(cache.get("key").is_none());
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
    /// use dynamidb_core::{Config, Expiry, Value};
    /// use dynamidb_sync::{FakeClock, SharedCache};
    ///
    /// let clock = FakeClock::default();
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?.with_clock(&clock);
    /// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(1)));
    /// cache.set("key", brief)?;
    /// clock.advance(Duration::from_secs(2));
    /// while cache.maintain(8) == 8 {}
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn maintain(&self, limit: usize) -> usize {
        self.shards.maintain_all(self.now(), limit)
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
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set("key", "value")?;
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
    fn with<'k, R>(
        &self,
        key: &'k [u8],
        operate: impl FnOnce(&mut Shard, Instant, Key<'k>) -> R,
    ) -> R {
        let (key, now) = (self.shards.key(key), self.now());
        operate(&mut self.shards.lock(self.shards.index_of(&key)), now, key)
    }

    /// One operation that stores `len` bytes, alone or joined to the value that is there.
    fn store<'k, R>(
        &self,
        key: &'k [u8],
        len: usize,
        joins: bool,
        operate: impl FnOnce(&mut Shard, Instant, Key<'k>) -> R,
    ) -> R {
        let (key, now) = (self.shards.key(key), self.now());
        let shard = self.shards.lock(self.shards.index_of(&key));
        let mut shard = self.shards.with_room(&key, shard, now, len, joins);
        operate(&mut shard, now, key)
    }

    /// One operation that stores a value. The caller's code, which made the value, has run before
    /// the lock is taken.
    fn store_value<'v, R>(
        &self,
        key: &[u8],
        value: Value<'v>,
        operate: impl FnOnce(&mut Shard, Instant, Key<'_>, Value<'v>) -> R,
    ) -> R {
        self.store(key, value.bytes.len(), false, |shard, now, key| {
            operate(shard, now, key, value)
        })
    }

    /// The same where a caller's closure may have panicked: its panic goes on once the lock is
    /// released, because it has changed nothing, and a shard whose lock is poisoned is emptied.
    fn lend<'k, R>(
        &self,
        key: &'k [u8],
        operate: impl FnOnce(&mut Shard, Instant, Key<'k>) -> Option<std::thread::Result<R>>,
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
    use crate::FakeClock;

    #[test]
    fn maintain_visits_the_shards_in_turn() {
        let clock = FakeClock::default();
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        let cache = cache.with_clock(&clock);
        let shards = cache.shards();
        let items = |cache: &SharedCache| {
            let mut items = Vec::new();
            cache.shards.for_each(|shard| items.push(shard.len()));
            items
        };
        let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
        for number in 0..10_000 {
            cache.set(format!("{number}"), brief("value")).unwrap();
        }
        clock.advance(Duration::from_secs(2));
        let before = items(&cache);
        for _ in 0..shards {
            assert_eq!(cache.maintain(1), 1);
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
            cache.with(b"key", |shard, _, key| shard.hasher().hash(&key))
        };
        assert_ne!(hash(0), hash(0));
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
    }
}
