//! `TypedCache`: values come back as they were, and what cannot is an error.
#![allow(clippy::unwrap_used)]

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dynamidb_core::{Config, Error, Expiry};
use dynamidb_sync::{FakeClock, SharedCache, TypedCache, TypedError};
use serde::{Deserialize, Serialize, Serializer};

fn bytes() -> SharedCache {
    SharedCache::new(&Config::new(1 << 20), 2).unwrap()
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
enum Shape {
    Nothing,
    Circle { radius: f64 },
    Path(Vec<(i32, i32)>, Option<String>),
}

#[test]
fn values_of_every_size_come_back_as_they_were() {
    let shapes = TypedCache::<(u8, String), Shape>::new(bytes());
    let path = |points| Shape::Path(vec![(-1, i32::MAX); points], Some("α".into()));
    let all = [
        Shape::Nothing,
        Shape::Circle { radius: -0.5 },
        path(0),
        path(10_000),
    ];
    for (number, shape) in (0..).zip(&all) {
        shapes.set(&(number, "shape".into()), shape).unwrap();
    }
    for (number, shape) in (0..).zip(all) {
        assert_eq!(shapes.get(&(number, "shape".into())).unwrap(), Some(shape));
    }
    assert_eq!(shapes.get(&(0, "other".into())).unwrap(), None);
}

#[test]
fn a_key_is_refused_from_251_encoded_bytes_on_and_without_any() {
    // Its length takes two bytes.
    let names = TypedCache::<str, u8>::new(bytes());
    names.set(&"a".repeat(247), &1).unwrap();
    names.set(&"a".repeat(248), &2).unwrap();
    assert_eq!(names.get(&"a".repeat(248)).unwrap(), Some(2));
    let long = "a".repeat(249);
    let refused = |error| matches!(error, TypedError::Cache(Error::KeyLength));
    assert!(refused(names.set(&long, &3).unwrap_err()));
    assert!(refused(names.get(&long).unwrap_err()));
    assert!(refused(names.delete(&long).unwrap_err()));
    assert!(refused(names.contains_key(&long).unwrap_err()));
    assert!(refused(names.get_or_insert_with(&long, || 3).unwrap_err()));
    let one = TypedCache::<(), u8>::new(bytes());
    assert!(refused(one.set(&(), &1).unwrap_err()));
}

#[test]
fn a_value_that_does_not_fit_the_cache_is_refused_and_not_returned() {
    let values = TypedCache::<u8, Vec<u8>>::new(bytes());
    let large = || vec![1; 1 << 20];
    let refused = |error| matches!(error, TypedError::Cache(Error::ValueTooLarge));
    assert!(refused(values.set(&1, &large()).unwrap_err()));
    assert!(refused(values.get_or_insert_with(&1, large).unwrap_err()));
}

#[test]
fn bytes_of_another_type_are_an_error() {
    let cache = bytes();
    let texts = TypedCache::<u8, String>::new(cache.clone());
    let flags = TypedCache::<u8, bool>::new(cache.clone());
    let numbers = TypedCache::<u8, u8>::new(cache);
    texts.set(&1, &"two bytes or more".into()).unwrap();
    let wrong = |error| matches!(error, TypedError::Decode(_));
    assert!(wrong(flags.get(&1).unwrap_err()), "17 is no bool");
    assert!(wrong(numbers.get(&1).unwrap_err()), "bytes are left");
    assert!(wrong(numbers.get_or_insert_with(&1, || 3).unwrap_err()));
    numbers.set(&1, &200).unwrap();
    assert!(wrong(texts.get(&1).unwrap_err()), "bytes are missing");
}

#[derive(Debug, Deserialize)]
struct Secret;

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("secrets are not stored"))
    }
}

#[test]
fn what_cannot_be_serialized_is_an_error_and_not_stored() {
    let secrets = TypedCache::<u8, Secret>::new(bytes());
    let refused = |error| matches!(error, TypedError::Encode(_));
    assert!(refused(secrets.set(&1, &Secret).unwrap_err()));
    assert!(refused(
        secrets.get_or_insert_with(&1, || Secret).unwrap_err()
    ));
    assert!(!secrets.contains_key(&1).unwrap());
    let keys = TypedCache::<Secret, u8>::new(bytes());
    assert!(refused(keys.set(&Secret, &1).unwrap_err()));
}

#[test]
fn values_expire_as_the_handle_says() {
    let clock = FakeClock::default();
    let cache = bytes().with_clock(&clock);
    let kept = TypedCache::<u8, u8>::new(cache.clone());
    let second = Expiry::After(Duration::from_secs(1));
    let brief = TypedCache::<u8, u8>::new(cache).with_expiry(second);
    kept.set(&1, &1).unwrap();
    brief.set(&2, &2).unwrap();
    assert_eq!(brief.clone().get_or_insert_with(&3, || 3).unwrap(), 3);
    clock.advance(Duration::from_millis(999));
    assert_eq!(kept.get(&2).unwrap(), Some(2));
    assert_eq!(kept.get(&3).unwrap(), Some(3));
    clock.advance(Duration::from_millis(1));
    assert_eq!(brief.get(&1).unwrap(), Some(1));
    assert_eq!(brief.get(&2).unwrap(), None);
    assert_eq!(brief.get(&3).unwrap(), None);
}

#[test]
fn threads_that_miss_a_key_load_it_once() {
    let squares = TypedCache::<u64, String>::new(bytes());
    let loads = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let square = squares.get_or_insert_with(&9, || {
                    loads.fetch_add(1, Ordering::Relaxed);
                    "81".into()
                });
                assert_eq!(square.unwrap(), "81");
            });
        }
    });
    assert_eq!(loads.into_inner(), 1);
}

#[test]
fn a_load_that_fails_stores_nothing_and_the_next_one_runs() {
    let numbers = TypedCache::<u8, u8>::new(bytes());
    let fail = || Err(Box::<dyn std::error::Error>::from("no such number"));
    let error = numbers.get_or_try_insert_with(&1, fail).unwrap_err();
    assert_eq!(error.to_string(), "no such number");
    assert_eq!(numbers.get(&1).unwrap(), None);

    let mut context = Context::from_waker(Waker::noop());
    let failed = pin!(numbers.get_or_try_insert_async(&1, async { fail() }));
    assert!(matches!(failed.poll(&mut context), Poll::Ready(Err(_))));
    let loaded = pin!(numbers.get_or_try_insert_async(&1, async { Ok::<_, TypedError>(7) }));
    assert!(matches!(loaded.poll(&mut context), Poll::Ready(Ok(7))));
    let stored = pin!(numbers.get_or_try_insert_async(&1, async { Ok::<_, TypedError>(8) }));
    assert!(matches!(stored.poll(&mut context), Poll::Ready(Ok(7))));
}
