//! The keyspace of many threads: the cache in shards, each behind a lock.
//!
//! A key's hash says which shard it lives in. Each shard has a share of the budget, and shares
//! move: `rebalance.rs` says how. With one thread there is one shard, and the LRU is exact over
//! all keys.

mod age;
mod budget;
mod growth;
mod guard;
mod rebalance;
mod share;

use std::io::ErrorKind;
use std::ops::Deref;
use std::sync::Arc;

use dynamidb_core::{Cache, Config, ConfigError, Error, Instant, Key, KeyHasher, Stats};

use self::budget::Budget;
pub use self::growth::Growth;
use self::growth::{of_all, part, shares_move};
use self::guard::Reading;
pub use self::guard::ShardGuard;
use self::share::Share;
use crate::ahead::Ahead;
use crate::primitives::atomic::{AtomicUsize, Ordering};
use crate::primitives::{Mutex, PoisonError, RwLock};
use crate::region::{self, Shard};

/// The bits of the hash that choose between shards.
const HASH_BITS: u32 = 6;
/// What a shard is not made smaller than: each has pages that are not full, and an index.
const SHARD_MEMORY_MIN: usize = 2 << 20;
const SHARD_ITEMS_MIN: usize = 10_000;
/// How many keys are prefetched at once.
const PREFETCHES: usize = 16;

/// The shards of a cache, for hosts that lock one over several operations.
///
/// Locks are taken in this order: that of flushes by prefix or the budget's, then one shard's.
/// Nobody waits for another lock while holding a shard but [`prefetch`](Self::prefetch) and
/// [`save_in_order`](Self::save_in_order), which lock several for reading, in ascending order. So
/// no two threads wait for each other, as long as the holder of a [`ShardGuard`] drops it before
/// any other call.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, Instant};
/// use dynamidb_sync::{Growth, ShardGuard, Shards};
///
/// let shards = Shards::new(&Config::new(64 << 20), 4, Growth::default())?;
/// let now = Instant::from_secs(0);
/// let key = shards.key(b"key");
/// shards.prefetch(&[key]);
/// let index = shards.index_of(&key);
/// let mut shard: ShardGuard = shards.with_room(&key, shards.lock(index), now, 5, false);
/// shard.set(now, key, "value")?;
/// shard.touch(now, key, dynamidb_core::Expiry::Never);
/// drop(shard);
/// assert!(shards.read(index).is_some_and(|shard| shard.peek(now, key).is_some()));
/// assert_eq!(shards.maintain(index, now, 8), 0);
/// assert_eq!(shards.maintain_all(now, 8), 0);
/// let mut items = 0;
/// shards.for_each(|shard| items += shard.len());
/// assert_eq!((items, shards.stats().curr_items, shards.len()), (1, 1, 16));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Shards {
    shards: Vec<RwLock<Share>>,
    hasher: KeyHasher,
    budget: Budget,
    /// Held while a flush by prefix goes through the shards: it begins in all or in none.
    flush: Mutex<()>,
    /// The shard with which the next [`maintain_all`](Self::maintain_all) begins.
    next_maintained: AtomicUsize,
    ahead: Arc<Ahead>,
}

impl Shards {
    /// The most shards, and threads for which there are more of them: as many as the bits of the
    /// hash that choose between them can tell apart.
    ///
    /// ```
    /// assert_eq!(dynamidb_sync::Shards::COUNT_MAX, 64);
    /// ```
    pub const COUNT_MAX: usize = 1 << HASH_BITS;

    /// As many shards as serve this number of threads well.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong; [`ConfigError::OutOfMemory`], that there is no
    /// memory to map.
    pub fn new(config: &Config, threads: usize, growth: Growth) -> Result<Self, ConfigError> {
        Self::with_count(config, shard_count(config, threads, growth), growth)
    }

