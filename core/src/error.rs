//! What can go wrong: one small enum for operations, one for construction.

use core::fmt;

/// Why the cache could not answer.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Error, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// assert_eq!(cache.set(now, "", "value"), Err(Error::KeyLength));
/// assert_eq!(cache.set(now, "key", &[0; 32 * 1024]), Err(Error::ValueTooLarge));
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The key is empty or longer than [`Key::LEN_MAX`](crate::Key::LEN_MAX). Use a shorter one.
    KeyLength,
    /// Key and value together are larger than the cache's largest item. Split the value, or raise
    /// [`Config::item_size_max`](crate::Config::item_size_max).
    ValueTooLarge,
    /// No memory could be freed. Only possible in a cache so small that other items cannot be
    /// evicted for this one.
    OutOfMemory,
    /// The stored value is not a decimal number that fits 64 bits. Store one first.
    NotANumber,
    /// What was loaded had expired already, so that there is no item to return. See
    /// [`Cache::get_or_insert_with`](crate::Cache::get_or_insert_with).
    Expired,
    /// As many flushes by prefix as there may be are under way. Try again when upkeep has ended
    /// one, or raise [`Config::flush_prefix_max`](crate::Config::flush_prefix_max).
    #[cfg(feature = "flush-prefix")]
    TooManyFlushes,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyLength => "the key is empty or too long",
            Self::ValueTooLarge => "the item is larger than the largest that the cache takes",
            Self::OutOfMemory => "no memory could be freed for the item",
            Self::NotANumber => "the value is not a number",
            Self::Expired => "the value has expired already",
            #[cfg(feature = "flush-prefix")]
            Self::TooManyFlushes => "too many flushes by prefix are under way",
        })
    }
}

impl core::error::Error for Error {}

/// Why a cache could not be made from a [`Config`](crate::Config).
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, ConfigError};
///
/// let Err(ConfigError::MemoryTooSmall(least)) = Cache::new(Config::new(1000)) else {
///     panic!("a kilobyte is too little");
/// };
/// assert!(Cache::new(Config::new(least)).is_ok());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The budget is below the smallest that works. Holds that smallest number of bytes.
    MemoryTooSmall(usize),
    /// The budget is above what one cache can address. Holds that largest number of bytes; split
    /// the budget over several caches.
    MemoryTooLarge(u64),
    /// There is no slab size, or there are more than
    /// [`Config::SLAB_SIZES_MAX`](crate::Config::SLAB_SIZES_MAX).
    SlabSizeCount,
    /// Slab sizes must ascend. Holds the first that does not.
    SlabSizeOrder(usize),
    /// A slab size must be a multiple of 16, at least 32, and at most the page size. Holds the
    /// wrong one.
    SlabSize(usize),
    /// The page size must be a power of two between 512 and 65536. Holds the wrong one.
    PageSize(usize),
    /// The largest item must be between 1 byte and
    /// [`Config::ITEM_SIZE_LIMIT`](crate::Config::ITEM_SIZE_LIMIT). Holds the wrong one.
    ItemSize(usize),
    /// There may be no more flushes by prefix at once than
    /// [`Config::FLUSH_PREFIX_LIMIT`](crate::Config::FLUSH_PREFIX_LIMIT). Holds the wrong number.
    #[cfg(feature = "flush-prefix")]
    FlushPrefixes(usize),
    /// The allocator did not provide the memory.
    OutOfMemory,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MemoryTooSmall(least) => write!(f, "too little memory: at least {least} bytes"),
            Self::MemoryTooLarge(most) => {
                write!(f, "too much memory for one cache: at most {most} bytes")
            }
            Self::SlabSizeCount => f.write_str("there must be between 1 and 62 slab sizes"),
            Self::SlabSizeOrder(size) => write!(f, "slab sizes must ascend, {size} does not"),
            Self::SlabSize(size) => {
                write!(
                    f,
                    "slab size {size} is not a multiple of 16 between 32 and the page size"
                )
            }
            Self::PageSize(size) => {
                write!(
                    f,
                    "page size {size} is not a power of two between 512 and 65536"
                )
            }
            Self::ItemSize(size) => {
                write!(
                    f,
                    "the largest item cannot be {size} bytes: 1 to 16777216 are possible"
                )
            }
            #[cfg(feature = "flush-prefix")]
            Self::FlushPrefixes(count) => {
                write!(
                    f,
                    "{count} flushes by prefix at once: at most 63 are possible"
                )
            }
            Self::OutOfMemory => f.write_str("the memory could not be allocated"),
        }
    }
}

impl core::error::Error for ConfigError {}
