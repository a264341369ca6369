//! What the header of a new item has, and how it is written.

use super::super::arena::{ArenaMut, ChunkRef, set_word, word};
use super::super::chunk::{LINK, SPLIT};
use super::super::deadline::Deadline;
use super::{CLIENT_FLAGS, COMPACT_HEADER, COMPACT_VALUE_END, HEADER, HEADER_MAX};
use super::{ItemFlags, KIND_COMPACT, KIND_HEADER, KIND_WIDE, LENGTHS, LruBits, NEWER, OLDER};
use super::{SECONDS, is_compact_whole};

/// The sizes that decide which chunks an item takes, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sizes {
    /// Header and key, if the item is not split.
    pub(crate) head: usize,
    pub(crate) value: usize,
}

/// What is decided about an item before it is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ItemLayout {
    pub(crate) key_len: usize,
    pub(crate) value_len: usize,
    pub(crate) client_flags: u32,
    pub(crate) deadline: Deadline,
    /// 0 if the item has none.
    pub(crate) cas: u64,
    pub(crate) item_flags: ItemFlags,
    /// Whether the value goes on in other chunks.
    pub(crate) split: bool,
    /// Whether it is written in place of an item, whose LRU bits it keeps.
    pub(crate) in_place: bool,
}

impl ItemLayout {
    /// Bytes of the header before the key.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) const fn size(&self) -> usize {
        let flags = (self.client_flags != 0) as usize;
        let fixed = if self.is_compact() {
            COMPACT_HEADER
        } else {
            HEADER
        };
        fixed + 4 * (self.split as usize + flags + self.is_wide() as usize)
    }

    const fn is_compact(&self) -> bool {
        self.cas == 0 && self.client_flags == 0 && self.value_len < COMPACT_VALUE_END
    }

    const fn is_wide(&self) -> bool {
        self.cas > u32::MAX as u64
    }

    /// Bytes of the header before the value.
    pub(crate) const fn value_offset(&self) -> usize {
        self.size() + self.key_len
    }

    /// Bytes of header, key and value.
    pub(crate) const fn size_in_all(&self) -> u64 {
        (self.value_offset() + self.value_len) as u64
    }

    /// What decides which chunks it takes.
    pub(crate) const fn sizes(&self) -> Sizes {
        Sizes {
            head: self.value_offset() - 4 * self.split as usize,
            value: self.value_len,
        }
    }

    /// Writes the header of an item; key and value follow by the caller. The item stays where it is
    /// in the order of use.
    #[inline]
    pub(crate) fn write(
        &self,
        arena: &mut ArenaMut<'_>,
        item: ChunkRef,
        next: ChunkRef,
        second: u32,
    ) {
        let at = arena.geometry.at(item);
        let header: &mut [u8; HEADER_MAX] = arena.array_mut(at);
        let split = if self.split { SPLIT } else { 0 };
        let client_flags = if self.client_flags != 0 {
            CLIENT_FLAGS
        } else {
            0
        };
        let low = if self.split {
            next.within(0)
        } else {
            second & SECONDS
        };
        let deadline_high = ((self.deadline.bits() >> 32) as u32) << 28;
        let kept = if self.in_place {
            SECONDS | LruBits::ALL.0
        } else {
            SECONDS
        };
        let kind = if self.is_wide() {
            KIND_WIDE
        } else if self.is_compact() {
            KIND_COMPACT
        } else {
            KIND_HEADER
        };
        let words = [
            kind | split | client_flags | low,
            word(header, NEWER) & SECONDS | self.item_flags.0,
            word(header, OLDER) & kept | deadline_high,
            (self.value_len as u32) << 8 | self.key_len as u32,
            self.deadline.bits() as u32,
            self.cas as u32,
        ];
        for (at, word) in words.into_iter().enumerate() {
            set_word(header, 4 * at, word);
        }
        if is_compact_whole(words[LINK / 4]) {
            // The words of deadline and cas are where the key will be.
            let [.., lengths, deadline, _] = words;
            set_word(header, LINK, KIND_COMPACT | deadline & SECONDS);
            set_word(header, LENGTHS, lengths | deadline & !SECONDS);
        }
        if self.split {
            set_word(header, HEADER, second & SECONDS);
        }
        if self.client_flags != 0 {
            let at = HEADER + 4 * usize::from(self.split);
            set_word(header, at, self.client_flags);
        }
        if self.is_wide() {
            arena.set_word(at + (self.size() - 4), (self.cas >> 32) as u32);
        }
    }
}
