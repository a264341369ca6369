//! The parts put together: an item enters, is found, moves, leaves.
//!
//! How room is made for it, if there is none, is in `room`.

mod check;
mod count;
mod digest;
mod resize;
mod room;
mod view;

use super::arena::{self, ChunkRef, Geometry, Page};
use super::cas::Cas;
use super::chain::{Chain, Writer};
use super::clock::Clock;
use super::deadline::Deadline;
use super::eviction::Eviction;
use super::expiry::Expiry;
use super::ghost::Ghosts;
use super::header::{self, Head, Meta, Notes};
use super::index::{self, Found, Index};
use super::monitor::{Counted, Monitor};
use super::page;
use super::plan::Plan;
use super::prefetch::prefetch;
use super::removal::Removals;
use super::slab::{Class, Slabs};
use crate::config::Layout;
use crate::{Bytes, Instant, KeyHasher, SlabStats, Stats};

/// How often the index may ask for room in one operation before it goes on without.
const INDEX_ROOM_STEPS: usize = 512;

/// What is kept with a value besides the client's flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) deadline: Deadline,
    /// The cas it is to have; 0 is the next.
    pub(crate) cas: u64,
    pub(crate) notes: Notes,
}

impl Facts {
    pub(crate) const fn new(deadline: Deadline, cas: u64, notes: Notes) -> Self {
        Self {
            deadline,
            cas,
            notes,
        }
    }
}

/// What is to be written: an item's key, its facts, and where its bytes come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'w> {
    pub(crate) key: &'w [u8],
    pub(crate) hash: u64,
    pub(crate) flags: u32,
    pub(crate) facts: Facts,
    /// The value, in two parts.
    pub(crate) front: &'w [u8],
    pub(crate) back: &'w [u8],
    /// Whether the value of the item that is there now comes between the two.
    pub(crate) join: bool,
}

impl<'w> Write<'w> {
    /// A whole value.
    pub(crate) const fn new(
        key: &'w [u8],
        hash: u64,
        flags: u32,
        facts: Facts,
        value: &'w [u8],
    ) -> Self {
        Self {
            key,
            hash,
            flags,
            facts,
            front: value,
            back: &[],
            join: false,
        }
    }

    /// Bytes of the value that is written over this item.
    pub(crate) fn value_len(&self, old: Option<&Found>) -> usize {
        let joined = old.filter(|_| self.join);
        let joined = joined.map_or(0, |old| old.head.value_len());
        self.front.len() + joined + self.back.len()
    }

    /// The head of the item, before it is known whether it is split.
    const fn meta(&self, value_len: usize, cas: u64) -> Meta {
        Meta {
            key_len: self.key.len(),
            value_len,
            flags: self.flags,
            deadline: self.facts.deadline,
            cas,
            notes: self.facts.notes,
            split: false,
            over: false,
        }
    }
}

/// An item that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) cas: u64,
    /// The class in which it is listed.
    pub(crate) class: Counted,
}

/// All items of a cache and what finds them.
#[derive(Debug)]
pub(crate) struct Store {
    slabs: Slabs,
    index: Index,
    eviction: Eviction,
    expiry: Expiry,
    hasher: KeyHasher,
    map_len: u32,
    pub(crate) clock: Clock,
    pub(crate) cas: Cas,
    /// Counters of what happens in here; the rest is the cache's.
    pub(crate) stats: Stats,
    pub(crate) monitor: Monitor,
    pub(crate) removals: Removals,
}

impl Store {
    /// What can fail of making a store; the rest can then be written where it stays.
    pub(crate) fn begin(memory: &mut [u8], layout: &Layout) -> Option<(Slabs, Index)> {
        let mut slabs = Slabs::new(layout.geometry, &layout.sizes);
        let index = Index::new(memory, &mut slabs, layout.map_len)?;
        Some((slabs, index))
    }

