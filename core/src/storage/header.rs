//! The layout of chunks: only this file and its `fields` know byte offsets inside them.
//!
//! ```text
//! head of an item, 24 bytes                       four high bits     28 low bits
//!  0  word  link       kind (2), split, flags       next chunk, or second of last use
//!  4  word  newer      fetched, stale, won, base64  next item towards the most recently used
//!  8  word  older      queued, young, deadline 32.. next item towards the least recently used
//! 12  word  lengths    value (24 bits), key (8 bits)
//! 16  word  deadline   bits 0..31
//! 20  word  cas        bits 0..31
//! 24  [4]   second of last use, if split
//!     [4]   client flags, if not zero
//!     [4]   cas bits 32..63, if the kind is 3: only what clients choose is that large
//!           key, then the value or its first piece
//!
//! compact head, 16 bytes, of an item without cas and flags
//!  0  word  link       kind 2, split                deadline bits 0..27, or next chunk
//!  4  word  newer      as above
//!  8  word  older      as above
//! 12  word  lengths    deadline bits 28..31, value (20 bits), key (8 bits)
//! 16  [4]   deadline, bits 0..31, if split: then not above
//!           key, then the value or its first piece
//!
//! continuation, 8 bytes
//!  0  word  link       kind 0, split                next chunk
//!  4  word  owner                                   head of the item; none while it is written
//!
//! free chunk
//!  0  word  kind 0      4  word  number of the next free chunk of this page
//! ```

mod fields;

use super::arena::{ChunkRef, array, array_mut, set_word, slice, word};
use super::deadline::Deadline;

const LINK: usize = 0;
const NEWER: usize = 4;
const OLDER: usize = 8;
const LENGTHS: usize = 12;
const DEADLINE: usize = 16;
const CAS: usize = 20;
const HEAD: usize = 24;
/// The head and the words that may follow it, but for the rest of a cas. No chunk is smaller.
const HEAD_MAX: usize = HEAD + 8;

const COMPACT_HEAD: usize = 16;
/// Values of this size and above need a whole head.
const COMPACT_VALUE_END: usize = 1 << 20;

const OWNER: usize = 4;
const NEXT_FREE: usize = 4;

/// Bytes of a continuation before its piece of the value.
pub(crate) const CONTINUATION: usize = 8;

const KIND_HEAD: u32 = 0b01 << 30;
const KIND_HEAD_COMPACT: u32 = 0b10 << 30;
const KIND_HEAD_WIDE: u32 = 0b11 << 30;
const KINDS: u32 = 0b11 << 30;
const SPLIT: u32 = 1 << 29;
const FLAGS: u32 = 1 << 28;
const DEADLINE_HIGH: u32 = 0b11 << 28;
/// The bits of a link, and those that a second of last use has.
pub(crate) const SECONDS: u32 = (1 << 28) - 1;
const MARKS: u32 = Mark::Young as u32 | Mark::Queued as u32;

/// What the order of use notes about an item.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(crate) enum Mark {
    /// It is in the newest quarter of a lazy list.
    Young = 1 << 30,
    /// It waits in the queue in front of the list.
    Queued = 1 << 31,
}

/// What is noted about an item for those who ask for it: a set of these.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Notes(u32);

impl Notes {
    pub(crate) const NONE: Self = Self(0);
    /// It was read since it was stored.
    pub(crate) const FETCHED: Self = Self(1 << 28);
    /// It was declared out of date.
    pub(crate) const STALE: Self = Self(1 << 29);
    /// Somebody was told to renew it.
    pub(crate) const WON: Self = Self(1 << 30);
    /// Its key was given in base64.
    pub(crate) const BASE64: Self = Self(1 << 31);

    pub(crate) const fn has(self, note: Self) -> bool {
        self.0 & note.0 != 0
    }

    /// These and those.
    #[must_use]
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are among `others`.
    #[must_use]
    pub(crate) const fn only(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0 >> 28
    }
}

/// What a chunk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Free,
    Head,
    Continuation,
}

