//! What a cache is made from, and the defaults. `storage/layout.rs` checks it.

use core::fmt;

use crate::SlabSizes;

/// What a cache is made from. [`Config::new`] is enough; every field may be changed before use, or
/// set by the method of its name. [`Config::default`] is one of [`Config::MEMORY`] bytes.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Policy};
///
/// let config = Config::new(64 * 1024).with_max_items(Some(100)).with_policy(Policy::S3Lru);
/// let cache = Cache::new(config)?;
/// assert!(cache.is_empty());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The budget in bytes, for everything: items, index, page records and the cache's own fields.
    pub memory: usize,
    /// How many items there may be at most, if there is a limit besides memory.
    pub max_items: Option<usize>,
    /// The largest item, in bytes of key and value together. At most a quarter of the memory is
    /// ever given to one item, whatever is asked for here.
    pub item_size_max: usize,
    /// The chunk sizes, ascending multiples of 16. An item is one chunk or a few of them.
    pub slab_sizes: SlabSizes,
    /// The unit in which memory moves between slab sizes, a power of two.
    pub page_size: usize,
    /// Which item goes when room is needed.
    pub policy: Policy,
    /// When a used item moves to the front of the LRU.
    pub lru_bump: LruBump,
    /// Whether items have neither `cas` nor the time of their last use, so that a header has 16
    /// bytes instead of 24: much where items are small. Their [`cas`](crate::Item::cas) is `None`.
    /// An item that is given a `cas` of the caller's own has it, and the larger header; so has one
    /// with client flags.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut config = Config::new(16 * 1024);
    /// config.compact = true;
    /// config.slab_sizes = [48].into(); // 16 for the head, 16 for the key, 16 for the reading
    /// let mut cache = Cache::new(config)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "greenhouse/north", "temperature 21.5")?;
    /// assert_eq!(cache.stats().bytes, 48);
    /// assert_eq!(cache.get(now, "greenhouse/north").unwrap().cas, None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub compact: bool,
    /// Whether the cache samples its requests, so that it knows which keys are
    /// [asked for most](crate::Cache::hot_keys) and how its
    /// [hit ratio depends on memory](crate::Cache::miss_ratio_curve). Takes 212 KiB of the heap, or
    /// as much less for the second as the shard is one of several. Only with the feature `insight`.
    #[cfg(feature = "insight")]
    pub insight: bool,
    /// Bytes of the budget that the host uses itself, as for [`PrefixStats`](crate::PrefixStats):
    /// no item gets them.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config};
    ///
    /// let pages = |reserved| {
    ///     let config = Config::new(1 << 20).with_reserved(reserved);
    ///     Cache::new(config).map(|cache| (cache.unused_pages(), cache.stats().limit_maxbytes))
    /// };
    /// let ((all, limit), (fewer, same)) = (pages(0)?, pages(64 * 1024)?);
    /// assert_eq!((all - fewer, limit), (16, same));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub reserved: usize,
    /// The key of the hash function, and where `cas` begins to count: at 1 if it is 0. Take it from
    /// a source of randomness wherever clients are not trusted; the same seed leads to the same
    /// state for the same inputs.
    pub hash_seed: u128,
    /// Where several caches serve one keyspace: which of them this is, from 0 on.
    pub shard: u16,
    /// And how many there are. No two of them give items the same `cas`.
    pub shard_count: u16,
    /// How many [flushes by prefix](crate::Cache::flush_prefix) may be under way at once, 256 bytes
    /// each: by default one for every 64 KiB of memory, as far as
    /// [`FLUSH_PREFIX_LIMIT`](Self::FLUSH_PREFIX_LIMIT).
    #[cfg(feature = "flush-prefix")]
    pub flush_prefix_max: usize,
}

impl Config {
    /// The slab sizes of a cache that has room for them.
    pub const SLAB_SIZES: [usize; 5] = [64, 128, 256, 1024, 4096];
    /// How many slab sizes there may be.
    pub const SLAB_SIZES_MAX: usize = SlabSizes::LEN_MAX;
    /// The largest item unless said otherwise: 1 MiB, as memcached.
    pub const ITEM_SIZE_MAX: usize = 1 << 20;
    /// The largest item that can be asked for: lengths are kept in 24 bits.
    pub const ITEM_SIZE_LIMIT: usize = 1 << 24;
    /// The budget of [`Config::default`]: 64 MiB, as memcached.
    pub const MEMORY: usize = 64 << 20;
    /// How many flushes by prefix may be under way at once: their numbers are kept in 6 bits.
    #[cfg(feature = "flush-prefix")]
    pub const FLUSH_PREFIX_LIMIT: usize = 63;

