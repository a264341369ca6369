//! What programs see of a `SharedCache`.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynamidb_core::{
    Cas, CasOutcome, Config, ConfigError, Error, Expiry, Instant, Session, SessionConfig, Value,
};
use dynamidb_sync::{FakeClock, Growth, Shards, SharedCache};

const NOW: Instant = Instant::from_secs(1);

#[test]
fn every_operation_reaches_the_shard_of_its_key() {
    let clock = FakeClock::new(NOW);
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let cache = cache.with_clock(&clock);
    assert!(cache.shards() > 1 && cache.is_empty());
    for number in 0..100 {
        let key = format!("key {number}");
        assert!(cache.add(&key, "1").unwrap());
        assert!(!cache.add(&key, "2").unwrap());
        assert_eq!(cache.increment(&key, 41).unwrap(), Some(42));
        let cas = cache.read(&key, |item| item.cas).flatten().unwrap();
        let swapped = cache.compare_and_swap(&key, "43", cas).unwrap();
        assert_eq!(swapped, CasOutcome::Stored);
        assert_eq!(cache.get(&key).as_deref(), Some(&b"43"[..]));
        assert!(cache.touch(&key, Expiry::After(Duration::from_secs(1))));
    }
    assert_eq!((cache.len(), cache.stats().get_hits), (100, 200));
    assert!(cache.delete("key 0") && !cache.delete("key 0"));
    clock.advance(Duration::from_secs(2));
    while cache.maintain(8) > 0 {}
    assert_eq!((cache.len(), cache.stats().reclaimed), (0, 99));
    cache.set("key", "value").unwrap();
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn an_invalid_configuration_is_an_error_that_names_the_setting() {
    let error = SharedCache::new(&Config::new(1000), 1).unwrap_err();
    let ConfigError::MemoryTooSmall(least) = error else {
        panic!("{error}");
    };
    assert!(SharedCache::new(&Config::new(least), 1).is_ok());
    let cache = SharedCache::new(&Config::new(1 << 20), 1).unwrap();
    cache.set_memory(1 << 19).unwrap();
    let error = cache.set_memory(1 << 21).unwrap_err();
    assert!(matches!(error, ConfigError::MemoryTooLarge(_)), "{error}");
}

#[test]
fn maintain_does_at_most_limit_steps_and_fewer_only_when_nothing_is_left() {
    let clock = FakeClock::default();
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let cache = cache.with_clock(&clock);
    let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
    for number in 0..10_000 {
        cache.set(format!("{number}"), brief("value")).unwrap();
    }
    clock.advance(Duration::from_secs(2));
    assert_eq!(cache.maintain(0), 0);
    let mut calls = 0;
    while cache.maintain(3) == 3 {
        calls += 1;
    }
    assert!(calls > 8, "{calls}");
    assert_eq!((cache.maintain(usize::MAX), cache.len()), (0, 0));
}

#[test]
fn clear_counts_as_one_flush() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    assert!(cache.shards() > 1);
    cache.clear();
    assert_eq!(cache.stats().cmd_flush, 1);
    cache.clear();
    assert_eq!(cache.stats().cmd_flush, 2);
}

#[test]
fn flush_prefix_reaches_all_shards_and_counts_once() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    assert!(cache.shards() > 1);
    for number in 0..1000 {
        cache.set(format!("p:{number}"), "old").unwrap();
        cache.set(format!("q:{number}"), "old").unwrap();
    }
    cache.flush_prefix("p:").unwrap();
    for number in 0..1000 {
        assert!(cache.get(format!("p:{number}")).is_none());
        assert!(cache.get(format!("q:{number}")).is_some());
    }
    assert_eq!(cache.stats().cmd_flush_prefix, 1);
    assert_eq!(cache.stats().flush_prefix_active, 1);
    while cache.maintain(64) == 64 {}
    let stats = cache.stats();
    assert_eq!(
        (stats.flush_prefix_active, stats.flush_prefix_items),
        (0, 1000)
    );
    assert_eq!(cache.len(), 1000);
    assert_eq!(cache.flush_prefix(""), Err(Error::KeyLength));
    assert_eq!(cache.flush_prefix([b'p'; 251]), Err(Error::KeyLength));
}

/// One shard that has ended fewer flushes than the others keeps them from beginning one.
#[test]
fn flush_prefix_begins_in_all_shards_or_in_none() {
    let mut config = Config::new(64 << 20);
    config.flush_prefix_max = 1;
    let shards = Shards::new(&config, 4, Growth::default()).unwrap();
    shards.lock(3).flush_prefix(b"other").unwrap();
    assert_eq!(shards.flush_prefix(b"p"), Err(Error::TooManyFlushes));
    let mut active = Vec::new();
    shards.for_each(|shard| active.push(shard.stats().flush_prefix_active));
    assert_eq!(active.iter().sum::<u64>(), 1, "{active:?}");
    while shards.maintain(3, NOW, 64) == 64 {}
    assert_eq!(shards.flush_prefix(b"p"), Ok(()));
}

