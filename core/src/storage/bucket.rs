//! A bucket of the index, one cache line: the only file that knows byte offsets inside it.
//!
//! ```text
//!  0  bytes [12]  tags: eight bits of the hash of each item, never 0; 0 in an empty slot
//! 12  word        the next bucket of the chain, or none; in a first bucket, how far it is swept
//! 16  words [12]  the items; the filled slots come first
//! ```

use core::ops::{Deref, DerefMut};

use super::arena::{Arena, ArenaMut, ArenaRef, ChunkRef, Geometry, Offset};
use super::arena::{part, part_mut, set_word, word};
use super::flush::Mark;

/// How many items a bucket holds.
pub(crate) const SLOTS: usize = 12;

const OVERFLOW: usize = 12;
const ITEMS: usize = 16;

type Line = [u8; Geometry::LINE];

/// A bucket, to read, and to write if its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket<B> {
    line: B,
}

impl<B: Deref<Target = [u8]>> Arena<B> {
    /// The bucket that begins at `at`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bucket(&self, at: Offset) -> Bucket<&Line> {
        let line = self.array(at);
        Bucket { line }
    }

    /// Where the bucket after this one in its chain begins.
    #[inline]
    pub(crate) fn bucket_after(&self, at: Offset) -> Option<Offset> {
        self.bucket(at).next(&self.geometry)
    }
}

impl<'m> ArenaRef<'m> {
    /// Where the buckets of the chain that begins at `first` are.
    pub(crate) fn bucket_chain(self, first: Offset) -> impl Iterator<Item = Offset> + use<'m> {
        core::iter::successors(Some(first), move |&at| self.bucket_after(at))
    }

    /// The items in the filled slots of the bucket that begins at `at`.
    pub(crate) fn bucket_items(self, at: Offset) -> impl Iterator<Item = ChunkRef> + use<'m> {
        (0..self.bucket(at).len()).map(move |slot| self.bucket(at).item(slot))
    }
}

impl ArenaMut<'_> {
    /// The bucket that begins at `at`, to write.
    #[inline]
    pub(crate) fn bucket_mut(&mut self, at: Offset) -> Bucket<&mut Line> {
        let line = self.array_mut(at);
        Bucket { line }
    }
}

impl<B: Deref<Target = Line>> Bucket<B> {
    /// The slots that have this tag.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn matches(&self, tag: u8) -> Matches {
        Matches::new(part(&*self.line, 0), tag)
    }

    /// The item in a slot.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn item(&self, slot: usize) -> ChunkRef {
        // A word past the last one is not in a slot; telling the compiler so spares a check.
        let (words, _) = self.line.as_chunks();
        let words: &[[u8; 4]; Geometry::LINE / 4] = words.first_chunk().expect("a line of words");
        ChunkRef::from_word(u32::from_le_bytes(words[(ITEMS / 4 + slot) % words.len()]))
    }

    /// The tag in a slot.
    pub(crate) fn tag(&self, slot: usize) -> u8 {
        let [tag] = part(&*self.line, slot);
        tag
    }

    /// How many slots are filled.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let Matches(empty) = self.matches(0);
        let (first, last) = (empty & Matches::LOWEST, empty & !Matches::LOWEST);
        let mut empty = Matches(if first == 0 { last } else { first });
        empty.next().unwrap_or(SLOTS)
    }

    /// Where the next bucket of the chain begins.
    #[inline]
    pub(crate) fn next(&self, geometry: &Geometry) -> Option<Offset> {
        let next = ChunkRef::from_word(word(&*self.line, OVERFLOW) & !Mark::MASK);
        (!next.is_none()).then(|| geometry.at(next))
    }
}

impl<B: Deref<Target = Line>> Bucket<B> {
    /// How far the chain that begins here is swept.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark::from_word(word(&*self.line, OVERFLOW))
    }
}

impl<B: DerefMut<Target = Line>> Bucket<B> {
    /// Empties the bucket.
    pub(crate) fn clear(&mut self) {
        *self.line = [0; Geometry::LINE];
    }

