//! The keyspace of many threads: the cache in parts, each behind a lock of its own.
//!
//! A key's hash says which part it lives in. With one thread there is one part, and so there is
//! with few items, because an exact LRU is only exact within a part.

use std::fmt::Display;
use std::io;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use dynamidb_core::{Cache, Command, Config, ConfigError, Event, Hasher, Instant, Key};
use dynamidb_core::{Keyspace, Next, Policy, SlabStats};

use crate::Error;
use crate::admin::{self, Task};
use crate::connections::Client;
use crate::host::Host;
use crate::region::Region;
use crate::watch::{Kinds, REMOVALS_MAX};

/// As many as the bits of the hash that choose between them can tell apart.
const SHARDS_MAX: usize = 1 << HASH_BITS;
const HASH_BITS: u32 = 6;
/// What a shard is not made smaller than, so that none is full while others have much room.
const SHARD_MEMORY_MIN: usize = 4 << 20;
const SHARD_ITEMS_MIN: usize = 10_000;
/// What a shard can be enlarged to: what one cache can address.
pub(crate) const SHARD_MEMORY_MAX: usize = 4 << 30;
/// How many keys are looked ahead for at once.
const AHEAD: usize = 16;

/// One shard.
pub(crate) type Part = Cache<Region>;
type Reader<'s> = RwLockReadGuard<'s, Part>;

/// Every item of the server.
#[derive(Debug)]
pub(crate) struct Shards {
    caches: Vec<RwLock<Cache<Region>>>,
    hasher: Hasher,
    /// Held while the budget is changed: of two who do, one is first in all shards. Who waits for
    /// it holds no shard.
    budget: Mutex<()>,
}

impl Shards {
    /// Shards that can be enlarged up to `shard_memory_max` bytes each, if that is more than they
    /// begin with: addresses are set aside for that.
    pub(crate) fn new(
        config: &Config,
        threads: usize,
        shard_memory_max: usize,
    ) -> Result<Self, Error> {
        let mut count = shard_count(config, threads);
        loop {
            let part = |index| part(config, index, count);
            let caches = (0..count).map(|index| make_cache(part(index), shard_memory_max));
            match caches.collect::<Result<Vec<_>, _>>() {
                Ok(caches) => {
                    let hasher = *caches[0].hasher();
                    let caches = caches.into_iter().map(RwLock::new).collect();
                    let budget = Mutex::default();
                    return Ok(Self {
                        caches,
                        hasher,
                        budget,
                    });
                }
                // More than one cache can address.
                Err(Failure::Config(ConfigError::MemoryTooLarge(_))) if count < SHARDS_MAX => {
                    count *= 2;
                }
                Err(failure) => return Err(failure.in_words(count)),
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.caches.len()
    }

    /// At most `limit` steps of upkeep in one shard; returns how many were done.
    pub(crate) fn tick(&self, index: usize, now: Instant, limit: usize) -> usize {
        self.lock(index).tick(now, limit)
    }

    /// Changes the budget; what is in use beyond it is given up by and by, as
    /// [`Cache::set_memory`] does.
    pub(crate) fn set_memory(&self, memory: usize) -> Result<(), ConfigError> {
        let _alone = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.len();
        for index in 0..count {
            // All shards have the same limits: the first one refuses if any does.
            self.lock(index).set_memory(memory / count)?;
        }
        Ok(())
    }

    /// The keyspace for one call of a session, which is what a lock is held for at most.
    pub(crate) fn view<'s>(&'s self, host: &'s Host) -> View<'s> {
        View {
            shards: self,
            host,
            held: None,
            task: None,
            client: None,
            watched: host.watchers.wanted(),
        }
    }

    /// One operation on the shard in which this key lives.
    pub(crate) fn with<'k, R>(
        &self,
        key: &'k [u8],
        operate: impl FnOnce(&mut Part, Key<'k>) -> R,
    ) -> R {
        let key = self.hasher.key(key);
        operate(&mut self.lock(self.index(&key)), key)
    }

    /// Visits every shard once.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&mut Part)) {
        for index in 0..self.len() {
            visit(&mut self.lock(index));
        }
    }

    fn lock(&self, index: usize) -> RwLockWriteGuard<'_, Cache<Region>> {
        let lock = &self.caches[index];
        lock.write().unwrap_or_else(|poisoned| {
            // A panic has left the shard half changed. A cache may forget but must not be wrong.
            tracing::error!("shard {index} is emptied because of a panic while it was changed");
            let mut cache = poisoned.into_inner();
            cache.clear();
            lock.clear_poison();
            cache
        })
    }

