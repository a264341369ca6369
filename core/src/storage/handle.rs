//! An item, by where its header is.

use core::ops::Deref;

use super::arena::{Arena, ArenaRef, ChunkRef};
use super::header::ItemHeader;

/// An item that was found, with its header as it was then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItemHandle {
    pub(crate) item: ChunkRef,
    pub(crate) header: ItemHeader,
}

impl<B: Deref<Target = [u8]>> Arena<B> {
    /// An item with its header as it is now.
    #[inline]
    pub(crate) fn item(&self, item: ChunkRef) -> ItemHandle {
        let header = self.header(item);
        ItemHandle { item, header }
    }
}

impl ItemHandle {
    pub(crate) fn key<'m>(&self, arena: ArenaRef<'m>) -> &'m [u8] {
        self.header.key(arena, self.item)
    }

    #[inline]
    pub(crate) fn cas(&self, arena: ArenaRef<'_>) -> u64 {
        self.header.cas(arena, self.item)
    }
}
