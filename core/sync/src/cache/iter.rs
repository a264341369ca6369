//! All items, while other threads go on working.

use std::collections::TryReserveError;
use std::fmt;
use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::vec;

use dynamidb_core::Instant;
use dynamidb_core::view::{ItemView, Removal};

use super::SharedCache;

/// Copies of a cache's keys and values: see [`SharedCache::iter`].
///
/// # Examples
/// ```
/// use dynamidb_core::Config;
/// use dynamidb_sync::{Iter, SharedCache};
///
/// let cache = SharedCache::new(&Config::default(), 4)?;
/// cache.set("key", "value")?;
/// let mut iter: Iter = cache.iter();
/// assert_eq!(iter.next(), Some((b"key".to_vec(), b"value".to_vec())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Iter<'c> {
    cache: &'c SharedCache,
    /// The time at the beginning: what expires later is not passed over.
    now: Instant,
    cursor: Option<u64>,
    /// What was copied under one lock.
    copied: vec::IntoIter<(Vec<u8>, Vec<u8>)>,
}

impl Iterator for Iter<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.copied.next() {
                return Some(entry);
            }
            let mut copied = Vec::new();
            self.cursor = self.cache.scan(self.cursor?, |view| {
                let ends = view.item.expires_at;
                if ends.is_none_or(|end| end > self.now) {
                    copied.push((view.key.to_vec(), view.item.value.to_vec()));
                }
            });
            self.copied = copied.into_iter();
        }
    }
}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    /// Without what was copied, which may be others' secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<'c> IntoIterator for &'c SharedCache {
    type Item = (Vec<u8>, Vec<u8>);
    type IntoIter = Iter<'c>;

    fn into_iter(self) -> Iter<'c> {
        self.iter()
    }
}

impl SharedCache {
    /// Copies of the keys and values of all items that have not expired, in no order. A `for` loop
    /// over a reference to the cache does the same. Some fifty items at a time are copied under a
    /// lock, and no lock is held in between.
    ///
    /// An item that is in the cache all the while comes at least once, and twice only if the index
    /// shrinks meanwhile. It does not count as used.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// for number in 0..1000 {
    ///     cache.set(format!("{number}"), "value")?;
    /// }
    /// for (key, value) in &cache {
    ///     assert!(key.len() < 4 && value == b"value");
    /// }
    /// assert_eq!(cache.iter().count(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            cache: self,
            now: self.now(),
            cursor: Some(0),
            copied: Vec::new().into_iter(),
        }
    }

    /// Visits the items at a cursor, some fifty, and returns the next cursor; `None` after the last
    /// one. The first cursor is 0.
    ///
    /// A scan visits each item that is in the cache all the while at least once, whatever happens
    /// in between, expired ones that were not freed yet included. A shard is locked for reading
    /// meanwhile: `visit` must be short and must not use the cache.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// for number in 0..1000 {
    ///     cache.set(format!("{number}"), "value")?;
    /// }
    /// let (mut keys, mut cursor) = (Vec::new(), Some(0));
    /// while let Some(at) = cursor {
    ///     cursor = cache.scan(at, |item| keys.push(item.key.to_vec()));
    /// }
    /// assert_eq!(keys.len(), 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scan(&self, cursor: u64, mut visit: impl FnMut(&ItemView<'_>)) -> Option<u64> {
        let index = usize::try_from(cursor >> u32::BITS).ok()?;
        if index >= self.shards.len() {
            return None;
        }
        // The low half is the cursor within the shard. A shard that a panic has left half changed
        // is about to be emptied.
        let next = self.shards.read(index).and_then(|shard| {
            let (items, next) = shard.scan(cursor as u32);
            items.for_each(|item| visit(&item));
            next
        });
        let within = |next| (index as u64) << u32::BITS | u64::from(next);
        let behind = (index + 1 < self.shards.len()).then_some((index as u64 + 1) << u32::BITS);
        next.map(within).or(behind)
    }

    /// From now on, notes up to `limit` items for each shard that are evicted or expire; 0 stops
    /// that. Nothing is noted unless this is called.
    ///
    /// # Errors
    /// [`TryReserveError`]: there is no memory for this many.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let config = Config::new(1 << 20).with_max_items(Some(1));
    /// let cache = SharedCache::new(&config, 1)?;
    /// cache.watch_removals(100)?;
    /// cache.set("first", "value")?;
    /// cache.set("second", "value")?;
    /// let mut evicted = Vec::new();
    /// let missed = cache.take_removals(|removal| evicted.push(removal.key.to_vec()));
    /// assert_eq!((evicted, missed), (vec![b"first".to_vec()], 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_removals(&self, limit: usize) -> Result<(), TryReserveError> {
        let mut result = Ok(());
        self.shards.for_each(|shard| {
            let watched = shard.removal_log_mut().set_limit(limit);
            result = result.clone().and(watched);
        });
        result
    }

    /// Visits the items that were noted since the last call, and forgets them; returns how many
    /// more there would have been, had the limit been higher. A thread that listens calls this from
    /// time to time, so that no other waits for a listener. A shard is locked meanwhile: `visit`
    /// must be short and must not use the cache.
    pub fn take_removals(&self, mut visit: impl FnMut(&Removal<'_>)) -> u64 {
        let mut missed = 0;
        for index in 0..self.shards.len() {
            let mut shard = self.shards.lock(index);
            let visited = catch_unwind(AssertUnwindSafe(|| {
                shard
                    .removal_log()
                    .iter()
                    .for_each(|removal| visit(&removal));
            }));
            missed += shard.removal_log().missed();
            shard.removal_log_mut().clear();
            drop(shard);
            visited.unwrap_or_else(|panic| resume_unwind(panic));
        }
        missed
    }
}
