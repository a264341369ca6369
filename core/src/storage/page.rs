//! The record of a page, 32 bytes: the only file that knows byte offsets inside it.
//!
//! ```text
//!  0  word  due        if it is in the wheel: bit 31, and the low bits of the moment it is due
//!  4  word  previous   } pages of the same slab size that have a free chunk,
//!  8  word  next       } or free pages; of a page of the index: which one of them (next)
//! 12  word  previous   } pages in the same slot of the expiry wheel
//! 16  word  next       }
//! 20  half  free       first free chunk that was used before, plus one; 0: none
//! 22  half  fresh      chunks from this one on were never used
//! 24  half  used       chunks in use
//! 26  byte  class      slab class, or one of the two values below
//! 27  byte  slot       slot of the expiry wheel
//! 28  word  size       bytes of a chunk
//! ```

use super::arena::{ChunkRef, Geometry, Page};
use super::arena::{array_mut, array_ref, half, set_half, set_word, word};

const DUE: usize = 0;
const LIST: usize = 4;
const WHEEL: usize = 12;
const FREE: usize = 20;
const FRESH: usize = 22;
const USED: usize = 24;
const CLASS: usize = 26;
const SLOT: usize = 27;
const SIZE: usize = 28;

/// The class of a page that nobody uses.
pub(crate) const UNUSED: u8 = 0xFF;
/// The class of a page that holds buckets of the index.
pub(crate) const INDEX: u8 = 0xFE;

/// Bytes of a record.
const LEN: usize = Geometry::RECORD;

fn record<'m>(memory: &'m [u8], geometry: &Geometry, page: Page) -> &'m [u8; LEN] {
    array_ref(memory, geometry.record_at(page))
}

fn record_mut<'m>(memory: &'m mut [u8], geometry: &Geometry, page: Page) -> &'m mut [u8; LEN] {
    array_mut(memory, geometry.record_at(page))
}

/// Makes the record that of a page of empty chunks.
pub(crate) fn write(memory: &mut [u8], geometry: &Geometry, page: Page, class: u8, size: usize) {
    let record = record_mut(memory, geometry, page);
    *record = [0; LEN];
    record[CLASS] = class;
    set_word(record, SIZE, size as u32);
}

pub(crate) fn class(memory: &[u8], geometry: &Geometry, page: Page) -> u8 {
    record(memory, geometry, page)[CLASS]
}

/// Bytes of each chunk of this page.
pub(crate) fn chunk_size(memory: &[u8], geometry: &Geometry, page: Page) -> usize {
    word(record(memory, geometry, page), SIZE) as usize
}

pub(crate) fn used(memory: &[u8], geometry: &Geometry, page: Page) -> usize {
    usize::from(half(record(memory, geometry, page), USED))
}

pub(crate) fn set_used(memory: &mut [u8], geometry: &Geometry, page: Page, used: usize) {
    set_half(record_mut(memory, geometry, page), USED, used as u16);
}

pub(crate) fn free(memory: &[u8], geometry: &Geometry, page: Page) -> u32 {
    u32::from(half(record(memory, geometry, page), FREE))
}

pub(crate) fn set_free(memory: &mut [u8], geometry: &Geometry, page: Page, free: u32) {
    set_half(record_mut(memory, geometry, page), FREE, free as u16);
}

pub(crate) fn fresh(memory: &[u8], geometry: &Geometry, page: Page) -> usize {
    usize::from(half(record(memory, geometry, page), FRESH))
}

pub(crate) fn set_fresh(memory: &mut [u8], geometry: &Geometry, page: Page, fresh: usize) {
    set_half(record_mut(memory, geometry, page), FRESH, fresh as u16);
}

/// Which bits of the moment at which it is due the record of a page has.
pub(crate) const DUE_BITS: u32 = !IS_DUE;
const IS_DUE: u32 = 1 << 31;

/// When the page is due, in milliseconds: these bits of it, if it is in the wheel.
pub(crate) fn due(memory: &[u8], geometry: &Geometry, page: Page) -> Option<u32> {
    let due = word(record(memory, geometry, page), DUE);
    (due & IS_DUE != 0).then_some(due & DUE_BITS)
}

