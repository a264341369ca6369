//! How an item is removed, whatever for.

use super::super::arena::ChunkRef;
use super::super::class::Class;
use super::super::handle::ItemHandle;
use super::super::monitor::Counted;
use super::StoreMut;

impl StoreMut<'_> {
    /// Removes an item.
    pub(crate) fn remove(&mut self, found: &ItemHandle, hash: u64) {
        let Self { arena, parts } = self;
        let (index, slabs) = (&mut parts.index, &mut parts.slabs);
        index.remove(arena, slabs, hash, found.item);
        parts.eviction.unlink(arena, found);
        let class = Class(arena.page(arena.geometry.page_of(found.item)).class());
        parts.slabs.discount_item(class);
        let size = found.header.size_in_all();
        parts.count_bytes(Counted::new(class), 0, size);
        self.free_chunks(found.item);
    }

    /// Frees the chunks of an item.
    pub(super) fn free_chunks(&mut self, item: ChunkRef) {
        let mut next = item;
        while !next.is_none() {
            let chunk = next;
            next = self.arena.chunk(chunk).next();
            self.free_chunk(chunk);
        }
    }

    pub(super) fn free_chunk(&mut self, chunk: ChunkRef) {
        let Self { arena, parts } = self;
        let page = arena.geometry.page_of(chunk);
        let record = arena.page(page);
        if record.used() == 1 && record.due().is_some() {
            parts.expiry.unlink(arena, page);
        }
        parts.slabs.free(arena, chunk);
    }
}
