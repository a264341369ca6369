//! Flushes by prefix: what is gone, what stays, and when the memory comes back.

use core::time::Duration;

use dynamidb_core::{
    ArithmeticOptions, Cache, Cas, CasOutcome, Config, ConfigError, DeleteOptions, DeleteOutcome,
    Error, Expiry, GetOptions, Instant, Key, Policy, SetMode, SetOptions, SetOutcome, Value,
};

const NOW: Instant = Instant::from_secs(1_700_000_000);

fn cache(memory: usize) -> Cache {
    Cache::new(Config::new(memory)).expect("a configuration that works")
}

/// Stores `count` items under each of these prefixes.
fn fill(cache: &mut Cache, prefixes: &[&str], count: usize) {
    for number in 0..count {
        for prefix in prefixes {
            let key = format!("{prefix}{number}");
            assert_eq!(cache.set(NOW, key.as_str(), "value"), Ok(()));
        }
    }
}

/// How many of the keys that `fill` stores a lookup finds, without changing anything.
fn found(cache: &Cache, prefix: &str, count: usize) -> usize {
    let keys = (0..count).map(|number| format!("{prefix}{number}"));
    let found = keys.filter(|key| cache.peek(NOW, key.as_str()).is_some());
    found.count()
}

fn sweep(cache: &mut Cache) {
    while cache.maintain(NOW, 8) == 8 {
        cache.check();
    }
}

#[test]
fn a_flush_removes_the_items_under_its_prefix_and_no_others() {
    let mut cache = cache(4 << 20);
    fill(&mut cache, &["a:", "ab:", "b:a:", "a"], 500);
    cache.flush_prefix(b"a:").unwrap();
    for swept in [false, true] {
        assert_eq!(found(&cache, "a:", 500), 0, "{swept}");
        for prefix in ["ab:", "b:a:", "a"] {
            assert_eq!(found(&cache, prefix, 500), 500, "{prefix} {swept}");
        }
        sweep(&mut cache);
    }
    assert_eq!(cache.len(), 1500);
    assert_eq!(cache.stats().flush_prefix_items, 500);
}

#[test]
fn a_whole_key_is_a_prefix_of_itself() {
    let mut cache = cache(1 << 20);
    for key in ["key", "key2", "ke"] {
        cache.set(NOW, key, "value").unwrap();
    }
    cache.flush_prefix(b"key").unwrap();
    assert!(cache.get(NOW, "key").is_none() && cache.get(NOW, "key2").is_none());
    assert!(cache.get(NOW, "ke").is_some());
}

/// Every operation behaves as if there had never been an item, swept or not.
#[test]
fn no_operation_finds_a_flushed_item() {
    let flushed = || {
        let mut cache = cache(1 << 20);
        let value = Value::from("41").expire(Expiry::After(Duration::from_secs(60)));
        cache.set(NOW, "p:key", value).unwrap();
        let cas = cache.get(NOW, "p:key").unwrap().cas.unwrap();
        cache.flush_prefix(b"p:").unwrap();
        (cache, cas)
    };
    let key = "p:key";
    let options = |mode| {
        let mut options = SetOptions::default();
        options.mode = mode;
        options
    };
    assert!(flushed().0.get(NOW, key).is_none());
    assert!(flushed().0.peek(NOW, key).is_none());
    assert!(flushed().0.view_of(key).is_none());
    assert!(!flushed().0.touch(NOW, key, Expiry::Never));
    assert!(flushed().0.get_and_touch(NOW, key, Expiry::Never).is_none());
    assert!(!flushed().0.delete(NOW, key));
    assert_eq!(flushed().0.add(NOW, key, "new"), Ok(true));
    assert_eq!(flushed().0.replace(NOW, key, "new"), Ok(false));
    assert_eq!(flushed().0.append(NOW, key, b"new"), Ok(false));
    assert_eq!(flushed().0.prepend(NOW, key, b"new"), Ok(false));
    assert_eq!(flushed().0.increment(NOW, key, 1), Ok(None));
    assert_eq!(flushed().0.decrement(NOW, key, 1), Ok(None));
    let (mut cache, cas) = flushed();
    let outcome = cache.compare_and_swap(NOW, key, "new", cas);
    assert_eq!(outcome, Ok(CasOutcome::NotFound));
    let outcome = flushed().0.delete_with(NOW, key, &DeleteOptions::default());
    assert_eq!(outcome, Ok(DeleteOutcome::NotFound));
    let mut get = GetOptions::default();
    assert!(flushed().0.get_with(NOW, key, &get).is_none());
    get.vivify = Some(Expiry::Never);
    assert!(flushed().0.get_with(NOW, key, &get).unwrap().created);
    let outcome = flushed()
        .0
        .set_with(NOW, key, "new", &options(SetMode::Replace));
    assert_eq!(outcome, Ok(SetOutcome::NotStored));
    let mut sum = ArithmeticOptions::default();
    sum.initial = Some((7, Expiry::Never));
    let outcome = flushed().0.arithmetic_with(NOW, key, &sum).unwrap();
    assert_eq!(outcome.number(), Some(7));
    let mut set = options(SetMode::Set);
    set.cas = Cas::new(99);
    let (mut cache, _) = flushed();
    assert!(cache.set_with(NOW, key, "new", &set).unwrap().is_stored());
    assert_eq!(cache.get(NOW, key).unwrap().cas, Cas::new(99));
}

