//! Removing items that the caller sees first, in place.

use super::Cache;
use crate::{Instant, Item, Key, Memory};

/// How many keys of one scan [`Cache::retain`] notes before it removes them.
const BATCH: usize = 16;

impl<M: Memory> Cache<M> {
    /// Removes the item under a key and returns what `look` makes of it; `None` if there is none.
    /// Counts as [`get`](Self::get) and [`delete`](Self::delete).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "job", "resize")?;
    /// let job = cache.take(now, "job", |item| item.value.to_vec());
    /// assert_eq!(job.as_deref(), Some(&b"resize"[..]));
    /// assert!(!cache.contains_key(now, "job"));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn take<'k, R>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        look: impl FnOnce(&Item<'_>) -> R,
    ) -> Option<R> {
        let key = self.hasher().key(key.into().as_bytes());
        let result = look(&self.get(now, key)?);
        self.delete(now, key);
        Some(result)
    }

    /// Removes the least recently used item, the next that would be evicted with
    /// [`Policy::Lru`](crate::Policy::Lru), and returns what `look` makes of it; `None` if there is
    /// none that is live. Counts as [`delete`](Self::delete).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "first", "1")?;
    /// cache.set(now, "second", "2")?;
    /// cache.get(now, "first");
    /// let mut pop = || cache.pop_lru(now, |key, item| (key.to_vec(), item.value.to_vec()));
    /// assert_eq!(pop(), Some((b"second".to_vec(), b"2".to_vec())));
    /// assert_eq!(pop(), Some((b"first".to_vec(), b"1".to_vec())));
    /// assert_eq!(pop(), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn pop_lru<R>(
        &mut self,
        now: Instant,
        look: impl FnOnce(&[u8], &Item<'_>) -> R,
    ) -> Option<R> {
        self.set_clock(now);
        let (key, item) = self.iter().rev().find(|(_, item)| is_live(now, item))?;
        let (result, key) = (look(key, &item), CopiedKey::new(key));
        self.delete(now, key.as_bytes());
        Some(result)
    }

    /// Removes all items for which `keep` returns `false`, in no order. Expired ones are passed
    /// over. `keep` is called at least once for each item, and again for some that it kept.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// for number in 0..100_u8 {
    ///     cache.set(now, &[number], "value")?;
    /// }
    /// cache.retain(now, |key, _| key[0] % 4 == 0);
    /// assert_eq!(cache.len(), 25);
    /// assert!(cache.contains_key(now, &[8]) && !cache.contains_key(now, &[9]));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn retain(&mut self, now: Instant, mut keep: impl FnMut(&[u8], &Item<'_>) -> bool) {
        self.set_clock(now);
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            let mut removed = [const { CopiedKey::EMPTY }; BATCH];
            let (items, next) = self.scan(at);
            let others =
                items.filter(|view| is_live(now, &view.item) && !keep(view.key, &view.item));
            let mut count = 0;
            for (place, view) in removed.iter_mut().zip(others) {
                *place = CopiedKey::new(view.key);
                count += 1;
            }
            for key in removed.iter().take(count) {
                self.delete(now, key.as_bytes());
            }
            // If there may be more at this cursor, it is scanned again.
            if count < BATCH {
                cursor = next;
            }
        }
    }

    /// Visits all items, the most recently used first, but for those that have expired, and then
    /// removes everything.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "first", "1")?;
    /// cache.set(now, "second", "2")?;
    /// let mut keys = Vec::new();
    /// cache.drain(now, |key, _| keys.push(key.to_vec()));
    /// assert_eq!(keys, [&b"second"[..], b"first"]);
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn drain(&mut self, now: Instant, mut visit: impl FnMut(&[u8], &Item<'_>)) {
        self.set_clock(now);
        let live = self.iter().filter(|(_, item)| is_live(now, item));
        live.for_each(|(key, item)| visit(key, &item));
        self.clear();
    }
}

fn is_live(now: Instant, item: &Item<'_>) -> bool {
    item.expires_at.is_none_or(|end| end > now)
}

/// A key outside the memory in which its item is removed.
#[derive(Clone, Copy)]
struct CopiedKey {
    bytes: [u8; Key::LEN_MAX],
    len: u8,
}

impl CopiedKey {
    const EMPTY: Self = Self {
        bytes: [0; Key::LEN_MAX],
        len: 0,
    };

