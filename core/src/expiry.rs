//! When an item is to expire, as the caller says it.

use core::time::Duration;

use crate::Instant;

/// When an item ends.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Expiry, Instant};
///
/// let now = Instant::from_secs(100);
/// assert_eq!(Expiry::Never.deadline(now), None);
/// let minute = Expiry::After(Duration::from_secs(60));
/// assert_eq!(minute.deadline(now), Some(Instant::from_secs(160)));
/// assert_eq!(Expiry::At(now).deadline(now), Some(now));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Expiry {
    /// Not by itself; it may still be evicted.
    #[default]
    Never,
    /// This long after the operation that says so. Zero: at once. Up to 50 days are kept to the
    /// millisecond, longer times to 32 of them and never late, and more than 3000 days are never.
    After(Duration),
    /// At that moment. In the past: at once.
    At(Instant),
}

impl Expiry {
    /// The moment meant, if `now` is the time of the operation.
    #[must_use]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn deadline(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Never => None,
            Self::After(duration) => Some(now + duration),
            Self::At(instant) => Some(instant),
        }
    }

    /// In how many milliseconds that is: none if it has passed, and [`u64::MAX`] if it is never.
    pub(crate) fn millis_after(self, now: Instant) -> u64 {
        match self {
            Self::Never => u64::MAX,
            Self::After(duration) => {
                // More seconds are never, as those are already: 136 years.
                let seconds = u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
                u64::from(seconds) * 1000 + u64::from(duration.subsec_millis())
            }
            Self::At(instant) => instant.as_millis().saturating_sub(now.as_millis()),
        }
    }
}
