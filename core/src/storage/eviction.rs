//! Which item goes when room is needed: the policies.
//!
//! `lru`: the least recently used one, always. `s3lru`: new items first pass through a queue of a
//! tenth of the bytes; who is used while in it, or comes again soon after falling out of it, is
//! admitted to the LRU. This keeps keys that are asked for once from pushing out the others. (The
//! queue and the memory of who fell out of it are those of S3-FIFO: Yang and others, SOSP 2023.)

use super::arena::{ChunkRef, Geometry};
use super::ghost::Ghosts;
use super::header::{self, Head, Mark};
use super::lru::Lru;
use crate::digest::Digest;
use crate::{LruBump, Policy};

/// The queue's share of all bytes is one part in this many.
const QUEUE_SHARE: u64 = 10;

/// How many items may be admitted in one search for a victim, so that the search is bounded.
const ADMISSIONS_MAX: usize = 16;

/// The order of items, and who falls out of it.
#[derive(Debug)]
pub(crate) struct Eviction {
    policy: Policy,
    lru: Lru,
    /// Empty but with `s3lru`.
    queue: Lru,
    ghosts: Ghosts,
    /// The item that is being stored: whatever room is made for, it stays.
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

    /// From now on this item stays, instead of the one before; [`ChunkRef::NONE`]: none has to.
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
        memory: &'m [u8],
        geometry: &'m Geometry,
    ) -> impl DoubleEndedIterator<Item = ChunkRef> + 'm {
        let queued = self.queue.items(memory, geometry);
        self.lru.items(memory, geometry).chain(queued)
    }

    /// The items of the LRU and those of the queue, each with the most recently used first.
    pub(crate) fn lists<'m>(
        &'m self,
        memory: &'m [u8],
        geometry: &'m Geometry,
    ) -> [impl DoubleEndedIterator<Item = ChunkRef> + 'm; 2] {
        [&self.lru, &self.queue].map(|list| list.items(memory, geometry))
    }

    /// Brings the order up to date, so that items may move.
    pub(crate) fn enter_noted(&mut self, memory: &mut [u8], geometry: &Geometry) {
        self.lru.enter_noted(memory, geometry);
    }

    /// Whether the next use of an item has work to do first that can be done before.
    #[inline]
    pub(crate) const fn is_behind(&self) -> bool {
        self.lru.is_full()
    }

    /// Does that work.
    pub(crate) fn catch_up(&mut self, memory: &mut [u8], geometry: &Geometry) {
        self.lru.enter_half(memory, geometry);
    }

    /// Adds an item that takes the place of `old`, if there was one.
    pub(crate) fn push(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        hash: u64,
        old: Option<&Head>,
    ) {
        let admitted = match (self.policy, old) {
            (Policy::Lru | Policy::Refuse, _) => true,
            (Policy::S3Lru, Some(old)) => !old.has(Mark::Queued),
            (Policy::S3Lru, None) => self.ghosts.take(memory, hash, self.lru.len()),
        };
        if admitted {
            self.lru.push(memory, geometry, item);
        } else {
            header::set_mark(memory, geometry.at(item), Mark::Queued, true);
            self.queue.push(memory, geometry, item);
        }
    }

    fn list_of(&mut self, head: &Head) -> &mut Lru {
        if head.has(Mark::Queued) {
            &mut self.queue
        } else {
            &mut self.lru
        }
    }

    /// Takes an item out.
    pub(crate) fn unlink(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
    ) {
        self.list_of(head).unlink(memory, geometry, item);
    }

    /// Notes that an item was used in this second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
        second: u32,
    ) {
        if head.has(Mark::Queued) {
            head.write_use(memory, geometry.at(item), second);
        } else {
            self.lru.bump(memory, geometry, item, head, second);
        }
    }

    /// Notes that an item is about to be written over by one of so many bytes.
    pub(crate) fn replace(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        before: &Head,
        size: u64,
    ) {
        if !before.has(Mark::Queued) {
            self.lru.note(memory, geometry, item, before);
        }
        self.list_of(before).resize(before, size);
    }

    /// Lets everything that pointed to an item point to where it was copied.
    pub(crate) fn moved(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        from: ChunkRef,
        to: ChunkRef,
    ) {
        let head = Head::read(memory, geometry.at(to));
        if self.pinned == from {
            self.pinned = to;
        }
        self.list_of(&head).moved(memory, geometry, from, to);
    }

    /// The item that goes next, if there is any that may.
    pub(crate) fn victim(&mut self, memory: &mut [u8], geometry: &Geometry) -> Option<ChunkRef> {
        if self.policy == Policy::Refuse {
            return None;
        }
        for _ in 0..ADMISSIONS_MAX {
            let oldest = self.queue.oldest(memory, geometry);
            if oldest.is_none() || oldest == self.pinned {
                break;
            }
            let bytes = self.queue.bytes() + self.lru.bytes();
            let queue_is_long = self.queue.bytes() * QUEUE_SHARE > bytes;
            if !queue_is_long && self.lru.len() > 0 {
                break;
            }
            let head = Head::read(memory, geometry.at(oldest));
            if !head.fetched() {
                return Some(oldest);
            }
            self.queue.unlink(memory, geometry, oldest);
            header::set_mark(memory, geometry.at(oldest), Mark::Queued, false);
            self.lru.push(memory, geometry, oldest);
        }
        for list in [&mut self.lru, &mut self.queue] {
            let mut oldest = list.oldest(memory, geometry);
            if oldest == self.pinned && !oldest.is_none() {
                oldest = Head::read(memory, geometry.at(oldest)).newer();
            }
            if !oldest.is_none() {
                return Some(oldest);
            }
        }
        None
    }

    /// The last item of the list that an item with this head was in, uses that are only noted
    /// aside.
    pub(crate) const fn last(&self, head: &Head) -> ChunkRef {
        if head.has(Mark::Queued) {
            self.queue.last()
        } else {
            self.lru.last()
        }
    }

    /// Remembers who fell out of the queue.
    pub(crate) fn remember(&mut self, memory: &mut [u8], head: &Head, hash: u64) {
        if head.has(Mark::Queued) {
            self.ghosts.add(memory, hash);
        }
    }

    /// Adds how the lists are divided, and who fell out of the queue.
    pub(crate) fn digest(&self, memory: &[u8], digest: &mut Digest) {
        digest.number(self.lru.len() as u64);
        digest.number(self.queue.len() as u64);
        self.ghosts.digest(memory, digest);
    }

    /// Panics if a sum is wrong. For tests.
    pub(crate) fn check(&self, memory: &[u8], geometry: &Geometry) {
        self.lru.check(memory, geometry);
        self.queue.check(memory, geometry);
    }
}
