//! Slots of a chain of buckets: found, emptied, and one bucket more.

use super::super::arena::{ArenaMut, ArenaRef, ChunkRef, Offset, Page};
use super::super::bucket::SLOTS;
use super::super::slab::Slabs;
use super::{NoRoom, tag};

/// A slot of a bucket.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) bucket: Offset,
    pub(super) number: usize,
}

/// How many items the chain that begins there has.
pub(crate) fn chain_len(arena: ArenaRef<'_>, first: Offset) -> usize {
    let chain = arena.bucket_chain(first);
    chain.map(|at| arena.bucket(at).len()).sum()
}

/// The n-th item of the chain that begins there: all its buckets but the last are full.
pub(crate) fn nth_item(arena: ArenaRef<'_>, first: Offset, number: usize) -> Option<ChunkRef> {
    let at = arena.bucket_chain(first).nth(number / SLOTS)?;
    Some(arena.bucket(at).item(number % SLOTS))
}

/// The slot of an item with this hash.
pub(super) fn locate(
    arena: ArenaRef<'_>,
    first: Offset,
    hash: u64,
    item: ChunkRef,
) -> Option<Slot> {
    let mut chain = arena.bucket_chain(first);
    chain.find_map(|at| {
        let bucket = arena.bucket(at);
        let mut slots = bucket.matches(tag(hash));
        let number = slots.find(|&slot| bucket.item(slot) == item)?;
        Some(Slot { bucket: at, number })
    })
}

/// Appends an empty overflow bucket to the last bucket of a chain.
#[cold]
pub(super) fn extend(
    arena: &mut ArenaMut<'_>,
    slabs: &mut Slabs,
    last: Offset,
) -> Result<Offset, NoRoom> {
    let chunk = slabs.alloc(arena, slabs.index_class(), Page::NONE);
    let chunk = chunk.ok_or(NoRoom)?;
    let at = arena.geometry.at(chunk);
    arena.bucket_mut(at).clear();
    arena.bucket_mut(last).set_next(chunk);
    Ok(at)
}

/// Empties a slot by moving the last one of the chain there. Returns where an overflow bucket was
/// that became empty by this and was freed.
pub(super) fn vacate(
    arena: &mut ArenaMut<'_>,
    slabs: &mut Slabs,
    first: Offset,
    slot: Slot,
) -> Option<Offset> {
    let (mut before, mut last) = (None, first);
    while let Some(next) = arena.bucket_after(last) {
        (before, last) = (Some(last), next);
    }
    let bucket = arena.bucket(last);
    let end = bucket.len() - 1;
    let (tag, item) = (bucket.tag(end), bucket.item(end));
    let mut bucket = arena.bucket_mut(slot.bucket);
    bucket.set_slot(slot.number, tag, item);
    arena.bucket_mut(last).set_slot(end, 0, ChunkRef::NONE);
    let before = before.filter(|_| end == 0)?;
    arena.bucket_mut(before).set_next(ChunkRef::NONE);
    slabs.free(arena, arena.geometry.chunk_at(last));
    Some(last)
}
