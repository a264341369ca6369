//! So many requests a minute for each client, without an entry for every client there ever was:
//! counters end by themselves, and the memory for all of them is bounded.

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

    /// Whether this client may go on. The window begins with its first request.
    fn allow(&mut self, now: Instant, client: &str) -> Result<bool, Error> {
        let first = Value::from("0").expire(Expiry::After(self.window));
        // One that is there stays, with its deadline.
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
    assert_eq!(allowed(3, "ben"), Ok(true), "others are not concerned");
    assert_eq!(allowed(59, "anna"), Ok(false));
    assert_eq!(allowed(60, "anna"), Ok(true), "a new window");
    for client in 0..100_000 {
        limiter.allow(Instant::from_secs(61), &client.to_string())?;
    }
    assert!(limiter.counters.len() < 1000, "the memory is bounded");
    println!("{} clients are remembered", limiter.counters.len());
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("nothing is refused");
}
