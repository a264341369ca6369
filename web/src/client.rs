//! A client's connection: its session, its incomplete request, and the keys that its last message
//! used.

use core::fmt::Display;

use dynamidb_core::{Cache, Host, Instant, Key, Keyspace, Session};

/// The most keys of one message that are recorded.
const TOUCHED_MAX: usize = 256;

pub(crate) struct Client {
    pub(crate) session: Session,
    pub(crate) input: Vec<u8>,
}

impl Client {
    pub(crate) const fn new(session: Session) -> Self {
        let input = Vec::new();
        Self { session, input }
    }

    /// Processes every complete request, and keeps the rest of the input for later.
    pub(crate) fn process(
        &mut self,
        now: Instant,
        cache: &mut Cache,
        touched: &mut Vec<Vec<u8>>,
    ) -> Vec<u8> {
        let mut keyspace = RecordingKeyspace { cache, touched };
        let mut output = Vec::new();
        let mut used = 0;
        while !self.session.is_closed() {
            // A session pauses when its output is full, so each call gets an empty one.
            let mut reply = Vec::new();
            let input = &self.input[used..];
            let done = self.session.process(now, input, &mut keyspace, &mut reply);
            output.append(&mut reply);
            if done == 0 {
                self.input.drain(..used);
                return output;
            }
            used += done;
        }
        self.input = Vec::new();
        output
    }
}

/// The cache; records the keys that are looked up in it.
struct RecordingKeyspace<'p> {
    cache: &'p mut Cache,
    touched: &'p mut Vec<Vec<u8>>,
}

impl Keyspace for RecordingKeyspace<'_> {
    type Memory = Vec<u8>;

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        self.cache
    }

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Keyspace::key(self.cache, bytes)
    }

    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache {
        if self.touched.len() < TOUCHED_MAX {
            self.touched.push(key.as_bytes().to_vec());
        }
        self.cache
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        Keyspace::prefetch(self.cache, keys);
    }
}

impl Host for RecordingKeyspace<'_> {
    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        self.cache.host_stats(report);
    }
}
