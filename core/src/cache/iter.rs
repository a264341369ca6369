//! Iterators over all items, the most recently used first.

use core::fmt;
use core::iter::FusedIterator;

use super::Cache;
use crate::memory::DefaultMemory;
use crate::storage::{self, ItemHandle};
use crate::view::ItemView;
use crate::{Item, Memory};

/// The items of a cache as its storage has them, but for those that a flush has removed.
struct Handles<'c, M> {
    cache: &'c Cache<M>,
    items: storage::Items<'c>,
}

impl<M: Memory> Handles<'_, M> {
    fn next(&mut self) -> Option<ItemHandle> {
        let store = self.cache.store();
        self.items.find(|found| !store.is_flushed(found))
    }

    fn next_back(&mut self) -> Option<ItemHandle> {
        let store = self.cache.store();
        self.items.rfind(|found| !store.is_flushed(found))
    }
}

impl<M> Clone for Handles<'_, M> {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache,
            items: self.items.clone(),
        }
    }
}

/// Keys and items of a [`Cache`]: see [`Cache::iter`].
///
/// # Examples
/// ```
/// use dynamidb_core::iter::Iter;
/// use dynamidb_core::{Cache, Config, Instant};
///
/// /// Prints two keys at a time.
/// struct Pager<'c>(Iter<'c>);
///
/// impl Pager<'_> {
///     fn page(&mut self) -> Vec<String> {
///         let keys = self.0.by_ref().take(2);
///         keys.map(|(key, _)| key.escape_ascii().to_string()).collect()
///     }
/// }
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// for key in ["one", "two", "three"] {
///     cache.set(Instant::from_secs(0), key, "value")?;
/// }
/// let mut pager = Pager((&cache).into_iter());
/// assert_eq!(pager.page(), ["three", "two"]);
/// assert_eq!(pager.page(), ["one"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Iter<'c, M = DefaultMemory>(Handles<'c, M>);

/// The items of a [`Cache`] and where they are: see [`Cache::items`].
///
/// # Examples
/// ```
/// use dynamidb_core::iter::Items;
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// let mut items: Items = cache.items();
/// assert_eq!(items.next().map(|item| item.key), Some(&b"key"[..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct Items<'c, M = DefaultMemory>(Handles<'c, M>);

impl<M: Memory> Cache<M> {
    /// Keys and items, the most recently used first, expired ones that were not reclaimed yet
    /// included. A `for` loop over a reference to the cache does the same.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "first", "1")?;
    /// cache.set(now, "second", "2")?;
    /// let first = cache.iter().next().map(|(key, item)| (key, item.value.to_vec()));
    /// assert_eq!(first, Some((&b"second"[..], b"2".to_vec())));
    /// for (key, item) in &cache {
    ///     println!("{}: {} bytes", key.escape_ascii(), item.value.len());
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> Iter<'_, M> {
        Iter(self.handles())
    }

    /// All items and where they are, the most recently used first; those in the admission queue
    /// come last. From the other end it is the order of eviction, with [`Policy::Lru`], and with
    /// `Policy::Density` as long as nothing is used or stored.
    ///
    /// [`Policy::Lru`]: crate::Policy::Lru
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "first", "1")?;
    /// cache.set(now, "second", "2")?;
    /// assert_eq!(cache.items().next_back().unwrap().key, b"first");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn items(&self) -> Items<'_, M> {
        Items(self.handles())
    }

    fn handles(&self) -> Handles<'_, M> {
        Handles {
            cache: self,
            items: self.store().items(),
        }
    }
}

impl<'c, M: Memory> IntoIterator for &'c Cache<M> {
    type Item = (&'c [u8], Item<'c>);
    type IntoIter = Iter<'c, M>;

    fn into_iter(self) -> Iter<'c, M> {
        self.iter()
    }
}

impl<'c, M: Memory> Iter<'c, M> {
    fn entry(&self, found: &ItemHandle) -> (&'c [u8], Item<'c>) {
        let cache = self.0.cache;
        (cache.store().key(found), cache.item(found))
    }
}

