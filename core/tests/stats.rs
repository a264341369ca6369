//! The counters of several caches add up to those of all.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use core::time::Duration;
use std::collections::BTreeMap;

use dynamidb_core::{Cache, Config, Expiry, Instant, Policy, SlabStats, Stats, Value};
use dynamidb_core::{Session, SessionConfig};

const NOW: Instant = Instant::from_secs(1);

/// A cache in which everything was counted that can be, with this policy, from this number on.
fn cache(policy: Policy, start: u32) -> Cache {
    let mut config = Config::new(64 * 1024);
    config.policy = policy;
    let mut cache = Cache::new(config).unwrap();
    let input = b"flush_all\r\nset n 0 0 2\r\n10\r\nincr n 1\r\nincr absent 1\r\ndecr n 1\r\n\
        decr absent 1\r\ngets n absent\r\ncas n 0 0 1 99999\r\n1\r\ncas absent 0 0 1 1\r\n1\r\n\
        touch n 0\r\ntouch absent 0\r\ndelete absent\r\nme n\r\ndelete n\r\n";
    let mut session = Session::new(SessionConfig::default());
    let mut used = 0;
    while used < input.len() {
        used += session.process(NOW, &input[used..], &mut cache, &mut Vec::new());
    }
    cache.set(NOW, "c", "1").unwrap();
    let cas = cache.get(NOW, "c").unwrap().cas;
    assert!(cache.compare_and_swap(NOW, "c", "2", cas).is_ok());
    assert!(cache.set(NOW, "c", &vec![0; 64 * 1024][..]).is_err());
    // Found too late, by whoever asks and by upkeep.
    let brief = Value::from("v").expire(Expiry::After(Duration::from_secs(1)));
    cache.set(NOW, "asked", brief).unwrap();
    cache.set(NOW, "unasked", brief).unwrap();
    let now = Instant::from_millis(2000 + u64::from(start));
    assert!(cache.get(now, "asked").is_none());
    cache.maintain(now + Duration::from_secs(1), 8);
    let now = now + Duration::from_secs(1);
    // More than there is room for, in two sizes, so that chunks have to move.
    for number in start..start + 1500 {
        let size = if number % 1000 < 500 { 10 } else { 900 };
        let _ = cache.set(now, &number.to_le_bytes(), &vec![0; size][..]);
        if number % 3 > 0 {
            cache.delete(now, &(number - 20).to_le_bytes());
        }
    }
    cache.check();
    cache
}

/// Each counter by its name.
fn counters(stats: &Stats) -> BTreeMap<String, u64> {
    let text = format!("{stats:?}");
    let fields = text.trim_start_matches("Stats {").trim_end_matches('}');
    let field = |field: &str| {
        let (name, number) = field.split_once(": ").unwrap();
        (name.trim().to_owned(), number.trim().parse().unwrap())
    };
    fields.split(", ").map(field).collect()
}

#[test]
fn the_counters_of_all_caches_add_up_by_name() {
    let caches = [
        cache(Policy::Lru, 100),
        cache(Policy::Refuse, 200),
        cache(Policy::Lru, 300),
    ];
    let all = caches.each_ref().map(Cache::stats);
    let mut sum = Stats::default();
    all.iter().for_each(|stats| sum.add(stats));
    let all = all.each_ref().map(counters);
    for (name, sum) in counters(&sum) {
        let counts = all.iter().map(|counters| counters[&name]);
        // One flush is a flush of each cache.
        let expected = match &*name {
            "cmd_flush" | "expiry_lag_max" => counts.max().unwrap(),
            _ => counts.sum(),
        };
        assert!(expected > 0, "nothing that is done here counts as {name}");
        assert_eq!(sum, expected, "{name}");
    }
}

#[test]
fn the_slabs_of_all_caches_add_up() {
    let caches = [cache(Policy::Lru, 100), cache(Policy::Refuse, 200)];
    let [one, other] = caches
        .each_ref()
        .map(|cache| cache.slabs().collect::<Vec<_>>());
    let numbers = |slab: &SlabStats| [slab.pages, slab.chunks, slab.used_chunks, slab.items];
    let mut met = 0;
    for (one, other) in one.iter().zip(&other) {
        let mut sum = *one;
        sum.add(other);
        assert_eq!(sum.chunk_size, one.chunk_size);
        for ((sum, one), other) in numbers(&sum)
            .into_iter()
            .zip(numbers(one))
            .zip(numbers(other))
        {
            assert_eq!(sum, one + other);
            met += usize::from(one > 1 && other > 1);
        }
    }
    assert!(met >= 4, "{met}");
}
