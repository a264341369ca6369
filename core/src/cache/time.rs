//! The cache's own time: milliseconds that count from 1 with the first moment it hears of.

use super::Cache;
use crate::storage::Deadline;
use crate::{Expiry, Instant, Memory};

impl<M: Memory> Cache<M> {
    /// Every operation begins here: the time as the cache counts it, from 1.
    #[cfg_attr(not(target_os = "none"), inline)]
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn begin(&mut self, now: Instant) -> u64 {
        match self.last {
            Some((last, time)) if last == now => time,
            _ => self.begin_moment(now),
        }
    }

    #[cold]
    fn begin_moment(&mut self, now: Instant) -> u64 {
        if self.epoch.is_none() {
            self.epoch = Some(now.as_millis());
        }
        if self.clear_at.is_some_and(|at| at <= now) {
            self.clear_at = None;
            self.store.clear(self.memory.bytes_mut());
        }
        let time = self.relative(now);
        self.store.set_time(time);
        self.last = Some((now, time));
        time
    }

    #[inline]
    pub(super) fn relative(&self, at: Instant) -> u64 {
        at.as_millis()
            .saturating_sub(self.epoch.unwrap_or(0))
            .saturating_add(1)
    }

    /// A moment as a deadline. One in the past is this very millisecond, so that this operation is
    /// the last that sees the item. One to come is at least a millisecond away, also while all
    /// times are the same to the cache because the clock was set back to before the cache began.
    pub(super) fn deadline(&self, now: Instant, time: u64, expiry: Expiry) -> Deadline {
        match expiry.deadline(now) {
            None => Deadline::NEVER,
            Some(at) if at <= now => Deadline::from_millis(time),
            Some(at) => Deadline::from_millis(self.relative(at).max(time.saturating_add(1))),
        }
    }

    #[inline]
    pub(super) fn instant(&self, deadline: Deadline) -> Option<Instant> {
        deadline.millis().map(|millis| self.moment(millis))
    }

    /// A time of the cache's own as the caller counts it.
    #[inline]
    pub(super) fn moment(&self, millis: u64) -> Instant {
        let start = self.epoch.unwrap_or(0);
        Instant::from_millis(start.saturating_add(millis.saturating_sub(1)))
    }
}
