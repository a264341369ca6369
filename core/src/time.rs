//! Time, as the caller tells it.
//!
//! Nothing in this crate reads a clock: every operation that depends on time takes `now` as its
//! first argument. An [`Instant`] counts milliseconds from an origin that the caller picks and
//! keeps.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

use crate::number;

/// A moment: milliseconds since an origin of the caller's choice.
///
/// Whoever serves memcached clients picks the Unix epoch, because expiry times above thirty days
/// are Unix times in that protocol, or says what a wall clock shows
/// ([`Host::unix_time`](crate::Host::unix_time)); a device may count from boot, with
/// [`Ticks32`] if its counter wraps. Time may begin anywhere and leap ahead. It should not run
/// backwards: if it does by less than 24 days, items live longer; if by more, time goes on for them
/// from where it was.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::Instant;
///
/// let start = Instant::from_secs(10);
/// let later = start + Duration::from_millis(5);
/// assert_eq!(later, Instant::from_millis(10_005));
/// assert_eq!((later.as_millis(), later.as_secs()), (10_005, 10));
/// assert_eq!(later.since(start), Duration::from_millis(5));
/// assert_eq!(start.since(later), Duration::ZERO);
/// let passed = later - start;
/// assert_eq!((passed, later - passed), (Duration::from_millis(5), start));
/// assert_eq!(later.to_string(), "10.005s");
/// ```
/// A clock of the standard library, whose origin is the start of the program; a test passes what
/// moments it likes instead:
/// ```
/// use dynamidb_core::Instant;
///
/// let start = std::time::Instant::now();
/// let clock = || Instant::default() + start.elapsed();
/// let now = clock();
/// assert!(clock() >= now);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Instant {
    millis: u64,
}

impl Instant {
    /// The moment `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The moment `secs` seconds after the origin (the last representable one if that is too far).
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self {
            millis: secs.saturating_mul(1000),
        }
    }

    /// Milliseconds since the origin.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// Whole seconds since the origin.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        number::second(self.millis)
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.millis.saturating_sub(earlier.millis))
    }

    /// How much later this is than `other`, in milliseconds.
    pub(crate) const fn ahead_of(self, other: Self) -> i64 {
        self.millis.wrapping_sub(other.millis).cast_signed()
    }

    /// The moment this many milliseconds later, or earlier; the first or last one if that is too
    /// far.
    pub(crate) const fn shifted(self, millis: i64) -> Self {
        Self::from_millis(self.millis.saturating_add_signed(millis))
    }

    /// The same in seconds, only whole ones counted.
    #[cfg(feature = "meta")]
    pub(crate) const fn whole_seconds_since(self, earlier: Self) -> u64 {
        number::second(self.millis.saturating_sub(earlier.millis))
    }

    /// The same in seconds, begun ones counted.
    pub(crate) const fn seconds_since(self, earlier: Self) -> u64 {
        let millis = self.millis.saturating_sub(earlier.millis);
        number::second(millis.saturating_add(999))
    }
}

fn whole_millis(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1000);
    whole.saturating_add(duration.subsec_millis().into())
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the last representable moment.
    fn add(self, duration: Duration) -> Self {
        let millis = whole_millis(duration);
        Self::from_millis(self.millis.saturating_add(millis))
    }
}

impl AddAssign<Duration> for Instant {
    /// Saturates at the last representable moment.
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    /// Saturates at the origin. As in a sum, parts of a millisecond do not count.
    fn sub(self, duration: Duration) -> Self {
        let millis = whole_millis(duration);
        Self::from_millis(self.millis.saturating_sub(millis))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// As [`since`](Self::since): zero if the other moment is later.
    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Instant {
    /// The seconds since the origin: `12.345s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.as_secs();
        let millis = self.millis - seconds * 1000;
        write!(f, "{seconds}.{millis:03}s")
    }
}

/// [`Instant`]s from a counter of 32 bits that counts milliseconds and wraps every 49.7 days, as
/// devices have.
///
/// It has to be told of the counter at least once in 49.7 days, or a round of it is missed. A
/// reading that is older than the last one by at most a minute, as an interrupt may have taken it,
/// means the time of the last one.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::{Instant, Ticks32};
///
/// let mut clock = Ticks32::new(u32::MAX - 999);
/// let start = clock.at(u32::MAX);
/// assert_eq!(clock.at(4).since(start), Duration::from_millis(5));
/// assert_eq!(clock.at(2), clock.at(4));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ticks32 {
    last: Instant,
}

