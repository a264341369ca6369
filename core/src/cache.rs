//! The cache: every operation, each a short composition of the parts in `storage/`.

mod conditional;
mod count;
#[cfg(feature = "flush-prefix")]
mod flush;
#[cfg(feature = "insight")]
mod insight;
pub mod iter;
mod load;
mod lookup;
#[cfg(not(feature = "insight"))]
mod no_insight;
mod resize;
mod snapshot;
mod take;
mod time;
mod view;
mod write;

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use core::mem::MaybeUninit;

use crate::insight::Insight;
use crate::memory::DefaultMemory;
use crate::options::{ArithmeticOptions, SetMode, SetOptions};
use crate::storage::{
    Budget, Cas, ChunkRef, Counted, Geometry, ItemAttrs, ItemFlags, Layout, Parts,
};
use crate::{CasOutcome, Value};
use crate::{Config, ConfigError, Error, Expiry, Instant, Item, Key, KeyHasher, Memory};

/// The most keys whose items are prefetched together: as many as a worker of the server has
/// connections in a turn.
const PREFETCHED_MAX: usize = 64;

/// An in-memory cache with a hard memory bound: keys and values of any bytes, an exact LRU, and
/// deadlines to the millisecond by the caller's clock.
///
/// After construction it allocates nothing. It has no interior mutability and no lock: its
/// callers decide how to share it.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, b"greeting", b"hello")?;
/// assert_eq!(cache.get(now, b"greeting").unwrap().value, b"hello");
/// assert_eq!((cache.len(), cache.stats().get_hits), (1, 1));
/// cache.clear();
/// cache.reset_stats();
/// assert_eq!((cache.len(), cache.stats().get_hits), (0, 0));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Cache<M = DefaultMemory> {
    memory: M,
    geometry: Geometry,
    parts: Parts,
    max_items: usize,
    /// The largest item that was asked for, and the largest that the budget allows.
    item_size_wanted: usize,
    item_size_max: usize,
    budget: Budget,
    limit: usize,
    flush_at: Option<Instant>,
    insight: Insight,
}

#[cfg(feature = "alloc")]
impl Cache<Vec<u8>> {
    /// Makes a cache that reserves its memory at once, and uses it only as it fills.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong, or that the memory could not be allocated.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let own = size_of::<Self>() + Insight::bytes(&config) + config.reserved();
        let wanted = config.memory.saturating_sub(own);
        Layout::new(&config, wanted, own, 0)?;
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(wanted)
            .map_err(|_| ConfigError::OutOfMemory)?;
        Self::build(&config, memory, wanted, own)
    }
}

