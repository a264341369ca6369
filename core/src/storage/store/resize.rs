//! A budget that changes while the cache is in use: one page at a time, from the last one down.

use super::super::arena::{ChunkRef, Page};
use super::super::chunk::Kind;
use super::super::class::Class;
use super::super::page;
use super::{Parts, StoreMut};
use crate::view::RemovalReason;

impl Parts {
    /// Ends the budget before this page.
    pub(crate) fn set_limit(&mut self, pages: u32, page_size: usize) {
        self.slabs.set_limit(pages);
        self.eviction.set_capacity(pages as u64 * page_size as u64);
    }

    /// How many pages are in use beyond the budget.
    pub(crate) fn excess_pages(&self) -> usize {
        self.slabs.high_water().saturating_sub(self.slabs.limit()) as usize
    }

    /// The number of the page behind all that are in use or may be, within the budget.
    pub(crate) fn pages_in_use(&self) -> u32 {
        self.slabs.high_water().max(self.slabs.limit())
    }
}

impl StoreMut<'_> {
    /// Gives up a page, if more are in use than the budget allows; `false` if there is none to give
    /// up.
    #[inline]
    pub(crate) fn resize(&mut self) -> bool {
        let excess = self.parts.slabs.excess();
        excess.is_some_and(|page| self.give_up(page))
    }

    #[cold]
    fn give_up(&mut self, page: Page) -> bool {
        // Withdrawn at once when it is empty, so that nobody takes it again.
        self.withdraw() || self.empty_page(page) && self.withdraw()
    }

    fn withdraw(&mut self) -> bool {
        self.parts.slabs.withdraw(&mut self.arena)
    }

    /// Moves what is in a page to others; `false` if there is no space for it.
    fn empty_page(&mut self, page: Page) -> bool {
        let class = self.arena.page(page).class();
        if class == page::INDEX {
            return self.empty_index_page(page);
        }
        self.parts.eviction.flush_pending(&mut self.arena);
        for from in page::chunks(self.arena.view(), page) {
            while self.arena.page(page).class() == class && self.is_used(from) {
                let slabs = &mut self.parts.slabs;
                if let Some(to) = slabs.alloc(&mut self.arena, Class(class), page) {
                    self.relocate(from, to);
                    self.free_chunk(from);
                    // Moves nothing: not into the page that is being emptied.
                } else if !self.expire_or_evict(RemovalReason::Memory) {
                    return false;
                }
            }
        }
        true
    }

    fn empty_index_page(&mut self, page: Page) -> bool {
        loop {
            let Self { arena, parts } = self;
            if parts.index.move_page(arena, &mut parts.slabs, page) {
                return true;
            }
            if !self.free_space() {
                return false;
            }
        }
    }

    fn is_overflow_bucket(&self, chunk: ChunkRef) -> bool {
        self.view().class(chunk) == self.parts.slabs.index_class().0
    }

    /// Whether a chunk of an item or an overflow bucket is in use.
    fn is_used(&self, chunk: ChunkRef) -> bool {
        let arena = &self.arena;
        if self.is_overflow_bucket(chunk) {
            arena.bucket(arena.geometry.at(chunk)).len() > 0
        } else {
            arena.chunk(chunk).kind() != Kind::Free
        }
    }

    fn relocate(&mut self, from: ChunkRef, to: ChunkRef) {
        if self.is_overflow_bucket(from) {
            let Self { arena, parts } = self;
            let hasher = &parts.hasher;
            parts.index.move_bucket(arena, (from, to), hasher);
        } else {
            self.move_chunk(from, to);
        }
    }
}
