//! How the memory of a cache is divided, and what its budget is worth: every limit of a
//! configuration is checked here, once, when a cache is made.

use super::arena::{Geometry, Offset};
use super::flush::Flushes;
use crate::{Config, ConfigError, LruBump, Policy, SlabSizes};

/// How a memory is divided, once the configuration was found to be right.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) geometry: Geometry,
    /// How many pages there is space for; how many may be used, the budget says.
    pub(crate) pages: u32,
    /// The slab sizes; the last is the page size.
    pub(crate) sizes: SlabSizes,
    /// How many pages of buckets the map of the index can hold; it comes first.
    pub(crate) map_len: u32,
    /// Where the table of evicted hashes begins, and how many words it has.
    pub(crate) ghosts_at: Offset,
    pub(crate) ghosts_len: usize,
    /// Where the prefixes of flushes begin, and how many bytes they have.
    pub(crate) flushes_at: Offset,
    pub(crate) flushes_size: usize,
    pub(crate) policy: Policy,
    pub(crate) lru_bump: LruBump,
    pub(crate) budget: Budget,
}

/// How many pages a budget is worth, in a memory that is laid out already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    page_size: usize,
    /// Bytes of the cache's own fields, and of the tables besides the map of the index.
    own: usize,
    tables: usize,
    /// The largest budget.
    most: usize,
}

impl Budget {
    /// The pages for a budget of `memory` bytes, which pays for all else as well.
    pub(crate) fn pages(&self, memory: usize) -> Result<u32, ConfigError> {
        if memory > self.most {
            return Err(ConfigError::MemoryTooLarge(self.most as u64));
        }
        let arena = memory.saturating_sub(self.own);
        let map = Layout::table_size(Layout::map_len(self.page_size, arena));
        let pages = arena.saturating_sub(map + self.tables + Geometry::LINE) / self.page_size;
        if pages < Layout::PAGES_MIN {
            let least = Layout::least(self.page_size, |_| self.tables);
            return Err(ConfigError::MemoryTooSmall(self.own + least));
        }
        Ok(pages as u32)
    }
}

impl Layout {
    /// The fewest pages that a cache works with: records, index, and the largest item, which may
    /// take a whole page for each of its chunks.
    const PAGES_MIN: usize = 7;
    const FEW_PAGES: u32 = 16;
    const PAGE_SIZES: core::ops::RangeInclusive<usize> = 512..=65536;
    const SLAB_SIZE_MIN: usize = 32;
    /// The share of the memory that remembers evicted items, where the policy asks for it: one byte
    /// in this many.
    const GHOSTS_SHARE: usize = 128;

    /// For `memory` bytes at this address, of which the budget has `own` more for the cache's
    /// fields.
    pub(crate) fn new(
        config: &Config,
        memory: usize,
        own: usize,
        address: usize,
    ) -> Result<Self, ConfigError> {
        let page_size = config.page_size;
        if !page_size.is_power_of_two() || !Self::PAGE_SIZES.contains(&page_size) {
            return Err(ConfigError::PageSize(page_size));
        }
        if !(1..=Config::ITEM_SIZE_LIMIT).contains(&config.item_size_max) {
            return Err(ConfigError::ItemSize(config.item_size_max));
        }
        #[cfg(feature = "flush-prefix")]
        if config.flush_prefix_max > Config::FLUSH_PREFIX_LIMIT {
            return Err(ConfigError::FlushPrefixes(config.flush_prefix_max));
        }
        let sizes = Self::sizes(config)?;
        if memory as u64 > Geometry::MEMORY_MAX {
            return Err(ConfigError::MemoryTooLarge(Geometry::MEMORY_MAX));
        }
        let map_len = Self::map_len(page_size, memory);
        let ghosts_len = Self::ghosts_len(config.policy, memory);
        let ghosts_at = Self::table_size(map_len);
        let flushes_at = ghosts_at + Self::table_size(ghosts_len);
        let flushes_size = Flushes::table_size(config);
        let budget = Budget {
            page_size,
            own,
            tables: Self::table_size(ghosts_len) + flushes_size,
            most: memory.saturating_add(own),
        };
        let ghosts = |memory| Self::table_size(Self::ghosts_len(config.policy, memory));
        let least = own + Self::least(page_size, |memory| ghosts(memory) + flushes_size);
        let pages = budget.pages(budget.most);
        let pages = pages.map_err(|_| ConfigError::MemoryTooSmall(least))?;
        let tables = ghosts_at + budget.tables;
        let base = (address + tables).next_multiple_of(Geometry::LINE) - address;
        let geometry = Geometry::new(base, page_size);
        Ok(Self {
            geometry,
            pages,
            sizes,
            map_len: map_len as u32,
            ghosts_at: Offset::START + ghosts_at,
            ghosts_len,
            flushes_at: Offset::START + flushes_at,
            flushes_size,
            policy: config.policy,
            lru_bump: config.lru_bump,
            budget,
        })
    }

    /// The size of all pages, if they are so few that the cache's tables may be as large.
    pub(crate) fn few_pages(pages: u32, page_size: usize) -> Option<usize> {
        (pages < Self::FEW_PAGES).then_some(pages as usize * page_size)
    }

    /// How many words the map of the index has in so much memory: a third of all pages is the most
    /// that the index takes, with the smallest chunks.
    const fn map_len(page_size: usize, memory: usize) -> usize {
        memory / page_size / 3 + 1
    }

    /// How many words the table of evicted hashes has.
    fn ghosts_len(policy: Policy, memory: usize) -> usize {
        match policy.remembers_evicted() {
            false => 0,
            true => 1 << (memory / Self::GHOSTS_SHARE / 4).max(1).ilog2(),
        }
    }

    const fn table_size(words: usize) -> usize {
        (4 * words).next_multiple_of(Geometry::LINE)
    }

    /// The least memory that holds the fewest pages and the tables of just so much memory.
    fn least(page_size: usize, tables: impl Fn(usize) -> usize) -> usize {
        let pages = Self::PAGES_MIN * page_size + Geometry::LINE;
        let mut least = pages;
        loop {
            let map = Self::table_size(Self::map_len(page_size, least));
            let needed = pages + map + tables(least);
            if needed == least {
                return least;
            }
            least = needed;
        }
    }

    fn sizes(config: &Config) -> Result<SlabSizes, ConfigError> {
        let sizes = &config.slab_sizes;
        if sizes.is_empty() || sizes.len() > Config::SLAB_SIZES_MAX {
            return Err(ConfigError::SlabSizeCount);
        }
        let mut before = 0;
        for &size in sizes.iter() {
            if !(Self::SLAB_SIZE_MIN..=config.page_size).contains(&size)
                || !size.is_multiple_of(Geometry::GRANULE)
            {
                return Err(ConfigError::SlabSize(size));
            }
            if size <= before {
                return Err(ConfigError::SlabSizeOrder(size));
            }
            before = size;
        }
        let page_chunk = (sizes.last() != Some(&config.page_size)).then_some(config.page_size);
        Ok(sizes.iter().copied().chain(page_chunk).collect())
    }

    /// The end of what is used from the start on.
    pub(crate) fn start(&self) -> usize {
        self.geometry.end_of(2)
    }
}
