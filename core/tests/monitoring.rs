//! What is counted by slab class: an item counts for the class in which it is listed, the classes
//! together are what is counted in all, and a key that has expired is told from one never stored.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dynamidb_core::{
    ArithmeticOptions, Cache, Cas, CasOutcome, ClassStats, Config, DeleteOptions, Expiry,
    GetOptions, Instant, Policy, SetOptions, Stats, Value,
};

const START: Instant = Instant::from_secs(1_700_000_000);

fn cache(memory: usize) -> Cache {
    Cache::with_memory(Config::new(0), vec![0; memory]).unwrap()
}

fn after(seconds: u64) -> Instant {
    Instant::from_secs(START.as_secs() + seconds)
}

fn brief(value: &[u8], seconds: u64) -> Value<'_> {
    Value::from(value).expire(Expiry::After(Duration::from_secs(seconds)))
}

fn classes(cache: &Cache) -> Vec<ClassStats> {
    cache.class_stats().collect()
}

/// What an operation answers makes no difference here.
fn ignore<T>(_: T) {}

/// The class in which an item is listed.
fn class_of(cache: &Cache, key: &str) -> Option<usize> {
    cache.view_of(key).map(|view| view.class.into())
}

/// What an operation is counted as, and in which class.
fn counted(cache: &mut Cache, operate: impl FnOnce(&mut Cache)) -> Vec<(usize, &'static str)> {
    let before = classes(cache);
    operate(cache);
    let mut counted = Vec::new();
    for (class, (before, after)) in before.iter().zip(classes(cache)).enumerate() {
        for ((name, before), (_, after)) in
            events(&before.counted).iter().zip(events(&after.counted))
        {
            counted.extend((*before..after).map(|_| (class, *name)));
        }
    }
    counted
}

