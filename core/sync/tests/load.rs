//! What threads see that load values into a `SharedCache` or take them out of it.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use dynamidb_core::{Config, Error, Expiry, Key, Value};
use dynamidb_sync::SharedCache;

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
            let value = cache.get_or_insert_with(key, || {
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
        let get = || cache.get_or_try_insert_with("key", load);
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
    let inner = || cache.get_or_insert_with("inner", || "value");
    let outer = cache.get_or_try_insert_with("outer", inner).unwrap();
    assert_eq!(outer, b"value");
    assert!(cache.contains_key("inner") && cache.contains_key("outer"));
}

#[test]
fn an_invalid_key_is_refused_and_an_expired_value_returned_but_not_kept() {
    let cache = cache();
    for len in [0, Key::LEN_MAX + 1] {
        let load = || -> &str { panic!("it was loaded") };
        let result = cache.get_or_insert_with(vec![b'k'; len], load);
        assert_eq!(result, Err(Error::KeyLength));
    }
    let longest = vec![b'k'; Key::LEN_MAX];
    assert!(cache.get_or_insert_with(longest, || "value").is_ok());
    let old = Value::from("old").expire(Expiry::After(Duration::ZERO));
    assert_eq!(cache.get_or_insert_with("key", || old).unwrap(), b"old");
    assert!(!cache.contains_key("key"));
}

#[test]
fn an_item_that_many_threads_take_goes_to_one() {
    let (cache, taken) = (cache(), AtomicUsize::new(0));
    cache.set("key", "value").unwrap();
    in_threads(|_| {
        if let Some(value) = cache.take("key", |item| item.value.to_vec()) {
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
        cache.set([number], "value").unwrap();
    }
    let panics = |run: &dyn Fn()| {
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(cache.len(), 100);
    };
    panics(&|| cache.retain(|_, _| panic!("in keep")));
    panics(&|| cache.drain(|_, _| panic!("in visit")));
    cache.retain(|key, _| key[0] < 30);
    let mut keys = Vec::new();
    cache.drain(|key, _| keys.push(key[0]));
    keys.sort_unstable();
    assert_eq!(keys, (0..30).collect::<Vec<_>>());
    assert!(cache.is_empty());
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a task on this thread.
fn block_on<T>(task: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = pin!(task);
    loop {
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

/// Ends when it was polled so often.
async fn after_polls(mut polls: usize) {
    poll_fn(|context| {
        context.waker().wake_by_ref();
        polls -= 1;
        if polls == 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

#[test]
fn a_value_that_many_tasks_ask_for_is_loaded_once() {
    let (cache, loads) = (cache(), AtomicUsize::new(0));
    in_threads(|_| {
        for key in ["one", "two", "three"] {
            let load = async {
                loads.fetch_add(1, Ordering::SeqCst);
                after_polls(100).await;
                format!("value of {key}")
            };
            let value = block_on(cache.get_or_insert_async(key, load));
            assert_eq!(value.unwrap(), format!("value of {key}").as_bytes());
        }
    });
    assert_eq!(loads.into_inner(), 3);
}

#[test]
fn a_task_waits_for_a_load_without_blocking_and_loads_if_that_is_cancelled() {
    let cache = cache();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(cache.get_or_insert_async("key", pending::<&str>()));
    assert!(first.as_mut().poll(&mut context).is_pending());
    let mut second = pin!(cache.get_or_insert_async("key", async { "value" }));
    for _ in 0..3 {
        assert!(second.as_mut().poll(&mut context).is_pending());
    }
    // Another key is loaded meanwhile, and a load that fails changes nothing.
    assert_eq!(
        block_on(cache.get_or_insert_async("other", async { "v" })).unwrap(),
        b"v"
    );
    let failing = async { Err::<&str, _>(Error::NotANumber) };
    let failed = block_on(cache.get_or_try_insert_async("third", failing));
    assert_eq!((failed, cache.len()), (Err(Error::NotANumber), 1));
    assert!(second.as_mut().poll(&mut context).is_pending());
    drop(first);
    let value = second.as_mut().poll(&mut context);
    assert_eq!(value, Poll::Ready(Ok(b"value".to_vec())));
    let unused = async { panic!("it is there") as &str };
    let again = block_on(cache.get_or_insert_async("key", unused));
    assert_eq!(again.unwrap(), b"value");
}

#[test]
fn a_load_by_a_task_can_be_sent_to_another_thread() {
    fn sent<T: Send>(task: T) -> T {
        task
    }
    let cache = cache();
    let task = sent(cache.get_or_insert_async("key", async { "value" }));
    assert_eq!(block_on(task).unwrap(), b"value");
}