    /// `None` if a panic has left the shard half changed.
    fn read(&self, index: usize) -> Option<Reader<'_>> {
        self.caches[index].read().ok()
    }

    fn index(&self, key: &Key<'_>) -> usize {
        let top = self.hasher.hash(key) >> (u64::BITS - HASH_BITS);
        usize::try_from(top).expect("six bits") & (self.caches.len() - 1)
    }
}

/// The shards as one session sees them during one call: it holds one lock at a time, and keeps it
/// as long as the keys stay in that shard.
#[derive(Debug)]
pub(crate) struct View<'s> {
    shards: &'s Shards,
    host: &'s Host,
    held: Option<(usize, RwLockWriteGuard<'s, Cache<Region>>)>,
    /// What the connection is in the middle of.
    pub(crate) task: Option<Box<Task>>,
    /// Who asks.
    pub(crate) client: Option<&'s Client>,
    /// What watchers want to know.
    watched: Kinds,
}

impl<'s> View<'s> {
    pub(crate) const fn host(&self) -> &'s Host {
        self.host
    }

    /// Whether evictions are noted from now on, for watchers.
    pub(crate) fn note_removals(&mut self, on: bool) {
        let limit = if on { REMOVALS_MAX } else { 0 };
        self.for_each(|cache| {
            if cache.watch_removals(limit).is_err() {
                tracing::warn!("no memory to note evictions");
            }
        });
        self.release();
    }

    /// Holds no lock any more.
    pub(crate) fn release(&mut self) {
        self.held = None;
    }

    /// Changes the budget of all shards together.
    pub(crate) fn set_memory(&mut self, memory: usize) -> Result<(), ConfigError> {
        self.release();
        self.shards.set_memory(memory)
    }

    /// The slab classes of all shards together, in order of size.
    pub(crate) fn slabs(&mut self) -> Vec<SlabStats> {
        let mut sums: Vec<SlabStats> = Vec::new();
        self.for_each(|cache| {
            for (at, slab) in cache.slabs().enumerate() {
                match sums.get_mut(at) {
                    Some(sum) => sum.add(&slab),
                    None => sums.push(slab),
                }
            }
        });
        sums
    }

    fn shard(&mut self, index: usize) -> &mut Cache<Region> {
        if self.held.as_ref().is_none_or(|(held, _)| *held != index) {
            // The one that is held goes first: nobody ever waits for a lock while holding another.
            self.held = None;
            self.held = Some((index, self.shards.lock(index)));
        }
        let (_, cache) = self.held.as_mut().expect("it was locked above or before");
        cache
    }
}

