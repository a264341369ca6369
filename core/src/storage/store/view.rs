//! What can be seen of a store: its pages, and an item from where it lies.

use super::super::arena::{ChunkRef, Page};
use super::super::chunk::{CONTINUATION, Kind};
use super::super::handle::ItemHandle;
use super::super::{expiry, page};
use super::{Parts, Store};
use crate::view::{ChunkView, Field, PageUse};

/// The record of a page, and its place in the wheel: the moment it is due, in milliseconds of the
/// cache's own time, level and slot.
#[derive(Debug)]
pub(crate) struct PageInfo {
    pub(crate) number: u32,
    pub(crate) usage: PageUse,
    pub(crate) chunk_size: usize,
    pub(crate) touched: usize,
    pub(crate) used: usize,
    pub(crate) due: Option<(u64, u8, u8)>,
}

impl Parts {
    /// The slots in which the wheel's time is, from the finest level on.
    pub(crate) fn wheel_hands(&self) -> [u8; 4] {
        self.expiry.hands()
    }
}

impl<'s> Store<'s> {
    /// All pages in order, those that were never used included.
    pub(crate) fn pages(self) -> impl Iterator<Item = PageInfo> + 's {
        let slabs = &self.parts.slabs;
        let pages = slabs.limit().max(slabs.high_water());
        (0..pages).map(move |number| self.page(Page(number)))
    }

    fn page(self, page: Page) -> PageInfo {
        let Self { arena, parts } = self;
        let mut info = PageInfo {
            number: page.0,
            usage: PageUse::Unused,
            chunk_size: 0,
            touched: 0,
            used: 0,
            due: None,
        };
        if arena.geometry.holds_records(page) {
            info.usage = PageUse::Records;
            return info;
        }
        if page.0 >= parts.slabs.high_water() {
            return info;
        }
        let record = arena.page(page);
        info.usage = match record.class() {
            page::UNUSED => return info,
            page::INDEX => PageUse::Index,
            class if class == parts.slabs.index_class().0 => PageUse::Overflow,
            _ => PageUse::Items,
        };
        info.chunk_size = record.chunk_size();
        info.touched = record.touched();
        info.used = record.used();
        info.due = record.due().map(|due| {
            let (level, slot) = expiry::level_and_slot(record.slot());
            (parts.expiry.moment(due), level as u8, slot as u8)
        });
        info
    }

    /// The item whose header is there, if there is one.
    pub(crate) fn at_position(self, position: u32) -> Option<ItemHandle> {
        let Self { arena, parts } = self;
        let (geometry, item) = (arena.geometry, ChunkRef::from_word(position));
        let page = geometry.page_of(item);
        if item.within(0) != position
            || page.0 >= parts.slabs.high_water()
            || geometry.holds_records(page)
            || arena.page(page).class() >= parts.slabs.index_class().0
        {
            return None;
        }
        let offset = item.since(geometry.first_chunk(page));
        let record = arena.page(page);
        let size = record.chunk_size();
        let is_header = offset.is_multiple_of(size)
            && offset / size < record.touched()
            && arena.chunk(item).kind() == Kind::Header;
        is_header.then(|| arena.item(item))
    }

    /// The slab class of an item's first chunk.
    #[inline]
    pub(crate) fn class(self, item: ChunkRef) -> u8 {
        let page = self.arena.geometry.page_of(item);
        self.arena.page(page).class()
    }

    /// The fields of an item's header.
    pub(crate) fn fields(self, found: &ItemHandle) -> impl Iterator<Item = Field> + use<> {
        let stamped = self.parts.eviction.is_by_density();
        found.header.fields(self.arena, found.item, stamped)
    }

    /// The chunks of an item, that of its header first.
    pub(crate) fn chunks(self, found: ItemHandle) -> impl Iterator<Item = ChunkView<'s>> + 's {
        let (arena, geometry) = (self.arena, self.arena.geometry);
        let (key, header) = (self.key(&found).len(), found.header);
        let (first, mut left) = (found.item, header.value_len());
        let next = move |&chunk: &ChunkRef| {
            let next = arena.chunk(chunk).next();
            Some(next).filter(|next| !next.is_none())
        };
        core::iter::successors(Some(first), next).map(move |chunk| {
            let (at, page) = (geometry.at(chunk), geometry.page_of(chunk));
            let bytes = arena.slice(at, arena.page(page).chunk_size());
            let (head, key) = if chunk == first {
                (header.value_offset() - key, key)
            } else {
                (CONTINUATION, 0)
            };
            let value = left.min(bytes.len() - head - key);
            left -= value;
            ChunkView {
                position: chunk.within(0),
                page: page.0,
                number: chunk.since(geometry.first_chunk(page)) / bytes.len(),
                bytes,
                head,
                key,
                value,
            }
        })
    }
}

impl ItemHandle {
    /// Whether the item is in the admission queue, or on the lower level of `density`.
    pub(crate) const fn is_in_small_queue(&self) -> bool {
        self.header.lru_bits().is_new()
    }

    /// Whether it is in the newest quarter of a lazy list.
    pub(crate) const fn is_recent(&self) -> bool {
        self.header.lru_bits().is_recent()
    }
}
