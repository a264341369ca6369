//! What a cache says of its use, against what is true: predictions against caches that have the
//! memory, and hot keys against counts of every request.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::time::Duration;

use dynamidb_core::insight::{MissRatioCurve, REQUESTS_PER_SAMPLE};
use dynamidb_core::snapshot::Record;
use dynamidb_core::{Cache, Config, Expiry, Instant, Stats, Value};

const FACTORS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
const MEMORY: usize = 4 << 20;

/// A load of clients that ask for a key, and store it if it is not there.
struct Load {
    keys: u64,
    /// Bytes of the value under a key.
    value_len: fn(u64) -> usize,
    ttl: Option<Duration>,
}

impl Load {
    /// The keys that are asked for: number n about n times less often than the first.
    fn requests(&self) -> impl Iterator<Item = u64> {
        let mut random = fastrand::Rng::with_seed(11);
        let keys = self.keys as f64;
        (0..600_000).map(move |_| keys.powf(random.f64()) as u64)
    }

    /// Runs it on some shards; gives the hit ratio from request `since` on, and the caches.
    fn run(&self, memory: usize, shards: usize, insight: bool, since: usize) -> (f64, Vec<Cache>) {
        let mut caches: Vec<_> = (0..shards)
            .map(|shard| {
                let mut config = Config::new(memory / shards);
                (config.shard, config.shard_count) = (shard as u16, shards as u16);
                config.insight = insight;
                // As a server: the budget is for the items.
                Cache::with_memory(config, vec![0; memory / shards]).unwrap()
            })
            .collect();
        let value = vec![0; 1 << 16];
        let (mut hits, mut reads) = (0_u32, 0_u32);
        for (number, key) in self.requests().enumerate() {
            let now = Instant::from_millis(number as u64 / 10);
            let name = format!("key:{key:08}");
            let cache = &mut caches[key as usize % shards];
            let is_hit = cache.get(now, &*name).is_some();
            if !is_hit {
                let mut value = Value::from(&value[..(self.value_len)(key)]);
                if let Some(ttl) = self.ttl {
                    value = value.expire(Expiry::After(ttl));
                }
                cache.set(now, &*name, value).unwrap();
            }
            if number >= since {
                (hits, reads) = (hits + u32::from(is_hit), reads + 1);
            }
        }
        (f64::from(hits) / f64::from(reads), caches)
    }

    /// How many requests it takes until something is evicted.
    fn until_full(&self, memory: usize) -> usize {
        let mut cache = Cache::with_memory(Config::new(0), vec![0; memory]).unwrap();
        let value = vec![0; 1 << 16];
        let store = |key: &u64| {
            let value = &value[..(self.value_len)(*key)];
            let now = Instant::from_secs(0);
            cache.set(now, &*format!("key:{key:08}"), value).unwrap();
            cache.stats().evictions == 0
        };
        self.requests().take_while(store).count()
    }
}

fn curve(caches: &[Cache]) -> MissRatioCurve {
    let curves = caches.iter().map(|cache| cache.miss_ratio_curve().unwrap());
    curves
        .reduce(|mut sum, curve| {
            sum.merge(&curve);
            sum
        })
        .unwrap()
}

/// Sizes as they are in caches: most are small, some take most of the memory.
fn mixed_sizes(key: u64) -> usize {
    match key.wrapping_mul(0x9E37_79B9) >> 7 & 31 {
        0 => 4000,
        1..8 => 500,
        _ => 60,
    }
}

#[test]
fn predictions_agree_with_caches_that_have_the_memory() {
    let brief = Duration::from_secs(8);
    for (name, keys, value_len, ttl, shards) in [
        ("one size", 60_000, (|_| 200) as fn(u64) -> usize, None, 1),
        ("one size, four shards", 60_000, |_| 200, None, 4),
        ("mixed sizes", 90_000, mixed_sizes, None, 1),
        ("mixed sizes, four shards", 90_000, mixed_sizes, None, 4),
        ("items that expire", 60_000, |_| 200, Some(brief), 1),
    ] {
        let load = Load {
            keys,
            value_len,
            ttl,
        };
        let since = load.until_full(MEMORY);
        let (_, caches) = load.run(MEMORY, shards, true, since);
        let curve = curve(&caches);
        assert!(curve.is_ready(), "{name}: {curve:?}");
        for factor in FACTORS {
            let memory = (MEMORY as f64 * factor) as usize;
            let (truth, _) = load.run(memory, shards, false, since);
            let predicted = curve.predict(factor).unwrap();
            let error = (predicted.hit_ratio - truth).abs();
            assert!(error < 0.025, "{name}, {factor}: {truth} {predicted:?}");
        }
    }
}

#[test]
fn no_hit_ratio_is_predicted_until_the_cache_was_full_and_enough_was_read() {
    let mut config = Config::new(MEMORY);
    config.insight = true;
    let mut cache = Cache::new(config).unwrap();
    let now = Instant::from_secs(0);
    let mut steps = 0_u32;
    let mut was_ready = false;
    for key in (0..30_000_u32).cycle().take(300_000) {
        let name = key.to_le_bytes();
        if cache.get(now, &name).is_none() {
            cache.set(now, &name, &[0; 200]).unwrap();
        }
        steps += 1;
        if steps.is_multiple_of(1000) {
            let curve = cache.miss_ratio_curve().unwrap();
            let is_full = cache.stats().evictions > 0;
            let is_ready = curve.predict(2.0).is_some();
            assert!(is_full || !is_ready, "after {steps} requests");
            assert!(!was_ready || is_ready, "after {steps} requests");
            assert_eq!(curve.is_ready(), is_ready);
            was_ready = is_ready;
        }
    }
    let curve = cache.miss_ratio_curve().unwrap();
    assert!(was_ready && curve.samples() >= MissRatioCurve::SAMPLES_MIN);
    for outside in [0.0, 0.06, 4.01, f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(curve.predict(outside), None, "{outside}");
    }
}

