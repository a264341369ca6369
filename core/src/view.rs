//! What [`Cache`](crate::Cache) shows of its inside: plain, read-only types.

#[cfg(feature = "alloc")]
pub use crate::storage::RemovalLog;
use crate::{Instant, Item};

/// What a page is used for.
///
/// # Examples
/// ```
/// use dynamidb_core::view::PageUse;
/// use dynamidb_core::{Cache, Config};
///
/// let cache = Cache::new(Config::new(64 * 1024))?;
/// let uses: Vec<_> = cache.pages().map(|page| page.usage).take(3).collect();
/// assert_eq!(uses, [PageUse::Records, PageUse::Index, PageUse::Unused]);
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PageUse {
    /// Nobody uses it: never, or not any more.
    Unused,
    /// It holds the records of the pages around it.
    Records,
    /// Buckets of the index.
    Index,
    /// Overflow buckets of the index: they have their own slab class.
    Overflow,
    /// Chunks of items.
    Items,
}

/// A page: the unit in which memory moves between slab sizes.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// let page = cache.pages().find(|page| page.chunk_size == 64).unwrap();
/// assert_eq!((page.number, page.begun, page.used, page.due), (2, 1, 1, None));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PageView {
    /// Its number.
    pub number: u32,
    /// What it is used for.
    pub usage: PageUse,
    /// Bytes of each chunk; 0 if it has none.
    pub chunk_size: usize,
    /// How many of its chunks were ever used; those behind them are untouched.
    pub begun: usize,
    /// How many of its chunks are in use.
    pub used: usize,
    /// When its items will be looked at for expired ones, and where it waits for that.
    pub due: Option<Due>,
}

/// A place in the timing wheel.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Cache, Config, Expiry, Instant, Value};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(5)));
/// cache.set(now, "key", brief)?;
/// let due = cache.pages().find_map(|page| page.due).unwrap();
/// assert_eq!(due.at, Instant::from_secs(5));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Due {
    /// When it comes up.
    pub at: Instant,
    /// Which of the wheel's levels. A slot of level 0 is a millisecond; each other level is 64
    /// times as coarse as the one before.
    pub level: u8,
    /// Which of the level's 64 slots.
    pub slot: u8,
}

/// An item, and where it is.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "first", "1")?;
/// cache.set(now, "second", "2")?;
/// let keys: Vec<_> = cache.items().map(|item| item.key).collect();
/// assert_eq!(keys, [&b"second"[..], b"first"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ItemView<'c> {
    /// Where its header lies, in units of 16 bytes. It names the item until a chunk is written,
    /// moved or freed.
    pub position: u32,
    /// The key.
    pub key: &'c [u8],
    /// Value, flags, times.
    pub item: Item<'c>,
    /// Which of the slab sizes its first chunk has, from 0 on.
    pub class: u8,
    /// Whether it is new: it waits in the admission queue of
    /// [`Policy::S3Lru`](crate::Policy::S3Lru), or is on the lower level of `Policy::Density`.
    pub queued: bool,
    /// Whether it is in the newest quarter of a lazy list.
    pub young: bool,
    /// Whether it was declared out of date.
    pub stale: bool,
    /// Whether somebody was told to renew it.
    pub won: bool,
    /// Whether its key was given in base64.
    pub base64: bool,
    /// Bytes of header, key and value.
    pub size: usize,
}

/// A chunk of an item: that of its header or a continuation chunk.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// let item = cache.view_of("key").unwrap();
/// let chunk = cache.chunks(item.position).next().unwrap();
/// assert_eq!((chunk.bytes.len(), chunk.head, chunk.key, chunk.value), (64, 24, 3, 5));
/// assert_eq!(&chunk.bytes[24..32], b"keyvalue");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ChunkView<'c> {
    /// Where it begins, in units of 16 bytes.
    pub position: u32,
    /// The page it is in.
    pub page: u32,
    /// Which of the page's chunks it is.
    pub number: usize,
    /// All of its bytes, as they are.
    pub bytes: &'c [u8],
    /// How many of them, at its beginning, are the engine's own.
    pub head: usize,
    /// How many bytes of the key follow.
    pub key: usize,
    /// How many bytes of the value follow. What is left is waste.
    pub value: usize,
}

/// A field of an item's header: some bits of a little-endian 32-bit word.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let position = cache.view_of("key").unwrap().position;
/// let head = cache.chunks(position).next().unwrap().bytes;
/// for field in cache.fields(position) {
///     let word = u32::from_le_bytes(head[field.at..][..4].try_into()?);
///     assert_eq!((word & field.mask) >> field.mask.trailing_zeros(), field.value);
/// }
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// What it is called.
    pub name: &'static str,
    /// At which byte of the header its word begins.
    pub at: usize,
    /// Which bits of the word it has.
    pub mask: u32,
    /// What these bits are, moved down.
    pub value: u32,
}

/// Why an item is gone although nobody asked for that.
///
/// # Examples
/// ```
/// use dynamidb_core::view::RemovalReason;
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut config = Config::new(64 * 1024);
/// config.max_items = Some(1);
/// let mut cache = Cache::new(config)?;
/// cache.removal_log_mut().set_limit(10)?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "first", "1")?;
/// cache.set(now, "second", "2")?;
/// assert_eq!(cache.removal_log().iter().next().unwrap().reason, RemovalReason::ItemLimit);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RemovalReason {
    /// Its memory was needed, and it was next in the order of eviction.
    Memory,
    /// There were as many items as there may be, and it was next in the order of eviction.
    ItemLimit,
    /// Somebody asked for it after its deadline.
    ExpiredAsked,
    /// Its page came up after its deadline.
    ExpiredUnasked,
}

/// An item that is gone although nobody asked for that.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Cache, Config, Expiry, Instant, Value};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.removal_log_mut().set_limit(10)?;
/// let brief = Value::from("value").expire(Expiry::After(Duration::from_secs(5)));
/// cache.set(Instant::from_secs(0), "key", brief)?;
/// assert!(cache.get(Instant::from_secs(5), "key").is_none());
/// let removal = cache.removal_log().iter().next().unwrap();
/// assert_eq!((removal.key, removal.value_len, removal.fetched), (&b"key"[..], 5, false));
/// cache.removal_log_mut().clear();
/// assert!(cache.removal_log().is_empty());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Removal<'c> {
    /// Why.
    pub reason: RemovalReason,
    /// Its key.
    pub key: &'c [u8],
    /// Where its header was, in units of 16 bytes.
    pub position: u32,
    /// Which of the slab sizes its first chunk had, from 0 on.
    pub class: u8,
    /// How many bytes its value had.
    pub value_len: usize,
    /// When it was last used, to the second.
    pub last_used: Instant,
    /// When it would have ended or did end.
    pub expires_at: Option<Instant>,
    /// Whether it was ever read.
    pub fetched: bool,
    /// Whether it was in the admission queue.
    pub queued: bool,
}
