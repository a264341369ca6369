//! What a cache learns about its use, shown and fed: see [`insight`](crate::insight).

use super::Cache;
use crate::insight::{Access, AccessedItem, HotKey, MissRatioCurve, Totals};
use crate::key::HashedKey;
use crate::storage::{Deadline, ItemHandle};
use crate::{Instant, Memory};

/// The bytes of most headers.
const HEADER: usize = 24;

impl<M: Memory> Cache<M> {
    /// The keys that were asked for most in the last minute, as far as samples tell, in no order;
    /// none unless [`Config::insight`](crate::Config::insight) is set. See [`HotKey`].
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut config = Config::new(4 << 20);
    /// config.insight = true;
    /// let mut cache = Cache::new(config)?;
    /// cache.get(Instant::from_secs(0), "key");
    /// assert_eq!(cache.hot_keys(Instant::from_secs(20)).next().unwrap().key, b"key");
    /// assert_eq!(cache.hot_keys(Instant::from_secs(90)).count(), 0);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn hot_keys(&self, now: Instant) -> impl Iterator<Item = HotKey<'_>> {
        self.insight.hot_keys(self.parts.clock.coarse_time_at(now))
    }

    /// How many requests of the last minute were sampled for [`hot_keys`](Self::hot_keys): one in
    /// [`REQUESTS_PER_SAMPLE`](crate::insight::REQUESTS_PER_SAMPLE).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut config = Config::new(4 << 20);
    /// config.insight = true;
    /// let mut cache = Cache::new(config)?;
    /// let now = Instant::from_secs(0);
    /// for _ in 0..6400 {
    ///     cache.get(now, "key");
    /// }
    /// assert!((35..70).contains(&cache.key_samples(now)));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn key_samples(&self, now: Instant) -> u64 {
        self.insight
            .key_samples(self.parts.clock.coarse_time_at(now))
    }

    /// How the hit ratio depends on memory, as far as it is known; `None` unless
    /// [`Config::insight`](crate::Config::insight) is set. See [`MissRatioCurve`].
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config};
    ///
    /// assert!(Cache::new(Config::new(1 << 20))?.miss_ratio_curve().is_none());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn miss_ratio_curve(&self) -> Option<MissRatioCurve> {
        self.insight.curve(&self.totals())
    }

    pub(super) fn totals(&self) -> Totals {
        let stats = &self.parts.stats;
        Totals {
            counted: (
                stats.cmd_get + stats.cmd_touch,
                stats.get_hits + stats.touch_hits,
            ),
            is_full: stats.evictions > 0,
            bytes: self.store().item_bytes(),
            items: self.len() as u64,
        }
    }

    /// A key was asked for, and this item found.
    #[inline]
    pub(super) fn was_read(&mut self, key: &HashedKey<'_>, found: Option<&ItemHandle>) {
        let size = found.map(|found| found.header.size_in_all());
        if self.insight.wants(key, size) {
            self.observe_read(key, found);
        }
    }

    /// An item with this many bytes of key and value was stored.
    #[inline]
    pub(super) fn was_stored(&mut self, key: &HashedKey<'_>, size: usize, deadline: Deadline) {
        let size = (size + HEADER) as u64;
        if self.insight.wants(key, Some(size)) {
            let item = self.accessed(size, deadline);
            self.observe(key, Access::Store(item));
        }
    }

    #[inline]
    pub(super) fn was_deleted(&mut self, key: &HashedKey<'_>) {
        if self.insight.wants(key, None) {
            self.observe(key, Access::Delete);
        }
    }

    /// The counters are about to be set to zero.
    pub(super) fn forget_counted(&mut self) {
        let totals = self.totals();
        self.insight.reset_stats(&totals);
    }

    /// The budget was changed.
    pub(super) fn learn_of_limit(&mut self) {
        let totals = self.totals();
        self.insight.set_memory(self.limit, &totals);
    }

    #[cold]
    fn observe_read(&mut self, key: &HashedKey<'_>, found: Option<&ItemHandle>) {
        let item = found.map(|found| {
            let header = &found.header;
            self.accessed(header.size_in_all(), header.deadline())
        });
        self.observe(key, Access::Read(item));
    }

    #[cold]
    fn observe(&mut self, key: &HashedKey<'_>, access: Access) {
        let now = self.parts.clock.coarse_time();
        if self.insight.observe(key, access, now) {
            let totals = self.totals();
            self.insight.go_on(&totals);
        }
    }

    fn accessed(&self, size: u64, deadline: Deadline) -> AccessedItem {
        let deadline = self.parts.clock.coarse_deadline(deadline);
        AccessedItem {
            size,
            deadline: deadline.unwrap_or(AccessedItem::NEVER),
        }
    }
}
