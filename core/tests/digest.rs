//! The digest says whether two caches are in the same state: nothing more, nothing less.

use core::time::Duration;

use dynamidb_core::{Cache, Cas, Config, Expiry, Instant, LruBump, Memory, Policy};
use dynamidb_core::{SetOptions, SetOutcome, Value};

const MEMORY: usize = 64 * 1024;

/// Which items there are, the most recently used first, and where they lie.
fn positions(cache: &Cache) -> Vec<(Vec<u8>, u32)> {
    let items = cache.items();
    items
        .map(|item| (item.key.to_vec(), item.position))
        .collect()
}

/// Stores, reads, deletes and lets expire: enough to evict, to move chunks and to grow the index.
fn work<M: Memory>(cache: &mut Cache<M>, steps: u64) {
    let bytes = [b'v'; 3000];
    for step in 0..steps {
        let now = Instant::from_millis(step * 37);
        let random = step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let key = (random >> 52).to_string();
        match random & 7 {
            0..=3 => {
                let life = Expiry::After(Duration::from_millis(random >> 8 & 0x3FFF));
                let size = if random & 0x30 == 0 { 3000 } else { 90 };
                let size = (random >> 24) as usize % size;
                let expiry = if random & 8 == 0 { life } else { Expiry::Never };
                let value = Value::from(&bytes[..size])
                    .flags(random as u32 & 1)
                    .expire(expiry);
                cache.set(now, &key[..], value).expect("there is room");
            }
            4 => {
                cache.delete(now, &key[..]);
            }
            5 => {
                cache.maintain(now, 8);
            }
            _ => {
                cache.get(now, &key[..]);
            }
        }
    }
}

fn configs() -> impl Iterator<Item = Config> {
    [
        (Policy::Lru, LruBump::Strict),
        (Policy::Lru, LruBump::Lazy),
        (Policy::S3Lru, LruBump::Strict),
        #[cfg(feature = "density")]
        (Policy::Density, LruBump::Strict),
    ]
    .into_iter()
    .map(|(policy, lru_bump)| {
        let mut config = Config::new(MEMORY);
        config.policy = policy;
        config.lru_bump = lru_bump;
        config
    })
}

#[test]
fn the_same_operations_lead_to_the_same_number_whatever_the_memory_held_before() {
    for config in configs() {
        let mut digests = [0xFF, 0x00, 0x55].map(|fill| {
            let mut memory = vec![fill; MEMORY];
            let mut cache = Cache::with_memory(config.clone(), &mut memory[..]).unwrap();
            work(&mut cache, 20_000);
            assert!(cache.stats().evictions > 0 && cache.stats().reclaimed > 0);
            cache.check();
            cache.digest()
        });
        digests.sort_unstable();
        assert_eq!(digests[0], digests[2]);
        let mut cache = Cache::with_memory(config, vec![0; MEMORY].into_boxed_slice()).unwrap();
        work(&mut cache, 20_000);
        assert_eq!(cache.digest(), digests[0], "boxed");
    }
}

#[test]
fn reading_the_views_and_the_counters_changes_nothing() {
    let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
    work(&mut cache, 1000);
    let before = cache.digest();
    let now = Instant::from_secs(1);
    assert_eq!(cache.iter().count(), cache.len());
    assert!(cache.peek(now, "absent").is_none());
    assert!(
        cache
            .get(Instant::from_millis(999 * 37), "absent")
            .is_none()
    );
    cache.reset_stats();
    assert_eq!(cache.digest(), before);
}

/// Stores two items and deletes them in this order.
fn free_two(cache: &mut Cache, order: [&str; 2]) {
    let now = Instant::from_secs(100);
    for key in ["c", "d"] {
        cache.set(now, key, "value").expect("there is room");
    }
    for key in order {
        assert!(cache.delete(now, key));
    }
}

