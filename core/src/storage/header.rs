//! The layout of chunks: the only file that knows byte offsets inside them.
//!
//! ```text
//! head of an item, 24 bytes                       four high bits     28 low bits
//!  0  word  link       kind (2), split, flags       next chunk, or second of last use
//!  4  word  newer      fetched, stale, won, base64   next item towards the most recently used
//!  8  word  older      spare (2), deadline 32..33   next item towards the least recently used
//! 12  word  deadline   bits 0..31
//! 16  word  lengths    value (24 bits), key (8 bits)
//! 20  word  cas
//! 24  [4]   second of last use, if split
//!     [4]   client flags, if not zero
//!           key, then the value or its first piece
//!
//! continuation, 8 bytes
//!  0  word  link       kind (2)                     next chunk
//!  4  word  owner                                   head of the item; none while it is written
//!
//! free chunk
//!  0  word  kind 0      4  word  number of the next free chunk of this page
//! ```

use super::arena::{ChunkRef, set_word, word};

const LINK: usize = 0;
const NEWER: usize = 4;
const OLDER: usize = 8;
const DEADLINE: usize = 12;
const LENGTHS: usize = 16;
const CAS: usize = 20;
const HEAD: usize = 24;

const OWNER: usize = 4;
const NEXT_FREE: usize = 4;

/// Bytes of a continuation before its piece of the value.
pub(crate) const CONTINUATION: usize = 8;

const KIND: u32 = 0b11 << 30;
const SPLIT: u32 = 1 << 29;
const FLAGS: u32 = 1 << 28;
const FETCHED: u32 = 1 << 28;
const DEADLINE_HIGH: u32 = 0b11 << 28;
const SECONDS: u32 = (1 << 28) - 1;

/// What a chunk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Free,
    Head,
    Continuation,
}

#[inline]
pub(crate) fn kind(memory: &[u8], at: usize) -> Kind {
    match word(memory, at + LINK) >> 30 {
        0 => Kind::Free,
        1 => Kind::Head,
        _ => Kind::Continuation,
    }
}

/// What a head says besides its links, key and value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Meta {
    pub(crate) key_len: usize,
    pub(crate) value_len: usize,
    pub(crate) flags: u32,
    pub(crate) deadline: Deadline,
    pub(crate) cas: u32,
    /// Whether the value goes on in other chunks.
    pub(crate) split: bool,
}

impl Meta {
    /// Bytes of the head before the key.
    pub(crate) const fn size(&self) -> usize {
        HEAD + 4 * self.split as usize + 4 * (self.flags != 0) as usize
    }

    /// Bytes of the head before the value.
    pub(crate) const fn value_offset(&self) -> usize {
        self.size() + self.key_len
    }
}

/// When an item ends, as 34 bits: 0 is never; up to 2^33 it counts milliseconds of the cache's own
/// time (99 days), above that steps of 32 ms (8.7 years). Rounded down, so that nothing outlives it;
/// what does not fit ends never.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(0);
    const COARSE: u64 = 1 << 33;
    const COARSE_SHIFT: u32 = 5;

    pub(crate) const fn from_millis(millis: u64) -> Self {
        let coarse = millis >> Self::COARSE_SHIFT;
        if millis < Self::COARSE {
            Self(millis)
        } else if coarse < Self::COARSE {
            Self(Self::COARSE | coarse)
        } else {
            Self::NEVER
        }
    }

    pub(crate) const fn millis(self) -> Option<u64> {
        match self.0 {
            0 => None,
            fine if fine < Self::COARSE => Some(fine),
            coarse => Some((coarse - Self::COARSE) << Self::COARSE_SHIFT),
        }
    }

    pub(crate) const fn has_passed(self, now: u64) -> bool {
        matches!(self.millis(), Some(millis) if millis <= now)
    }
}

