//! The options of a cache's general operations.
//!
//! Each is named after its method: [`Cache::get_with`](crate::Cache::get_with),
//! [`set_with`](crate::Cache::set_with), [`delete_with`](crate::Cache::delete_with),
//! [`arithmetic_with`](crate::Cache::arithmetic_with). Their defaults do what the plain methods do.
//!
//! Fields are set by methods of their names, `with_…`, which return the same options otherwise.
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
/// use dynamidb_core::{Cache, Cas, Config, Expiry, GetOptions, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let minute = Expiry::After(Duration::from_secs(60));
/// let options = GetOptions::default().with_touch(minute).with_no_bump(true);
/// assert!(cache.get_with(now, "key", &options).is_some());
/// assert_eq!(cache.next_expiry(now), Some(Instant::from_secs(60)));
///
/// let cas = Cas::new(7).unwrap();
/// let make = GetOptions::default().with_vivify(minute).with_cas(cas).with_base64(true);
/// let made = cache.get_with(now, "other", &make).unwrap();
/// assert_eq!((made.created, made.base64, made.item.cas), (true, true, Some(cas)));
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

impl GetOptions {
    /// The same, counting as use or not: see [`no_bump`](Self::no_bump).
    #[must_use]
    pub const fn with_no_bump(mut self, no_bump: bool) -> Self {
        self.no_bump = no_bump;
        self
    }

    /// The same with this new expiry of an item that is found.
    #[must_use]
    pub const fn with_touch(mut self, touch: Expiry) -> Self {
        self.touch = Some(touch);
        self
    }

    /// The same, making an empty item with this expiry if there is none.
    #[must_use]
    pub const fn with_vivify(mut self, vivify: Expiry) -> Self {
        self.vivify = Some(vivify);
        self
    }

    /// The same with this `cas` of an item that is made.
    #[must_use]
    pub const fn with_cas(mut self, cas: Cas) -> Self {
        self.cas = Some(cas);
        self
    }

    /// The same for a key that was given in base64 or was not.
    #[must_use]
    pub const fn with_base64(mut self, base64: bool) -> Self {
        self.base64 = base64;
        self
    }

    /// The same with this rule when the item is to be renewed.
    #[must_use]
    pub const fn with_recache(mut self, recache: Recache) -> Self {
        self.recache = recache;
        self
    }
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
/// let soon = Recache::EndsBefore(Expiry::After(Duration::from_secs(30)));
/// let options = GetOptions::default().with_recache(soon);
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
/// let options = SetOptions::default().with_mode(SetMode::Replace);
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
/// use dynamidb_core::{Cache, Cas, Config, Expiry, GetOptions, Instant, SetMode, SetOptions};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// let options = SetOptions::default().with_mode(SetMode::Append).with_vivify(Expiry::Never);
/// let _ = cache.set_with(now, "log", "one,", &options)?;
/// let _ = cache.set_with(now, "log", "two,", &options)?;
/// assert_eq!(cache.get(now, "log").unwrap().value, b"one,two,");
///
/// let old = Cas::new(7).unwrap();
/// let options = SetOptions::default().with_base64(true).with_cas(old);
/// let _ = cache.set_with(now, "key", "value", &options)?;
/// let older = SetOptions::default().with_compare(6).with_invalidate(true);
/// assert!(cache.set_with(now, "key", "older", &older)?.is_stored());
/// assert!(cache.get_with(now, "key", &GetOptions::default()).unwrap().stale);
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

impl SetOptions {
    /// The same with this mode.
    #[must_use]
    pub const fn with_mode(mut self, mode: SetMode) -> Self {
        self.mode = mode;
        self
    }

    /// The same, only if the item's `cas` has this number.
    #[must_use]
    pub const fn with_compare(mut self, compare: u64) -> Self {
        self.compare = Some(compare);
        self
    }

    /// The same with this new `cas`.
    #[must_use]
    pub const fn with_cas(mut self, cas: Cas) -> Self {
        self.cas = Some(cas);
        self
    }

    /// The same, storing an older value as out of date or not at all: see
    /// [`invalidate`](Self::invalidate).
    #[must_use]
    pub const fn with_invalidate(mut self, invalidate: bool) -> Self {
        self.invalidate = invalidate;
        self
    }

    /// The same, making an item with this expiry if there is none to append or prepend to.
    #[must_use]
    pub const fn with_vivify(mut self, vivify: Expiry) -> Self {
        self.vivify = Some(vivify);
        self
    }