    /// The defaults for a budget of `memory` bytes: pages of 4096 bytes and the slab sizes
    /// 64, 128, 256, 1024, 4096; smaller pages below 256 KiB, with the slab sizes that fit them.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        let page_size = (memory / 64).clamp(512, 4096).next_power_of_two().min(4096);
        let slab_sizes = Self::SLAB_SIZES
            .into_iter()
            .filter(|&size| size <= page_size)
            .collect();
        Self {
            memory,
            max_items: None,
            item_size_max: Self::ITEM_SIZE_MAX,
            slab_sizes,
            page_size,
            policy: Policy::Lru,
            lru_bump: LruBump::Strict,
            compact: false,
            #[cfg(feature = "insight")]
            insight: false,
            #[cfg(feature = "alloc")]
            reserved: 0,
            hash_seed: 0,
            shard: 0,
            shard_count: 1,
            #[cfg(feature = "flush-prefix")]
            flush_prefix_max: (memory >> 16).min(Self::FLUSH_PREFIX_LIMIT),
        }
    }

    /// The same with this [item limit](Self::max_items).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, LruBump};
    ///
    /// let config = Config::new(1 << 20)
    ///     .with_item_size_max(1000)
    ///     .with_slab_sizes([64, 1024])
    ///     .with_page_size(2048)
    ///     .with_lru_bump(LruBump::Lazy)
    ///     .with_compact(true)
    ///     .with_hash_seed(0x5eed);
    /// assert!(Cache::new(config)?.is_empty());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn with_max_items(mut self, max_items: Option<usize>) -> Self {
        self.max_items = max_items;
        self
    }

    /// The same with this [largest item](Self::item_size_max).
    #[must_use]
    pub const fn with_item_size_max(mut self, item_size_max: usize) -> Self {
        self.item_size_max = item_size_max;
        self
    }

    /// The same with these [chunk sizes](Self::slab_sizes).
    #[must_use]
    pub fn with_slab_sizes(mut self, slab_sizes: impl Into<SlabSizes>) -> Self {
        self.slab_sizes = slab_sizes.into();
        self
    }

    /// The same with this [page size](Self::page_size).
    #[must_use]
    pub const fn with_page_size(mut self, page_size: usize) -> Self {
        self.page_size = page_size;
        self
    }

    /// The same with this [eviction policy](Self::policy).
    #[must_use]
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same with this [order of use](Self::lru_bump).
    #[must_use]
    pub const fn with_lru_bump(mut self, lru_bump: LruBump) -> Self {
        self.lru_bump = lru_bump;
        self
    }

    /// The same with or without [compact headers](Self::compact).
    #[must_use]
    pub const fn with_compact(mut self, compact: bool) -> Self {
        self.compact = compact;
        self
    }

    /// The same with or without [samples of requests](Self::insight).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    ///
    /// assert!(Config::new(1 << 20).with_insight(true).insight);
    /// ```
    #[cfg(feature = "insight")]
    #[must_use]
    pub const fn with_insight(mut self, insight: bool) -> Self {
        self.insight = insight;
        self
    }

    /// The same with these [bytes for the host](field@Self::reserved).
    #[cfg(feature = "alloc")]
    #[must_use]
    pub const fn with_reserved(mut self, reserved: usize) -> Self {
        self.reserved = reserved;
        self
    }

    /// The bytes for the host; a program without a heap has no tables.
    pub(crate) const fn reserved(&self) -> usize {
        #[cfg(feature = "alloc")]
        return self.reserved;
        #[cfg(not(feature = "alloc"))]
        0
    }

    /// The same with this [seed](Self::hash_seed).
    #[must_use]
    pub const fn with_hash_seed(mut self, hash_seed: u128) -> Self {
        self.hash_seed = hash_seed;
        self
    }

    /// The same as cache number `shard`, from 0 on, of the `shard_count` that serve one keyspace.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    ///
    /// let config = Config::new(1 << 20).with_shard(1, 2);
    /// assert_eq!((config.shard, config.shard_count), (1, 2));
    /// ```
    #[must_use]
    pub const fn with_shard(mut self, shard: u16, shard_count: u16) -> Self {
        (self.shard, self.shard_count) = (shard, shard_count);
        self
    }

    /// The same with this many [flushes by prefix at once](Self::flush_prefix_max).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    ///
    /// assert_eq!(Config::new(1 << 20).with_flush_prefix_max(1).flush_prefix_max, 1);
    /// ```
    #[cfg(feature = "flush-prefix")]
    #[must_use]
    pub const fn with_flush_prefix_max(mut self, flush_prefix_max: usize) -> Self {
        self.flush_prefix_max = flush_prefix_max;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new(Self::MEMORY)
    }
}

