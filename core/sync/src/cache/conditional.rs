//! The calls with every condition and effect that a request can ask for.

use dynamidb_core::{
    ArithmeticOptions, ArithmeticOutcome, DeleteOptions, DeleteOutcome, Error, GetOptions,
    GetOutcome, SetOptions, SetOutcome, Value,
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
    /// use dynamidb_core::{Config, Expiry, GetOptions, Recache, Value};
    /// use dynamidb_sync::{FakeClock, SharedCache};
    ///
    /// let clock = FakeClock::default();
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?.with_clock(&clock);
    /// let minute = Value::from("page").expire(Expiry::After(Duration::from_secs(60)));
    /// cache.set("key", minute)?;
    /// let mut options = GetOptions::default();
    /// options.recache = Recache::EndsBefore(Expiry::After(Duration::from_secs(30)));
    /// clock.advance(Duration::from_secs(31));
    /// assert_eq!(cache.get_with("key", &options, |found| found.win), Some(true));
    /// assert_eq!(cache.get_with("key", &options, |found| found.win), Some(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        options: &GetOptions,
        look: impl FnOnce(&GetOutcome<'_>) -> R,
    ) -> Option<R> {
        self.lend(key.as_ref(), |shard, now, key| {
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
    /// use dynamidb_core::{Config, Expiry, SetMode, SetOptions};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let mut options = SetOptions::default();
    /// options.mode = SetMode::Append;
    /// options.vivify = Some(Expiry::Never); // if there is no item yet
    /// assert!(cache.set_with("log", "one,", &options)?.is_stored());
    /// assert!(cache.set_with("log", "two,", &options)?.is_stored());
    /// assert_eq!(cache.get("log").as_deref(), Some(&b"one,two,"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_with<'v>(
        &self,
        key: impl AsRef<[u8]>,
        value: impl Into<Value<'v>>,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        let value = value.into();
        let (len, joins) = (value.bytes.len(), options.mode.joins());
        self.store(key.as_ref(), len, joins, |shard, now, key| {
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
    /// use dynamidb_core::{ArithmeticOptions, Config, Expiry};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let mut options = ArithmeticOptions::default();
    /// options.initial = Some((100, Expiry::Never)); // if there is no item yet
    /// assert_eq!(cache.arithmetic_with("ticket", &options)?.number(), Some(100));
    /// assert_eq!(cache.arithmetic_with("ticket", &options)?.number(), Some(101));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn arithmetic_with(
        &self,
        key: impl AsRef<[u8]>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        self.store(key.as_ref(), 0, false, |shard, now, key| {
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
    /// use dynamidb_core::{Config, DeleteOptions, DeleteOutcome, GetOptions};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// cache.set("key", "value")?;
    /// let mut options = DeleteOptions::default();
    /// options.invalidate = true;
    /// assert_eq!(cache.delete_with("key", &options)?, DeleteOutcome::Deleted);
    /// let stale = cache.get_with("key", &GetOptions::default(), |found| found.stale);
    /// assert_eq!(stale, Some(true));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete_with(
        &self,
        key: impl AsRef<[u8]>,
        options: &DeleteOptions,
    ) -> Result<DeleteOutcome, Error> {
        // What stays and gets a longer `cas` may have to be written again.
        let keeps = options.invalidate && !options.clear;
        self.store(key.as_ref(), 0, keeps, |shard, now, key| {
            shard.delete_with(now, key, options)
        })
    }
}
