//! The counters of several caches add up to those of all.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use core::time::Duration;
use std::collections::BTreeMap;

use dynamidb_core::{
    Cache, ArithmeticOptions, Config, DeleteOptions, Expiry, GetOptions, Instant, Policy, Session,
    SessionConfig, SlabStats, Stats, SetMode, SetOptions, Value,
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

/// What an operation adds to the counters, `name+2` where it counts twice, in a cache with
/// a number `n` and a text `k`, whose cas it is given.
fn counted(operate: impl FnOnce(&mut Cache, u64)) -> String {
    let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
    cache.set(NOW, "n", "10").unwrap();
    cache.set(NOW, "k", "text").unwrap();
    let cas = cache.peek(NOW, "k").unwrap().cas;
    let before = counters(&cache.stats());
    operate(&mut cache, cas);
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
    counted.join(" ")
}

/// A result that makes no difference here.
fn ignore<T>(_: T) {}

#[test]
fn each_operation_counts_as_what_it_is_and_as_what_it_found() {
    let large = vec![b'v'; 64 * 1024];
    let past = Expiry::At(Instant::from_millis(1));
    let fetch = |key: &'static str, change: fn(&mut GetOptions)| {
        let mut options = GetOptions::default();
        change(&mut options);
        counted(|cache, _| ignore(cache.get_with(NOW, key, &options)))
    };
    let store = |key: &'static str, change: fn(&mut SetOptions, u64)| {
        counted(|cache, cas| {
            let mut options = SetOptions::default();
            change(&mut options, cas);
            ignore(cache.set_with(NOW, key, "value", &options));
        })
    };
    let delete = |key: &'static str, change: fn(&mut DeleteOptions, u64)| {
        counted(|cache, cas| {
            let mut options = DeleteOptions::default();
            change(&mut options, cas);
            ignore(cache.delete_with(NOW, key, &options));
        })
    };
    let calculate = |key: &'static str, change: fn(&mut ArithmeticOptions, u64)| {
        counted(|cache, cas| {
            let mut options = ArithmeticOptions::default();
            change(&mut options, cas);
            ignore(cache.arithmetic_with(NOW, key, &options));
        })
    };
    let operations = [
        (
            "get",
            "cmd_get get_hits",
            counted(|c, _| ignore(c.get(NOW, "k").is_some())),
        ),
        (
            "get: miss",
            "cmd_get get_misses",
            counted(|c, _| ignore(c.get(NOW, "x").is_some())),
        ),
        (
            "peek",
            "",
            counted(|c, _| ignore(c.peek(NOW, "k").is_some())),
        ),
        (
            "peek: miss",
            "",
            counted(|c, _| ignore(c.peek(NOW, "x").is_some())),
        ),
        (
            "touch",
            "cmd_touch touch_hits",
            counted(|c, _| ignore(c.touch(NOW, "k", Expiry::Never))),
        ),
        (
            "touch: miss",
            "cmd_touch touch_misses",
            counted(|c, _| ignore(c.touch(NOW, "x", Expiry::Never))),
        ),
        (
            "set",
            "cmd_set total_items",
            counted(|c, _| ignore(c.set(NOW, "x", "v"))),
        ),
        (
            "set: over",
            "cmd_set total_items",
            counted(|c, _| ignore(c.set(NOW, "k", "v"))),
        ),
        (
            "set: past",
            "cmd_set total_items",
            counted(|c, _| ignore(c.set(NOW, "x", Value::from("v").expire(past)))),
        ),
        (
            "set: large",
            "cmd_set store_too_large",
            counted(|c, _| ignore(c.set(NOW, "x", &*large))),
        ),
        (
            "add",
            "cmd_set total_items",
            counted(|c, _| ignore(c.add(NOW, "x", "v"))),
        ),
        (
            "add: there",
            "cmd_set",
            counted(|c, _| ignore(c.add(NOW, "k", "v"))),
        ),
        (
            "replace",
            "cmd_set total_items",
            counted(|c, _| ignore(c.replace(NOW, "k", "v"))),
        ),
        (
            "replace: miss",
            "cmd_set",
            counted(|c, _| ignore(c.replace(NOW, "x", "v"))),
        ),
        (
            "replace: large",
            "cmd_set store_too_large",
            counted(|c, _| ignore(c.replace(NOW, "k", &*large))),
        ),
        (
            "cas",
            "cas_hits cmd_set total_items",
            counted(|c, cas| ignore(c.compare_and_swap(NOW, "k", "v", cas))),
        ),
        (
            "cas: other",
            "cas_badval cmd_set",
            counted(|c, cas| ignore(c.compare_and_swap(NOW, "k", "v", cas + 1))),
        ),
        (
            "cas: miss",
            "cas_misses cmd_set",
            counted(|c, cas| ignore(c.compare_and_swap(NOW, "x", "v", cas))),
        ),
        (
            "append",
            "cmd_set total_items",
            counted(|c, _| ignore(c.append(NOW, "k", b"v"))),
        ),
        (
            "append: miss",
            "cmd_set",
            counted(|c, _| ignore(c.append(NOW, "x", b"v"))),
        ),
        (
            "append: large",
            "cmd_set store_too_large",
            counted(|c, _| ignore(c.append(NOW, "k", &large))),
        ),
        (
            "prepend",
            "cmd_set total_items",
            counted(|c, _| ignore(c.prepend(NOW, "k", b"v"))),
        ),
        (
            "incr",
            "incr_hits",
            counted(|c, _| ignore(c.increment(NOW, "n", 1))),
        ),
        (
            "incr: longer",
            "incr_hits total_items",
            counted(|c, _| ignore(c.increment(NOW, "n", 90))),
        ),
        (
            "incr: miss",
            "incr_misses",
            counted(|c, _| ignore(c.increment(NOW, "x", 1))),
        ),
        (
            "incr: text",
            "",
            counted(|c, _| ignore(c.increment(NOW, "k", 1))),
        ),
        (
            "decr",
            "decr_hits",
            counted(|c, _| ignore(c.decrement(NOW, "n", 1))),
        ),
        (
            "decr: miss",
            "decr_misses",
            counted(|c, _| ignore(c.decrement(NOW, "x", 1))),
        ),
        (
            "delete",
            "delete_hits",
            counted(|c, _| ignore(c.delete(NOW, "k"))),
        ),
        (
            "delete: miss",
            "delete_misses",
            counted(|c, _| ignore(c.delete(NOW, "x"))),
        ),
        ("clear", "cmd_flush", counted(|c, _| c.clear())),
        (
            "clear at",
            "cmd_flush",
            counted(|c, _| c.flush_at(Instant::from_secs(9))),
        ),
        ("mg", "cmd_get get_hits", fetch("k", |_| {})),
        ("mg: miss", "cmd_get get_misses", fetch("x", |_| {})),
        (
            "mg T",
            "cmd_touch touch_hits",
            fetch("k", |options| options.touch = Some(Expiry::Never)),
        ),
        (
            "mg T: miss",
            "cmd_get get_misses",
            fetch("x", |options| options.touch = Some(Expiry::Never)),
        ),
        (
            "mg N",
            "cmd_get get_hits",
            fetch("k", |options| options.vivify = Some(Expiry::Never)),
        ),
        (
            "mg N: miss",
            "cmd_get get_hits total_items",
            fetch("x", |options| options.vivify = Some(Expiry::Never)),
        ),
        ("ms", "cmd_set total_items", store("k", |_, _| {})),
        (
            "ms C",
            "cas_hits cmd_set total_items",
            store("k", |options, cas| options.compare = Some(cas)),
        ),
        (
            "ms C: other",
            "cas_badval cmd_set",
            store("k", |options, cas| options.compare = Some(cas + 1)),
        ),
        (
            "ms C: miss",
            "cas_misses cmd_set",
            store("x", |options, cas| options.compare = Some(cas)),
        ),
        (
            "ms C I",
            "cas_hits cmd_set total_items",
            store("k", |options, cas| {
                (options.compare, options.invalidate) = (Some(cas - 1), true);
            }),
        ),
        (
            "ms MA",
            "cmd_set total_items",
            store("k", |options, _| options.mode = SetMode::Append),
        ),
        (
            "ms MA N: miss",
            "cmd_set total_items",
            store("x", |options, _| {
                (options.mode, options.vivify) = (SetMode::Append, Some(Expiry::Never));
            }),
        ),
        ("md", "delete_hits", delete("k", |_, _| {})),
        ("md: miss", "delete_misses", delete("x", |_, _| {})),
        (
            "md C: other",
            "delete_misses",
            delete("k", |options, cas| options.compare = Some(cas + 1)),
        ),
        (
            "md I",
            "",
            delete("k", |options, _| options.invalidate = true),
        ),
        (
            "md x",
            "delete_hits total_items",
            delete("k", |options, _| options.clear = true),
        ),
        (
            "md I x",
            "total_items",
            delete("k", |options, _| {
                (options.invalidate, options.clear) = (true, true);
            }),
        ),
        ("ma", "incr_hits", calculate("n", |_, _| {})),
        (
            "ma MD",
            "decr_hits",
            calculate("n", |options, _| options.decrement = true),
        ),
        ("ma: miss", "incr_misses", calculate("x", |_, _| {})),
        (
            "ma MD: miss",
            "decr_misses",
            calculate("x", |options, _| options.decrement = true),
        ),
        (
            "ma C: other",
            "",
            calculate("n", |options, cas| options.compare = Some(cas)),
        ),
        (
            "ma N: miss",
            "total_items",
            calculate("x", |options, _| options.initial = Some((7, Expiry::Never))),
        ),
    ];
    for (operation, expected, counts) in operations {
        assert_eq!(counts, expected, "{operation}");
    }
}
