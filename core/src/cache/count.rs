//! What happens, counted: see [`Stats`] and [`ClassStats`](crate::ClassStats).

use super::Cache;
use crate::storage::ItemHandle;
use crate::{Memory, Stats};

impl<M: Memory> Cache<M> {
    /// Sets the counters of what happened to zero.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "key", "value")?;
    /// cache.reset_stats();
    /// assert_eq!((cache.stats().cmd_set, cache.stats().curr_items), (0, 1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn reset_stats(&mut self) {
        self.forget_counted();
        self.parts.stats = Stats::default();
        self.parts.monitor.reset();
    }

    /// Counts what happens to an item.
    #[inline]
    pub(super) fn count(&mut self, found: &ItemHandle, count: impl Fn(&mut Stats)) {
        self.store_mut().count(found.item, count);
    }

    /// Counts a store that was refused for the size of its value before the value had come.
    pub(crate) const fn count_too_large(&mut self) {
        self.parts.stats.store_too_large += 1;
    }

    /// Counts a request to see an item's metadata.
    #[cfg(feature = "meta")]
    pub(crate) const fn count_meta(&mut self) {
        self.parts.stats.cmd_meta += 1;
    }
}
