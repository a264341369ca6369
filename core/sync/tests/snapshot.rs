//! Shards as a file: saved by some number of them, restored by another.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use dynamidb_core::snapshot::{Clocks, Part, ReadError, Reader};
use dynamidb_core::{Config, Instant};
use dynamidb_sync::{FakeClock, Growth, RestoreError, Shards, SharedCache};

const NOW: Instant = Instant::from_secs(1_000_000);

fn cache(memory: usize, shards: usize) -> SharedCache {
    at(memory, shards, &FakeClock::new(NOW))
}

fn at(memory: usize, shards: usize, clock: &FakeClock) -> SharedCache {
    let cache = SharedCache::with_shards(&Config::new(memory), shards).unwrap();
    cache.with_clock(clock)
}

/// Keys and values of a file, in its order.
fn records(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut reader = Reader::new(Clocks::new(NOW));
    let (mut rest, mut found) = (file, Vec::new());
    while !rest.is_empty() {
        let (used, part) = reader.next(rest).unwrap();
        rest = &rest[used..];
        if let Part::Block(block) = part {
            found.extend(block.records().map(|r| (r.key.to_vec(), r.value.to_vec())));
        }
    }
    reader.finish().unwrap();
    found
}

#[test]
fn a_restore_into_another_number_of_shards_keeps_items_and_the_order_of_seconds() {
    for (before, after) in [(1, 1), (1, 8), (8, 1), (8, 4), (4, 16)] {
        for live in [false, true] {
            let clock = FakeClock::new(NOW);
            let saved = at(64 << 20, before, &clock);
            for number in 0..2000_u32 {
                saved
                    .set(number.to_le_bytes(), &[number as u8; 200])
                    .unwrap();
                clock.advance(Duration::from_secs(1));
            }
            let mut file = Vec::new();
            let count = match live {
                true => saved.save(&mut file),
                false => saved.save_in_order(&mut file),
            };
            assert_eq!(count.unwrap(), 2000);
            if !live {
                let keys = records(&file).into_iter().map(|(key, _)| key);
                assert!(keys.eq((0..2000_u32).map(|number| number.to_le_bytes().to_vec())));
            }
            let restored = at(64 << 20, after, &clock);
            let counts = restored.restore(&file[..]).unwrap();
            assert_eq!((counts.stored, restored.len()), (2000, 2000));
            for number in 0..2000_u32 {
                let key = number.to_le_bytes();
                let used = restored.peek(key, |item| item.last_used).unwrap();
                assert_eq!(used, NOW + Duration::from_secs(number.into()));
                let value = restored.get(key).unwrap();
                assert_eq!(value, [number as u8; 200]);
            }
        }
    }
}

#[test]
fn one_shard_is_restored_in_its_exact_order_within_a_second() {
    let saved = cache(8 << 20, 1);
    for number in 0..1000_u32 {
        saved.set(number.to_le_bytes(), "value").unwrap();
    }
    let mut file = Vec::new();
    saved.save_in_order(&mut file).unwrap();
    let mut config = Config::new(8 << 20);
    config.max_items = Some(300);
    let restored = SharedCache::with_shards(&config, 1).unwrap();
    restored.restore(&file[..]).unwrap();
    let kept = |number: u32| restored.peek(number.to_le_bytes(), |_| ()).is_some();
    assert!((0..700).all(|number| !kept(number)) && (700..1000).all(kept));
}

#[test]
fn less_memory_keeps_the_items_that_were_used_last() {
    let clock = FakeClock::new(NOW);
    let saved = at(32 << 20, 4, &clock);
    for number in 0..40_000_u32 {
        saved.set(number.to_le_bytes(), &[7; 300]).unwrap();
        clock.advance(Duration::from_millis(100));
    }
    for live in [false, true] {
        let mut file = Vec::new();
        match live {
            true => saved.save(&mut file).unwrap(),
            false => saved.save_in_order(&mut file).unwrap(),
        };
        let restored = at(8 << 20, 2, &clock);
        restored.restore(&file[..]).unwrap();
        let kept = |number: &u32| restored.peek(number.to_le_bytes(), |_| ()).is_some();
        let kept: Vec<_> = (0..40_000_u32).filter(kept).collect();
        assert!(kept.len() > 10_000, "{}", kept.len());
        // Shards evict at nearly the same age.
        let newest = 40_000 - kept.len() as u32;
        let old = kept.iter().filter(|&&number| number < newest).count();
        assert!(
            old * 10 < kept.len(),
            "{old} of {}, live: {live}",
            kept.len()
        );
    }
}

#[test]
fn cas_numbers_go_on_in_all_shards() {
    let saved = cache(64 << 20, 8);
    let all = |cache: &SharedCache, prefix: &str| {
        let cas = (0..500).map(|number| {
            let key = format!("{prefix}{number}");
            cache.set(&key, "value").unwrap();
            cache.peek(&key, |item| item.cas.unwrap().get()).unwrap()
        });
        cas.collect::<Vec<_>>()
    };
    let before = all(&saved, "a");
    for live in [false, true] {
        let mut file = Vec::new();
        match live {
            true => saved.save(&mut file).unwrap(),
            false => saved.save_in_order(&mut file).unwrap(),
        };
        let restored = cache(64 << 20, 2);
        restored.restore(&file[..]).unwrap();
        let after = all(&restored, "b");
        assert!(before.iter().max() < after.iter().min());
        let different: HashSet<_> = before.iter().chain(&after).collect();
        assert_eq!(different.len(), 1000);
    }
}