/// Notes these bits, and in which slot the page is.
pub(crate) fn set_due(memory: &mut [u8], geometry: &Geometry, page: Page, due: u32, slot: u8) {
    let record = record_mut(memory, geometry, page);
    set_word(record, DUE, due | IS_DUE);
    record[SLOT] = slot;
}

/// Forgets them, and returns them as they were.
pub(crate) fn take_due(memory: &mut [u8], geometry: &Geometry, page: Page) -> (u32, u8) {
    let record = record_mut(memory, geometry, page);
    let due = word(record, DUE) & DUE_BITS;
    set_word(record, DUE, 0);
    (due, record[SLOT])
}

pub(crate) fn slot(memory: &[u8], geometry: &Geometry, page: Page) -> u8 {
    record(memory, geometry, page)[SLOT]
}

/// Which page of the index this one is. It is in no list.
pub(crate) fn index_number(memory: &[u8], geometry: &Geometry, page: Page) -> u32 {
    List::Slab.next(memory, geometry, page).0
}

pub(crate) fn set_index_number(memory: &mut [u8], geometry: &Geometry, page: Page, number: u32) {
    List::Slab.set_next(memory, geometry, page, Page(number));
}

/// The chunks of a page that were ever used, in order.
pub(crate) fn chunks(
    memory: &[u8],
    geometry: &Geometry,
    page: Page,
) -> impl Iterator<Item = ChunkRef> + Clone + use<> {
    let (start, size) = (geometry.page_at(page), chunk_size(memory, geometry, page));
    let (geometry, fresh) = (*geometry, fresh(memory, geometry, page));
    (0..fresh).map(move |index| geometry.chunk_at(start + index * size))
}

/// Which of the two lists that a page may be in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List {
    /// Pages of one slab size with a free chunk.
    Slab,
    /// Pages in one slot of the expiry wheel.
    Wheel,
}

impl List {
    const fn offset(self) -> usize {
        match self {
            Self::Slab => LIST,
            Self::Wheel => WHEEL,
        }
    }

    fn previous(self, memory: &[u8], geometry: &Geometry, page: Page) -> Page {
        Page(word(record(memory, geometry, page), self.offset()))
    }

    pub(crate) fn next(self, memory: &[u8], geometry: &Geometry, page: Page) -> Page {
        Page(word(record(memory, geometry, page), self.offset() + 4))
    }

    /// The pages of the list that begins with `first`.
    pub(crate) fn pages(
        self,
        memory: &[u8],
        geometry: &Geometry,
        first: Page,
    ) -> impl Iterator<Item = Page> {
        let next = move |&page: &Page| Some(self.next(memory, geometry, page));
        core::iter::successors(Some(first), next).take_while(|page| !page.is_none())
    }

    pub(crate) fn set_next(self, memory: &mut [u8], geometry: &Geometry, page: Page, next: Page) {
        let record = record_mut(memory, geometry, page);
        set_word(record, self.offset() + 4, next.0);
    }

    fn set_previous(self, memory: &mut [u8], geometry: &Geometry, page: Page, previous: Page) {
        let record = record_mut(memory, geometry, page);
        set_word(record, self.offset(), previous.0);
    }

    /// Puts a page at the front of the list that begins with `first`.
    pub(crate) fn push(self, memory: &mut [u8], geometry: &Geometry, first: &mut Page, page: Page) {
        self.set_previous(memory, geometry, page, Page::NONE);
        self.set_next(memory, geometry, page, *first);
        if !first.is_none() {
            self.set_previous(memory, geometry, *first, page);
        }
        *first = page;
    }

    /// Takes a page out of the list that begins with `first`.
    pub(crate) fn unlink(
        self,
        memory: &mut [u8],
        geometry: &Geometry,
        first: &mut Page,
        page: Page,
    ) {
        let previous = self.previous(memory, geometry, page);
        let next = self.next(memory, geometry, page);
        if previous.is_none() {
            *first = next;
        } else {
            self.set_next(memory, geometry, previous, next);
        }
        if !next.is_none() {
            self.set_previous(memory, geometry, next, previous);
        }
    }
}
