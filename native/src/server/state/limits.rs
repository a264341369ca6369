//! Limits that can change while the server runs. Each is read where it applies, so that a change
//! is in effect from the next use on.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use crate::server::options::Options;

/// What a reload can change.
#[derive(Debug)]
pub(crate) struct Limits {
    max_connections: AtomicUsize,
    /// In seconds; 0 for none.
    stall_timeout: AtomicU32,
    /// The same.
    idle_timeout: AtomicU32,
}

impl Limits {
    /// Those of the options, and a limit of connections that the system allows.
    pub(crate) fn new(options: &Options, max_connections: usize) -> Self {
        Self {
            max_connections: max_connections.into(),
            stall_timeout: options.stall_timeout.into(),
            idle_timeout: options.memcached.idle_timeout().into(),
        }
    }

    pub(crate) fn max_connections(&self) -> usize {
        self.max_connections.load(Ordering::Relaxed)
    }

    /// Connections above the new limit stay open.
    pub(crate) fn set_max_connections(&self, count: usize) {
        self.max_connections.store(count, Ordering::Relaxed);
    }

    pub(crate) fn stall_timeout(&self) -> Option<Duration> {
        seconds(&self.stall_timeout)
    }

    pub(crate) fn idle_timeout(&self) -> Option<Duration> {
        seconds(&self.idle_timeout)
    }

    pub(crate) fn set_timeouts(&self, options: &Options) {
        let new = Self::new(options, 0);
        for (own, new) in [
            (&self.stall_timeout, new.stall_timeout),
            (&self.idle_timeout, new.idle_timeout),
        ] {
            own.store(new.into_inner(), Ordering::Relaxed);
        }
    }
}

/// A timeout; 0 stands for none.
fn seconds(timeout: &AtomicU32) -> Option<Duration> {
    let seconds = timeout.load(Ordering::Relaxed);
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}
