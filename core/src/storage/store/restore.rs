//! What the items of a snapshot had when they were saved.

use super::StoreMut;
use crate::key::HashedKey;

/// The largest part of all pages that the index takes ahead of items, one in this many. It needs
/// less than that for the smallest items, a forged number asks for more.
const INDEX_SHARE: usize = 8;

impl StoreMut<'_> {
    /// Gives the item under a key a last use this many seconds ago, and takes it out of the
    /// admission queue if it had left that before.
    pub(crate) fn restore_use(&mut self, key: &HashedKey<'_>, idle: u32, admitted: bool) {
        let Some(found) = self.view().find(key) else {
            return;
        };
        let clock = self.parts.clock;
        let second = clock.second().wrapping_sub(idle);
        let mut header = self.arena.header_mut(found.item);
        header.set_last_use(second, clock.use_bits());
        if admitted {
            self.parts.eviction.admit(&mut self.arena, found.item);
        }
    }

    /// Adds a bucket to the index if it is too small for this number of items; `false` if it is
    /// not, or if it cannot or should not be larger.
    pub(crate) fn grow_index_for(&mut self, items: usize) -> bool {
        let index = &self.parts.index;
        let before = index.buckets();
        let most = self.parts.slabs.limit() as usize / INDEX_SHARE;
        if index.is_meant_for(items) || index.pages(&self.arena.geometry) >= most {
            return false;
        }
        self.sweep_before_spread(self.parts.index.next_grown());
        let Self { arena, parts } = self;
        parts.index.grow(arena, &mut parts.slabs, &parts.hasher);
        parts.index.buckets() > before
    }

    /// Lets the index stay as large as it is, or shrink as usual.
    pub(crate) const fn keep_index(&mut self, keep: bool) {
        self.parts.index.keep(keep);
    }

    /// Sorts the order of use by the second of the last use.
    pub(crate) fn sort_by_last_use(&mut self) {
        let Self { arena, parts } = self;
        parts.eviction.sort_by_last_use(arena, parts.clock);
    }
}