impl<'c, M: Memory> Iterator for Iter<'c, M> {
    type Item = (&'c [u8], Item<'c>);

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.0.next()?;
        Some(self.entry(&found))
    }
}

impl<M: Memory> DoubleEndedIterator for Iter<'_, M> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = self.0.next_back()?;
        Some(self.entry(&found))
    }
}

impl<'c, M: Memory> Iterator for Items<'c, M> {
    type Item = ItemView<'c>;

    fn next(&mut self) -> Option<ItemView<'c>> {
        let found = self.0.next()?;
        Some(self.0.cache.view(&found))
    }
}

impl<M: Memory> DoubleEndedIterator for Items<'_, M> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let found = self.0.next_back()?;
        Some(self.0.cache.view(&found))
    }
}

impl<M: Memory> FusedIterator for Iter<'_, M> {}

impl<M: Memory> FusedIterator for Items<'_, M> {}

impl<M> Clone for Iter<'_, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> Clone for Items<'_, M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M> fmt::Debug for Iter<'_, M> {
    /// Without the keys, which may be others' secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Items<'_, M> {
    /// Without the keys, which may be others' secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::{Config, Instant, LruBump, Policy};

    const NOW: Instant = Instant::from_secs(1);

    /// A cache of which some items were used lately, and the keys of one walk through it.
    fn used(policy: Policy, bump: LruBump) -> (Cache, Vec<Vec<u8>>) {
        let config = Config::new(1 << 20).with_policy(policy).with_lru_bump(bump);
        let mut cache = Cache::new(config).unwrap();
        for number in 0..100_u8 {
            cache.set(NOW, &[number], "value").unwrap();
        }
        for number in [3, 50, 3, 97, 50, 8] {
            cache.get(NOW, &[number]).unwrap();
        }
        let keys: Vec<_> = cache.iter().map(|(key, _)| key.to_vec()).collect();
        (cache, keys)
    }

    #[test]
    fn every_item_comes_once_whichever_end_is_asked() {
        for policy in [Policy::Lru, Policy::S3Lru] {
            for bump in [LruBump::Strict, LruBump::Lazy] {
                let (cache, keys) = used(policy, bump);
                assert_eq!(keys.len(), 100);
                if (policy, bump) == (Policy::Lru, LruBump::Strict) {
                    assert_eq!(keys[..5], [[8], [50], [97], [3], [99]]);
                }
                // The ends in turns of different lengths, so that they meet at any place.
                for turn in 1..120 {
                    let (mut front, mut back) = (Vec::new(), Vec::new());
                    let mut iter = (&cache).into_iter();
                    let mut ended = false;
                    while !ended {
                        let some = iter.by_ref().take(turn);
                        front.extend(some.map(|(key, _)| key.to_vec()));
                        match iter.next_back() {
                            Some((key, _)) => back.push(key.to_vec()),
                            None => ended = true,
                        }
                    }
                    assert!(iter.next().is_none() && iter.next_back().is_none());
                    front.extend(back.into_iter().rev());
                    assert_eq!(front, keys, "{policy:?} {bump:?} {turn}");
                }
            }
        }
    }

    #[test]
    fn a_clone_goes_on_from_the_same_item() {
        let (cache, keys) = used(Policy::Lru, LruBump::Strict);
        let mut items = cache.items().skip(2);
        let rest: Vec<_> = items.clone().map(|item| item.key.to_vec()).collect();
        assert_eq!(rest, keys[2..]);
        assert_eq!(items.next().unwrap().key, keys[2]);
    }

    #[test]
    fn debug_output_shows_no_key() {
        let (cache, _) = used(Policy::Lru, LruBump::Strict);
        let shown = format!("{:?} {:?}", cache.iter(), cache.items());
        assert_eq!(shown, "Iter { .. } Items { .. }");
    }
}
