//! What can be seen of a store: its pages, and an item from where it lies.

use super::super::arena::{self, ChunkRef, Page};
use super::super::header::{self, CONTINUATION, Kind, Mark};
use super::super::{expiry, page};
use super::{Found, Store};
use crate::view::{ChunkView, Field, PageUse};

/// The record of a page, and its place in the wheel: the moment it comes up, in milliseconds of the
/// cache's own time, level and slot.
#[derive(Debug)]
pub(crate) struct PageRecord {
    pub(crate) number: u32,
    pub(crate) usage: PageUse,
    pub(crate) chunk_size: usize,
    pub(crate) begun: usize,
    pub(crate) used: usize,
    pub(crate) due: Option<(u64, u8, u8)>,
}

impl Store {
    /// All pages in order, those that were never used included.
    pub(crate) fn pages<'m>(&'m self, memory: &'m [u8]) -> impl Iterator<Item = PageRecord> + 'm {
        let pages = self.slabs.limit().max(self.slabs.fresh());
        (0..pages).map(|number| self.page(memory, Page(number)))
    }

    fn page(&self, memory: &[u8], page: Page) -> PageRecord {
        let geometry = self.geometry();
        let mut record = PageRecord {
            number: page.0,
            usage: PageUse::Unused,
            chunk_size: 0,
            begun: 0,
            used: 0,
            due: None,
        };
        if geometry.holds_records(page) {
            record.usage = PageUse::Records;
            return record;
        }
        if page.0 >= self.slabs.fresh() {
            return record;
        }
        record.usage = match page::class(memory, geometry, page) {
            page::UNUSED => return record,
            page::INDEX => PageUse::Index,
            class if class == self.slabs.index_class().0 => PageUse::Overflow,
            _ => PageUse::Items,
        };
        record.chunk_size = page::chunk_size(memory, geometry, page);
        record.begun = page::fresh(memory, geometry, page);
        record.used = page::used(memory, geometry, page);
        record.due = page::due(memory, geometry, page).map(|due| {
            let (level, slot) = expiry::level_and_slot(page::slot(memory, geometry, page));
            (self.expiry.moment(due), level as u8, slot as u8)
        });
        record
    }

    /// The item whose head is there, if there is one.
    pub(crate) fn at_position(&self, memory: &[u8], position: u32) -> Option<Found> {
        let (geometry, item) = (self.geometry(), ChunkRef::from_word(position));
        let page = geometry.page_of(item);
        if item.within(0) != position
            || page.0 >= self.slabs.fresh()
            || geometry.holds_records(page)
            || page::class(memory, geometry, page) >= self.slabs.index_class().0
        {
            return None;
        }
        let offset = geometry.at(item) - geometry.page_at(page);
        let size = page::chunk_size(memory, geometry, page);
        let begun = page::fresh(memory, geometry, page);
        let is_head = offset.is_multiple_of(size)
            && offset / size < begun
            && header::kind(memory, geometry.at(item)) == Kind::Head;
        is_head.then(|| self.read(memory, item))
    }

    /// The slab class of an item's head.
    #[inline]
    pub(crate) fn class(&self, memory: &[u8], item: ChunkRef) -> u8 {
        let geometry = self.geometry();
        page::class(memory, geometry, geometry.page_of(item))
    }

    /// The fields of an item's head.
    pub(crate) fn fields(
        &self,
        memory: &[u8],
        found: &Found,
    ) -> impl Iterator<Item = Field> + use<> {
        found.head.fields(memory, self.geometry().at(found.item))
    }

    /// The chunks of an item, its head first.
    pub(crate) fn chunks<'m>(
        &'m self,
        memory: &'m [u8],
        found: Found,
    ) -> impl Iterator<Item = ChunkView<'m>> + 'm {
        let geometry = self.geometry();
        let (key, head) = (self.key(memory, &found).len(), found.head);
        let (first, mut left) = (found.item, head.value_len());
        let next = move |&chunk: &ChunkRef| {
            let next = if chunk == first {
                head.next()
            } else {
                header::next(memory, geometry.at(chunk))
            };
            Some(next).filter(|next| !next.is_none())
        };
        core::iter::successors(Some(first), next).map(move |chunk| {
            let (at, page) = (geometry.at(chunk), geometry.page_of(chunk));
            let bytes = arena::slice(memory, at, page::chunk_size(memory, geometry, page));
            let (head, key) = if chunk == first {
                (head.value_offset() - key, key)
            } else {
                (CONTINUATION, 0)
            };
            let value = left.min(bytes.len() - head - key);
            left -= value;
            ChunkView {
                position: chunk.within(0),
                page: page.0,
                number: (at - geometry.page_at(page)) / bytes.len(),
                bytes,
                head,
                key,
                value,
            }
        })
    }

    /// The slots in which the wheel's time is, from the finest level on.
    pub(crate) fn wheel_hands(&self) -> [u8; 4] {
        self.expiry.hands()
    }
}

impl Found {
    /// Whether the item is in the admission queue, and whether it is in the newest quarter.
    pub(crate) const fn is_queued_or_young(&self) -> (bool, bool) {
        (self.head.has(Mark::Queued), self.head.has(Mark::Young))
    }
}