/// Each writer counts up its key, and each flush promises that no count from before it is seen
/// afterwards.
#[test]
fn nobody_sees_after_a_flush_what_was_stored_before_it() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let flushed: [AtomicU64; 4] = Default::default();
    let stored: [AtomicU64; 4] = Default::default();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (cache, stored, flushed) = (&cache, &stored[writer], &flushed[writer]);
            scope.spawn(move || {
                let key = |number: u64| format!("p:{writer}:{}", number % 50);
                for number in 1..=5_000_u64 {
                    // What is below this was stored before a flush that has returned.
                    let least = flushed.load(Ordering::SeqCst);
                    if let Some(value) = cache.get(key(number)) {
                        let seen: u64 = String::from_utf8(value).unwrap().parse().unwrap();
                        assert!(seen > least, "{seen} was stored before {least}");
                    }
                    cache.set(key(number), number.to_string().as_str()).unwrap();
                    stored.store(number, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                let before = stored
                    .each_ref()
                    .map(|stored| stored.load(Ordering::SeqCst));
                match cache.flush_prefix("p:") {
                    Ok(()) => {
                        for (flushed, before) in flushed.iter().zip(before) {
                            flushed.store(before, Ordering::SeqCst);
                        }
                    }
                    Err(error) => assert_eq!(error, Error::TooManyFlushes),
                }
                cache.maintain(7);
            }
        });
    });
    assert!(cache.stats().cmd_flush_prefix > 0);
}

#[test]
fn panic_in_the_callers_code_leaves_all_items() {
    /// A value that cannot be converted.
    struct Broken;

    impl From<Broken> for Value<'_> {
        fn from(_: Broken) -> Self {
            panic!("in the conversion");
        }
    }

    let cache = SharedCache::new(&Config::new(1 << 20), 1).unwrap();
    let message = |call: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        *panic.downcast_ref::<&str>().unwrap()
    };
    cache.set("key", "value").unwrap();
    let calls: [(&str, &dyn Fn()); 4] = [
        ("in the closure", &|| {
            cache.read("key", |_| panic!("in the closure"));
        }),
        ("in the conversion", &|| {
            let _ = cache.set("key", Broken);
        }),
        ("in the conversion", &|| {
            let _ = cache.add("key", Broken);
        }),
        ("in the conversion", &|| {
            let _ = cache.compare_and_swap("key", Broken, Cas::new(1).unwrap());
        }),
    ];
    for (expected, call) in calls {
        assert_eq!(message(call), expected);
        assert_eq!(cache.get("key").as_deref(), Some(&b"value"[..]));
    }
}

#[test]
fn debug_output_does_not_depend_on_the_seed() {
    let shown = |seed| {
        let mut config = Config::new(1 << 20);
        config.hash_seed = seed;
        let cache = SharedCache::new(&config, 1).unwrap();
        // The system's clock goes on from one to the other.
        format!("{:?}", cache.with_clock(&FakeClock::default()))
    };
    assert_eq!(shown(1), shown(u128::MAX));
}

#[test]
fn iter_copies_each_live_item_once_while_others_come_and_go() {
    let clock = FakeClock::default();
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let cache = cache.with_clock(&clock);
    for number in 0..1000_u32 {
        cache.set(format!("stays {number}"), "value").unwrap();
        let brief = ("brief", Expiry::After(Duration::from_secs(1)));
        cache.set(format!("ends {number}"), &brief).unwrap();
    }
    clock.advance(Duration::from_secs(1));
    let mut keys = Vec::new();
    for (number, (key, value)) in cache.iter().enumerate() {
        assert!(value == b"value" || value == b"new");
        keys.push(key);
        // No lock is held in between.
        cache.set(format!("new {number}"), "new").unwrap();
        cache.delete(format!("new {}", number / 2));
    }
    keys.retain(|key| !key.starts_with(b"new "));
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), count), (1000, 1000));
    assert!(keys.iter().all(|key| key.starts_with(b"stays ")));
}

