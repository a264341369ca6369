//! `stats detail`: the table of the core, which all workers count in.

use std::sync::{Mutex, MutexGuard};

use dynamidb_core::{Event, PrefixStats};

use crate::server::lock::lock;

/// The counts of all prefixes.
#[derive(Debug)]
pub(crate) struct Prefixes {
    delimiter: u8,
    stats: Mutex<PrefixStats>,
}

impl Prefixes {
    pub(crate) fn new(delimiter: Option<u8>, limit: usize) -> Self {
        let delimiter = delimiter.unwrap_or(PrefixStats::DELIMITER);
        Self {
            delimiter,
            stats: Mutex::new(PrefixStats::new(delimiter, limit)),
        }
    }

    pub(crate) const fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Counts a request. One whose key has no prefix does not wait for the lock.
    pub(crate) fn on_event(&self, event: &Event<'_>) {
        if event.key.contains(&self.delimiter) {
            self.lock().on_event(event);
        }
    }

    /// The counts, for as short as possible: requests that are counted wait.
    pub(crate) fn lock(&self) -> MutexGuard<'_, PrefixStats> {
        lock(&self.stats)
    }
}
