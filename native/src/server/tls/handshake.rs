//! The handshakes under way, and what came of others.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::server::clock::Clock;
use crate::server::state::rate_limited::RateLimitedEvent;

/// The most handshakes under way. Further clients wait in the queues of the listeners: they have
/// not shown anything yet, and must not take the place of those that have.
const HANDSHAKES_MAX: usize = 256;
/// A fatal alert, in the clear: nothing is negotiated yet.
pub(crate) const ALERT: &[u8] = &[0x15, 3, 3, 0, 2, 2, 80];

/// Counts handshakes.
#[derive(Debug)]
pub(super) struct Handshakes {
    clock: Clock,
    under_way: AtomicUsize,
    full: AtomicU64,
    resumed: AtomicU64,
    /// A handshake failed, but for the next two reasons.
    errors: RateLimitedEvent,
    timeouts: RateLimitedEvent,
    /// The client does not speak TLS.
    plain: RateLimitedEvent,
}

/// One of the handshakes under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Handshake(Arc<Handshakes>);

impl Handshakes {
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::start(),
            under_way: AtomicUsize::new(0),
            full: AtomicU64::new(0),
            resumed: AtomicU64::new(0),
            errors: RateLimitedEvent::new("ssl_handshake_errors", "a TLS handshake failed"),
            timeouts: RateLimitedEvent::new(
                "tls_handshake_timeouts",
                "a client was disconnected: it did not finish its TLS handshake in 10 seconds",
            ),
            plain: RateLimitedEvent::new(
                "tls_plain_connections",
                "a client was disconnected: it does not speak TLS, and its port does; switch TLS \
                 on in the client, or use a port without it",
            ),
        }
    }

    /// `None` if there are [`HANDSHAKES_MAX`] already.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Handshake> {
        let order = Ordering::Relaxed;
        let next = |count| (count < HANDSHAKES_MAX).then_some(count + 1);
        let begun = self.under_way.fetch_update(order, order, next).is_ok();
        begun.then(|| Handshake(Arc::clone(self)))
    }

    pub(super) const fn events(&self) -> [&RateLimitedEvent; 3] {
        [&self.errors, &self.timeouts, &self.plain]
    }

    pub(super) fn record_timeout(&self) {
        self.timeouts.record(self.clock.now());
    }

    /// Reports what is counted besides the [`events`](Self::events).
    pub(super) fn report(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        let order = Ordering::Relaxed;
        report("ssl_new_sessions", &self.full.load(order));
        report("tls_resumed_sessions", &self.resumed.load(order));
        report("tls_handshakes", &self.under_way.load(order));
    }

    pub(super) fn reset(&self) {
        for counter in [&self.full, &self.resumed] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

impl Handshake {
    /// Counts a client that does not speak TLS.
    pub(super) fn record_plain(&self) {
        self.0.plain.record(self.0.clock.now());
    }

    /// Counts a handshake that failed.
    pub(super) fn record_error(&self, reason: &dyn Display) {
        if self.0.errors.record(self.0.clock.now()) {
            tracing::warn!("why the TLS handshake failed: {reason}");
        }
    }

    /// Counts the end of a handshake.
    pub(super) fn succeed(self, resumed: bool) {
        let counter = match resumed {
            true => &self.0.resumed,
            false => &self.0.full,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshakes_begin_up_to_the_limit() {
        let handshakes = Arc::new(Handshakes::new());
        let mut begun: Vec<_> = (1..HANDSHAKES_MAX).map(|_| handshakes.begin()).collect();
        assert!(begun.iter().all(Option::is_some));
        begun.push(handshakes.begin());
        assert!(begun[HANDSHAKES_MAX - 1].is_some());
        assert!(handshakes.begin().is_none());
        begun.pop();
        assert!(handshakes.begin().is_some());
    }
}
