//! One budget for all shards: each has a share of it, and shares move to where they are needed.
//!
//! A store whose shard lacks pages gets them from other shards before it evicts anything: first
//! those that nobody uses, then those of the least recently used items. With values that are small
//! beside a share that is done now and then instead of at each store, and only if another shard's
//! oldest item was used clearly longer ago than the own. So all shards evict at nearly the same
//! age, which is what one LRU over all keys would do.

use dynamidb_core::{ConfigError, Instant, Key};

use super::Shards;
use super::budget::{Moves, NEVER, State};
use super::growth::of_all;
use super::guard::ShardGuard;
use super::share::Share;
use crate::primitives::atomic::Ordering;
use crate::region;

/// Pages of a store from which on shares are compared at once.
const LARGE: usize = 32;
/// The part of its share that a shard gives or gets at a time, one in this many, and the most
/// pages.
const STEP_SHARE: usize = 64;
const STEP_MAX: usize = 16;
/// By which part of its age the oldest item of a shard has to be younger than that of another, so
/// that it gets a part of that one's share.
const AGE_DIFFERENCE: u64 = 16;
/// How often one store looks for a shard that gives it something: for a value of 16 MiB, hints that
/// are out of date included.
const LOOKS_MAX: usize = 1000;
/// How often a large value is tried to be given what it needs, if others take it.
const TRIES_MAX: usize = 8;
/// What an item takes beside its value, roughly: for how often shares are compared.
const ITEM_OVERHEAD: usize = 64;

/// What a store is in need of.
#[derive(Clone, Copy, Debug)]
struct Need {
    index: usize,
    now: Instant,
    /// All pages that it may take.
    pages: usize,
    /// When the shard's own least recently used item was last used, if it is to be evicted unless
    /// others are clearly older.
    own: Option<u64>,
}

