//! A rate limiter: a number of requests per minute for each client. The counters expire, and their
//! memory is bounded, however many clients there are.

use std::time::Duration;

use dynamidb_core::{Cache, Config, ConfigError, Error, Expiry, Instant, Value};

struct Limiter {
    counters: Cache,
    limit: u64,
    window: Duration,
}

impl Limiter {
    fn new(memory: usize, limit: u64, window: Duration) -> Result<Self, ConfigError> {
        let counters = Cache::new(Config::new(memory))?;
        Ok(Self {
            counters,
            limit,
            window,
        })
    }

    /// Whether this request is allowed. A client's window starts with its first request.
    fn allow(&mut self, now: Instant, client: &str) -> Result<bool, Error> {
        let first = Value::from("0").expire(Expiry::After(self.window));
        // An existing counter keeps its value and its deadline.
        let _ = self.counters.add(now, client, first)?;
        let count = self.counters.increment(now, client, 1)?;
        Ok(count.is_none_or(|count| count <= self.limit))
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut limiter = Limiter::new(64 * 1024, 3, Duration::from_secs(60))?;
    let mut allowed = |second, client| limiter.allow(Instant::from_secs(second), client);
    assert_eq!(
        [0, 1, 2, 3].map(|s| allowed(s, "anna")),
        [Ok(true), Ok(true), Ok(true), Ok(false)]
    );
    assert_eq!(
        allowed(3, "ben"),
        Ok(true),
        "other clients have their own counters"
    );
    assert_eq!(allowed(59, "anna"), Ok(false));
    assert_eq!(allowed(60, "anna"), Ok(true), "a new window");
    for client in 0..100_000 {
        limiter.allow(Instant::from_secs(61), &client.to_string())?;
    }
    assert!(limiter.counters.len() < 1000, "the memory is bounded");
    println!("{} counters are left", limiter.counters.len());
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("no request fails");
}
