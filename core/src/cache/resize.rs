//! A budget that changes while the cache is in use.

use super::{Cache, item_size_max};
use crate::{ConfigError, Memory};

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
        let pages = self.budget.pages(memory)?;
        let geometry = self.store.geometry();
        let range = geometry.end_of(0)..geometry.end_of(pages);
        self.memory.reserve(range.end)?;
        self.limit = memory;
        self.item_size_max = item_size_max(self.item_size_wanted, memory);
        self.store.set_limit(pages);
        self.memory.limit_to(range);
        Ok(())
    }
}