#[test]
fn every_difference_shows() {
    type Change = fn(&mut Cache);
    let now = Instant::from_secs(100);
    let changes: [(&str, Change); 13] = [
        ("nothing", |_| ()),
        ("a value", |c| {
            c.set(Instant::from_secs(100), "a", "other").unwrap()
        }),
        ("flags", |c| {
            c.set(Instant::from_secs(100), "a", Value::from("value").flags(1))
                .unwrap();
        }),
        ("a use", |c| {
            assert!(c.get(Instant::from_secs(100), "a").is_some())
        }),
        ("the same value again", |c| {
            c.set(Instant::from_secs(100), "a", "value").unwrap()
        }),
        ("a deadline", |c| {
            let expiry = Expiry::After(Duration::from_secs(9));
            assert!(c.touch(Instant::from_secs(100), "a", expiry));
        }),
        ("an item less", |c| {
            assert!(c.delete(Instant::from_secs(100), "a"))
        }),
        ("a flush to come", |c| c.flush_at(Instant::from_secs(200))),
        ("time", |c| {
            assert!(c.get(Instant::from_secs(101), "absent").is_none());
        }),
        ("upkeep at that time", |c| {
            assert_eq!(c.maintain(Instant::from_secs(101), 1), 0)
        }),
        ("a smaller budget", |c| {
            c.set_memory(MEMORY / 8 * 7).unwrap()
        }),
        ("free chunks", |c| free_two(c, ["c", "d"])),
        ("free chunks in another order", |c| free_two(c, ["d", "c"])),
    ];
    let digests = changes.map(|(what, change)| {
        let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
        cache.set(now, "a", "value").unwrap();
        cache.set(now, "b", "value").unwrap();
        change(&mut cache);
        (cache.digest(), what)
    });
    for (at, (digest, what)) in digests.iter().enumerate() {
        let same = digests[..at].iter().find(|(other, _)| other == digest);
        assert_eq!(same, None, "{what}");
    }
}

/// Two lazy caches whose items, order and history of stores are the same, but in one of them more
/// items are recent: it will leave them in place when they are read, so it is in another state.
#[test]
fn which_items_are_recent_shows() {
    let mut config = Config::new(MEMORY);
    config.lru_bump = LruBump::Lazy;
    let now = Instant::from_secs(1);
    let caches = [false, true].map(|delete_first| {
        let mut cache = Cache::new(config.clone()).unwrap();
        for number in 1..=8_u8 {
            cache.set(now, &[number], "value").unwrap();
        }
        let read = |cache: &mut Cache| {
            for number in 5..=8_u8 {
                assert!(cache.get(now, &[number]).is_some());
            }
        };
        let delete = |cache: &mut Cache| {
            for number in 1..=4_u8 {
                assert!(cache.delete(now, &[number]));
            }
        };
        if delete_first {
            delete(&mut cache);
            read(&mut cache);
        } else {
            read(&mut cache);
            delete(&mut cache);
        }
        // Pending promotions are entered in the list.
        assert!(cache.delete(now, &[7]));
        cache
    });
    let young = |cache: &Cache| cache.items().filter(|item| item.young).count();
    let [many, few] = &caches;
    assert_eq!(positions(many), positions(few));
    assert_eq!((young(many), young(few)), (2, 1));
    assert_ne!(many.digest(), few.digest());
}

/// The same for items that are in the admission queue in one cache and in the list in the other.
#[test]
fn which_items_are_queued_shows() {
    let now = Instant::from_secs(1);
    let caches = [Policy::Lru, Policy::S3Lru].map(|policy| {
        let mut config = Config::new(MEMORY);
        config.policy = policy;
        config.flush_prefix_max = 0;
        // The same pages, though the other policy takes some memory for itself.
        let memory = match policy {
            Policy::Lru => MEMORY - MEMORY / 128,
            _ => MEMORY,
        };
        let mut cache = Cache::with_memory(config, vec![0; memory]).unwrap();
        cache.set(now, "key", "value").unwrap();
        cache
    });
    let queued = |cache: &Cache<_>| cache.items().filter(|item| item.queued).count();
    let [listed, waiting] = &caches;
    assert_eq!(listed.pages().count(), waiting.pages().count());
    assert_eq!((queued(listed), queued(waiting)), (0, 1));
    assert_ne!(listed.digest(), waiting.digest());
}

