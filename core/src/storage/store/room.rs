//! How room is made when there is none, in this order: what has expired, chunks moved together so
//! that a page becomes free, and last the least recently used item whatever its size.

use super::super::arena::{self, ChunkRef, Geometry};
use super::super::deadline::Deadline;
use super::super::header::{self, Head, Kind};
use super::super::page;
use super::super::prefetch::{PREFETCHES, prefetch};
use super::super::slab::Class;
use super::{Found, Store, hash_of};
use crate::view::RemovalReason;

impl Store {
    /// Frees something: what has expired, a page by moving its chunks, or the least recently used
    /// item. `false` if there is nothing.
    pub(super) fn make_room(&mut self, memory: &mut [u8], now: u64) -> bool {
        self.expire_page(memory, now)
            || self.compact(memory)
            || self.evict(memory, RemovalReason::Memory)
    }

    /// One step towards room without moving anything: what has expired, or if nothing has, the
    /// least recently used item. `false` if there is nothing.
    pub(crate) fn expire_or_evict(
        &mut self,
        memory: &mut [u8],
        now: u64,
        reason: RemovalReason,
    ) -> bool {
        self.expire_page(memory, now) || self.evict(memory, reason)
    }

    /// Removes the least recently used item.
    fn evict(&mut self, memory: &mut [u8], reason: RemovalReason) -> bool {
        let geometry = *self.geometry();
        let Some(victim) = self.eviction.victim(memory, &geometry) else {
            return false;
        };
        let oldest = self.read(memory, victim);
        self.count_eviction(&oldest);
        let hash = hash_of(&self.hasher, &geometry, memory, oldest.item);
        self.eviction.remember(memory, &oldest.head, hash);
        self.note_removal(memory, &oldest, reason);
        self.remove(memory, &oldest, hash);
        self.fetch_victim(memory, &oldest.head);
        true
    }

    /// Asks for what the next eviction will need: who goes then is most likely the neighbour of the
    /// item that went, and its head has just been written to.
    fn fetch_victim(&self, memory: &[u8], gone: &Head) {
        let (geometry, victim) = (self.geometry(), self.eviction.last(gone));
        if !PREFETCHES || victim.is_none() {
            return;
        }
        prefetch(memory, geometry.record_at(geometry.page_of(victim)));
        self.fetch_bucket(memory, hash_of(&self.hasher, geometry, memory, victim));
        let next = geometry.at(self.read(memory, victim).head.newer());
        prefetch(memory, next);
        prefetch(memory, next + Geometry::LINE);
    }

    /// Removes an item whose deadline has passed.
    #[cold]
    pub(crate) fn reclaim(
        &mut self,
        memory: &mut [u8],
        item: ChunkRef,
        now: u64,
        reason: RemovalReason,
    ) {
        let found = &self.read(memory, item);
        let hash = hash_of(&self.hasher, &{ *self.geometry() }, memory, item);
        self.note_removal(memory, found, reason);
        let deadline = found.head.deadline().millis(self.clock.floor());
        let lag = now.saturating_sub(deadline);
        self.stats.expiry_lag_max = self.stats.expiry_lag_max.max(lag);
        self.stats.expiry_lag_total += lag;
        let unfetched = u64::from(!found.head.fetched());
        self.count(item, |stats| {
            stats.reclaimed += 1;
            stats.expired_unfetched += unfetched;
        });
        if reason == RemovalReason::ExpiredUnasked {
            self.monitor.expire(hash);
        }
        self.remove(memory, found, hash);
    }

    fn note_removal(&mut self, memory: &[u8], found: &Found, reason: RemovalReason) {
        if self.removals.is_on() {
            let key = self.key(memory, found);
            let class = self.class(memory, found.item);
            self.removals.note(reason, found, class, key, self.clock);
        }
    }

    /// Does one step of expiry: looks at the items of a page that is due, or files one at a finer
    /// level of the wheel. `false` if nothing has expired.
    #[inline]
    pub(crate) fn expire_page(&mut self, memory: &mut [u8], now: u64) -> bool {
        self.expiry.has_begun(now) && self.expire_next(memory, now)
    }

    pub(super) fn expire_next(&mut self, memory: &mut [u8], now: u64) -> bool {
        let geometry = *self.geometry();
        let Some(page) = self.expiry.pop(memory, &geometry, now) else {
            return false;
        };
        let Some(page) = page else {
            return true;
        };
        let mut earliest = Deadline::NO_TIME;
        for chunk in page::chunks(memory, &geometry, page) {
            let at = geometry.at(chunk);
            if header::kind(memory, at) != Kind::Head {
                continue;
            }
            let found = self.read(memory, chunk);
            let deadline = found.head.deadline().millis(self.clock.floor());
            if deadline <= now {
                self.reclaim(memory, chunk, now, RemovalReason::ExpiredUnasked);
                if page::class(memory, &geometry, page) == page::UNUSED {
                    return true;
                }
            } else {
                earliest = earliest.min(deadline);
            }
        }
        if earliest != Deadline::NO_TIME {
            self.expiry.note(memory, &geometry, page, earliest);
        }
        true
    }

    /// Empties a sparse page by moving its chunks to others of its size; `false` if none is worth
    /// it.
    fn compact(&mut self, memory: &mut [u8]) -> bool {
        let Some(page) = self.slabs.sparse_page(memory) else {
            return false;
        };
        let geometry = *self.geometry();
        self.eviction.enter_noted(memory, &geometry);
        let chunks = page::chunks(memory, &geometry, page);
        let is_pending = |chunk| {
            let at = geometry.at(chunk);
            header::kind(memory, at) == Kind::Continuation && header::owner(memory, at).is_none()
        };
        if chunks.clone().any(is_pending) {
            return false;
        }
        let class = Class(page::class(memory, &geometry, page));
        for from in chunks {
            if header::kind(memory, geometry.at(from)) == Kind::Free {
                continue;
            }
            let Some(to) = self.slabs.alloc(memory, class, page) else {
                return false;
            };
            self.move_chunk(memory, from, to);
            self.free_chunk(memory, from);
        }
        self.stats.slabs_moved += 1;
        true
    }

    /// Copies a chunk and lets everything that refers to it refer to the copy. The order of use has
    /// to be up to date, by [`Eviction::enter_noted`](super::Eviction::enter_noted).
    pub(super) fn move_chunk(&mut self, memory: &mut [u8], from: ChunkRef, to: ChunkRef) {
        let geometry = *self.geometry();
        let (from_at, to_at) = (geometry.at(from), geometry.at(to));
        let size = page::chunk_size(memory, &geometry, geometry.page_of(from));
        arena::copy(memory, from_at, to_at, size);
        self.stats.chunks_moved += 1;
        if header::kind(memory, to_at) == Kind::Head {
            let hash = hash_of(&self.hasher, &geometry, memory, to);
            self.index.moved(memory, &geometry, hash, from, to);
            self.eviction.moved(memory, &geometry, from, to);
            self.own_chain(memory, to);
            self.note_deadline(memory, to, Head::read(memory, to_at).deadline());
            return;
        }
        let mut before = header::owner(memory, to_at);
        loop {
            let next = header::next(memory, geometry.at(before));
            if next == from {
                header::set_next(memory, geometry.at(before), to);
                return;
            }
            debug_assert!(!next.is_none(), "a continuation is in its owner's chain");
            if next.is_none() {
                return;
            }
            before = next;
        }
    }
}
