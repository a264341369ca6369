//! What surrounds a client's session: the cache, whose looked-up keys are noted, and what the
//! commands for operators show (`admin.rs`).

use alloc::vec::Vec;

use dynamidb_core::{Cache, Instant, Key, Keyspace, PrefixStats};

use crate::Settings;
use crate::client::Client;

/// The most keys of one message that are recorded.
const TOUCHED_MAX: usize = 256;

pub(crate) struct PageHost<'p> {
    pub(crate) now: Instant,
    pub(crate) cache: &'p mut Cache,
    /// The keys that the message looked up.
    pub(crate) touched: &'p mut Vec<Vec<u8>>,
    pub(crate) settings: &'p Settings,
    /// Requests by prefix, and whether they are counted: `stats detail`.
    pub(crate) prefixes: &'p mut PrefixStats,
    pub(crate) counts_prefixes: &'p mut bool,
    /// What `verbosity` has set, which only `stats settings` shows.
    pub(crate) verbosity: &'p mut u32,
    /// The clients, without the one that is being answered.
    pub(crate) others: &'p [Option<Client>],
    /// The number of that one.
    pub(crate) client: usize,
}

impl Keyspace for PageHost<'_> {
    type Memory = Vec<u8>;

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Keyspace::key(self.cache, bytes)
    }

    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache {
        // Where prefixes are counted, an item is also looked up before and after the request.
        let is_last = self
            .touched
            .last()
            .is_some_and(|last| last == key.as_bytes());
        if self.touched.len() < TOUCHED_MAX && !(is_last && *self.counts_prefixes) {
            self.touched.push(key.as_bytes().to_vec());
        }
        self.cache
    }

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        self.cache
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        Keyspace::prefetch(self.cache, keys);
    }
}