const fn events(stats: &Stats) -> [(&'static str, u64); 14] {
    [
        ("cmd_set", stats.cmd_set),
        ("get_hits", stats.get_hits),
        ("touch_hits", stats.touch_hits),
        ("delete_hits", stats.delete_hits),
        ("incr_hits", stats.incr_hits),
        ("decr_hits", stats.decr_hits),
        ("cas_hits", stats.cas_hits),
        ("cas_badval", stats.cas_badval),
        ("store_no_memory", stats.store_no_memory),
        ("evictions", stats.evictions),
        ("evicted_unfetched", stats.evicted_unfetched),
        ("evicted_new", stats.evicted_new),
        ("reclaimed", stats.reclaimed),
        ("expired_unfetched", stats.expired_unfetched),
    ]
}

#[test]
fn an_operation_counts_for_the_class_in_which_the_item_is_listed() {
    let mut cache = cache(1 << 20);
    for len in [1, 80, 200, 700, 3000, 20_000] {
        let value = vec![b'1'; len];
        let set = counted(&mut cache, |cache| {
            cache.set(START, "key", &*value).unwrap()
        });
        let class = class_of(&cache, "key").unwrap();
        assert_eq!(set, [(class, "cmd_set")], "{len}");
        let cas = cache.peek(START, "key").unwrap().cas.unwrap();
        type Operation<'o> = (&'o [&'static str], &'o dyn Fn(&mut Cache));
        let operations: [Operation<'_>; 11] = [
            (&["cmd_set"], &|cache| {
                cache.set(START, "key", &*value).unwrap()
            }),
            (&["get_hits"], &|cache| {
                ignore(cache.get(START, "key").unwrap().value.to_vec())
            }),
            (&["touch_hits"], &|cache| {
                assert!(cache.touch(START, "key", Expiry::Never))
            }),
            (&["get_hits"], &|cache| {
                let options = GetOptions::default();
                assert!(cache.get_with(START, "key", &options).is_some());
            }),
            (&["cmd_set", "cas_badval"], &|cache| {
                let other = Cas::new(cas.get() + 9).unwrap();
                let outcome = cache.compare_and_swap(START, "key", &*value, other);
                assert_eq!(outcome, Ok(CasOutcome::Exists));
            }),
            (&["cmd_set"], &|cache| {
                ignore(cache.add(START, "key", &*value).unwrap())
            }),
            (&["cmd_set", "cas_hits"], &|cache| {
                let mut options = SetOptions::default();
                options.compare = cache.peek(START, "key").unwrap().cas.map(Cas::get);
                let outcome = cache.set_with(START, "key", &*value, &options);
                assert!(outcome.unwrap().is_stored());
            }),
            (&[], &|cache| assert!(cache.get(START, "absent").is_none())),
            (&["cmd_set"], &|cache| {
                // It would have been in this class.
                let _ = cache.replace(START, "abs", &*value).unwrap();
            }),
            (&["cmd_set"], &|cache| {
                let past = Value::from(&value[..]).expire(Expiry::At(Instant::from_secs(1)));
                cache.set(START, "ant", past).unwrap();
            }),
            (&["delete_hits"], &|cache| {
                let options = DeleteOptions::default();
                let _ = cache.delete_with(START, "key", &options).unwrap();
            }),
        ];
        for (number, (names, operate)) in operations.into_iter().enumerate() {
            let expected: Vec<_> = names.iter().map(|&name| (class, name)).collect();
            assert_eq!(counted(&mut cache, operate), expected, "{len}: {number}");
        }
        cache.check();
    }
}

#[test]
fn a_number_counts_for_the_class_in_which_it_was() {
    let mut cache = cache(1 << 20);
    cache.set(START, "n", "9").unwrap();
    let class = class_of(&cache, "n").unwrap();
    let mut options = ArithmeticOptions::default();
    let mut calculate = |cache: &mut Cache, decrement| {
        options.decrement = decrement;
        counted(cache, |cache| {
            ignore(cache.arithmetic_with(START, "n", &options).unwrap())
        })
    };
    assert_eq!(calculate(&mut cache, false), [(class, "incr_hits")]);
    assert_eq!(calculate(&mut cache, true), [(class, "decr_hits")]);
}

#[test]
fn an_item_counts_as_new_when_it_is_stored_or_made_and_not_when_it_is_changed_in_place() {
    let mut cache = cache(1 << 20);
    let more = |cache: &mut Cache, operate: &dyn Fn(&mut Cache)| {
        let before = cache.stats().total_items;
        operate(cache);
        cache.stats().total_items - before
    };
    let calculate = |initial: Option<u64>, decrement| {
        move |cache: &mut Cache| {
            let mut options = ArithmeticOptions::default();
            options.initial = initial.map(|number| (number, Expiry::Never));
            options.decrement = decrement;
            let _ = cache.arithmetic_with(START, "n", &options).unwrap();
        }
    };
    assert_eq!(
        more(&mut cache, &calculate(None, false)),
        0,
        "nothing there"
    );
    assert_eq!(more(&mut cache, &calculate(Some(8), false)), 1, "made");
    assert_eq!(more(&mut cache, &calculate(None, false)), 0, "8 to 9");
    assert_eq!(more(&mut cache, &calculate(None, false)), 1, "9 to 10");
    assert_eq!(more(&mut cache, &calculate(None, true)), 0, "10 to 9");
    assert_eq!(
        more(&mut cache, &|cache| cache.set(START, "n", "1").unwrap()),
        1
    );
    assert_eq!(
        more(&mut cache, &|cache| ignore(cache.append(START, "n", b"1"))),
        1
    );
    assert_eq!(
        more(&mut cache, &|cache| ignore(cache.add(START, "n", "1"))),
        0
    );
    assert_eq!(
        more(&mut cache, &|cache| ignore(cache.touch(
            START,
            "n",
            Expiry::Never
        ))),
        0
    );
    assert_eq!(
        more(&mut cache, &|cache| ignore(cache.get(START, "n").is_some())),
        0
    );
    let vivify = |cache: &mut Cache| {
        let mut options = GetOptions::default();
        options.vivify = Some(Expiry::Never);
        assert!(cache.get_with(START, "v", &options).is_some());
    };
    assert_eq!(more(&mut cache, &vivify), 1);
    assert_eq!(more(&mut cache, &vivify), 0);
    for cas in [0, 1 << 40] {
        // The second does not fit the head: the item moves, and stays the same one.
        let invalidate = |cache: &mut Cache| {
            let mut options = DeleteOptions::default();
            (options.invalidate, options.cas) = (true, Cas::new(cas));
            let _ = cache.delete_with(START, "n", &options).unwrap();
        };
        assert_eq!(more(&mut cache, &invalidate), 0, "{cas}");
    }
}

#[test]
fn a_key_that_has_expired_is_missed_as_expired_once_by_whatever_looks_for_it() {
    type Lookup<'l> = &'l dyn Fn(&mut Cache, Instant);
    let lookups: [Lookup<'_>; 8] = [
        &|cache, now| assert!(cache.get(now, "key").is_none()),
        &|cache, now| assert!(!cache.touch(now, "key", Expiry::Never)),
        &|cache, now| assert!(!cache.delete(now, "key")),
        &|cache, now| assert_eq!(cache.increment(now, "key", 1).unwrap(), None),
        &|cache, now| assert_eq!(cache.decrement(now, "key", 1).unwrap(), None),
        &|cache, now| assert!(cache.get_with(now, "key", &GetOptions::default()).is_none()),
        &|cache, now| ignore(cache.replace(now, "key", "1").unwrap()),
        &|cache, now| cache.set(now, "key", "1").unwrap(),
    ];
    for (number, lookup) in lookups.into_iter().enumerate() {
        for given_back in [false, true] {
            let mut cache = cache(1 << 20);
            cache.set(START, "key", brief(b"1", 10)).unwrap();
            let now = after(12);
            while given_back && cache.maintain(now, 8) == 8 {}
            assert_eq!(cache.is_empty(), given_back);
            lookup(&mut cache, now);
            assert_eq!(cache.stats().get_expired, 1, "{number} {given_back}");
            cache.delete(now, "key");
            lookup(&mut cache, now);
            assert_eq!(cache.stats().get_expired, 1, "{number} {given_back}: again");
        }
        let mut cache = cache(1 << 20);
        let past = Value::from("1").expire(Expiry::At(Instant::from_secs(5)));
        cache.set(START, "key", past).unwrap();
        lookup(&mut cache, START);
        assert_eq!(
            cache.stats().get_expired,
            1,
            "{number}: ended before it was stored"
        );
    }
}

#[test]
fn a_flushed_or_deleted_item_has_not_expired() {
    let mut cache = cache(1 << 20);
    cache.set(START, "key", brief(b"1", 10)).unwrap();
    while cache.maintain(after(12), 8) == 8 {}
    cache.clear();
    assert!(cache.get(after(12), "key").is_none());
    cache.set(after(12), "key", brief(b"1", 10)).unwrap();
    cache.delete(after(12), "key");
    assert!(cache.get(after(30), "key").is_none());
    assert_eq!(cache.stats().get_expired, 0);
}

#[test]
fn evictions_are_counted_with_what_they_took() {
    let mut config = Config::new(0);
    config.max_items = Some(2);
    let mut cache = Cache::with_memory(config, vec![0; 1 << 20]).unwrap();
    cache.set(START, "read", brief(b"1", 1000)).unwrap();
    cache.set(START, "unread", "1").unwrap();
    assert!(cache.get(after(1), "read").is_some());
    let class = class_of(&cache, "read").unwrap();
    cache.set(after(5), "third", &[b'x'; 700]).unwrap();
    let one = classes(&cache)[class];
    assert_eq!(
        (one.counted.evictions, one.counted.evicted_unfetched),
        (1, 1)
    );
    assert_eq!((one.evicted_nonzero, one.evicted_time), (0, 5));
    cache.set(after(9), "fourth", &[b'x'; 700]).unwrap();
    let two = classes(&cache)[class];
    assert_eq!(
        (two.counted.evictions, two.counted.evicted_unfetched),
        (2, 1)
    );
    assert_eq!((two.evicted_nonzero, two.evicted_time), (1, 8));
    let large = classes(&cache)[class_of(&cache, "third").unwrap()];
    // Seen at the moment of the last operation.
    assert_eq!((large.age, large.counted.evictions), (4, 0));
    assert_eq!(two.age, 0, "nothing is left of this class");
    cache.reset_stats();
    assert!(
        classes(&cache)
            .iter()
            .all(|class| class.counted == Stats::default())
    );
    assert!(
        classes(&cache)
            .iter()
            .any(|class| class.mem_requested > 700)
    );
}

#[test]
fn a_store_without_room_counts_for_its_class() {
    let mut config = Config::new(0);
    config.policy = Policy::Refuse;
    config.max_items = Some(1);
    let mut cache = Cache::with_memory(config, vec![0; 1 << 20]).unwrap();
    cache.set(START, "key", &[b'x'; 700]).unwrap();
    let class = class_of(&cache, "key").unwrap();
    let refused = counted(&mut cache, |cache| {
        cache.set(START, "kex", &[b'x'; 700]).unwrap_err();
    });
    assert_eq!(refused, [(class, "store_no_memory")]);
}

#[test]
fn the_age_of_a_class_is_exact_among_the_oldest_and_an_upper_bound_beyond() {
    let mut cache = cache(4 << 20);
    let store = |cache: &mut Cache, second: u64, len: usize| {
        let key = format!("{second}-{len}");
        cache.set(after(second), &*key, &*vec![b'x'; len]).unwrap();
        class_of(cache, &key).unwrap()
    };
    let mut small = 0;
    for second in 0..999 {
        small = store(&mut cache, second, 1);
    }
    let large = store(&mut cache, 999, 700);
    assert_ne!(small, large);
    cache.get(after(2000), "absent");
    assert_eq!(classes(&cache)[small].age, 2000);
    assert_eq!(classes(&cache)[large].age, 1001, "the thousandth");
    assert!(cache.get(after(2000), "999-700").is_some());
    store(&mut cache, 2000, 1);
    assert_eq!(classes(&cache)[large].age, 0, "the thousandth again");
    store(&mut cache, 2001, 1);
    assert!(cache.get(after(2002), "999-700").is_some());
    cache.get(after(2003), "absent");
    assert_eq!(
        classes(&cache)[large].age,
        3,
        "as old as the thousandth at most"
    );
}

/// Any operations, and then everything is compared with everything.
#[test]
fn the_classes_together_are_what_is_counted_in_all() {
    for seed in 0..4 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut config = Config::new(0);
        config.policy = match seed {
            #[cfg(feature = "density")]
            3 => Policy::Density,
            _ if seed % 2 == 0 => Policy::Lru,
            _ => Policy::S3Lru,
        };
        let mut cache = Cache::with_memory(config, vec![0; 128 << 10]).unwrap();
        let mut now = START;
        for _ in 0..20_000 {
            now = Instant::from_millis(now.as_millis() + rng.u64(0..50));
            let key = format!("key{}", rng.u32(0..500));
            let value = vec![b'7'; rng.usize(0..3) * rng.usize(0..1500) + rng.usize(1..20)];
            match rng.u32(0..12) {
                0..4 => cache
                    .set(now, &*key, brief(&value, rng.u64(0..60)))
                    .unwrap_or(()),
                4..7 => ignore(cache.get(now, &*key).is_some()),
                7 => ignore(cache.append(now, &*key, b"7")),
                8 => ignore(cache.increment(now, &*key, 1)),
                9 => ignore(cache.delete(now, &*key)),
                10 => {
                    let cas = Cas::new(rng.u64(1..9)).unwrap();
                    ignore(cache.compare_and_swap(now, &*key, &*value, cas));
                }
                _ => ignore(cache.maintain(now, 2)),
            }
        }
        cache.check();
        let mut sum = ClassStats::default();
        cache.class_stats().for_each(|class| sum.add(&class));
        let all = cache.stats();
        assert!(all.evictions > 0 && all.reclaimed > 0 && all.incr_hits > 0);
        assert_eq!(events(&sum.counted), events(&all), "{seed}");
    }
}
