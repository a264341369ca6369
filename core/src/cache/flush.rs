//! Flushes by prefix: everything under some keys is gone at once, however much that is.

use super::Cache;
use crate::{Error, Key, Memory};

impl<M: Memory> Cache<M> {
    /// Removes everything that is stored under keys with this prefix, in the same time however much
    /// there is. What is stored under such keys from now on stays.
    ///
    /// The memory comes back as the items are swept out: by [`maintain`](Self::maintain), and by
    /// operations that come across them. Until then they count in [`len`](Self::len) and in
    /// [`Stats::curr_items`](crate::Stats::curr_items), but no lookup and no walk over the items
    /// finds them.
    ///
    /// # Errors
    /// [`Error::KeyLength`], if the prefix is empty or longer than a key may be;
    /// [`Error::TooManyFlushes`], if [`Config::flush_prefix_max`](crate::Config::flush_prefix_max)
    /// of them are under way. Nothing has changed then.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "berlin:42", "value")?;
    /// cache.set(now, "paris:42", "value")?;
    /// cache.flush_prefix(b"berlin:")?;
    /// assert!(cache.get(now, "berlin:42").is_none());
    /// assert!(cache.get(now, "paris:42").is_some());
    /// cache.set(now, "berlin:42", "another")?;
    /// assert_eq!(cache.get(now, "berlin:42").unwrap().value, b"another");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn flush_prefix(&mut self, prefix: &[u8]) -> Result<(), Error> {
        if prefix.is_empty() || prefix.len() > Key::LEN_MAX {
            return Err(Error::KeyLength);
        }
        if !self.store_mut().flush_prefix(prefix) {
            return Err(Error::TooManyFlushes);
        }
        self.parts.stats.cmd_flush_prefix += 1;
        Ok(())
    }

    /// Whether one more [flush by prefix](Self::flush_prefix) may begin: a host of several caches
    /// asks all of them first.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Error, Instant};
    ///
    /// let mut config = Config::new(64 * 1024);
    /// config.flush_prefix_max = 1;
    /// let mut cache = Cache::new(config)?;
    /// assert!(cache.can_flush_prefix() && cache.flush_prefix(b"one:").is_ok());
    /// assert_eq!(cache.flush_prefix(b"two:"), Err(Error::TooManyFlushes));
    /// while cache.maintain(Instant::from_secs(0), 8) == 8 {}
    /// assert!(cache.can_flush_prefix());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn can_flush_prefix(&self) -> bool {
        self.parts.flushes.has_room()
    }
}
