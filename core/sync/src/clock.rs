//! What time it is for a [`SharedCache`](crate::SharedCache): the only file of this crate that
//! reads clocks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{self, Duration, SystemTime, UNIX_EPOCH};

use dynamidb_core::Instant;

/// A clock: the system's, a [`FakeClock`], or one of your own.
///
/// The system's starts at the Unix time of its creation and is monotonic from then on. Whether it
/// counts while the machine sleeps is up to the system, as for [`std::time::Instant`].
///
/// # Examples
/// One that reads the system's less often:
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use dynamidb_core::{Config, Instant};
/// use dynamidb_sync::{Clock, SharedCache};
///
/// let system = Clock::system();
/// let now = Arc::new(AtomicU64::new(system.now().as_millis())); // a thread keeps it up to date
/// let coarse = Clock::from_fn(move || Instant::from_millis(now.load(Ordering::Relaxed)));
/// let cache = SharedCache::new(&Config::default(), 4)?.with_clock(coarse);
/// cache.set("key", "value")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System {
        /// The wall clock at the creation.
        origin: Instant,
        started: time::Instant,
    },
    Other(Arc<dyn Fn() -> Instant + Send + Sync>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System {
            origin: wall_time(),
            started: time::Instant::now(),
        })
    }

    /// A clock of your own. It should not run backwards, and count from the Unix epoch if items are
    /// saved and restored by another run of the program, or if clients of memcached's protocol send
    /// dates.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Source::Other(Arc::new(now)))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System { origin, started } => *origin + started.elapsed(),
            Source::Other(now) => now(),
        }
    }

    /// The moment of the system's clock that [`std::time::Instant`] calls so. A moment before the
    /// clock was made is the one at which it was made; to another clock, all are `now`.
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let clock = dynamidb_sync::Clock::system();
    /// let deadline = Instant::now() + Duration::from_secs(60);
    /// assert!(clock.at(deadline) > clock.now());
    /// ```
    #[must_use]
    pub fn at(&self, instant: time::Instant) -> Instant {
        match &self.0 {
            Source::System { origin, started } => {
                *origin + instant.saturating_duration_since(*started)
            }
            Source::Other(now) => now(),
        }
    }

    /// What the wall clock shows, which may be corrected at any moment; the same as
    /// [`now`](Self::now) for a clock that is not the system's.
    ///
    /// # Examples
    /// ```
    /// let clock = dynamidb_sync::Clock::default();
    /// assert!(clock.unix_time().as_secs() > 1_700_000_000);
    /// ```
    #[must_use]
    pub fn unix_time(&self) -> Instant {
        match &self.0 {
            Source::System { .. } => wall_time(),
            Source::Other(now) => now(),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The time since the Unix epoch, which may be wrong or be set at any moment.
fn wall_time() -> Instant {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    Instant::default() + since_epoch.unwrap_or_default()
}

/// A clock for tests, which stands still until it is told to move. A clone is another handle to the
/// same clock.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use dynamidb_core::{Config, Expiry};
/// use dynamidb_sync::{FakeClock, SharedCache};
///
/// let clock = FakeClock::default();
/// let cache = SharedCache::new(&Config::default(), 1)?.with_clock(&clock);
/// let minute = ("value", Expiry::After(Duration::from_secs(60)));
/// cache.set("key", &minute)?;
/// clock.advance(Duration::from_secs(59));
/// assert!(cache.contains_key("key"));
/// clock.advance(Duration::from_secs(1));
/// assert!(!cache.contains_key("key"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    /// A clock that shows this moment.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_millis())))
    }

    /// What it shows.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Instant;
    /// use dynamidb_sync::FakeClock;
    ///
    /// let clock = FakeClock::new(Instant::from_secs(5));
    /// clock.set(Instant::from_secs(7));
    /// assert_eq!(clock.now(), Instant::from_secs(7));
    /// ```
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Shows this moment from now on.
    pub fn set(&self, now: Instant) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves on by this time.
    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }
}

impl From<&FakeClock> for Clock {
    fn from(clock: &FakeClock) -> Self {
        let clock = clock.clone();
        Self::from_fn(move || clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_starts_at_the_unix_time_and_is_monotonic() {
        let before = wall_time();
        let clock = Clock::system();
        let first = clock.now();
        assert!(first >= before && clock.now() >= first);
        // The wall clock may be corrected meanwhile, but not by an hour.
        let apart = |a: Instant, b: Instant| a.as_secs().abs_diff(b.as_secs());
        assert!(apart(first, clock.unix_time()) < 3600);
    }

    #[test]
    fn a_moment_of_the_standard_library_is_as_far_from_now_on_the_systems_clock() {
        let clock = Clock::system();
        let Source::System { origin, started } = clock.0 else {
            panic!("it is the system's");
        };
        let minute = Duration::from_secs(60);
        assert_eq!(clock.at(started + minute), origin + minute);
        assert_eq!(clock.at(started), origin);
        let before = started.checked_sub(Duration::from_millis(1));
        assert_eq!(before.map_or(origin, |before| clock.at(before)), origin);
    }

    #[test]
    fn another_clock_is_asked_each_time_and_is_its_own_wall_clock() {
        let fake = FakeClock::new(Instant::from_secs(5));
        let clock = Clock::from(&fake);
        assert_eq!(clock.now(), Instant::from_secs(5));
        fake.clone().advance(Duration::from_millis(1));
        let later = Instant::from_millis(5001);
        assert_eq!((clock.now(), clock.unix_time()), (later, later));
        assert_eq!(clock.at(time::Instant::now()), later);
    }
}
