//! When items end, by the caller's clock.

use core::time::Duration;

use dynamidb_core::{Cache, Config, Expiry, Instant, Value};

const MILLISECOND: Duration = Duration::from_millis(1);

fn cache() -> Cache {
    Cache::new(Config::new(64 * 1024)).expect("a configuration that works")
}

#[test]
fn an_item_lives_to_the_millisecond_before_its_deadline() {
    let mut cache = cache();
    let start = Instant::from_secs(1_700_000_000);
    for millis in [1, 999, 1000, 86_400_000, 30 * 86_400_000] {
        let after = Duration::from_millis(millis);
        let value = Value::from("v").expire(Expiry::After(after));
        assert_eq!(cache.set(start, "k", value), Ok(()));
        assert!(
            cache.get(start + (after - MILLISECOND), "k").is_some(),
            "{millis}"
        );
        assert!(cache.get(start + after, "k").is_none(), "{millis}");
    }
}

#[test]
fn far_deadlines_are_kept_to_32_milliseconds_and_never_late() {
    let mut cache = cache();
    let start = Instant::from_secs(1_700_000_000);
    for days in [100, 365, 3000] {
        let after = Duration::from_secs(days * 86_400);
        let value = Value::from("v").expire(Expiry::After(after));
        assert_eq!(cache.set(start, "k", value), Ok(()));
        assert!(
            cache.get(start + (after - 32 * MILLISECOND), "k").is_some(),
            "{days}"
        );
        assert!(cache.get(start + after, "k").is_none(), "{days}");
    }
}

#[test]
fn a_clock_that_runs_backwards_only_lets_items_live_longer() {
    let mut cache = cache();
    let start = Instant::from_secs(1000);
    assert_eq!(cache.set(start, "before", "v"), Ok(()));
    let earlier = Instant::from_secs(10);
    let value = Value::from("v").expire(Expiry::After(Duration::from_secs(5)));
    assert_eq!(cache.set(earlier, "key", value), Ok(()));
    while cache.maintain(earlier, 8) == 8 {}
    assert!(cache.get(earlier, "key").is_some());
    assert!(cache.get(start + Duration::from_secs(5), "key").is_none());
    assert!(cache.get(start, "before").is_some());
    cache.check();
}

#[test]
fn an_expired_item_is_given_back_by_upkeep_within_a_second() {
    let mut cache = cache();
    let start = Instant::from_secs(50);
    for number in 0..200_u64 {
        let after = Duration::from_millis(10_000 + number);
        let value = Value::from("v").expire(Expiry::After(after));
        assert_eq!(cache.set(start, &number.to_le_bytes(), value), Ok(()));
    }
    while cache.maintain(start + Duration::from_millis(11_000), 64) == 64 {}
    assert!(cache.is_empty(), "{} items are left", cache.len());
    let stats = cache.stats();
    let all = (0..200).map(|number| 1000 - number).sum::<u64>();
    assert_eq!((stats.reclaimed, stats.expiry_lag_max), (200, 1000));
    assert_eq!(stats.expiry_lag_total, all);
}

#[test]
fn the_expiry_lag_counts_from_the_deadline_to_the_request_that_reclaims_the_item() {
    let mut cache = cache();
    let start = Instant::from_secs(50);
    let value = Value::from("v").expire(Expiry::After(Duration::from_secs(1)));
    assert_eq!(cache.set(start, "k", value), Ok(()));
    assert!(
        cache
            .get(start + Duration::from_millis(1300), "k")
            .is_none()
    );
    assert_eq!(cache.stats().expiry_lag_max, 300);
}

#[test]
fn the_last_use_is_the_one_before_however_large_the_item_is() {
    let mut cache = cache();
    let at = Instant::from_secs;
    for value in [&b"v"[..], &[b'v'; 5000]] {
        assert_eq!(cache.set(at(10), "key", value), Ok(()));
        for now in [at(20), at(30)] {
            let item = cache.get(now, "key").expect("it was stored");
            assert_eq!(now.since(item.last_used).as_secs(), 10, "{}", value.len());
        }
    }
}
