//! A budget that changes while the cache is in use.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use dynamidb_core::{Cache, Config, DeleteOptions, Instant, Outcome};

const NOW: Instant = Instant::from_secs(1);

/// Items that are too large for the smaller budget stay, and so they can still be written anew: for
/// a `cas` of more than 32 bits, which there was no room for in the head.
#[test]
fn an_item_too_large_for_the_new_budget_can_be_declared_out_of_date() {
    let mut cache = Cache::new(Config::new(8 << 20)).unwrap();
    let value = vec![b'v'; 1_000_000];
    cache.set(NOW, "large", &value[..]).unwrap();
    cache.set_memory(2_200_000).unwrap();
    let mut options = DeleteOptions::default();
    options.invalidate = true;
    options.cas = 1 << 40;
    assert_eq!(
        cache.delete_with(NOW, "large", &options),
        Ok(Outcome::Deleted)
    );
    let item = cache.peek(NOW, "large").unwrap();
    assert_eq!(item.cas, 1 << 40);
    assert!(item.value == value[..]);
    cache.check();
}