    /// This number of shards, or the next power of two, at most [`COUNT_MAX`](Self::COUNT_MAX).
    /// More if one shard cannot address its share of the memory.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let shards = Shards::with_count(&Config::new(64 << 20), 5, Growth::default())?;
    /// assert!(shards.len() == 8 && !shards.is_empty());
    /// shards.set_memory(32 << 20)?;
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn with_count(config: &Config, count: usize, growth: Growth) -> Result<Self, ConfigError> {
        let mut count = count.clamp(1, Self::COUNT_MAX).next_power_of_two();
        loop {
            let budget = shares_move(config, growth).then_some(config.memory);
            let ahead = Arc::new(Ahead::new());
            let make = |index| Share::new(part(config, index, count), budget, growth, &ahead);
            match (0..count).map(make).collect::<Result<Vec<_>, _>>() {
                Ok(mut shares) => {
                    let hasher = *shares[0].shard.hasher();
                    let budget = Budget::new(config, growth, &mut shares);
                    return Ok(Self {
                        shards: shares.into_iter().map(RwLock::new).collect(),
                        hasher,
                        budget,
                        flush: Mutex::new(()),
                        next_maintained: AtomicUsize::new(0),
                        ahead,
                    });
                }
                // More than one shard can address.
                Err(ConfigError::MemoryTooLarge(_)) if count < Self::COUNT_MAX => {
                    count *= 2;
                }
                Err(error) => return Err(of_all(error, count)),
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.shards.len()
    }

    /// There is always one.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// At most `limit` steps of upkeep in one shard; returns how many were done.
    pub fn maintain(&self, index: usize, now: Instant, limit: usize) -> usize {
        let mut shard = self.lock(index);
        let done = shard.maintain(now, limit);
        self.publish(index, &mut shard);
        done
    }

    /// Waits until a shard is about to use a huge page for the first time, and has the system clear
    /// it. `false` after [`end_populating`](Self::end_populating), or if the system cannot do that,
    /// as Linux before 5.14.
    ///
    /// For a thread of the host's. Without one, the request that comes to such a page waits while
    /// the system clears it: for milliseconds in some virtual machines. No lock is held meanwhile.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let shards = Shards::with_count(&Config::new(64 << 20), 1, Growth::default())?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| while shards.populate() {});
    ///     for number in 0..100_000_u32 {
    ///         let mut shard = shards.lock(0);
    ///         shard.set(Instant::from_secs(0), &number.to_le_bytes(), &[0; 100]).unwrap();
    ///     }
    ///     shards.end_populating();
    /// });
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn populate(&self) -> bool {
        let Some(address) = self.ahead.next() else {
            return false;
        };
        let Err(error) = region::populate(address) else {
            return true;
        };
        tracing::debug!("a huge page is cleared when it is used: {error}");
        // Other errors are about one page: memory is scarce, or has moved since.
        !matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::Unsupported
        )
    }

    /// Ends the threads that are in [`populate`](Self::populate), or come to it.
    pub fn end_populating(&self) {
        self.ahead.end();
    }

    /// At most `limit` steps of upkeep in all shards together; returns how many were done. The
    /// next call begins with the next shard, so that busy ones do not starve the others.
    pub fn maintain_all(&self, now: Instant, limit: usize) -> usize {
        let first = self.next_maintained.load(Ordering::Relaxed);
        let mut done = 0;
        for index in (first..self.len()).chain(0..first) {
            done += self.maintain(index, now, limit - done);
            if done == limit {
                let next = (index + 1) % self.len();
                self.next_maintained.store(next, Ordering::Relaxed);
                break;
            }
        }
        done
    }

    /// The key with its hash.
    #[must_use]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.hasher.key(bytes)
    }

    /// The number of the shard in which a key lives.
    #[must_use]
    pub fn index_of(&self, key: &Key<'_>) -> usize {
        let top = self.hasher.hash(key) >> (u64::BITS - HASH_BITS);
        usize::try_from(top).expect("six bits") & (self.shards.len() - 1)
    }

    /// Visits every shard once.
    pub fn for_each(&self, mut visit: impl FnMut(&mut Shard)) {
        for index in 0..self.len() {
            visit(&mut self.lock(index));
        }
    }

