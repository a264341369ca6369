//! Buckets are swept: what flushes by prefix remove is removed, before the bucket is used or when
//! upkeep comes by.
//!
//! The rule that makes a flush exact: whoever looks for a key, or stores something under it, sweeps
//! the bucket of its hash first. So what is under a key with the prefix in a bucket that was not
//! swept was stored before the flush, and in one that was swept, after it. Where items change their
//! bucket, because the index grows or shrinks, all buckets in which they are are swept first.

use super::super::arena::Offset;
use super::super::handle::ItemHandle;
use super::super::index::{self, ItemHasher};
use super::super::prefetch::PREFETCHES;
use super::{Store, StoreMut};

impl Store<'_> {
    /// Whether a flush has removed an item that is still there.
    pub(crate) fn is_flushed(self, found: &ItemHandle) -> bool {
        let Self { arena, parts } = self;
        parts.flushes.is_active() && {
            let key = found.key(arena);
            let bucket = parts
                .index
                .first_bucket(arena, parts.hasher.hash(&key.into()));
            let missed = parts.flushes.missed(arena.bucket(bucket).mark());
            parts.flushes.remove(arena, key, missed)
        }
    }
}

impl StoreMut<'_> {
    /// Begins to flush all keys with this prefix; `false` if as many flushes as possible are under
    /// way. Takes the same time however many items there are.
    #[cfg(feature = "flush-prefix")]
    pub(crate) fn flush_prefix(&mut self, prefix: &[u8]) -> bool {
        let Self { arena, parts } = self;
        parts.flushes.begin(arena, prefix).is_ok()
    }

    /// Sweeps the bucket in which a key with this hash is, or will be.
    #[cold]
    #[inline(never)]
    pub(crate) fn sweep_bucket_of(&mut self, hash: u64) {
        let first = self.parts.index.first_bucket(self.arena.view(), hash);
        self.sweep_bucket(first);
    }

    /// One step of the sweep through the whole index: returns how many items it removed; `None` if
    /// no flush is under way.
    #[inline]
    pub(crate) fn sweep(&mut self) -> Option<usize> {
        self.parts.flushes.is_active().then(|| self.sweep_group())
    }

    #[cold]
    fn sweep_group(&mut self) -> usize {
        let parts = &mut *self.parts;
        let (numbers, next) = parts.index.group_buckets(parts.flushes.cursor());
        let removed = self.sweep_buckets(numbers);
        self.parts.flushes.advance(next);
        removed
    }

    /// Sweeps the buckets of these numbers, among which items are about to be spread.
    pub(super) fn sweep_before_spread(&mut self, numbers: impl Iterator<Item = u32> + Clone) {
        if self.parts.flushes.is_active() {
            self.sweep_buckets(numbers);
        }
    }

    fn sweep_buckets(&mut self, numbers: impl Iterator<Item = u32> + Clone) -> usize {
        let bucket = |store: &Self, number| store.parts.index.at(store.arena.view(), number);
        for number in numbers.clone() {
            self.prefetch_missed(bucket(self, number));
        }
        let sweep = |number| self.sweep_bucket(bucket(self, number));
        numbers.map(sweep).sum()
    }

    /// Prefetches the items of a bucket that is about to be swept.
    fn prefetch_missed(&self, first: Offset) {
        let arena = self.arena.view();
        if PREFETCHES && self.parts.flushes.missed(arena.bucket(first).mark()) > 0 {
            for item in arena.bucket_items(first) {
                arena.prefetch(arena.geometry.at(item));
            }
        }
    }

    /// Sweeps a bucket and those behind it in its chain; returns how many items were removed.
    fn sweep_bucket(&mut self, first: Offset) -> usize {
        let missed = self.parts.flushes.missed(self.arena.bucket(first).mark());
        if missed == 0 {
            return 0;
        }
        let mut removed = 0;
        // From the last one down: one that is removed is replaced by the last of the chain.
        for number in (0..index::chain_len(self.arena.view(), first)).rev() {
            let arena = self.arena.view();
            let Some(item) = index::nth_item(arena, first, number) else {
                continue;
            };
            let found = arena.item(item);
            if self.parts.flushes.remove(arena, found.key(arena), missed) {
                self.remove_flushed(&found);
                removed += 1;
            }
        }
        let mark = self.parts.flushes.mark();
        self.arena.bucket_mut(first).set_mark(mark);
        removed
    }

    /// Removes an item that a flush has removed already.
    pub(super) fn remove_flushed(&mut self, found: &ItemHandle) {
        let hash = self.parts.hasher.hash_item(self.arena.view(), found.item);
        #[cfg(feature = "flush-prefix")]
        {
            self.parts.stats.flush_prefix_items += 1;
        }
        self.remove(found, hash);
    }
}
