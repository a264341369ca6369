//! Which item is evicted when memory is full: the policies.
//!
//! `lru`: the least recently used one, always. `s3lru`: new items first pass through a small queue
//! of a tenth of the bytes. One that is used while in it, or stored again soon after it was evicted
//! from it, is admitted to the LRU. This keeps keys that are asked for once from evicting the
//! others. (The small queue and its ghosts are those of S3-FIFO: Yang and others, SOSP 2023.)
//! `density`: the item that takes the most memory for the longest time, see `density.rs`. Its items
//! have the bit of those in the small queue, so that a use of an item of the LRU asks no more.

use core::iter::Chain;

use super::arena::{ArenaMut, ArenaRef, ChunkRef};
use super::clock::Clock;
use super::density::{self, Density};
use super::ghost::Ghosts;
use super::handle::ItemHandle;
use super::header::{ItemHeader, LruBits};
use super::lru::{self, Lru};
use crate::config::SizeWeight;
use crate::digest::Digest;
use crate::{LruBump, Policy};

/// The queue's share of all bytes is one part in this many.
const QUEUE_SHARE: u64 = 10;

/// How many items may be admitted in one search for a victim, so that the search is bounded.
const ADMISSIONS_MAX: usize = 16;

/// The bit of a hash that says in a ghost of `density` on which level it was.
const LEVEL: u64 = 1;

/// Steps through another iterator. The folds of a chain would be copied into each loop over it:
/// five kilobytes of a module for a page.
#[derive(Clone, Debug)]
pub(crate) struct Steps<I>(I);

impl<I: Iterator> Iterator for Steps<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Steps<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        self.0.next_back()
    }
}

/// All items, the most recently used first.
#[cfg(not(feature = "density"))]
pub(crate) type Items<'m> = Steps<Chain<lru::Items<'m>, lru::Items<'m>>>;
#[cfg(feature = "density")]
pub(crate) type Items<'m> = Steps<Chain<Chain<lru::Items<'m>, lru::Items<'m>>, density::Items<'m>>>;

/// The order in which items are evicted.
#[derive(Debug)]
pub(crate) struct Eviction {
    policy: Policy,
    lru: Lru,
    /// Empty but with `s3lru`.
    queue: Lru,
    /// Empty but with `density`; then the two above are.
    density: [Density; density::ON as usize],
    ghosts: Ghosts,
    /// The item that is being stored: it is not evicted.
    pinned: ChunkRef,
}

impl Eviction {
    pub(crate) fn new(policy: Policy, bump: LruBump, ghosts: Ghosts, capacity: u64) -> Self {
        let weight = policy.size_weight().unwrap_or(SizeWeight::Full);
        let lazy = matches!(bump, LruBump::Lazy);
        Self {
            policy,
            lru: Lru::new(lazy),
            queue: Lru::new(false),
            density: [(); density::ON as usize].map(|()| Density::new(weight, capacity)),
            ghosts,
            pinned: ChunkRef::NONE,
        }
    }

    /// Protects this item from eviction, instead of the one before; [`ChunkRef::NONE`]: none.
    pub(crate) const fn pin(&mut self, item: ChunkRef) {
        self.pinned = item;
    }

    /// What decides with `density`.
    const fn density(&self) -> Option<&Density> {
        match (self.density.as_slice(), self.policy.size_weight()) {
            ([density], Some(_)) => Some(density),
            _ => None,
        }
    }

    fn density_mut(&mut self) -> Option<&mut Density> {
        match (&mut self.density[..], self.policy.size_weight()) {
            ([density], Some(_)) => Some(density),
            _ => None,
        }
    }

    /// Whether items have stamps.
    pub(crate) const fn is_by_density(&self) -> bool {
        self.density().is_some()
    }

    /// Tells how many bytes the budget has.
    pub(crate) fn set_capacity(&mut self, bytes: u64) {
        if let Some(density) = self.density_mut() {
            density.set_capacity(bytes);
        }
    }

    /// Forgets all items.
    pub(crate) fn clear(&mut self) {
        self.lru.clear();
        self.queue.clear();
        if let Some(density) = self.density_mut() {
            density.clear();
        }
    }

    pub(crate) const fn len(&self) -> usize {
        let others = match self.density.as_slice() {
            [density] => density.len(),
            _ => 0,
        };
        self.lru.len() + self.queue.len() + others
    }

    /// All items, the most recently used first; those of the queue come last. With `density` the
    /// next one to evict is last.
    pub(crate) fn items<'m>(&'m self, arena: ArenaRef<'m>) -> Items<'m> {
        let items = self.lru.items(arena).chain(self.queue.items(arena));
        // A device does not walk through what is always empty.
        #[cfg(feature = "density")]
        let items = items.chain(density::Items::new(&self.density, arena));
        Steps(items)
    }

