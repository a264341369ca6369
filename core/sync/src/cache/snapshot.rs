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
    /// order: [`restore`](Self::restore) sorts them by the second of their last use. By the wall
    /// clock, the time until then counts for their deadlines.
    ///
    /// # Errors
    /// Those of the output.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set("key", "value")?;
    /// let mut file = Vec::new(); // or a `File`
    /// cache.save(&mut file)?;
    ///
    /// let cache = SharedCache::new(&Config::new(16 << 20), 1)?;
    /// let restored = cache.restore(&file[..])?;
    /// assert_eq!((restored.stored, cache.len()), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&self, output: impl Write) -> io::Result<u64> {
        self.shards.save(self.clocks(), output)
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
    /// # use dynamidb_core::Config;
    /// # use dynamidb_sync::SharedCache;
    /// let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
    /// cache.set("key", "value")?;
    /// assert_eq!(cache.save_in_order(&mut Vec::new())?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_in_order(&self, output: impl Write) -> io::Result<u64> {
        self.shards.save_in_order(self.clocks(), output)
    }

    /// Stores the items of a snapshot, of whatever number of shards. What the cache has already
    /// stays, unless the snapshot has the same key. Meant for the start: a file that was not saved
    /// in order is sorted at the end, under a lock for each shard.
    ///
    /// # Errors
    /// [`RestoreError`]; what was stored before stays. [`clear`](Self::clear) removes it.
    pub fn restore(&self, input: impl Read) -> Result<Restored, RestoreError> {
        self.shards.restore(self.clocks(), input)
    }

    fn clocks(&self) -> Clocks {
        Clocks::new(self.now()).unix(self.clock.unix_time())
    }
}
