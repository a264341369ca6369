//! A budget that changes while the cache is in use.

use super::{Cache, item_size_max};
use crate::storage::Layout;
use crate::{ConfigError, Instant, Memory};

impl<M: Memory> Cache<M> {
    /// Changes the budget, which may be anything up to the memory that the cache was made with.
    ///
    /// Takes no time: no more than the new budget is taken from now on, and what is in use beyond
    /// it is given up page by page, at the end of each store and by [`maintain`](Self::maintain),
    /// least recently used items first. Items that would be too large for the new budget stay.
    ///
    /// # Errors
    /// [`ConfigError::MemoryTooSmall`] and [`ConfigError::MemoryTooLarge`] say what would be
    /// possible; [`ConfigError::OutOfMemory`] says that the [`Memory`] cannot be had. Nothing has
    /// changed then.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, ConfigError, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(1 << 20))?;
    /// let now = Instant::from_secs(0);
    /// for number in 0..5000_u32 {
    ///     cache.set(now, &number.to_le_bytes(), &[0; 100])?;
    /// }
    /// cache.set_memory(256 * 1024)?;
    /// while cache.maintain(now, 8) == 8 {}
    /// assert!(cache.stats().bytes < 256 * 1024);
    /// assert!(cache.get(now, &4999_u32.to_le_bytes()).is_some());
    /// assert_eq!(cache.set_memory(2 << 20), Err(ConfigError::MemoryTooLarge(1 << 20)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_memory(&mut self, memory: usize) -> Result<(), ConfigError> {
        self.set_share(memory, memory)
    }

    /// As [`set_memory`](Self::set_memory), for a shard whose share of a budget changes: an item
    /// may take a quarter of the whole budget, as far as there is room for it.
    ///
    /// # Errors
    /// As [`set_memory`](Self::set_memory).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Error, Instant};
    ///
    /// let mut shard = Cache::new(Config::new(1 << 20))?;
    /// let now = Instant::from_secs(0);
    /// shard.set_memory(256 * 1024)?;
    /// assert_eq!(shard.set(now, "key", &[0; 100_000]), Err(Error::ValueTooLarge));
    /// shard.set_share(256 * 1024, 1 << 20)?;
    /// assert_eq!(shard.set(now, "key", &[0; 100_000]), Ok(()));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_share(&mut self, memory: usize, budget: usize) -> Result<(), ConfigError> {
        let pages = self.budget.pages(memory)?;
        let range = self.geometry.end_of(0)..self.geometry.end_of(pages);
        self.memory.reserve(range.end)?;
        self.limit = memory;
        // A small share of a large budget grows when a large item comes.
        let few_pages = match memory < budget {
            true => None,
            false => Layout::few_pages(pages, self.geometry.page_size()),
        };
        self.item_size_max = item_size_max(self.item_size_wanted, budget, few_pages);
        self.parts.set_limit(pages, self.geometry.page_size());
        self.memory.limit_to(range);
        self.learn_of_limit();
        Ok(())
    }

    /// How many pages nobody uses: as many can be filled before anything has to be evicted.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(1 << 20))?;
    /// let before = cache.unused_pages();
    /// cache.set(Instant::from_secs(0), "key", &[0; 100_000])?;
    /// assert!(cache.unused_pages() < before - 100_000 / cache.page_size());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn unused_pages(&self) -> usize {
        self.parts.unused_pages()
    }

    /// Makes room as a store does that finds none, until this number of pages is
    /// [unused](Self::unused_pages); `false` if that many cannot be had.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(1 << 20))?;
    /// let now = Instant::from_secs(0);
    /// for number in 0..5000_u32 {
    ///     cache.set(now, &number.to_le_bytes(), &[0; 200])?;
    /// }
    /// assert!(cache.free_pages(now, 20) && cache.unused_pages() >= 20);
    /// assert!(cache.get(now, &4999_u32.to_le_bytes()).is_some());
    /// assert!(!cache.free_pages(now, 1000) && cache.is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn free_pages(&mut self, now: Instant, pages: usize) -> bool {
        self.set_clock(now);
        while self.parts.unused_pages() < pages {
            if !self.store_mut().free_space() {
                return false;
            }
        }
        true
    }

    /// Frees at most `limit` of the pages that are in use beyond the budget, and returns how many
    /// such pages are left: what [`maintain`](Self::maintain) does in its own time.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(1 << 20))?;
    /// let now = Instant::from_secs(0);
    /// for number in 0..5000_u32 {
    ///     cache.set(now, &number.to_le_bytes(), &[0; 200])?;
    /// }
    /// cache.set_memory((1 << 20) - 8 * cache.page_size())?;
    /// assert_eq!(cache.free_excess(now, 3), 5);
    /// assert_eq!(cache.free_excess(now, 8), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn free_excess(&mut self, now: Instant, limit: usize) -> usize {
        self.set_clock(now);
        for _ in 0..limit {
            let extent = self.store().worst_case_extent(0);
            self.memory.extend_to(extent);
            if !self.store_mut().resize() {
                break;
            }
        }
        self.release();
        self.parts.excess_pages()
    }

    /// Tells the memory which end of it is not in use any more.
    #[cold]
    pub(super) fn release(&mut self) {
        let end = self.geometry.end_of(self.parts.pages_in_use());
        self.memory.release(end);
    }
}
