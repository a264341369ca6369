//! The number by which a client sees that an item has changed.

use core::fmt;
use core::num::NonZero;

/// A compare-and-swap number: an item gets another one with each store under its key.
///
/// The items of a [`compact`](crate::Config::compact) cache have none.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Cas, CasOutcome, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "one")?;
/// let cas = cache.get(now, "key").unwrap().cas.expect("the cache is not compact");
/// assert_eq!(cache.compare_and_swap(now, "key", "two", cas)?, CasOutcome::Stored);
///
/// // It may be sent to a client and come back as a number, which is never 0.
/// assert_eq!(Cas::new(cas.get()), Some(cas));
/// assert_eq!(Cas::new(0), None);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cas(NonZero<u64>);

impl Cas {
    /// The cas with this number; `None` for 0, which no item has.
    #[inline]
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZero::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    #[inline]
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// Its number; 0 if there is none.
    #[inline]
    pub(crate) fn number(cas: Option<Self>) -> u64 {
        cas.map_or(0, Self::get)
    }
}

impl fmt::Display for Cas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
