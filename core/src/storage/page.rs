//! The record of a page, 32 bytes: the only file that knows byte offsets inside it.
//!
//! ```text
//!  0  word  due        if it is in the wheel: bit 31, and the low bits of the moment it is due
//!  4  word  previous   } pages of the same slab size that have a free chunk,
//!  8  word  next       } or free pages; of a page of the index: which one of them (next)
//! 12  word  previous   } pages in the same slot of the expiry wheel
//! 16  word  next       }
//! 20  half  free       first free chunk that was used before, plus one; 0: none
//! 22  half  touched    chunks from this one on were never used
//! 24  half  used       chunks in use
//! 26  byte  class      slab class, or one of the two values below
//! 27  byte  slot       slot of the expiry wheel
//! 28  word  size       bytes of a chunk
//! ```

use core::ops::{Deref, DerefMut};

use super::arena::{Arena, ArenaMut, ArenaRef, ChunkRef, Geometry, Page};
use super::arena::{half, set_half, set_word, word};

const DUE: usize = 0;
const LIST: usize = 4;
const WHEEL: usize = 12;
const FREE: usize = 20;
const TOUCHED: usize = 22;
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

/// Which bits of the moment at which it is due the record of a page has.
pub(crate) const DUE_BITS: u32 = !IS_DUE;
const IS_DUE: u32 = 1 << 31;

/// The record of a page, to read, and to write if its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRecord<B>(B);

impl<B: Deref<Target = [u8]>> Arena<B> {
    pub(crate) fn page(&self, page: Page) -> PageRecord<&[u8; LEN]> {
        PageRecord(self.array(self.geometry.record_at(page)))
    }
}

impl ArenaMut<'_> {
    pub(crate) fn page_mut(&mut self, page: Page) -> PageRecord<&mut [u8; LEN]> {
        PageRecord(self.array_mut(self.geometry.record_at(page)))
    }
}

impl<B: Deref<Target = [u8; LEN]>> PageRecord<B> {
    pub(crate) fn class(&self) -> u8 {
        self.0[CLASS]
    }

    /// Bytes of each chunk of this page.
    pub(crate) fn chunk_size(&self) -> usize {
        word(&*self.0, SIZE) as usize
    }

    pub(crate) fn used(&self) -> usize {
        usize::from(half(&*self.0, USED))
    }

    pub(crate) fn free(&self) -> u32 {
        u32::from(half(&*self.0, FREE))
    }

    pub(crate) fn touched(&self) -> usize {
        usize::from(half(&*self.0, TOUCHED))
    }

    /// When the page is due, in milliseconds: these bits of it, if it is in the wheel.
    pub(crate) fn due(&self) -> Option<u32> {
        let due = word(&*self.0, DUE);
        (due & IS_DUE != 0).then_some(due & DUE_BITS)
    }

    pub(crate) fn slot(&self) -> u8 {
        self.0[SLOT]
    }

    /// Which page of the index this one is. It is in no list.
    pub(crate) fn index_number(&self) -> u32 {
        self.next(List::Slab).0
    }

    fn previous(&self, list: List) -> Page {
        Page(word(&*self.0, list.offset()))
    }

    pub(crate) fn next(&self, list: List) -> Page {
        Page(word(&*self.0, list.offset() + 4))
    }
}

impl<B: DerefMut<Target = [u8; LEN]>> PageRecord<B> {
    /// Makes the record that of a page of empty chunks.
    pub(crate) fn write(&mut self, class: u8, chunk_size: usize) {
        *self.0 = [0; LEN];
        self.0[CLASS] = class;
        set_word(&mut *self.0, SIZE, chunk_size as u32);
    }

    pub(crate) fn set_used(&mut self, used: usize) {
        set_half(&mut *self.0, USED, used as u16);
    }

    pub(crate) fn set_free(&mut self, free: u32) {
        set_half(&mut *self.0, FREE, free as u16);
    }

    pub(crate) fn set_touched(&mut self, touched: usize) {
        set_half(&mut *self.0, TOUCHED, touched as u16);
    }

    /// Stores these bits of when the page is due, and its slot.
    pub(crate) fn set_due(&mut self, due: u32, slot: u8) {
        set_word(&mut *self.0, DUE, due | IS_DUE);
        self.0[SLOT] = slot;
    }

    /// Clears them, and returns them as they were.
    pub(crate) fn take_due(&mut self) -> (u32, u8) {
        let due = word(&*self.0, DUE) & DUE_BITS;
        set_word(&mut *self.0, DUE, 0);
        (due, self.0[SLOT])
    }

    pub(crate) fn set_index_number(&mut self, number: u32) {
        self.set_next(List::Slab, Page(number));
    }

    fn set_next(&mut self, list: List, next: Page) {
        set_word(&mut *self.0, list.offset() + 4, next.0);
    }

    fn set_previous(&mut self, list: List, previous: Page) {
        set_word(&mut *self.0, list.offset(), previous.0);
    }
}

/// The chunks of a page that were ever used, in order.
pub(crate) fn chunks(
    arena: ArenaRef<'_>,
    page: Page,
) -> impl Iterator<Item = ChunkRef> + Clone + use<> {
    let (first, record) = (arena.geometry.first_chunk(page), arena.page(page));
    let size = record.chunk_size();
    (0..record.touched()).map(move |number| first.after(number * size))
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

    /// The pages of the list that begins with `first`.
    pub(crate) fn pages(self, arena: ArenaRef<'_>, first: Page) -> impl Iterator<Item = Page> {
        let next = move |&page: &Page| Some(arena.page(page).next(self));
        core::iter::successors(Some(first), next).take_while(|page| !page.is_none())
    }

    /// Puts a page at the front of the list that begins with `first`.
    pub(crate) fn push(self, arena: &mut ArenaMut<'_>, first: &mut Page, page: Page) {
        let mut record = arena.page_mut(page);
        record.set_previous(self, Page::NONE);
        record.set_next(self, *first);
        if !first.is_none() {
            arena.page_mut(*first).set_previous(self, page);
        }
        *first = page;
    }

    /// Takes a page out of the list that begins with `first`.
    pub(crate) fn unlink(self, arena: &mut ArenaMut<'_>, first: &mut Page, page: Page) {
        let record = arena.page(page);
        let (previous, next) = (record.previous(self), record.next(self));
        if previous.is_none() {
            *first = next;
        } else {
            arena.page_mut(previous).set_next(self, next);
        }
        if !next.is_none() {
            arena.page_mut(next).set_previous(self, previous);
        }
    }
}