#[inline]
pub(crate) fn kind(memory: &[u8], at: usize) -> Kind {
    match word(memory, at + LINK) / SPLIT {
        0 => Kind::Free,
        1 => Kind::Continuation,
        _ => Kind::Head,
    }
}

/// The sizes that decide which chunks an item takes, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sizes {
    /// Head and key, if the item is not split.
    pub(crate) head: usize,
    pub(crate) value: usize,
}

/// What is decided about an item before it is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Meta {
    pub(crate) key_len: usize,
    pub(crate) value_len: usize,
    pub(crate) flags: u32,
    pub(crate) deadline: Deadline,
    /// 0 if the item has none.
    pub(crate) cas: u64,
    pub(crate) notes: Notes,
    /// Whether the value goes on in other chunks.
    pub(crate) split: bool,
    /// Whether it is written over an item, whose marks it keeps.
    pub(crate) over: bool,
}

impl Meta {
    /// Bytes of the head before the key.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) const fn size(&self) -> usize {
        let flags = (self.flags != 0) as usize;
        let fixed = if self.is_compact() {
            COMPACT_HEAD
        } else {
            HEAD
        };
        fixed + 4 * (self.split as usize + flags + self.is_wide() as usize)
    }

    const fn is_compact(&self) -> bool {
        self.cas == 0 && self.flags == 0 && self.value_len < COMPACT_VALUE_END
    }

    const fn is_wide(&self) -> bool {
        self.cas > u32::MAX as u64
    }

    /// Bytes of the head before the value.
    pub(crate) const fn value_offset(&self) -> usize {
        self.size() + self.key_len
    }

    /// Bytes of head, key and value.
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

    /// Writes the head of an item; key and value follow by the caller. The item stays where it is
    /// in the order of use.
    #[inline]
    pub(crate) fn write(&self, memory: &mut [u8], at: usize, next: ChunkRef, second: u32) {
        let head: &mut [u8; HEAD_MAX] = array_mut(memory, at);
        let split = if self.split { SPLIT } else { 0 };
        let flags = if self.flags != 0 { FLAGS } else { 0 };
        let low = if self.split {
            next.within(0)
        } else {
            second & SECONDS
        };
        let deadline_high = ((self.deadline.bits() >> 32) as u32) << 28;
        let kept = if self.over { SECONDS | MARKS } else { SECONDS };
        let kind = if self.is_wide() {
            KIND_HEAD_WIDE
        } else if self.is_compact() {
            KIND_HEAD_COMPACT
        } else {
            KIND_HEAD
        };
        let words = [
            kind | split | flags | low,
            word(head, NEWER) & SECONDS | self.notes.0,
            word(head, OLDER) & kept | deadline_high,
            (self.value_len as u32) << 8 | self.key_len as u32,
            self.deadline.bits() as u32,
            self.cas as u32,
        ];
        for (at, word) in words.into_iter().enumerate() {
            set_word(head, 4 * at, word);
        }
        if is_compact_whole(words[LINK / 4]) {
            // The words of deadline and cas are where the key will be.
            let [.., lengths, deadline, _] = words;
            set_word(head, LINK, KIND_HEAD_COMPACT | deadline & SECONDS);
            set_word(head, LENGTHS, lengths | deadline & !SECONDS);
        }
        if self.split {
            set_word(head, HEAD, second & SECONDS);
        }
        if self.flags != 0 {
            set_word(head, HEAD + 4 * usize::from(self.split), self.flags);
        }
        if self.is_wide() {
            set_word(memory, at + self.size() - 4, (self.cas >> 32) as u32);
        }
    }
}

/// How many words a head has without flags, four bits for each kind, unsplit and split.
const WORDS: u32 = {
    let (head, compact) = (HEAD as u32 / 4, COMPACT_HEAD as u32 / 4);
    let kinds = [0, head, compact, head + 1];
    let (mut words, mut kind) = (0, 0);
    while kind < kinds.len() {
        let both = kinds[kind] | (kinds[kind] + 1) << 4;
        words |= both << (8 * kind);
        kind += 1;
    }
    words
};

