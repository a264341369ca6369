//! The budget that all shards have together: its bound is exact, and nothing is evicted while any
//! shard has room.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use dynamidb_core::{Config, Error, Instant, Policy};
use dynamidb_sync::{Growth, Shards, SharedCache};
use fastrand::Rng;

const NOW: Instant = Instant::from_secs(1);
const MIB: usize = 1 << 20;
const GROWTH: Growth = Growth {
    max: 256 * MIB,
    set_aside: true,
};

/// Values may be as large as the budget allows.
fn config(memory: usize) -> Config {
    let mut config = Config::new(memory);
    config.item_size_max = Config::ITEM_SIZE_LIMIT;
    config
}

fn set(shards: &Shards, now: Instant, key: &[u8], value: &[u8]) -> Result<(), Error> {
    let key = shards.key(key);
    let shard = shards.lock(shards.index_of(&key));
    let mut shard = shards.with_room(&key, shard, now, value.len(), false);
    shard.set(now, key, value)
}

/// The sum of all shares, and of all pages in use.
fn shares(shards: &Shards) -> (usize, usize) {
    let (mut sum, mut used) = (0, 0);
    shards.for_each(|shard| {
        let share = usize::try_from(shard.stats().limit_maxbytes).expect("it is a size");
        sum += share;
        used += shard
            .pages()
            .filter(|page| page.usage != dynamidb_core::view::PageUse::Unused)
            .count()
            * shard.page_size();
    });
    (sum, used)
}

#[test]
fn bytes_that_the_host_reserves_hold_no_items_whatever_the_budget_is() {
    let room = |reserved| {
        let config = config(64 * MIB).with_reserved(reserved);
        let shards = Shards::with_count(&config, 4, GROWTH).unwrap();
        let unused = || {
            let mut pages = 0;
            shards.for_each(|shard| pages += shard.unused_pages());
            pages
        };
        let before = unused();
        shards.set_memory(32 * MIB).unwrap();
        (before, unused(), shards.stats().limit_maxbytes)
    };
    let (all, half, limit) = room(0);
    // One page in 128 has the records of the others.
    let pages = 8 * MIB / 4096 / 128 * 127;
    assert_eq!(room(8 * MIB), (all - pages, half - pages, limit));
}

#[test]
fn shares_never_exceed_the_budget_whatever_happens() {
    // With the first one a large value had no room after the budget was lowered, with the second
    // one a shard of a few pages refused it.
    for seed in [
        2_859_254_623_586_919_309,
        15_738_179_860_812_833_968,
        fastrand::u64(..),
    ] {
        println!("seed {seed}");
        change_whatever(&mut Rng::with_seed(seed));
    }
}

fn change_whatever(random: &mut Rng) {
    for round in 0..6 {
        let mut budget = random.usize(4..24) * MIB;
        let count = 1 << random.u32(1..5);
        let shards = Shards::with_count(&config(budget), count, GROWTH).unwrap();
        for step in 0..3000_u64 {
            let now = Instant::from_millis(1000 + step * 7);
            let key = random.u32(..3000).to_le_bytes();
            match random.u32(..100) {
                0 => {
                    budget = random.usize(4 * MIB..32 * MIB);
                    shards.set_memory(budget).unwrap();
                }
                1 => shards.for_each(|shard| {
                    if random.bool() {
                        shard.clear();
                    }
                }),
                2 => while shards.maintain_all(now, 8) == 8 {},
                3..10 => {
                    let key = shards.key(&key);
                    shards.lock(shards.index_of(&key)).delete(now, key);
                }
                kind => {
                    let most = match kind {
                        10..15 => budget / 5,
                        15..30 => 50_000,
                        _ => 500,
                    };
                    let value = vec![kind as u8; random.usize(..most)];
                    set(&shards, now, &key, &value).unwrap();
                    let key = shards.key(&key);
                    let mut shard = shards.lock(shards.index_of(&key));
                    let stored = shard.get(now, key).expect("it was just stored");
                    assert_eq!(stored.value.len(), value.len(), "round {round}");
                }
            }
            let (sum, _) = shares(&shards);
            assert!(sum <= budget, "step {step}: {sum} of {budget}");
            assert!(
                sum + MIB > budget,
                "step {step}: {sum} of {budget} are left"
            );
        }
        let now = Instant::from_secs(100);
        while shards.maintain_all(now, 64) == 64 {}
        let (_, used) = shares(&shards);
        assert!(used <= budget, "{used} of {budget} are in use");
    }
}

