//! Going through all items piece by piece, while the cache changes in between.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use dynamidb_core::{Cache, Config, Instant};

const NOW: Instant = Instant::from_secs(1);
/// Items that are there all the while.
const LASTING: u32 = 500;

fn cache() -> Cache {
    let mut config = Config::new(8 << 20);
    config.hash_seed = 7;
    Cache::new(config).unwrap()
}

fn lasting(number: u32) -> String {
    format!("lasting {number}")
}

fn passing(number: u32) -> String {
    format!("passing {number}")
}

/// Walks through all places, with something done before each, and counts how often each of the
/// lasting items was met; says the largest number of items at one cursor, too.
fn scan(cache: &mut Cache, mut between: impl FnMut(&mut Cache, u32)) -> (Vec<u32>, usize) {
    for number in 0..LASTING {
        cache.set(NOW, lasting(number).as_bytes(), "v").unwrap();
    }
    let mut met = HashMap::new();
    let (mut cursor, mut steps, mut most) = (Some(0), 0, 0);
    while let Some(here) = cursor {
        between(cache, steps);
        let (items, next) = cache.scan(here);
        let keys: Vec<_> = items.map(|item| item.key.to_vec()).collect();
        most = most.max(keys.len());
        for key in keys {
            *met.entry(key).or_insert(0) += 1;
        }
        assert!(next.is_none_or(|next| next > here), "it goes on");
        (cursor, steps) = (next, steps + 1);
    }
    let count = |number| met.get(lasting(number).as_bytes()).copied();
    let counts = (0..LASTING).map(|number| count(number).unwrap_or(0));
    (counts.collect(), most)
}

#[test]
fn each_item_is_met_once_if_nothing_changes() {
    let (counts, most) = scan(&mut cache(), |_, _| {});
    assert!(counts.iter().all(|&count| count == 1), "{counts:?}");
    assert!(most < 150, "{most} items at one cursor");
}

#[test]
fn growth_in_between_hides_nothing_and_repeats_nothing() {
    let (counts, most) = scan(&mut cache(), |cache, step| {
        for number in 0..200 {
            let key = passing(step * 200 + number);
            cache.set(NOW, key.as_bytes(), "v").unwrap();
        }
    });
    assert!(counts.iter().all(|&count| count == 1), "{counts:?}");
    assert!(most < 150, "{most} items at one cursor");
}

#[test]
fn shrinking_in_between_hides_nothing() {
    let mut cache = cache();
    for number in 0..20_000 {
        cache.set(NOW, passing(number).as_bytes(), "v").unwrap();
    }
    let (counts, _) = scan(&mut cache, |cache, step| {
        for number in 0..400 {
            cache.delete(NOW, passing(step * 400 + number).as_bytes());
        }
        cache.maintain(NOW, 1000);
    });
    assert!(counts.iter().all(|&count| count >= 1), "{counts:?}");
}

#[test]
fn an_empty_cache_has_a_place_without_items() {
    let cache = cache();
    let (items, next) = cache.scan(0);
    assert_eq!((items.count(), next), (0, None));
}

#[test]
fn any_number_is_a_place() {
    let mut cache = cache();
    let (counts, _) = scan(&mut cache, |_, _| {});
    assert_eq!(counts.len(), LASTING as usize);
    for cursor in [1, 77, u32::MAX / 2, u32::MAX] {
        let (items, next) = cache.scan(cursor);
        assert!(items.count() < 150 && next.is_none_or(|next| next > cursor));
    }
}

#[test]
fn an_item_is_seen_by_its_key_too() {
    let mut cache = cache();
    cache.set(NOW, "small", "v").unwrap();
    cache.set(NOW, "large", &[0; 3000]).unwrap();
    let class = |key: &str| cache.view_of(key).map(|item| item.class);
    assert_eq!(class("small"), Some(0));
    assert!(class("large") > Some(0));
    assert_eq!(class("absent"), None);
}
