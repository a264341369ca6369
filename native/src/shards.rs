//! The keyspace of many threads: the cache in parts, each behind a lock of its own.
//!
//! A key's hash says which part it lives in. With one thread there is one part, and so there is
//! with few items, because an exact LRU is only exact within a part.

#[cfg(feature = "server")]
mod view;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockWriteGuard};

use dynamidb_core::{Cache, Config, ConfigError, Instant, Key, KeyHasher, Policy};

use crate::region::{self, Region};
#[cfg(feature = "server")]
pub(crate) use view::{Held, SHARD_MEMORY_MAX, View};

/// As many as the bits of the hash that choose between them can tell apart.
const SHARDS_MAX: usize = 1 << HASH_BITS;
const HASH_BITS: u32 = 6;
/// What a shard is not made smaller than, so that none is full while others have much room.
const SHARD_MEMORY_MIN: usize = 4 << 20;
const SHARD_ITEMS_MIN: usize = 10_000;

/// How far a shard can be enlarged, if that is more than it begins with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Growth {
    /// The largest shard, in bytes.
    pub(crate) max: usize,
    /// Whether addresses are set aside for that, so that nothing moves.
    pub(crate) set_aside: bool,
}

/// One shard.
pub(crate) type Part = Cache<Region>;

/// Every item of the server.
#[derive(Debug)]
pub(crate) struct Shards {
    caches: Vec<RwLock<Cache<Region>>>,
    hasher: KeyHasher,
    /// Up to which size shards move when they grow, because no addresses were set aside.
    moves_below: usize,
    /// Held while the budget is changed: of two who do, one is first in all shards. Who waits for
    /// it holds no shard.
    budget: Mutex<()>,
    /// The shard with which the next [`tick_all`](Self::tick_all) begins.
    next_tick: AtomicUsize,
}

