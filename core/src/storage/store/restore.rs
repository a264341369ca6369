//! What the items of a snapshot had when they were saved.

use super::StoreMut;
use crate::key::HashedKey;

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

    /// Sorts the order of use by the second of the last use.
    pub(crate) fn sort_by_last_use(&mut self) {
        let Self { arena, parts } = self;
        parts.eviction.sort_by_last_use(arena, parts.clock);
    }
}