/// Writes the head of an item that is not in the list yet; key and value follow by the caller.
pub(crate) fn write_head(memory: &mut [u8], at: usize, meta: &Meta, next: ChunkRef, second: u32) {
    let bits = (1 << 30) | if meta.split { SPLIT } else { 0 } | if meta.flags != 0 { FLAGS } else { 0 };
    let low = if meta.split { next.within(0) } else { second & SECONDS };
    set_word(memory, at + LINK, bits | low);
    let older = word(memory, at + OLDER) & SECONDS;
    set_word(memory, at + OLDER, older);
    set_word(memory, at + NEWER, word(memory, at + NEWER) & SECONDS);
    set_deadline(memory, at, meta.deadline);
    set_word(memory, at + LENGTHS, (meta.value_len as u32) << 8 | meta.key_len as u32);
    set_word(memory, at + CAS, meta.cas);
    let mut extra = at + HEAD;
    if meta.split {
        set_word(memory, extra, second & SECONDS);
        extra += 4;
    }
    if meta.flags != 0 {
        set_word(memory, extra, meta.flags);
    }
}

#[inline]
pub(crate) fn meta(memory: &[u8], at: usize) -> Meta {
    let link = word(memory, at + LINK);
    let lengths = word(memory, at + LENGTHS);
    let split = link & SPLIT != 0;
    let flags = if link & FLAGS == 0 { 0 } else { word(memory, at + HEAD + 4 * usize::from(split)) };
    Meta {
        key_len: (lengths & 0xFF) as usize,
        value_len: (lengths >> 8) as usize,
        flags,
        deadline: deadline(memory, at),
        cas: word(memory, at + CAS),
        split,
    }
}

/// The key of the item whose head is at `at`.
#[inline]
pub(crate) fn key(memory: &[u8], at: usize) -> &[u8] {
    let link = word(memory, at + LINK);
    let extra = 4 * usize::from(link & SPLIT != 0) + 4 * usize::from(link & FLAGS != 0);
    let start = at + HEAD + extra;
    &memory[start..start + usize::from(memory[at + LENGTHS])]
}

#[inline]
pub(crate) fn deadline(memory: &[u8], at: usize) -> Deadline {
    let high = (word(memory, at + OLDER) & DEADLINE_HIGH) >> 28;
    Deadline(u64::from(high) << 32 | u64::from(word(memory, at + DEADLINE)))
}

pub(crate) fn set_deadline(memory: &mut [u8], at: usize, deadline: Deadline) {
    let high = ((deadline.0 >> 32) as u32) << 28;
    let older = word(memory, at + OLDER) & !DEADLINE_HIGH;
    set_word(memory, at + OLDER, older | high);
    set_word(memory, at + DEADLINE, deadline.0 as u32);
}

/// Whether the item was read since it was stored.
pub(crate) fn fetched(memory: &[u8], at: usize) -> bool {
    word(memory, at + NEWER) & FETCHED != 0
}

/// Notes that the item was read in this second.
#[inline]
pub(crate) fn note_use(memory: &mut [u8], at: usize, second: u32) {
    set_word(memory, at + NEWER, word(memory, at + NEWER) | FETCHED);
    let link = word(memory, at + LINK);
    let place = if link & SPLIT == 0 { at + LINK } else { at + HEAD };
    let high = word(memory, place) & !SECONDS;
    set_word(memory, place, high | (second & SECONDS));
}

/// The second of the last use, of the cache's own time.
pub(crate) fn last_use(memory: &[u8], at: usize) -> u32 {
    let link = word(memory, at + LINK);
    if link & SPLIT == 0 { link & SECONDS } else { word(memory, at + HEAD) & SECONDS }
}

#[inline]
pub(crate) fn newer(memory: &[u8], at: usize) -> ChunkRef {
    ChunkRef::from_word(word(memory, at + NEWER))
}

#[inline]
pub(crate) fn older(memory: &[u8], at: usize) -> ChunkRef {
    ChunkRef::from_word(word(memory, at + OLDER))
}

