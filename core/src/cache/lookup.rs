//! How an item is found, and what is said of it.

use super::Cache;
use crate::key::HashedKey;
use crate::storage::{ItemHandle, Store, StoreMut};
use crate::view::RemovalReason;
use crate::{Bytes, Item, Memory};

impl<M: Memory> Cache<M> {
    /// The items, to read.
    #[inline]
    pub(super) fn store(&self) -> Store<'_> {
        Store::new(self.memory.bytes(), self.geometry, &self.parts)
    }

    /// The items, to write.
    #[inline]
    pub(super) fn store_mut(&mut self) -> StoreMut<'_> {
        let memory = self.memory.bytes_mut();
        StoreMut::new(memory, self.geometry, &mut self.parts)
    }

    /// The item under a key. One that has expired is removed instead.
    pub(super) fn find(&mut self, key: &HashedKey<'_>) -> Option<ItemHandle> {
        let Some(found) = self.store().find(key) else {
            self.parts.count_missing(key.hash);
            return None;
        };
        self.is_live(&found).then_some(found)
    }

    /// The item under a key, whether or not it has expired; changes nothing.
    pub(super) fn find_unchanged(&self, key: &HashedKey<'_>) -> Option<ItemHandle> {
        let found = self.store().find(key);
        found.filter(|found| !self.store().is_flushed(found))
    }

    /// Whether the deadline of an item lies ahead; if it does not, the item is removed.
    #[inline]
    pub(super) fn is_live(&mut self, found: &ItemHandle) -> bool {
        let clock = &self.parts.clock;
        let is_expired = found.header.is_expired(clock.time(), clock.floor());
        if is_expired {
            self.parts.stats.get_expired += 1;
            let reason = RemovalReason::ExpiredAsked;
            self.store_mut().expire(found.item, reason);
        }
        !is_expired
    }

    /// The item as it was found.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn item(&self, found: &ItemHandle) -> Item<'_> {
        let (store, header) = (self.store(), &found.header);
        Item {
            value: Bytes::new(store.value(found)),
            flags: header.client_flags(),
            cas: crate::Cas::new(store.cas(found)),
            expires_at: self.parts.clock.instant(header.deadline()),
            last_used: self.parts.clock.used_at(header.last_use()),
            fetched: header.fetched(),
        }
    }
}
