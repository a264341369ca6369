//! What programs see of a `SharedCache`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynamidb_core::{Cas, CasOutcome, Config, ConfigError, Error, Expiry, Instant, Value};
use dynamidb_sync::{Growth, Shards, SharedCache};

const NOW: Instant = Instant::from_secs(1);

#[test]
fn every_operation_reaches_the_shard_of_its_key() {
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    assert!(cache.shards() > 1 && cache.is_empty());
    for number in 0..100 {
        let key = format!("key {number}");
        assert!(cache.add(NOW, &key, "1").unwrap());
        assert!(!cache.add(NOW, &key, "2").unwrap());
        assert_eq!(cache.increment(NOW, &key, 41).unwrap(), Some(42));
        let cas = cache.read(NOW, &key, |item| item.cas).flatten().unwrap();
        let swapped = cache.compare_and_swap(NOW, &key, "43", cas).unwrap();
        assert_eq!(swapped, CasOutcome::Stored);
        assert_eq!(cache.get(NOW, &key).as_deref(), Some(&b"43"[..]));
        assert!(cache.touch(NOW, &key, Expiry::After(Duration::from_secs(1))));
    }
    assert_eq!((cache.len(), cache.stats().get_hits), (100, 200));
    assert!(cache.delete(NOW, "key 0") && !cache.delete(NOW, "key 0"));
    let later = NOW + Duration::from_secs(2);
    while cache.maintain(later, 8) > 0 {}
    assert_eq!((cache.len(), cache.stats().reclaimed), (0, 99));
    cache.set(later, "key", "value").unwrap();
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
    let cache = SharedCache::new(&Config::new(64 << 20), 4).unwrap();
    let brief = |value| Value::from(value).expire(Expiry::After(Duration::from_secs(1)));
    for number in 0..10_000 {
        cache.set(NOW, format!("{number}"), brief("value")).unwrap();
    }
    let later = NOW + Duration::from_secs(2);
    assert_eq!(cache.maintain(later, 0), 0);
    let mut calls = 0;
    while cache.maintain(later, 3) == 3 {
        calls += 1;
    }
    assert!(calls > 8, "{calls}");
    assert_eq!((cache.maintain(later, usize::MAX), cache.len()), (0, 0));
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
        cache.set(NOW, format!("p:{number}"), "old").unwrap();
        cache.set(NOW, format!("q:{number}"), "old").unwrap();
    }
    cache.flush_prefix("p:").unwrap();
    for number in 0..1000 {
        assert!(cache.get(NOW, format!("p:{number}")).is_none());
        assert!(cache.get(NOW, format!("q:{number}")).is_some());
    }
    assert_eq!(cache.stats().cmd_flush_prefix, 1);
    assert_eq!(cache.stats().flush_prefix_active, 1);
    while cache.maintain(NOW, 64) == 64 {}
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
                    if let Some(value) = cache.get(NOW, key(number)) {
                        let seen: u64 = String::from_utf8(value).unwrap().parse().unwrap();
                        assert!(seen > least, "{seen} was stored before {least}");
                    }
                    cache
                        .set(NOW, key(number), number.to_string().as_str())
                        .unwrap();
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
                cache.maintain(NOW, 7);
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
    cache.set(NOW, "key", "value").unwrap();
    let calls: [(&str, &dyn Fn()); 4] = [
        ("in the closure", &|| {
            cache.read(NOW, "key", |_| panic!("in the closure"));
        }),
        ("in the conversion", &|| {
            let _ = cache.set(NOW, "key", Broken);
        }),
        ("in the conversion", &|| {
            let _ = cache.add(NOW, "key", Broken);
        }),
        ("in the conversion", &|| {
            let _ = cache.compare_and_swap(NOW, "key", Broken, Cas::new(1).unwrap());
        }),
    ];
    for (expected, call) in calls {
        assert_eq!(message(call), expected);
        assert_eq!(cache.get(NOW, "key").as_deref(), Some(&b"value"[..]));
    }
}

#[test]
fn debug_output_does_not_depend_on_the_seed() {
    let shown = |seed| {
        let mut config = Config::new(1 << 20);
        config.hash_seed = seed;
        format!("{:?}", SharedCache::new(&config, 1).unwrap())
    };
    assert_eq!(shown(1), shown(u128::MAX));
}