    #[inline]
    pub(crate) fn new(
        memory: &mut [u8],
        layout: &Layout,
        hasher: KeyHasher,
        cas: Cas,
        (slabs, index): (Slabs, Index),
    ) -> Self {
        let ghosts = Ghosts::new(memory, layout.ghosts_at, layout.ghosts_len);
        let eviction = Eviction::new(layout.policy, layout.lru_bump, ghosts);
        let (expiry, stats) = (Expiry::new(), Stats::default());
        Self {
            slabs,
            index,
            eviction,
            expiry,
            hasher,
            map_len: layout.map_len,
            clock: Clock::new(),
            cas,
            stats,
            monitor: Monitor::new(),
            removals: Removals::new(),
        }
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        self.slabs.geometry()
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

    /// Bytes of the pages that the index has.
    pub(crate) fn index_bytes(&self) -> usize {
        let pages = self.index.pages(&self.slabs) + self.slabs.pages(self.slabs.index_class());
        pages * self.geometry().page_size()
    }

    pub(crate) fn slab_stats(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.slabs.stats()
    }

    /// How much of the memory one store of `size` bytes may touch, or a step of upkeep if it is 0.
    /// The memory need not be usable behind it, so it has to be more than any operation touches:
    /// the pages of the value, and one each for the head, four further chunks, two overflow buckets
    /// and a page of the index.
    pub(crate) fn reach(&self, size: usize) -> usize {
        let (geometry, fresh) = (self.geometry(), self.slabs.fresh());
        // An eighth more for the records, and for what is not used of each page.
        let pages = size / geometry.page_size() + 8;
        let wanted = fresh.saturating_add(pages as u32 + pages as u32 / 8);
        geometry.end_of(wanted.min(self.slabs.limit().max(fresh)))
    }

    /// How much of the memory was ever touched.
    pub(crate) fn end(&self) -> usize {
        self.geometry().end_of(self.slabs.fresh())
    }

    /// Lets it be this moment, and returns the cache's own time. What expired long ago is removed a
    /// page at a time; all at once only if deadlines could not be kept otherwise, which takes half
    /// a year without as many operations as pages.
    pub(crate) fn advance(&mut self, memory: &mut [u8], now: Instant) -> u64 {
        if self.clock.is_ahead_of(now) {
            // How far it may step back is measured from there.
            self.raise_floor();
        }
        let time = self.clock.advance(now);
        let mut lag_max = Clock::LAG;
        while self.clock.lag() >= lag_max {
            // After one page, only what has to be done; when there is none, nothing has.
            let found = self.expire_next(memory, time);
            lag_max = if found { Clock::LAG_MAX } else { u64::MAX };
            self.raise_floor();
        }
        time
    }

    /// Lets the floor of all deadlines follow the wheel.
    #[cfg_attr(target_os = "none", inline(never))]
    fn raise_floor(&mut self) {
        if let Some(passed) = self.expiry.passed() {
            self.clock.raise(passed);
        }
    }

    /// Drops everything, in the same time however much there is.
    pub(crate) fn clear(&mut self, memory: &mut [u8]) {
        self.slabs.clear();
        self.eviction.clear();
        self.expiry.clear();
        self.monitor.clear();
        if let Some(index) = Index::new(memory, &mut self.slabs, self.map_len) {
            self.index = index;
        }
    }

    /// The item under this key, whether or not its deadline has passed.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn find(&self, memory: &[u8], hash: u64, key: &[u8]) -> Option<Found> {
        self.find_other(memory, hash, key, ChunkRef::NONE)
    }

