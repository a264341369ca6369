//! The server's keyspace for the threads of a program, without the server.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use dynamidb_core::{Config, ConfigError, Error, Expiry, Instant, Item, Outcome, Stats, Value};

use crate::seed;
use crate::shards::{Growth, Part, Shards};

/// A cache for many threads: [`Cache`](dynamidb_core::Cache) in parts, each behind a lock of its
/// own. A clone is another handle to the same cache.
///
/// A key's hash says in which part it lives, so the LRU is exact within a part and close to that
/// over all. Small caches are one part.
///
/// # Examples
/// Four threads count together:
/// ```
/// use dynamidb::SharedCache;
/// use dynamidb_core::{Config, Instant};
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
}

impl SharedCache {
    /// Makes a cache in as many parts as so many threads are served well by, at most 64. Its memory
    /// is mapped at once and used only as it fills.
    ///
    /// If [`Config::hash_seed`] is 0, a random one takes its place, so that nobody can choose keys
    /// that collide.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong; [`ConfigError::OutOfMemory`], that there is no
    /// memory to map.
    pub fn new(config: &Config, threads: usize) -> Result<Self, ConfigError> {
        let mut config = config.clone();
        if config.hash_seed == 0 {
            config.hash_seed = seed::random();
        }
        let threads = threads.clamp(1, 64);
        let shards = Arc::new(Shards::new(&config, threads, Growth::default())?);
        Ok(Self { shards })
    }

    /// Changes the budget; what is in use beyond it is given up by and by, at stores and in
    /// [`maintain`](Self::maintain).
    ///
    /// # Errors
    /// [`ConfigError::MemoryTooSmall`], and [`ConfigError::MemoryTooLarge`] beyond the budget that
    /// the cache was made with.
    pub fn set_memory(&self, memory: usize) -> Result<(), ConfigError> {
        self.shards.set_memory(memory)
    }

    /// A copy of the value under a key; counts as use.
    #[must_use]
    pub fn get(&self, now: Instant, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        self.get_with(now, key, |item| item.value.to_vec())
    }

    /// What `look` makes of the item under a key; counts as use. Nothing is copied, and the part in
    /// which the key lives is locked meanwhile: `look` must be short and must not use the cache.
    /// If it panics, so does this call, and the cache is as before.
    ///
    /// # Examples
    /// ```
    /// use dynamidb::SharedCache;
    /// use dynamidb_core::{Config, Instant};
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get_with(now, "key", |item| item.value.len()), Some(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_with<R>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        look: impl FnOnce(&Item<'_>) -> R,
    ) -> Option<R> {
        let looked = self.shards.with(key.as_ref(), |cache, key| {
            let item = Part::get(cache, now, key)?;
            // A panic goes on once the lock is released: `look` has changed nothing, and a shard
            // whose lock a panic has poisoned is emptied.
            Some(catch_unwind(AssertUnwindSafe(|| look(&item))))
        });
        looked.map(|result| result.unwrap_or_else(|panic| resume_unwind(panic)))
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
        // The caller's code runs before the lock is taken.
        let value = value.into();
        self.shards
            .with(key.as_ref(), |cache, key| cache.set(now, key, value))
    }

    /// Stores a value if there is none under this key.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn add<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
    ) -> Result<Outcome, Error> {
        let value = value.into();
        self.shards
            .with(key.as_ref(), |cache, key| cache.add(now, key, value))
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
        cas: u64,
    ) -> Result<Outcome, Error> {
        let value = value.into();
        self.shards.with(key.as_ref(), |cache, key| {
            cache.compare_and_swap(now, key, value, cas)
        })
    }

    /// Adds to a decimal number and returns the sum; `None` if there is no item.
    ///
    /// # Errors
    /// As [`Cache::increment`](dynamidb_core::Cache::increment).
    pub fn increment(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        delta: u64,
    ) -> Result<Option<u64>, Error> {
        self.shards
            .with(key.as_ref(), |cache, key| cache.increment(now, key, delta))
    }

    /// Lets an item end at another time; counts as use. Says whether there is such an item.
    pub fn touch(&self, now: Instant, key: impl AsRef<[u8]>, expiry: Expiry) -> bool {
        self.shards
            .with(key.as_ref(), |cache, key| cache.touch(now, key, expiry))
    }

    /// Removes an item. Says whether there was one.
    pub fn delete(&self, now: Instant, key: impl AsRef<[u8]>) -> bool {
        self.shards
            .with(key.as_ref(), |cache, key| cache.delete(now, key))
    }

    /// Removes everything, one part after the other.
    pub fn clear(&self) {
        self.shards.for_each(Part::clear);
    }

