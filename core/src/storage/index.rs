//! Where a key's item is: linear hashing over buckets of one cache line, in pages of the arena.
//!
//! A bucket has twelve slots: a tag of eight hash bits and a reference each. It grows by one bucket
//! at a time (Litwin, 1980), so there is no pause however large it is, and in steps of a quarter
//! (partial expansions: Larson, 1980), so that its load stays even. Buckets come in groups of `k`
//! with 4 <= k < 8; growing means that one group after the other gets one bucket more and spreads
//! its items over it; when all groups have eight, they count as twice as many groups of four. The
//! number of bucket `m` of group `g` is `m * groups + g`.

#[cfg(test)]
mod tests;

use super::arena::{self, ChunkRef, Geometry, Page, set_word, word};
use super::bucket::{self, Bucket, SLOTS};
use super::header::Head;
use super::page;
use super::prefetch::prefetch;
use super::slab::Slabs;

/// Items per bucket that make the index grow; below half of it, it shrinks.
const LOAD: usize = 9;

const MEMBERS_MIN: u32 = 4;
const MEMBERS_MAX: u32 = 8;

/// Which hash bits serve what. The six highest are left to whoever spreads keys over caches.
const TAG_SHIFT: u32 = 50;
const MEMBER_SHIFT: u32 = 32;

/// The index of one cache.
#[derive(Debug)]
pub(crate) struct Index {
    /// How many pages of buckets the map can hold. It is where the memory begins: a word per page
    /// of buckets, the number of the page's first cache line.
    map_len: u32,
    /// A power of two.
    groups: u32,
    /// Buckets of each group that was not split in this round.
    members: u32,
    /// Groups before this one have one bucket more.
    split: u32,
    items: usize,
}

/// No room for an overflow bucket: make some and try again.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// An item that was found, with its head as it was then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) item: ChunkRef,
    pub(crate) head: Head,
}

struct Slot {
    bucket: usize,
    slot: usize,
}

impl Index {
    /// `None` if there is not even a page for the first buckets.
    pub(crate) fn new(memory: &mut [u8], slabs: &mut Slabs, map_len: u32) -> Option<Self> {
        let page = slabs.take_page(memory, page::INDEX, 0)?;
        set_page(memory, slabs.geometry(), 0, page);
        let index = Self {
            map_len,
            groups: 1,
            members: MEMBERS_MIN,
            split: 0,
            items: 0,
        };
        for bucket in 0..MEMBERS_MIN {
            index.clear_bucket(memory, slabs.geometry(), bucket);
        }
        Some(index)
    }

    pub(crate) const fn len(&self) -> usize {
        self.items
    }

    pub(crate) const fn buckets(&self) -> u32 {
        self.groups * self.members + self.split
    }

    /// How many pages the buckets take, overflow buckets aside.
    pub(crate) const fn pages(&self, slabs: &Slabs) -> usize {
        let (full, begun) = slabs.geometry().split_line(self.buckets());
        full as usize + (begun > 0) as usize
    }

    /// The bucket in which a hash belongs.
    #[inline]
    const fn bucket_of(&self, hash: u64) -> u32 {
        let group = hash as u32 & (self.groups - 1);
        let half = (hash as u32 & self.groups != 0) as u32;
        let (quarter, rest) = (
            (hash >> MEMBER_SHIFT) as u32 >> 16 & 3,
            (hash >> MEMBER_SHIFT) as u32 & 0xFFFF,
        );
        let fraction = quarter << 17 | half << 16 | rest;
        let members = self.members + (group < self.split) as u32;
        ((fraction * members) >> 19) * self.groups + group
    }

    /// Where a bucket begins.
    #[inline]
    fn at(&self, memory: &[u8], geometry: &Geometry, bucket: u32) -> usize {
        let (page, line) = geometry.split_line(bucket);
        geometry.line_at(word(memory, map_at(page)) + line)
    }

