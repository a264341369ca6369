//! The counters of several caches add up to those of all.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use core::time::Duration;
use std::collections::BTreeMap;

use dynamidb_core::{
    ArithmeticOptions, Cache, Cas, Config, DeleteOptions, Expiry, GetOptions, Instant, Policy,
    Session, SessionConfig, SetMode, SetOptions, SlabStats, Stats, Value,
};

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
    let cas = cache.get(NOW, "c").unwrap().cas.unwrap();
    assert!(cache.compare_and_swap(NOW, "c", "2", cas).is_ok());
    assert!(cache.set(NOW, "c", &vec![0; 64 * 1024][..]).is_err());
    // Found too late, by a request and by upkeep.
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
    // The lookup sweeps the item out, and the flush goes on.
    let key = cache.items().next().expect("it is full").key.to_vec();
    cache.flush_prefix(&key).unwrap();
    assert!(cache.get(now, &key[..]).is_none());
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
        cache(Policy::S3Lru, 300),
    ];
    let all = caches.each_ref().map(Cache::stats);
    let mut sum = Stats::default();
    all.iter().for_each(|stats| sum.add(stats));
    let all = all.each_ref().map(counters);
    for (name, sum) in counters(&sum) {
        let counts = all.iter().map(|counters| counters[&name]);
        // One flush is a flush of each cache.
        let expected = match &*name {
            "cmd_flush" | "cmd_flush_prefix" | "flush_prefix_active" | "expiry_lag_max" => {
                counts.max().unwrap()
            }
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

/// Does an operation in a cache with a number `n` and a text `k`, whose cas it is given, and makes
/// sure that it adds this to the counters: `name`, or `name+2` where it counts twice.
#[track_caller]
fn counts<T>(expected: &str, operate: impl FnOnce(&mut Cache, u64) -> T) {
    let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
    cache.set(NOW, "n", "10").unwrap();
    cache.set(NOW, "k", "text").unwrap();
    let cas = cache.peek(NOW, "k").unwrap().cas;
    let before = counters(&cache.stats());
    operate(&mut cache, cas.unwrap().get());
    let mut counted = Vec::new();
    for (name, after) in counters(&cache.stats()) {
        let about_memory = ["bytes", "curr_items", "unused_pages"].contains(&&*name);
        match after.abs_diff(before[&name]) {
            0 => {}
            _ if about_memory => {}
            1 => counted.push(name),
            more => counted.push(format!("{name}+{more}")),
        }
    }
    assert_eq!(counted.join(" "), expected);
}

static LARGE: [u8; 64 * 1024] = [b'v'; 64 * 1024];

#[test]
fn a_lookup_counts_as_what_it_is_and_as_what_it_found() {
    counts("cmd_get get_hits", |c, _| c.get(NOW, "k").is_some());
    counts("cmd_get get_misses", |c, _| c.get(NOW, "x").is_some());
    counts("", |c, _| c.peek(NOW, "k").is_some());
    counts("", |c, _| c.peek(NOW, "x").is_some());
    let never = Expiry::Never;
    counts("cmd_touch touch_hits", |c, _| c.touch(NOW, "k", never));
    counts("cmd_touch touch_misses", |c, _| c.touch(NOW, "x", never));
    let fetch = |expected, key: &str, change: fn(&mut GetOptions)| {
        let mut options = GetOptions::default();
        change(&mut options);
        counts(expected, |c, _| c.get_with(NOW, key, &options).is_some());
    };
    fetch("cmd_get get_hits", "k", |_| {});
    fetch("cmd_get get_misses", "x", |_| {});
    let touch: fn(&mut GetOptions) = |options| options.touch = Some(Expiry::Never);
    fetch("cmd_touch touch_hits", "k", touch);
    fetch("cmd_get get_misses", "x", touch);
    let vivify: fn(&mut GetOptions) = |options| options.vivify = Some(Expiry::Never);
    fetch("cmd_get get_hits", "k", vivify);
    fetch("cmd_get get_hits total_items", "x", vivify);
}

#[test]
fn a_store_counts_as_what_it_is_and_as_what_it_found() {
    let past = Value::from("v").expire(Expiry::At(Instant::from_millis(1)));
    let large = "cmd_set store_too_large";
    counts("cmd_set total_items", |c, _| c.set(NOW, "x", "v"));
    counts("cmd_set total_items", |c, _| c.set(NOW, "k", "v"));
    counts("cmd_set total_items", |c, _| c.set(NOW, "x", past));
    counts(large, |c, _| c.set(NOW, "x", &LARGE));
    counts("cmd_set total_items", |c, _| c.add(NOW, "x", "v"));
    counts("cmd_set", |c, _| c.add(NOW, "k", "v"));
    counts("cmd_set total_items", |c, _| c.replace(NOW, "k", "v"));
    counts("cmd_set", |c, _| c.replace(NOW, "x", "v"));
    counts(large, |c, _| c.replace(NOW, "k", &LARGE));
    counts("cmd_set total_items", |c, _| c.append(NOW, "k", b"v"));
    counts("cmd_set total_items", |c, _| c.prepend(NOW, "k", b"v"));
    counts("cmd_set", |c, _| c.append(NOW, "x", b"v"));
    counts(large, |c, _| c.append(NOW, "k", &LARGE));
    let compare = |expected, key: &str, add: u64| {
        counts(expected, |c, cas| {
            c.compare_and_swap(NOW, key, "v", Cas::new(cas + add).unwrap())
        });
    };
    compare("cas_hits cmd_set total_items", "k", 0);
    compare("cas_badval cmd_set", "k", 1);
    compare("cas_misses cmd_set", "x", 0);
}

#[test]
fn a_store_with_options_counts_as_what_it_is_and_as_what_it_found() {
    let store = |expected, key: &str, change: fn(&mut SetOptions, u64)| {
        counts(expected, |cache, cas| {
            let mut options = SetOptions::default();
            change(&mut options, cas);
            cache.set_with(NOW, key, "value", &options)
        });
    };
    let same: fn(&mut SetOptions, u64) = |options, cas| options.compare = Some(cas);
    store("cmd_set total_items", "k", |_, _| {});
    store("cas_hits cmd_set total_items", "k", same);
    store("cas_misses cmd_set", "x", same);
    store("cas_badval cmd_set", "k", |options, cas| {
        options.compare = Some(cas + 1);
    });
    store("cas_hits cmd_set total_items", "k", |options, cas| {
        (options.compare, options.invalidate) = (Some(cas - 1), true);
    });
    store("cmd_set total_items", "k", |options, _| {
        options.mode = SetMode::Append;
    });
    store("cmd_set total_items", "x", |options, _| {
        (options.mode, options.vivify) = (SetMode::Append, Some(Expiry::Never));
    });
}

#[test]
fn a_deletion_counts_as_what_it_is_and_as_what_it_found() {
    counts("delete_hits", |c, _| c.delete(NOW, "k"));
    counts("delete_misses", |c, _| c.delete(NOW, "x"));
    counts("cmd_flush", |c, _| c.clear());
    let flush = |cache: &mut Cache, prefix: &str| cache.flush_prefix(prefix.as_bytes());
    counts("cmd_flush_prefix flush_prefix_active", |c, _| flush(c, "k"));
    counts("", |c, _| flush(c, "").is_err());
    let expected = "cmd_flush_prefix delete_misses flush_prefix_active flush_prefix_items";
    counts(expected, |c, _| flush(c, "k").is_ok() && c.delete(NOW, "k"));
    counts("cmd_flush", |c, _| c.flush_at(Instant::from_secs(9)));
    let delete = |expected, key: &str, change: fn(&mut DeleteOptions, u64)| {
        counts(expected, |cache, cas| {
            let mut options = DeleteOptions::default();
            change(&mut options, cas);
            cache.delete_with(NOW, key, &options)
        });
    };
    delete("delete_hits", "k", |_, _| {});
    delete("delete_misses", "x", |_, _| {});
    delete("delete_misses", "k", |options, cas| {
        options.compare = Some(cas + 1);
    });
    // An item that is out of date is still there.
    delete("", "k", |options, _| options.invalidate = true);
    delete("delete_hits total_items", "k", |options, _| {
        options.clear = true;
    });
    delete("total_items", "k", |options, _| {
        (options.invalidate, options.clear) = (true, true);
    });
}

#[test]
fn arithmetic_counts_as_what_it_is_and_as_what_it_found() {
    counts("incr_hits", |c, _| c.increment(NOW, "n", 1));
    // A number that gets longer is a new item.
    counts("incr_hits total_items", |c, _| c.increment(NOW, "n", 90));
    counts("incr_misses", |c, _| c.increment(NOW, "x", 1));
    counts("", |c, _| c.increment(NOW, "k", 1));
    counts("decr_hits", |c, _| c.decrement(NOW, "n", 1));
    counts("decr_misses", |c, _| c.decrement(NOW, "x", 1));
    let calculate = |expected, key: &str, change: fn(&mut ArithmeticOptions, u64)| {
        counts(expected, |cache, cas| {
            let mut options = ArithmeticOptions::default();
            change(&mut options, cas);
            cache.arithmetic_with(NOW, key, &options)
        });
    };
    let down: fn(&mut ArithmeticOptions, u64) = |options, _| options.decrement = true;
    calculate("incr_hits", "n", |_, _| {});
    calculate("incr_misses", "x", |_, _| {});
    calculate("decr_hits", "n", down);
    calculate("decr_misses", "x", down);
    calculate("", "n", |options, cas| options.compare = Some(cas));
    calculate("total_items", "x", |options, _| {
        options.initial = Some((7, Expiry::Never));
    });
}
