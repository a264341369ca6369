//! A budget that changes while the cache is in use.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use core::time::Duration;

use dynamidb_core::{
    Cache, Cas, Config, DeleteOptions, DeleteOutcome, Expiry, GetOptions, Instant, Policy, Value,
};

const NOW: Instant = Instant::from_secs(1);

/// Items that are too large for the smaller budget stay, and so they can still be written again:
/// for a `cas` of more than 32 bits, which there was no room for in the head.
#[test]
fn an_item_too_large_for_the_new_budget_can_be_declared_out_of_date() {
    let mut cache = Cache::new(Config::new(8 << 20)).unwrap();
    let value = vec![b'v'; 1_000_000];
    cache.set(NOW, "large", &value[..]).unwrap();
    cache.set_memory(2_200_000).unwrap();
    let mut options = DeleteOptions::default();
    options.invalidate = true;
    options.cas = Cas::new(1 << 40);
    assert_eq!(
        cache.delete_with(NOW, "large", &options),
        Ok(DeleteOutcome::Deleted)
    );
    let item = cache.peek(NOW, "large").unwrap();
    assert_eq!(item.cas, Cas::new(1 << 40));
    assert!(item.value == value[..]);
    cache.check();
}

/// What has expired makes room before anything is evicted, also when a page is given up.
#[test]
fn a_smaller_budget_costs_no_live_item_while_expired_ones_are_there() {
    for policy in [
        Policy::Lru,
        Policy::S3Lru,
        #[cfg(feature = "density")]
        Policy::Density,
        Policy::Refuse,
    ] {
        let mut config = Config::new(1 << 20);
        config.policy = policy;
        let mut cache = Cache::new(config).unwrap();
        let brief = Expiry::After(Duration::from_secs(1));
        // What is stored later takes its place and needs no further room.
        cache.set(NOW, "key", "value").unwrap();
        for number in 0..3000_u32 {
            let value = Value::from(&[0; 100][..]);
            cache.set(NOW, &number.to_le_bytes(), value).unwrap();
            let value = Value::from(&[0; 100][..]).expire(brief);
            cache
                .set(NOW, &(number | 1 << 31).to_le_bytes(), value)
                .unwrap();
        }
        cache.set_memory(600 << 10).unwrap();
        let later = Instant::from_secs(3);
        for _ in 0..400 {
            cache.set(later, "key", "value").unwrap();
        }
        let lives = |number: &u32| cache.peek(later, &number.to_le_bytes()).is_some();
        assert_eq!((0..3000).filter(lives).count(), 3000, "{policy:?}");
        assert!(cache.stats().bytes < 600 << 10);
        cache.check();
    }
}

/// Not even one that is over already goes before the lookup that made it has seen it, though what
/// has expired in its page goes.
#[test]
fn an_item_that_a_lookup_makes_is_found_while_the_budget_shrinks() {
    let config = Config::new(64 << 10);
    let mut cache = Cache::with_memory(config, Vec::with_capacity(64 << 10)).unwrap();
    let mut options = GetOptions::default();
    for number in 0..4000_u32 {
        let (now, key) = (Instant::from_millis(number.into()), number.to_le_bytes());
        let brief = Expiry::After(Duration::from_millis(500));
        cache
            .set(now, &key, Value::from("value").expire(brief))
            .unwrap();
        let memory = if number % 100 < 50 {
            64 << 10
        } else {
            20 << 10
        };
        cache.set_memory(memory).unwrap();
        options.vivify = Some(Expiry::At(now));
        let made = cache.get_with(now, "made", &options);
        assert!(made.is_some_and(|made| made.created), "{number}");
        assert!(cache.peek(now, "made").is_none());
    }
    cache.check();
}