impl fmt::Debug for Config {
    /// Without the seed: whoever knows it can choose keys that collide.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory,
            max_items,
            item_size_max,
            slab_sizes,
            page_size,
            policy,
            lru_bump,
            compact,
            #[cfg(feature = "insight")]
            insight,
            #[cfg(feature = "alloc")]
            reserved,
            hash_seed: _,
            shard,
            shard_count,
            #[cfg(feature = "flush-prefix")]
            flush_prefix_max,
        } = self;
        let mut shown = f.debug_struct("Config");
        shown
            .field("memory", memory)
            .field("max_items", max_items)
            .field("item_size_max", item_size_max)
            .field("slab_sizes", slab_sizes)
            .field("page_size", page_size)
            .field("policy", policy)
            .field("lru_bump", lru_bump)
            .field("compact", compact);
        #[cfg(feature = "flush-prefix")]
        shown.field("flush_prefix_max", flush_prefix_max);
        #[cfg(feature = "insight")]
        shown.field("insight", insight);
        #[cfg(feature = "alloc")]
        shown.field("reserved", reserved);
        shown
            .field("shard", shard)
            .field("shard_count", shard_count);
        shown.finish_non_exhaustive()
    }
}

/// Which item goes when room is needed.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, Policy};
///
/// let mut config = Config::new(1 << 20);
/// assert_eq!(config.policy, Policy::Lru);
/// config.policy = Policy::S3Lru;
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// The least recently used one, whatever its size.
    #[default]
    Lru,
    /// New items wait in a queue of a tenth of the bytes and enter the LRU when they are used
    /// there, or stored again soon after: fewer misses where many keys are asked for only once,
    /// more where all keys change at once. Takes a 128th of the memory to remember who was evicted.
    S3Lru,
    /// The one that takes the most memory for the longest time: age times a power of the size, 3/8,
    /// with a weight for new items that is learned. Fewest misses wherever sizes differ; the
    /// bytes that are missed may be less or more, as large items have to be used more often to
    /// stay. Takes a 128th of the memory to remember who was evicted; items are never
    /// [`compact`](Config::compact), their order is always `Strict`, and they know the time of
    /// their last use for nine days.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Policy};
    ///
    /// let mut config = Config::new(256 * 1024);
    /// config.policy = Policy::Density;
    /// let mut cache = Cache::new(config)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "large", &[0; 50_000])?;
    /// for number in 0..800_u16 {
    ///     cache.set(now, &number.to_le_bytes(), &[0; 200])?;
    /// }
    /// // The large item made room for many small ones, though some of those are older.
    /// assert!(cache.get(now, "large").is_none());
    /// assert!(cache.get(now, &0_u16.to_le_bytes()).is_some());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "density")]
    Density,
    /// The same with the size itself instead of its power of 3/8: fewer misses still, but more
    /// bytes that are missed, because large items hardly stay.
    #[cfg(feature = "density")]
    DensityFull,
    /// None does: what there is no room for is refused, as
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    Refuse,
}

/// How much the size of an item counts when one is chosen to be evicted.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "density"),
    allow(dead_code, reason = "no policy has it")
)]
pub(crate) enum SizeWeight {
    /// An item of twice the size has 1.3 times the weight.
    Partial,
    /// As much as age.
    Full,
}

impl Policy {
    /// How much size counts, if it has any say.
    pub(crate) const fn size_weight(self) -> Option<SizeWeight> {
        match self {
            Self::Lru | Self::S3Lru | Self::Refuse => None,
            #[cfg(feature = "density")]
            Self::Density => Some(SizeWeight::Partial),
            #[cfg(feature = "density")]
            Self::DensityFull => Some(SizeWeight::Full),
        }
    }

