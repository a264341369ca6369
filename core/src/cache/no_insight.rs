//! A cache that learns nothing about its use: nothing is done where [`insight`](crate::insight)
//! would look.

use super::Cache;
use crate::Memory;
use crate::key::HashedKey;
use crate::storage::{Deadline, ItemHandle};

impl<M: Memory> Cache<M> {
    #[inline(always)]
    pub(super) const fn was_read(&mut self, _: &HashedKey<'_>, _: Option<&ItemHandle>) {}

    #[inline(always)]
    pub(super) const fn was_stored(&mut self, _: &HashedKey<'_>, _: usize, _: Deadline) {}

    #[inline(always)]
    pub(super) const fn was_deleted(&mut self, _: &HashedKey<'_>) {}

    pub(super) const fn learn_of_limit(&mut self) {}

    pub(super) const fn forget_counted(&mut self) {}
}