/// The same items under the same cas, but the next one will be another.
#[test]
fn the_next_cas_shows() {
    let now = Instant::from_secs(1);
    let caches = [0, 1].map(|given| {
        let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
        let mut options = SetOptions::default();
        options.cas = Cas::new(given);
        let stored = cache.set_with(now, "key", "value", &options).unwrap();
        let (cas, len) = (Cas::new(1), 5);
        assert_eq!(stored, SetOutcome::Stored { cas, len });
        cache
    });
    let [counted, given] = &caches;
    assert_eq!(positions(counted), positions(given));
    assert_ne!(counted.digest(), given.digest());
}

/// The same items at the same places, but in one cache the item before was evicted, so that it will
/// be welcomed back, and in the other it was deleted.
#[test]
fn which_items_were_evicted_shows() {
    let now = Instant::from_secs(1);
    let caches = [false, true].map(|evict| {
        let mut config = Config::new(MEMORY);
        (config.policy, config.max_items) = (Policy::S3Lru, Some(2));
        let mut cache = Cache::new(config).unwrap();
        cache.set(now, "gone", "value").unwrap();
        cache.set(now, "kept", "value").unwrap();
        if !evict {
            assert!(cache.delete(now, "gone"));
        }
        cache.set(now, "new", "value").unwrap();
        assert_eq!(cache.stats().evictions, u64::from(evict));
        cache
    });
    let view = |cache: &Cache| -> Vec<_> {
        let items = cache.items();
        items
            .map(|item| (item.key.to_vec(), item.position, item.queued))
            .collect()
    };
    let [deleted, evicted] = &caches;
    assert_eq!(view(deleted), view(evicted));
    assert_ne!(deleted.digest(), evicted.digest());
}

/// The same items at the same places, but in one cache more bytes were stored since, so that ages
/// grow earlier.
#[cfg(feature = "density")]
#[test]
fn how_much_was_stored_shows_with_density() {
    let now = Instant::from_secs(1);
    let caches = [3000, 3008].map(|len| {
        let mut config = Config::new(MEMORY);
        config.policy = Policy::Density;
        let mut cache = Cache::new(config).unwrap();
        cache.set(now, "kept", "value").unwrap();
        cache.set(now, "gone", &[0; 3008][..len]).unwrap();
        assert!(cache.delete(now, "gone"));
        cache
    });
    let [one, other] = &caches;
    assert_eq!(positions(one), positions(other));
    assert_ne!(one.digest(), other.digest());
}

/// The same items, deadlines and order of use, but what expires is removed in another order.
#[test]
fn in_which_order_pages_are_filed_shows() {
    let now = Instant::from_secs(1);
    let caches = [["small", "large"], ["large", "small"]].map(|order| {
        let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
        cache.set(now, "small", "value").unwrap();
        cache.set(now, "large", &[0; 900]).unwrap();
        for key in order {
            assert!(cache.touch(now, key, Expiry::After(Duration::from_secs(9))));
        }
        assert!(cache.get(now, "small").is_some() && cache.get(now, "large").is_some());
        cache
    });
    let keys = |cache: &Cache| -> Vec<_> { cache.items().map(|item| item.key.to_vec()).collect() };
    assert_eq!(keys(&caches[0]), keys(&caches[1]));
    let [one, other] = caches.map(|mut cache| {
        let digest = cache.digest();
        assert_eq!(cache.maintain(Instant::from_secs(20), 1), 1);
        (digest, keys(&cache))
    });
    assert_ne!(one.1, other.1);
    assert_ne!(one.0, other.0);
}
