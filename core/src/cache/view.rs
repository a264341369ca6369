//! What can be seen of a cache without changing it.

use super::Cache;
use crate::digest::Digest;
use crate::{Item, Memory, SlabStats, Stats};

impl<M: Memory> Cache<M> {
    /// What happened since the start, and what is held now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            curr_items: self.len() as u64,
            bytes: self.store.bytes_used() as u64,
            hash_bytes: self.store.index_bytes() as u64,
            limit_maxbytes: self.limit as u64,
            ..self.store.stats
        }
    }

    /// The chunk sizes and how much of each is in use, in order of size.
    pub fn slabs(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.store.slab_stats()
    }

    /// Keys and items, the most recently used first, expired ones that were not given back yet
    /// included.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Item<'_>)> {
        let items = self.store.items(self.memory.bytes());
        items.map(|found| {
            (
                self.store.key(self.memory.bytes(), &found),
                self.item(&found),
            )
        })
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
        digest.number(self.epoch.map_or(0, |epoch| epoch.wrapping_add(1)));
        let clear_at = self.clear_at.map(|at| at.as_millis().wrapping_add(1));
        digest.number(clear_at.unwrap_or(0));
        self.store.digest(self.memory.bytes(), &mut digest);
        digest.finish()
    }

    /// Panics if any structure disagrees with another. For tests: it walks everything.
    #[doc(hidden)]
    pub fn check(&self) {
        self.store.check(self.memory.bytes());
    }
}
