//! The options of a cache's general operations.
//!
//! Each is named after its method: [`Cache::get_with`](crate::Cache::get_with),
//! [`set_with`](crate::Cache::set_with), [`delete_with`](crate::Cache::delete_with),
//! [`arithmetic_with`](crate::Cache::arithmetic_with). Their defaults do what the plain methods do.
//!
//! `cas` in options is the one that the item gets, for users with a clock or versions of their own;
//! `None` lets the cache choose. `compare` is a number as clients send it: one that no item has,
//! such as 0, never matches.

use crate::{Cas, Expiry};

/// How to look an item up.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Cache, Config, Expiry, GetOptions, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let mut options = GetOptions::default();
/// options.touch = Some(Expiry::After(Duration::from_secs(60)));
/// options.no_bump = true;
/// assert!(cache.get_with(now, "key", &options).is_some());
/// assert_eq!(cache.next_expiry(now), Some(Instant::from_secs(60)));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GetOptions {
    /// The lookup does not count as use, and the item not as read.
    pub no_bump: bool,
    /// The item ends at another time from now on.
    pub touch: Option<Expiry>,
    /// If there is no item, an empty one is made that ends then, and the caller is to fill it.
    pub vivify: Option<Expiry>,
    /// Of an item that is made.
    pub cas: Option<Cas>,
    /// Of an item that is made: its key was given in base64.
    pub base64: bool,
    /// When a caller is to renew the item although it is not out of date.
    pub recache: Recache,
}

/// When an item is to be renewed before its time.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Cache, Config, Expiry, GetOptions, Instant, Recache, Value};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let minute = Expiry::After(Duration::from_secs(60));
/// cache.set(now, "key", Value::from("value").expire(minute))?;
/// let mut options = GetOptions::default();
/// options.recache = Recache::EndsBefore(Expiry::After(Duration::from_secs(30)));
/// assert!(!cache.get_with(now, "key", &options).unwrap().win);
/// assert!(cache.get_with(Instant::from_secs(31), "key", &options).unwrap().win);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Recache {
    /// Never.
    #[default]
    Never,
    /// If it ends earlier than this, counted in whole seconds.
    EndsBefore(Expiry),
    /// Whenever it ends.
    Always,
}

/// Which items a store wants to find, and where its bytes go.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, SetMode, SetOptions, SetOutcome};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let mut options = SetOptions::default();
/// options.mode = SetMode::Replace;
/// let outcome = cache.set_with(now, "key", "value", &options)?;
/// assert_eq!(outcome, SetOutcome::NotStored);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SetMode {
    /// Whatever was there is replaced.
    #[default]
    Set,
    /// Only if there is no item. If there is, it counts as used.
    Add,
    /// Only if there is an item.
    Replace,
    /// The bytes are added at the end of an item, whose flags and expiry stay.
    Append,
    /// The bytes are added at the beginning of an item, whose flags and expiry stay.
    Prepend,
}

impl SetMode {
    /// Whether the bytes are added to a value that is there.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::SetMode;
    /// assert!(SetMode::Append.joins() && !SetMode::Replace.joins());
    /// ```
    #[must_use]
    pub const fn joins(self) -> bool {
        matches!(self, Self::Append | Self::Prepend)
    }
}

/// How to store a value.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Expiry, Instant, SetMode, SetOptions};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let mut options = SetOptions::default();
/// options.mode = SetMode::Append;
/// options.vivify = Some(Expiry::Never);
/// let _ = cache.set_with(now, "log", "one,", &options)?;
/// let _ = cache.set_with(now, "log", "two,", &options)?;
/// assert_eq!(cache.get(now, "log").unwrap().value, b"one,two,");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SetOptions {
    /// Which items are wanted.
    pub mode: SetMode,
    /// Only if the item's `cas` has this number. Ignored by [`SetMode::Add`].
    pub compare: Option<u64>,
    /// The new `cas`.
    pub cas: Option<Cas>,
    /// If the `cas` to compare with is less than the item's, the value is stored all the same, but
    /// as one that is out of date already; it ends when the item would have ended.
    pub invalidate: bool,
    /// To append or prepend to no item makes one that ends then.
    pub vivify: Option<Expiry>,
    /// The key was given in base64.
    pub base64: bool,
}

/// How to delete an item.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, DeleteOptions, DeleteOutcome, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let mut options = DeleteOptions::default();
/// let cas = cache.get(now, "key").unwrap().cas.expect("the cache is not compact");
/// options.compare = Some(cas.get() + 1);
/// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::Exists);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// Only if the item's `cas` has this number.
    pub compare: Option<u64>,
    /// The item stays, declared out of date: the next one who fetches it is to renew it. It gets a
    /// new `cas`.
    pub invalidate: bool,
    /// The item stays, but its value becomes empty; its `cas` stays if none is given.
    pub clear: bool,
    /// The `cas` of an item that stays.
    pub cas: Option<Cas>,
    /// When an item that stays ends; without it, as before, or never if its value is cleared.
    pub touch: Option<Expiry>,
    /// The flags of a value that is cleared.
    pub flags: u32,
}

/// How to calculate with a decimal number.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, ArithmeticOptions, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "stock", "7")?;
/// let mut options = ArithmeticOptions::default();
/// (options.delta, options.decrement) = (10, true);
/// assert_eq!(cache.arithmetic_with(now, "stock", &options)?.number(), Some(0));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ArithmeticOptions {
    /// How much is added or subtracted.
    pub delta: u64,
    /// It is subtracted, stopping at 0, instead of added, wrapping at 2^64.
    pub decrement: bool,
    /// If there is no item, one is made with this number, which ends then.
    pub initial: Option<(u64, Expiry)>,
    /// Only if the item's `cas` has this number.
    pub compare: Option<u64>,
    /// The new `cas`.
    pub cas: Option<Cas>,
    /// An item that was there ends at another time from now on.
    pub touch: Option<Expiry>,
    /// Of an item that is made: its key was given in base64.
    pub base64: bool,
}

impl Default for ArithmeticOptions {
    fn default() -> Self {
        Self {
            delta: 1,
            decrement: false,
            initial: None,
            compare: None,
            cas: None,
            touch: None,
            base64: false,
        }
    }
}
