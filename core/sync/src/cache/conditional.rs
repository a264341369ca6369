//! The calls with every condition and effect that a request can ask for.

use dynamidb_core::{
    ArithmeticOptions, ArithmeticOutcome, DeleteOptions, DeleteOutcome, Error, GetOptions,
    GetOutcome, Instant, SetOptions, SetOutcome, Value,
};

use super::{SharedCache, look_at};

impl SharedCache {
    /// As [`read`](Self::read), with every condition and effect of
    /// [`Cache::get_with`](dynamidb_core::Cache::get_with).
    ///
    /// # Examples
    /// One of many threads refreshes an item shortly before it expires:
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb_core::{Config, Expiry, GetOptions, Instant, Recache, Value};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let minute = Value::from("page").expire(Expiry::After(Duration::from_secs(60)));
    /// cache.set(Instant::from_secs(0), "key", minute)?;
    /// let mut options = GetOptions::default();
    /// options.recache = Recache::EndsBefore(Expiry::After(Duration::from_secs(30)));
    /// let now = Instant::from_secs(31);
    /// assert_eq!(cache.get_with(now, "key", &options, |found| found.win), Some(true));
    /// assert_eq!(cache.get_with(now, "key", &options, |found| found.win), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_with<R>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        options: &GetOptions,
        look: impl FnOnce(&GetOutcome<'_>) -> R,
    ) -> Option<R> {
        self.lend(key.as_ref(), |shard, key| {
            Some(look_at(look, &shard.get_with(now, key, options)?))
        })
    }

    /// Stores a value with every condition and effect of
    /// [`Cache::set_with`](dynamidb_core::Cache::set_with).
    ///
    /// # Errors
    /// As that.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, Expiry, Instant, SetMode, SetOptions};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// let mut options = SetOptions::default();
    /// options.mode = SetMode::Append;
    /// options.vivify = Some(Expiry::Never); // if there is no item yet
    /// assert!(cache.set_with(now, "log", "one,", &options)?.is_stored());
    /// assert!(cache.set_with(now, "log", "two,", &options)?.is_stored());
    /// assert_eq!(cache.get(now, "log").as_deref(), Some(&b"one,two,"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_with<'v>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        let value = value.into();
        let (len, joins) = (value.bytes.len(), options.mode.joins());
        self.store(now, key.as_ref(), len, joins, |shard, key| {
            shard.set_with(now, key, value, options)
        })
    }

    /// Calculates with every condition and effect of
    /// [`Cache::arithmetic_with`](dynamidb_core::Cache::arithmetic_with).
    ///
    /// # Errors
    /// As that.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{ArithmeticOptions, Config, Expiry, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// let mut options = ArithmeticOptions::default();
    /// options.initial = Some((100, Expiry::Never)); // if there is no item yet
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number(), Some(100));
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number(), Some(101));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arithmetic_with(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        self.store(now, key.as_ref(), 0, false, |shard, key| {
            shard.arithmetic_with(now, key, options)
        })
    }

    /// Removes an item, or does what the options of
    /// [`Cache::delete_with`](dynamidb_core::Cache::delete_with) say instead.
    ///
    /// # Errors
    /// As that.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Config, DeleteOptions, DeleteOutcome, GetOptions, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// let mut options = DeleteOptions::default();
    /// options.invalidate = true;
    /// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::Deleted);
    /// let stale = cache.get_with(now, "key", &GetOptions::default(), |found| found.stale);
    /// assert_eq!(stale, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_with(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        options: &DeleteOptions,
    ) -> Result<DeleteOutcome, Error> {
        // What stays and gets a longer `cas` may have to be written again.
        let keeps = options.invalidate && !options.clear;
        self.store(now, key.as_ref(), 0, keeps, |shard, key| {
            shard.delete_with(now, key, options)
        })
    }
}