#[test]
fn nothing_is_evicted_while_another_shard_has_room() {
    for (len, count) in [(100, 8), (5000, 8), (100_000, 8), (MIB - 100, 16)] {
        let shards = Shards::with_count(&Config::new(32 * MIB), count, GROWTH).unwrap();
        let value = vec![1; len];
        let mut stored = 0;
        while shards.stats().evictions == 0 {
            set(&shards, NOW, &u64::to_le_bytes(stored), &value).unwrap();
            stored += 1;
        }
        let whole = Shards::with_count(&Config::new(32 * MIB), 1, GROWTH).unwrap();
        let mut most = 0;
        while whole.stats().evictions == 0 {
            set(&whole, NOW, &u64::to_le_bytes(most), &value).unwrap();
            most += 1;
        }
        // What shards keep for themselves, and a large value for which what is left is too little.
        let least = most - most / 20 - 2;
        assert!(
            stored >= least,
            "{len}: {stored} in {count} shards, {most} in one"
        );
    }
}

#[test]
fn shards_evict_at_nearly_the_same_age_when_one_gets_much_more_than_the_others() {
    let shards = Shards::with_count(&Config::new(16 * MIB), 8, GROWTH).unwrap();
    let mut millis = 1000;
    // Three of four items go to one shard.
    let mut number = 0_u64;
    for step in 0..400_000_u64 {
        let wants_first = step % 4 != 0;
        loop {
            number += 1;
            let key = shards.key(&number.to_le_bytes()[..]).as_bytes().to_vec();
            if (shards.index_of(&shards.key(&key)) == 0) == wants_first {
                break;
            }
        }
        millis += u64::from(step % 20 == 0);
        let now = Instant::from_millis(millis);
        set(&shards, now, &number.to_le_bytes(), &[7; 80]).unwrap();
    }
    // Each key is newer than the one before: the numbers are the ages.
    let mut oldest = Vec::new();
    let mut lens = Vec::new();
    shards.for_each(|shard| {
        let key = shard.items().next_back().unwrap().key.to_vec();
        oldest.push(u64::from_le_bytes(key.try_into().unwrap()));
        lens.push(shard.len());
    });
    assert!(lens[0] > 10 * lens[1], "{lens:?}");
    let (first, last) = (oldest.iter().min().unwrap(), oldest.iter().max().unwrap());
    let age = number - first;
    assert!(last - first < age / 5, "{oldest:?} of {number}");
}

#[test]
fn a_value_of_a_quarter_of_the_budget_is_stored_and_one_byte_more_is_not() {
    let config = config(64 * MIB);
    for count in [1, 2, 16, 64] {
        let cache = SharedCache::with_shards(&config, count).unwrap();
        for number in 0..20_000 {
            cache.set(format!("{number}"), &[1; 1000]).unwrap();
        }
        let most = Config::ITEM_SIZE_LIMIT - 5;
        for key in ["large", "other", "third"] {
            let value = vec![2; most];
            cache.set(key, &value[..]).unwrap();
            assert!(cache.get(key) == Some(value), "{count} {key}");
            let refused = cache.set(key, &vec![3; most + 1][..]);
            assert_eq!(refused, Err(Error::ValueTooLarge), "{count}");
        }
        // Joined values have to be there twice for a moment.
        cache.set("joined", &vec![4; 7 * MIB][..]).unwrap();
        let _ = cache.append("joined", &vec![5; MIB]).unwrap();
        let len = cache.read("joined", |item| item.value.len());
        assert_eq!(len, Some(8 * MIB), "{count}");
    }
}

#[test]
fn a_cache_that_evicts_nothing_takes_what_others_do_not_use() {
    let mut config = Config::new(16 * MIB);
    config.policy = Policy::Refuse;
    let cache = SharedCache::with_shards(&config, 8).unwrap();
    let mut stored = 0;
    while cache.set(format!("{stored}"), &[0; 100_000]).is_ok() {
        stored += 1;
    }
    assert!(stored >= 150, "{stored}");
    assert_eq!((cache.len(), cache.stats().evictions), (stored, 0));
}

#[test]
fn threads_that_store_values_of_all_sizes_keep_the_bound() {
    let shards = Shards::with_count(&config(16 * MIB), 8, GROWTH).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let shards = &shards;
            scope.spawn(move || {
                let mut random = Rng::with_seed(thread);
                for step in 0..4000_u64 {
                    let now = Instant::from_millis(1000 + step);
                    let most = if step % 20 == 0 { 2 * MIB } else { 2000 };
                    let value = vec![thread as u8; random.usize(..most)];
                    let key = random.u32(..2000).to_le_bytes();
                    set(shards, now, &key, &value).unwrap();
                    if thread == 0 && step % 500 == 0 {
                        let budget = if step % 1000 == 0 { 12 } else { 16 };
                        shards.set_memory(budget * MIB).unwrap();
                    }
                }
            });
        }
    });
    shards.set_memory(16 * MIB).unwrap();
    assert_eq!(shares(&shards).0, 16 * MIB);
}

