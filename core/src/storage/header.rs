//! The header of an item: only this file and the folder beside it know byte offsets inside it.
//!
//! ```text
//! item header, 24 bytes                           four high bits     28 low bits
//!  0  word  link       kind (2), split, flags       next chunk, or second of last use
//!  4  word  newer      fetched, stale, won, base64  next item towards the most recently used
//!  8  word  older      LRU bits, deadline 32, 33    next item towards the least recently used
//! 12  word  lengths    value (24 bits), key (8 bits)
//! 16  word  deadline   bits 0..31
//! 20  word  cas        bits 0..31
//! 24  [4]   second of last use, if split
//!     [4]   client flags, if not zero
//!     [4]   cas bits 32..63, if the kind is 3: only what clients choose is that large
//!           key, then the value or its first piece
//!
//! compact header, 16 bytes, of an item without cas and flags
//!  0  word  link       kind 2, split                deadline bits 0..27, or next chunk
//!  4  word  newer      as above
//!  8  word  older      as above
//! 12  word  lengths    deadline bits 28..31, value (20 bits), key (8 bits)
//! 16  [4]   deadline, bits 0..31, if split: then not above
//!           key, then the value or its first piece
//! ```
//!
//! `flags.rs` has the bits, `layout.rs` decides on the words of a new header and writes them,
//! `edit.rs` changes one in place, `fields.rs` names them for those who look inside.

mod edit;
mod fields;
mod flags;
mod layout;

#[cfg(test)]
mod tests;

use core::ops::Deref;

use super::arena::{Arena, ArenaRef, ChunkRef, Offset};
use super::chunk::{LINK, SPLIT};
use super::deadline::Deadline;

pub(crate) use flags::{ItemFlags, LruBits};
pub(crate) use layout::{ItemLayout, Sizes};

const NEWER: usize = 4;
const OLDER: usize = 8;
const LENGTHS: usize = 12;
const DEADLINE: usize = 16;
const CAS: usize = 20;
const HEADER: usize = 24;
/// The header and the words that may follow it, but for the rest of a cas. No chunk is smaller.
const HEADER_MAX: usize = HEADER + 8;

const COMPACT_HEADER: usize = 16;
/// Values of this size and above need a whole header.
const COMPACT_VALUE_END: usize = 1 << 20;

const KIND_HEADER: u32 = 0b01 << 30;
const KIND_COMPACT: u32 = 0b10 << 30;
const KIND_WIDE: u32 = 0b11 << 30;
const KINDS: u32 = 0b11 << 30;
const CLIENT_FLAGS: u32 = 1 << 28;
const DEADLINE_HIGH: u32 = 0b11 << 28;
/// The bits of a link, and those that a second of last use has.
pub(crate) const SECONDS: u32 = (1 << 28) - 1;
/// With the policy `density`, eight of them are its stamp.
pub(crate) const STAMP_SHIFT: u32 = 20;
/// The bits that a second has then.
pub(crate) const STAMPED_SECONDS: u32 = (1 << STAMP_SHIFT) - 1;

/// How many words a header has without flags, four bits for each kind, unsplit and split.
const WORDS: u32 = {
    let (header, compact) = (HEADER as u32 / 4, COMPACT_HEADER as u32 / 4);
    let kinds = [0, header, compact, header + 1];
    let (mut words, mut kind) = (0, 0);
    while kind < kinds.len() {
        let both = kinds[kind] | (kinds[kind] + 1) << 4;
        words |= both << (8 * kind);
        kind += 1;
    }
    words
};

/// Bytes of a header with such a link.
#[inline]
const fn size(link: u32) -> usize {
    let words = WORDS >> (4 * (link / SPLIT)) & 0xF;
    4 * (words + link / CLIENT_FLAGS % 2) as usize
}

#[inline]
const fn is_compact(link: u32) -> bool {
    link & KINDS == KIND_COMPACT
}

/// Whether the header has no word for the deadline.
#[inline]
const fn is_compact_whole(link: u32) -> bool {
    link & (KINDS | SPLIT) == KIND_COMPACT
}

/// The header of an item as it was read: all words that it may have, with one check of the bounds.
///
/// Reading it at once and before anything is written is not only fewer instructions: a processor
/// that reads bytes which it has just written in pieces of another size has to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItemHeader {
    words: [u32; HEADER_MAX / 4],
}

/// Tells the compiler that a branch is not the usual one.
#[cold]
const fn unlikely() {}

impl<B: Deref<Target = [u8]>> Arena<B> {
    /// The header of an item.
    #[inline]
    pub(crate) fn header(&self, item: ChunkRef) -> ItemHeader {
        let bytes: &[u8; HEADER_MAX] = self.array(self.geometry.at(item));
        let (words, _) = bytes.as_chunks();
        ItemHeader {
            words: core::array::from_fn(|at| u32::from_le_bytes(words[at])),
        }
    }
}

impl ItemHeader {
    pub(crate) const fn is_compact(&self) -> bool {
        is_compact(self.words[LINK / 4])
    }

    pub(crate) const fn is_split(&self) -> bool {
        self.words[LINK / 4] & SPLIT != 0
    }

