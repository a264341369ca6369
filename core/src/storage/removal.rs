//! The log of items that were evicted or have expired.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::arena::ChunkRef;
use super::clock::Clock;
use super::handle::ItemHandle;
use super::header::ItemHeader;
use crate::Key;
use crate::view::{Removal, RemovalReason};

/// An item that was removed, and the clock at that time.
#[derive(Clone, Copy, Debug)]
struct Entry {
    reason: RemovalReason,
    item: ChunkRef,
    /// The slab class of its first chunk.
    class: u8,
    header: ItemHeader,
    clock: Clock,
    key: [u8; Key::LEN_MAX],
    key_len: u8,
}

impl Entry {
    fn removal(&self) -> Removal<'_> {
        Removal {
            reason: self.reason,
            key: self.key.get(..self.key_len.into()).unwrap_or(&self.key),
            position: self.item.within(0),
            class: self.class,
            value_len: self.header.value_len(),
            last_used: self.clock.used_at(self.header.last_use()),
            expires_at: self.clock.instant(self.header.deadline()),
            fetched: self.header.fetched(),
            queued: self.header.lru_bits().is_new(),
        }
    }
}

/// The items that were evicted or have expired, with the reason, in the order in which that
/// happened: up to a limit, and none until it is set.
///
/// # Examples
/// ```
/// use dynamidb_core::view::{RemovalLog, RemovalReason};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut config = Config::new(64 * 1024);
/// config.max_items = Some(1);
/// let mut cache = Cache::new(config)?;
/// cache.removal_log_mut().set_limit(10)?;
/// cache.set(Instant::from_secs(0), "first", "value")?;
/// cache.set(Instant::from_secs(1), "second", "value")?;
///
/// let log: &RemovalLog = cache.removal_log();
/// let removal = log.iter().next().unwrap();
/// assert_eq!((removal.key, removal.reason), (&b"first"[..], RemovalReason::ItemLimit));
/// assert_eq!((log.len(), log.is_empty(), log.missed()), (1, false, 0));
/// cache.removal_log_mut().clear();
/// assert!(cache.removal_log().is_empty());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RemovalLog {
    entries: Vec<Entry>,
    /// The most that it may hold; the allocator may have given more.
    limit: usize,
    missed: u64,
}

impl RemovalLog {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            limit: 0,
            missed: 0,
        }
    }

    /// Empties the log. From now on it holds up to `limit` items; with 0 it is off.
    ///
    /// # Errors
    /// There is no memory for this many. The log is off then.
    pub fn set_limit(&mut self, limit: usize) -> Result<(), TryReserveError> {
        *self = Self::new();
        self.entries.try_reserve_exact(limit)?;
        self.limit = limit;
        Ok(())
    }

    /// The items, the first removed first.
    pub fn iter(&self) -> impl Iterator<Item = Removal<'_>> {
        self.entries.iter().map(Entry::removal)
    }

    /// How many items are in the log.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no item is in the log.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many items were removed while the log was full, and are not in it.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// Empties the log, which stays on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.missed = 0;
    }

    #[inline]
    pub(crate) const fn is_on(&self) -> bool {
        self.limit > 0
    }

    /// Adds an item, while the log is on.
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