#[test]
fn a_large_value_after_a_lower_budget_evicts_little_more_than_it_needs() {
    let shards = Shards::with_count(&config(64 * MIB), 4, GROWTH).unwrap();
    let evictions = || shards.stats().evictions;
    let mut number = 0_u32;
    while evictions() == 0 {
        number += 1;
        set(&shards, NOW, &number.to_le_bytes(), &[0; 1000]).unwrap();
    }
    shards.set_memory(8 * MIB).unwrap();
    let before = evictions();
    set(&shards, NOW, b"large", &[0; 500_000]).unwrap();
    // Ten times its size; what is beyond the budget is a hundred times that.
    let evicted = evictions() - before;
    assert!((1..5000).contains(&evicted), "{evicted}");
    // And what the budget has no room for any more goes in its time.
    while shards.maintain_all(NOW, 8) == 8 {}
    assert!(shares(&shards).1 <= 8 * MIB);
}

/// The table of what was evicted is made for a fixed memory.
#[test]
fn shares_stay_with_policies_that_remember_what_was_evicted() {
    for policy in [Policy::S3Lru, Policy::Density, Policy::DensityFull] {
        let mut config = config(16 * MIB);
        config.policy = policy;
        let shards = Shards::with_count(&config, 4, GROWTH).unwrap();
        // All but a few keys are of one shard, which would take from the others.
        for number in 0..200_000_u32 {
            let key = number.to_le_bytes();
            let is_first = shards.index_of(&shards.key(&key)) == 0;
            if is_first || number % 64 == 0 {
                set(&shards, NOW, &key, &[0; 300]).unwrap();
            }
        }
        let mut evicted = Vec::new();
        shards.for_each(|shard| {
            let stats = shard.stats();
            assert_eq!(stats.limit_maxbytes, 4 * MIB as u64, "{policy:?}");
            assert_eq!(stats.evicted_new, stats.evictions);
            shard.check();
            evicted.push(stats.evictions);
        });
        assert!(evicted[0] > 30_000 && evicted[1..] == [0; 3], "{evicted:?}");
    }
}

/// Where no addresses are set aside a shard is copied to grow, which only large values are worth.
#[test]
fn large_values_get_the_memory_of_other_shards_also_where_a_shard_is_copied() {
    for set_aside in [true, false] {
        let growth = Growth {
            max: 64 << 20,
            set_aside,
        };
        let shards = Shards::with_count(&Config::new(16 << 20), 8, growth).unwrap();
        for number in 0..12_u8 {
            let bytes = [number];
            let key = shards.key(&bytes);
            let shard = shards.lock(shards.index_of(&key));
            let now = Instant::from_secs(1);
            let mut shard = shards.with_room(&key, shard, now, 1_000_000, false);
            shard.set(now, key, &[0; 1_000_000]).unwrap();
        }
        assert_eq!(shards.stats().evictions, 0, "{set_aside}");
    }
}

/// Also if a test fails.
struct EndOfPopulating<'s>(&'s Shards);

impl Drop for EndOfPopulating<'_> {
    fn drop(&mut self) {
        self.0.end_populating();
    }
}

/// A thread has memory cleared while others store in it, and the budget falls and rises.
#[test]
fn every_value_stays_while_memory_is_populated_and_the_budget_changes() {
    let shards = Shards::with_count(&config(96 * MIB), 4, GROWTH).unwrap();
    let value = |number: u32| vec![number as u8 | 1; 500 + number as usize % 500];
    std::thread::scope(|scope| {
        scope.spawn(|| while shards.populate() {});
        let _end = EndOfPopulating(&shards);
        let writers = [0, 1].map(|half| {
            let (shards, value) = (&shards, &value);
            scope.spawn(move || {
                for number in (half..90_000_u32).step_by(2) {
                    set(shards, NOW, &number.to_le_bytes(), &value(number)).unwrap();
                }
            })
        });
        // The last one is whichever is in force when they are done.
        for memory in [200, 60, 150, 40, 96].into_iter().cycle() {
            shards.set_memory(memory * MIB).unwrap();
            if writers.iter().all(|writer| writer.is_finished()) {
                break;
            }
        }
    });
    let mut found = 0;
    for number in 0..90_000_u32 {
        let bytes = number.to_le_bytes();
        let key = shards.key(&bytes);
        let mut shard = shards.lock(shards.index_of(&key));
        if let Some(item) = shard.get(NOW, key) {
            assert_eq!(item.value, &value(number)[..]);
            found += 1;
        }
    }
    assert!(found > 10_000, "{found}");
}