    /// Bytes of the header before the key. Mostly there are no further words. This is asked and not
    /// calculated, so that a processor goes on with its guess while the header is on its way.
    #[cfg_attr(target_os = "none", inline(never))]
    const fn size(&self) -> usize {
        let link = self.words[LINK / 4];
        if link & !SECONDS == KIND_HEADER {
            return HEADER;
        }
        unlikely();
        size(link)
    }

    #[inline]
    const fn key_len(&self) -> usize {
        (self.words[LENGTHS / 4] & 0xFF) as usize
    }

    #[inline]
    pub(crate) const fn value_len(&self) -> usize {
        let lengths = self.words[LENGTHS / 4];
        if self.is_compact() {
            unlikely();
            return ((lengths & SECONDS) >> 8) as usize;
        }
        (lengths >> 8) as usize
    }

    /// The key of this item.
    #[inline]
    pub(crate) fn key<'m>(&self, arena: ArenaRef<'m>, item: ChunkRef) -> &'m [u8] {
        arena.slice(arena.geometry.at(item) + self.size(), self.key_len())
    }

    /// Bytes of the header before the value.
    #[inline]
    pub(crate) const fn value_offset(&self) -> usize {
        self.size() + self.key_len()
    }

    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) const fn deadline(&self) -> Deadline {
        let high = (self.words[OLDER / 4] & DEADLINE_HIGH) >> 28;
        let low = if is_compact_whole(self.words[LINK / 4]) {
            self.words[LENGTHS / 4] & !SECONDS | self.words[LINK / 4] & SECONDS
        } else {
            self.words[DEADLINE / 4]
        };
        Deadline::from_bits((high as u64) << 32 | low as u64)
    }

    pub(crate) const fn sizes(&self) -> Sizes {
        Sizes {
            head: self.value_offset() - 4 * self.is_split() as usize,
            value: self.value_len(),
        }
    }

    /// Whether it has a deadline and that has passed.
    #[inline]
    pub(crate) const fn is_expired(&self, now: u64, floor: u64) -> bool {
        let high = self.words[OLDER / 4] & DEADLINE_HIGH;
        // The deadline of a compact header is elsewhere.
        let may_be = self.words[DEADLINE / 4] | high != 0 || self.is_compact();
        may_be && self.deadline().has_passed(now, floor)
    }

    /// Bytes of header, key and value.
    pub(crate) const fn size_in_all(&self) -> u64 {
        (self.value_offset() + self.value_len()) as u64
    }

    #[inline]
    pub(crate) const fn has(&self, bit: LruBits) -> bool {
        self.lru_bits().has(bit)
    }

    pub(crate) const fn lru_bits(&self) -> LruBits {
        LruBits::from_word(self.words[OLDER / 4])
    }

    const fn is_wide(&self) -> bool {
        self.words[LINK / 4] >= KIND_WIDE
    }

    /// The cas of this item.
    #[inline]
    pub(crate) fn cas(&self, arena: ArenaRef<'_>, item: ChunkRef) -> u64 {
        let low = u64::from(self.words[CAS / 4]);
        match self.words[LINK / 4] & KINDS {
            KIND_COMPACT => 0,
            KIND_WIDE => {
                u64::from(arena.word(self.cas_high_at(arena.geometry.at(item)))) << 32 | low
            }
            _ => low,
        }
    }

    /// Where the last word of a wide header is, if the header is at `at`.
    fn cas_high_at(&self, at: Offset) -> Offset {
        at + (self.size() - 4)
    }

    #[inline]
    pub(crate) const fn flags(&self) -> ItemFlags {
        ItemFlags::from_word(self.words[NEWER / 4])
    }

    /// Whether the item was read since it was stored.
    #[inline]
    pub(crate) const fn fetched(&self) -> bool {
        self.flags().has(ItemFlags::FETCHED)
    }

    #[inline]
    pub(crate) const fn newer(&self) -> ChunkRef {
        ChunkRef::from_word(self.words[NEWER / 4])
    }

    #[inline]
    pub(crate) const fn older(&self) -> ChunkRef {
        ChunkRef::from_word(self.words[OLDER / 4])
    }

    /// The chunk in which the item goes on.
    #[inline]
    pub(crate) const fn next(&self) -> ChunkRef {
        if self.is_split() {
            ChunkRef::from_word(self.words[LINK / 4])
        } else {
            ChunkRef::NONE
        }
    }

    #[inline]
    pub(crate) const fn client_flags(&self) -> u32 {
        match (self.words[LINK / 4] & CLIENT_FLAGS != 0, self.is_split()) {
            (false, _) => 0,
            (true, false) => self.words[HEADER / 4],
            (true, true) => self.words[HEADER / 4 + 1],
        }
    }

    /// 28 bits of the second of the last use, of the cache's own time; 0 if the header is compact.
    /// With the policy `density`, the eight high bits are the stamp.
    #[inline]
    pub(crate) const fn last_use(&self) -> u32 {
        match (self.is_compact(), self.is_split()) {
            (true, _) => 0,
            (false, true) => self.words[HEADER / 4] & SECONDS,
            (false, false) => self.words[LINK / 4] & SECONDS,
        }
    }

    /// When the item was used last, as the policy `density` counts.
    pub(crate) const fn stamp(&self) -> u8 {
        (self.last_use() >> STAMP_SHIFT) as u8
    }
}
