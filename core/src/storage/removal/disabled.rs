//! No log of what is evicted or expires: it would need a heap.

use super::clock::Clock;
use super::handle::ItemHandle;
use crate::view::RemovalReason;

/// A log that is always off.
#[derive(Debug)]
pub(crate) struct RemovalLog;

impl RemovalLog {
    pub(crate) const fn new() -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        false
    }

    pub(crate) const fn push(&self, _: RemovalReason, _: &ItemHandle, _: u8, _: &[u8], _: Clock) {}
}
