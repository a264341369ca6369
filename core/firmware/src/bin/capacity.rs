//! How many readings of 16 and 16 bytes different maps hold in the same memory. The maps other than
//! the cache have no deadlines and no eviction: they reject what does not fit.
#![no_std]
#![no_main]

extern crate alloc;

use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Config, Instant};
use dynamidb_core_firmware::board::exit_success;
use dynamidb_core_firmware::heap;
use hashbrown::HashMap;
use heapless::index_map::FnvIndexMap;

type Half = [u8; 16];

#[entry]
fn main() -> ! {
    static mut CACHE_MEMORY: [u8; 64 << 10] = [0; 64 << 10];
    static mut HEAP_MEMORY: [MaybeUninit<u8>; 128 << 10] = [MaybeUninit::uninit(); 128 << 10];
    heap::init(HEAP_MEMORY);
    hprintln!("readings held in          16 KiB  64 KiB");
    for compact in [false, true] {
        let few = cache(&mut CACHE_MEMORY[..16 << 10], compact);
        let many = cache(&mut CACHE_MEMORY[..], compact);
        let name = if compact {
            "the cache, compact"
        } else {
            "the cache"
        };
        hprintln!("{:<24}{:>8}{:>8}", name, few, many);
    }
    let (few, many) = (index_map(16 << 10), index_map(64 << 10));
    hprintln!("heapless::FnvIndexMap   {:>8}{:>8}", few, many);
    let (few, many) = (hash_map(16 << 10), hash_map(64 << 10));
    hprintln!("hashbrown::HashMap      {:>8}{:>8}", few, many);
    exit_success()
}

/// Fills a cache until the first item is evicted.
fn cache(memory: &mut [u8], compact: bool) -> usize {
    let mut config = Config::new(memory.len());
    config.compact = compact;
    config.slab_sizes = [if compact { 48 } else { 64 }].into();
    let mut cache = Cache::with_memory(config, memory).expect("the configuration is valid");
    for number in 0_u128.. {
        let reading = number.to_be_bytes();
        let now = Instant::from_millis(0);
        cache
            .set(now, &reading, &reading)
            .expect("items can be evicted");
        if cache.stats().evictions > 0 {
            break;
        }
    }
    cache.len()
}

/// The largest capacity that fits: a power of two, all of which can be used.
fn index_map(memory: usize) -> usize {
    const fn size<const N: usize>() -> (usize, usize) {
        (N, size_of::<FnvIndexMap<Half, Half, N>>())
    }
    let sizes = [
        size::<128>(),
        size::<256>(),
        size::<512>(),
        size::<1024>(),
        size::<2048>(),
    ];
    let fitting = sizes.iter().rev().find(|(_, size)| *size <= memory);
    fitting.expect("the smallest fits").0
}

/// Made with its final capacity: growing would need half as much memory again.
fn hash_map(memory: usize) -> usize {
    let map = |capacity| HashMap::<Half, Half>::with_capacity(capacity);
    let fits = |capacity: &usize| {
        let map = map(*capacity);
        size_of_val(&map) + map.allocation_size() <= memory
    };
    map((1..).take_while(fits).last().expect("one fits")).capacity()
}
