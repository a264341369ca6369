//! What threads see that load values into a `SharedCache` or take them out of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use dynamidb_core::{Config, Error, Expiry, Instant, Key, Value};
use dynamidb_sync::SharedCache;

const NOW: Instant = Instant::from_secs(1);
const THREADS: usize = 64;

fn cache() -> SharedCache {
    SharedCache::new(&Config::new(64 << 20), 4).expect("a configuration that works")
}

/// Runs this in that many threads that begin at once.
fn in_threads(run: impl Fn(usize) + Sync) {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (run, start) = (&run, &start);
            scope.spawn(move || {
                start.wait();
                run(number);
            });
        }
    });
}

#[test]
fn a_value_that_many_threads_ask_for_is_loaded_once() {
    let (cache, loads) = (cache(), AtomicUsize::new(0));
    in_threads(|_| {
        for key in ["one", "two", "three"] {
            let value = cache.get_or_insert_with(NOW, key, || {
                loads.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(20));
                format!("value of {key}")
            });
            assert_eq!(value.unwrap(), format!("value of {key}").as_bytes());
        }
    });
    assert_eq!(loads.into_inner(), 3);
}

#[test]
fn a_load_that_fails_or_panics_leaves_it_to_a_thread_that_waited() {
    let (cache, loads) = (cache(), AtomicUsize::new(0));
    let failures = AtomicUsize::new(0);
    in_threads(|_| {
        let load = || match loads.fetch_add(1, Ordering::SeqCst) {
            0 => Err(Error::NotANumber),
            1 => panic!("the load panics"),
            _ => Ok("value"),
        };
        let get = || cache.get_or_try_insert_with(NOW, "key", load);
        match catch_unwind(AssertUnwindSafe(get)) {
            Ok(Ok(value)) => assert_eq!(value, b"value"),
            Ok(Err(error)) => {
                assert_eq!(error, Error::NotANumber);
                failures.fetch_add(1, Ordering::SeqCst);
            }
            Err(_) => {
                failures.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    assert_eq!((loads.into_inner(), failures.into_inner()), (3, 2));
}

#[test]
fn a_load_may_load_other_keys() {
    let cache = cache();
    let inner = || cache.get_or_insert_with(NOW, "inner", || "value");
    let outer = cache.get_or_try_insert_with(NOW, "outer", inner).unwrap();
    assert_eq!(outer, b"value");
    assert!(cache.contains_key(NOW, "inner") && cache.contains_key(NOW, "outer"));
}

#[test]
fn an_invalid_key_is_refused_and_an_expired_value_returned_but_not_kept() {
    let cache = cache();
    for len in [0, Key::LEN_MAX + 1] {
        let load = || -> &str { panic!("it was loaded") };
        let result = cache.get_or_insert_with(NOW, vec![b'k'; len], load);
        assert_eq!(result, Err(Error::KeyLength));
    }
    let longest = vec![b'k'; Key::LEN_MAX];
    assert!(cache.get_or_insert_with(NOW, longest, || "value").is_ok());
    let old = Value::from("old").expire(Expiry::At(NOW));
    assert_eq!(
        cache.get_or_insert_with(NOW, "key", || old).unwrap(),
        b"old"
    );
    assert!(!cache.contains_key(NOW, "key"));
}

#[test]
fn an_item_that_many_threads_take_goes_to_one() {
    let (cache, taken) = (cache(), AtomicUsize::new(0));
    cache.set(NOW, "key", "value").unwrap();
    in_threads(|_| {
        if let Some(value) = cache.take(NOW, "key", |item| item.value.to_vec()) {
            assert_eq!(value, b"value");
            taken.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert_eq!((taken.into_inner(), cache.len()), (1, 0));
}

#[test]
fn retain_and_drain_keep_what_is_left_when_a_closure_panics() {
    let cache = cache();
    for number in 0..100_u8 {
        cache.set(NOW, [number], "value").unwrap();
    }
    let panics = |run: &dyn Fn()| {
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(cache.len(), 100);
    };
    panics(&|| cache.retain(NOW, |_, _| panic!("in keep")));
    panics(&|| cache.drain(NOW, |_, _| panic!("in visit")));
    cache.retain(NOW, |key, _| key[0] < 30);
    let mut keys = Vec::new();
    cache.drain(NOW, |key, _| keys.push(key[0]));
    keys.sort_unstable();
    assert_eq!(keys, (0..30).collect::<Vec<_>>());
    assert!(cache.is_empty());
}
