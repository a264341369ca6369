//! The calculator: what it says against caches that are filled.

use dynamidb_core::{Cache, Config, Instant, SlabSizes};
use dynamidb_web::Playground;
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn sizing(items: u32, key: u32, value: u32, sizes: &[u32]) -> Vec<f64> {
    let numbers = Playground::sizing(items.into(), key, value, sizes);
    numbers.unwrap_or_else(|_| panic!("{items} {key} {value}"))
}

/// How many items are left of these when they were stored in so much memory.
fn kept(memory: f64, items: u32, key: u32, value: u32, sizes: SlabSizes) -> usize {
    let mut config = Config::new(memory as usize);
    (config.page_size, config.slab_sizes) = (4096, sizes);
    config.hash_seed = 7;
    let mut cache = Cache::new(config).expect("the memory is enough");
    let value = vec![b'v'; value as usize];
    for number in 0..items {
        let name = format!("{number:0key$}", key = key as usize);
        let stored = cache.set(Instant::from_secs(0), name.as_bytes(), &value[..]);
        stored.expect("the item is small enough");
    }
    cache.len()
}

#[wasm_bindgen_test]
fn the_calculated_memory_holds_all_items_and_two_percent_less_does_not() {
    for (items, key, value) in [
        (1000, 16, 64),
        (30_000, 16, 64),
        (100_000, 7, 1),
        (20_000, 20, 336),
        (3000, 30, 5000),
        (60, 10, 300_000),
    ] {
        for sizes in [&[][..], &[64, 128, 256, 1024, 4096]] {
            let memory = sizing(items, key, value, sizes)[0];
            let used: SlabSizes = match sizes {
                [] if memory < (16 << 20) as f64 => {
                    [32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096].into()
                }
                [] => SlabSizes::page_fractions(4096),
                sizes => sizes.iter().map(|&size| size as usize).collect(),
            };
            let case = format!("{items} of {key} and {value} bytes in {memory}");
            let all = kept(memory, items, key, value, used);
            assert_eq!(all, items as usize, "{case}");
            // A few pages are rounded up; with few items they are more.
            let less = memory - (0.02 * memory).max(10.0 * 4096.0);
            assert!(
                kept(less, items, key, value, used) < all,
                "{case}: less is enough"
            );
        }
    }
}

#[wasm_bindgen_test]
fn the_chunks_are_those_of_the_engine() {
    let numbers = sizing(1, 16, 300, &[64, 128, 256, 1024, 4096]);
    let chunks: Vec<_> = numbers[2..].chunks(4).collect();
    let sum = |part: usize| chunks.iter().map(|chunk| chunk[part]).sum::<f64>();
    assert_eq!((sum(0), sum(2), sum(3)), (384.0, 16.0, 300.0));
    assert_eq!(sum(1), 24.0 + 4.0 + 8.0, "a header, a link, a second chunk");
    assert_eq!(numbers[1], 384.0, "its sizes divide the page");
}

#[wasm_bindgen_test]
fn a_server_has_the_same_sizes_of_chunks() {
    let options = include_str!("../../native/src/server/options.rs");
    let list = "32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096";
    assert!(options.replace('\n', " ").contains(list));
    assert!(include_str!("../src/sizing.rs").contains(list));
    assert!(options.contains("FINE_SIZES_MEMORY: usize = 16 << 20"));
}
