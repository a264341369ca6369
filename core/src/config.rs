//! Every limit and default of the cache, checked once when it is made.

use core::fmt;

use crate::storage::Geometry;
use crate::{ConfigError, SlabSizes};

/// What a cache is made from. [`Config::new`] is enough; every field may be changed before use.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config};
///
/// let mut config = Config::new(64 * 1024);
/// config.max_items = Some(100);
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
    /// Whether items go without `cas` and the time of their last use, so that a head has 16 bytes
    /// instead of 24: much where items are small. Their [`cas`](crate::Item::cas) is 0, to which
    /// nothing compares as equal. An item that is given a `cas` of the caller's own has it, and
    /// the larger head; so has one with client flags.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Outcome};
    ///
    /// let mut config = Config::new(16 * 1024);
    /// config.compact = true;
    /// config.slab_sizes = [48].into(); // 16 for the head, 16 for the key, 16 for the reading
    /// let mut cache = Cache::new(config)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "greenhouse/north", "temperature 21.5")?;
    /// assert_eq!(cache.stats().bytes, 48);
    /// let cas = cache.get(now, "greenhouse/north").unwrap().cas;
    /// assert_eq!(cas, 0);
    /// let swapped = cache.compare_and_swap(now, "greenhouse/north", "other", cas)?;
    /// assert_eq!(swapped, Outcome::Exists);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub compact: bool,
    /// The key of the hash function, and where `cas` begins to count: at 1 if it is 0. Take it from
    /// a source of randomness wherever clients are not trusted; the same seed leads to the same
    /// state for the same inputs.
    pub hash_seed: u128,
    /// Where several caches serve one keyspace: which of them this is, from 0 on.
    pub shard: u16,
    /// And how many there are. No two of them give items the same `cas`.
    pub shard_count: u16,
}

impl Config {
    /// The slab sizes of a cache that has room for them.
    pub const SLAB_SIZES: [usize; 5] = [64, 128, 256, 1024, 4096];
    /// How many slab sizes there may be.
    pub const SLAB_SIZES_MAX: usize = 62;
    /// The largest item unless said otherwise: 1 MiB, as memcached.
    pub const ITEM_SIZE_MAX: usize = 1 << 20;
    /// The largest item that can be asked for: lengths are kept in 24 bits.
    pub const ITEM_SIZE_LIMIT: usize = 1 << 24;

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
            hash_seed: 0,
            shard: 0,
            shard_count: 1,
        }
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
            hash_seed: _,
            shard,
            shard_count,
        } = self;
        f.debug_struct("Config")
            .field("memory", memory)
            .field("max_items", max_items)
            .field("item_size_max", item_size_max)
            .field("slab_sizes", slab_sizes)
            .field("page_size", page_size)
            .field("policy", policy)
            .field("lru_bump", lru_bump)
            .field("compact", compact)
            .field("shard", shard)
            .field("shard_count", shard_count)
            .finish_non_exhaustive()
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
    /// None does: what there is no room for is refused, as
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    Refuse,
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

/// How a memory is divided, once the configuration was found to be right.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) geometry: Geometry,
    /// The slab sizes; the last is the page size.
    pub(crate) sizes: SlabSizes,
    /// How many pages of buckets the map of the index can hold; it comes first.
    pub(crate) map_len: u32,
    /// Where the table of evicted hashes begins, and how many words it has.
    pub(crate) ghosts_at: usize,
    pub(crate) ghosts_len: usize,
    pub(crate) policy: Policy,
    pub(crate) lru_bump: LruBump,
    pub(crate) budget: Budget,
}

/// How many pages a budget is worth, in a memory that is laid out already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    page_size: usize,
    /// Bytes of the cache's own fields, and of the table of evicted hashes.
    own: usize,
    ghosts: usize,
    /// The largest budget.
    most: usize,
}

impl Budget {
    /// The pages for a budget of `memory` bytes, which pays for all else as well.
    pub(crate) fn pages(&self, memory: usize) -> Result<u32, ConfigError> {
        if memory > self.most {
            return Err(ConfigError::MemoryTooLarge(self.most as u64));
        }
        let lent = memory.saturating_sub(self.own);
        let map = Layout::table_size(Layout::map_len(self.page_size, lent));
        let pages = lent.saturating_sub(map + self.ghosts + Geometry::LINE) / self.page_size;
        if pages < Layout::PAGES_MIN {
            let least = Layout::least(self.page_size, |_| self.ghosts);
            return Err(ConfigError::MemoryTooSmall(self.own + least));
        }
        Ok(pages as u32)
    }
}

