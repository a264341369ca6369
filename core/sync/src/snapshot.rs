//! All shards as one file, and back: see [`dynamidb_core::snapshot`].

mod restore;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::io::{self, Write};
use std::iter::Peekable;

use dynamidb_core::Instant;
use dynamidb_core::snapshot::{Clocks, LiveSave, ReadError, Save};
use dynamidb_core::view::ItemView;

use crate::shards::Shards;

/// What is copied under one lock, but for a larger item: with the smallest items, which take the
/// longest, half a millisecond.
const PIECE: usize = 32 << 10;
/// The same where nobody waits.
const LARGE_PIECE: usize = 1 << 20;

/// Why items were not restored.
///
/// # Examples
/// ```
/// use dynamidb_core::Config;
/// use dynamidb_core::snapshot::ReadError;
/// use dynamidb_sync::{RestoreError, SharedCache};
///
/// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
/// let result = cache.restore(&b"something else, some text of 32 bytes"[..]);
/// assert!(matches!(result, Err(RestoreError::Snapshot(ReadError::Foreign))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The file is none, or is damaged.
    Snapshot(ReadError),
    /// It cannot be read, or there is no thread to store what is read.
    Io(io::Error),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Snapshot(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<ReadError> for RestoreError {
    fn from(error: ReadError) -> Self {
        Self::Snapshot(error)
    }
}

impl From<io::Error> for RestoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Shards {
    /// Writes all items in the order of use, the least recently used first, and returns how many
    /// there were. All shards are locked for reading meanwhile.
    ///
    /// With one shard the order is exact. Items of several are merged by the second of their last
    /// use; within one, those of each shard stay in order.
    ///
    /// # Errors
    /// Those of the output.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::Clocks;
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let shards = Shards::new(&Config::new(64 << 20), 4, Growth::default())?;
    /// let clocks = Clocks::new(Instant::from_secs(0));
    /// let key = shards.key(b"key");
    /// shards.lock(shards.index_of(&key)).set(clocks.now, key, "value")?;
    /// let mut file = Vec::new();
    /// assert_eq!(shards.save_in_order(clocks, &mut file)?, 1);
    /// assert_eq!(shards.save(clocks, &mut Vec::new())?, 1);
    /// shards.for_each(|shard| shard.clear());
    /// assert_eq!(shards.restore(clocks, &file[..])?.stored, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_in_order(&self, clocks: Clocks, mut output: impl Write) -> io::Result<u64> {
        // In ascending order. A shard that a panic has left half changed is about to be emptied.
        let shards: Vec<_> = (0..self.len()).filter_map(|n| self.read(n)).collect();
        let last_cas = shards.iter().map(|shard| shard.last_cas()).max();
        let len = shards.iter().map(|shard| shard.len()).sum();
        let items = shards
            .iter()
            .map(|shard| (shard.len(), shard.saved_items(clocks.now)));
        let items = Merge::new(items);
        let mut save = Save::new(clocks, items, last_cas.unwrap_or_default()).expect(len);
        let mut buffer = vec![0; LARGE_PIECE];
        loop {
            match save.next(&mut buffer) {
                Ok([]) => return Ok(save.items()),
                Ok(piece) => output.write_all(piece)?,
                Err(error) => buffer.resize(error.0, 0),
            }
        }
    }

    /// Writes all items while others go on working, and returns how many there were. One shard at a
    /// time is locked, for reading, for as long as 32 KiB or one item take to copy.
    ///
    /// Each item is written as it was at some moment of the save, and no key twice. They are in no
    /// order: [`restore`](Self::restore) sorts them by the second of their last use.
    ///
    /// # Errors
    /// Those of the output.
    pub fn save(&self, clocks: Clocks, mut output: impl Write) -> io::Result<u64> {
        let mut save = LiveSave::new(clocks, self.len());
        let mut buffer = vec![0; PIECE];
        while let Some(index) = save.cache() {
            let Some(shard) = self.read(index) else {
                // A panic has left it half changed: locking it empties it.
                drop(self.lock(index));
                continue;
            };
            match save.next(clocks.now, &*shard, &mut buffer) {
                Ok(piece) => {
                    drop(shard);
                    output.write_all(piece)?;
                }
                Err(error) => buffer.resize(error.0, 0),
            }
        }
        Ok(save.items())
    }
}

/// The items of several shards, each in the order of use, as one list.
struct Merge<I: Iterator> {
    shards: Vec<Source<I>>,
    /// The shards that have items left, by their next item: the one used longest ago comes first.
    /// Those of one second come in turn, each as often as it has items, because shards evict at
    /// nearly the same age.
    next: BinaryHeap<Reverse<(Instant, u64, usize)>>,
}

struct Source<I: Iterator> {
    items: Peekable<I>,
    len: usize,
    taken: usize,
}

impl<'s, I: Iterator<Item = ItemView<'s>>> Merge<I> {
    fn new(shards: impl Iterator<Item = (usize, I)>) -> Self {
        let shards = shards.map(|(len, items)| Source {
            items: items.peekable(),
            len,
            taken: 0,
        });
        let mut merge = Self {
            shards: shards.collect(),
            next: BinaryHeap::new(),
        };
        (0..merge.shards.len()).for_each(|index| merge.enter(index));
        merge
    }

    /// Enters the next item of a shard, if there is one.
    fn enter(&mut self, index: usize) {
        let Source { items, len, taken } = &mut self.shards[index];
        if let Some(view) = items.peek() {
            let progress = ((*taken as u64) << 20) / *len as u64;
            let entry = (view.item.last_used, progress, index);
            self.next.push(Reverse(entry));
        }
    }
}

impl<'s, I: Iterator<Item = ItemView<'s>>> Iterator for Merge<I> {
    type Item = ItemView<'s>;

    fn next(&mut self) -> Option<ItemView<'s>> {
        let Reverse((_, _, index)) = self.next.pop()?;
        let source = &mut self.shards[index];
        let view = source.items.next();
        source.taken += 1;
        self.enter(index);
        view
    }
}
