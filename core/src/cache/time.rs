//! How an operation begins: what time it is.

use super::Cache;
use crate::key::HashedKey;
use crate::storage::Deadline;
use crate::{Expiry, Instant, Key, Memory};

impl<M: Memory> Cache<M> {
    /// Every operation on a key begins here: the clock is set, the key hashed, and what a flush has
    /// removed is not there any more.
    #[inline]
    pub(super) fn begin<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> HashedKey<'k> {
        let key = self.hasher().hashed(&key.into());
        self.set_clock(now);
        if self.parts.flushes.is_active() {
            self.store_mut().sweep_bucket_of(key.hash);
        }
        key
    }

    /// Sets the cache's own clock.
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn set_clock(&mut self, now: Instant) {
        if !self.parts.clock.is_at(now) {
            self.begin_moment(now);
        }
    }

    #[cold]
    fn begin_moment(&mut self, now: Instant) {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            self.store_mut().clear();
            self.insight.clear();
        }
        self.store_mut().advance(now);
    }

    /// What that means, in this operation, as a deadline.
    pub(super) fn deadline(&mut self, expiry: Expiry) -> Deadline {
        self.parts.clock.deadline(expiry)
    }
}
