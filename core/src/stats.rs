//! Counters: plain numbers, no formatting.

/// What happened in a cache since it was made or [`Cache::reset_stats`](crate::Cache::reset_stats)
/// was called, and what it holds now. The names are memcached's.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// cache.get(now, "key");
/// cache.get(now, "absent");
/// let stats = cache.stats();
/// assert_eq!((stats.get_hits, stats.get_misses, stats.curr_items), (1, 1, 1));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Lookups by `get` (each key counts).
    pub cmd_get: u64,
    /// Stores tried.
    pub cmd_set: u64,
    /// Lookups that change the expiry: `touch` and `get_and_touch`.
    pub cmd_touch: u64,
    /// Flushes.
    pub cmd_flush: u64,
    /// Flushes by prefix.
    #[cfg(feature = "flush-prefix")]
    pub cmd_flush_prefix: u64,
    /// `me` requests, which show an item's attributes.
    pub cmd_meta: u64,
    /// `get` found an item.
    pub get_hits: u64,
    /// `get` found none.
    pub get_misses: u64,
    /// A lookup came too late: it met an item past its deadline or, with the feature `monitoring`,
    /// missed one whose memory was reclaimed since.
    pub get_expired: u64,
    /// `delete` found an item.
    pub delete_hits: u64,
    /// `delete` found none.
    pub delete_misses: u64,
    /// `increment` found an item.
    pub incr_hits: u64,
    /// `increment` found none.
    pub incr_misses: u64,
    /// `decrement` found an item.
    pub decr_hits: u64,
    /// `decrement` found none.
    pub decr_misses: u64,
    /// `compare_and_swap` found the expected `cas`.
    pub cas_hits: u64,
    /// `compare_and_swap` found no item.
    pub cas_misses: u64,
    /// `compare_and_swap` found another `cas`.
    pub cas_badval: u64,
    /// A touch found an item.
    pub touch_hits: u64,
    /// A touch found none.
    pub touch_misses: u64,
    /// Stores refused because the item was too large.
    pub store_too_large: u64,
    /// Stores refused for lack of memory.
    pub store_no_memory: u64,
    /// Items stored or made since the start; one that is changed in place is the same item.
    pub total_items: u64,
    /// Items evicted to free memory.
    pub evictions: u64,
    /// Evicted items that were never read.
    pub evicted_unfetched: u64,
    /// Evicted items of the lower level: from the admission queue of `S3Lru`, or those that are new
    /// to `Density`.
    pub evicted_new: u64,
    /// Expired items whose memory was reclaimed.
    pub reclaimed: u64,
    /// Expired items that were never read.
    pub expired_unfetched: u64,
    /// The longest time between a deadline and its item's reclamation, in milliseconds.
    pub expiry_lag_max: u64,
    /// The same of all [`reclaimed`](Self::reclaimed) items together: divide for the mean.
    pub expiry_lag_total: u64,
    /// Items that flushes by prefix have removed, as far as they are swept out.
    #[cfg(feature = "flush-prefix")]
    pub flush_prefix_items: u64,
    /// Chunks that were moved, so that their pages became free.
    pub chunks_moved: u64,
    /// Pages that became free that way.
    pub slabs_moved: u64,
    /// Flushes by prefix whose items are being swept out now.
    #[cfg(feature = "flush-prefix")]
    pub flush_prefix_active: u64,
    /// Items held now.
    pub curr_items: u64,
    /// Bytes of the chunks that hold them now.
    pub bytes: u64,
    /// Unused pages now.
    pub unused_pages: u64,
    /// Bytes of the pages that the index takes now.
    pub hash_bytes: u64,
    /// The budget in bytes.
    pub limit_maxbytes: u64,
}

