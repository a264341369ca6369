//! A budget that changes while the cache is in use: one page at a time, from the last one down.

use super::super::arena::{ChunkRef, Page};
use super::super::bucket::Bucket;
use super::super::header::{self, Kind};
use super::super::page;
use super::super::slab::Class;
use super::Store;
use crate::view::RemovalReason;

impl Store {
    /// Lets the budget end before this page.
    pub(crate) fn set_limit(&mut self, pages: u32) {
        self.slabs.set_limit(pages);
    }

    /// How many pages are in use beyond the budget.
    pub(crate) fn excess_pages(&self) -> usize {
        self.slabs.fresh().saturating_sub(self.slabs.limit()) as usize
    }

    /// The end of the memory that is in use or may be, within the budget.
    pub(crate) fn end_of_use(&self) -> usize {
        let end = self.slabs.fresh().max(self.slabs.limit());
        self.geometry().end_of(end)
    }

    /// Gives up a page, if more are in use than the budget allows; `false` if there is none to give
    /// up.
    #[inline]
    pub(crate) fn resize(&mut self, memory: &mut [u8], now: u64) -> bool {
        let excess = self.slabs.excess();
        excess.is_some_and(|page| self.give_up(memory, now, page))
    }

    #[cold]
    fn give_up(&mut self, memory: &mut [u8], now: u64, page: Page) -> bool {
        // Withdrawn at once when it is empty, so that nobody takes it again.
        self.slabs.withdraw(memory)
            || self.empty_page(memory, now, page) && self.slabs.withdraw(memory)
    }

    /// Moves what is in a page to others; `false` if no room can be made for it.
    fn empty_page(&mut self, memory: &mut [u8], now: u64, page: Page) -> bool {
        let geometry = *self.geometry();
        let class = page::class(memory, &geometry, page);
        if class == page::INDEX {
            return self.empty_index_page(memory, now, page);
        }
        self.eviction.enter_noted(memory, &geometry);
        for from in page::chunks(memory, &geometry, page) {
            while page::class(memory, &geometry, page) == class && self.is_used(memory, from) {
                if let Some(to) = self.slabs.alloc(memory, Class(class), page) {
                    self.relocate(memory, from, to);
                    self.free_chunk(memory, from);
                    // Moves nothing: not into the page that is being emptied.
                } else if !self.expire_or_evict(memory, now, RemovalReason::Memory) {
                    return false;
                }
            }
        }
        true
    }

    fn empty_index_page(&mut self, memory: &mut [u8], now: u64, page: Page) -> bool {
        while !self.index.move_page(memory, &mut self.slabs, page) {
            if !self.make_room(memory, now) {
                return false;
            }
        }
        true
    }

    /// Whether a chunk of an item or an overflow bucket is in use.
    fn is_used(&self, memory: &[u8], chunk: ChunkRef) -> bool {
        let geometry = self.geometry();
        let class = page::class(memory, geometry, geometry.page_of(chunk));
        if class == self.slabs.index_class().0 {
            Bucket::read(memory, geometry.at(chunk)).len() > 0
        } else {
            header::kind(memory, geometry.at(chunk)) != Kind::Free
        }
    }

    fn relocate(&mut self, memory: &mut [u8], from: ChunkRef, to: ChunkRef) {
        let geometry = *self.geometry();
        let class = page::class(memory, &geometry, geometry.page_of(from));
        if class == self.slabs.index_class().0 {
            let hash_of = self.hash_of_items();
            self.index
                .move_bucket(memory, &geometry, (from, to), hash_of);
        } else {
            self.move_chunk(memory, from, to);
        }
    }
}