/// Bytes of a head with such a link.
#[inline]
const fn size(link: u32) -> usize {
    let words = WORDS >> (4 * (link / SPLIT)) & 0xF;
    4 * (words + link / FLAGS % 2) as usize
}

#[inline]
const fn is_compact(link: u32) -> bool {
    link & KINDS == KIND_HEAD_COMPACT
}

/// Whether the head has no word for the deadline.
#[inline]
const fn is_compact_whole(link: u32) -> bool {
    link & (KINDS | SPLIT) == KIND_HEAD_COMPACT
}

/// The head of an item as it was read: all words that it may have, with one check of the bounds.
///
/// Reading it at once and before anything is written is not only fewer instructions: a processor
/// that reads bytes which it has just written in pieces of another size has to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    words: [u32; HEAD_MAX / 4],
}

/// Tells the compiler that a branch is not the usual one.
#[cold]
const fn unlikely() {}

impl Head {
    #[inline]
    pub(crate) fn read(memory: &[u8], at: usize) -> Self {
        let bytes: [u8; HEAD_MAX] = array(memory, at);
        let (words, _) = bytes.as_chunks();
        Self {
            words: core::array::from_fn(|at| u32::from_le_bytes(words[at])),
        }
    }

    pub(crate) const fn is_compact(&self) -> bool {
        is_compact(self.words[LINK / 4])
    }

    pub(crate) const fn is_split(&self) -> bool {
        self.words[LINK / 4] & SPLIT != 0
    }

    /// Bytes of the head before the key. Mostly there are no further words. This is asked and not
    /// calculated, so that a processor goes on with its guess while the head is on its way.
    #[cfg_attr(target_os = "none", inline(never))]
    const fn size(&self) -> usize {
        let link = self.words[LINK / 4];
        if link & !SECONDS == KIND_HEAD {
            return HEAD;
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

    /// The key of the item with this head, which is at `at`.
    #[inline]
    pub(crate) fn key<'m>(&self, memory: &'m [u8], at: usize) -> &'m [u8] {
        slice(memory, at + self.size(), self.key_len())
    }

    /// Bytes of the head before the value.
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
    pub(crate) const fn is_over(&self, now: u64, floor: u64) -> bool {
        let high = self.words[OLDER / 4] & DEADLINE_HIGH;
        // The deadline of a compact head is elsewhere.
        let may_be = self.words[DEADLINE / 4] | high != 0 || self.is_compact();
        may_be && self.deadline().has_passed(now, floor)
    }

    /// Bytes of head, key and value.
    pub(crate) const fn size_in_all(&self) -> u64 {
        (self.value_offset() + self.value_len()) as u64
    }

    #[inline]
    pub(crate) const fn has(&self, mark: Mark) -> bool {
        self.words[OLDER / 4] & mark as u32 != 0
    }

    pub(crate) const fn marks(&self) -> u32 {
        self.words[OLDER / 4] & MARKS
    }

    const fn is_wide(&self) -> bool {
        self.words[LINK / 4] >= KIND_HEAD_WIDE
    }

    /// The cas of the item with this head, which is at `at`.
    #[inline]
    pub(crate) fn cas(&self, memory: &[u8], at: usize) -> u64 {
        let low = u64::from(self.words[CAS / 4]);
        match self.words[LINK / 4] & KINDS {
            KIND_HEAD_COMPACT => 0,
            KIND_HEAD_WIDE => u64::from(word(memory, at + self.size() - 4)) << 32 | low,
            _ => low,
        }
    }

    #[inline]
    pub(crate) const fn notes(&self) -> Notes {
        Notes(self.words[NEWER / 4] & !SECONDS)
    }

