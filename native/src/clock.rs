//! The only place of the server that asks what time it is.

use std::time::{self, SystemTime, UNIX_EPOCH};

use dynamidb_core::Instant;

/// Milliseconds since the Unix epoch: the wall clock once, then the monotonic one. Setting the
/// wall clock of a running host therefore neither ends items early nor lets them live on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    started: time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            origin: Instant::default() + since_epoch,
            started: time::Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.origin + self.started.elapsed()
    }

    /// Whole seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.started.elapsed().as_secs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_from_the_unix_epoch_and_never_backwards() {
        let clock = Clock::start();
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let first = clock.now();
        assert!(first.as_secs().abs_diff(wall) <= 1);
        assert!(clock.now() >= first);
    }
}