    /// Removes everything that is stored under keys with this prefix, in all shards or in none: see
    /// [`Cache::flush_prefix`](dynamidb_core::Cache::flush_prefix). It takes effect in one shard
    /// after the other, so for each key at one moment before this returns.
    ///
    /// # Errors
    /// As [`Cache::flush_prefix`](dynamidb_core::Cache::flush_prefix).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let shards = Shards::new(&Config::new(64 << 20), 4, Growth::default())?;
    /// let (now, key) = (Instant::from_secs(0), shards.key(b"berlin:42"));
    /// shards.lock(shards.index_of(&key)).set(now, key, "value")?;
    /// shards.flush_prefix(b"berlin:")?;
    /// assert!(shards.lock(shards.index_of(&key)).get(now, key).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flush_prefix(&self, prefix: &[u8]) -> Result<(), Error> {
        // Nobody else begins one between the two rounds, so that what the first has found holds.
        let _flush = self.flush.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shards = 0..self.len();
        if !shards
            .clone()
            .all(|index| self.lock(index).can_flush_prefix())
        {
            return Err(Error::TooManyFlushes);
        }
        shards.try_for_each(|index| self.lock(index).flush_prefix(prefix))
    }

    /// The counters of all shards together.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.for_each(|shard| stats.add(&shard.stats()));
        stats
    }

    /// Locks a shard. One that a panic has left half changed is emptied: a cache may forget but
    /// must not be wrong.
    ///
    /// # Panics
    /// If there is no shard of this number.
    pub fn lock(&self, index: usize) -> ShardGuard<'_> {
        let lock = &self.shards[index];
        ShardGuard(lock.write().unwrap_or_else(|poisoned| {
            tracing::error!("shard {index} is emptied because of a panic while it was changed");
            let mut share = poisoned.into_inner();
            share.shard.clear();
            lock.clear_poison();
            share
        }))
    }

    /// Locks a shard together with others who only read; `None` if a panic has left it half
    /// changed.
    ///
    /// # Panics
    /// If there is no shard of this number.
    #[must_use]
    pub fn read(&self, index: usize) -> Option<impl Deref<Target = Shard> + '_> {
        let share = self.shards[index].read().ok()?;
        Some(Reading(share))
    }

    /// Fetches what lookups of these keys will need, in all their shards, so that the waits for
    /// memory overlap: see [`Cache::prefetch`](dynamidb_core::Cache::prefetch).
    pub fn prefetch(&self, keys: &[Key<'_>]) {
        for keys in keys.chunks(PREFETCHES) {
            let wanted = |key| 1_u64 << self.index_of(key);
            let all = keys.iter().fold(0, |all, key| all | wanted(key));
            let readers = self.read_all(all);
            let reader = |key| {
                let before = all & (wanted(key) - 1);
                let reader: Option<&Reading<'_>> = readers[before.count_ones() as usize].as_ref();
                Some((&**reader?, key))
            };
            Cache::prefetch_all(keys.iter().filter_map(reader));
        }
    }

    /// Locks up to [`PREFETCHES`] shards for reading, a bit each, the lowest first.
    ///
    /// Nobody who writes waits for a lock while holding a shard, so only readers can wait for each
    /// other: one for a shard that another has, because somebody who writes came in between. They
    /// do not wait in a circle because all go from the lower to the higher shard.
    fn read_all(&self, mut shards: u64) -> [Option<Reading<'_>>; PREFETCHES] {
        let mut readers = [const { None }; PREFETCHES];
        let mut before = None;
        for reader in &mut readers {
            if shards == 0 {
                break;
            }
            let index = shards.trailing_zeros() as usize;
            debug_assert!(before < Some(index), "{index} after {before:?}");
            before = Some(index);
            *reader = self.shards[index].read().ok().map(Reading);
            shards &= shards - 1;
        }
        debug_assert_eq!(shards, 0, "more shards than keys");
        readers
    }
}

