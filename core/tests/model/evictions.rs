//! What every eviction must be, whatever the policy.

use dynamidb_core::view::{PageUse, RemovalReason};
use dynamidb_core::{Config, Instant};

use super::{Run, Seed, same};

impl Run {
    /// Drops from the model what the cache evicted during an operation on this key, and makes sure
    /// that it was the oldest and had to go.
    pub(super) fn follow_evictions(&mut self, key: &[u8]) {
        if core::mem::take(&mut self.model.has_new) {
            let entry = &self.model.items[0];
            same(self.cache.peek(self.now, &entry.key[..]), Some(entry));
        }
        let evictions = self.cache.stats().evictions;
        if evictions != self.evictions {
            self.evictions = evictions;
            self.no_expired_item_is_left(key);
            self.no_more_went_than_had_to();
            self.compare();
        }
        self.cache.removal_log_mut().clear();
    }

    /// What has expired goes before anything is evicted. Only the operation itself can have ended
    /// the item that it was about since.
    fn no_expired_item_is_left(&self, key: &[u8]) {
        let expired = |end: Instant| end <= self.now;
        let mut left = self.cache.items().filter(|view| view.key != key);
        let left = left.find(|view| view.item.expires_at.is_some_and(expired));
        assert!(left.is_none(), "evicted before {left:?}, which has expired");
    }

    /// Nothing is evicted while there is room. So what is unused now is what the last one that went
    /// has left, and what was written over.
    fn no_more_went_than_had_to(&self) {
        assert_eq!(
            self.cache.removal_log().missed(),
            0,
            "too many removals in one step"
        );
        let evicted = |reason| matches!(reason, RemovalReason::Memory | RemovalReason::ItemLimit);
        let removals = self.cache.removal_log().iter();
        let last = removals.filter(|removal| evicted(removal.reason));
        let last = last.last().expect("one that was evicted");
        if last.reason == RemovalReason::ItemLimit {
            assert_eq!(self.cache.len(), self.max_items, "more went than had to");
            return;
        }
        // Each of its chunks, five and those of whole pages, may have been the last in a page.
        let page_size = self.cache.page_size();
        let pages = |size: usize| size / page_size + 6;
        let spare = pages(last.key.len() + last.value_len) + pages(self.item_size_max);
        let stats = self.cache.stats();
        assert!(
            stats.unused_pages <= spare as u64,
            "evicted while pages are unused"
        );
        // In each class as many chunks may be free as fill a page and a quarter: with one more, the
        // others are moved together.
        let all = self
            .cache
            .pages()
            .filter(|page| page.usage != PageUse::Records);
        let all = all.count() * page_size;
        let classes = self.cache.slabs().count();
        let kept = stats.bytes as usize + stats.hash_bytes as usize;
        let loose = (classes + classes.div_ceil(4) + spare) * page_size;
        assert!(kept + loose >= all, "{kept} of {all} bytes are kept");
    }
}

/// In which order it evicts, `tests/density.rs` checks; here, all the rest.
#[cfg(feature = "density")]
#[test]
fn eviction_by_age_and_size() {
    use dynamidb_core::Policy;

    for policy in [Policy::Density, Policy::DensityFull] {
        let mut config = Config::new(64 * 1024);
        config.policy = policy;
        super::run(&config, 400, 20_000, super::operations(800_000), 500);
        config.memory = 16 * 1024;
        config.page_size = 512;
        config.slab_sizes = [32, 96, 256].into();
        super::run(&config, 300, 2500, super::operations(400_000), 100);
        config.max_items = Some(1);
        super::run(&config, 3, 2500, super::operations(16_000), 10);
    }
}

#[test]
fn sizes_that_shift() {
    for seed in 0..4 {
        let _seed = Seed(seed);
        let mut run = Run::new(seed, &Config::new(128 << 10), 3000, 0);
        for phase in 0..40 {
            run.value_len_max = [10, 8000, 300, 30_000][phase % 4];
            for _ in 0..2000 {
                run.step();
            }
            run.cache.check();
            run.compare();
        }
    }
}
