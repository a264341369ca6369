//! The parts put together: an item enters, is found, moves, is removed.
//!
//! [`Parts`] are what a cache keeps besides its bytes. For each operation they become a store, to
//! read or to write, together with the [arena](super::arena).

mod check;
mod compact;
mod count;
mod digest;
mod reclaim;
mod remove;
mod resize;
mod restore;
mod sweep;
mod view;
mod write;

use super::arena::{Arena, ArenaMut, ArenaRef, ChunkRef, Geometry};
use super::cas::Cas;
use super::chain::{self, Pieces, StoredValue};
use super::clock::Clock;
use super::deadline::Deadline;
use super::eviction::{self, Eviction};
use super::expiry::Expiry;
use super::flush::Flushes;
use super::ghost::Ghosts;
use super::handle::ItemHandle;
use super::header::{self, ItemFlags};
use super::index::{self, Index, NoRoom};
use super::layout::Layout;
use super::monitor::Monitor;
use super::prefetch::PREFETCHES;
use super::removal::RemovalLog;
use super::slab::Slabs;
use crate::key::HashedKey;
use crate::{Instant, KeyHasher, SlabStats, Stats};

pub(crate) use view::PageInfo;
pub(crate) use write::{ItemAttrs, Write, Written};

/// All that a cache keeps about its items besides their bytes.
#[derive(Debug)]
pub(crate) struct Parts {
    slabs: Slabs,
    index: Index,
    eviction: Eviction,
    expiry: Expiry,
    hasher: KeyHasher,
    pub(crate) clock: Clock,
    pub(crate) cas: Cas,
    /// Counters of what happens in here; the rest is the cache's.
    pub(crate) stats: Stats,
    pub(crate) monitor: Monitor,
    pub(crate) removals: RemovalLog,
    pub(crate) flushes: Flushes,
}

/// The items of a cache and what finds them, to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Store<'s> {
    arena: ArenaRef<'s>,
    parts: &'s Parts,
}

/// All items, the most recently used first.
#[derive(Clone, Debug)]
pub(crate) struct Items<'s> {
    arena: ArenaRef<'s>,
    order: eviction::Items<'s>,
}

impl Iterator for Items<'_> {
    type Item = ItemHandle;

    fn next(&mut self) -> Option<ItemHandle> {
        Some(self.arena.item(self.order.next()?))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<ItemHandle> {
        Some(self.arena.item(self.order.next_back()?))
    }
}

/// The items of a cache and what finds them, to write.
#[derive(Debug)]
pub(crate) struct StoreMut<'s> {
    arena: ArenaMut<'s>,
    parts: &'s mut Parts,
}

impl Parts {
    /// Without the first buckets, so that nothing can fail, and all can be written where it stays:
    /// see [`StoreMut::start`].
    #[inline(always)]
    pub(crate) fn new(memory: &mut [u8], layout: &Layout, hasher: KeyHasher, cas: Cas) -> Self {
        let arena = &mut Arena::new(memory, layout.geometry);
        let ghosts = Ghosts::new(arena, layout.ghosts_at, layout.ghosts_len);
        let capacity = layout.pages as u64 * layout.geometry.page_size() as u64;
        let eviction = Eviction::new(layout.policy, layout.lru_bump, ghosts, capacity);
        let use_bits = match layout.policy.size_weight() {
            None => header::SECONDS,
            Some(_) => header::STAMPED_SECONDS,
        };
        Self {
            slabs: Slabs::new(layout.pages, &layout.sizes),
            index: Index::unmade(layout.map_len),
            eviction,
            expiry: Expiry::new(),
            hasher,
            clock: Clock::new(use_bits),
            cas,
            stats: Stats::default(),
            monitor: Monitor::new(),
            removals: RemovalLog::new(),
            flushes: Flushes::new(layout.flushes_at, layout.flushes_size),
        }
    }

    pub(crate) const fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    pub(crate) const fn len(&self) -> usize {
        self.eviction.len()
    }

    pub(crate) fn bytes_used(&self) -> usize {
        self.slabs.bytes_used()
    }

    /// How many pages nobody uses.
    pub(crate) const fn unused_pages(&self) -> usize {
        self.slabs.unused_pages()
    }

    pub(crate) fn slab_stats(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.slabs.stats()
    }