/// How many shards are worth having: a power of two.
fn shard_count(config: &Config, threads: usize, growth: Growth) -> usize {
    if threads == 1 {
        return 1;
    }
    let least = match shares_move(config, growth) {
        true => SHARD_MEMORY_MIN,
        // An item may take up a quarter of a share.
        false => (2 * SHARD_MEMORY_MIN).max(4 * config.item_size_max),
    };
    // Half a shard at least is for items.
    let for_items = config.memory.saturating_sub(config.reserved);
    let by_memory = (config.memory / least).min(for_items / (least / 2));
    let by_items = config
        .max_items
        .map_or(Shards::COUNT_MAX, |max| max / SHARD_ITEMS_MIN);
    let most = by_memory.min(by_items).clamp(1, Shards::COUNT_MAX);
    (4 * threads).next_power_of_two().min(1 << most.ilog2())
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use dynamidb_core::Memory as _;

    use super::*;
    use crate::Region;

    const NOW: Instant = Instant::from_secs(1);
    const GROWTH: Growth = Growth {
        max: 4 << 30,
        set_aside: true,
    };

    fn shards(memory: usize, max_items: Option<usize>, threads: usize) -> Shards {
        let mut config = Config::new(memory);
        config.max_items = max_items;
        Shards::new(&config, threads, GROWTH).unwrap()
    }

    fn set(shards: &Shards, key: &[u8], value: &[u8]) {
        let key = shards.key(key);
        let mut shard = shards.lock(shards.index_of(&key));
        shard.set(NOW, key, value).unwrap();
    }

    fn get(shards: &Shards, key: &[u8]) -> Option<Vec<u8>> {
        let key = shards.key(key);
        let mut shard = shards.lock(shards.index_of(&key));
        shard.get(NOW, key).map(|item| item.value.to_vec())
    }

    fn len(shards: &Shards) -> usize {
        let mut items = 0;
        shards.for_each(|shard| items += shard.len());
        items
    }

    #[test]
    fn memory_that_has_moved_does_not_end_populating() {
        let (shards, region) = (
            shards(1 << 20, None, 1),
            Region::new(4 << 20, true).unwrap(),
        );
        shards.ahead.want(0, region.bytes().as_ptr() as usize);
        let is_supported = shards.populate();
        // Where nothing is mapped.
        shards.ahead.want(0, 1 << 20);
        assert_eq!(shards.populate(), is_supported);
        shards.end_populating();
        assert!(!shards.populate());
    }

    #[test]
    fn there_are_as_many_shards_as_pay() {
        for (memory, max_items, threads, count) in [
            (64 << 20, None, 1, 1),
            (64 << 20, None, 2, 8),
            (64 << 20, None, 3, 16),
            (64 << 20, None, 64, 32),
            (63 << 20, None, 64, 16),
            (16 << 20, None, 2, 8),
            (8 << 20, None, 2, 4),
            (4 << 20, None, 2, 2),
            ((4 << 20) - 1, None, 2, 1),
            (64 << 20, Some(1000), 2, 1),
            (64 << 20, Some(19_999), 2, 1),
            (64 << 20, Some(20_000), 2, 2),
            (64 << 20, Some(1_000_000), 2, 8),
        ] {
            let shards = shards(memory, max_items, threads);
            assert_eq!(shards.len(), count, "{memory} {max_items:?} {threads}");
        }
    }

    #[test]
    fn the_budget_can_be_lowered_and_raised_beyond_what_it_was() {
        let shards = shards(16 << 20, None, 2);
        let fill = || {
            (0..400_000_u32).for_each(|number| set(&shards, &number.to_le_bytes(), &[0; 64]));
            len(&shards)
        };
        let before = fill();
        shards.set_memory(4 << 20).unwrap();
        for index in 0..shards.len() {
            while shards.maintain(index, NOW, 64) == 64 {}
        }
        let lowered = len(&shards);
        assert!(
            lowered.abs_diff(before / 4) < before / 20,
            "{before} {lowered}"
        );
        shards.set_memory(32 << 20).unwrap();
        let raised = fill();
        assert!(
            raised.abs_diff(before * 2) < before / 10,
            "{before} {raised}"
        );
        let most = shards.set_memory(usize::MAX).unwrap_err();
        assert!(matches!(most, ConfigError::MemoryTooLarge(_)));
    }

    #[test]
    fn a_budget_grows_without_addresses_set_aside_and_every_item_stays() {
        let growth = Growth {
            set_aside: false,
            ..GROWTH
        };
        let shards = Shards::new(&Config::new(16 << 20), 2, growth).unwrap();
        let store = |numbers: std::ops::Range<u32>| {
            for bytes in numbers.map(u32::to_le_bytes) {
                set(&shards, &bytes, &bytes.repeat(16));
            }
        };
        store(0..50_000);
        assert_eq!(len(&shards), 50_000);
        for megabytes in [17, 64, 200] {
            shards.set_memory(megabytes << 20).unwrap();
            for number in 0..50_000_u32 {
                let bytes = number.to_le_bytes();
                assert_eq!(get(&shards, &bytes).unwrap(), bytes.repeat(16));
            }
        }
        store(50_000..500_000);
        assert_eq!(len(&shards), 500_000);
        // What no system has.
        let error = shards.set_memory(usize::MAX >> 1).unwrap_err();
        assert!(matches!(error, ConfigError::MemoryTooLarge(_)), "{error}");
    }

    #[test]
    fn a_budget_that_was_changed_often_can_be_what_it_was_at_first() {
        for growth in [Growth::default(), GROWTH] {
            let shards = Shards::new(&Config::new(16 << 20), 2, growth).unwrap();
            assert!(shards.len() > 1);
            let least = match shards.set_memory(0) {
                Err(ConfigError::MemoryTooSmall(least)) => least,
                other => panic!("no cache is that small: {other:?}"),
            };
            for memory in [10_000_001, 7_654_321, least, 16_000_003, least + 1] {
                shards.set_memory(memory).unwrap();
                assert_eq!(shards.set_memory(16 << 20), Ok(()), "after {memory}");
                assert_eq!(shards.stats().limit_maxbytes, 16 << 20);
            }
        }
    }

    #[test]
    fn a_share_stays_within_its_bound_where_the_budget_grows_beyond_it() {
        let growth = Growth {
            max: usize::MAX,
            set_aside: true,
        };
        let shards = Shards::with_count(&Config::new(64 << 20), 2, growth).unwrap();
        // Nearly all of the budget is in one shard then.
        let mut stored = 0_u32;
        for number in 0..60_000_u32 {
            let bytes = number.to_le_bytes();
            let key = shards.key(&bytes);
            if shards.index_of(&key) == 0 {
                let shard = shards.with_room(&key, shards.lock(0), NOW, 2000, false);
                { shard }.set(NOW, key, &[0; 2000]).unwrap();
                stored += 1;
            }
        }
        assert!(stored as usize * 2000 > 48 << 20);
        assert_eq!(shards.set_memory(6 << 30), Ok(()));
        assert_eq!(shards.stats().limit_maxbytes, 6 << 30);
        let most = ConfigError::MemoryTooLarge(8 << 30);
        assert_eq!(shards.set_memory((8 << 30) + 1), Err(most));
        assert_eq!(shards.set_memory(8 << 30), Ok(()));
    }

    #[test]
    fn a_shard_cannot_be_enlarged_unless_that_is_asked_for() {
        let shards = Shards::new(&Config::new(16 << 20), 2, Growth::default()).unwrap();
        assert!(shards.set_memory(8 << 20).is_ok());
        assert!(shards.set_memory(16 << 20).is_ok());
        // What is said is about all shards together.
        assert!(shards.len() > 1);
        let more = shards.set_memory(17 << 20).unwrap_err();
        assert_eq!(more, ConfigError::MemoryTooLarge(16 << 20));
        let Err(ConfigError::MemoryTooSmall(least)) = shards.set_memory(0) else {
            panic!("no cache is that small");
        };
        assert!(shards.set_memory(least - 1).is_err());
        assert!(shards.set_memory(least).is_ok());
    }

    #[test]
    fn concurrent_changes_of_the_budget_end_in_the_same_order_in_all_shards() {
        let shards = shards(64 << 20, None, 2);
        let limit = |index| {
            let limit = shards.lock(index).stats().limit_maxbytes;
            usize::try_from(limit).unwrap()
        };
        let (first, last) = (32 << 20, 48 << 20);
        std::thread::scope(|scope| {
            // Keeps the first one half way.
            let held = shards.lock(4);
            scope.spawn(|| shards.set_memory(first).unwrap());
            while limit(3) != first / 8 {
                std::thread::yield_now();
            }
            scope.spawn(|| shards.set_memory(last).unwrap());
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!(limit(0), first / 8, "overtaken");
            drop(held);
        });
        assert!((0..8).all(|index| limit(index) == last / 8));
    }

    #[test]
    fn no_two_shards_give_the_same_cas() {
        let shards = shards(64 << 20, None, 2);
        let mut all = Vec::new();
        for round in 0..3_u8 {
            shards.for_each(|cache| {
                cache.set(NOW, "k", &[round]).unwrap();
                all.push(cache.get(NOW, "k").unwrap().cas.unwrap().get());
            });
        }
        assert_eq!(all, (8..32).collect::<Vec<_>>());
    }

    #[test]
    fn the_memory_is_divided_without_a_rest() {
        let config = Config::new((64 << 20) + 7);
        let parts = (0..8).map(|index| part(&config, index, 8).memory);
        assert_eq!(parts.sum::<usize>(), config.memory);
    }

    #[test]
    fn the_limit_of_items_is_divided_without_a_rest() {
        let mut config = Config::new(64 << 20);
        config.max_items = Some(43);
        let parts = (0..8).map(|index| part(&config, index, 8).max_items.unwrap());
        assert_eq!(parts.collect::<Vec<_>>(), [6, 6, 6, 5, 5, 5, 5, 5]);
    }

    /// The lower ones choose the bucket within a shard.
    #[test]
    fn the_highest_bits_of_the_hash_choose_the_shard() {
        let shards = shards(64 << 20, None, 64);
        assert_eq!(shards.len(), 32);
        for number in 0..100_u32 {
            let bytes = number.to_le_bytes();
            let key = shards.key(&bytes);
            let highest = shards.hasher.hash(&key) / (1 << 58);
            assert_eq!(shards.index_of(&key) as u64, highest % 32);
        }
    }

    #[test]
    fn there_are_more_shards_if_one_cannot_address_its_share_of_the_memory() {
        for (gigabytes, count) in [(4, 1), (5, 2), (9, 4)] {
            let config = Config::new(gigabytes << 30);
            let shards = Shards::with_count(&config, 1, Growth::default()).unwrap();
            assert_eq!(shards.len(), count, "{gigabytes} GiB");
        }
    }

    #[test]
    fn a_key_stays_in_its_shard_and_all_shards_are_used() {
        let shards = shards(64 << 20, None, 2);
        for number in 0..1000_u32 {
            let bytes = number.to_le_bytes();
            set(&shards, &bytes, &bytes);
        }
        for number in 0..1000_u32 {
            let bytes = number.to_le_bytes();
            assert_eq!(get(&shards, &bytes).unwrap(), bytes);
        }
        let mut lens = Vec::new();
        shards.for_each(|cache| lens.push(cache.len()));
        assert_eq!(lens.iter().sum::<usize>(), 1000);
        assert!(
            lens.len() == 8 && lens.iter().all(|&len| len > 50),
            "{lens:?}"
        );
    }

    #[test]
    fn a_panic_empties_the_shard_in_which_it_happened_and_no_other() {
        let shards = shards(64 << 20, None, 2);
        shards.for_each(|shard| shard.set(NOW, "k", "v").unwrap());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _shard = shards.lock(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let mut lens = Vec::new();
        shards.for_each(|cache| lens.push(cache.len()));
        assert_eq!(lens, [1, 1, 1, 0, 1, 1, 1, 1]);
        shards.lock(3).set(NOW, "k", "v").unwrap();
    }
}
