//! How an operation begins: what time it is.

use super::Cache;
use crate::storage::Deadline;
use crate::{Expiry, Instant, Memory};

impl<M: Memory> Cache<M> {
    /// Every operation begins here: the time as the cache counts it.
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn begin(&mut self, now: Instant) -> u64 {
        match self.store.clock.time_at(now) {
            Some(time) => time,
            None => self.begin_moment(now),
        }
    }

    #[cold]
    fn begin_moment(&mut self, now: Instant) -> u64 {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            self.store.clear(self.memory.bytes_mut());
        }
        self.store.advance(self.memory.bytes_mut(), now)
    }

    /// What that means, in this operation, as a deadline.
    pub(super) fn deadline(&mut self, expiry: Expiry) -> Deadline {
        self.store.clock.deadline(expiry)
    }
}
