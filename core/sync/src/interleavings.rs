//! Threads in thousands of orders: no two wait for each other, none waits for ever, and what each
//! was promised holds. `make test-interleavings` runs this; a failure prints the order that led to
//! it.

use std::sync::Arc;

use dynamidb_core::{Config, Error, Instant};
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::atomic::{AtomicUsize, Ordering};
use shuttle::{Runner, thread};

use crate::{Growth, Shards, SharedCache};

const NOW: Instant = Instant::from_secs(1);
/// Little, so that each order begins at once and every store meets a full cache.
const MEMORY: usize = 512 << 10;
/// How many flushes may be under way.
const FLUSHES_MAX: u8 = 3;
/// A value so large that other shards have to give pages for it.
const LARGE: usize = 60 << 10;

/// Runs this in many orders, drawn at random: INTERLEAVINGS, or 1000.
fn in_many_orders(run: impl Fn() + Send + Sync + 'static) {
    let orders = std::env::var("INTERLEAVINGS").map_or(1000, |count| {
        count.parse().expect("INTERLEAVINGS is a number")
    });
    let mut config = shuttle::Config::new();
    config.stack_size = 1 << 20;
    Runner::new(RandomScheduler::new(orders), config).run(run);
}

/// Two shards that are full.
fn full_shards() -> Shards {
    let growth = Growth {
        max: 2 * MEMORY,
        set_aside: true,
    };
    let mut config = Config::new(MEMORY);
    config.hash_seed = 1;
    config.flush_prefix_max = FLUSHES_MAX.into();
    let shards = Shards::with_count(&config, 2, growth).expect("a configuration that works");
    for number in 0..200_u32 {
        store(&shards, &number.to_le_bytes(), 4000);
    }
    assert!(shards.stats().evictions > 0, "not full");
    shards
}

fn store(shards: &Shards, key: &[u8], len: usize) {
    let key = shards.key(key);
    let shard = shards.lock(shards.index_of(&key));
    let mut shard = shards.with_room(&key, shard, NOW, len, false);
    shard.set(NOW, key, &vec![0; len]).expect("it fits");
}

/// A key with this prefix that lives in this shard.
fn key_in(shards: &Shards, prefix: &str, index: usize) -> Vec<u8> {
    let mut keys = (0..100).map(|number| format!("{prefix}{number}").into_bytes());
    let key = keys.find(|key| shards.index_of(&shards.key(key)) == index);
    key.expect("one of a hundred")
}

/// Ends when all of these have.
fn join(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("no thread panics");
    }
}

/// Every shard is whole, and together they have what they may use.
fn check(shards: &Shards, memory: usize) {
    shards.for_each(|shard| shard.check());
    assert_eq!(shards.stats().limit_maxbytes, memory as u64);
}

#[test]
fn shards_that_need_each_others_memory_end_with_the_whole_budget() {
    in_many_orders(|| {
        let shards = Arc::new(full_shards());
        let threads = [0, 1].map(|index| {
            let shards = Arc::clone(&shards);
            thread::spawn(move || store(&shards, &key_in(&shards, "k", index), LARGE))
        });
        join(threads.into());
        check(&shards, MEMORY);
    });
}

#[test]
fn readers_of_several_shards_a_store_upkeep_and_a_new_budget_do_not_wait_for_each_other() {
    in_many_orders(|| {
        let shards = Arc::new(full_shards());
        let spawn = |run: fn(&Shards)| {
            let shards = Arc::clone(&shards);
            thread::spawn(move || run(&shards))
        };
        let threads = vec![
            spawn(|shards| {
                let keys = [1, 0].map(|index| key_in(shards, "k", index));
                shards.prefetch(&keys.each_ref().map(|key| shards.key(key)));
            }),
            spawn(|shards| {
                let keys = [0, 1].map(|index| key_in(shards, "k", index));
                shards.prefetch(&keys.each_ref().map(|key| shards.key(key)));
            }),
            spawn(|shards| store(shards, &key_in(shards, "k", 1), LARGE)),
            spawn(|shards| {
                shards.maintain_all(NOW, 4);
            }),
            spawn(|shards| shards.set_memory(2 * MEMORY).expect("it may grow so far")),
        ];
        join(threads);
        check(&shards, 2 * MEMORY);
    });
}

#[test]
fn a_flush_removes_what_was_stored_before_in_all_shards_or_is_refused_and_removes_nothing() {
    static REFUSED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    in_many_orders(|| {
        let shards = Arc::new(full_shards());
        for prefix in ["p:", "q:"] {
            for index in [0, 1] {
                store(&shards, &key_in(&shards, prefix, index), 10);
            }
        }
        // Room for two in one shard, and for one in the other.
        for (index, begun) in [(0, FLUSHES_MAX - 2), (1, FLUSHES_MAX - 1)] {
            for number in 0..begun {
                let begun = shards.lock(index).flush_prefix(&[b'-', number]);
                begun.expect("there is room for more");
            }
        }
        let threads = ["p:", "q:"].map(|prefix| {
            let shards = Arc::clone(&shards);
            thread::spawn(move || {
                let keys = [0, 1].map(|index| key_in(&shards, prefix, index));
                let flushed = shards.flush_prefix(prefix.as_bytes());
                let found = keys.each_ref().map(|bytes| {
                    let key = shards.key(bytes);
                    shards.lock(shards.index_of(&key)).get(NOW, key).is_some()
                });
                match flushed {
                    Ok(()) => assert_eq!(found, [false, false]),
                    Err(error) => {
                        assert_eq!((error, found), (Error::TooManyFlushes, [true, true]));
                        REFUSED.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        });
        join(threads.into());
        check(&shards, MEMORY);
    });
    let refused = REFUSED.load(Ordering::Relaxed);
    assert!(refused > 0, "there was always room for both");
}

#[test]
fn a_missing_value_is_loaded_once_whoever_comes_first() {
    in_many_orders(|| {
        let cache = SharedCache::with_shards(&Config::new(MEMORY), 1).expect("it works");
        let loads = Arc::new(AtomicUsize::new(0));
        let threads = [(); 3].map(|()| {
            let (cache, loads) = (cache.clone(), Arc::clone(&loads));
            thread::spawn(move || {
                let load = || {
                    loads.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    "value"
                };
                let value = cache.get_or_insert_with("key", load);
                assert_eq!(value.expect("it fits"), b"value");
            })
        });
        join(threads.into());
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_load_that_fails_is_taken_over_by_one_thread_that_waited() {
    in_many_orders(|| {
        let cache = SharedCache::with_shards(&Config::new(MEMORY), 1).expect("it works");
        let (loads, failures) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads = [(); 3].map(|()| {
            let (cache, loads) = (cache.clone(), Arc::clone(&loads));
            let failures = Arc::clone(&failures);
            thread::spawn(move || {
                let load = || match loads.fetch_add(1, Ordering::SeqCst) {
                    0 => Err(Error::NotANumber),
                    _ => Ok("value"),
                };
                match cache.get_or_try_insert_with("key", load) {
                    Ok(value) => assert_eq!(value, b"value"),
                    Err(_) => drop(failures.fetch_add(1, Ordering::SeqCst)),
                }
            })
        });
        join(threads.into());
        assert_eq!(loads.load(Ordering::SeqCst), 2);
        assert_eq!(failures.load(Ordering::SeqCst), 1);
    });
}