impl Layout {
    /// The fewest pages that a cache works with.
    const PAGES_MIN: usize = 16;
    const PAGE_SIZES: core::ops::RangeInclusive<usize> = 512..=65536;
    const SLAB_SIZE_MIN: usize = 32;
    /// One byte of so many remembers evicted items, where the policy asks for it.
    const GHOSTS_SHARE: usize = 128;

    /// For `memory` bytes at this address, of which the budget has `own` more for the cache's
    /// fields.
    pub(crate) fn new(
        config: &Config,
        memory: usize,
        own: usize,
        address: usize,
    ) -> Result<Self, ConfigError> {
        let page_size = config.page_size;
        if !page_size.is_power_of_two() || !Self::PAGE_SIZES.contains(&page_size) {
            return Err(ConfigError::PageSize(page_size));
        }
        if !(1..=Config::ITEM_SIZE_LIMIT).contains(&config.item_size_max) {
            return Err(ConfigError::ItemSize(config.item_size_max));
        }
        let sizes = Self::sizes(config)?;
        if memory as u64 > Geometry::MEMORY_MAX {
            return Err(ConfigError::MemoryTooLarge(Geometry::MEMORY_MAX));
        }
        let map_len = Self::map_len(page_size, memory);
        let ghosts_len = Self::ghosts_len(config.policy, memory);
        let ghosts_at = Self::table_size(map_len);
        let budget = Budget {
            page_size,
            own,
            ghosts: Self::table_size(ghosts_len),
            most: memory.saturating_add(own),
        };
        let ghosts = |memory| Self::table_size(Self::ghosts_len(config.policy, memory));
        let least = own + Self::least(page_size, ghosts);
        let pages = budget.pages(budget.most);
        let pages = pages.map_err(|_| ConfigError::MemoryTooSmall(least))?;
        let tables = ghosts_at + budget.ghosts;
        let base = (address + tables).next_multiple_of(Geometry::LINE) - address;
        let geometry = Geometry::new(base, page_size, pages);
        Ok(Self {
            geometry,
            sizes,
            map_len: map_len as u32,
            ghosts_at,
            ghosts_len,
            policy: config.policy,
            lru_bump: config.lru_bump,
            budget,
        })
    }

    /// How many words the map of the index has in so much memory: a third of all pages is the most
    /// that the index takes, with the smallest chunks.
    const fn map_len(page_size: usize, memory: usize) -> usize {
        memory / page_size / 3 + 1
    }

    /// How many words the table of evicted hashes has.
    fn ghosts_len(policy: Policy, memory: usize) -> usize {
        match policy {
            Policy::Lru | Policy::Refuse => 0,
            Policy::S3Lru => 1 << (memory / Self::GHOSTS_SHARE / 4).max(1).ilog2(),
        }
    }

    const fn table_size(words: usize) -> usize {
        (4 * words).next_multiple_of(Geometry::LINE)
    }

    /// The least memory that holds the fewest pages and the tables of just so much memory.
    fn least(page_size: usize, ghosts: impl Fn(usize) -> usize) -> usize {
        let pages = Self::PAGES_MIN * page_size + Geometry::LINE;
        let mut least = pages;
        loop {
            let map = Self::table_size(Self::map_len(page_size, least));
            let needed = pages + map + ghosts(least);
            if needed == least {
                return least;
            }
            least = needed;
        }
    }

    fn sizes(config: &Config) -> Result<SlabSizes, ConfigError> {
        let sizes = &config.slab_sizes;
        if sizes.is_empty() || sizes.len() > Config::SLAB_SIZES_MAX {
            return Err(ConfigError::SlabSizeCount);
        }
        let mut before = 0;
        for &size in sizes.iter() {
            if !(Self::SLAB_SIZE_MIN..=config.page_size).contains(&size)
                || !size.is_multiple_of(Geometry::GRANULE)
            {
                return Err(ConfigError::SlabSize(size));
            }
            if size <= before {
                return Err(ConfigError::SlabSizeOrder(size));
            }
            before = size;
        }
        let page_chunk = (sizes.last() != Some(&config.page_size)).then_some(config.page_size);
        Ok(sizes.iter().copied().chain(page_chunk).collect())
    }

    /// The end of what is used from the start on.
    pub(crate) fn start(&self) -> usize {
        self.geometry.end_of(2)
    }
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

    /// Clients read it by `gets`.
    #[test]
    fn the_first_cas_has_no_bits_of_the_seed() {
        let first = |seed| {
            let mut config = Config::new(64 * 1024);
            config.hash_seed = seed;
            let mut cache = crate::Cache::new(config).expect("a configuration that works");
            let now = crate::Instant::from_millis(0);
            cache.set(now, "key", "value").expect("there is room");
            cache.get(now, "key").expect("it was stored").cas as u32
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