#[test]
fn an_item_stored_after_a_flush_stays() {
    let mut cache = cache(4 << 20);
    fill(&mut cache, &["p:", "q:"], 2000);
    cache.flush_prefix(b"p:").unwrap();
    fill(&mut cache, &["p:"], 1000);
    for _ in 0..2 {
        cache.check();
        assert_eq!(found(&cache, "p:", 2000), 1000);
        assert_eq!(found(&cache, "q:", 2000), 2000);
        sweep(&mut cache);
    }
    assert_eq!(cache.len(), 3000);
}

/// Flushes that begin while others are under way, one prefix inside the other or the same again.
#[test]
fn flushes_that_overlap_remove_what_each_of_them_would() {
    let mut cache = cache(4 << 20);
    fill(&mut cache, &["a:", "a:b:", "a:b:c:", "d:"], 300);
    cache.flush_prefix(b"a:b:c:").unwrap();
    cache.maintain(NOW, 5);
    fill(&mut cache, &["a:b:c:", "a:b:"], 300);
    cache.flush_prefix(b"a:b:").unwrap();
    cache.maintain(NOW, 3);
    assert_eq!(found(&cache, "a:b:", 300), 0);
    assert_eq!(found(&cache, "a:b:c:", 300), 0);
    assert_eq!(found(&cache, "a:", 300), 300);
    fill(&mut cache, &["a:b:"], 100);
    cache.flush_prefix(b"a:b:c:").unwrap();
    cache.flush_prefix(b"a:b:c:").unwrap();
    assert_eq!(cache.stats().flush_prefix_active, 4);
    assert_eq!(found(&cache, "a:b:", 300), 100);
    sweep(&mut cache);
    assert_eq!(found(&cache, "a:b:", 300), 100);
    cache.flush_prefix(b"a").unwrap();
    assert_eq!(found(&cache, "d:", 300), 300);
    sweep(&mut cache);
    assert_eq!(cache.len(), 300);
}

/// Items that were stored after the flush move to new buckets, from among others that no operation
/// has come across.
#[test]
fn an_item_stored_after_a_flush_stays_when_the_index_grows() {
    let mut cache = cache(8 << 20);
    fill(&mut cache, &["q:"], 3000);
    fill(&mut cache, &["p:old:"], 300);
    cache.flush_prefix(b"p:").unwrap();
    fill(&mut cache, &["p:new:"], 60);
    let buckets = cache.stats().hash_bytes;
    for round in 0..30 {
        fill(&mut cache, &[format!("r{round}:").as_str()], 100);
        cache.check();
        assert_eq!(found(&cache, "p:new:", 60), 60, "{round}");
        assert_eq!(found(&cache, "p:old:", 300), 0, "{round}");
    }
    assert!(
        cache.stats().hash_bytes > buckets,
        "the index has not grown"
    );
}

/// The index grows and shrinks while only some of its buckets are swept.
#[test]
fn a_flush_stays_exact_while_the_index_grows_and_shrinks() {
    let mut cache = cache(8 << 20);
    fill(&mut cache, &["p:"], 3000);
    cache.flush_prefix(b"p:").unwrap();
    for round in 0..12 {
        fill(&mut cache, &["q:", "p:new:"], 250 * round);
        cache.check();
        assert_eq!(found(&cache, "p:new:", 3000), 250 * round, "{round}");
        assert_eq!(found(&cache, "p:", 3000), 0, "{round}");
        cache.maintain(NOW, 1);
    }
    assert_eq!(
        cache.stats().flush_prefix_active,
        1,
        "the sweep is on its way"
    );
    cache.flush_prefix(b"q:").unwrap();
    for number in 0..2750 {
        assert!(cache.delete(NOW, format!("p:new:{number}").as_str()));
        assert!(!cache.delete(NOW, format!("q:{number}").as_str()));
        if number % 100 == 0 {
            cache.check();
            cache.maintain(NOW, 1);
        }
    }
    sweep(&mut cache);
    assert!(cache.is_empty());
    cache.check();
}