    /// The item under this key that is not this one.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn find_other(&self, memory: &[u8], hash: u64, key: &[u8], not: ChunkRef) -> Option<Found> {
        self.index.find(memory, self.geometry(), hash, key, not)
    }

    /// What the head of an item says now.
    #[inline]
    pub(crate) fn read(&self, memory: &[u8], item: ChunkRef) -> Found {
        Found {
            item,
            head: Head::read(memory, self.geometry().at(item)),
        }
    }

    /// Asks for the bucket in which a lookup begins.
    #[inline]
    pub(crate) fn fetch_bucket(&self, memory: &[u8], hash: u64) {
        prefetch(
            memory,
            self.index.first_bucket(memory, self.geometry(), hash),
        );
    }

    /// Does what the next use of an item would have to do first, while the bucket of a lookup is on
    /// its way.
    #[inline]
    pub(crate) fn catch_up(&mut self, memory: &mut [u8], hash: u64) {
        if self.eviction.is_behind() {
            self.fetch_bucket(memory, hash);
            let geometry = *self.geometry();
            self.eviction.catch_up(memory, &geometry);
        }
    }

    /// Asks for the item that a lookup will compare first, once the bucket is there.
    #[inline]
    pub(crate) fn fetch_item(&self, memory: &[u8], hash: u64) {
        let geometry = self.geometry();
        let bucket = self.index.first_bucket(memory, geometry, hash);
        let item = geometry.at(index::candidate(memory, bucket, hash));
        prefetch(memory, item);
        prefetch(memory, item + Geometry::LINE);
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn value<'m>(&'m self, memory: &'m [u8], found: &Found) -> Bytes<'m> {
        if found.head.next().is_none() {
            let start = self.geometry().at(found.item) + found.head.value_offset();
            return Bytes::whole(arena::slice(memory, start, found.head.value_len()));
        }
        let chain = Chain::new(memory, self.geometry(), found.item, &found.head);
        Bytes::split(memory, chain)
    }

    /// The cas of an item.
    #[inline]
    pub(crate) fn cas(&self, memory: &[u8], found: &Found) -> u64 {
        found.head.cas(memory, self.geometry().at(found.item))
    }

    pub(crate) fn key<'m>(&self, memory: &'m [u8], found: &Found) -> &'m [u8] {
        found.head.key(memory, self.geometry().at(found.item))
    }

    /// All items, the most recently used first.
    pub(crate) fn items<'m>(
        &'m self,
        memory: &'m [u8],
    ) -> impl DoubleEndedIterator<Item = Found> + 'm {
        let items = self.eviction.items(memory, self.geometry());
        items.map(|item| self.read(memory, item))
    }

    /// The items at a place of the index, and the next place: see [`Index::group`].
    pub(crate) fn group<'m>(
        &'m self,
        memory: &'m [u8],
        place: u32,
    ) -> (impl Iterator<Item = Found> + 'm, Option<u32>) {
        let (items, next) = self.index.group(memory, self.geometry(), place);
        (items.map(|item| self.read(memory, item)), next)
    }

    /// Makes the item the most recently used and notes that it was read.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(&mut self, memory: &mut [u8], found: &Found) {
        let (geometry, second) = (*self.geometry(), self.clock.second());
        self.eviction
            .bump(memory, &geometry, found.item, &found.head, second);
    }

    /// Lets the item end at another time.
    pub(crate) fn set_deadline(&mut self, memory: &mut [u8], item: ChunkRef, deadline: Deadline) {
        let geometry = *self.geometry();
        header::set_deadline(memory, geometry.at(item), deadline);
        self.note_deadline(memory, item, deadline);
    }

    fn note_deadline(&mut self, memory: &mut [u8], item: ChunkRef, deadline: Deadline) {
        let millis = deadline.millis(self.clock.floor());
        if millis != Deadline::NO_TIME {
            let geometry = *self.geometry();
            let page = geometry.page_of(item);
            self.expiry.note(memory, &geometry, page, millis);
        }
    }

    /// Gives an item these notes, and a cas; `false` if its head has no room for that.
    pub(crate) fn revise(&self, memory: &mut [u8], item: ChunkRef, notes: Notes, cas: u64) -> bool {
        let at = self.geometry().at(item);
        let fits = header::set_cas(memory, at, cas);
        if fits {
            header::set_notes(memory, at, notes);
        }
        fits
    }

    /// Gives an item these notes.
    pub(crate) fn set_notes(&self, memory: &mut [u8], item: ChunkRef, notes: Notes) {
        header::set_notes(memory, self.geometry().at(item), notes);
    }

    /// Writes an item, in place of the one under this key if there is one. What was written is
    /// pinned until [`unpin`](Self::unpin) is called.
    ///
    /// `None`: no room could be made; the item that was there is gone, unless it was to be joined.
    pub(crate) fn write(
        &mut self,
        memory: &mut [u8],
        now: u64,
        old: Option<&Found>,
        write: &Write<'_>,
    ) -> Option<Written> {
        let cas = self.cas.next(write.facts.cas);
        let meta = write.meta(write.value_len(old), cas);
        let before = old.map(|old| old.head);
        if let Some(old) = old.filter(|_| !write.join) {
            if let Some(class) = self.overwrite(memory, old, meta, write) {
                return Some(Written { cas, class });
            }
            self.remove(memory, old, write.hash);
        } else if let Some(old) = old {
            self.bump(memory, old);
            self.eviction.pin(old.item);
        }
        let plan = Plan::new(&self.slabs, meta.sizes());
        let meta = Meta {
            split: plan.is_split(),
            ..meta
        };
        let head = self.allocate(memory, now, &plan)?;
        if !self.enter(memory, now, write.hash, head) {
            self.free_chain(memory, head);
            return None;
        }
        // What is joined may have moved, or be gone, if room had to be made.
        let old = if write.join {
            self.find_other(memory, write.hash, write.key, head)
        } else {
            None
        };
        if write.join && old.is_none() {
            self.index.remove(memory, &mut self.slabs, write.hash, head);
            self.free_chain(memory, head);
            return None;
        }
        self.fill(memory, head, &meta, write, old.as_ref());
        self.own_chain(memory, head);
        if let Some(old) = old {
            self.remove(memory, &old, write.hash);
        }
        self.slabs.count_item(plan.head());
        self.count_bytes(Counted::new(plan.head()), meta.size_in_all(), 0);
        let before = before.as_ref();
        self.eviction
            .push(memory, &{ *self.geometry() }, head, write.hash, before);
        self.note_deadline(memory, head, meta.deadline);
        self.fit_index(memory, now);
        let class = Counted::new(plan.head());
        Some(Written { cas, class })
    }

    /// From now on, what was written may go.
    pub(crate) const fn unpin(&mut self) {
        self.eviction.pin(ChunkRef::NONE);
    }

    /// Writes over an item whose chunks are those which the new one needs; `None` if they are not.
    fn overwrite(
        &mut self,
        memory: &mut [u8],
        old: &Found,
        meta: Meta,
        write: &Write<'_>,
    ) -> Option<Counted> {
        let (before, after) = (old.head.sizes(), meta.sizes());
        if before != after && Plan::new(&self.slabs, before) != Plan::new(&self.slabs, after) {
            return None;
        }
        let meta = Meta {
            split: old.head.is_split(),
            over: true,
            ..meta
        };
        let geometry = *self.geometry();
        let size = meta.size_in_all();
        self.eviction
            .replace(memory, &geometry, old.item, &old.head, size);
        self.fill(memory, old.item, &meta, write, None);
        self.note_deadline(memory, old.item, meta.deadline);
        let class = self.counted_class(old.item);
        self.count_bytes(class, size, old.head.size_in_all());
        Some(class)
    }

    /// Writes head, key and value into chunks that are linked already, and pins the item.
    fn fill(
        &mut self,
        memory: &mut [u8],
        item: ChunkRef,
        meta: &Meta,
        write: &Write<'_>,
        old: Option<&Found>,
    ) {
        self.eviction.pin(item);
        let geometry = self.geometry();
        let at = geometry.at(item);
        let next = if meta.split {
            header::next(memory, at)
        } else {
            ChunkRef::NONE
        };
        meta.write(memory, at, next, self.clock.second());
        let key_at = at + meta.size();
        arena::write(memory, key_at, write.key);
        if !meta.split && old.is_none() {
            let value_at = key_at + meta.key_len;
            arena::write(memory, value_at, write.front);
            if !write.back.is_empty() {
                arena::write(memory, value_at + write.front.len(), write.back);
            }
            return;
        }
        let head = Head::read(memory, at);
        let mut writer = Writer::new(Chain::new(memory, geometry, item, &head));
        writer.write(memory, write.front);
        if let Some(old) = old {
            let mut chain = Chain::new(memory, geometry, old.item, &old.head);
            while let Some(piece) = chain.next(memory) {
                writer.copy(memory, piece);
            }
        }
        writer.write(memory, write.back);
    }

    /// Tells the chunks of an item whose they are.
    fn own_chain(&self, memory: &mut [u8], item: ChunkRef) {
        let geometry = self.geometry();
        let mut next = header::next(memory, geometry.at(item));
        while !next.is_none() {
            header::set_owner(memory, geometry.at(next), item);
            next = header::next(memory, geometry.at(next));
        }
    }

    /// The chunks of a plan, linked; all are pending, so that none of them is moved.
    fn allocate(&mut self, memory: &mut [u8], now: u64, plan: &Plan) -> Option<ChunkRef> {
        let head = self.allocate_one(memory, now, plan.head())?;
        let mut last = head;
        for class in plan.rest(self.slabs.page_class()) {
            let Some(chunk) = self.allocate_one(memory, now, class) else {
                self.free_chain(memory, head);
                return None;
            };
            header::set_next(memory, self.geometry().at(last), chunk);
            last = chunk;
        }
        Some(head)
    }

    fn allocate_one(&mut self, memory: &mut [u8], now: u64, class: Class) -> Option<ChunkRef> {
        loop {
            if let Some(chunk) = self.slabs.alloc(memory, class, Page::NONE) {
                header::write_pending(memory, self.geometry().at(chunk));
                return Some(chunk);
            }
            if !self.make_room(memory, now) {
                return None;
            }
        }
    }

    /// Puts a head into the index.
    fn enter(&mut self, memory: &mut [u8], now: u64, hash: u64, head: ChunkRef) -> bool {
        while self
            .index
            .insert(memory, &mut self.slabs, hash, head)
            .is_err()
        {
            if !self.make_room(memory, now) {
                return false;
            }
        }
        true
    }

    /// Keeps the number of buckets near what the items need: one step.
    fn fit_index(&mut self, memory: &mut [u8], now: u64) {
        if self.index.is_sparse() {
            self.shrink_index(memory);
        }
        if !self.index.is_crowded() {
            return;
        }
        if self.index.needs_page(memory, &self.slabs) {
            let mut steps = 0;
            while !self.slabs.has_page() && steps < INDEX_ROOM_STEPS {
                if !self.make_room(memory, now) {
                    break;
                }
                steps += 1;
            }
        }
        let hash_of = self.hash_of_items();
        self.index.grow(memory, &mut self.slabs, hash_of);
    }

    /// Removes an item.
    pub(crate) fn remove(&mut self, memory: &mut [u8], found: &Found, hash: u64) {
        self.index.remove(memory, &mut self.slabs, hash, found.item);
        let geometry = *self.geometry();
        self.eviction
            .unlink(memory, &geometry, found.item, &found.head);
        let class = page::class(memory, &geometry, geometry.page_of(found.item));
        self.slabs.discount_item(Class(class));
        self.count_bytes(Counted::new(Class(class)), 0, found.head.size_in_all());
        self.free_chain(memory, found.item);
    }

    fn free_chain(&mut self, memory: &mut [u8], head: ChunkRef) {
        let mut next = head;
        while !next.is_none() {
            let chunk = next;
            next = header::next(memory, self.geometry().at(chunk));
            self.free_chunk(memory, chunk);
        }
    }

    fn free_chunk(&mut self, memory: &mut [u8], chunk: ChunkRef) {
        let geometry = *self.geometry();
        let page = geometry.page_of(chunk);
        let last = page::used(memory, &geometry, page) == 1;
        if last && page::due(memory, &geometry, page).is_some() {
            self.expiry.unlink(memory, &geometry, page);
        }
        self.slabs.free(memory, chunk);
    }

    /// One bounded piece of upkeep besides expiry; `false` if there is none to do.
    pub(crate) fn settle(&mut self, memory: &mut [u8], now: u64) -> bool {
        self.raise_floor();
        self.resize(memory, now) || self.index.is_sparse() && self.shrink_index(memory)
    }

    /// Gives a bucket of the index back; `false` if that might take more overflow buckets than
    /// there are.
    #[inline(never)]
    fn shrink_index(&mut self, memory: &mut [u8]) -> bool {
        let before = self.index.buckets();
        let hash_of = self.hash_of_items();
        self.index.shrink(memory, &mut self.slabs, hash_of);
        self.index.buckets() < before
    }

    /// What hashes the key of an item. One type for all uses, so that what takes it exists once.
    fn hash_of_items(&self) -> impl Fn(&[u8], ChunkRef) -> u64 + use<> {
        let (hasher, geometry) = (self.hasher, *self.geometry());
        move |memory, item| hash_of(&hasher, &geometry, memory, item)
    }
}

fn hash_of(hasher: &KeyHasher, geometry: &Geometry, memory: &[u8], item: ChunkRef) -> u64 {
    let at = geometry.at(item);
    hasher.hash(&Head::read(memory, at).key(memory, at).into())
}