#[test]
fn removals_are_taken_once_and_counted_beyond_the_limit() {
    let clock = FakeClock::default();
    let config = Config::new(1 << 20).with_max_items(Some(10));
    let cache = SharedCache::with_shards(&config, 1).unwrap();
    let cache = cache.with_clock(&clock);
    let store = |numbers: std::ops::Range<u8>| {
        for number in numbers {
            cache.set([number], "value").unwrap();
        }
    };
    let taken = || {
        let mut keys = Vec::new();
        let missed = cache.take_removals(|removal| keys.push(removal.key[0]));
        (keys, missed)
    };
    store(0..12);
    assert_eq!(taken(), (vec![], 0), "nobody asked for them");
    cache.watch_removals(3).unwrap();
    store(12..14);
    assert_eq!(taken(), (vec![2, 3], 0));
    store(14..19);
    assert_eq!(taken(), (vec![4, 5, 6], 2));
    assert_eq!(taken(), (vec![], 0));
    store(19..20);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        cache.take_removals(|_| panic!("in visit"));
    }));
    assert!(panicked.is_err());
    assert_eq!((taken(), cache.len()), ((vec![], 0), 10));
    cache.watch_removals(0).unwrap();
    store(20..30);
    assert_eq!(taken(), (vec![], 0));
}

/// Each thread is a server with its own session.
#[test]
fn sessions_of_many_threads_count_together() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    assert!(cache.shards() > 1);
    let serve = |session: &mut Session, input: &str| {
        let mut output = Vec::new();
        let mut keyspace = cache.keyspace();
        let used = session.process(cache.now(), input.as_bytes(), &mut keyspace, &mut output);
        assert_eq!(used, input.len());
        String::from_utf8(output).unwrap()
    };
    cache.set("visits", "0").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let serve = &serve;
            scope.spawn(move || {
                let mut session = Session::new(SessionConfig::default());
                for number in 0..500 {
                    let request = format!(
                        "set {thread}/{number} 0 0 1\r\nv\r\nincr visits 1 noreply\r\n\
                         get {thread}/{number} absent\r\n"
                    );
                    let reply = serve(&mut session, &request);
                    let expected = format!("VALUE {thread}/{number} 0 1\r\nv\r\nEND\r\n");
                    assert_eq!(reply, format!("STORED\r\n{expected}"));
                }
            });
        }
    });
    let mut session = Session::new(SessionConfig::default());
    let count = serve(&mut session, "get visits\r\n");
    assert_eq!(count, "VALUE visits 0 4\r\n2000\r\nEND\r\n");
    assert_eq!(cache.len(), 2001);
    let prefix = "flush_prefix 0/\r\nget 0/1 1/1\r\nflush_all\r\nget 1/1\r\n";
    let reply = serve(&mut session, prefix);
    assert!(
        reply.ends_with("VALUE 1/1 0 1\r\nv\r\nEND\r\nOK\r\nEND\r\n"),
        "{reply}"
    );
}

#[test]
fn a_session_reads_dates_by_the_clock_of_the_cache() {
    let clock = FakeClock::new(Instant::from_secs(1_800_000_000));
    let cache = SharedCache::new(&Config::new(1 << 20), 1).unwrap();
    let cache = cache.with_clock(&clock);
    let mut session = Session::new(SessionConfig::default());
    let input = b"set k 0 1800000100 1\r\nv\r\nmg k t\r\n";
    let mut output = Vec::new();
    let _ = session.process(cache.now(), input, &mut cache.keyspace(), &mut output);
    assert_eq!(output, b"STORED\r\nHD t100\r\n");
}

#[test]
fn get_and_touch_returns_the_value_and_moves_its_deadline() {
    let clock = FakeClock::new(NOW);
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let cache = cache.with_clock(&clock);
    let after = |seconds| Expiry::After(Duration::from_secs(seconds));
    assert_eq!(cache.get_and_touch("key", after(9)), None);
    cache
        .set("key", Value::from("value").expire(after(9)))
        .unwrap();
    assert_eq!(
        cache.get_and_touch("key", after(5)).as_deref(),
        Some(&b"value"[..])
    );
    clock.advance(Duration::from_secs(5));
    assert_eq!(cache.get("key"), None);
}

#[test]
fn a_scan_visits_the_items_of_all_shards_and_ends() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    assert!(cache.shards() > 1);
    for number in 0..1000 {
        cache.set(format!("{number}"), "value").unwrap();
    }
    let (mut keys, mut cursor, mut steps) = (BTreeSet::new(), Some(0), 0);
    while let Some(at) = cursor {
        assert!(at >> u32::BITS < cache.shards() as u64, "of no shard");
        cursor = cache.scan(at, |item| {
            keys.insert(item.key.to_vec());
        });
        steps += 1;
        assert!(steps < 10_000, "it does not end");
    }
    assert_eq!(keys.len(), 1000);
    // A cursor of no shard is behind the last item.
    assert_eq!(cache.scan(u64::MAX, |_| panic!("an item")), None);
}
