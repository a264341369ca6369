//! Which item is evicted when memory is full: the policies.
//!
//! `lru`: the least recently used one, always. `s3lru`: new items first pass through a small queue
//! of a tenth of the bytes. One that is used while in it, or stored again soon after it was evicted
//! from it, is admitted to the LRU. This keeps keys that are asked for once from evicting the
//! others. (The small queue and its ghosts are those of S3-FIFO: Yang and others, SOSP 2023.)

use super::arena::{ArenaMut, ArenaRef, ChunkRef};
use super::ghost::Ghosts;
use super::handle::ItemHandle;
use super::header::{ItemHeader, LruBits};
use super::lru::Lru;
use crate::digest::Digest;
use crate::{LruBump, Policy};

/// The queue's share of all bytes is one part in this many.
const QUEUE_SHARE: u64 = 10;

/// How many items may be admitted in one search for a victim, so that the search is bounded.
const ADMISSIONS_MAX: usize = 16;

/// The order in which items are evicted.
#[derive(Debug)]
pub(crate) struct Eviction {
    policy: Policy,
    lru: Lru,
    /// Empty but with `s3lru`.
    queue: Lru,
    ghosts: Ghosts,
    /// The item that is being stored: it is not evicted.
    pinned: ChunkRef,
}

impl Eviction {
    pub(crate) const fn new(policy: Policy, bump: LruBump, ghosts: Ghosts) -> Self {
        let lazy = matches!(bump, LruBump::Lazy);
        Self {
            policy,
            lru: Lru::new(lazy),
            queue: Lru::new(false),
            ghosts,
            pinned: ChunkRef::NONE,
        }
    }

    /// Protects this item from eviction, instead of the one before; [`ChunkRef::NONE`]: none.
    pub(crate) const fn pin(&mut self, item: ChunkRef) {
        self.pinned = item;
    }

    /// Forgets all items.
    pub(crate) fn clear(&mut self) {
        self.lru.clear();
        self.queue.clear();
    }

    pub(crate) const fn len(&self) -> usize {
        self.lru.len() + self.queue.len()
    }

    /// All items, the most recently used first; those of the queue come last.
    pub(crate) fn items<'m>(
        &'m self,
        arena: ArenaRef<'m>,
    ) -> impl DoubleEndedIterator<Item = ChunkRef> + 'm {
        let queued = self.queue.items(arena);
        self.lru.items(arena).chain(queued)
    }

    /// The items of the LRU and those of the queue, each with the most recently used first.
    pub(crate) fn lists<'m>(
        &'m self,
        arena: ArenaRef<'m>,
    ) -> [impl DoubleEndedIterator<Item = ChunkRef> + 'm; 2] {
        [&self.lru, &self.queue].map(|list| list.items(arena))
    }

    /// Brings the order up to date, so that items may move.
    pub(crate) fn flush_pending(&mut self, arena: &mut ArenaMut<'_>) {
        self.lru.flush_pending(arena);
    }

    /// Whether the next use of an item has work to do first that can be done before.
    #[inline]
    pub(crate) const fn is_behind(&self) -> bool {
        self.lru.is_full()
    }

    /// Does that work.
    pub(crate) fn catch_up(&mut self, arena: &mut ArenaMut<'_>) {
        self.lru.flush_half(arena);
    }

    /// Adds an item that takes the place of `old`, if there was one.
    pub(crate) fn push(
        &mut self,
        arena: &mut ArenaMut<'_>,
        item: ChunkRef,
        hash: u64,
        old: Option<&ItemHeader>,
    ) {
        let admitted = match (self.policy, old) {
            (Policy::Lru | Policy::Refuse, _) => true,
            (Policy::S3Lru, Some(old)) => !old.has(LruBits::IN_SMALL_QUEUE),
            (Policy::S3Lru, None) => self.ghosts.take(arena, hash, self.lru.len()),
        };
        if admitted {
            self.lru.push(arena, item);
        } else {
            let mut header = arena.header_mut(item);
            header.set_lru_bit(LruBits::IN_SMALL_QUEUE, true);
            self.queue.push(arena, item);
        }
    }

    fn list_of(&mut self, header: &ItemHeader) -> &mut Lru {
        if header.has(LruBits::IN_SMALL_QUEUE) {
            &mut self.queue
        } else {
            &mut self.lru
        }
    }

    /// Takes an item out.
    pub(crate) fn unlink(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle) {
        self.list_of(&found.header).unlink(arena, found.item);
    }

    /// Records that an item is used in this second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle, second: u32) {
        if found.header.has(LruBits::IN_SMALL_QUEUE) {
            let mut header = arena.header_mut(found.item);
            header.record_use(&found.header, second);
        } else {
            self.lru.bump(arena, found, second);
        }
    }

    /// Prepares for an item to be rewritten in place with another size.
    pub(crate) fn replace(&mut self, arena: &mut ArenaMut<'_>, before: &ItemHandle, size: u64) {
        if !before.header.has(LruBits::IN_SMALL_QUEUE) {
            self.lru.defer_promotion(arena, before);
        }
        self.list_of(&before.header).resize(&before.header, size);
    }

    /// Redirects everything that refers to an item to where it was copied.
    pub(crate) fn moved(&mut self, arena: &mut ArenaMut<'_>, from: ChunkRef, to: ChunkRef) {
        let header = arena.header(to);
        if self.pinned == from {
            self.pinned = to;
        }
        self.list_of(&header).moved(arena, from, to);
    }

    /// The item to evict next, if there is any that may be.
    pub(crate) fn victim(&mut self, arena: &mut ArenaMut<'_>) -> Option<ChunkRef> {
        if self.policy == Policy::Refuse {
            return None;
        }
        for _ in 0..ADMISSIONS_MAX {
            let oldest = self.queue.oldest(arena);
            if oldest.is_none() || oldest == self.pinned {
                break;
            }
            let bytes = self.queue.bytes() + self.lru.bytes();
            let queue_is_long = self.queue.bytes() * QUEUE_SHARE > bytes;
            if !queue_is_long && self.lru.len() > 0 {
                break;
            }
            if !arena.header(oldest).fetched() {
                return Some(oldest);
            }
            self.queue.unlink(arena, oldest);
            let mut header = arena.header_mut(oldest);
            header.set_lru_bit(LruBits::IN_SMALL_QUEUE, false);
            self.lru.push(arena, oldest);
        }
        for list in [&mut self.lru, &mut self.queue] {
            let mut oldest = list.oldest(arena);
            if oldest == self.pinned && !oldest.is_none() {
                oldest = arena.header(oldest).newer();
            }
            if !oldest.is_none() {
                return Some(oldest);
            }
        }
        None
    }

    /// The last item of the list that an item with this header was in, as it is linked.
    pub(crate) const fn linked_last(&self, header: &ItemHeader) -> ChunkRef {
        if header.has(LruBits::IN_SMALL_QUEUE) {
            self.queue.linked_last()
        } else {
            self.lru.linked_last()
        }
    }

    /// Remembers an item that is evicted from the queue.
    pub(crate) fn remember(&mut self, arena: &mut ArenaMut<'_>, header: &ItemHeader, hash: u64) {
        if header.has(LruBits::IN_SMALL_QUEUE) {
            self.ghosts.add(arena, hash);
        }
    }

    /// Adds how the lists are divided, and which items were evicted from the queue.
    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        digest.number(self.lru.len() as u64);
        digest.number(self.queue.len() as u64);
        self.ghosts.digest(arena, digest);
    }

    /// Panics if a sum is wrong. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>) {
        self.lru.check(arena);
        self.queue.check(arena);
    }
}