impl Stats {
    /// Adds another cache's numbers: the sum over shards. A flush reaches all shards and counts
    /// once, by prefix or not.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// let (one, other) = (Cache::new(Config::new(16384))?, Cache::new(Config::new(32768))?);
    /// let mut sum = one.stats();
    /// sum.add(&other.stats());
    /// assert_eq!(sum.limit_maxbytes, 49152);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn add(&mut self, other: &Self) {
        let Self {
            cmd_get,
            cmd_set,
            cmd_touch,
            cmd_flush,
            cmd_meta,
            get_hits,
            get_misses,
            get_expired,
            ..
        } = other;
        self.cmd_get += cmd_get;
        self.cmd_set += cmd_set;
        self.cmd_touch += cmd_touch;
        self.cmd_flush = self.cmd_flush.max(*cmd_flush);
        self.cmd_meta += cmd_meta;
        self.get_hits += get_hits;
        self.get_misses += get_misses;
        self.get_expired += get_expired;
        self.delete_hits += other.delete_hits;
        self.delete_misses += other.delete_misses;
        self.incr_hits += other.incr_hits;
        self.incr_misses += other.incr_misses;
        self.decr_hits += other.decr_hits;
        self.decr_misses += other.decr_misses;
        self.cas_hits += other.cas_hits;
        self.cas_misses += other.cas_misses;
        self.cas_badval += other.cas_badval;
        self.touch_hits += other.touch_hits;
        self.touch_misses += other.touch_misses;
        self.store_too_large += other.store_too_large;
        self.store_no_memory += other.store_no_memory;
        self.total_items += other.total_items;
        self.evictions += other.evictions;
        self.evicted_unfetched += other.evicted_unfetched;
        self.evicted_new += other.evicted_new;
        self.reclaimed += other.reclaimed;
        self.expired_unfetched += other.expired_unfetched;
        self.expiry_lag_max = self.expiry_lag_max.max(other.expiry_lag_max);
        self.expiry_lag_total += other.expiry_lag_total;
        #[cfg(feature = "flush-prefix")]
        self.add_flushes(other);
        self.chunks_moved += other.chunks_moved;
        self.slabs_moved += other.slabs_moved;
        self.curr_items += other.curr_items;
        self.bytes += other.bytes;
        self.unused_pages += other.unused_pages;
        self.hash_bytes += other.hash_bytes;
        self.limit_maxbytes += other.limit_maxbytes;
    }
}

#[cfg(feature = "flush-prefix")]
impl Stats {
    fn add_flushes(&mut self, other: &Self) {
        self.cmd_flush_prefix = self.cmd_flush_prefix.max(other.cmd_flush_prefix);
        self.flush_prefix_active = self.flush_prefix_active.max(other.flush_prefix_active);
        self.flush_prefix_items += other.flush_prefix_items;
    }
}

impl SlabStats {
    /// Adds another cache's numbers for the same size: the sum over shards.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant, SlabStats};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let mut sum = SlabStats::default();
    /// cache.slabs().for_each(|slab| sum.add(&slab));
    /// assert_eq!(sum.items, 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub const fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.chunks += other.chunks;
        self.used_chunks += other.used_chunks;
        self.items += other.items;
    }
}

/// One slab size: how many pages and chunks it has.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// let used: Vec<_> = cache.slabs().filter(|slab| slab.used_chunks > 0).collect();
/// assert_eq!((used[0].chunk_size, used[0].used_chunks, used[0].pages), (64, 1, 1));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SlabStats {
    /// Bytes of one chunk.
    pub chunk_size: usize,
    /// Pages given to this size.
    pub pages: usize,
    /// Chunks in those pages.
    pub chunks: usize,
    /// Chunks that hold (a part of) an item.
    pub used_chunks: usize,
    /// Items that begin in one of those.
    pub items: usize,
}

/// What happened to the items of one slab size, and what they hold.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, ClassStats, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(256 * 1024))?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// let mut all = ClassStats::default();
/// cache.class_stats().for_each(|class| all.add(&class));
/// assert!(all.counted.cmd_set <= cache.stats().cmd_set);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ClassStats {
    /// What is counted of single items: stores, hits, what was evicted or expired, and
    /// `cas_badval` and `store_no_memory`. All others are 0.
    pub counted: Stats,
    /// Items that were evicted though they had a deadline.
    pub evicted_nonzero: u64,
    /// For how many seconds the last evicted item had not been used.
    pub evicted_time: u64,
    /// Bytes of headers, keys and values of the items held now.
    pub mem_requested: u64,
    /// For how many seconds the oldest item has not been used; an upper bound if it is not among
    /// the thousand items that are the next to be evicted.
    pub age: u64,
}

impl ClassStats {
    /// Adds another cache's numbers for the same size: the sum over shards, and of times the
    /// longest.
    pub fn add(&mut self, other: &Self) {
        self.counted.add(&other.counted);
        self.evicted_nonzero += other.evicted_nonzero;
        self.evicted_time = self.evicted_time.max(other.evicted_time);
        self.mem_requested += other.mem_requested;
        self.age = self.age.max(other.age);
    }
}