#[test]
fn a_save_while_threads_work_has_each_key_once_and_whole() {
    const KEYS: u32 = 3000;
    let cache = cache(64 << 20, 4);
    let value = |key: u32, version: u32| {
        let bytes = [key, version].map(u32::to_le_bytes).concat();
        bytes.repeat(1 + (key as usize + version as usize) % 100)
    };
    for key in 0..KEYS {
        cache.set(key.to_le_bytes(), &value(key, 0)[..]).unwrap();
    }
    let (done, versions) = (AtomicBool::new(false), AtomicU32::new(1));
    let mut files = Vec::new();
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let (cache, done, versions) = (&cache, &done, &versions);
            scope.spawn(move || {
                let mut key = thread;
                while !done.load(Ordering::Relaxed) {
                    key = (key * 7 + 13) % KEYS;
                    if key % 3 == 0 {
                        cache.delete(key.to_le_bytes());
                    }
                    let version = versions.fetch_add(1, Ordering::Relaxed);
                    cache
                        .set(key.to_le_bytes(), &value(key, version)[..])
                        .unwrap();
                }
            });
        }
        for _ in 0..5 {
            let before = versions.load(Ordering::Relaxed);
            let mut file = Vec::new();
            cache.save(&mut file).unwrap();
            files.push(file);
            // So that they have changed something.
            while versions.load(Ordering::Relaxed) < before + 100 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    for file in files {
        let all = records(&file);
        let found: HashMap<_, _> = all.iter().cloned().collect();
        assert_eq!(found.len(), all.len(), "a key twice");
        for (key, bytes) in found {
            let key = u32::from_le_bytes(key.try_into().unwrap());
            let version = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
            assert_eq!(bytes, value(key, version));
        }
        let always = (0..KEYS).filter(|key| key % 3 != 0).count();
        assert!(all.len() >= always && all.len() <= KEYS as usize);
    }
}

/// Gives one byte at a time, and is interrupted in between.
struct Slow<'f>(&'f [u8], bool);

impl Read for Slow<'_> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let len = output.len().min(1);
        self.0.read(&mut output[..len])
    }
}

#[test]
fn large_values_and_small_reads_are_put_together() {
    let mut config = Config::new(128 << 20);
    config.item_size_max = 16 << 20;
    let saved = SharedCache::with_shards(&config, 2).unwrap();
    let large = vec![b'v'; (16 << 20) - 5];
    saved.set("large", &large[..]).unwrap();
    let mut file = Vec::new();
    saved.save(&mut file).unwrap();
    let mut ordered = Vec::new();
    saved.save_in_order(&mut ordered).unwrap();
    for file in [&file, &ordered] {
        let restored = SharedCache::with_shards(&config, 4).unwrap();
        restored.restore(&file[..]).unwrap();
        assert_eq!(restored.get("large").unwrap(), large);
    }
    let small = cache(1 << 20, 1);
    small.set("small", "value").unwrap();
    let mut file = Vec::new();
    small.save(&mut file).unwrap();
    small.clear();
    small.restore(Slow(&file, false)).unwrap();
    assert_eq!(small.get("small").unwrap(), b"value");
}

#[test]
fn damaged_files_and_failing_streams_are_reported() {
    let saved = cache(1 << 20, 1);
    saved.set("key", "value").unwrap();
    let mut file = Vec::new();
    saved.save(&mut file).unwrap();
    let restore = |file: &[u8]| match cache(1 << 20, 1).restore(file) {
        Err(RestoreError::Snapshot(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(restore(b""), ReadError::Truncated);
    assert_eq!(restore(&file[..file.len() - 1]), ReadError::Truncated);
    assert_eq!(restore(&[&file[..], b"x"].concat()), ReadError::Corrupted);
    file[40] ^= 1;
    assert_eq!(restore(&file), ReadError::Corrupted);

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let error = saved.restore(Broken).unwrap_err();
    assert!(matches!(error, RestoreError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe));
    let mut full = [0; 20];
    for result in [
        saved.save(&mut full[..]),
        saved.save_in_order(&mut full[..]),
    ] {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}

#[test]
fn a_shard_that_a_panic_has_left_half_changed_is_left_out() {
    for live in [false, true] {
        let shards = Shards::with_count(&Config::new(64 << 20), 8, Growth::default()).unwrap();
        shards.for_each(|shard| shard.set(NOW, "key", "value").unwrap());
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _shard = shards.lock(3);
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        let count = match live {
            true => shards.save(Clocks::new(NOW), io::sink()),
            false => shards.save_in_order(Clocks::new(NOW), io::sink()),
        };
        assert_eq!(count.unwrap(), 7);
    }
}