impl Shards {
    /// The shard in which a key lives, with as much room for `len` bytes, alone or joined to the
    /// value that is there, as can be had without evicting what was used more recently than what
    /// others have. The lock may have been released meanwhile.
    ///
    /// To be called before anything is stored.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let growth = Growth { max: 64 << 20, set_aside: true };
    /// let shards = Shards::with_count(&Config::new(16 << 20), 8, growth)?;
    /// let (now, value) = (Instant::from_secs(0), vec![0; 1_000_000]);
    /// for number in 0..12_u8 {
    ///     let bytes = [number];
    ///     let key = shards.key(&bytes);
    ///     let shard = shards.lock(shards.index_of(&key));
    ///     let mut shard = shards.with_room(&key, shard, now, value.len(), false);
    ///     shard.set(now, key, &value[..])?;
    /// }
    /// // Whichever shards they are in.
    /// assert_eq!(shards.stats().evictions, 0);
    /// shards.set_memory(4 << 20)?;
    /// assert_eq!(shards.stats().limit_maxbytes, 4 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn with_room<'s>(
        &'s self,
        key: &Key<'_>,
        mut shard: ShardGuard<'s>,
        now: Instant,
        len: usize,
        joins: bool,
    ) -> ShardGuard<'s> {
        if self.budget.moves == Moves::Never {
            return shard;
        }
        let joined = match joins {
            true => shard.view_of(*key).map_or(0, |view| view.item.value.len()),
            false => 0,
        };
        let (index, len) = (self.index_of(key), len + joined);
        let share = &mut *shard.0;
        share.marks.mark(now, &share.shard);
        let pages = share.pages_for(len);
        if share.shard.unused_pages() >= pages {
            return shard;
        }
        let is_large = pages >= LARGE || share.is_small();
        share.stored += len + ITEM_OVERHEAD;
        let others = !(1 << index);
        let due = is_large
            || share.stored >= step(share) * share.shard.page_size()
            || self.budget.spare.load(Ordering::Relaxed) & others != 0;
        if !due || !is_large && self.budget.moves == Moves::ForLargeValues {
            return shard;
        }
        share.stored = 0;
        match is_large {
            true => self.make_room(index, shard, now, pages),
            false => self.rebalance(index, shard, now, pages),
        }
    }

    /// For a value that is large beside its shard: what it needs, now.
    #[cold]
    fn make_room<'s>(
        &'s self,
        index: usize,
        shard: ShardGuard<'s>,
        now: Instant,
        pages: usize,
    ) -> ShardGuard<'s> {
        drop(shard);
        let mut state = self.budget.lock();
        let mut shard = self.lock(index);
        // Others may store in this shard meanwhile.
        let (mut tries, mut least_excess) = (0, usize::MAX);
        while tries < TRIES_MAX {
            tries += 1;
            // After a lower budget it has nothing to get, but what it frees it can fill again. The
            // rest of that is no work of this store, unless there is no room without it.
            if shard.0.free_excess(now) > 0 && shard.free_pages(now, pages) {
                break;
            }
            let lacking = pages.saturating_sub(shard.unused_pages()) * shard.page_size();
            if lacking == 0 {
                break;
            }
            drop(shard);
            let mut excess = 0;
            for other in 0..self.len() {
                let mut shard = self.lock(other);
                if tries > 1 {
                    excess += shard.0.free_excess(now);
                }
                self.publish(other, &mut shard);
            }
            if (1..least_excess).contains(&excess) {
                // As long as there is less of it each time, it ends.
                (tries, least_excess) = (1, excess);
            }
            let need = Need {
                index,
                now,
                pages,
                own: None,
            };
            self.gather(&mut state, need, lacking);
            shard = self.lock(index);
            state.enlarge(index, &mut shard);
        }
        self.publish(index, &mut shard);
        shard
    }

    /// For small values, now and then: a step towards equal ages of what is evicted, or towards an
    /// equal use of pages that nobody needs.
    #[cold]
    fn rebalance<'s>(
        &'s self,
        index: usize,
        mut shard: ShardGuard<'s>,
        now: Instant,
        pages: usize,
    ) -> ShardGuard<'s> {
        let own = Some(self.publish(index, &mut shard));
        let wanted = step(&shard.0) * shard.page_size();
        drop(shard);
        let Some(mut state) = self.budget.try_lock() else {
            return self.lock(index);
        };
        let need = Need {
            index,
            now,
            pages,
            own,
        };
        self.gather(&mut state, need, wanted);
        let mut shard = self.lock(index);
        state.enlarge(index, &mut shard);
        self.publish(index, &mut shard);
        drop(state);
        self.refresh_next(index);
        shard
    }

    /// Takes from the shares of others until this many bytes are left, as far as that is possible.
    fn gather(&self, state: &mut State, need: Need, mut wanted: usize) {
        let Need { index, now, .. } = need;
        // Those behind it first, so that not all ask the same one.
        let mut spare = self.budget.spare.load(Ordering::Relaxed) & !(1 << index);
        while state.left < wanted && spare != 0 {
            let behind = spare & (!0 << index);
            let donor = if behind != 0 { behind } else { spare }.trailing_zeros() as usize;
            spare &= !(1 << donor);
            let mut shard = self.lock(donor);
            let lacking = (wanted - state.left).div_ceil(shard.page_size());
            let pages = lacking.min(shard.0.spare_pages());
            state.shrink(donor, &mut shard, pages, now);
            self.publish(donor, &mut shard);
        }
        let mut looks = LOOKS_MAX;
        while state.left < wanted && looks > 0 {
            looks -= 1;
            let (donor, oldest, next) = self.budget.oldest();
            if oldest == NEVER
                || need
                    .own
                    .is_some_and(|own| !is_clearly_older(oldest, own, now))
            {
                break;
            }
            let mut shard = self.lock(donor);
            if self.publish(donor, &mut shard) > next {
                // It was used since somebody looked.
                continue;
            }
            if shard.0.free_excess(now) > 0 {
                // It has nothing to give yet.
                self.budget.oldest[donor].store(NEVER, Ordering::Relaxed);
                continue;
            }
            let page_size = shard.page_size();
            let lacking = (wanted - state.left).div_ceil(page_size);
            let most = match need.own {
                Some(_) => lacking,
                None => STEP_MAX.max(lacking / 8),
            };
            let most = most.min(lacking);
            let gave = if donor == index {
                let unused = shard.unused_pages();
                let made = shard.free_pages(now, unused + most);
                let lacking = need.pages.saturating_sub(shard.unused_pages());
                wanted = wanted.min(lacking * page_size);
                made
            } else {
                let given = state.shrink(donor, &mut shard, most, now);
                // A large item may have freed much more than was asked for.
                let lacking = wanted.saturating_sub(state.left).div_ceil(page_size);
                let spare = shard.0.spare_pages().min(lacking);
                state.shrink(donor, &mut shard, spare, now);
                given > 0
            };
            self.publish(donor, &mut shard);
            if !gave {
                self.budget.oldest[donor].store(NEVER, Ordering::Relaxed);
            }
        }
    }

    /// Tells others what a shard has to give; returns when its least recently used item was last
    /// used.
    pub(super) fn publish(&self, index: usize, shard: &mut ShardGuard<'_>) -> u64 {
        if self.budget.moves == Moves::Never {
            return NEVER;
        }
        let bit = 1 << index;
        match shard.0.spare_pages() {
            0 => self.budget.spare.fetch_and(!bit, Ordering::Relaxed),
            _ => self.budget.spare.fetch_or(bit, Ordering::Relaxed),
        };
        let oldest = shard.0.oldest_use().unwrap_or(NEVER);
        self.budget.oldest[index].store(oldest, Ordering::Relaxed);
        oldest
    }

    /// Brings the hints of one other shard up to date, each in turn: nobody tells when items are
    /// deleted or expire.
    fn refresh_next(&self, not: usize) {
        let next = self.budget.next.fetch_add(1, Ordering::Relaxed) % self.len();
        if next != not
            && let Ok(share) = self.shards[next].try_write()
        {
            self.publish(next, &mut ShardGuard(share));
        }
    }

    /// Changes the budget, and all shares by the same factor as far as they can grow; what is in
    /// use beyond it is freed as [`Cache::set_memory`](dynamidb_core::Cache::set_memory) does it.
    /// If one shard cannot be enlarged, all have the share of before.
    ///
    /// # Errors
    /// [`ConfigError::MemoryTooSmall`] and [`ConfigError::MemoryTooLarge`] say what would be
    /// possible; [`ConfigError::OutOfMemory`], that there is no memory to map.
    pub fn set_memory(&self, memory: usize) -> Result<(), ConfigError> {
        let mut state = self.budget.lock();
        let (count, before) = (self.len(), state.bytes);
        let (max, least, most) = (self.budget.max, self.budget.least, &self.budget.most);
        if memory > max {
            return Err(ConfigError::MemoryTooLarge(max as u64));
        }
        if memory < least * count {
            return Err(ConfigError::MemoryTooSmall(least * count));
        }
        let (above, was_above) = (memory - least * count, before - least * count);
        let scaled = |(&share, &most): (&usize, &usize)| {
            let scaled = match self.budget.moves {
                Moves::Never => memory / count,
                _ => {
                    let part = (share - least) as u128 * above as u128 / was_above.max(1) as u128;
                    least + part as usize
                }
            };
            scaled.min(most)
        };
        let mut shares: Vec<_> = state.shares.iter().zip(most).map(scaled).collect();
        // What is lost by rounding, and what a shard is too small for.
        let mut rest = memory - shares.iter().sum::<usize>();
        for (share, most) in shares.iter_mut().zip(most) {
            let more = rest.min(most - *share);
            *share += more;
            rest -= more;
        }
        if rest > 0 {
            return Err(ConfigError::MemoryTooLarge((memory - rest) as u64));
        }
        // One shard after the other is there twice. Asked of all together, so that those before one
        // that cannot grow do not hold on to what they grew by.
        let largest = shares.iter().copied().max().unwrap_or(0);
        if memory > before
            && self.budget.relocates
            && !region::has_room((memory - before).saturating_add(largest))
        {
            return Err(ConfigError::OutOfMemory);
        }
        let item_budget = |share, budget| match self.budget.moves {
            Moves::Never => share,
            _ => budget,
        };
        for (index, &share) in shares.iter().enumerate() {
            let budget = item_budget(share, memory);
            let changed = self.lock(index).0.set(share, budget);
            if let Err(error) = changed {
                for (changed, &share) in state.shares.iter().enumerate().take(index) {
                    // It was possible before.
                    let _ = self.lock(changed).0.set(share, item_budget(share, before));
                }
                return Err(of_all(error, count));
            }
        }
        *state = State {
            bytes: memory,
            shares,
            left: 0,
        };
        Ok(())
    }
}

/// How many pages a shard gives or gets at a time.
fn step(share: &Share) -> usize {
    (share.pages() / STEP_SHARE).clamp(1, STEP_MAX)
}

/// Whether what was last used at `other` is clearly older than what was at `own`.
fn is_clearly_older(other: u64, own: u64, now: Instant) -> bool {
    let age = now.as_millis().saturating_sub(own);
    other.saturating_add(age / AGE_DIFFERENCE + 1) < own
}
