//! What is allocated, and when: construction survives any failure, nothing is allocated after it.

// An allocator can only be written with `unsafe`; this one hands everything to the system's.
#![allow(unsafe_code)]

use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};

use dynamidb_core::snapshot::{Clocks, LiveSave, Restore};
use dynamidb_core::view::PageUse;
use dynamidb_core::{Cache, Config, Expiry, Instant, Memory, Session, SessionConfig, Value};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// How many allocations succeed before one fails.
    static FAIL_AFTER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Counts an allocation and says whether it may succeed.
fn permitted() -> bool {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    let left = FAIL_AFTER.get();
    FAIL_AFTER.set(if left == 0 {
        usize::MAX
    } else {
        left.saturating_sub(1)
    });
    left != 0
}

// SAFETY: every call goes to the system's allocator with the same arguments, or fails by null.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !permitted() {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from the system's allocator with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Without a server's table of classes: only an allocation that may not fail leaves it untouched.
#[cfg(not(feature = "monitoring"))]
#[test]
fn construction_survives_the_failure_of_any_allocation() {
    for memory in [16 << 10, 1 << 20] {
        for fail_after in 0.. {
            let config = Config::new(memory);
            FAIL_AFTER.set(fail_after);
            let made = Cache::new(config);
            let failed = FAIL_AFTER.replace(usize::MAX) == usize::MAX;
            match made {
                Ok(cache) => {
                    cache.check();
                    assert!(!failed, "an allocation failed and nobody noticed");
                    assert!(fail_after > 0, "construction allocates something");
                    break;
                }
                Err(error) => assert_eq!(error, dynamidb_core::ConfigError::OutOfMemory),
            }
        }
    }
}

/// Without what a server counts and samples.
#[cfg(not(any(feature = "monitoring", feature = "insight")))]
#[test]
fn a_cache_in_lent_memory_needs_no_allocator() {
    let mut lent = vec![0; 16 << 10];
    let before = ALLOCATIONS.get();
    let mut config = Config::new(lent.len());
    config.slab_sizes = [32, 48, 64].into();
    let mut cache = Cache::with_memory(config, &mut lent[..]).expect("a configuration that works");
    cache
        .set(Instant::from_secs(0), "key", "value")
        .expect("there is room");
    assert_eq!(ALLOCATIONS.get(), before);
}

/// Memory of which no more can be used than was asked for.
struct Asked {
    bytes: Vec<u8>,
    len: usize,
}

impl Memory for &mut Asked {
    fn capacity(&self) -> usize {
        self.bytes.len()
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
    fn extend_to(&mut self, len: usize) {
        assert!(len <= self.bytes.len());
        self.len = self.len.max(len);
    }
}

/// Small items, then one of nearly 16 MiB: memory is asked for in time, and not much of it early.
#[test]
fn little_more_memory_is_asked_for_than_is_used() {
    for page_size in [512, 4096, 65536] {
        let (bytes, now) = (vec![0; 70 << 20], Instant::from_secs(1));
        let mut memory = Asked { bytes, len: 0 };
        let table = 4 * (memory.bytes.len() / page_size / 3 + 1) + 128;
        let mut asked = |numbers: core::ops::Range<u32>, value: &[u8]| {
            memory.len = 0;
            let mut config = Config::new(0);
            (config.page_size, config.slab_sizes) = (page_size, [64, page_size].into());
            config.item_size_max = Config::ITEM_SIZE_LIMIT;
            let mut cache = Cache::with_memory(config, &mut memory).expect("enough memory");
            for number in numbers {
                assert_eq!(cache.set(now, &number.to_le_bytes(), value), Ok(()));
            }
            let used = cache.pages().filter(|page| page.usage != PageUse::Unused);
            // Records of pages that nobody uses yet count as well.
            let used = used.filter(|page| page.usage != PageUse::Records || page.number == 0);
            let end = used
                .map(|page| page.number)
                .max()
                .map_or(0, |last| last + 1);
            drop(cache);
            (memory.len - table, end as usize * page_size)
        };
        for numbers in [0..0, 0..1, 0..100, 0..5000] {
            let (asked, used) = asked(numbers, b"v");
            assert!(asked <= used + 11 * page_size, "{asked} for {used}");
        }
        let large = vec![b'v'; Config::ITEM_SIZE_LIMIT - 4];
        let (asked, used) = asked(0..1, &large);
        assert!(used > large.len() && asked <= used + used / 8 + 11 * page_size);
    }
}

#[test]
fn no_operation_allocates_after_construction() {
    let mut cache = Cache::new(Config::new(1 << 18)).expect("a configuration that works");
    let bytes = vec![b'v'; 60_000];
    let before = ALLOCATIONS.get();
    let mut random = 1_u64;
    for step in 0..200_000_u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let key = (random >> 40).to_le_bytes();
        let key = &key[..2];
        let now = Instant::from_millis(step);
        let len = (random >> 20) as usize % if step % 500 == 0 { bytes.len() } else { 300 };
        let after = Duration::from_millis(random % 5000);
        let expiry = if random & 1 == 0 {
            Expiry::Never
        } else {
            Expiry::After(after)
        };
        let value = Value::from(&bytes[..len]).expire(expiry);
        match random >> 60 {
            0..=4 => drop(cache.set(now, key, value)),
            5 => drop(cache.append(now, key, b"more")),
            6 => drop(cache.increment(now, key, 1)),
            7 => drop(cache.delete(now, key)),
            8 => drop(cache.maintain(now, 4)),
            9 => drop(cache.touch(now, key, Expiry::Never)),
            _ => drop(cache.get(now, key)),
        }
    }
    assert!(cache.stats().evictions > 1000 && cache.stats().reclaimed > 1000);
    assert_eq!(ALLOCATIONS.get(), before);
}

