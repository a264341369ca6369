//! What the server was started with, and what commands have changed since.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::server::options::Options;

/// memcached's highest level: `verbosity` with a higher one sets this.
const VERBOSITY_MAX: u32 = 2;

/// What the server was started with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) options: Options,
    /// The port that was asked for, or the free one that was picked.
    pub(crate) port: u16,
    /// The addresses that it listens on.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// Settings that commands can change. They are shown by `stats settings`; besides, the crawler has
/// to be on to list items.
#[derive(Debug)]
pub(crate) struct Switches {
    verbosity: AtomicU32,
    crawler: AtomicBool,
}

impl Switches {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            verbosity: AtomicU32::new(options.verbose.into()),
            crawler: AtomicBool::new(true),
        }
    }

    pub(crate) fn verbosity(&self) -> u32 {
        self.verbosity.load(Ordering::Relaxed)
    }

    pub(crate) fn set_verbosity(&self, level: u32) {
        self.verbosity
            .store(level.min(VERBOSITY_MAX), Ordering::Relaxed);
    }

    pub(crate) fn crawler_enabled(&self) -> bool {
        self.crawler.load(Ordering::Relaxed)
    }

    /// Whether this changes anything.
    pub(crate) fn enable_crawler(&self, enabled: bool) -> bool {
        self.crawler.swap(enabled, Ordering::Relaxed) != enabled
    }
}
