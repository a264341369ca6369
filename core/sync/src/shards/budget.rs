//! What all shards may use: the ledger of their shares, and hints about which shard has what to
//! give.
//!
//! The sum of all shares is the budget: what one shard gives, another gets, under the budget's
//! lock. A thread that waits for that lock holds no shard, and one that has it locks one shard at a
//! time. What shards tell about themselves in between is a hint, looked at again under their lock.

use dynamidb_core::{Config, Instant};

use super::growth::{Growth, shares_move};
use super::guard::ShardGuard;
use super::share::Share;
use crate::primitives::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::primitives::{Mutex, MutexGuard, PoisonError, TryLockError};

/// When a shard that has nothing to give would have to give.
pub(super) const NEVER: u64 = u64::MAX;

/// What all shards may use, and which shard has what to give.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) state: Mutex<State>,
    /// The largest that it can become.
    pub(super) max: usize,
    /// The least share there can be.
    pub(super) least: usize,
    /// The largest share of each.
    pub(super) most: Vec<usize>,
    pub(super) moves: Moves,
    pub(super) relocates: bool,
    /// The shards that have pages to spare, a bit each.
    pub(super) spare: AtomicU64,
    /// When the least recently used item of each was last used: not later than this was true when
    /// it was last looked at, so items that were used since make it too early, and nothing too
    /// late.
    pub(super) oldest: Vec<AtomicU64>,
    /// The shard whose hints are brought up to date next.
    pub(super) next: AtomicUsize,
}

/// Who has what: the shares and what is left add up to the budget.
#[derive(Debug)]
pub(super) struct State {
    pub(super) bytes: usize,
    pub(super) shares: Vec<usize>,
    /// What is in no share, because a shard could not take it.
    pub(super) left: usize,
}

impl State {
    /// Lets a shard give pages away; returns their bytes.
    pub(super) fn shrink(
        &mut self,
        index: usize,
        shard: &mut ShardGuard<'_>,
        pages: usize,
        now: Instant,
    ) -> usize {
        let given = shard.0.shrink(pages, now, self.bytes);
        self.shares[index] -= given;
        self.left += given;
        given
    }

    /// Gives a shard what is left: more than it needs is to spare for others.
    pub(super) fn enlarge(&mut self, index: usize, shard: &mut ShardGuard<'_>) {
        if self.left > 0 && shard.0.enlarge(self.left, self.bytes) {
            self.shares[index] += self.left;
            self.left = 0;
        }
        debug_assert_eq!(self.shares.iter().sum::<usize>() + self.left, self.bytes);
    }
}

/// When shares move.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Moves {
    Never,
    /// Growing copies everything that a shard has.
    ForLargeValues,
    Always,
}

impl Budget {
    /// That of new shards.
    pub(super) fn new(config: &Config, growth: Growth, shares: &mut [Share]) -> Self {
        let relocates = shares.iter().any(|share| share.relocates);
        let moves = match shares.len() {
            1 => Moves::Never,
            _ if !shares_move(config, growth) => Moves::Never,
            _ if relocates => Moves::ForLargeValues,
            _ => Moves::Always,
        };
        let least = shares[0].least();
        let bits = shares
            .iter()
            .enumerate()
            .map(|(index, share)| u64::from(share.spare_pages() > 0) << index);
        Self {
            state: Mutex::new(State {
                bytes: config.memory,
                shares: shares.iter().map(|share| share.memory).collect(),
                left: 0,
            }),
            max: growth.max.max(config.memory),
            least,
            most: shares.iter().map(|share| share.most).collect(),
            moves,
            relocates,
            spare: AtomicU64::new(bits.sum()),
            oldest: shares.iter().map(|_| AtomicU64::new(NEVER)).collect(),
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if somebody else changes shares now.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The shard whose least recently used item was used longest ago, when that was, and when that
    /// of the next one was.
    pub(super) fn oldest(&self) -> (usize, u64, u64) {
        let mut found = (0, NEVER, NEVER);
        for (index, oldest) in self.oldest.iter().enumerate() {
            let oldest = oldest.load(Ordering::Relaxed);
            if oldest < found.1 {
                found = (index, oldest, found.1);
            } else {
                found.2 = found.2.min(oldest);
            }
        }
        found
    }
}
