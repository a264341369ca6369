//! What moves, and what refers to it in the index.

use super::super::arena::{ArenaMut, ChunkRef, Geometry, Offset, Page};
use super::super::page;
use super::super::slab::Slabs;
use super::slot::{Slot, locate};
use super::{Index, ItemHasher, set_page};

impl Index {
    /// Redirects the entry of an item that moved to its new place.
    pub(crate) fn moved(
        &mut self,
        arena: &mut ArenaMut<'_>,
        hash: u64,
        from: ChunkRef,
        to: ChunkRef,
    ) {
        let first = self.first_bucket(arena.view(), hash);
        if let Some(Slot { bucket, number }) = locate(arena.view(), first, hash, from) {
            arena.bucket_mut(bucket).set_item(number, to);
        }
    }

    /// Moves a page of buckets to one that nobody uses; `false` if there is none.
    pub(crate) fn move_page(
        &self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        from: Page,
    ) -> bool {
        let number = arena.page(from).index_number();
        let Some(to) = slabs.take_page(arena, page::INDEX, 0) else {
            return false;
        };
        let (from_at, to_at) = (arena.geometry.page_at(from), arena.geometry.page_at(to));
        arena.copy(from_at, to_at, arena.geometry.page_size());
        set_page(arena, number, to);
        slabs.give_page(arena, from);
        true
    }

    /// Copies an overflow bucket that is in use and redirects the one before it to the copy.
    pub(crate) fn move_bucket(
        &self,
        arena: &mut ArenaMut<'_>,
        (from, to): (ChunkRef, ChunkRef),
        hasher: &impl ItemHasher,
    ) {
        let (from_at, to_at) = (arena.geometry.at(from), arena.geometry.at(to));
        arena.copy(from_at, to_at, Geometry::LINE);
        let item = arena.bucket(from_at).item(0);
        let view = arena.view();
        let first = self.first_bucket(view, hasher.hash_item(view, item));
        let leads_there = |&at: &Offset| view.bucket_after(at) == Some(from_at);
        let before = view.bucket_chain(first).find(leads_there);
        debug_assert!(before.is_some(), "a bucket is in the chain of its items");
        if let Some(before) = before {
            arena.bucket_mut(before).set_next(to);
        }
    }
}
