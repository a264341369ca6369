//! A bucket of the index, one cache line: the only file that knows byte offsets inside it.
//!
//! ```text
//!  0  bytes [12]  tags: eight bits of the hash of each item, never 0; 0 in an empty slot
//! 12  word        the next bucket of the chain, or none
//! 16  words [12]  the items; the filled slots come first
//! ```

use super::arena::{ChunkRef, Geometry, array, array_mut, array_ref, set_word, word};

/// How many items a bucket holds.
pub(crate) const SLOTS: usize = 12;

const OVERFLOW: usize = 12;
const ITEMS: usize = 16;

/// A bucket, to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket<'m> {
    line: &'m [u8; Geometry::LINE],
}

impl<'m> Bucket<'m> {
    /// The bucket that begins at `at`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn read(memory: &'m [u8], at: usize) -> Self {
        let line = array_ref(memory, at);
        Self { line }
    }

    /// The slots that have this tag.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn matches(self, tag: u8) -> Matches {
        Matches::new(array(self.line, 0), tag)
    }

    /// The item in a slot.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn item(self, slot: usize) -> ChunkRef {
        // A word past the last one is not in a slot; telling the compiler so spares a check.
        let (words, _) = self.line.as_chunks();
        let words: &[[u8; 4]; Geometry::LINE / 4] = words.first_chunk().expect("a line of words");
        ChunkRef::from_word(u32::from_le_bytes(words[(ITEMS / 4 + slot) % words.len()]))
    }

    /// The items in the filled slots.
    pub(crate) fn items(self) -> impl Iterator<Item = ChunkRef> + use<'m> {
        (0..self.len()).map(move |slot| self.item(slot))
    }

    /// How many slots are filled.
    #[inline]
    pub(crate) fn len(self) -> usize {
        let Matches(empty) = self.matches(0);
        let (first, last) = (empty & Matches::LOWEST, empty & !Matches::LOWEST);
        let mut empty = Matches(if first == 0 { last } else { first });
        empty.next().unwrap_or(SLOTS)
    }

    /// Where the next bucket of the chain begins.
    #[inline]
    pub(crate) fn next(self, geometry: &Geometry) -> Option<usize> {
        let next = ChunkRef::from_word(word(self.line, OVERFLOW));
        (!next.is_none()).then(|| geometry.at(next))
    }
}

/// Where the buckets of the chain that begins at `first` are.
pub(crate) fn chain<'m>(
    memory: &'m [u8],
    geometry: &'m Geometry,
    first: usize,
) -> impl Iterator<Item = usize> + 'm {
    let next = move |&at: &usize| Bucket::read(memory, at).next(geometry);
    core::iter::successors(Some(first), next)
}

/// Empties the bucket.
pub(crate) fn clear(memory: &mut [u8], at: usize) {
    *array_mut(memory, at) = [0; Geometry::LINE];
}

/// Fills a slot; with tag 0 and no item, empties it.
pub(crate) fn set_slot(memory: &mut [u8], at: usize, slot: usize, tag: u8, item: ChunkRef) {
    *array_mut(memory, at + slot) = [tag];
    set_item(memory, at, slot, item);
}

/// Lets a filled slot hold another item with the same tag.
pub(crate) fn set_item(memory: &mut [u8], at: usize, slot: usize, item: ChunkRef) {
    set_word(memory, at + ITEMS + 4 * slot, item.within(0));
}

/// The tag in a slot.
pub(crate) fn tag(memory: &[u8], at: usize, slot: usize) -> u8 {
    let [tag] = array(memory, at + slot);
    tag
}

/// Appends a bucket to the one that is the last of its chain; none ends the chain here.
pub(crate) fn set_next(memory: &mut [u8], at: usize, next: ChunkRef) {
    set_word(memory, at + OVERFLOW, next.within(0));
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
        let first = zeros(u64::from_le_bytes(array(&tags, 0)));
        let last = zeros(u64::from(u32::from_le_bytes(array(&tags, 8))));
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
        let geometry = Geometry::new(0, 4096, 1);
        let mut memory = [0xFF; 128];
        clear(&mut memory, 64);
        for len in 0..=SLOTS {
            assert_eq!(Bucket::read(&memory, 64).len(), len);
            for at in 0..len {
                let bucket = Bucket::read(&memory, 64);
                let tag = tag(&memory, 64, at);
                assert!(bucket.matches(tag).any(|slot| slot == at), "{at} of {len}");
                assert_eq!(bucket.item(at), ChunkRef::from_word(at as u32 + 1));
            }
            assert!(Bucket::read(&memory, 64).matches(200).next().is_none());
            if len < SLOTS {
                let item = ChunkRef::from_word(len as u32 + 1);
                set_slot(&mut memory, 64, len, 1 + (len as u8 % 5), item);
            }
        }
        let bucket = Bucket::read(&memory, 64);
        assert_eq!(bucket.items().count(), SLOTS);
        assert_eq!(bucket.next(&geometry), None);
        set_next(&mut memory, 64, ChunkRef::from_word(4));
        assert_eq!(Bucket::read(&memory, 64).next(&geometry), Some(64));
    }
}