#[test]
fn upkeep_gives_the_memory_back_in_bounded_steps() {
    let mut cache = cache(8 << 20);
    fill(&mut cache, &["p:", "q:"], 20_000);
    let before = cache.stats();
    cache.flush_prefix(b"p:").unwrap();
    assert_eq!(cache.stats().bytes, before.bytes, "nothing is swept yet");
    let mut steps = 0;
    while cache.stats().flush_prefix_active > 0 {
        let items = cache.len();
        assert_eq!(cache.maintain(NOW, 1), 1);
        assert!(items - cache.len() < 200, "a long step");
        steps += 1;
    }
    let after = cache.stats();
    assert_eq!(after.curr_items, 20_000);
    assert!(after.bytes <= before.bytes / 2 + 4096, "{after:?}");
    assert!(after.unused_pages > before.unused_pages);
    assert!(steps > 100, "{steps} steps");
    assert_eq!(
        (after.cmd_flush_prefix, after.flush_prefix_items),
        (1, 20_000)
    );
    assert_eq!(after.evictions + after.reclaimed, 0);
}

/// A store that needs memory takes it from what was flushed, though that was used last: also
/// without upkeep.
#[test]
fn a_full_cache_sweeps_flushed_items_out_before_it_evicts() {
    for policy in [Policy::Lru, Policy::S3Lru] {
        let mut config = Config::new(1 << 20);
        config.policy = policy;
        let mut cache = Cache::new(config).unwrap();
        let mut number = 0;
        while cache.stats().evictions == 0 {
            let prefix = if number < 4000 { "live:" } else { "old:" };
            let key = format!("{prefix}{number}");
            cache.set(NOW, key.as_str(), "value").unwrap();
            number += 1;
        }
        let flushed = number - 4000;
        assert!(flushed > 2000, "{flushed}");
        cache.flush_prefix(b"old:").unwrap();
        // Their own buckets have far less than they take.
        for number in 0..10 {
            let key = format!("new:{number}");
            cache.set(NOW, key.as_str(), &[b'v'; 4000]).unwrap();
        }
        cache.check();
        assert_eq!(cache.stats().evictions, 1, "{policy:?}");
        assert!(cache.stats().flush_prefix_items > 0);
    }
}

/// What is evicted before the sweep has come to it was gone before.
#[test]
fn a_flushed_item_is_not_evicted() {
    let mut cache = cache(1 << 20);
    fill(&mut cache, &["p:"], 50);
    let mut number = 0;
    while cache.stats().evictions == 0 {
        number += 1;
        let key = format!("q:{number}");
        cache.set(NOW, key.as_str(), "value").unwrap();
    }
    cache.flush_prefix(b"p:").unwrap();
    cache.removal_log_mut().set_limit(1000).unwrap();
    let before = cache.stats().evictions;
    for number in 0..500 {
        let key = format!("r:{number}");
        cache.set(NOW, key.as_str(), "value").unwrap();
    }
    let evicted: Vec<_> = cache
        .removal_log()
        .iter()
        .map(|removal| removal.key)
        .collect();
    assert!(
        evicted.iter().all(|key| key.starts_with(b"q:")),
        "{evicted:?}"
    );
    assert_eq!(cache.stats().evictions - before, evicted.len() as u64);
    assert!(!evicted.is_empty());
}

#[test]
fn no_walk_over_the_items_shows_flushed_ones() {
    let mut cache = cache(1 << 20);
    fill(&mut cache, &["p:", "q:"], 300);
    let position = cache.view_of("p:7").unwrap().position;
    assert!(cache.inspect(position).is_some());
    cache.flush_prefix(b"p:").unwrap();
    let is_other = |key: &[u8]| key.starts_with(b"q:");
    assert_eq!(cache.iter().filter(|(key, _)| is_other(key)).count(), 300);
    assert_eq!(cache.iter().count(), 300);
    assert_eq!(cache.items().rev().count(), 300);
    let (mut cursor, mut scanned) = (Some(0), 0);
    while let Some(here) = cursor {
        let (items, next) = cache.scan(here);
        scanned += items.inspect(|view| assert!(is_other(view.key))).count();
        cursor = next;
    }
    assert_eq!(scanned, 300);
    assert!(cache.inspect(position).is_none());
    assert_eq!(cache.fields(position).count(), 0);
    assert_eq!(cache.chunks(position).count(), 0);
    assert_eq!(cache.next_expiry(NOW), None);
    assert_eq!(cache.len(), 600, "their memory is not free yet");
}

#[test]
fn a_flush_that_has_ended_leaves_no_trace_in_the_state() {
    let fill = |flush: bool| {
        let mut cache = Cache::with_memory(Config::new(1 << 20), vec![0; 1 << 20]).unwrap();
        for number in 0..500_u32 {
            cache.set(NOW, &number.to_be_bytes(), "value").unwrap();
        }
        if flush {
            cache.flush_prefix(b"none").unwrap();
        }
        cache
    };
    let (plain, mut flushed) = (fill(false), fill(true));
    assert_ne!(flushed.digest(), plain.digest());
    let begun = flushed.digest();
    flushed.get(NOW, "none");
    assert_ne!(flushed.digest(), begun, "a bucket was swept");
    while flushed.maintain(NOW, 8) == 8 {}
    assert_eq!(flushed.digest(), plain.digest());
}

