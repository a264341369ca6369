//! The index has as many buckets as its items need: it grows, shrinks and rests where it should.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use dynamidb_core::view::PageUse;
use dynamidb_core::{Cache, Config, Instant};

const NOW: Instant = Instant::from_secs(1);

/// Bytes of a bucket, and the number of items per bucket at which the index grows.
const BUCKET: usize = 64;
const LOAD: usize = 9;
const BUCKETS_MIN: usize = 4;

/// Page sizes with which the index is exactly as large as it should be. A page of 512 bytes has
/// eight overflow buckets, fewer than are wanted to be free before a group of buckets changes: with
/// those, it is somewhat late.
const PAGE_SIZES: [usize; 3] = [1024, 4096, 65536];

/// Caches of these page sizes that have room for this many small items.
fn caches<const N: usize>(page_sizes: [usize; N], items: usize) -> impl Iterator<Item = Cache> {
    page_sizes.into_iter().map(move |page_size| {
        let mut config = Config::new(100 * items + 20 * page_size);
        config.page_size = page_size;
        config.slab_sizes = [48].into();
        config.hash_seed = 0x1234_5678 << 90;
        Cache::new(config).unwrap()
    })
}

fn set(cache: &mut Cache, number: u32) {
    cache.set(NOW, &number.to_le_bytes(), "v").unwrap();
}

fn delete(cache: &mut Cache, number: u32) {
    assert!(cache.delete(NOW, &number.to_le_bytes()));
}

/// How many pages of buckets there are, those of overflow buckets aside.
fn index_pages(cache: &Cache) -> usize {
    let pages = cache.pages();
    pages.filter(|page| page.usage == PageUse::Index).count()
}

fn pages_of(cache: &Cache, buckets: usize) -> usize {
    (buckets * BUCKET).div_ceil(cache.page_size())
}

/// How many buckets are left of this many when there is nothing left to do.
fn shrunk(buckets: usize, items: usize) -> usize {
    (BUCKETS_MIN..=buckets)
        .rev()
        .find(|&buckets| buckets == BUCKETS_MIN || items >= buckets * LOAD / 2)
        .unwrap()
}

#[test]
fn a_growing_index_has_a_bucket_for_nine_items_and_upkeep_finds_nothing_to_do() {
    for mut cache in caches(PAGE_SIZES, 3000) {
        for number in 0..3000 {
            set(&mut cache, number);
            let buckets = cache.len().div_ceil(LOAD).max(BUCKETS_MIN);
            assert_eq!(index_pages(&cache), pages_of(&cache, buckets), "{number}");
            if number % 64 == 0 {
                let before = cache.digest();
                assert_eq!(cache.maintain(NOW, 8), 0, "{number}");
                assert_eq!(cache.digest(), before);
                cache.check();
            }
        }
        assert_eq!(cache.stats().evictions, 0);
    }
}

#[test]
fn hash_bytes_fall_after_mass_deletes_by_upkeep_and_by_stores() {
    for by_stores in [false, true] {
        for mut cache in caches([512, 1024, 4096, 65536], 3000) {
            (0..3000).for_each(|number| set(&mut cache, number));
            let full = cache.stats().hash_bytes as usize;
            assert!(full >= 3000 / LOAD * BUCKET);
            (20..3000).for_each(|number| delete(&mut cache, number));
            assert!(cache.stats().hash_bytes as usize >= full / 2);
            if by_stores {
                // Each shrinks the index by a bucket, if it is not written in place.
                for _ in 0..3000 / LOAD {
                    delete(&mut cache, 0);
                    set(&mut cache, 0);
                }
            } else {
                while cache.maintain(NOW, 8) == 8 {}
            }
            cache.check();
            let least = pages_of(&cache, BUCKETS_MIN) * cache.page_size();
            let late = usize::from(cache.page_size() == 512) * 512;
            let left = cache.stats().hash_bytes as usize;
            assert!((least..=least + late).contains(&left), "{left} of {full}");
        }
    }
}