    fn clear_bucket(&self, memory: &mut [u8], geometry: &Geometry, bucket: u32) {
        let at = self.at(memory, geometry, bucket);
        bucket::clear(memory, at);
    }

    /// The item under this key that is not this one. Inlined, with all below it: one lookup is too
    /// little work to hand its result over in memory.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn find(
        &self,
        memory: &[u8],
        geometry: &Geometry,
        hash: u64,
        key: &[u8],
        not: ChunkRef,
    ) -> Option<Found> {
        let mut at = self.first_bucket(memory, geometry, hash);
        loop {
            let bucket = Bucket::read(memory, at);
            for slot in bucket.matches(tag(hash)) {
                let item = bucket.item(slot);
                if item != not && !item.is_none() {
                    let item_at = geometry.at(item);
                    // Where the value lies is in the head: its line is not to wait for that.
                    prefetch(memory, item_at + Geometry::LINE);
                    let head = Head::read(memory, item_at);
                    if same_bytes(head.key(memory, item_at), key) {
                        return Some(Found { item, head });
                    }
                }
            }
            at = bucket.next(geometry)?;
        }
    }

    /// Where [`find`](Self::find) begins.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn first_bucket(&self, memory: &[u8], geometry: &Geometry, hash: u64) -> usize {
        self.at(memory, geometry, self.bucket_of(hash))
    }

    /// Adds an item that is not in the index.
    pub(crate) fn insert(
        &mut self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) -> Result<(), NoRoom> {
        self.place(memory, slabs, hash, item)?;
        self.items += 1;
        Ok(())
    }

    /// Removes an item that is in the index.
    pub(crate) fn remove(
        &mut self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) {
        let geometry = *slabs.geometry();
        let first = self.at(memory, &geometry, self.bucket_of(hash));
        if let Some(slot) = locate(memory, &geometry, first, hash, item) {
            vacate(memory, slabs, first, &slot);
            self.items -= 1;
        }
    }

    /// Lets the entry of an item that moved point to its new place.
    pub(crate) fn moved(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        hash: u64,
        from: ChunkRef,
        to: ChunkRef,
    ) {
        let first = self.at(memory, geometry, self.bucket_of(hash));
        if let Some(Slot { bucket, slot }) = locate(memory, geometry, first, hash, from) {
            bucket::set_item(memory, bucket, slot, to);
        }
    }

    fn place(
        &self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) -> Result<(), NoRoom> {
        let geometry = *slabs.geometry();
        let mut at = self.at(memory, &geometry, self.bucket_of(hash));
        loop {
            let bucket = Bucket::read(memory, at);
            let len = bucket.len();
            if len < SLOTS {
                bucket::set_slot(memory, at, len, tag(hash), item);
                return Ok(());
            }
            at = match bucket.next(&geometry) {
                Some(next) => next,
                None => extend(memory, slabs, at)?,
            };
        }
    }

    /// Whether there are more items than the buckets are meant for.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.items > self.buckets() as usize * LOAD
    }

    /// Whether there are far fewer items than the buckets are meant for.
    pub(crate) const fn is_sparse(&self) -> bool {
        self.buckets() > MEMBERS_MIN && self.items < self.buckets() as usize * LOAD / 2
    }

    /// Whether the next [`grow`](Self::grow) needs a page that nobody uses.
    pub(crate) fn needs_page(&self, memory: &[u8], slabs: &Slabs) -> bool {
        let (_, begun) = slabs.geometry().split_line(self.buckets());
        begun == 0 || !self.can_spread(memory, slabs, self.members)
    }

    /// Adds one bucket and spreads the items of one group over it. Does nothing where there is no
    /// room: the index then works on with longer chains.
    pub(crate) fn grow(
        &mut self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        hash_of: impl Fn(&[u8], ChunkRef) -> u64,
    ) {
        let geometry = *slabs.geometry();
        let (group, bucket) = (self.split, self.buckets());
        let (number, begun) = geometry.split_line(bucket);
        if begun == 0 {
            if number >= self.map_len {
                return;
            }
            let Some(page) = slabs.take_page(memory, page::INDEX, 0) else {
                return;
            };
            set_page(memory, &geometry, number, page);
        }
        if !self.can_spread(memory, slabs, self.members) {
            self.give_back(memory, slabs);
            return;
        }
        self.clear_bucket(memory, &geometry, bucket);
        self.split += 1;
        self.spread(memory, slabs, group, hash_of);
        if self.split == self.groups {
            (self.members, self.split) = (self.members + 1, 0);
        }
        if self.members == MEMBERS_MAX {
            (self.groups, self.members) = (self.groups * 2, MEMBERS_MIN);
        }
    }

    /// Removes one bucket and gathers its items in the others of its group.
    pub(crate) fn shrink(
        &mut self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        hash_of: impl Fn(&[u8], ChunkRef) -> u64,
    ) {
        let before = (self.groups, self.members, self.split);
        if self.split == 0 {
            if self.members == MEMBERS_MIN {
                if self.groups == 1 {
                    return;
                }
                (self.groups, self.members) = (self.groups / 2, MEMBERS_MAX);
            }
            (self.members, self.split) = (self.members - 1, self.groups);
        }
        self.split -= 1;
        if !self.can_spread(memory, slabs, self.members + 1) {
            (self.groups, self.members, self.split) = before;
            return;
        }
        self.spread(memory, slabs, self.split, hash_of);
        self.give_back(memory, slabs);
    }

    /// Gives the last page back if no bucket is in it.
    fn give_back(&self, memory: &mut [u8], slabs: &mut Slabs) {
        let (page, line) = slabs.geometry().split_line(self.buckets());
        if line == 0 {
            let first_line = word(memory, map_at(page));
            slabs.give_page(memory, slabs.geometry().page_of_line(first_line));
        }
    }

    /// Whether there are overflow buckets enough for any way in which the items of the group whose
    /// turn it is may fall. It has this many buckets.
    fn can_spread(&self, memory: &[u8], slabs: &Slabs, members: u32) -> bool {
        let geometry = slabs.geometry();
        let numbers = (0..members).map(|member| member * self.groups + self.split);
        let chains = numbers.map(|number| self.at(memory, geometry, number));
        let items: usize = chains.map(|first| chain_len(memory, geometry, first)).sum();
        slabs.available(slabs.index_class()) >= items / SLOTS + MEMBERS_MAX as usize
    }

    /// Puts each item of a group, and of the bucket it just gained or is about to lose, where it
    /// belongs now.
    fn spread(
        &self,
        memory: &mut [u8],
        slabs: &mut Slabs,
        group: u32,
        hash_of: impl Fn(&[u8], ChunkRef) -> u64,
    ) {
        let geometry = *slabs.geometry();
        let members = self.members + 1;
        for member in 0..members {
            let number = member * self.groups + group;
            let first = self.at(memory, &geometry, number);
            let mut at = Some(Slot {
                bucket: first,
                slot: 0,
            });
            while let Some(here) = at {
                let bucket = Bucket::read(memory, here.bucket);
                if here.slot == bucket.len() {
                    let next = bucket.next(&geometry);
                    at = next.map(|bucket| Slot { bucket, slot: 0 });
                    continue;
                }
                let item = bucket.item(here.slot);
                let hash = hash_of(memory, item);
                if self.bucket_of(hash) == number {
                    at = Some(Slot {
                        slot: here.slot + 1,
                        ..here
                    });
                    continue;
                }
                let placed = self.place(memory, slabs, hash, item);
                debug_assert!(placed.is_ok(), "the room for this was counted before");
                let emptied = vacate(memory, slabs, first, &here);
                at = if emptied == Some(here.bucket) {
                    None
                } else {
                    Some(here)
                };
            }
        }
    }

    /// Moves a page of buckets to one that nobody uses; `false` if there is none.
    pub(crate) fn move_page(&self, memory: &mut [u8], slabs: &mut Slabs, from: Page) -> bool {
        let geometry = *slabs.geometry();
        let number = page::index_number(memory, &geometry, from);
        let Some(to) = slabs.take_page(memory, page::INDEX, 0) else {
            return false;
        };
        let (from_at, to_at) = (geometry.page_at(from), geometry.page_at(to));
        arena::copy(memory, from_at, to_at, geometry.page_size());
        set_page(memory, &geometry, number, to);
        slabs.give_page(memory, from);
        true
    }

    /// Copies an overflow bucket that is in use and lets the one before it point to the copy.
    pub(crate) fn move_bucket(
        &self,
        memory: &mut [u8],
        geometry: &Geometry,
        (from, to): (ChunkRef, ChunkRef),
        hash_of: impl Fn(&[u8], ChunkRef) -> u64,
    ) {
        let (from_at, to_at) = (geometry.at(from), geometry.at(to));
        arena::copy(memory, from_at, to_at, Geometry::LINE);
        let item = Bucket::read(memory, from_at).item(0);
        let first = self.first_bucket(memory, geometry, hash_of(memory, item));
        let leads_there = |&at: &usize| Bucket::read(memory, at).next(geometry) == Some(from_at);
        let before = bucket::chain(memory, geometry, first).find(leads_there);
        debug_assert!(before.is_some(), "a bucket is in the chain of its items");
        if let Some(before) = before {
            bucket::set_next(memory, before, to);
        }
    }

    /// Every item, in the order of buckets.
    pub(crate) fn items<'m>(
        &'m self,
        memory: &'m [u8],
        geometry: &'m Geometry,
    ) -> impl Iterator<Item = (u32, ChunkRef)> + 'm {
        (0..self.buckets()).flat_map(move |number| {
            let items = self.bucket_items(memory, geometry, number);
            items.map(move |item| (number, item))
        })
    }

    /// The items of the group that this place is in, and the place after it, if there is one.
    ///
    /// A place is a number of 32 bits read backwards, so that the two groups which a group becomes,
    /// or those that become one, are neighbours: no group before this one ever becomes one after.
    pub(crate) fn group<'m>(
        &'m self,
        memory: &'m [u8],
        geometry: &'m Geometry,
        place: u32,
    ) -> (impl Iterator<Item = ChunkRef> + 'm, Option<u32>) {
        let group = place.reverse_bits() & (self.groups - 1);
        let members = self.members + u32::from(group < self.split);
        let numbers = (0..members).map(move |member| member * self.groups + group);
        let items = numbers.flat_map(move |number| self.bucket_items(memory, geometry, number));
        // All places, divided by a power of two.
        let next = group.reverse_bits().checked_add(u32::MAX / self.groups);
        (items, next.and_then(|last| last.checked_add(1)))
    }

    fn bucket_items<'m>(
        &'m self,
        memory: &'m [u8],
        geometry: &'m Geometry,
        number: u32,
    ) -> impl Iterator<Item = ChunkRef> + 'm {
        let chain = bucket::chain(memory, geometry, self.at(memory, geometry, number));
        chain.flat_map(|at| Bucket::read(memory, at).items())
    }

    /// Panics if an item is not in the bucket of its hash, or the count is wrong; counts the
    /// overflow buckets. For tests.
    pub(crate) fn check(
        &self,
        memory: &[u8],
        geometry: &Geometry,
        hash_of: impl Fn(&[u8], ChunkRef) -> u64,
    ) -> usize {
        let mut items = 0;
        for (number, item) in self.items(memory, geometry) {
            assert_eq!(
                self.bucket_of(hash_of(memory, item)),
                number,
                "an item in a wrong bucket"
            );
            items += 1;
        }
        assert_eq!(items, self.items, "items in the index");
        let firsts = (0..self.buckets()).map(|number| self.at(memory, geometry, number));
        let chains = firsts.map(|first| bucket::chain(memory, geometry, first));
        chains.map(|chain| chain.count() - 1).sum()
    }
}

