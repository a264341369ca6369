//! Events that should be rare: always counted, logged at a limited rate.

use std::sync::atomic::{AtomicU64, Ordering};

use dynamidb_core::Instant;

/// The shortest time between two log lines about the same kind of event, in milliseconds: clients
/// cannot fill the log.
const LOG_PERIOD: u64 = 10_000;

/// A kind of event.
#[derive(Debug)]
pub(crate) struct RateLimitedEvent {
    /// Its name in `stats`.
    pub(crate) name: &'static str,
    /// Its log line.
    message: &'static str,
    count: AtomicU64,
    logged_at: AtomicU64,
}

impl RateLimitedEvent {
    pub(crate) const fn new(name: &'static str, message: &'static str) -> Self {
        let (count, logged_at) = (AtomicU64::new(0), AtomicU64::new(0));
        Self {
            name,
            message,
            count,
            logged_at,
        }
    }

    /// Counts the event, and logs it if it was not logged for a while. Returns whether it was
    /// logged.
    pub(crate) fn record(&self, now: Instant) -> bool {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = now.as_millis();
        let due = |logged_at| (now >= logged_at + LOG_PERIOD).then_some(now);
        let order = Ordering::Relaxed;
        let due = self.logged_at.fetch_update(order, order, due).is_ok();
        if due {
            tracing::warn!("{} ({} so far: {count})", self.message, self.name);
        }
        due
    }

    /// Resets the counter.
    pub(crate) fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_logged_once_in_ten_seconds_and_always_counted() {
        let event = RateLimitedEvent::new("tests", "a test");
        let logged = [100, 101, 109, 110, 111, 120, 130]
            .map(|second| event.record(Instant::from_secs(second)));
        assert_eq!(logged, [true, false, false, true, false, true, true]);
        assert_eq!(event.count(), 7);
    }
}