    /// The items of the LRU and those of the queue, each with the most recently used first; those
    /// of `density` are all in the first list.
    pub(crate) fn lists<'m>(
        &'m self,
        arena: ArenaRef<'m>,
    ) -> [impl DoubleEndedIterator<Item = ChunkRef> + 'm; 2] {
        let others = density::Items::new(&self.density, arena);
        let lists = [(&self.lru, Some(others)), (&self.queue, None)];
        lists.map(|(list, others)| Steps(list.items(arena).chain(others.into_iter().flatten())))
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
            _ if self.density().is_some() => return self.push_by_density(arena, item, hash, old),
            (_, Some(old)) => !old.has(LruBits::IN_SMALL_QUEUE),
            (_, None) => self.ghosts.take(arena, hash, self.lru.len()),
        };
        if admitted {
            self.lru.push(arena, item);
        } else {
            let mut header = arena.header_mut(item);
            header.set_lru_bit(LruBits::IN_SMALL_QUEUE, true);
            self.queue.push(arena, item);
        }
    }

    #[inline(never)]
    fn push_by_density(
        &mut self,
        arena: &mut ArenaMut<'_>,
        item: ChunkRef,
        hash: u64,
        old: Option<&ItemHeader>,
    ) {
        let evicted_from = match old {
            Some(_) => None,
            None => self.take_ghost(arena, hash),
        };
        let Some(density) = self.density_mut() else {
            return;
        };
        let came_again = match old {
            Some(old) => old.has(LruBits::CAME_AGAIN),
            None => {
                if let Some(level) = evicted_from {
                    density.learn(level == LEVEL);
                }
                let came_again = evicted_from.is_some();
                density.advance(arena.header(item).size_in_all(), came_again);
                came_again
            }
        };
        density.push(arena, item, came_again);
    }

    /// The level from which this hash was evicted lately, if it was; forgets that.
    fn take_ghost(&self, arena: &mut ArenaMut<'_>, hash: u64) -> Option<u64> {
        let ghost = |level| hash & !LEVEL | level;
        let mut levels = [0, LEVEL].into_iter();
        levels.find(|&level| self.ghosts.take(arena, ghost(level), self.len()))
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
        if found.header.has(LruBits::IN_SMALL_QUEUE)
            && let Some(density) = self.density_mut()
        {
            return density.unlink(arena, found);
        }
        self.list_of(&found.header).unlink(arena, found.item);
    }

    /// Records that an item is used in this second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle, second: u32) {
        if found.header.has(LruBits::IN_SMALL_QUEUE) {
            if let Some(density) = self.density_mut() {
                return density.bump(arena, found, second);
            }
            let mut header = arena.header_mut(found.item);
            header.record_use(&found.header, second);
        } else {
            self.lru.bump(arena, found, second);
        }
    }

    /// Prepares for an item to be rewritten in place with another size.
    pub(crate) fn replace(&mut self, arena: &mut ArenaMut<'_>, before: &ItemHandle, size: u64) {
        let header = &before.header;
        if !header.has(LruBits::IN_SMALL_QUEUE) {
            self.lru.defer_promotion(arena, before);
            self.lru.resize(header, size);
        } else if self.density().is_none() {
            self.queue.resize(header, size);
        }
    }

    /// Enters that an item was rewritten in place.
    #[inline]
    pub(crate) fn replaced(&mut self, arena: &mut ArenaMut<'_>, before: &ItemHandle) {
        if before.header.has(LruBits::IN_SMALL_QUEUE)
            && let Some(density) = self.density_mut()
        {
            density.replaced(arena, before);
        }
    }

    /// Redirects everything that refers to an item to where it was copied.
    pub(crate) fn moved(&mut self, arena: &mut ArenaMut<'_>, from: ChunkRef, to: ChunkRef) {
        let header = arena.header(to);
        if self.pinned == from {
            self.pinned = to;
        }
        if header.has(LruBits::IN_SMALL_QUEUE)
            && let Some(density) = self.density_mut()
        {
            return density.moved(arena, to);
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
            self.admit(arena, oldest);
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
        let density = self.density()?;
        density.victim(arena.view(), self.pinned)
    }

    /// Moves an item from the queue, if it is there, to the LRU; with `density`, to the items that
    /// came again.
    pub(crate) fn admit(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        let found = arena.item(item);
        if !found.header.lru_bits().is_new() {
            return;
        }
        if let Some(density) = self.density_mut() {
            density.unlink(arena, &found);
            return density.push(arena, item, true);
        }
        self.queue.unlink(arena, item);
        let mut header = arena.header_mut(item);
        header.set_lru_bit(LruBits::IN_SMALL_QUEUE, false);
        self.lru.push(arena, item);
    }

    /// Sorts each list by the second of the last use.
    pub(crate) fn sort_by_last_use(&mut self, arena: &mut ArenaMut<'_>, clock: Clock) {
        let number = |header: &ItemHeader| clock.seconds_since_use(header.last_use());
        for list in [&mut self.lru, &mut self.queue] {
            list.sort(arena, number);
        }
        if let Some(density) = self.density_mut() {
            density.sort(arena, number);
        }
    }

    /// The last item of the list that an item with this header was in, as it is linked.
    pub(crate) fn linked_last(&self, header: &ItemHeader) -> ChunkRef {
        if !header.has(LruBits::IN_SMALL_QUEUE) {
            return self.lru.linked_last();
        }
        match self.density() {
            None => self.queue.linked_last(),
            Some(density) => density.linked_last(header),
        }
    }

    /// Remembers an item that is evicted from the queue, or any with `density`.
    pub(crate) fn remember(&mut self, arena: &mut ArenaMut<'_>, header: &ItemHeader, hash: u64) {
        if !header.has(LruBits::IN_SMALL_QUEUE) {
            return;
        }
        let came_again = header.has(LruBits::CAME_AGAIN);
        let Some(density) = self.density_mut() else {
            return self.ghosts.add(arena, hash);
        };
        density.count_eviction(came_again);
        let level = if came_again { LEVEL } else { 0 };
        self.ghosts.add(arena, hash & !LEVEL | level);
    }

    /// Adds how the lists are divided, and which items were evicted from the queue.
    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        digest.number(self.lru.len() as u64);
        digest.number(self.queue.len() as u64);
        self.ghosts.digest(arena, digest);
        if let Some(density) = self.density() {
            density.digest(digest);
        }
    }

    /// Panics if a sum is wrong. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>) {
        self.lru.check(arena);
        self.queue.check(arena);
        if let Some(density) = self.density() {
            density.check(arena);
        }
    }
}