/// A shard is made with room for the largest budget that there may be, and gets its share then.
#[test]
fn a_curve_is_of_the_budget_that_was_set_last() {
    let load = Load {
        keys: 60_000,
        value_len: |_| 200,
        ttl: None,
    };
    let mut config = Config::new(0);
    config.insight = true;
    let mut cache = Cache::with_memory(config, vec![0; 256 << 20]).unwrap();
    cache.set_memory(MEMORY).unwrap();
    for key in load.requests() {
        let name = format!("key:{key:08}");
        if cache.get(Instant::from_secs(0), &*name).is_none() {
            cache.set(Instant::from_secs(0), &*name, &[0; 200]).unwrap();
        }
    }
    let (_, caches) = load.run(MEMORY, 1, true, 0);
    let [curve, other] = [&cache, &caches[0]].map(|cache| cache.miss_ratio_curve().unwrap());
    // The records of a larger memory take some of it.
    assert!(curve.keys().abs_diff(other.keys()) < 100);
    let [predicted, truth] = [&curve, &other].map(|curve| curve.predict(2.0).unwrap().hit_ratio);
    assert!(
        (predicted - truth).abs() < 0.01,
        "{predicted} instead of {truth}"
    );
    // Half of it is about the same; less is another cache.
    cache.set_memory(MEMORY / 2).unwrap();
    assert!(cache.miss_ratio_curve().unwrap().keys() > 0);
    cache.set_memory(MEMORY / 2 - 1).unwrap();
    assert_eq!(cache.miss_ratio_curve().unwrap().keys(), 0);
}

/// Counters that are reset do not change what is known, nor does a flush.
#[test]
fn the_curve_outlives_its_counters() {
    let load = Load {
        keys: 60_000,
        value_len: |_| 200,
        ttl: None,
    };
    let (_, mut caches) = load.run(MEMORY, 1, true, 0);
    let cache = &mut caches[0];
    let before = cache.miss_ratio_curve().unwrap();
    cache.reset_stats();
    let after = cache.miss_ratio_curve().unwrap();
    assert_eq!(before.measured(), after.measured());
    assert_eq!(before.predict(2.0), after.predict(2.0));
    assert_eq!(cache.stats().get_hits, Stats::default().get_hits);
    cache.clear();
    let flushed = cache.miss_ratio_curve().unwrap();
    assert_eq!((flushed.keys(), flushed.measured()), (0, before.measured()));
    assert_eq!(cache.hot_keys(Instant::from_secs(60)).count(), 0);
}

#[test]
fn the_hottest_keys_are_those_that_were_asked_for_most() {
    let mut config = Config::new(MEMORY);
    config.insight = true;
    let mut cache = Cache::new(config).unwrap();
    let load = Load {
        keys: 60_000,
        value_len: |_| 200,
        ttl: None,
    };
    let now = Instant::from_secs(0);
    let mut counts = HashMap::new();
    for key in load.requests() {
        let name = format!("key:{key:08}");
        *counts.entry(name.clone()).or_insert(0_u32) += 1;
        if key % 2 == 0 {
            cache.set(now, &*name, "value").unwrap();
        } else {
            cache.get(now, &*name);
        }
    }
    let mut hot: Vec<_> = cache.hot_keys(now).collect();
    hot.sort_by_key(|key| core::cmp::Reverse(key.samples));
    let total = cache.key_samples(now) as f64;
    let mut exact: Vec<_> = counts.into_iter().collect();
    exact.sort_by_key(|&(_, count)| core::cmp::Reverse(count));
    for (name, count) in &exact[..10] {
        let place = hot
            .iter()
            .position(|key| key.key == name.as_bytes())
            .unwrap();
        assert!(place < 20, "{name} is number {place}");
        let (truth, seen) = (
            f64::from(*count) / 600_000.0,
            f64::from(hot[place].samples) / total,
        );
        assert!(
            (seen - truth).abs() < 0.01,
            "{name}: {seen} instead of {truth}"
        );
        let reads = if name.as_bytes()[11] % 2 == 0 {
            0
        } else {
            hot[place].samples
        };
        assert!(hot[place].reads <= reads && hot[place].reads + hot[place].error >= reads);
    }
    assert!((total * f64::from(REQUESTS_PER_SAMPLE) / 600_000.0 - 1.0).abs() < 0.05);
}

#[test]
fn a_cache_that_was_not_asked_to_knows_nothing() {
    let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
    let now = Instant::from_secs(0);
    for number in 0..10_000_u32 {
        cache.get(now, &number.to_le_bytes());
    }
    assert!(cache.miss_ratio_curve().is_none());
    assert_eq!(
        (cache.hot_keys(now).count(), cache.key_samples(now)),
        (0, 0)
    );
}

#[test]
fn items_that_are_restored_are_no_requests() {
    let mut config = Config::new(4 << 20);
    config.insight = true;
    let mut cache = Cache::new(config).unwrap();
    let now = Instant::from_secs(100);
    for number in 0..20_000_u32 {
        let key = number.to_le_bytes();
        assert!(cache.restore(now, &Record::new(&key, b"value")).unwrap());
    }
    assert_eq!(
        (cache.key_samples(now), cache.hot_keys(now).count()),
        (0, 0)
    );
    for _ in 0..20_000 {
        assert!(cache.get(now, &7_u32.to_le_bytes()).is_some());
    }
    let hot: Vec<_> = cache.hot_keys(now).map(|hot| hot.key.to_vec()).collect();
    assert_eq!(hot, [7_u32.to_le_bytes()]);
}