    /// Raises the floor of all deadlines to where the wheel is.
    #[cfg_attr(target_os = "none", inline(never))]
    fn raise_floor(&mut self) {
        if let Some(passed) = self.expiry.passed() {
            self.clock.raise(passed);
        }
    }

    /// From now on, what was written may be evicted.
    pub(crate) const fn unpin(&mut self) {
        self.eviction.pin(ChunkRef::NONE);
    }
}

impl<'s> Store<'s> {
    #[inline]
    pub(crate) const fn new(memory: &'s [u8], geometry: Geometry, parts: &'s Parts) -> Self {
        let arena = Arena::new(memory, geometry);
        Self { arena, parts }
    }

    /// Up to where one store of `size` bytes may touch the memory, or a step of maintenance if it
    /// is 0. The memory need not be usable behind it, so it has to be more than any operation
    /// touches: the pages of the value, and one each for the header, four further chunks, two
    /// overflow buckets and a page of the index.
    pub(crate) fn worst_case_extent(self, size: usize) -> usize {
        let Self { arena, parts } = self;
        let (geometry, touched) = (arena.geometry, parts.slabs.high_water());
        // An eighth more for the records, and for what is not used of each page.
        let pages = size / geometry.page_size() + 8;
        let wanted = touched.saturating_add(pages as u32 + pages as u32 / 8);
        geometry.end_of(wanted.min(parts.slabs.limit().max(touched)))
    }

    /// Up to where the memory was ever touched.
    pub(crate) fn touched_extent(self) -> usize {
        self.arena.geometry.end_of(self.parts.slabs.high_water())
    }

    /// Bytes of the pages that the index has.
    pub(crate) fn index_bytes(self) -> usize {
        let Parts { index, slabs, .. } = self.parts;
        let geometry = self.arena.geometry;
        let pages = index.pages(&geometry) + slabs.pages(slabs.index_class());
        pages * geometry.page_size()
    }

    /// The item under this key, whether or not its deadline has passed.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn find(self, key: &HashedKey<'_>) -> Option<ItemHandle> {
        self.find_other(key, ChunkRef::NONE)
    }

    /// The item under this key that is not this one.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn find_other(self, key: &HashedKey<'_>, not: ChunkRef) -> Option<ItemHandle> {
        self.parts.index.find(self.arena, key, not)
    }

    /// Prefetches the bucket in which a lookup begins.
    #[inline]
    pub(crate) fn prefetch_bucket(self, hash: u64) {
        let bucket = self.parts.index.first_bucket(self.arena, hash);
        self.arena.prefetch(bucket);
    }

    /// Prefetches the item that a lookup will compare first, once the bucket is there. Returns that
    /// item. Three lines are as many as an item of 112 bytes may lie in; a fourth, which it never
    /// needs, takes as much time as the third saves.
    #[inline]
    pub(crate) fn prefetch_item(self, hash: u64) -> ChunkRef {
        let bucket = self.parts.index.first_bucket(self.arena, hash);
        let candidate = index::candidate(self.arena, bucket, hash);
        let item = self.arena.geometry.at(candidate);
        for line in (0..chain::BEGINNING).step_by(Geometry::LINE) {
            self.arena.prefetch(item + line);
        }
        candidate
    }

    /// Prefetches the rest of such an item, once its header is there.
    #[inline]
    pub(crate) fn prefetch_value(self, item: ChunkRef) {
        if PREFETCHES && !item.is_none() {
            chain::prefetch_rest(self.arena, &self.arena.item(item));
        }
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn value(self, found: &ItemHandle) -> StoredValue<'s> {
        if found.header.next().is_none() {
            let start = self.arena.geometry.at(found.item) + found.header.value_offset();
            return StoredValue::Whole(self.arena.slice(start, found.header.value_len()));
        }
        StoredValue::Split(Pieces::new(self.arena, &{ *found }))
    }

    #[inline]
    pub(crate) fn cas(self, found: &ItemHandle) -> u64 {
        found.cas(self.arena)
    }

    pub(crate) fn key(self, found: &ItemHandle) -> &'s [u8] {
        found.key(self.arena)
    }

    /// All items, the most recently used first.
    pub(crate) fn items(self) -> Items<'s> {
        Items {
            arena: self.arena,
            order: self.parts.eviction.items(self.arena),
        }
    }

    /// The items at a cursor of the index, and the next cursor: see [`Index::group`].
    pub(crate) fn group(self, cursor: u32) -> (impl Iterator<Item = ItemHandle> + 's, Option<u32>) {
        let (items, next) = self.parts.index.group(self.arena, cursor);
        (items.map(move |item| self.arena.item(item)), next)
    }
}