impl<M: Memory> Cache<M> {
    /// Makes a cache in memory that the caller lends; its size is the budget, `config.memory` is
    /// not looked at.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config};
    ///
    /// let mut buffer = [0; 16 * 1024];
    /// let config = Config::new(buffer.len());
    /// let cache = Cache::with_memory(config, &mut buffer[..])?;
    /// assert!(cache.is_empty());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn with_memory(config: Config, memory: M) -> Result<Self, ConfigError> {
        let (size, own) = (memory.capacity(), config.reserved());
        Self::build(&config, memory, size.saturating_sub(own), own)
    }

    /// As [`with_memory`](Self::with_memory), in a place of the caller, where it stays: the stack
    /// needs no room for the cache itself. Nothing has to be dropped that borrows its memory.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong.
    ///
    /// # Examples
    /// ```
    /// use core::mem::MaybeUninit;
    /// use dynamidb_core::{Cache, Config};
    ///
    /// // Static, on a device.
    /// let (mut place, mut buffer) = (MaybeUninit::uninit(), [0; 16 * 1024]);
    /// let config = Config::new(buffer.len());
    /// let cache: &mut Cache<_> = Cache::init(&mut place, &config, &mut buffer[..])?;
    /// assert!(cache.is_empty());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn init<'p>(
        place: &'p mut MaybeUninit<Self>,
        config: &Config,
        mut memory: M,
    ) -> Result<&'p mut Self, ConfigError> {
        let (size, own) = (memory.capacity(), config.reserved());
        let layout = Self::lay_out(config, &mut memory, size.saturating_sub(own), own)?;
        let cache = place.write(Self::laid_out(config, memory, &layout, size));
        cache.start()?;
        Ok(cache)
    }

    fn build(config: &Config, mut memory: M, size: usize, own: usize) -> Result<Self, ConfigError> {
        let layout = Self::lay_out(config, &mut memory, size, own)?;
        let mut cache = Self::laid_out(config, memory, &layout, size + own);
        cache.start()?;
        Ok(cache)
    }

    /// Divides the memory; all that can be wrong with a configuration is found here.
    fn lay_out(
        config: &Config,
        memory: &mut M,
        size: usize,
        own: usize,
    ) -> Result<Layout, ConfigError> {
        let layout = Layout::new(config, size, own, memory.bytes().as_ptr().addr())?;
        memory.reserve(layout.start())?;
        memory.extend_to(layout.start());
        Ok(layout)
    }

    /// A cache without an index, written where it stays.
    #[inline(always)]
    fn laid_out(config: &Config, mut memory: M, layout: &Layout, limit: usize) -> Self {
        let hasher = KeyHasher::new(config.hash_seed);
        // So that hardly any cas of an earlier run is one of this run's. Clients can read it, so it
        // is none of the seed's own bits.
        let start = match config.hash_seed {
            0 => 0,
            _ => hasher.hash(&Key::from("cas")) as u32,
        };
        // The stamps of `density` are beside the time of last use, which compact headers lack.
        let cas = match config.compact && config.policy.size_weight().is_none() {
            true => Cas::NONE,
            false => Cas::new(start, config.shard, config.shard_count),
        };
        let few_pages = Layout::few_pages(layout.pages, layout.geometry.page_size());
        Self {
            parts: Parts::new(memory.bytes_mut(), layout, hasher, cas),
            memory,
            geometry: layout.geometry,
            max_items: config.max_items.unwrap_or(usize::MAX),
            item_size_wanted: config.item_size_max,
            item_size_max: item_size_max(config.item_size_max, limit, few_pages),
            budget: layout.budget,
            limit,
            flush_at: None,
            insight: Insight::new(config, limit),
        }
    }

    /// Makes the first buckets.
    fn start(&mut self) -> Result<(), ConfigError> {
        let started = self.store_mut().start();
        started.map_err(|_| ConfigError::OutOfMemory)
    }

    /// The function that hashes this cache's keys.
    #[must_use]
    pub const fn hasher(&self) -> &KeyHasher {
        self.parts.hasher()
    }

    /// Fetches what lookups of these keys will need, so that the waits for memory overlap: worth
    /// calling before looking up several keys. Sixteen at once are best; items are fetched for the
    /// first 64. Changes nothing.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let keys = ["one", "two"].map(|key| cache.hasher().key(key.as_bytes()));
    /// cache.prefetch(&keys);
    /// assert!(keys.iter().all(|&key| cache.get(Instant::from_secs(0), key).is_none()));
    /// Cache::prefetch_all(keys.iter().map(|key| (&cache, key)));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn prefetch(&self, keys: &[Key<'_>]) {
        Self::prefetch_all(keys.iter().map(|key| (self, key)));
    }

    /// The same for keys in several caches.
    pub fn prefetch_all<'c, 'k>(lookups: impl Iterator<Item = (&'c Self, &'c Key<'k>)> + Clone)
    where
        Self: 'c,
        'k: 'c,
    {
        for (cache, key) in lookups.clone() {
            let hash = cache.hasher().hash(key);
            cache.store().prefetch_bucket(hash);
        }
        let mut items = [ChunkRef::NONE; PREFETCHED_MAX];
        for ((cache, key), item) in lookups.clone().zip(&mut items) {
            let hash = cache.hasher().hash(key);
            *item = cache.store().prefetch_item(hash);
        }
        for ((cache, _), item) in lookups.zip(items) {
            cache.store().prefetch_value(item);
        }
    }

    /// The item under a key; counts as use.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// assert!(cache.get(now, "absent").is_none());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[cfg_attr(not(target_os = "none"), inline(always))]
    #[cfg_attr(target_os = "none", inline)]
    pub fn get<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> Option<Item<'_>> {
        self.parts.stats.cmd_get += 1;
        let key = self.begin(now, key);
        self.store_mut().catch_up(key.hash);
        let found = self.store().find(&key);
        let found = found.filter(|found| self.is_live(found));
        let Some(found) = found else {
            self.parts.stats.get_misses += 1;
            self.parts.count_missing(key.hash);
            self.was_read(&key, None);
            return None;
        };
        self.store_mut().bump(&found);
        self.count(&found, |stats| stats.get_hits += 1);
        self.was_read(&key, Some(&found));
        Some(self.item(&found))
    }

    /// The item under a key; does not count as use and changes nothing.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.peek(now, "key").unwrap().value, b"value");
    /// assert_eq!(cache.stats().get_hits, 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn peek<'k>(&self, now: Instant, key: impl Into<Key<'k>>) -> Option<Item<'_>> {
        let key = self.hasher().hashed(&key.into());
        if self.flush_at.is_some_and(|at| at <= now) {
            return None;
        }
        let item = self.item(&self.find_unchanged(&key)?);
        item.expires_at.is_none_or(|end| end > now).then_some(item)
    }

    /// Whether there is an item under a key; does not count as use and changes nothing.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert!(cache.contains_key(now, "key") && !cache.contains_key(now, "absent"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn contains_key<'k>(&self, now: Instant, key: impl Into<Key<'k>>) -> bool {
        self.peek(now, key).is_some()
    }

    /// The item under a key, which ends at another time from now on; counts as use.
    ///
    /// # Examples
    /// ```
    /// # use core::time::Duration;
    /// # use dynamidb_core::{Cache, Config, Expiry, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// let item = cache.get_and_touch(now, "key", Expiry::After(Duration::from_secs(5))).unwrap();
    /// assert_eq!(item.expires_at, Some(Instant::from_secs(5)));
    /// assert!(cache.touch(now, "key", Expiry::Never));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn get_and_touch<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        expiry: Expiry,
    ) -> Option<Item<'_>> {
        self.parts.stats.cmd_touch += 1;
        let key = self.begin(now, key);
        let Some(found) = self.find(&key) else {
            self.parts.stats.touch_misses += 1;
            self.was_read(&key, None);
            return None;
        };
        self.count(&found, |stats| stats.touch_hits += 1);
        self.was_read(&key, Some(&found));
        let deadline = self.deadline(expiry);
        let mut store = self.store_mut();
        store.bump(&found);
        store.set_deadline(found.item, deadline);
        let expires_at = self.parts.clock.instant(deadline);
        Some(Item {
            expires_at,
            ..self.item(&found)
        })
    }

    /// Lets an item end at another time; counts as use. Says whether there is such an item.
    pub fn touch<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, expiry: Expiry) -> bool {
        self.get_and_touch(now, key, expiry).is_some()
    }

    /// Stores a value, whatever was there.
    ///
    /// Evicts as many of the least recently used items as it takes, once nothing is left that has
    /// expired. What was under the key is gone even if the new value is refused, so that nobody
    /// reads a value that was meant to be replaced.
    ///
    /// # Errors
    /// [`Error::KeyLength`] and [`Error::ValueTooLarge`]; [`Error::OutOfMemory`] only in a cache of
    /// a few pages.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "one")?;
    /// cache.set(now, "key", "two")?;
    /// assert_eq!(cache.get(now, "key").unwrap().value, b"two");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
    ) -> Result<(), Error> {
        self.parts.stats.cmd_set += 1;
        let (key, value) = (self.begin(now, key), value.into());
        let old = self.find(&key);
        let attrs = ItemAttrs::new(self.deadline(value.expiry), 0, ItemFlags::NONE);
        let written = self.put(&key, &value, attrs, old.as_ref())?;
        self.parts
            .count_in(written.class, |stats| stats.cmd_set += 1);
        Ok(())
    }

    /// Stores a value if there is none under this key; returns whether it did. If there is one,
    /// that item counts as used.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// assert!(cache.add(now, "key", "one")?);
    /// assert!(!cache.add(now, "key", "two")?);
    /// assert!(cache.replace(now, "key", "two")?);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn add<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_as(now, key.into(), value.into(), SetMode::Add)
    }

    /// Stores a value if there is one under this key; returns whether it did.
    ///
    /// # Errors
    /// As [`set`](Self::set), except that a value which is too large leaves the old one.
    pub fn replace<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
    ) -> Result<bool, Error> {
        self.store_as(now, key.into(), value.into(), SetMode::Replace)
    }

    /// Stores a value if nobody stored another one since this `cas` was read.
    ///
    /// # Errors
    /// As [`replace`](Self::replace).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, CasOutcome, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "one")?;
    /// let cas = cache.get(now, "key").unwrap().cas.expect("the cache is not compact");
    /// assert_eq!(cache.compare_and_swap(now, "key", "two", cas)?, CasOutcome::Stored);
    /// assert_eq!(cache.compare_and_swap(now, "key", "three", cas)?, CasOutcome::Exists);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn compare_and_swap<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
        cas: crate::Cas,
    ) -> Result<CasOutcome, Error> {
        let options = SetOptions {
            compare: Some(cas.get()),
            ..SetOptions::default()
        };
        Ok(self.set_with(now, key, value, &options)?.into())
    }

    /// Adds bytes at the end of a value; returns whether there is one. Flags and expiry stay.
    ///
    /// # Errors
    /// As [`replace`](Self::replace); the sizes of old and new bytes count together.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "be")?;
    /// cache.append(now, "key", b"have")?;
    /// cache.prepend(now, "key", b"mis")?;
    /// assert_eq!(cache.get(now, "key").unwrap().value, b"misbehave");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn append<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        self.store_as(now, key.into(), bytes.into(), SetMode::Append)
    }

    /// Adds bytes at the beginning of a value; returns whether there is one. Flags and expiry stay.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn prepend<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        self.store_as(now, key.into(), bytes.into(), SetMode::Prepend)
    }

    fn store_as(
        &mut self,
        now: Instant,
        key: Key<'_>,
        value: Value<'_>,
        mode: SetMode,
    ) -> Result<bool, Error> {
        let options = SetOptions {
            mode,
            ..SetOptions::default()
        };
        Ok(self.set_with(now, key, value, &options)?.is_stored())
    }

    /// Adds to a decimal number, wrapping at 2^64, and returns the sum; `None` if there is no item.
    ///
    /// # Errors
    /// [`Error::NotANumber`]; otherwise as [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "visits", "9")?;
    /// assert_eq!(cache.increment(now, "visits", 1)?, Some(10));
    /// assert_eq!(cache.decrement(now, "visits", 3)?, Some(7));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn increment<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        delta: u64,
    ) -> Result<Option<u64>, Error> {
        self.calculate(now, key.into(), delta, false)
    }

    /// Subtracts from a decimal number, stopping at 0, and returns the difference; `None` if there
    /// is no item. The value keeps its length: shorter numbers are followed by spaces.
    ///
    /// # Errors
    /// As [`increment`](Self::increment).
    pub fn decrement<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        delta: u64,
    ) -> Result<Option<u64>, Error> {
        self.calculate(now, key.into(), delta, true)
    }

    fn calculate(
        &mut self,
        now: Instant,
        key: Key<'_>,
        delta: u64,
        decrement: bool,
    ) -> Result<Option<u64>, Error> {
        let options = ArithmeticOptions {
            delta,
            decrement,
            ..ArithmeticOptions::default()
        };
        Ok(self.arithmetic_with(now, key, &options)?.number())
    }

    /// Removes an item. Says whether there was one.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert!(cache.delete(now, "key"));
    /// assert!(!cache.delete(now, "key"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn delete<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> bool {
        let found = self.discard(now, key);
        let stats = &mut self.parts.stats;
        *if found.is_some() {
            &mut stats.delete_hits
        } else {
            &mut stats.delete_misses
        } += 1;
        if let Some(class) = found {
            self.parts.count_in(class, |stats| stats.delete_hits += 1);
        }
        found.is_some()
    }

    /// As [`delete`](Self::delete), but not counted: for an item that a refused store invalidates.
    /// Says in which class it was.
    pub(crate) fn discard<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> Option<Counted> {
        let key = self.begin(now, key);
        let found = self.find(&key)?;
        let class = self.store_mut().counted_class(found.item);
        self.store_mut().remove(&found, key.hash);
        self.was_deleted(&key);
        Some(class)
    }

    /// Removes everything, in the same time however much there is.
    pub fn clear(&mut self) {
        self.parts.stats.cmd_flush += 1;
        self.flush_at = None;
        self.store_mut().clear();
        self.insight.clear();
    }

    /// Removes everything when that moment comes, items stored until then included. Replaces an
    /// earlier such request.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// cache.flush_at(Instant::from_secs(10));
    /// assert!(cache.get(Instant::from_secs(9), "key").is_some());
    /// assert!(cache.get(Instant::from_secs(10), "key").is_none());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn flush_at(&mut self, at: Instant) {
        if self.parts.clock.has_come(at) {
            self.clear();
            return;
        }
        self.parts.stats.cmd_flush += 1;
        self.flush_at = Some(at);
    }

    /// Does at most `limit` steps of upkeep and returns how many it did; fewer than `limit` means
    /// that nothing is left to do for now. A step takes microseconds: it frees what has
    /// expired in one page, removes what a flush by prefix has removed from a few buckets,
    /// empties a page that is beyond a smaller budget, or shrinks the index by one bucket.
    ///
    /// Nothing is served past its deadline whether or not this is called; calling it gives the
    /// memory back.
    ///
    /// # Examples
    /// ```
    /// # use core::time::Duration;
    /// # use dynamidb_core::{Cache, Config, Expiry, Instant, Value};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(1)));
    /// cache.set(now, "key", brief)?;
    /// while cache.maintain(Instant::from_secs(2), 8) == 8 {}
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn maintain(&mut self, now: Instant, limit: usize) -> usize {
        self.set_clock(now);
        let step = |_: &usize| {
            let extent = self.store().worst_case_extent(0);
            self.memory.extend_to(extent);
            let mut store = self.store_mut();
            let done = store.expire_page() || store.sweep().is_some() || store.maintain();
            debug_assert!(
                self.store().touched_extent() <= extent,
                "beyond what was asked for"
            );
            done
        };
        let done = (0..limit).take_while(step).count();
        if done > 0 {
            self.release();
        }
        done
    }

    /// How many items there are, expired and flushed ones that were not reclaimed yet included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// At most a quarter of the memory is given to one item: evicting the others makes that free. Of a
/// few pages it is a quarter, too: the other tables may be as large as these are.
fn item_size_max(wanted: usize, memory: usize, few_pages: Option<usize>) -> usize {
    wanted.min(few_pages.unwrap_or(memory).min(memory) / 4)
}