impl Keyspace for View<'_> {
    type Memory = Region;

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.shards.hasher.key(bytes)
    }

    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache<Region> {
        self.shard(self.shards.index(key))
    }

    fn cache_at(&mut self, index: usize) -> Option<&mut Cache<Region>> {
        (index < self.shards.len()).then(|| self.shard(index))
    }

    fn look_ahead(&mut self, keys: &[Key<'_>]) {
        if self.shards.len() == 1 {
            self.shard(0).look_ahead(keys);
            return;
        }
        // Readers do not exclude each other, and while this waits for one that writes it holds
        // nothing that a writer waits for while it writes.
        self.held = None;
        for keys in keys.chunks(AHEAD) {
            let wanted = |key| 1_u64 << self.shards.index(key);
            let all = keys.iter().fold(0, |all, key| all | wanted(key));
            let mut readers = [const { None }; AHEAD];
            let mut left = all;
            for reader in &mut readers {
                if left == 0 {
                    break;
                }
                *reader = self.shards.read(left.trailing_zeros() as usize);
                left &= left - 1;
            }
            let reader = |key| {
                let before = all & (wanted(key) - 1);
                let reader: Option<&Reader<'_>> = readers[before.count_ones() as usize].as_ref();
                Some((&**reader?, key))
            };
            Cache::look_ahead_all(keys.iter().filter_map(reader));
        }
    }

    fn command(&mut self, command: &Command<'_>, output: &mut Vec<u8>) -> Next {
        let next = admin::command(self, command, output);
        // It may have been to watch.
        self.watched = self.host.watchers.wanted();
        next
    }

    fn resume(&mut self, output: &mut Vec<u8>) -> Next {
        admin::resume(self, output)
    }

    fn is_watched(&self) -> bool {
        self.watched.concern_items()
    }

    fn note(&mut self, event: &Event<'_>) {
        if self.watched.has(Kinds::PREFIXES) {
            self.host.prefixes.note(event);
        }
        let watchers = &self.host.watchers;
        if let Some(client) = self.client {
            watchers.note(event, client);
        }
        if let Some((_, cache)) = self.held.as_mut().filter(|_| watchers.wants_evictions()) {
            let removals = cache.removals();
            removals.for_each(|removal| watchers.note_eviction(event.at, &removal));
            watchers.skip_evictions(cache.removals_missed());
            cache.forget_removals();
        }
    }

    fn reset_stats(&mut self) {
        self.for_each(Cache::reset_stats);
        self.host.reset();
    }

    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        self.host.report(report);
    }
}

/// How many shards are worth having: a power of two.
fn shard_count(config: &Config, threads: usize) -> usize {
    if threads == 1 {
        return 1;
    }
    // An item may take up a quarter of a shard.
    let by_memory = config.memory / SHARD_MEMORY_MIN.max(4 * config.item_size_max);
    let by_items = config
        .max_items
        .map_or(SHARDS_MAX, |max| max / SHARD_ITEMS_MIN);
    let most = by_memory.min(by_items).clamp(1, SHARDS_MAX);
    (4 * threads).next_power_of_two().min(1 << most.ilog2())
}

/// The share of one shard.
fn part(config: &Config, index: usize, count: usize) -> Config {
    let mut part = config.clone();
    part.memory = config.memory / count;
    part.max_items = config
        .max_items
        .map(|max| max / count + usize::from(index < max % count));
    // There are no more shards than six bits can tell apart.
    (part.part, part.parts) = (index as u16, count as u16);
    part
}

fn make_cache(config: Config, memory_max: usize) -> Result<Cache<Region>, Failure> {
    let memory = config.memory;
    // A budget can be raised later as far as addresses were set aside for it. The table of evicted
    // hashes is not mere addresses: it is made for all of the memory.
    let most = match config.policy {
        Policy::S3Lru => memory,
        _ => memory.max(memory_max),
    };
    let region = Region::new(memory, most).map_err(Failure::Memory)?;
    let mut cache = Cache::with_memory(config, region).map_err(Failure::Config)?;
    cache.set_memory(memory).map_err(Failure::Config)?;
    Ok(cache)
}

/// Why a shard could not be made.
enum Failure {
    Memory(io::Error),
    Config(ConfigError),
}