impl<'s> StoreMut<'s> {
    #[inline]
    pub(crate) const fn new(
        memory: &'s mut [u8],
        geometry: Geometry,
        parts: &'s mut Parts,
    ) -> Self {
        let arena = Arena::new(memory, geometry);
        Self { arena, parts }
    }

    /// The same store, to read.
    #[inline]
    fn view(&self) -> Store<'_> {
        Store {
            arena: self.arena.view(),
            parts: self.parts,
        }
    }

    /// Sets the clock to this moment. What expired long ago is removed a page at a time; all at
    /// once only if deadlines could not be kept otherwise, which takes half a year without as many
    /// operations as pages.
    pub(crate) fn advance(&mut self, now: Instant) {
        if self.parts.clock.is_ahead_of(now) {
            // How far it may step back is measured from there.
            self.parts.raise_floor();
        }
        self.parts.clock.advance(now);
        let mut lag_max = Clock::LAG;
        while self.parts.clock.lag() >= lag_max {
            // After one page, only what has to be done; when there is none, nothing has.
            let found = self.expire_next();
            lag_max = if found { Clock::LAG_MAX } else { u64::MAX };
            self.parts.raise_floor();
        }
    }

    /// Drops everything, in the same time however much there is.
    pub(crate) fn clear(&mut self) {
        let Self { parts, .. } = self;
        parts.slabs.clear();
        parts.eviction.clear();
        parts.expiry.clear();
        parts.monitor.clear();
        parts.flushes.clear();
        // There is a page, as there was when the cache was made.
        let _ = self.start();
    }

    /// Makes the first buckets.
    pub(crate) fn start(&mut self) -> Result<(), NoRoom> {
        let Self { arena, parts } = self;
        parts.index.start(arena, &mut parts.slabs).ok_or(NoRoom)
    }

    /// Does what the next use of an item would have to do first, while the bucket of a lookup is on
    /// its way.
    #[inline]
    pub(crate) fn catch_up(&mut self, hash: u64) {
        if self.parts.eviction.is_behind() {
            self.view().prefetch_bucket(hash);
            self.parts.eviction.catch_up(&mut self.arena.reborrow());
        }
    }

    /// Makes the item the most recently used and records that it is read.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(&mut self, found: &ItemHandle) {
        let second = self.parts.clock.second();
        self.parts.eviction.bump(&mut self.arena, found, second);
    }

    /// Gives an item another deadline.
    pub(crate) fn set_deadline(&mut self, item: ChunkRef, deadline: Deadline) {
        self.arena.header_mut(item).set_deadline(deadline);
        self.schedule(item, deadline);
    }

    /// Makes sure that the page of an item is looked at when its deadline has passed.
    fn schedule(&mut self, item: ChunkRef, deadline: Deadline) {
        let millis = deadline.millis(self.parts.clock.floor());
        if millis != Deadline::NO_TIME {
            let page = self.arena.geometry.page_of(item);
            self.parts.expiry.schedule(&mut self.arena, page, millis);
        }
    }

    /// Gives an item these flags, and a cas; `false` if its header has no room for that.
    pub(crate) fn revise(&mut self, item: ChunkRef, flags: ItemFlags, cas: u64) -> bool {
        let fits = self.arena.set_cas(item, cas);
        if fits {
            self.set_flags(item, flags);
        }
        fits
    }

    /// Gives an item these flags.
    pub(crate) fn set_flags(&mut self, item: ChunkRef, flags: ItemFlags) {
        self.arena.header_mut(item).set_flags(flags);
    }

    /// One bounded piece of maintenance besides expiry; `false` if there is none to do.
    pub(crate) fn maintain(&mut self) -> bool {
        self.parts.raise_floor();
        self.resize() || self.parts.index.is_sparse() && self.shrink_index()
    }
}
