//! Every limit and default of the cache, checked once when it is made.

use alloc::vec::Vec;

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
#[derive(Clone, Debug)]
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
    pub slab_sizes: Vec<usize>,
    /// The unit in which memory moves between slab sizes, a power of two.
    pub page_size: usize,
    /// The key of the hash function. Take it from a source of randomness wherever clients are not
    /// trusted; the same seed leads to the same state for the same inputs.
    pub hash_seed: u128,
}

impl Config {
    /// The slab sizes of a cache that has room for them.
    pub const SLAB_SIZES: [usize; 5] = [64, 128, 256, 1024, 4096];
    /// How many slab sizes there may be.
    pub const SLAB_SIZES_MAX: usize = 62;
    /// The largest item unless said otherwise: 1 MiB, as memcached.
    pub const ITEM_SIZE_MAX: usize = 1 << 20;
    /// The largest item that can be asked for: lengths are kept in 24 bits.
    pub const ITEM_SIZE_LIMIT: usize = (1 << 24) - 1;

    /// The defaults for a budget of `memory` bytes: pages of 4096 bytes and the slab sizes
    /// 64, 128, 256, 1024, 4096; smaller pages below 256 KiB, with the slab sizes that fit them.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        let page_size = (memory / 64).clamp(512, 4096).next_power_of_two().min(4096);
        let slab_sizes = Self::SLAB_SIZES.into_iter().filter(|&size| size <= page_size).collect();
        Self {
            memory,
            max_items: None,
            item_size_max: Self::ITEM_SIZE_MAX,
            slab_sizes,
            page_size,
            hash_seed: 0,
        }
    }
}
