//! Chunks that move, so that the page they are in becomes free.

use super::super::arena::{ChunkRef, Page};
use super::super::chunk::Kind;
use super::super::class::Class;
use super::super::index::ItemHasher;
use super::super::page;
use super::StoreMut;

impl StoreMut<'_> {
    /// Empties a sparse page by moving its chunks to others of its size; `false` if none is worth
    /// it.
    pub(super) fn compact(&mut self) -> bool {
        let Self { arena, parts } = self;
        let Some(page) = parts.slabs.sparse_page(arena.view()) else {
            return false;
        };
        parts.eviction.flush_pending(arena);
        let mut chunks = page::chunks(arena.view(), page);
        let is_pending = |chunk| arena.chunk(chunk).is_pending();
        if chunks.clone().any(is_pending) {
            return false;
        }
        let class = Class(arena.page(page).class());
        let moved = chunks.all(|from| {
            self.arena.chunk(from).kind() == Kind::Free || self.evacuate(from, class, page)
        });
        self.parts.stats.slabs_moved += u64::from(moved);
        moved
    }

    /// Moves a chunk of an item out of its page; `false` if there is no other for it.
    fn evacuate(&mut self, from: ChunkRef, class: Class, page: Page) -> bool {
        let Some(to) = self.parts.slabs.alloc(&mut self.arena, class, page) else {
            return false;
        };
        self.move_chunk(from, to);
        self.free_chunk(from);
        true
    }

    /// Copies a chunk and redirects everything that refers to it to the copy. Nothing may be
    /// [pending](super::Eviction::flush_pending) in the order of use.
    pub(super) fn move_chunk(&mut self, from: ChunkRef, to: ChunkRef) {
        let Self { arena, parts } = self;
        let geometry = arena.geometry;
        let size = arena.page(geometry.page_of(from)).chunk_size();
        arena.copy(geometry.at(from), geometry.at(to), size);
        parts.stats.chunks_moved += 1;
        if arena.chunk(to).kind() == Kind::Header {
            let hash = parts.hasher.hash_item(arena.view(), to);
            parts.index.moved(arena, hash, from, to);
            parts.eviction.moved(arena, from, to);
            self.set_owners(to);
            self.schedule(to, self.arena.header(to).deadline());
            return;
        }
        let mut before = arena.chunk(to).owner();
        loop {
            let next = arena.chunk(before).next();
            if next == from {
                arena.chunk_mut(before).set_next(to);
                return;
            }
            debug_assert!(!next.is_none(), "a continuation is in its owner's chain");
            if next.is_none() {
                return;
            }
            before = next;
        }
    }
}
