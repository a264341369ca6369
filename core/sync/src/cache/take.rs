//! Removing items that the caller sees first, in place.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dynamidb_core::Item;

use super::{SharedCache, look_at};

impl SharedCache {
    /// Whether there is an item under a key; does not count as use and changes nothing.
    #[must_use]
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> bool {
        self.peek(key, |_| ()).is_some()
    }

    /// Removes the item under a key and returns what `look` makes of it; `None` if there is none.
    /// Of several threads one gets it. `look` must be as in [`read`](Self::read); if it panics, the
    /// item is removed all the same.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("job", "resize")?;
    /// let job = cache.take("job", |item| item.value.to_vec());
    /// assert_eq!(job.as_deref(), Some(&b"resize"[..]));
    /// assert!(!cache.contains_key("job"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take<R>(&self, key: impl AsRef<[u8]>, look: impl FnOnce(&Item<'_>) -> R) -> Option<R> {
        self.lend(key.as_ref(), |shard, now, key| {
            shard.take(now, key, |item| look_at(look, item))
        })
    }

    /// Removes all items for which `keep` returns `false`, one shard after the other, each locked
    /// meanwhile; otherwise as [`Cache::retain`](dynamidb_core::Cache::retain). `keep` must not use
    /// the cache. If it panics, so does this call, and the items that are left stay.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// for number in 0..100_u8 {
    ///     cache.set([number], "value")?;
    /// }
    /// cache.retain(|key, _| key[0] % 4 == 0);
    /// assert_eq!(cache.len(), 25);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(&self, mut keep: impl FnMut(&[u8], &Item<'_>) -> bool) {
        let now = self.now();
        for index in 0..self.shards.len() {
            let mut shard = self.shards.lock(index);
            let retain = AssertUnwindSafe(|| shard.retain(now, &mut keep));
            let result = catch_unwind(retain);
            drop(shard);
            result.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }

    /// Visits all items but those that have expired and removes everything, one shard after the
    /// other, each locked meanwhile. `visit` must not use the cache. If it panics, so does this
    /// call, and the items of that shard and the later ones stay.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set("first", "1")?;
    /// cache.set("second", "2")?;
    /// let mut keys = Vec::new();
    /// cache.drain(|key, _| keys.push(key.to_vec()));
    /// assert_eq!((keys.len(), cache.len()), (2, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, mut visit: impl FnMut(&[u8], &Item<'_>)) {
        let now = self.now();
        for index in 0..self.shards.len() {
            let mut shard = self.shards.lock(index);
            let drain = AssertUnwindSafe(|| shard.drain(now, &mut visit));
            let result = catch_unwind(drain);
            drop(shard);
            result.unwrap_or_else(|panic| resume_unwind(panic));
        }
    }
}
