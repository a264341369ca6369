//! The flushes by prefix that are under way: which prefixes, and how far the index is swept.
//!
//! A flush removes nothing at once: it gets a number, and its prefix is kept. Each bucket of the
//! index has a mark, which says for which flush it was last swept: what is in it and was stored
//! before a later one is removed before the bucket is used, by the operation that uses it first, or
//! by upkeep, which sweeps all of them in the order of a scan. A flush ends when every bucket was
//! swept for it. `store/sweep.rs` does the sweeping.
//!
//! The prefixes are in the cache's own memory, behind the other tables: 256 bytes each, the first
//! of which is the length.

use super::arena::{ArenaMut, ArenaRef, Offset};
use crate::Config;
use crate::digest::Digest;

/// Whether there is any of this.
pub(crate) const ON: bool = true;

/// Bytes of a prefix and its length.
const RECORD: usize = 256;

/// As many flushes as a mark tells apart.
const MARKS: u32 = 1 << MARK_BITS;
const MARK_BITS: u32 = 6;

const _: () = assert!(Config::FLUSH_PREFIX_LIMIT < MARKS as usize);

/// The number of a flush, as far as a bucket keeps it: the last for which the bucket was swept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark(u32);

impl Mark {
    const LOW: u32 = 0b11;
    const HIGH_SHIFT: u32 = 28;

    /// The bits of a reference to a bucket that are a mark: buckets are 64 bytes, references count
    /// in 16 and have 28 bits.
    pub(crate) const MASK: u32 = 0b1111 << Self::HIGH_SHIFT | Self::LOW;

    pub(crate) const fn from_word(word: u32) -> Self {
        Self(word >> Self::HIGH_SHIFT << 2 | word & Self::LOW)
    }

    /// The word with this mark in it.
    pub(crate) const fn within(self, word: u32) -> u32 {
        word & !Self::MASK | self.0 >> 2 << Self::HIGH_SHIFT | self.0 & Self::LOW
    }
}

/// What is known of the flushes that are under way.
#[derive(Debug)]
pub(crate) struct Flushes {
    at: Offset,
    /// How many there may be.
    limit: u32,
    /// How many there are; the last ones of all that ever began.
    active: u32,
    /// How many of them, the first ones, will have ended when the sweep has come to the end.
    swept: u32,
    /// How many ever began.
    began: u64,
    /// Which buckets upkeep sweeps next: see [`Index::group`](super::index::Index::group).
    cursor: u32,
}

/// As many flushes as there may be are under way.
#[derive(Debug)]
pub(crate) struct TooMany;

impl Flushes {
    /// How many bytes the prefixes take, and how many there may be.
    pub(crate) const fn table_size(config: &Config) -> usize {
        config.flush_prefix_max * RECORD
    }

    /// None is under way.
    pub(crate) const fn new(at: Offset, size: usize) -> Self {
        Self {
            at,
            limit: (size / RECORD) as u32,
            active: 0,
            swept: 0,
            began: 0,
            cursor: 0,
        }
    }

    /// Whether any is under way.
    #[inline]
    pub(crate) const fn is_active(&self) -> bool {
        self.active > 0
    }

    /// How many are under way.
    pub(crate) const fn len(&self) -> u32 {
        self.active
    }

    /// Whether one more may begin.
    pub(crate) const fn has_room(&self) -> bool {
        self.active < self.limit
    }

    /// Begins one. No prefix is longer than a key.
    pub(crate) fn begin(&mut self, arena: &mut ArenaMut<'_>, prefix: &[u8]) -> Result<(), TooMany> {
        if !self.has_room() {
            return Err(TooMany);
        }
        if self.active == 0 {
            (self.swept, self.cursor) = (1, 0);
        }
        let record = self.record(self.began);
        arena.write(record, &[prefix.len() as u8]);
        arena.write(record + 1, prefix);
        (self.began, self.active) = (self.began + 1, self.active + 1);
        Ok(())
    }

    /// There are no items any more, and so no flush.
    pub(crate) const fn clear(&mut self) {
        (self.active, self.swept, self.began, self.cursor) = (0, 0, 0, 0);
    }

    /// Where the prefix of a flush is; the first one is 0.
    fn record(&self, number: u64) -> Offset {
        self.at + (number % u64::from(self.limit.max(1))) as usize * RECORD
    }

    fn prefix<'m>(&self, arena: ArenaRef<'m>, number: u64) -> &'m [u8] {
        let record = self.record(number);
        let [len] = *arena.array(record);
        arena.slice(record + 1, len.into())
    }

    /// The mark of a bucket that was swept for all that began.
    pub(crate) const fn mark(&self) -> Mark {
        Mark(self.began as u32 % MARKS)
    }

    /// How many flushes a bucket with this mark was not swept for yet, the last ones.
    pub(crate) const fn missed(&self, mark: Mark) -> u32 {
        (self.began as u32).wrapping_sub(mark.0) % MARKS
    }

    /// Whether one of the last `missed` flushes removes a key.
    pub(crate) fn remove(&self, arena: ArenaRef<'_>, key: &[u8], missed: u32) -> bool {
        let first = self.began - u64::from(missed);
        (first..self.began).any(|number| key.starts_with(self.prefix(arena, number)))
    }

    /// Which buckets upkeep sweeps next.
    pub(crate) const fn cursor(&self) -> u32 {
        self.cursor
    }

    /// These were swept; `next` is where the sweep goes on, if there are more.
    pub(crate) const fn advance(&mut self, next: Option<u32>) {
        match next {
            Some(next) => self.cursor = next,
            // What began while the sweep was on its way takes another one.
            None => {
                self.active -= self.swept;
                (self.swept, self.cursor) = (self.active, 0);
            }
        }
    }

    /// How many flushes a bucket that upkeep has passed may have been missed by. For tests.
    pub(crate) const fn missed_max(&self, passed: bool) -> u32 {
        if passed {
            self.active - self.swept
        } else {
            self.active
        }
    }

    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        if self.active > 0 {
            for number in [self.active, self.swept, self.cursor] {
                digest.number(number.into());
            }
            for number in self.began - u64::from(self.active)..self.began {
                let prefix = self.prefix(arena, number);
                digest.number(prefix.len() as u64);
                digest.bytes(prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_and_a_reference_share_a_word() {
        for number in 0..MARKS {
            let mark = Mark(number);
            let word = mark.within(0x0BCD_EF04);
            assert_eq!(Mark::from_word(word), mark);
            assert_eq!(word & !Mark::MASK, 0x0BCD_EF04);
            assert_eq!(Mark(0).within(word), 0x0BCD_EF04);
        }
    }
}
