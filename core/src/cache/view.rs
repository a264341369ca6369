//! What can be seen of a cache without changing it.

use core::fmt;
#[cfg(feature = "flush-prefix")]
use core::iter::Filter;

use super::Cache;
use crate::digest::Digest;
use crate::storage::{ItemFlags, ItemHandle, PageInfo};
#[cfg(feature = "alloc")]
use crate::view::RemovalLog;
use crate::view::{ChunkView, Due, Field, ItemView, PageView};
use crate::{ClassStats, Instant, Key, Memory, SlabStats, Stats};

/// A chunk of a page, and the item that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct PageChunk<'c> {
    pub(crate) item: ItemView<'c>,
    pub(crate) is_continuation: bool,
    /// Bytes of header, key and value in it.
    pub(crate) filled: usize,
    /// How many chunks the item has, and how many bytes they have.
    pub(crate) item_chunks: usize,
    pub(crate) item_chunks_size: usize,
}

impl<M: Memory> Cache<M> {
    /// What happened since the start, and what is held now.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// let cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(cache.stats().limit_maxbytes, 64 * 1024);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            curr_items: self.len() as u64,
            bytes: self.parts.bytes_used() as u64,
            unused_pages: self.parts.unused_pages() as u64,
            hash_bytes: self.store().index_bytes() as u64,
            limit_maxbytes: self.limit as u64,
            #[cfg(feature = "flush-prefix")]
            flush_prefix_active: self.parts.flushes.len().into(),
            ..self.parts.stats
        }
    }

    /// The largest item that is accepted, in bytes of key and value together: what the
    /// configuration says, but at most a quarter of the budget, or of the pages if they are less
    /// than 16.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// let cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(cache.item_size_max(), 16 * 1024);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn item_size_max(&self) -> usize {
        self.item_size_max
    }

    /// The last `cas` that an item got, unless its caller chose it: an item with a higher one was
    /// stored later. The count begins again after 32 bits.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Cas, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get(now, "key").unwrap().cas, Cas::new(cache.last_cas()));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last_cas(&self) -> u64 {
        self.parts.cas.last().into()
    }

    /// The chunk sizes and how much of each is in use, in order of size.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// # let cache = Cache::new(Config::new(64 * 1024))?;
    /// let sizes: Vec<_> = cache.slabs().map(|slab| slab.chunk_size).collect();
    /// assert_eq!(sizes, [64, 128, 256, 1024]);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn slabs(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.parts.slab_stats()
    }

    /// What happened to the items of each chunk size, in the order of [`slabs`](Self::slabs): an
    /// item counts for the size of its first chunk. Nothing without the feature `monitoring`.
    ///
    /// Looks at up to some thousand items.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(256 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// if let Some(class) = cache.class_stats().next() {
    ///     assert_eq!((class.counted.cmd_set, class.mem_requested), (1, 24 + 3 + 5));
    /// }
    /// assert_eq!(cache.class_stats().count() > 0, cfg!(feature = "monitoring"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn class_stats(&self) -> impl Iterator<Item = ClassStats> + '_ {
        self.store().class_stats()
    }

    /// Bytes of a page.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// # let cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(cache.page_size(), 1024);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn page_size(&self) -> usize {
        self.geometry.page_size()
    }

    /// All pages in order, those that were never used included.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::view::PageUse;
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let pages = cache.pages().filter(|page| page.usage == PageUse::Items);
    /// assert_eq!(pages.map(|page| (page.chunk_size, page.used)).collect::<Vec<_>>(), [(64, 1)]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn pages(&self) -> impl Iterator<Item = PageView> + '_ {
        self.store().pages().map(|page| self.page_view(page))
    }

    /// How many pages there are, those that were never used included.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config};
    /// let cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(cache.page_count(), cache.pages().count() as u32);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn page_count(&self) -> u32 {
        self.store().page_count()
    }

    /// How many pages were ever used: those behind them are untouched.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let before = cache.pages_begun();
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// assert_eq!(cache.pages_begun(), before + 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn pages_begun(&self) -> u32 {
        self.parts.pages_begun()
    }

    /// The page with this number; `None` if there are less pages.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::view::PageUse;
    /// # use dynamidb_core::{Cache, Config};
    /// let cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(cache.page(0).unwrap().usage, PageUse::Records);
    /// assert!(cache.page(cache.page_count()).is_none());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn page(&self, number: u32) -> Option<PageView> {
        let page = self.store().page_at(number)?;
        Some(self.page_view(page))
    }

    fn page_view(&self, page: PageInfo) -> PageView {
        PageView {
            number: page.number,
            usage: page.usage,
            chunk_size: page.chunk_size,
            begun: page.touched,
            used: page.used,
            due: page.due.map(|(millis, level, slot)| Due {
                at: self.parts.clock.moment(millis),
                level,
                slot,
            }),
        }
    }

    /// The chunks of a page that were ever used, in order; `None` for a free one. None at all if
    /// it is no page of items.
    pub(crate) fn chunks_in(&self, page: u32) -> impl Iterator<Item = Option<PageChunk<'_>>> {
        let chunks = self.store().chunks_in(page);
        chunks.map(|chunk| {
            let chunk = chunk?;
            Some(PageChunk {
                item: self.view(&chunk.item),
                is_continuation: chunk.is_continuation,
                filled: chunk.filled,
                item_chunks: chunk.chain.count,
                item_chunks_size: chunk.chain.size,
            })
        })
    }

    /// The items at a cursor of the index, some fifty, and the next cursor; `None` after the last
    /// one. The first cursor is 0.
    ///
    /// A scan returns each item that is in the cache all the while at least once, whatever happens
    /// in between; twice only if the index shrinks meanwhile.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let mut cursor = Some(0);
    /// while let Some(here) = cursor {
    ///     let (items, next) = cache.scan(here);
    ///     for item in items {
    ///         assert_eq!(item.key, b"key");
    ///     }
    ///     cursor = next;
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn scan(&self, cursor: u32) -> (impl Iterator<Item = ItemView<'_>>, Option<u32>) {
        let (items, next) = self.store().group(cursor);
        let items = self.unflushed(items);
        (items.map(|found| self.view(&found)), next)
    }

    /// The item whose header is at this position; `None` if there is none, whatever the number.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let position = cache.items().next().unwrap().position;
    /// assert_eq!(cache.inspect(position).unwrap().key, b"key");
    /// assert!(cache.inspect(position + 1).is_none());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn inspect(&self, position: u32) -> Option<ItemView<'_>> {
        let found = self.at_position(position)?;
        Some(self.view(&found))
    }

    /// The item under a key and where it is, one that has expired included; does not count as use
    /// and changes nothing.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// assert!(cache.view_of("key").is_none());
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let position = cache.view_of("key").unwrap().position;
    /// assert_eq!(cache.items().next().unwrap().position, position);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn view_of<'k>(&self, key: impl Into<Key<'k>>) -> Option<ItemView<'_>> {
        let key = self.hasher().hashed(&key.into());
        let found = self.find_unchanged(&key)?;
        Some(self.view(&found))
    }

    /// The fields of the header at this position, in the order of its bytes; none if there is no
    /// such item.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// let position = cache.view_of("key").unwrap().position;
    /// let size = cache.fields(position).find(|field| field.name == "value size").unwrap();
    /// assert_eq!((size.at, size.mask, size.value), (12, 0xFFFF_FF00, 5));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn fields(&self, position: u32) -> impl Iterator<Item = Field> + use<M> {
        let found = self.at_position(position);
        let fields = found.map(|found| self.store().fields(&found));
        fields.into_iter().flatten()
    }

    /// The chunks of the item whose header is at this position, that of the header first; none if
    /// there is no such item.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", &[b'v'; 3000])?;
    /// let position = cache.view_of("key").unwrap().position;
    /// assert_eq!(cache.chunks(position).map(|chunk| chunk.value).sum::<usize>(), 3000);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn chunks(&self, position: u32) -> impl Iterator<Item = ChunkView<'_>> {
        let found = self.at_position(position);
        let chunks = move |found| self.store().chunks(found);
        found.into_iter().flat_map(chunks)
    }

    /// The next moment after `now` at which an item ends. Walks all items.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Expiry, Instant, Value};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let (now, later) = (Instant::from_secs(0), Instant::from_secs(60));
    /// cache.set(now, "key", Value::from("value").expire(Expiry::At(later)))?;
    /// assert_eq!(cache.next_expiry(now), Some(later));
    /// assert_eq!(cache.next_expiry(later), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn next_expiry(&self, now: Instant) -> Option<Instant> {
        let items = self.unflushed(self.store().items());
        let ends = items.filter_map(|found| self.parts.clock.instant(found.header.deadline()));
        ends.filter(|&end| end > now).min()
    }

    /// For each level of the timing wheel, the finest first, in which of its 64 slots its time is:
    /// for those who draw the wheel.
    #[doc(hidden)]
    #[must_use]
    pub fn wheel_hands(&self) -> [u8; 4] {
        self.parts.wheel_hands()
    }

    /// The log of items that were evicted or have expired: off until its
    /// [limit](RemovalLog::set_limit) is set.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub const fn removal_log(&self) -> &RemovalLog {
        &self.parts.removals
    }

    /// The same, to switch it on or off and to empty it.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::default().with_max_items(Some(1)))?;
    /// cache.removal_log_mut().set_limit(10)?;
    /// cache.set(Instant::from_secs(0), "first", "value")?;
    /// cache.set(Instant::from_secs(1), "second", "value")?;
    /// assert_eq!(cache.removal_log().iter().next().unwrap().key, b"first");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub const fn removal_log_mut(&mut self) -> &mut RemovalLog {
        &mut self.parts.removals
    }

    /// The items that no flush has removed.
    #[cfg(feature = "flush-prefix")]
    fn unflushed<I: Iterator<Item = ItemHandle>>(
        &self,
        items: I,
    ) -> Filter<I, impl FnMut(&ItemHandle) -> bool> {
        items.filter(|found| !self.store().is_flushed(found))
    }

    #[cfg(not(feature = "flush-prefix"))]
    const fn unflushed<I: Iterator<Item = ItemHandle>>(&self, items: I) -> I {
        items
    }

    fn at_position(&self, position: u32) -> Option<ItemHandle> {
        let found = self.store().at_position(position);
        found.filter(|found| !self.store().is_flushed(found))
    }

    pub(super) fn view(&self, found: &ItemHandle) -> ItemView<'_> {
        let flags = found.header.flags();
        ItemView {
            position: found.item.within(0),
            key: self.store().key(found),
            item: self.item(found),
            class: self.store().class(found.item),
            queued: found.is_in_small_queue(),
            young: found.is_recent(),
            stale: flags.has(ItemFlags::STALE),
            won: flags.has(ItemFlags::WON),
            base64: flags.has(ItemFlags::BASE64),
            size: found.header.size_in_all() as usize,
        }
    }

    /// A number for the whole state: keys and values, their order, where each byte lies, what
    /// expires when. Two caches of one configuration and the same number answer the same from now
    /// on, but for their counters.
    ///
    /// It is the same on every platform if the page count is: make the cache by
    /// [`with_memory`](Self::with_memory), because [`Cache::new`] takes off what its own fields
    /// need, and that depends on the platform. It changes with the engine's version. Not a
    /// cryptographic hash: it finds differences, not forgeries.
    ///
    /// Walks all items and pages.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let (now, key) = (Instant::from_secs(0), "key");
    /// let mut one = Cache::with_memory(Config::new(0), vec![0; 1 << 16])?;
    /// let mut other = Cache::with_memory(Config::new(0), vec![7; 1 << 16])?;
    /// assert_eq!(one.digest(), other.digest());
    /// one.set(now, key, "value")?;
    /// assert_ne!(one.digest(), other.digest());
    /// other.set(now, key, "value")?;
    /// assert_eq!(one.digest(), other.digest());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        let flush_at = self.flush_at.map(|at| at.as_millis().wrapping_add(1));
        digest.number(flush_at.unwrap_or(0));
        self.store().digest(&mut digest);
        digest.finish()
    }

    /// Panics if any structure disagrees with another. For tests: it walks everything.
    #[doc(hidden)]
    pub fn check(&self) {
        self.store().check();
    }
}

impl<M> fmt::Debug for Cache<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.parts.len();
        f.debug_struct("Cache")
            .field("items", &items)
            .field("memory", &self.limit)
            .finish()
    }
}
