//! What the general operations of a cache can be asked to do, and what they answer.
//!
//! Each is named after its method: [`Cache::get_with`](crate::Cache::get_with),
//! [`set_with`](crate::Cache::set_with), [`delete_with`](crate::Cache::delete_with),
//! [`arithmetic_with`](crate::Cache::arithmetic_with). Their defaults do what the plain methods do.
//!
//! A `cas` in options is the one that the item gets: users count with clocks or versions of their
//! own. 0 stands for the cache's own next one.

use crate::{Expiry, Item, Outcome};

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
    pub cas: u64,
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

/// What a lookup found or made.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, GetOptions, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let fetched = cache.get_with(now, "key", &GetOptions::default()).unwrap();
/// assert_eq!(fetched.item.value, b"value");
/// assert!(!fetched.created && !fetched.win && !fetched.stale);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetOutcome<'c> {
    /// The item as it was found: when it would have ended, whether it had been read before.
    pub item: Item<'c>,
    /// There was none, so an empty one was made.
    pub created: bool,
    /// The caller is the one who is to renew the item; nobody else is told so until it is stored.
    pub win: bool,
    /// Somebody else was told so before.
    pub won: bool,
    /// It was declared out of date.
    pub stale: bool,
    /// Its key was given in base64.
    pub base64: bool,
}

/// Which items a store wants to find, and where its bytes go.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Outcome, SetMode, SetOptions};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let mut options = SetOptions::default();
/// options.mode = SetMode::Replace;
/// let stored = cache.set_with(now, "key", "value", &options)?;
/// assert_eq!(stored.outcome, Outcome::NotStored);
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
    pub(crate) const fn joins(self) -> bool {
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
    /// Only if the item has this `cas`. Has no meaning to [`SetMode::Add`].
    pub compare: Option<u64>,
    /// The new `cas`.
    pub cas: u64,
    /// If the `cas` to compare with is less than the item's, the value is stored all the same, but
    /// as one that is out of date already; it ends when the item would have ended.
    pub invalidate: bool,
    /// To append or prepend to no item makes one that ends then.
    pub vivify: Option<Expiry>,
    /// The key was given in base64.
    pub base64: bool,
}

/// What became of a store.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Outcome, SetOptions};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let stored = cache.set_with(now, "key", "value", &SetOptions::default())?;
/// assert_eq!((stored.outcome, stored.len), (Outcome::Stored, 5));
/// assert_eq!(cache.get(now, "key").unwrap().cas, stored.cas);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SetOutcome {
    /// Whether it was done.
    pub outcome: Outcome,
    /// The item's new `cas`; 0 if it was not done.
    pub cas: u64,
    /// How many bytes the item's value has now; those that were to be stored if it was not done.
    pub len: usize,
}

/// How to delete an item.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, DeleteOptions, Instant, Outcome};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let mut options = DeleteOptions::default();
/// options.compare = Some(cache.get(now, "key").unwrap().cas + 1);
/// assert_eq!(cache.delete_with(now, "key", &options)?, Outcome::Exists);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct DeleteOptions {
    /// Only if the item has this `cas`.
    pub compare: Option<u64>,
    /// The item stays, declared out of date: the next one who fetches it is to renew it. It gets a
    /// new `cas`.
    pub invalidate: bool,
    /// The item stays, but its value becomes empty; its `cas` stays if none is given.
    pub clear: bool,
    /// The `cas` of an item that stays.
    pub cas: u64,
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
/// assert_eq!(cache.arithmetic_with(now, "stock", &options)?.number, 0);
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
    /// Only if the item has this `cas`.
    pub compare: Option<u64>,
    /// The new `cas`.
    pub cas: u64,
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
            cas: 0,
            touch: None,
            base64: false,
        }
    }
}

/// What became of a calculation.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, ArithmeticOptions, Config, Expiry, Instant, Outcome};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let mut options = ArithmeticOptions::default();
/// options.initial = Some((100, Expiry::Never));
/// let calculated = cache.arithmetic_with(now, "ticket", &options)?;
/// assert_eq!((calculated.outcome, calculated.number), (Outcome::Stored, 100));
/// assert!(calculated.created);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ArithmeticOutcome {
    /// [`Outcome::Stored`], or why not.
    pub outcome: Outcome,
    /// The result; 0 if there is none.
    pub number: u64,
    /// The item's new `cas`; 0 if there is no result.
    pub cas: u64,
    /// There was no item, so one was made.
    pub created: bool,
    /// When the item that was found would have ended.
    pub expires_at: Option<crate::Instant>,
}