impl Ticks32 {
    /// How much older than the last reading one may be, in milliseconds.
    pub const BACK_MAX: u32 = 60_000;

    /// Begins with this reading of the counter.
    #[must_use]
    pub const fn new(ticks: u32) -> Self {
        Self::after(Instant::from_millis(ticks as u64))
    }

    /// Goes on from a moment that it gave before.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Instant, Ticks32};
    /// let mut clock = Ticks32::after(Instant::from_millis(u32::MAX.into()));
    /// assert_eq!(clock.at(0), Instant::from_millis(1 << 32));
    /// ```
    #[must_use]
    pub const fn after(last: Instant) -> Self {
        Self { last }
    }

    /// The moment that this reading of the counter means.
    #[must_use]
    pub const fn at(&mut self, ticks: u32) -> Instant {
        let last = self.last.as_millis();
        let passed = ticks.wrapping_sub(last as u32);
        if passed.wrapping_neg() > Self::BACK_MAX {
            self.last = Instant::from_millis(last.saturating_add(passed as u64));
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn ticks_count_on_when_they_wrap_and_stand_when_they_go_back_by_a_minute() {
        const ROUND: u64 = 1 << 32;
        let longest = u32::MAX - Ticks32::BACK_MAX;
        let mut clock = Ticks32::new(7);
        let mut expected = 7;
        for passed in [
            0,
            1,
            1000,
            1 << 31,
            (1 << 31) + 1,
            longest,
            longest,
            u32::MAX / 2,
        ] {
            expected += u64::from(passed);
            assert_eq!(clock.at(expected as u32), Instant::from_millis(expected));
        }
        assert!(expected > 3 * ROUND, "it has wrapped");
        let last = Instant::from_millis(expected);
        for back in [1, 5, Ticks32::BACK_MAX] {
            assert_eq!(clock.at((expected as u32).wrapping_sub(back)), last);
        }
        let back = (expected as u32).wrapping_sub(Ticks32::BACK_MAX + 1);
        let next = expected + u64::from(longest);
        assert_eq!(clock.at(back), Instant::from_millis(next), "nearly a round");
    }

    #[test]
    fn addition_saturates() {
        let end = Instant::from_millis(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Instant::from_secs(u64::MAX), end);
        let mut moment = Instant::from_millis(u64::MAX - 1);
        moment += Duration::from_millis(1);
        assert_eq!(moment, end);
        moment += Duration::from_millis(1);
        assert_eq!(moment, end);
    }

    #[test]
    fn subtraction_stops_at_the_origin_and_drops_parts_of_a_millisecond() {
        let (origin, ms) = (Instant::default(), Duration::from_millis);
        let moment = Instant::from_millis(5);
        assert_eq!(moment - ms(4), Instant::from_millis(1));
        assert_eq!((moment - ms(5), moment - ms(6)), (origin, origin));
        assert_eq!(moment - Duration::MAX, origin);
        assert_eq!(
            moment - Duration::from_micros(1999),
            Instant::from_millis(4)
        );
        assert_eq!((moment - origin, origin - moment), (ms(5), Duration::ZERO));
    }

    #[test]
    fn display_shows_seconds_to_the_millisecond() {
        for (millis, shown) in [
            (0, "0.000s"),
            (999, "0.999s"),
            (61_005, "61.005s"),
            (u64::MAX, "18446744073709551.615s"),
        ] {
            assert_eq!(Instant::from_millis(millis).to_string(), shown);
        }
    }

    #[test]
    fn a_moment_is_not_since_a_later_one() {
        let (a, b) = (Instant::from_secs(1), Instant::from_secs(3));
        assert_eq!(a.since(b), Duration::ZERO);
        assert_eq!(b.since(a), Duration::from_secs(2));
    }
}