    /// Fills a slot; with tag 0 and no item, empties it.
    pub(crate) fn set_slot(&mut self, slot: usize, tag: u8, item: ChunkRef) {
        *part_mut(&mut *self.line, slot) = [tag];
        self.set_item(slot, item);
    }

    /// Replaces the item in a filled slot by another with the same tag.
    pub(crate) fn set_item(&mut self, slot: usize, item: ChunkRef) {
        set_word(&mut *self.line, ITEMS + 4 * slot, item.within(0));
    }

    /// Appends a bucket to the one that is the last of its chain; none ends the chain here.
    pub(crate) fn set_next(&mut self, next: ChunkRef) {
        let mark = word(&*self.line, OVERFLOW) & Mark::MASK;
        set_word(&mut *self.line, OVERFLOW, next.within(0) | mark);
    }

    /// Marks how far the chain that begins here is swept.
    pub(crate) fn set_mark(&mut self, mark: Mark) {
        let word = mark.within(word(&*self.line, OVERFLOW));
        set_word(&mut *self.line, OVERFLOW, word);
    }
}

/// Slots, a bit each: the first eight slots have the lowest bits of the eight bytes, the last four
/// the fifth bits of the first four bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matches(u64);

impl Matches {
    /// The lowest bit of each byte.
    const LOWEST: u64 = u64::from_ne_bytes([1; 8]);

    /// The slots with this tag; a slot behind one of them may be among them wrongly.
    ///
    /// Compares eight tags at a time: a byte of `tags ^ pattern` is zero where a tag matches, and
    /// the subtraction borrows into its highest bit (Mycroft, 1987).
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn new(tags: [u8; SLOTS], tag: u8) -> Self {
        let zeros = |tags: u64| {
            let difference = tags ^ (u64::from(tag) * Self::LOWEST);
            difference.wrapping_sub(Self::LOWEST) & !difference
        };
        let first = zeros(u64::from_le_bytes(part(&tags, 0)));
        let last = zeros(u64::from(u32::from_le_bytes(part(&tags, 8))));
        Self(first >> 7 & Self::LOWEST | last >> 3 & Self::LOWEST >> 32 << 4)
    }
}

impl Iterator for Matches {
    type Item = usize;

    /// Not in the order of the slots.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros() as usize;
        let found = self.0 != 0;
        self.0 &= self.0.wrapping_sub(1);
        found.then_some((bit >> 3) + (bit << 1 & 8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_with_a_tag_are_found_and_the_filled_ones_counted() {
        let mut memory = [0xFF; 128];
        let geometry = Geometry::new(0, 4096);
        let mut arena = Arena::new(&mut memory[..], geometry);
        let at = Offset::START + 64;
        arena.bucket_mut(at).clear();
        for len in 0..=SLOTS {
            let bucket = arena.bucket(at);
            assert_eq!(bucket.len(), len);
            for slot in 0..len {
                let tag = bucket.tag(slot);
                assert!(
                    bucket.matches(tag).any(|found| found == slot),
                    "{slot} of {len}"
                );
                assert_eq!(bucket.item(slot), ChunkRef::from_word(slot as u32 + 1));
            }
            assert!(bucket.matches(200).next().is_none());
            if len < SLOTS {
                let item = ChunkRef::from_word(len as u32 + 1);
                arena
                    .bucket_mut(at)
                    .set_slot(len, 1 + (len as u8 % 5), item);
            }
        }
        assert_eq!(arena.view().bucket_items(at).count(), SLOTS);
        assert_eq!(arena.bucket_after(at), None);
        arena.bucket_mut(at).set_next(ChunkRef::from_word(4));
        assert_eq!(arena.bucket_after(at), Some(at));
        let chain = arena.view().bucket_chain(at);
        assert_eq!(
            chain.take(3).count(),
            3,
            "a chain that leads back to itself"
        );
    }
}