    fn new(key: &[u8]) -> Self {
        let mut copy = Self::EMPTY;
        for (place, &byte) in copy.bytes.iter_mut().zip(key) {
            *place = byte;
            copy.len += 1;
        }
        copy
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use alloc::vec::Vec;
    use alloc::{format, vec};
    use core::time::Duration;

    use super::*;
    use crate::{Config, Expiry, Policy};

    const NOW: Instant = Instant::from_secs(100);
    const LATER: Instant = Instant::from_secs(105);

    /// Items of which every third expires before `LATER`, in a cache with this policy.
    fn filled(policy: Policy, count: usize) -> Cache {
        let mut cache = Cache::new(Config::new(1 << 20).with_policy(policy)).unwrap();
        for number in 0..count {
            let expiry = match number % 3 {
                0 => Expiry::After(Duration::from_secs(5)),
                _ => Expiry::Never,
            };
            let value = (vec![b'v'; number % 300], expiry);
            cache.set(NOW, &format!("{number}"), &value).unwrap();
        }
        cache
    }

    const POLICIES: [Policy; 2] = [Policy::Lru, Policy::S3Lru];

    #[test]
    fn take_returns_an_item_once_and_never_an_expired_one() {
        for policy in POLICIES {
            let mut cache = filled(policy, 30);
            let mut take = |key: &str| cache.take(LATER, key, |item| item.value.len());
            assert_eq!((take("7"), take("7"), take("9")), (Some(7), None, None));
            cache.check();
        }
    }

    #[test]
    fn pop_lru_returns_every_live_item_once_then_none() {
        for policy in POLICIES {
            let mut cache = filled(policy, 500);
            let mut keys = Vec::new();
            while let Some(key) = cache.pop_lru(LATER, |key, _| key.to_vec()) {
                keys.push(String::from_utf8(key).unwrap().parse::<usize>().unwrap());
            }
            let live: Vec<_> = (0..500).filter(|number| number % 3 > 0).collect();
            assert_eq!(keys, live, "{policy:?}");
            assert!(cache.iter().all(|(_, item)| !is_live(LATER, &item)));
            cache.check();
        }
    }

    #[test]
    fn retain_removes_exactly_the_live_items_that_are_not_kept() {
        for policy in POLICIES {
            for kept in 0..=4 {
                let mut cache = filled(policy, 1000);
                let number = |key: &[u8]| str::from_utf8(key).unwrap().parse::<usize>().unwrap();
                let mut calls = BTreeMap::new();
                cache.retain(LATER, |key, item| {
                    assert!(is_live(LATER, item) && item.value.len() == number(key) % 300);
                    *calls.entry(number(key)).or_insert(0) += 1;
                    number(key) % 4 < kept
                });
                let live = |number: &usize| !number.is_multiple_of(3);
                assert!(calls.keys().copied().eq((0..1000).filter(live)));
                let contains = |number: &usize| cache.contains_key(LATER, &format!("{number}"));
                let left: Vec<_> = (0..1000).filter(contains).collect();
                let expected = (0..1000).filter(|number| live(number) && number % 4 < kept);
                assert_eq!(left, expected.collect::<Vec<_>>(), "{policy:?} {kept}");
                cache.check();
            }
        }
    }

    #[test]
    fn retain_and_pop_lru_take_keys_of_any_length() {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        for len in [1, 2, Key::LEN_MAX - 1, Key::LEN_MAX] {
            cache.set(NOW, &vec![b'k'; len], "value").unwrap();
        }
        assert_eq!(cache.pop_lru(NOW, |key, _| key.len()), Some(1));
        cache.retain(NOW, |key, _| key.len() == Key::LEN_MAX - 1);
        let left: Vec<_> = cache.iter().map(|(key, _)| key.len()).collect();
        assert_eq!(left, [Key::LEN_MAX - 1]);
    }

    #[test]
    fn drain_visits_live_items_and_empties_the_cache() {
        for policy in POLICIES {
            let (mut cache, mut visited) = (filled(policy, 300), 0);
            cache.drain(LATER, |_, item| {
                visited += usize::from(is_live(LATER, item))
            });
            assert_eq!((visited, cache.len()), (200, 0));
            cache.check();
        }
    }

    #[cfg(feature = "flush-prefix")]
    #[test]
    fn flushed_items_are_neither_popped_nor_drained_nor_asked_about() {
        let flushed = || {
            let mut cache = filled(Policy::Lru, 100);
            cache.flush_prefix(b"1").unwrap();
            cache
        };
        let is_flushed = |key: &[u8]| key.starts_with(b"1");
        let mut cache = flushed();
        while let Some(wrong) = cache.pop_lru(NOW, |key, _| is_flushed(key)) {
            assert!(!wrong);
        }
        flushed().drain(NOW, |key, _| assert!(!is_flushed(key)));
        flushed().retain(NOW, |key, _| {
            assert!(!is_flushed(key));
            false
        });
        let mut cache = filled(Policy::Lru, 100);
        cache.flush_at(LATER);
        assert_eq!(cache.pop_lru(LATER, |key, _| key.len()), None);
    }
}