/// The item that a search in this bucket will most likely look at first; none if there is none.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn candidate(memory: &[u8], bucket: usize, hash: u64) -> ChunkRef {
    let bucket = Bucket::read(memory, bucket);
    let first = bucket.matches(tag(hash)).next();
    first.map_or(ChunkRef::NONE, |slot| bucket.item(slot))
}

/// Lets the n-th page of buckets be this one.
fn set_page(memory: &mut [u8], geometry: &Geometry, number: u32, page: Page) {
    set_word(memory, map_at(number), geometry.first_line(page));
    page::set_index_number(memory, geometry, page, number);
}

/// Where the map has its word for the n-th page of buckets.
#[inline]
const fn map_at(page: u32) -> usize {
    4 * page as usize
}

/// Whether two keys are the same. Keys are short: comparing words in place beats a call.
#[cfg_attr(target_pointer_width = "64", inline(always))]
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    a_rest.len() == b_rest.len()
        && a.len() == b.len()
        && core::iter::zip(a, b).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b))
        && core::iter::zip(a_rest, b_rest).all(|(a, b)| a == b)
}

/// Eight bits of the hash, never 0: that is an empty slot.
#[inline]
const fn tag(hash: u64) -> u8 {
    let tag = (hash >> TAG_SHIFT) as u8;
    if tag == 0 { 1 } else { tag }
}