    /// At most `limit` steps of upkeep, in all parts together; returns how many were done. Fewer
    /// than `limit` means that nothing is left to do for now. Nothing is served late without it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb::SharedCache;
    /// use dynamidb_core::{Config, Expiry, Instant, Value};
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(1)));
    /// cache.set(Instant::from_secs(0), "key", brief)?;
    /// while cache.maintain(Instant::from_secs(2), 8) == 8 {}
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn maintain(&self, now: Instant, limit: usize) -> usize {
        self.shards.tick_all(now, limit)
    }

    /// How many items there are, expired ones that were not given back yet included.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut len = 0;
        self.shards.for_each(|cache| len += cache.len());
        len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counters of all parts together.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.shards.for_each(|cache| stats.add(&cache.stats()));
        stats
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use super::*;

    const NOW: Instant = Instant::from_secs(1);

    #[test]
    fn every_operation_reaches_the_part_in_which_the_key_lives() {
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        assert!(cache.shards.len() > 1 && cache.is_empty());
        for number in 0..100 {
            let key = format!("key {number}");
            assert_eq!(cache.add(NOW, &key, "1").unwrap(), Outcome::Stored);
            assert_eq!(cache.add(NOW, &key, "2").unwrap(), Outcome::NotStored);
            assert_eq!(cache.increment(NOW, &key, 41).unwrap(), Some(42));
            let cas = cache.get_with(NOW, &key, |item| item.cas).unwrap();
            let swapped = cache.compare_and_swap(NOW, &key, "43", cas).unwrap();
            assert_eq!(swapped, Outcome::Stored);
            assert_eq!(cache.get(NOW, &key).as_deref(), Some(&b"43"[..]));
            assert!(cache.touch(NOW, &key, Expiry::After(Duration::from_secs(1))));
        }
        assert_eq!((cache.len(), cache.stats().get_hits), (100, 200));
        assert!(cache.delete(NOW, "key 0") && !cache.delete(NOW, "key 0"));
        let later = NOW + Duration::from_secs(2);
        while cache.maintain(later, 8) > 0 {}
        assert_eq!((cache.len(), cache.stats().reclaimed), (0, 99));
        cache.set(later, "key", "value").unwrap();
        cache.clear();
        assert!(cache.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_configuration_is_said() {
        let error = SharedCache::new(&Config::new(1000), 1).unwrap_err();
        let ConfigError::MemoryTooSmall(least) = error else {
            panic!("{error}");
        };
        assert!(SharedCache::new(&Config::new(least), 1).is_ok());
        let cache = SharedCache::new(&Config::new(1 << 20), 1).unwrap();
        cache.set_memory(1 << 19).unwrap();
        let error = cache.set_memory(1 << 21).unwrap_err();
        assert!(matches!(error, ConfigError::MemoryTooLarge(_)), "{error}");
    }

    #[test]
    fn tick_does_at_most_limit_steps_and_fewer_only_when_nothing_is_left() {
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
        for number in 0..10_000 {
            cache.set(NOW, format!("{number}"), brief("value")).unwrap();
        }
        let later = NOW + Duration::from_secs(2);
        assert_eq!(cache.maintain(later, 0), 0);
        let mut calls = 0;
        while cache.maintain(later, 3) == 3 {
            calls += 1;
        }
        assert!(calls > 8, "{calls}");
        assert_eq!((cache.maintain(later, usize::MAX), cache.len()), (0, 0));
    }

    #[test]
    fn tick_visits_the_parts_in_turn() {
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        let parts = cache.shards.len();
        let items = |cache: &SharedCache| {
            let mut items = Vec::new();
            cache.shards.for_each(|part| items.push(part.len()));
            items
        };
        let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
        for number in 0..10_000 {
            cache.set(NOW, format!("{number}"), brief("value")).unwrap();
        }
        let before = items(&cache);
        for _ in 0..parts {
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
    fn clear_counts_as_one_flush() {
        let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
        assert!(cache.shards.len() > 1);
        cache.clear();
        assert_eq!(cache.stats().cmd_flush, 1);
        cache.clear();
        assert_eq!(cache.stats().cmd_flush, 2);
    }

    #[test]
    fn hash_seed_is_random_unless_the_caller_sets_one() {
        let hash = |seed| {
            let mut config = Config::new(1 << 20);
            config.hash_seed = seed;
            let cache = SharedCache::new(&config, 1).unwrap();
            cache
                .shards
                .with(b"key", |cache, key| cache.hasher().hash(&key))
        };
        assert_ne!(hash(0), hash(0));
        assert_eq!(hash(7), hash(7));
        assert_ne!(hash(7), hash(8));
    }

    #[test]
    fn panic_in_the_callers_code_leaves_all_items() {
        /// A value that cannot be converted.
        struct Broken;

        impl From<Broken> for Value<'_> {
            fn from(_: Broken) -> Self {
                panic!("in the conversion");
            }
        }

        let cache = SharedCache::new(&Config::new(1 << 20), 1).unwrap();
        let message = |call: &dyn Fn()| {
            let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            *panic.downcast_ref::<&str>().unwrap()
        };
        cache.set(NOW, "key", "value").unwrap();
        let calls: [(&str, &dyn Fn()); 4] = [
            ("in the closure", &|| {
                cache.get_with(NOW, "key", |_| panic!("in the closure"));
            }),
            ("in the conversion", &|| {
                let _ = cache.set(NOW, "key", Broken);
            }),
            ("in the conversion", &|| {
                let _ = cache.add(NOW, "key", Broken);
            }),
            ("in the conversion", &|| {
                let _ = cache.compare_and_swap(NOW, "key", Broken, 1);
            }),
        ];
        for (expected, call) in calls {
            assert_eq!(message(call), expected);
            assert_eq!(cache.get(NOW, "key").as_deref(), Some(&b"value"[..]));
        }
    }

    #[test]
    fn debug_output_does_not_depend_on_the_seed() {
        let shown = |seed| {
            let mut config = Config::new(1 << 20);
            config.hash_seed = seed;
            format!("{:?}", SharedCache::new(&config, 1).unwrap())
        };
        assert_eq!(shown(1), shown(u128::MAX));
    }
}
