//! The last requests of a load, for the page to list and to show in its memory map.

use alloc::vec::Vec;

use dynamidb_core::Cache;

/// The most requests that are kept: as many as a person can follow.
pub(crate) const FEED_MAX: usize = 16;

/// What became of a request of a load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Hit,
    /// A read missed, and a value of this size was stored.
    Filled(u32),
    /// A value of this size was stored without a read.
    Stored(u32),
    /// The store was rejected.
    Rejected,
}

struct Request {
    key: Vec<u8>,
    outcome: Outcome,
    /// The key of the last item that was evicted for it; empty if none was.
    evicted: Vec<u8>,
}

/// The last requests, the oldest first.
#[derive(Default)]
pub(crate) struct Feed {
    requests: Vec<Request>,
}

impl Feed {
    /// Adds a request. `removals_before` is the number of entries in the removal log before it.
    pub(crate) fn add(
        &mut self,
        key: &[u8],
        outcome: Outcome,
        cache: &Cache,
        removals_before: usize,
    ) {
        if self.requests.len() == FEED_MAX {
            self.requests.remove(0);
        }
        let evicted = cache.removal_log().iter().skip(removals_before).last();
        self.requests.push(Request {
            key: key.to_vec(),
            outcome,
            evicted: evicted.map_or_else(Vec::new, |removal| removal.key.to_vec()),
        });
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }

    /// See [`Playground::feed`](crate::Playground::feed).
    pub(crate) fn numbers(&self, locate: impl Fn(&[u8]) -> u32) -> Vec<u32> {
        let mut numbers = Vec::new();
        for request in &self.requests {
            let (outcome, size) = match request.outcome {
                Outcome::Hit => (0, 0),
                Outcome::Filled(size) => (1, size),
                Outcome::Stored(size) => (2, size),
                Outcome::Rejected => (3, 0),
            };
            let position = locate(&request.key);
            let (key, evicted) = (request.key.len(), request.evicted.len());
            numbers.extend_from_slice(&[outcome, position, size, key as u32, evicted as u32]);
        }
        numbers
    }

    /// For each request its key, then that of the item that was evicted for it.
    pub(crate) fn keys(&self) -> Vec<u8> {
        let mut keys = Vec::new();
        for request in &self.requests {
            keys.extend_from_slice(&request.key);
            keys.extend_from_slice(&request.evicted);
        }
        keys
    }
}
