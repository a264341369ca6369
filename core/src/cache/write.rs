//! How an item is stored: what is refused, and how memory and places for it are got.

use super::Cache;
use crate::key::HashedKey;
use crate::storage::{ItemAttrs, ItemHandle, Write, Written};
use crate::view::RemovalReason;
use crate::{Error, Key, Memory, Value};

impl<M: Memory> Cache<M> {
    pub(super) fn fits(&mut self, key: &HashedKey<'_>, value_len: usize) -> Result<(), Error> {
        if key.bytes.is_empty() || key.bytes.len() > Key::LEN_MAX {
            return Err(Error::KeyLength);
        }
        if key.bytes.len().saturating_add(value_len) > self.item_size_max {
            self.parts.stats.store_too_large += 1;
            return Err(Error::ValueTooLarge);
        }
        Ok(())
    }

    /// Stores a value in place of `old`, which is removed in any case.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(super) fn put(
        &mut self,
        key: &HashedKey<'_>,
        value: &Value<'_>,
        attrs: ItemAttrs,
        old: Option<&ItemHandle>,
    ) -> Result<Written, Error> {
        let fits = self.fits(key, value.bytes.len());
        let write = Write::new(key, value.flags, attrs, value.bytes);
        let clock = &self.parts.clock;
        if fits.is_err() || attrs.deadline.has_passed(clock.time(), clock.floor()) {
            if let Some(old) = old {
                self.store_mut().remove(old, key.hash);
                self.was_deleted(key);
            }
            self.parts.stats.total_items += u64::from(fits.is_ok());
            let cas = fits.map(|()| self.parts.cas.next(attrs.cas))?;
            let class = self.parts.skip(&write);
            return Ok(Written { cas, class });
        }
        let written = self.write(old, &write)?;
        self.parts.stats.total_items += 1;
        Ok(written)
    }

    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn write(
        &mut self,
        old: Option<&ItemHandle>,
        write: &Write<'_>,
    ) -> Result<Written, Error> {
        let value_len = write.value_len(old);
        let size = write.key.bytes.len() + value_len;
        let extent = self.store().worst_case_extent(size);
        self.memory.extend_to(extent);
        let has_place = old.is_some() || self.free_item_place();
        let mut store = self.store_mut();
        // Field by field: what was written in two pieces is not read as one, which would have to
        // wait.
        let written = if has_place {
            store.write(old, write)
        } else {
            None
        };
        let written = written.map(|Written { cas, class }| (cas, class));
        let resized = written.is_some() && store.resize();
        self.parts.unpin();
        if resized {
            self.release();
        }
        debug_assert!(
            self.store().touched_extent() <= extent,
            "beyond what was asked for"
        );
        let Some((cas, class)) = written else {
            self.parts.count_no_memory(write, value_len);
            return Err(Error::OutOfMemory);
        };
        self.was_stored(&write.key, size, write.attrs.deadline);
        Ok(Written { cas, class })
    }

    /// Removes items until there may be one more; `false` if there is none that may be removed.
    fn free_item_place(&mut self) -> bool {
        while self.parts.len() >= self.max_items {
            let reason = RemovalReason::ItemLimit;
            if !self.store_mut().expire_or_evict(reason) {
                return false;
            }
        }
        true
    }
}
