//! Combines a cache with a clock. The core never reads a clock, so a program that wants to write
//! `get(key)` wraps both in one type; a test uses a clock that it sets.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamidb_core::{Cache, Config, ConfigError, Error, Expiry, Instant, Ticks32, Value};

trait Clock {
    fn now(&self) -> Instant;
}

/// Counts from when it was made and never runs backwards.
struct Monotonic(std::time::Instant);

impl Clock for Monotonic {
    fn now(&self) -> Instant {
        Instant::from_millis(0) + self.0.elapsed()
    }
}

/// Counts from 1970, as memcached's clients expect of a server. If it is set back, items live
/// longer, and nothing breaks.
struct Wall;

impl Clock for Wall {
    fn now(&self) -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Instant::from_millis(0) + since.unwrap_or_default()
    }
}

/// A counter of milliseconds with 32 bits, as devices have: it wraps every 49.7 days, and has to be
/// read at least once in that time.
struct Device<F> {
    read_counter: F,
    ticks: Cell<Ticks32>,
}

impl<F: Fn() -> u32> Clock for Device<F> {
    fn now(&self) -> Instant {
        let mut ticks = self.ticks.get();
        let now = ticks.at((self.read_counter)());
        self.ticks.set(ticks);
        now
    }
}

/// Stands still until it is set.
#[derive(Default)]
struct Manual(Cell<u64>);

impl Clock for &Manual {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.get())
    }
}

/// A cache with a clock.
struct Timed<C> {
    cache: Cache,
    clock: C,
}

impl<C: Clock> Timed<C> {
    fn new(memory: usize, clock: C) -> Result<Self, ConfigError> {
        let cache = Cache::new(Config::new(memory))?;
        Ok(Self { cache, clock })
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        let item = self.cache.get(self.clock.now(), key)?;
        Some(item.value.to_vec())
    }

    fn set(&mut self, key: &str, value: &str, ttl: Duration) -> Result<(), Error> {
        let value = Value::from(value).expire(Expiry::After(ttl));
        self.cache.set(self.clock.now(), key, value)
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let hour = Duration::from_secs(3600);
    let mut timed = Timed::new(64 * 1024, Monotonic(std::time::Instant::now()))?;
    timed.set("key", "value", hour)?;
    assert_eq!(timed.get("key").as_deref(), Some(&b"value"[..]));

    let mut timed = Timed::new(64 * 1024, Wall)?;
    timed.set("key", "value", hour)?;
    assert_eq!(timed.get("key").as_deref(), Some(&b"value"[..]));

    let counter = Cell::new(u32::MAX);
    let ticks = Cell::new(Ticks32::new(counter.get()));
    let read_counter = || counter.get();
    let device = Device {
        read_counter,
        ticks,
    };
    let mut timed = Timed::new(64 * 1024, device)?;
    timed.set("key", "value", hour)?;
    counter.set(3_599_998);
    assert!(timed.get("key").is_some());
    counter.set(3_599_999);
    assert!(timed.get("key").is_none());

    let clock = Manual::default();
    let mut timed = Timed::new(64 * 1024, &clock)?;
    timed.set("key", "value", hour)?;
    clock.0.set(3_599_999);
    assert!(timed.get("key").is_some());
    clock.0.set(3_600_000);
    assert!(timed.get("key").is_none());
    println!("an hour has passed");
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the memory is large enough");
}
