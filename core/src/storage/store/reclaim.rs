//! How space is freed when memory is full, in this order: what has expired, chunks moved together
//! so that a page becomes free, and last the least recently used item whatever its size.

use super::super::arena::{ChunkRef, Geometry};
use super::super::chunk::Kind;
use super::super::deadline::Deadline;
use super::super::handle::ItemHandle;
use super::super::header::ItemHeader;
use super::super::index::ItemHasher;
use super::super::page;
use super::super::prefetch::PREFETCHES;
use super::StoreMut;
use crate::view::RemovalReason;

impl StoreMut<'_> {
    /// Frees something: what was flushed or has expired, a page by moving its chunks, or the least
    /// recently used item. `false` if there is nothing.
    pub(crate) fn free_space(&mut self) -> bool {
        self.sweep_out()
            || self.expire_page()
            || self.compact()
            || self.evict(RemovalReason::Memory)
    }

    /// Frees something without moving anything: what was flushed or has expired, else the least
    /// recently used item. `false` if there is nothing.
    pub(crate) fn expire_or_evict(&mut self, reason: RemovalReason) -> bool {
        self.sweep_out() || self.expire_page() || self.evict(reason)
    }

    /// Goes on with the sweep of flushes by prefix; `false` if there was nothing to remove.
    fn sweep_out(&mut self) -> bool {
        self.sweep().is_some_and(|removed| removed > 0)
    }

    /// Removes the least recently used item.
    fn evict(&mut self, reason: RemovalReason) -> bool {
        let Self { arena, parts } = self;
        let Some(victim) = parts.eviction.victim(arena) else {
            return false;
        };
        let hash = parts.hasher.hash_item(arena.view(), victim);
        let found = arena.item(victim);
        if parts.flushes.is_active() && self.view().is_flushed(&found) {
            self.remove_flushed(&found);
            return true;
        }
        let Self { arena, parts } = self;
        parts.eviction.remember(arena, &found.header, hash);
        self.count_eviction(&found);
        self.log_removal(&found, reason);
        self.remove(&found, hash);
        self.prefetch_victim(&found.header);
        true
    }

    /// Prefetches what the next eviction will need: its victim is most likely the neighbour of the
    /// item that was evicted, and the header of that has just been written to.
    fn prefetch_victim(&self, evicted: &ItemHeader) {
        let victim = self.parts.eviction.linked_last(evicted);
        if !PREFETCHES || victim.is_none() {
            return;
        }
        let (store, arena) = (self.view(), self.arena.view());
        let geometry = arena.geometry;
        arena.prefetch(geometry.record_at(geometry.page_of(victim)));
        store.prefetch_bucket(self.parts.hasher.hash_item(arena, victim));
        let next = geometry.at(arena.header(victim).newer());
        arena.prefetch(next);
        arena.prefetch(next + Geometry::LINE);
    }

    /// Removes an item whose deadline has passed.
    #[cold]
    pub(crate) fn expire(&mut self, item: ChunkRef, reason: RemovalReason) {
        let found = &self.arena.item(item);
        let hash = self.parts.hasher.hash_item(self.arena.view(), item);
        self.log_removal(found, reason);
        let parts = &mut *self.parts;
        let deadline = found.header.deadline().millis(parts.clock.floor());
        let lag = parts.clock.time().saturating_sub(deadline);
        parts.stats.expiry_lag_max = parts.stats.expiry_lag_max.max(lag);
        parts.stats.expiry_lag_total += lag;
        let unfetched = u64::from(!found.header.fetched());
        self.count(item, |stats| {
            stats.reclaimed += 1;
            stats.expired_unfetched += unfetched;
        });
        if reason == RemovalReason::ExpiredUnasked {
            self.parts.monitor.expire(hash);
        }
        self.remove(found, hash);
    }

    fn log_removal(&mut self, found: &ItemHandle, reason: RemovalReason) {
        if self.parts.removals.is_on() {
            let class = self.view().class(found.item);
            let Self { arena, parts } = self;
            let key = found.key(arena.view());
            parts.removals.push(reason, found, class, key, parts.clock);
        }
    }

    /// Does one step of expiry: looks at the items of a page that is due, or files one at a finer
    /// level of the wheel. `false` if nothing has expired.
    #[inline]
    pub(crate) fn expire_page(&mut self) -> bool {
        self.parts.expiry.has_begun(self.parts.clock.time()) && self.expire_next()
    }

    pub(super) fn expire_next(&mut self) -> bool {
        let Self { arena, parts } = self;
        let now = parts.clock.time();
        let Some(page) = parts.expiry.pop(arena, now) else {
            return false;
        };
        let Some(page) = page else {
            return true;
        };
        let mut earliest = Deadline::NO_TIME;
        for chunk in page::chunks(self.arena.view(), page) {
            if self.arena.chunk(chunk).kind() != Kind::Header {
                continue;
            }
            let deadline = self.arena.header(chunk).deadline();
            let deadline = deadline.millis(self.parts.clock.floor());
            if deadline <= now {
                self.expire(chunk, RemovalReason::ExpiredUnasked);
                if self.arena.page(page).class() == page::UNUSED {
                    return true;
                }
            } else {
                earliest = earliest.min(deadline);
            }
        }
        if earliest != Deadline::NO_TIME {
            self.parts.expiry.schedule(&mut self.arena, page, earliest);
        }
        true
    }
}