/// How many items the chain that begins there has.
fn chain_len(memory: &[u8], geometry: &Geometry, first: usize) -> usize {
    let chain = bucket::chain(memory, geometry, first);
    chain.map(|at| Bucket::read(memory, at).len()).sum()
}

/// The slot of an item with this hash.
fn locate(
    memory: &[u8],
    geometry: &Geometry,
    first: usize,
    hash: u64,
    item: ChunkRef,
) -> Option<Slot> {
    let mut chain = bucket::chain(memory, geometry, first);
    chain.find_map(|at| {
        let bucket = Bucket::read(memory, at);
        let mut slots = bucket.matches(tag(hash));
        let slot = slots.find(|&slot| bucket.item(slot) == item)?;
        Some(Slot { bucket: at, slot })
    })
}

/// Appends an empty overflow bucket to the last bucket of a chain.
fn extend(memory: &mut [u8], slabs: &mut Slabs, last: usize) -> Result<usize, NoRoom> {
    let chunk = slabs
        .alloc(memory, slabs.index_class(), Page::NONE)
        .ok_or(NoRoom)?;
    let at = slabs.geometry().at(chunk);
    bucket::clear(memory, at);
    bucket::set_next(memory, last, chunk);
    Ok(at)
}

/// Empties a slot by moving the last one of the chain there. Returns where an overflow bucket was
/// that became empty by this and was given back.
fn vacate(memory: &mut [u8], slabs: &mut Slabs, first: usize, slot: &Slot) -> Option<usize> {
    let geometry = *slabs.geometry();
    let (mut before, mut last) = (None, first);
    while let Some(next) = Bucket::read(memory, last).next(&geometry) {
        (before, last) = (Some(last), next);
    }
    let end = Bucket::read(memory, last).len() - 1;
    let (tag, item) = (
        bucket::tag(memory, last, end),
        Bucket::read(memory, last).item(end),
    );
    bucket::set_slot(memory, slot.bucket, slot.slot, tag, item);
    bucket::set_slot(memory, last, end, 0, ChunkRef::NONE);
    let before = before.filter(|_| end == 0)?;
    bucket::set_next(memory, before, ChunkRef::NONE);
    slabs.free(memory, geometry.chunk_at(last));
    Some(last)
}
