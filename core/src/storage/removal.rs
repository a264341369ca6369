//! Who went without being asked to, and why: a bounded list for whoever watches. Off at first.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::arena::ChunkRef;
use super::clock::Clock;
use super::handle::ItemHandle;
use super::header::ItemHeader;
use crate::view::RemovalReason;
use crate::{Instant, Key};

/// An item that went, and the clock at that time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) reason: RemovalReason,
    pub(crate) item: ChunkRef,
    /// The slab class of its first chunk.
    pub(crate) class: u8,
    header: ItemHeader,
    clock: Clock,
    key: [u8; Key::LEN_MAX],
    key_len: u8,
}

impl Entry {
    pub(crate) fn key(&self) -> &[u8] {
        self.key.get(..self.key_len.into()).unwrap_or(&self.key)
    }

    pub(crate) const fn value_len(&self) -> usize {
        self.header.value_len()
    }

    pub(crate) fn expires_at(&self) -> Option<Instant> {
        self.clock.instant(self.header.deadline())
    }

    pub(crate) const fn last_used(&self) -> Instant {
        self.clock.used_at(self.header.last_use())
    }

    pub(crate) const fn fetched(&self) -> bool {
        self.header.fetched()
    }

    pub(crate) const fn queued(&self) -> bool {
        self.header.lru_bits().is_new()
    }
}

/// The list. It is on while it may hold anything.
#[derive(Debug)]
pub(crate) struct Removals {
    entries: Vec<Entry>,
    /// The most that it may hold; the allocator may have given more.
    limit: usize,
    missed: u64,
}

impl Removals {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            limit: 0,
            missed: 0,
        }
    }

    /// Empties the list and gives it room for so many.
    pub(crate) fn watch(&mut self, limit: usize) -> Result<(), TryReserveError> {
        *self = Self::new();
        self.entries.try_reserve_exact(limit)?;
        self.limit = limit;
        Ok(())
    }

    /// Empties the list.
    pub(crate) fn forget(&mut self) {
        self.entries.clear();
        self.missed = 0;
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many came when the list was full.
    pub(crate) const fn missed(&self) -> u64 {
        self.missed
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.limit > 0
    }

    /// Adds an item that is evicted or expires, while the list is on.
    pub(crate) fn push(
        &mut self,
        reason: RemovalReason,
        found: &ItemHandle,
        class: u8,
        key: &[u8],
        clock: Clock,
    ) {
        if self.entries.len() < self.limit {
            let mut copy = [0; Key::LEN_MAX];
            for (to, from) in copy.iter_mut().zip(key) {
                *to = *from;
            }
            self.entries.push(Entry {
                reason,
                item: found.item,
                class,
                header: found.header,
                clock,
                key: copy,
                key_len: key.len() as u8,
            });
        } else {
            self.missed += 1;
        }
    }
}
