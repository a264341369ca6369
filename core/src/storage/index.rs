//! Where a key's item is: linear hashing over buckets of one cache line, in pages of the arena.
//!
//! A bucket has twelve slots: a tag of eight hash bits and a reference each. It grows by one bucket
//! at a time (Litwin, 1980), so there is no pause however large it is, and in steps of a quarter
//! (partial expansions: Larson, 1980), so that its load stays even. Buckets come in groups of `k`
//! with 4 <= k < 8; growing means that one group after the other gets one bucket more and spreads
//! its items over it; when all groups have eight, they count as twice as many groups of four. The
//! number of bucket `m` of group `g` is `m * groups + g`.
//!
//! Here is how a key is found; `index/resize.rs` adds and removes buckets, `relocate.rs` follows
//! what moves, `scan.rs` walks, `slot.rs` finds and empties slots in a chain of buckets.

mod relocate;
mod resize;
mod scan;
mod slot;

#[cfg(test)]
mod tests;

use super::arena::{ArenaMut, ArenaRef, ChunkRef, Geometry, Offset, Page};
use super::bucket::SLOTS;
use super::flush;
use super::handle::ItemHandle;
use super::page;
use super::slab::Slabs;
use crate::KeyHasher;
use crate::key::HashedKey;
pub(crate) use slot::{chain_len, nth_item};
use slot::{extend, locate, vacate};

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
    /// With fewer items it shrinks.
    sparse_below: usize,
}

/// There is no chunk for an overflow bucket: free space and try again.
#[derive(Debug)]
pub(crate) struct NoRoom;

/// Knows the hash of each item's key.
pub(crate) trait ItemHasher {
    fn hash_item(&self, arena: ArenaRef<'_>, item: ChunkRef) -> u64;
}

impl ItemHasher for KeyHasher {
    fn hash_item(&self, arena: ArenaRef<'_>, item: ChunkRef) -> u64 {
        self.hash(&arena.item(item).key(arena).into())
    }
}

impl Index {
    /// Without buckets, until it is [started](Self::start).
    pub(crate) const fn unmade(map_len: u32) -> Self {
        Self {
            map_len,
            groups: 1,
            members: MEMBERS_MIN,
            split: 0,
            items: 0,
            sparse_below: 0,
        }
    }

    /// Makes the first buckets, whatever there was. `None` if there is not even a page for them.
    pub(crate) fn start(&mut self, arena: &mut ArenaMut<'_>, slabs: &mut Slabs) -> Option<()> {
        let page = slabs.take_page(arena, page::INDEX, 0)?;
        set_page(arena, 0, page);
        *self = Self::unmade(self.map_len);
        for bucket in 0..MEMBERS_MIN {
            self.clear_bucket(arena, bucket);
        }
        Some(())
    }

    pub(crate) const fn len(&self) -> usize {
        self.items
    }

    pub(crate) const fn buckets(&self) -> u32 {
        self.groups * self.members + self.split
    }

    /// How many pages the buckets take, overflow buckets aside.
    pub(crate) const fn pages(&self, geometry: &Geometry) -> usize {
        let (full, line) = geometry.split_line(self.buckets());
        full as usize + (line > 0) as usize
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
    pub(crate) fn at(&self, arena: ArenaRef<'_>, bucket: u32) -> Offset {
        let (page, line) = arena.geometry.split_line(bucket);
        arena.geometry.line_at(arena.word(map_at(page)) + line)
    }

    fn clear_bucket(&self, arena: &mut ArenaMut<'_>, bucket: u32) {
        let at = self.at(arena.view(), bucket);
        arena.bucket_mut(at).clear();
    }

    /// Marks a bucket as far swept as another.
    fn copy_mark(&self, arena: &mut ArenaMut<'_>, from: u32, to: u32) {
        if flush::ON {
            let from = arena.bucket(self.at(arena.view(), from)).mark();
            let to = self.at(arena.view(), to);
            arena.bucket_mut(to).set_mark(from);
        }
    }

    /// The item under this key that is not this one. Inlined, with all below it: one lookup is too
    /// little work to hand its result over in memory.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn find(
        &self,
        arena: ArenaRef<'_>,
        key: &HashedKey<'_>,
        not: ChunkRef,
    ) -> Option<ItemHandle> {
        let mut at = self.first_bucket(arena, key.hash);
        loop {
            let bucket = arena.bucket(at);
            for slot in bucket.matches(tag(key.hash)) {
                let item = bucket.item(slot);
                if item != not && !item.is_none() {
                    // Where the value lies is in the header: its line is not to wait for that.
                    arena.prefetch(arena.geometry.at(item) + Geometry::LINE);
                    let found = arena.item(item);
                    if same_bytes(found.header.key(arena, item), key.bytes) {
                        return Some(found);
                    }
                }
            }
            at = bucket.next(&arena.geometry)?;
        }
    }

    /// Where [`find`](Self::find) begins.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn first_bucket(&self, arena: ArenaRef<'_>, hash: u64) -> Offset {
        self.at(arena, self.bucket_of(hash))
    }

    /// Adds an item that is not in the index.
    pub(crate) fn insert(
        &mut self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) -> Result<(), NoRoom> {
        self.place(arena, slabs, hash, item)?;
        self.items += 1;
        Ok(())
    }

    /// Removes an item that is in the index.
    pub(crate) fn remove(
        &mut self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) {
        let first = self.first_bucket(arena.view(), hash);
        if let Some(slot) = locate(arena.view(), first, hash, item) {
            vacate(arena, slabs, first, slot);
            self.items -= 1;
        }
    }

    fn place(
        &self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        hash: u64,
        item: ChunkRef,
    ) -> Result<(), NoRoom> {
        let mut at = self.first_bucket(arena.view(), hash);
        loop {
            let len = arena.bucket(at).len();
            if len < SLOTS {
                arena.bucket_mut(at).set_slot(len, tag(hash), item);
                return Ok(());
            }
            at = match arena.bucket_after(at) {
                Some(next) => next,
                None => extend(arena, slabs, at)?,
            };
        }
    }
}

/// The numbers of the buckets of a group that has this many.
fn numbers(members: u32, groups: u32, group: u32) -> impl Iterator<Item = u32> + Clone {
    (0..members).map(move |member| member * groups + group)
}

/// The item that a search in this bucket will most likely look at first; none if there is none.
#[cfg_attr(target_pointer_width = "64", inline(always))]
pub(crate) fn candidate(arena: ArenaRef<'_>, bucket: Offset, hash: u64) -> ChunkRef {
    let bucket = arena.bucket(bucket);
    let first = bucket.matches(tag(hash)).next();
    first.map_or(ChunkRef::NONE, |slot| bucket.item(slot))
}

/// Makes this page the n-th page of buckets.
fn set_page(arena: &mut ArenaMut<'_>, number: u32, page: Page) {
    arena.set_word(map_at(number), arena.geometry.first_line(page));
    arena.page_mut(page).set_index_number(number);
}

/// Where the map has its word for the n-th page of buckets.
#[inline]
fn map_at(page: u32) -> Offset {
    Offset::START + 4 * page as usize
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
