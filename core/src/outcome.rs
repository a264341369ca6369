//! What the operations of a cache return. What went wrong is an [`Error`](crate::Error) instead.

use crate::{Cas, Instant, Item};

/// The item that a lookup found or created.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, GetOptions, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let found = cache.get_with(now, "key", &GetOptions::default()).unwrap();
/// assert_eq!(found.item.value, b"value");
/// assert!(!found.created && !found.win && !found.stale);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetOutcome<'c> {
    /// The item before the lookup: its old deadline, and whether it had been read before.
    pub item: Item<'c>,
    /// There was none, so an empty one was created.
    pub created: bool,
    /// This caller should renew the item; no other caller gets this until it is stored.
    pub win: bool,
    /// Another caller got `win` before.
    pub won: bool,
    /// The item was marked as stale.
    pub stale: bool,
    /// The item's key was given in base64.
    pub base64: bool,
}

/// What became of a conditional store, [`Cache::set_with`](crate::Cache::set_with).
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, SetMode, SetOptions, SetOutcome};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let outcome = cache.set_with(now, "key", "value", &SetOptions::default())?;
/// let cas = cache.get(now, "key").unwrap().cas;
/// assert_eq!(outcome, SetOutcome::Stored { cas, len: 5 });
/// let mut options = SetOptions::default();
/// options.mode = SetMode::Add;
/// assert_eq!(cache.set_with(now, "key", "other", &options)?, SetOutcome::NotStored);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[non_exhaustive]
pub enum SetOutcome {
    /// The value was stored.
    Stored {
        /// The item's new `cas`.
        cas: Option<Cas>,
        /// How many bytes the item's value has now.
        len: usize,
    },
    /// There is an item and the mode is `Add`, or there is none and the mode needs one.
    NotStored,
    /// The item has another `cas`.
    Exists,
    /// There is no item to compare with.
    NotFound,
}

impl SetOutcome {
    /// Whether the value was stored.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant, SetOptions};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// assert!(cache.set_with(now, "key", "value", &SetOptions::default())?.is_stored());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}

/// What became of [`Cache::compare_and_swap`](crate::Cache::compare_and_swap).
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, CasOutcome, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "one")?;
/// let cas = cache.get(now, "key").unwrap().cas.expect("the cache is not compact");
/// assert_eq!(cache.compare_and_swap(now, "key", "two", cas)?, CasOutcome::Stored);
/// assert_eq!(cache.compare_and_swap(now, "key", "three", cas)?, CasOutcome::Exists);
/// assert_eq!(cache.compare_and_swap(now, "absent", "four", cas)?, CasOutcome::NotFound);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[non_exhaustive]
pub enum CasOutcome {
    /// The value was stored.
    Stored,
    /// The item has another `cas`: it was stored again meanwhile.
    Exists,
    /// There is no such item.
    NotFound,
}

impl From<SetOutcome> for CasOutcome {
    fn from(outcome: SetOutcome) -> Self {
        match outcome {
            SetOutcome::Stored { .. } => Self::Stored,
            SetOutcome::Exists => Self::Exists,
            SetOutcome::NotStored | SetOutcome::NotFound => Self::NotFound,
        }
    }
}

/// What became of a conditional deletion, [`Cache::delete_with`](crate::Cache::delete_with).
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, DeleteOptions, DeleteOutcome, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let (now, options) = (Instant::from_secs(0), DeleteOptions::default());
/// cache.set(now, "key", "value")?;
/// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::Deleted);
/// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::NotFound);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[non_exhaustive]
pub enum DeleteOutcome {
    /// The item was deleted, or what the options ask for instead was done.
    Deleted,
    /// The item has another `cas`.
    Exists,
    /// There is no such item.
    NotFound,
}

/// What became of an addition or subtraction,
/// [`Cache::arithmetic_with`](crate::Cache::arithmetic_with).
///
/// # Examples
/// ```
/// use dynamidb_core::{ArithmeticOptions, ArithmeticOutcome, Cache, Config, Expiry, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let mut options = ArithmeticOptions::default();
/// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?, ArithmeticOutcome::NotFound);
/// options.initial = Some((100, Expiry::Never));
/// let outcome = cache.arithmetic_with(now, "ticket", &options)?;
/// assert!(matches!(outcome, ArithmeticOutcome::Stored { number: 100, created: true, .. }));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
#[non_exhaustive]
pub enum ArithmeticOutcome {
    /// The number was stored.
    Stored {
        /// The result.
        number: u64,
        /// The item's new `cas`.
        cas: Option<Cas>,
        /// There was no item, so one was created.
        created: bool,
        /// The deadline that the item had before.
        expires_at: Option<Instant>,
    },
    /// The item has another `cas`.
    Exists,
    /// There is no such item.
    NotFound,
}

impl ArithmeticOutcome {
    /// The result, if the number was stored.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{ArithmeticOptions, Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// # let now = Instant::from_secs(0);
    /// cache.set(now, "visits", "9")?;
    /// let outcome = cache.arithmetic_with(now, "visits", &ArithmeticOptions::default())?;
    /// assert_eq!(outcome.number(), Some(10));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match *self {
            Self::Stored { number, .. } => Some(number),
            Self::Exists | Self::NotFound => None,
        }
    }
}