#[test]
fn a_session_allocates_nothing_once_its_output_has_grown() {
    let mut cache = Cache::new(Config::new(1 << 20)).expect("a configuration that works");
    let mut session = Session::new(SessionConfig::default());
    let mut output = Vec::with_capacity(1 << 16);
    let now = Instant::from_secs(1);
    let input = b"set a 5 0 3\r\nabc\r\nget a b a\r\nSET b 0 2\r\nxy\r\nGET b\r\nincr a 1\r\n\
        delete a\r\ngets a b\r\nnonsense\r\n\
        mg m N30 t k v\r\nms m 2 T60 F7 c s k Oq\r\nhi\r\nmg m s v f t c k h l Oq\r\n\
        ms m 1 MA E18446744073709551615\r\n!\r\nmd m I T30\r\nmg m v\r\nms aw== 1 b k\r\n1\r\n\
        ma aw== b D5 v\r\nmg k k v\r\nme k\r\nmd k x\r\nmg gone q\r\nmg k z\r\nHELP\r\n";
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        output.clear();
        let mut used = 0;
        while used < input.len() {
            used += session.process(now, &input[used..], &mut cache, &mut output);
        }
    }
    assert_eq!(ALLOCATIONS.get(), before);
    assert!(output.starts_with(b"STORED\r\n"));
}

/// A cache in so much memory: whatever the features, the fields of `Cache` take nothing of it.
fn cache_in(memory: usize) -> Cache {
    let cache = Cache::with_memory(Config::new(memory), Vec::with_capacity(memory));
    cache.expect("a configuration that works")
}

#[test]
fn a_snapshot_is_saved_and_restored_without_an_allocation() {
    let now = Instant::from_secs(0);
    let mut cache = cache_in(64 << 10);
    for number in 0..200_u32 {
        let key = number.to_le_bytes();
        let stored = cache.set(now, &key, &key.repeat(1 + number as usize % 200)[..]);
        stored.expect("it is small");
    }
    let mut other = cache_in(32 << 10);
    let (mut buffer, clocks) = ([0; 2000], Clocks::new(now));
    let before = ALLOCATIONS.get();
    let (mut restore, mut save) = (Restore::new(clocks), cache.save(clocks));
    while let piece @ [_, ..] = save.next(&mut buffer).expect("every item fits") {
        let used = restore.feed(now, &mut other, piece);
        assert_eq!(used, Ok(piece.len()));
    }
    assert!(restore.finish().is_ok_and(|restored| restored.stored > 50));
    // In less memory, so that it is sorted now and then.
    let mut restore = Restore::new(clocks);
    let mut save = LiveSave::new(clocks, 1);
    while save.cache().is_some() {
        let piece = save
            .next(now, &cache, &mut buffer)
            .expect("every item fits");
        let used = restore.feed(now, &mut other, piece);
        assert_eq!(used, Ok(piece.len()));
    }
    assert!(restore.finish().is_ok_and(|restored| restored.stored > 50));
    assert_eq!(ALLOCATIONS.get(), before);
}
