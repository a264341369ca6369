//! Where a key lives: one cache, or many behind locks.

use core::fmt::Display;

use crate::{Cache, Key, Memory};

/// The caches that a [`Session`](crate::Session) works on: one [`Cache`], or the many of a server.
pub trait Keyspace {
    /// The memory its caches work in.
    type Memory: Memory;

    /// The key with its hash.
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k>;

    /// The cache in which this key lives.
    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache<Self::Memory>;

    /// Visits every cache once.
    fn for_each(&mut self, visit: impl FnMut(&mut Cache<Self::Memory>));

    /// Announces lookups to come, so that what they need can be fetched together.
    fn look_ahead(&mut self, keys: &[Key<'_>]);

    /// Statistics that only the host knows (process, connections, threads): calls `report` with
    /// memcached's names.
    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        let _ = report;
    }
}

impl<M: Memory> Keyspace for Cache<M> {
    type Memory = M;

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.hasher().key(bytes)
    }

    fn cache_for(&mut self, _key: &Key<'_>) -> &mut Self {
        self
    }

    fn for_each(&mut self, mut visit: impl FnMut(&mut Self)) {
        visit(self);
    }

    fn look_ahead(&mut self, keys: &[Key<'_>]) {
        Self::look_ahead(self, keys);
    }
}