/// Whatever the number of items: an index that upkeep has left has no more buckets than it should,
/// and the next items do not make it shrink or grow at once.
#[test]
fn upkeep_that_has_ended_leaves_no_sparse_index() {
    for mut cache in caches(PAGE_SIZES, 3000) {
        (0..3000).for_each(|number| set(&mut cache, number));
        let mut buckets = 3000_usize.div_ceil(LOAD);
        for number in 0..3000 {
            delete(&mut cache, number);
            let steps = cache.maintain(NOW, 8);
            assert!(steps < 8, "a delete makes few steps necessary");
            let fewer = shrunk(buckets, cache.len());
            assert_eq!(buckets - fewer, steps, "{} items", cache.len());
            assert_eq!(index_pages(&cache), pages_of(&cache, fewer));
            buckets = fewer;
            if number % 64 == 0 {
                cache.check();
            }
        }
    }
}

/// In a full cache, where each page that the index needs has to be taken from items, the index has
/// what it needs all the same, and the items keep the rest.
#[test]
fn a_full_cache_keeps_as_many_items_as_pages_and_index_allow() {
    for page_size in [512, 1024, 4096] {
        let mut config = Config::new(128 * page_size);
        (config.page_size, config.slab_sizes) = (page_size, [48, page_size].into());
        let mut cache = Cache::new(config).unwrap();
        for number in 0..10_000 {
            set(&mut cache, number);
            if number % 16 == 0 {
                cache.check();
            }
        }
        let stats = cache.stats();
        let buckets = cache.len().div_ceil(LOAD);
        assert!(stats.evictions > 0 && stats.unused_pages == 0);
        assert!(index_pages(&cache) >= pages_of(&cache, buckets), "crowded");
        // Items, the buckets for them, and a few pages that are not full.
        let pages = cache.pages().filter(|page| page.usage != PageUse::Records);
        let memory = (pages.count() - 12) * page_size;
        let per_page = page_size / 48;
        let cost = page_size as f64 / per_page as f64 + BUCKET as f64 / (LOAD as f64 * 0.8);
        let least = (memory as f64 / cost) as usize;
        assert!(cache.len() >= least, "{} instead of {least}", cache.len());
    }
}

#[test]
fn a_reserved_index_neither_grows_nor_shrinks_until_that_ends() {
    for mut cache in caches(PAGE_SIZES, 3000) {
        let buckets = |items: usize| items.div_ceil(LOAD);
        cache.reserve(BUCKETS_MIN * LOAD);
        assert_eq!(cache.maintain(NOW, 10), 0, "it is as small as can be");
        cache.reserve(900);
        let pages = index_pages(&cache);
        assert_eq!(pages, pages_of(&cache, buckets(900)));
        for number in 0..900 {
            set(&mut cache, number);
            assert_eq!(cache.maintain(NOW, 10), 0, "{number}");
            assert_eq!(index_pages(&cache), pages);
        }
        cache.check();
        for number in 1..900 {
            delete(&mut cache, number);
        }
        cache.reserve(1000);
        assert_eq!(index_pages(&cache), pages_of(&cache, buckets(1000)));
        cache.check();
        assert_eq!(cache.maintain(NOW, 10), 0);
        cache.reserve(0);
        while cache.maintain(NOW, 10) == 10 {}
        assert_eq!(index_pages(&cache), pages_of(&cache, BUCKETS_MIN));
        cache.check();
    }
}

#[test]
fn an_index_grows_beyond_what_was_reserved_and_then_shrinks_as_ever() {
    for mut cache in caches(PAGE_SIZES, 3000) {
        cache.reserve(500);
        for number in 0..2000 {
            set(&mut cache, number);
        }
        assert_eq!(
            index_pages(&cache),
            pages_of(&cache, 2000_usize.div_ceil(LOAD))
        );
        for number in 0..2000 {
            delete(&mut cache, number);
        }
        while cache.maintain(NOW, 10) == 10 {}
        assert_eq!(index_pages(&cache), pages_of(&cache, BUCKETS_MIN));
    }
}

#[test]
fn a_reserved_index_takes_an_eighth_of_the_memory_at_most() {
    for mut cache in caches(PAGE_SIZES, 3000) {
        let all = cache.unused_pages();
        cache.reserve(usize::MAX);
        cache.check();
        let taken = index_pages(&cache);
        assert!(
            taken * 8 <= all + 8 && (taken + 2) * 8 > all,
            "{taken} of {all}"
        );
        for number in 0..3000 {
            set(&mut cache, number);
        }
        cache.check();
    }
}