impl Failure {
    /// Blames the option that the user can change.
    fn in_words(self, count: usize) -> Error {
        let error = match self {
            Self::Memory(source) => {
                return Error::System {
                    what: "map the memory",
                    source,
                };
            }
            Self::Config(ConfigError::OutOfMemory) => {
                let source = io::ErrorKind::OutOfMemory.into();
                return Error::System {
                    what: "allocate the index",
                    source,
                };
            }
            Self::Config(error) => error,
        };
        let count = count as u64;
        let (name, reason) = match error {
            ConfigError::MemoryTooSmall(least) => {
                let least = (least as u64 * count).div_ceil(1024);
                ("-m/--memory", format!("{least}k is the least"))
            }
            ConfigError::MemoryTooLarge(most) => {
                let most = (most * count) >> 30;
                ("-m/--memory", format!("{most}g is the most"))
            }
            ConfigError::ItemSize(_) => ("-I/--max-item-size", error.to_string()),
            ConfigError::SlabSize(size) => {
                let reason = format!("{size} is not a multiple of 16 from 32 to 65536");
                ("--slab-sizes", reason)
            }
            _ => ("--slab-sizes", error.to_string()),
        };
        Error::Option { name, reason }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::Options;
    use crate::admin::Settings;

    const NOW: Instant = Instant::from_secs(1);

    fn shards(memory: usize, max_items: Option<usize>, threads: usize) -> Shards {
        let mut config = Config::new(memory);
        config.max_items = max_items;
        Shards::new(&config, threads, SHARD_MEMORY_MAX).unwrap()
    }

    fn host() -> Host {
        Host::new(Settings {
            options: Options::default(),
            port: 0,
            addresses: Vec::new(),
            max_connections: 1,
        })
    }

    #[test]
    fn there_are_as_many_shards_as_pay() {
        for (memory, max_items, threads, count) in [
            (64 << 20, None, 1, 1),
            (64 << 20, None, 2, 8),
            (64 << 20, None, 3, 16),
            (64 << 20, None, 64, 16),
            (1 << 30, None, 64, 64),
            (16 << 20, None, 2, 4),
            (12 << 20, None, 2, 2),
            (4 << 20, None, 2, 1),
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
        let (shards, host) = (shards(16 << 20, None, 2), host());
        let fill = |view: &mut View<'_>| {
            for number in 0..400_000_u32 {
                let bytes = number.to_le_bytes();
                let key = view.key(&bytes);
                view.cache_for(&key).set(NOW, key, &[0; 64]).unwrap();
            }
            let mut items = 0;
            view.for_each(|cache| items += cache.len());
            items
        };
        let before = fill(&mut shards.view(&host));
        shards.view(&host).set_memory(4 << 20).unwrap();
        for index in 0..shards.len() {
            while shards.tick(index, NOW, 64) == 64 {}
        }
        let mut lowered = 0;
        shards.view(&host).for_each(|cache| lowered += cache.len());
        assert!(
            lowered.abs_diff(before / 4) < before / 20,
            "{before} {lowered}"
        );
        shards.view(&host).set_memory(32 << 20).unwrap();
        let raised = fill(&mut shards.view(&host));
        assert!(
            raised.abs_diff(before * 2) < before / 10,
            "{before} {raised}"
        );
        let most = shards.view(&host).set_memory(usize::MAX).unwrap_err();
        assert!(matches!(most, ConfigError::MemoryTooLarge(_)));
    }

    #[test]
    fn no_addresses_are_set_aside_unless_that_is_asked_for() {
        let shards = Shards::new(&Config::new(16 << 20), 2, 0).unwrap();
        assert!(shards.set_memory(8 << 20).is_ok());
        assert!(shards.set_memory(16 << 20).is_ok());
        let more = shards.set_memory(17 << 20).unwrap_err();
        assert!(matches!(more, ConfigError::MemoryTooLarge(_)));
    }

    #[test]
    fn of_two_who_change_the_budget_one_is_last_in_all_shards() {
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
            std::thread::sleep(std::time::Duration::from_millis(100));
            assert_eq!(limit(0), first / 8, "overtaken");
            drop(held);
        });
        assert!((0..8).all(|index| limit(index) == last / 8));
    }

    #[test]
    fn no_two_shards_give_the_same_cas() {
        let (shards, host) = (shards(64 << 20, None, 2), host());
        let mut all = Vec::new();
        for round in 0..3_u8 {
            shards.view(&host).for_each(|cache| {
                cache.set(NOW, "k", &[round]).unwrap();
                all.push(cache.get(NOW, "k").unwrap().cas);
            });
        }
        assert_eq!(all, (8..32).collect::<Vec<_>>());
    }

    #[test]
    fn the_limit_of_items_is_divided_without_a_rest() {
        let mut config = Config::new(64 << 20);
        config.max_items = Some(43);
        let parts = (0..8).map(|index| part(&config, index, 8).max_items.unwrap());
        assert_eq!(parts.collect::<Vec<_>>(), [6, 6, 6, 5, 5, 5, 5, 5]);
    }

    #[test]
    fn a_key_stays_in_its_shard_and_all_shards_are_used() {
        let (shards, host) = (shards(64 << 20, None, 2), host());
        for number in 0..1000_u32 {
            let mut view = shards.view(&host);
            let bytes = number.to_le_bytes();
            let key = view.key(&bytes);
            view.cache_for(&key).set(NOW, key, &bytes).unwrap();
        }
        let mut view = shards.view(&host);
        for number in 0..1000_u32 {
            let bytes = number.to_le_bytes();
            let key = view.key(&bytes);
            assert_eq!(view.cache_for(&key).get(NOW, key).unwrap().value, &bytes);
        }
        let mut lens = Vec::new();
        view.for_each(|cache| lens.push(cache.len()));
        assert_eq!(lens.iter().sum::<usize>(), 1000);
        assert!(
            lens.len() == 8 && lens.iter().all(|&len| len > 50),
            "{lens:?}"
        );
    }

    #[test]
    fn a_panic_empties_the_shard_in_which_it_happened_and_no_other() {
        let (shards, host) = (shards(64 << 20, None, 2), host());
        let mut view = shards.view(&host);
        view.for_each(|cache| cache.set(NOW, "k", "v").unwrap());
        drop(view);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut view = shards.view(&host);
            view.shard(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let mut lens = Vec::new();
        shards.view(&host).for_each(|cache| lens.push(cache.len()));
        assert_eq!(lens, [1, 1, 1, 0, 1, 1, 1, 1]);
        shards.view(&host).shard(3).set(NOW, "k", "v").unwrap();
    }

    #[test]
    fn who_looks_ahead_in_all_shards_keeps_nobody_waiting_forever() {
        let (shards, host) = (shards(64 << 20, None, 2), host());
        let work = |thread: u32| {
            for round in 0..500_u32 {
                let texts: [_; 40] = std::array::from_fn(|n| format!("{}", round * 7 + n as u32));
                let mut view = shards.view(&host);
                let keys = texts.each_ref().map(|text| view.key(text.as_bytes()));
                view.look_ahead(&keys);
                for key in keys {
                    let value = thread.to_le_bytes();
                    view.cache_for(&key).set(NOW, key, &value).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || work(thread));
            }
        });
        let mut count = 0;
        shards.view(&host).for_each(|cache| count += cache.len());
        assert_eq!(count, 499 * 7 + 40);
    }

    #[test]
    fn looking_ahead_passes_over_a_shard_that_a_panic_has_left() {
        let (shards, host) = (shards(64 << 20, None, 2), host());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut view = shards.view(&host);
            view.shard(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let mut view = shards.view(&host);
        let texts: [_; 40] = std::array::from_fn(|number| number.to_string());
        let keys = texts.each_ref().map(|text| view.key(text.as_bytes()));
        assert!(keys.iter().any(|key| shards.index(key) == 3));
        view.look_ahead(&keys);
        for key in keys {
            view.cache_for(&key).set(NOW, key, "v").unwrap();
            assert!(view.cache_for(&key).get(NOW, key).is_some());
        }
    }
}