    /// Whether it remembers what was evicted, in a table that is made for a fixed memory.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Policy;
    ///
    /// assert!(Policy::S3Lru.remembers_evicted() && !Policy::Lru.remembers_evicted());
    /// ```
    #[must_use]
    pub const fn remembers_evicted(self) -> bool {
        matches!(self, Self::S3Lru) || self.size_weight().is_some()
    }
}

/// When a used item moves to the front of the LRU.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, LruBump};
///
/// let mut config = Config::new(1 << 20);
/// assert_eq!(config.lru_bump, LruBump::Strict);
/// config.lru_bump = LruBump::Lazy;
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum LruBump {
    /// Always: the order is exact.
    #[default]
    Strict,
    /// Unless it is in the newest quarter: about half the writes on hot keys, and on real traces
    /// 0.4 % more misses.
    Lazy,
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn debug_output_shows_every_field_but_the_seed() {
        let shown = |seed| {
            let mut config = Config::new(64 * 1024);
            config.hash_seed = seed;
            format!("{config:?}")
        };
        assert_eq!(shown(1), shown(u128::MAX));
        assert!(shown(1).starts_with("Config { memory: 65536, max_items: None, "));
        assert!(shown(1).ends_with(", shard: 0, shard_count: 1, .. }"));
    }

    #[test]
    fn setters_change_their_field_and_no_other() {
        let plain = || Config::new(1 << 20);
        let shown = |config: Config| (config.hash_seed, format!("{config:?}"));
        let changed = |change: fn(&mut Config)| {
            let mut config = plain();
            change(&mut config);
            assert_ne!(shown(config.clone()), shown(plain()));
            shown(config)
        };
        for (set, by_field) in [
            (
                plain().with_max_items(Some(3)),
                changed(|config| config.max_items = Some(3)),
            ),
            (
                plain().with_item_size_max(3),
                changed(|config| config.item_size_max = 3),
            ),
            (
                plain().with_slab_sizes([48]),
                changed(|config| config.slab_sizes = [48].into()),
            ),
            (
                plain().with_page_size(512),
                changed(|config| config.page_size = 512),
            ),
            (
                plain().with_policy(Policy::Refuse),
                changed(|config| config.policy = Policy::Refuse),
            ),
            (
                plain().with_lru_bump(LruBump::Lazy),
                changed(|config| config.lru_bump = LruBump::Lazy),
            ),
            (
                plain().with_compact(true),
                changed(|config| config.compact = true),
            ),
            #[cfg(feature = "alloc")]
            (
                plain().with_reserved(3),
                changed(|config| config.reserved = 3),
            ),
            (
                plain().with_hash_seed(3),
                changed(|config| config.hash_seed = 3),
            ),
            (
                plain().with_shard(1, 2),
                changed(|config| (config.shard, config.shard_count) = (1, 2)),
            ),
        ] {
            assert_eq!(shown(set), by_field);
        }
        assert_eq!(shown(Config::default()), shown(Config::new(64 << 20)));
    }

    /// Clients read it by `gets`.
    #[test]
    fn the_first_cas_has_no_bits_of_the_seed() {
        let first = |seed| {
            let mut config = Config::new(64 * 1024);
            config.hash_seed = seed;
            let mut cache = crate::Cache::new(config).expect("a configuration that works");
            let now = crate::Instant::from_millis(0);
            cache.set(now, "key", "value").expect("there is room");
            let cas = cache.get(now, "key").expect("it was stored").cas;
            cas.expect("it is not compact").get() as u32
        };
        assert_eq!(first(0), 1);
        for seed in [0x1234_5678 << 96, 0x0F1E_2D3C_4B5A_6978_8796_A5B4_C3D2_E1F0] {
            let cas = first(seed);
            for shift in 0..u128::BITS {
                let bits = seed.rotate_right(shift) as u32;
                assert!(bits.abs_diff(cas) > 1, "{seed:x} from bit {shift}: {cas:x}");
                // Half of the bits change, or nearly as many.
                let other = first(seed ^ 1 << shift);
                assert!((cas ^ other).count_ones() > 4, "{seed:x}, bit {shift}");
            }
        }
    }
}
