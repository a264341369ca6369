//! The cache as a file, and back.

use std::io::{self, Read, Write};

use dynamidb_core::snapshot::{Clocks, Restored};

use super::SharedCache;
use crate::snapshot::RestoreError;

impl SharedCache {
    /// Writes all items while other threads go on working, and returns how many there were. One
    /// shard at a time is locked, for reading, for as long as 32 KiB or one item take to copy.
    ///
    /// Each item is written as it was at some moment of the save, and no key twice. They are in no
    /// order: [`restore`](Self::restore) sorts them by the second of their last use.
    ///
    /// # Errors
    /// Those of the output.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::Clocks;
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// // With the wall clock, deadlines go on while the program does not run.
    /// let clocks = Clocks::new(Instant::from_secs(5)).unix(Instant::from_secs(1_700_000_000));
    /// cache.set(clocks.now, "key", "value")?;
    /// let mut file = Vec::new(); // or a `File`
    /// cache.save(clocks, &mut file)?;
    ///
    /// let cache = SharedCache::new(&Config::new(16 << 20), 1)?;
    /// let restored = cache.restore(clocks, &file[..])?;
    /// assert_eq!((restored.stored, cache.len()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self, clocks: Clocks, output: impl Write) -> io::Result<u64> {
        self.shards.save(clocks, output)
    }

    /// Writes all items in the order of use, and returns how many there were. Calls of other
    /// threads wait meanwhile: it is meant for the end.
    ///
    /// With one shard the order is exact. Items of several are merged by the second of their last
    /// use; within one, those of each shard stay in order.
    ///
    /// # Errors
    /// Those of the output.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::snapshot::Clocks;
    /// # use dynamidb_core::{Config, Instant};
    /// # use dynamidb_sync::SharedCache;
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// let clocks = Clocks::new(Instant::from_secs(5));
    /// cache.set(clocks.now, "key", "value")?;
    /// assert_eq!(cache.save_in_order(clocks, &mut Vec::new())?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_in_order(&self, clocks: Clocks, output: impl Write) -> io::Result<u64> {
        self.shards.save_in_order(clocks, output)
    }

    /// Stores the items of a snapshot, of whatever number of shards. What the cache has already
    /// stays, unless the snapshot has the same key. Meant for the start: a file that was not saved
    /// in order is sorted at the end, under a lock for each shard.
    ///
    /// # Errors
    /// [`RestoreError`]; what was stored before stays. [`clear`](Self::clear) removes it.
    pub fn restore(&self, clocks: Clocks, input: impl Read) -> Result<Restored, RestoreError> {
        self.shards.restore(clocks, input)
    }
}