#[test]
fn clearing_the_cache_ends_all_flushes() {
    let mut cache = cache(1 << 20);
    fill(&mut cache, &["p:"], 1000);
    cache.flush_prefix(b"p:").unwrap();
    cache.clear();
    assert_eq!(cache.stats().flush_prefix_active, 0);
    fill(&mut cache, &["p:"], 1000);
    cache.check();
    assert_eq!(found(&cache, "p:", 1000), 1000);
    cache.flush_prefix(b"p:").unwrap();
    assert_eq!(found(&cache, "p:", 1000), 0);
}

#[test]
fn a_smaller_budget_during_a_flush_loses_nothing_else() {
    let mut cache = cache(4 << 20);
    fill(&mut cache, &["p:"], 10_000);
    fill(&mut cache, &["q:"], 5000);
    cache.flush_prefix(b"p:").unwrap();
    cache.set_memory(2 << 20).unwrap();
    sweep(&mut cache);
    assert_eq!(found(&cache, "q:", 5000), 5000);
    assert_eq!(cache.len(), 5000);
}

#[test]
fn a_prefix_is_as_long_as_a_key() {
    let mut cache = cache(1 << 20);
    let longest = [b'p'; Key::LEN_MAX];
    cache.set(NOW, &longest, "value").unwrap();
    cache.set(NOW, &longest[..249], "value").unwrap();
    assert_eq!(cache.flush_prefix(b""), Err(Error::KeyLength));
    assert_eq!(cache.flush_prefix(&[b'p'; 251]), Err(Error::KeyLength));
    assert_eq!(cache.stats().cmd_flush_prefix, 0);
    assert_eq!(cache.flush_prefix(&longest), Ok(()));
    assert!(cache.get(NOW, &longest).is_none());
    assert!(cache.get(NOW, &longest[..249]).is_some());
    assert_eq!(cache.flush_prefix(b"p"), Ok(()));
    assert!(cache.get(NOW, &longest[..249]).is_none());
}

#[test]
fn as_many_flushes_as_configured_are_under_way_at_once() {
    for max in [
        0,
        1,
        2,
        Config::FLUSH_PREFIX_LIMIT - 1,
        Config::FLUSH_PREFIX_LIMIT,
    ] {
        let mut config = Config::new(1 << 20);
        config.flush_prefix_max = max;
        let mut cache = Cache::new(config).unwrap();
        // So many that every number of a flush comes up more than once.
        for round in 0..5 {
            fill(&mut cache, &["p:"], 200);
            for number in 0..max {
                assert!(cache.can_flush_prefix());
                let prefix = format!("p:{number}");
                assert_eq!(cache.flush_prefix(prefix.as_bytes()), Ok(()));
                cache.check();
            }
            assert!(!cache.can_flush_prefix());
            assert_eq!(cache.flush_prefix(b"p:"), Err(Error::TooManyFlushes));
            let kept = (0..200).map(|number| number.to_string());
            let is_flushed =
                |text: &String| (0..max).any(|number| text.starts_with(&number.to_string()));
            let kept = kept.filter(|text| !is_flushed(text)).count();
            assert_eq!(found(&cache, "p:", 200), kept, "{max} {round}");
            sweep(&mut cache);
            assert_eq!(found(&cache, "p:", 200), kept, "{max} {round}");
        }
    }
    let mut config = Config::new(1 << 20);
    config.flush_prefix_max = Config::FLUSH_PREFIX_LIMIT + 1;
    assert_eq!(
        Cache::new(config).err(),
        Some(ConfigError::FlushPrefixes(64))
    );
}

#[test]
fn the_prefixes_are_part_of_the_budget() {
    // Of the same alignment each time: what pages do not fill depends on it.
    let mut memory = vec![0; (1 << 20) + 64];
    let start = memory.as_ptr().align_offset(64);
    let mut pages = |max| {
        let mut config = Config::new(1 << 20);
        config.flush_prefix_max = max;
        let memory = &mut memory[start..][..1 << 20];
        Cache::with_memory(config, memory).unwrap().unused_pages()
    };
    assert_eq!(pages(0) - pages(63), 63 * 256 / 4096 + 1);
    let defaults = [
        (0, 0),
        (65_535, 0),
        (65_536, 1),
        (4 << 20, 63),
        (1 << 30, 63),
    ];
    for (memory, max) in defaults {
        assert_eq!(Config::new(memory).flush_prefix_max, max, "{memory}");
    }
}