    /// The same for a key that was given in base64 or was not.
    #[must_use]
    pub const fn with_base64(mut self, base64: bool) -> Self {
        self.base64 = base64;
        self
    }
}

/// How to delete an item.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Cache, Cas, Config, DeleteOptions, DeleteOutcome, Expiry, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let cas = cache.get(now, "key").unwrap().cas.expect("the cache is not compact");
/// let options = DeleteOptions::default().with_compare(cas.get() + 1);
/// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::Exists);
///
/// let next = Cas::new(cas.get() + 1).unwrap();
/// let empty = DeleteOptions::default().with_clear(true).with_flags(3).with_cas(next);
/// let brief = empty.with_touch(Expiry::After(Duration::from_secs(5))).with_invalidate(true);
/// assert_eq!(cache.delete_with(now, "key", &brief)?, DeleteOutcome::Deleted);
/// let item = cache.get(now, "key").unwrap();
/// assert_eq!((item.value.len(), item.flags, item.cas), (0, 3, Some(next)));
/// assert_eq!(item.expires_at, Some(Instant::from_secs(5)));
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

impl DeleteOptions {
    /// The same, only if the item's `cas` has this number.
    #[must_use]
    pub const fn with_compare(mut self, compare: u64) -> Self {
        self.compare = Some(compare);
        self
    }

    /// The same, declaring the item out of date or deleting it.
    #[must_use]
    pub const fn with_invalidate(mut self, invalidate: bool) -> Self {
        self.invalidate = invalidate;
        self
    }

    /// The same, emptying the value or deleting the item.
    #[must_use]
    pub const fn with_clear(mut self, clear: bool) -> Self {
        self.clear = clear;
        self
    }

    /// The same with this `cas` of an item that stays.
    #[must_use]
    pub const fn with_cas(mut self, cas: Cas) -> Self {
        self.cas = Some(cas);
        self
    }

    /// The same with this expiry of an item that stays.
    #[must_use]
    pub const fn with_touch(mut self, touch: Expiry) -> Self {
        self.touch = Some(touch);
        self
    }

    /// The same with these flags of a value that is cleared.
    #[must_use]
    pub const fn with_flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }
}

/// How to calculate with a decimal number.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{ArithmeticOptions, Cache, Cas, Config, Expiry, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "stock", "7")?;
/// let options = ArithmeticOptions::default().with_delta(10).with_decrement(true);
/// assert_eq!(cache.arithmetic_with(now, "stock", &options)?.number(), Some(0));
///
/// let brief = Expiry::After(Duration::from_secs(5));
/// let first = ArithmeticOptions::default().with_initial(1, brief).with_base64(true);
/// assert_eq!(cache.arithmetic_with(now, "ticket", &first)?.number(), Some(1));
/// let cas = Cas::new(7).unwrap();
/// let next = ArithmeticOptions::default().with_cas(cas).with_touch(Expiry::Never);
/// assert_eq!(cache.arithmetic_with(now, "ticket", &next)?.number(), Some(2));
/// let other = ArithmeticOptions::default().with_compare(8);
/// assert_eq!(cache.arithmetic_with(now, "ticket", &other)?.number(), None);
/// assert_eq!(cache.get(now, "ticket").unwrap().expires_at, None);
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

impl ArithmeticOptions {
    /// The same with this number to add or subtract.
    #[must_use]
    pub const fn with_delta(mut self, delta: u64) -> Self {
        self.delta = delta;
        self
    }

    /// The same, subtracting or adding.
    #[must_use]
    pub const fn with_decrement(mut self, decrement: bool) -> Self {
        self.decrement = decrement;
        self
    }

    /// The same, only if the item's `cas` has this number.
    #[must_use]
    pub const fn with_compare(mut self, compare: u64) -> Self {
        self.compare = Some(compare);
        self
    }

    /// The same with this new `cas`.
    #[must_use]
    pub const fn with_cas(mut self, cas: Cas) -> Self {
        self.cas = Some(cas);
        self
    }

    /// The same with this new expiry of an item that is found.
    #[must_use]
    pub const fn with_touch(mut self, touch: Expiry) -> Self {
        self.touch = Some(touch);
        self
    }

    /// The same for a key that was given in base64 or was not.
    #[must_use]
    pub const fn with_base64(mut self, base64: bool) -> Self {
        self.base64 = base64;
        self
    }

    /// The same, making an item with this number and expiry if there is none.
    #[must_use]
    pub const fn with_initial(mut self, number: u64, expiry: Expiry) -> Self {
        self.initial = Some((number, expiry));
        self
    }
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
