//! A shard with its share of the budget.

use std::sync::Arc;

use dynamidb_core::{Config, ConfigError, Instant, Memory};

use super::age::Marks;
use super::growth::{Growth, SHARD_MEMORY_MAX};
use crate::ahead::Ahead;
use crate::region::{Region, Shard};

/// What a shard keeps whatever others need, in pages: fewer are too few for its index and slab
/// classes.
const PAGES_MIN: usize = 48;
/// The pages that a store of a small value may take: one each for the header, four further chunks
/// and two overflow buckets, one of the index, and some that hold records.
const PAGES_OF_ITEM: usize = 12;
/// How many pages beyond its share a shard frees before it is asked again.
const EXCESS_PAGES: usize = 64;
/// How many pages nobody uses stay where they are.
const PAGES_KEPT: usize = 16;

/// A shard, and what it may use.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) shard: Shard,
    /// Its share of the budget, in bytes.
    pub(super) memory: usize,
    /// The largest share that it can have.
    pub(super) most: usize,
    pub(super) marks: Marks,
    /// Bytes that were stored since shares were last compared.
    pub(super) stored: usize,
    /// Items do not say when they were used.
    compact: bool,
    /// Growing copies everything, because no addresses are set aside.
    pub(super) relocates: bool,
}

impl Share {
    /// A shard whose share of the budget is `config.memory`. Where shares move, it can get all of
    /// the budget.
    pub(super) fn new(
        config: Config,
        budget: Option<usize>,
        growth: Growth,
        ahead: &Arc<Ahead>,
    ) -> Result<Self, ConfigError> {
        let (memory, compact) = (config.memory, config.compact);
        let addressable = usize::try_from(SHARD_MEMORY_MAX).unwrap_or(usize::MAX >> 1);
        let most = budget.map_or(memory, |_| growth.max.min(addressable).max(memory));
        let set_aside = growth.set_aside || budget.is_none();
        let region = Region::new(most, set_aside).map_err(|_| ConfigError::OutOfMemory)?;
        let region = region.announcing(ahead, config.shard.into());
        let relocates = region.bytes().len() < most;
        let mut shard = Shard::with_memory(config, region)?;
        shard.set_share(memory, budget.unwrap_or(memory))?;
        Ok(Self {
            shard,
            memory,
            most,
            marks: Marks::default(),
            stored: 0,
            compact,
            relocates,
        })
    }

    /// The least share there can be.
    pub(super) fn least(&mut self) -> usize {
        match self.shard.set_memory(0) {
            Err(ConfigError::MemoryTooSmall(least)) => least,
            _ => self.memory,
        }
    }

    /// The pages that a store of this many bytes may take.
    #[inline]
    pub(super) const fn pages_for(&self, len: usize) -> usize {
        let pages = len / self.shard.page_size();
        // Each page has a link, and 127 have one of records.
        pages + pages / 64 + PAGES_OF_ITEM
    }

    /// How many pages it has that others can have.
    pub(super) const fn spare_pages(&self) -> usize {
        let left = self.pages().saturating_sub(PAGES_MIN);
        let unused = self.shard.unused_pages().saturating_sub(PAGES_KEPT);
        if unused < left { unused } else { left }
    }

    /// Whether it has so little that a store might find nothing to evict.
    pub(super) const fn is_small(&self) -> bool {
        self.pages() < 2 * PAGES_MIN
    }

    /// How many pages a share of this many bytes is worth.
    pub(super) const fn pages(&self) -> usize {
        self.memory / self.shard.page_size()
    }

    /// When its least recently used item was last used, in milliseconds: what is less is evicted
    /// first. `None` if it has nothing to give.
    pub(super) fn oldest_use(&mut self) -> Option<u64> {
        if self.pages() <= PAGES_MIN {
            return None;
        }
        let oldest = self.marks.oldest_use(&self.shard)?;
        // The larger ones give first where nothing is known.
        let by_size = (u64::MAX >> 1) - self.memory as u64;
        Some(if self.compact { by_size } else { oldest })
    }

    /// Gives up to this many pages of its share away, and returns their bytes: those that nobody
    /// uses, then those of the least recently used items.
    pub(super) fn shrink(&mut self, pages: usize, now: Instant, budget: usize) -> usize {
        let (page_size, before) = (self.shard.page_size(), self.memory);
        let pages = pages.min(self.pages().saturating_sub(PAGES_MIN));
        if pages == 0 || self.free_excess(now) > 0 {
            return 0;
        }
        // Before the share is smaller: what has to be moved evicts nothing then.
        self.shard.free_pages(now, pages);
        let pages = pages.min(self.shard.unused_pages());
        let target = before - pages * page_size;
        if self.shard.set_share(target, budget).is_err() {
            return 0;
        }
        // Some hold records, and are no item's.
        let left = self.shard.free_excess(now, pages + 1);
        self.memory = before.min(target + left * page_size);
        if left > 0 && self.shard.set_share(self.memory, budget).is_err() {
            self.memory = target;
        }
        before - self.memory
    }

    /// Frees some of the pages that it uses beyond its share, because the budget was lowered;
    /// returns how many are left.
    pub(super) fn free_excess(&mut self, now: Instant) -> usize {
        self.shard.free_excess(now, EXCESS_PAGES)
    }

    /// Takes this many bytes more; `false` if it cannot.
    pub(super) fn enlarge(&mut self, bytes: usize, budget: usize) -> bool {
        let enlarged = self.shard.set_share(self.memory + bytes, budget).is_ok();
        if enlarged {
            self.memory += bytes;
        }
        enlarged
    }

    /// Changes its share to this.
    pub(super) fn set(&mut self, memory: usize, budget: usize) -> Result<(), ConfigError> {
        self.shard.set_share(memory, budget)?;
        self.memory = memory;
        Ok(())
    }
}