    /// Whether the item was read since it was stored.
    #[inline]
    pub(crate) const fn fetched(&self) -> bool {
        self.notes().has(Notes::FETCHED)
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
    pub(crate) const fn flags(&self) -> u32 {
        match (self.words[LINK / 4] & FLAGS != 0, self.is_split()) {
            (false, _) => 0,
            (true, false) => self.words[HEAD / 4],
            (true, true) => self.words[HEAD / 4 + 1],
        }
    }

    /// 28 bits of the second of the last use, of the cache's own time; 0 if the head is compact.
    #[inline]
    pub(crate) const fn last_use(&self) -> u32 {
        match (self.is_compact(), self.is_split()) {
            (true, _) => 0,
            (false, true) => self.words[HEAD / 4] & SECONDS,
            (false, false) => self.words[LINK / 4] & SECONDS,
        }
    }

    /// Writes new neighbours.
    #[inline]
    pub(crate) fn write_links(
        &self,
        memory: &mut [u8],
        at: usize,
        (newer, older): (ChunkRef, ChunkRef),
    ) {
        let head: &mut [u8; HEAD] = array_mut(memory, at);
        set_word(head, NEWER, newer.within(self.words[NEWER / 4]));
        set_word(head, OLDER, older.within(self.words[OLDER / 4]));
    }

    /// Notes that the item was read in this second.
    #[inline]
    pub(crate) fn write_use(&self, memory: &mut [u8], at: usize, second: u32) {
        let head: &mut [u8; HEAD + 4] = array_mut(memory, at);
        set_word(head, NEWER, self.words[NEWER / 4] | Notes::FETCHED.0);
        if self.is_compact() {
            return;
        }
        if self.is_split() {
            set_word(head, HEAD, second & SECONDS);
        } else {
            set_word(
                head,
                LINK,
                self.words[LINK / 4] & !SECONDS | second & SECONDS,
            );
        }
    }
}

pub(crate) fn set_deadline(memory: &mut [u8], at: usize, deadline: Deadline) {
    let (low, high) = (deadline.bits() as u32, (deadline.bits() >> 32) as u32);
    set_bits(memory, at + OLDER, DEADLINE_HIGH, high << 28);
    let link = word(memory, at + LINK);
    if !is_compact_whole(link) {
        set_word(memory, at + DEADLINE, low);
        return;
    }
    set_bits(memory, at + LINK, SECONDS, low);
    set_bits(memory, at + LENGTHS, !SECONDS, low);
}

/// Lets those bits of a word that are set in the mask be as in `bits`.
fn set_bits(memory: &mut [u8], at: usize, mask: u32, bits: u32) {
    set_word(memory, at, word(memory, at) & !mask | bits & mask);
}

/// Gives the item exactly these notes.
pub(crate) fn set_notes(memory: &mut [u8], at: usize, notes: Notes) {
    set_bits(memory, at + NEWER, !SECONDS, notes.0);
}

/// Gives the item another cas; `false` if its head has no room for that many bits.
pub(crate) fn set_cas(memory: &mut [u8], at: usize, cas: u64) -> bool {
    let head = Head::read(memory, at);
    let high = (cas >> 32) as u32;
    if head.is_compact() {
        return cas == 0;
    }
    if head.is_wide() {
        set_word(memory, at + head.size() - 4, high);
    } else if high != 0 {
        return false;
    }
    set_word(memory, at + CAS, cas as u32);
    true
}

pub(crate) fn set_mark(memory: &mut [u8], at: usize, mark: Mark, on: bool) {
    set_bits(
        memory,
        at + OLDER,
        mark as u32,
        if on { mark as u32 } else { 0 },
    );
}

#[inline]
pub(crate) fn set_newer(memory: &mut [u8], at: usize, newer: ChunkRef) {
    let link = array_mut(memory, at + NEWER);
    *link = newer.within(u32::from_le_bytes(*link)).to_le_bytes();
}

#[inline]
pub(crate) fn set_older(memory: &mut [u8], at: usize, older: ChunkRef) {
    let link = array_mut(memory, at + OLDER);
    *link = older.within(u32::from_le_bytes(*link)).to_le_bytes();
}

/// The chunk in which the item goes on, of a head or a continuation.
#[inline]
pub(crate) fn next(memory: &[u8], at: usize) -> ChunkRef {
    let link = word(memory, at + LINK);
    if link & SPLIT != 0 {
        ChunkRef::from_word(link)
    } else {
        ChunkRef::NONE
    }
}

pub(crate) fn set_next(memory: &mut [u8], at: usize, next: ChunkRef) {
    set_word(memory, at + LINK, next.within(word(memory, at + LINK)));
}

/// Makes the chunk a continuation that nobody owns yet: its item is being written.
pub(crate) fn write_pending(memory: &mut [u8], at: usize) {
    set_word(memory, at + LINK, SPLIT);
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
    fn a_head_says_what_was_written() {
        let mut memory = [0xFF; 64];
        let next_chunk = ChunkRef::from_word(77);
        let cases = [(false, 0), (false, u32::MAX), (true, 0), (true, 5)];
        let longest = (1 << 24) - 1;
        let cases = cases.into_iter().flat_map(|case| {
            let compact = [
                (case, 0, COMPACT_VALUE_END),
                (case, 0, COMPACT_VALUE_END - 1),
            ];
            let others = [(case, 1, longest), (case, u64::MAX, longest)];
            compact.into_iter().chain(others)
        });
        for ((split, flags), cas, value_len) in cases {
            let compact = value_len < COMPACT_VALUE_END && flags == 0;
            let notes = Notes::STALE.and(Notes::BASE64);
            let deadline = Deadline::from_bits((3 << 32) | 0x1234_5678);
            let meta = Meta {
                key_len: 3,
                value_len,
                flags,
                deadline,
                cas,
                notes,
                split,
                over: false,
            };
            meta.write(&mut memory, 4, next_chunk, 1234);
            let links = (ChunkRef::from_word(5), ChunkRef::from_word(6));
            set_newer(&mut memory, 4, links.0);
            set_older(&mut memory, 4, links.1);
            let head = Head::read(&memory, 4);
            assert_eq!((head.newer(), head.older()), links);
            assert_eq!(head.next(), if split { next_chunk } else { ChunkRef::NONE });
            let used = |second| if compact { 0 } else { second };
            assert_eq!((head.last_use(), head.fetched()), (used(1234), false));
            assert_eq!((head.flags(), head.deadline()), (flags, deadline));
            head.write_links(&mut memory, 4, (links.1, links.0));
            Head::read(&memory, 4).write_use(&mut memory, 4, 99);
            let head = Head::read(&memory, 4);
            assert_eq!((head.newer(), head.older()), (links.1, links.0));
            assert_eq!((head.last_use(), head.fetched()), (used(99), true));
            assert_eq!((head.flags(), head.deadline()), (flags, deadline));
            let other = Deadline::from_bits(0x2_8765_4321);
            set_deadline(&mut memory, 4, other);
            let head = Head::read(&memory, 4);
            assert_eq!((head.flags(), head.deadline()), (flags, other));
            assert_eq!(head.last_use(), used(99));
            assert_eq!(head.notes(), notes.and(Notes::FETCHED));
            assert_eq!((head.value_len(), head.cas(&memory, 4)), (value_len, cas));
            assert_eq!(head.value_offset(), meta.value_offset());
            let words = 4 * (usize::from(split) + usize::from(flags != 0));
            let fixed = if compact { 16 } else { 24 };
            assert!(head.value_offset() - 3 - words == fixed + 4 * usize::from(cas > 1));
            assert_eq!(head.key(&memory, 4).len(), 3);
            assert_eq!(kind(&memory, 4), Kind::Head);
            assert_eq!(next(&memory, 4), head.next());
            assert_eq!(set_cas(&mut memory, 4, 1 << 40), cas > 1);
            assert!(set_cas(&mut memory, 4, 0));
            assert_eq!(set_cas(&mut memory, 4, 7), !compact);
            let head = Head::read(&memory, 4);
            assert_eq!(head.cas(&memory, 4), if compact { 0 } else { 7 });
            assert_eq!((head.value_len(), head.deadline()), (value_len, other));
        }
    }
}