#[inline]
pub(crate) fn set_newer(memory: &mut [u8], at: usize, newer: ChunkRef) {
    set_word(memory, at + NEWER, newer.within(word(memory, at + NEWER)));
}

#[inline]
pub(crate) fn set_older(memory: &mut [u8], at: usize, older: ChunkRef) {
    set_word(memory, at + OLDER, older.within(word(memory, at + OLDER)));
}

/// The chunk in which the item goes on, of a head or a continuation.
#[inline]
pub(crate) fn next(memory: &[u8], at: usize) -> ChunkRef {
    let link = word(memory, at + LINK);
    let ends = link & KIND == 1 << 30 && link & SPLIT == 0;
    if ends { ChunkRef::NONE } else { ChunkRef::from_word(link) }
}

pub(crate) fn set_next(memory: &mut [u8], at: usize, next: ChunkRef) {
    set_word(memory, at + LINK, next.within(word(memory, at + LINK)));
}

/// Makes the chunk a continuation that nobody owns yet: its item is being written.
pub(crate) fn write_pending(memory: &mut [u8], at: usize) {
    set_word(memory, at + LINK, 0b10 << 30);
    set_word(memory, at + OWNER, 0);
}

pub(crate) fn owner(memory: &[u8], at: usize) -> ChunkRef {
    ChunkRef::from_word(word(memory, at + OWNER))
}

pub(crate) fn set_owner(memory: &mut [u8], at: usize, owner: ChunkRef) {
    set_word(memory, at + OWNER, owner.within(0));
}

pub(crate) fn write_free(memory: &mut [u8], at: usize, next_free: u32) {
    set_word(memory, at + LINK, 0);
    set_word(memory, at + NEXT_FREE, next_free);
}

pub(crate) fn next_free(memory: &[u8], at: usize) -> u32 {
    word(memory, at + NEXT_FREE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_exact_for_99_days_and_never_late() {
        assert_eq!(Deadline::from_millis(1).millis(), Some(1));
        let last_fine = (1 << 33) - 1;
        assert_eq!(Deadline::from_millis(last_fine).millis(), Some(last_fine));
        let year = 366 * 24 * 3_600_000 + 7;
        let kept = Deadline::from_millis(year).millis().unwrap();
        assert!(kept <= year && year - kept < 32);
        assert_eq!(Deadline::from_millis(u64::MAX), Deadline::NEVER);
        assert!(Deadline::from_millis(5).has_passed(5) && !Deadline::from_millis(5).has_passed(4));
        assert!(!Deadline::NEVER.has_passed(u64::MAX));
    }

    #[test]
    fn a_head_says_what_was_written() {
        let mut memory = [0xFF; 64];
        for split in [false, true] {
            for flags in [0, u32::MAX] {
                let deadline = Deadline::from_millis((3 << 32) | 5);
                let (key_len, value_len) = (250, (1 << 24) - 1);
                let written = Meta { key_len, value_len, flags, deadline, cas: u32::MAX, split };
                let next_chunk = ChunkRef::from_word(77);
                write_head(&mut memory, 4, &written, next_chunk, 1234);
                set_newer(&mut memory, 4, ChunkRef::from_word(5));
                set_older(&mut memory, 4, ChunkRef::from_word(6));
                assert_eq!(meta(&memory, 4), written);
                assert_eq!((newer(&memory, 4), older(&memory, 4)).1, ChunkRef::from_word(6));
                assert_eq!(next(&memory, 4), if split { next_chunk } else { ChunkRef::NONE });
                assert_eq!((last_use(&memory, 4), fetched(&memory, 4)), (1234, false));
                note_use(&mut memory, 4, 99);
                assert_eq!((last_use(&memory, 4), fetched(&memory, 4)), (99, true));
                assert_eq!(meta(&memory, 4), written);
                assert_eq!(kind(&memory, 4), Kind::Head);
            }
        }
    }
}
