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

/// A chunk of a page, seen from the page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkInfo {
    pub(crate) item: ItemHandle,
    pub(crate) is_continuation: bool,
    /// Bytes of header, key and value in it.
    pub(crate) filled: usize,
    pub(crate) chain: ChainInfo,
}

/// The chunks of an item: how many, their bytes, and how many of them are used in the last one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainInfo {
    pub(crate) count: usize,
    pub(crate) size: usize,
    last_filled: usize,
}

impl Parts {
    /// The slots in which the wheel's time is, from the finest level on.
    pub(crate) fn wheel_hands(&self) -> [u8; 4] {
        self.expiry.hands()
    }

    /// Pages that were ever used.
    pub(crate) const fn pages_begun(&self) -> u32 {
        self.slabs.high_water()
    }
}

impl<'s> Store<'s> {
    /// All pages in order, those that were never used included.
    pub(crate) fn pages(self) -> impl Iterator<Item = PageInfo> + 's {
        (0..self.page_count()).map(move |number| self.page(Page(number)))
    }

    pub(crate) fn page_count(self) -> u32 {
        let slabs = &self.parts.slabs;
        slabs.limit().max(slabs.high_water())
    }

    pub(crate) fn page_at(self, number: u32) -> Option<PageInfo> {
        (number < self.page_count()).then(|| self.page(Page(number)))
    }

    /// The chunks of a page of items that were ever used, in order; `None` for a free one.
    pub(crate) fn chunks_in(self, page: u32) -> impl Iterator<Item = Option<ChunkInfo>> + 's {
        let info = self.page_at(page);
        let info = info.filter(|info| info.usage == PageUse::Items);
        let (touched, size) = info.map_or((0, 0), |info| (info.touched, info.chunk_size));
        let first = move || self.arena.geometry.first_chunk(Page(page));
        (0..touched).map(move |number| self.chunk_info(first().after(number * size), size))
    }

    fn chunk_info(self, at: ChunkRef, size: usize) -> Option<ChunkInfo> {
        let chunk = self.arena.chunk(at);
        let header = match chunk.kind() {
            Kind::Free => return None,
            Kind::Header => at,
            Kind::Continuation if chunk.is_pending() => return None,
            Kind::Continuation => chunk.owner(),
        };
        let item = self.arena.item(header);
        let chain = self.chain_info(&item);
        let is_last = chunk.next().is_none();
        Some(ChunkInfo {
            item,
            is_continuation: chunk.kind() == Kind::Continuation,
            filled: if is_last { chain.last_filled } else { size },
            chain,
        })
    }

    /// Looks at the few chunks below page size: those of a page come behind them, and are known
    /// by the bytes that are left.
    fn chain_info(self, found: &ItemHandle) -> ChainInfo {
        let Self { arena, parts } = self;
        let size_of = |chunk| arena.page(arena.geometry.page_of(chunk)).chunk_size();
        let page_size = parts.slabs.size(parts.slabs.page_class());
        let all = found.header.size_in_all() as usize;
        let first = size_of(found.item);
        let (mut info, mut left) = (
            ChainInfo {
                count: 1,
                size: first,
                last_filled: all.min(first),
            },
            all.saturating_sub(first),
        );
        let mut next = arena.chunk(found.item).next();
        while !next.is_none() {
            let size = size_of(next);
            if size == page_size {
                let payload = page_size - CONTINUATION;
                let pages = left.div_ceil(payload).max(1);
                info.count += pages;
                info.size += pages * page_size;
                info.last_filled = CONTINUATION + left.saturating_sub((pages - 1) * payload);
                break;
            }
            info.count += 1;
            info.size += size;
            info.last_filled = CONTINUATION + left.min(size - CONTINUATION);
            left = left.saturating_sub(size - CONTINUATION);
            next = arena.chunk(next).next();
        }
        info
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
