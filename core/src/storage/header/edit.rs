//! Changes to the header of an item in place.

use super::super::arena::{ArenaMut, ChunkRef, set_word, word};
use super::super::chunk::{LINK, SPLIT};
use super::super::deadline::Deadline;
use super::{CAS, DEADLINE, DEADLINE_HIGH, HEADER, HEADER_MAX, ItemFlags, ItemHeader};
use super::{LENGTHS, LruBits, NEWER, OLDER, SECONDS, STAMP_SHIFT, STAMPED_SECONDS};
use super::{is_compact, is_compact_whole};

/// The header of an item, to write.
#[derive(Debug)]
pub(crate) struct HeaderMut<'m>(&'m mut [u8; HEADER_MAX]);

impl ArenaMut<'_> {
    /// The header of an item, to write.
    #[inline]
    pub(crate) fn header_mut(&mut self, item: ChunkRef) -> HeaderMut<'_> {
        HeaderMut(self.array_mut(self.geometry.at(item)))
    }

    /// Gives the item another cas; `false` if its header has no room for that many bits.
    pub(crate) fn set_cas(&mut self, item: ChunkRef, cas: u64) -> bool {
        let header = self.header(item);
        let high = (cas >> 32) as u32;
        if header.is_compact() {
            return cas == 0;
        }
        let at = self.geometry.at(item);
        if header.is_wide() {
            self.set_word(header.cas_high_at(at), high);
        } else if high != 0 {
            return false;
        }
        self.set_word(at + CAS, cas as u32);
        true
    }
}

impl HeaderMut<'_> {
    /// Changes those bits of a word that are set in the mask to those in `bits`.
    fn set_bits(&mut self, at: usize, mask: u32, bits: u32) {
        let before = word(self.0, at);
        set_word(self.0, at, before & !mask | bits & mask);
    }

    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        let (low, high) = (deadline.bits() as u32, (deadline.bits() >> 32) as u32);
        self.set_bits(OLDER, DEADLINE_HIGH, high << 28);
        if !is_compact_whole(word(self.0, LINK)) {
            set_word(self.0, DEADLINE, low);
            return;
        }
        self.set_bits(LINK, SECONDS, low);
        self.set_bits(LENGTHS, !SECONDS, low);
    }

    /// Gives the item exactly these flags.
    pub(crate) fn set_flags(&mut self, flags: ItemFlags) {
        self.set_bits(NEWER, !SECONDS, flags.0);
    }

    /// Sets the second of the last use, of which an item has these bits. A compact header has none.
    pub(crate) fn set_last_use(&mut self, second: u32, bits: u32) {
        let link = word(self.0, LINK);
        if !is_compact(link) {
            let at = if link & SPLIT != 0 { HEADER } else { LINK };
            self.set_bits(at, bits, second);
        }
    }

    pub(crate) fn set_lru_bit(&mut self, bit: LruBits, on: bool) {
        self.set_bits(OLDER, bit.0, if on { bit.0 } else { 0 });
    }

    /// Writes the stamp of the policy `density` into a header that is not compact.
    pub(crate) fn set_stamp(&mut self, stamp: u8) {
        let is_split = word(self.0, LINK) & SPLIT != 0;
        let at = if is_split { HEADER } else { LINK };
        self.set_bits(
            at,
            SECONDS & !STAMPED_SECONDS,
            u32::from(stamp) << STAMP_SHIFT,
        );
    }

    #[inline]
    pub(crate) fn set_newer(&mut self, newer: ChunkRef) {
        let before = word(self.0, NEWER);
        set_word(self.0, NEWER, newer.within(before));
    }

    #[inline]
    pub(crate) fn set_older(&mut self, older: ChunkRef) {
        let before = word(self.0, OLDER);
        set_word(self.0, OLDER, older.within(before));
    }

    /// Writes new neighbours of an item whose header was read before.
    #[inline]
    pub(crate) fn set_links(&mut self, before: &ItemHeader, newer: ChunkRef, older: ChunkRef) {
        set_word(self.0, NEWER, newer.within(before.words[NEWER / 4]));
        set_word(self.0, OLDER, older.within(before.words[OLDER / 4]));
    }

    /// Records that an item whose header was read before is read in this second.
    #[inline]
    pub(crate) fn record_use(&mut self, before: &ItemHeader, second: u32) {
        let [link, newer, ..] = before.words;
        set_word(self.0, NEWER, newer | ItemFlags::FETCHED.0);
        if before.is_compact() {
            return;
        }
        if before.is_split() {
            set_word(self.0, HEADER, second & SECONDS);
        } else {
            set_word(self.0, LINK, link & !SECONDS | second & SECONDS);
        }
    }
}