impl Shards {
    /// As many shards as so many threads are served well by.
    pub(crate) fn new(
        config: &Config,
        threads: usize,
        growth: Growth,
    ) -> Result<Self, ConfigError> {
        let mut count = shard_count(config, threads);
        loop {
            let part = |index| part(config, index, count);
            let caches = (0..count).map(|index| make_cache(part(index), growth));
            match caches.collect::<Result<Vec<_>, _>>() {
                Ok(caches) => {
                    let hasher = *caches[0].hasher();
                    let caches = caches.into_iter().map(RwLock::new).collect();
                    return Ok(Self {
                        caches,
                        hasher,
                        moves_below: if growth.set_aside { 0 } else { growth.max },
                        budget: Mutex::default(),
                        next_tick: AtomicUsize::new(0),
                    });
                }
                // More than one cache can address.
                Err(ConfigError::MemoryTooLarge(_)) if count < SHARDS_MAX => {
                    count *= 2;
                }
                Err(error) => return Err(of_all(error, count)),
            }
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.caches.len()
    }

    /// At most `limit` steps of upkeep in one shard; returns how many were done.
    pub(crate) fn maintain(&self, index: usize, now: Instant, limit: usize) -> usize {
        self.lock(index).maintain(now, limit)
    }

    /// At most `limit` steps of upkeep in all shards together; returns how many were done. The
    /// next call begins with the next shard, so that busy ones do not starve the others.
    pub(crate) fn tick_all(&self, now: Instant, limit: usize) -> usize {
        let first = self.next_tick.load(Ordering::Relaxed);
        let mut done = 0;
        for index in (first..self.len()).chain(0..first) {
            done += self.maintain(index, now, limit - done);
            if done == limit {
                let next = (index + 1) % self.len();
                self.next_tick.store(next, Ordering::Relaxed);
                break;
            }
        }
        done
    }

    /// Changes the budget; what is in use beyond it is given up by and by, as
    /// [`Cache::set_memory`] does. If one shard cannot be enlarged, all have the budget of before.
    pub(crate) fn set_memory(&self, memory: usize) -> Result<(), ConfigError> {
        let _alone = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.len();
        // No larger than a number of bytes that there is.
        let before = self.lock(0).stats().limit_maxbytes as usize;
        let (share, more) = (memory / count, memory.saturating_sub(before * count));
        // One shard after the other is there twice. Asked of all together, so that those before one
        // that cannot grow do not hold on to what they grew by.
        let moves = more > 0 && share <= self.moves_below;
        if moves && !region::has_room(more.saturating_add(share)) {
            return Err(ConfigError::OutOfMemory);
        }
        for index in 0..count {
            let changed = self.lock(index).set_memory(share);
            if let Err(error) = changed {
                for changed in 0..index {
                    // It was possible before.
                    let _ = self.lock(changed).set_memory(before);
                }
                return Err(of_all(error, count));
            }
        }
        Ok(())
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

    fn index(&self, key: &Key<'_>) -> usize {
        let top = self.hasher.hash(key) >> (u64::BITS - HASH_BITS);
        usize::try_from(top).expect("six bits") & (self.caches.len() - 1)
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
    (part.shard, part.shard_count) = (index as u16, count as u16);
    part
}

fn make_cache(config: Config, growth: Growth) -> Result<Cache<Region>, ConfigError> {
    let memory = config.memory;
    // The table of evicted hashes is made for all of the memory, not for the budget.
    let most = match config.policy {
        Policy::S3Lru => memory,
        _ => memory.max(growth.max),
    };
    let set_aside = growth.set_aside || most == memory;
    let region = Region::new(most, set_aside).map_err(|_| ConfigError::OutOfMemory)?;
    let mut cache = Cache::with_memory(config, region)?;
    cache.set_memory(memory)?;
    Ok(cache)
}

/// What is wrong with one shard of so many, as of all together.
fn of_all(error: ConfigError, count: usize) -> ConfigError {
    match error {
        ConfigError::MemoryTooSmall(least) => ConfigError::MemoryTooSmall(least * count),
        ConfigError::MemoryTooLarge(most) => ConfigError::MemoryTooLarge(most * count as u64),
        other => other,
    }
}

#[cfg(feature = "server")]
#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use std::time::Duration;

    use dynamidb_core::{Host as _, Keyspace, Session, SessionConfig};

    use super::*;
    use crate::Options;
    use crate::server::clock::{self, Clock};
    use crate::server::state::ServerState as Host;
    use crate::server::state::settings::Settings;

    const NOW: Instant = Instant::from_secs(1);
    const GROWTH: Growth = Growth {
        max: SHARD_MEMORY_MAX,
        set_aside: true,
    };

    fn shards(memory: usize, max_items: Option<usize>, threads: usize) -> Shards {
        let mut config = Config::new(memory);
        config.max_items = max_items;
        Shards::new(&config, threads, GROWTH).unwrap()
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
            while shards.maintain(index, NOW, 64) == 64 {}
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
    fn a_budget_grows_without_addresses_set_aside_and_every_item_stays() {
        let growth = Growth {
            set_aside: false,
            ..GROWTH
        };
        let shards = Shards::new(&Config::new(16 << 20), 2, growth).unwrap();
        let host = host();
        let store = |numbers: std::ops::Range<u32>| {
            let mut view = shards.view(&host);
            for number in numbers {
                let bytes = number.to_le_bytes();
                let key = view.key(&bytes);
                view.cache_for(&key)
                    .set(NOW, key, &bytes.repeat(16)[..])
                    .unwrap();
            }
        };
        let count = || {
            let mut items = 0;
            shards.for_each(|cache| items += cache.len());
            items
        };
        store(0..50_000);
        assert_eq!(count(), 50_000);
        for megabytes in [17, 64, 200] {
            shards.set_memory(megabytes << 20).unwrap();
            let mut view = shards.view(&host);
            for number in 0..50_000_u32 {
                let bytes = number.to_le_bytes();
                let key = view.key(&bytes);
                let item = view.cache_for(&key).get(NOW, key).unwrap();
                assert_eq!(item.value.to_vec(), bytes.repeat(16));
            }
        }
        store(50_000..500_000);
        assert_eq!(count(), 500_000);
        // What no system has.
        let error = shards.set_memory(usize::MAX >> 1).unwrap_err();
        assert!(matches!(error, ConfigError::MemoryTooLarge(_)), "{error}");
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
            std::thread::sleep(Duration::from_millis(100));
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
    fn a_date_is_right_on_a_server_that_started_with_a_slow_wall_clock() {
        let (shards, mut host) = (shards(64 << 20, None, 2), host());
        host.clock = Clock::started_slow(Duration::from_secs(3600));
        let (now, mut output) = (host.clock.now(), Vec::new());
        let mut session = Session::new(SessionConfig::default());
        let date = clock::unix_time().as_secs() + 100;
        let request = format!("set k 0 {date} 1\r\nv\r\n");
        let _ = session.process(
            now,
            request.as_bytes(),
            &mut shards.view(&host),
            &mut output,
        );
        assert_eq!(output, b"STORED\r\n");
        let left = |after| {
            let now = now + Duration::from_secs(after);
            let mut view = shards.view(&host);
            let key = view.key(b"k");
            let item = view.cache_for(&key).get(now, key)?;
            Some(item.expires_at?.since(now).as_secs_f64())
        };
        assert!((98.0..=101.0).contains(&left(0).unwrap()), "{:?}", left(0));
        // And it is shown as it was given.
        output.clear();
        let mut view = shards.view(&host);
        let dump = b"lru_crawler metadump all\r\n";
        let _ = session.process(now, dump, &mut view, &mut output);
        while view.task.is_some() {
            view.resume(&mut output);
        }
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains(&format!("key=k exp={date} ")), "{text}");
        let used = text
            .split(" la=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let used: u64 = used.parse().unwrap();
        assert!(used.abs_diff(date - 100) <= 5, "{text}");
        let mut time = None;
        host.report(&mut |name, value| {
            if name == "time" {
                time = value.to_string().parse::<u64>().ok();
            }
        });
        assert!(time.unwrap().abs_diff(date - 100) <= 60);
        drop(view);
        assert!(left(98).is_some() && left(101).is_none());
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
                view.prefetch(&keys);
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
        view.prefetch(&keys);
        for key in keys {
            view.cache_for(&key).set(NOW, key, "v").unwrap();
            assert!(view.cache_for(&key).get(NOW, key).is_some());
        }
    }
}
