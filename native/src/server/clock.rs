//! The only place of the server that reads clocks.
//!
//! There are two. Deadlines follow a monotonic clock: it starts at the Unix time of the server's
//! start and counts the seconds since then, including those of a suspend. The wall clock may be
//! wrong and corrected later; it is read only to convert dates from and for clients.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamidb_core::Instant;
use dynamidb_core::snapshot::Clocks;

/// The time of the server, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// The wall clock at the start.
    origin: Instant,
    /// The monotonic clock at the start.
    started: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self::started_at(wall_time(), elapsed_time())
    }

    fn started_at(wall: Duration, elapsed: Duration) -> Self {
        Self {
            origin: Instant::default() + wall,
            started: elapsed,
        }
    }

    /// The clock of a server that started while the wall clock was slow by this much.
    #[cfg(test)]
    pub(crate) fn started_slow(by: Duration) -> Self {
        Self::started_at(wall_time() - by, elapsed_time())
    }

    /// The time that deadlines follow. It never jumps.
    pub(crate) fn now(&self) -> Instant {
        self.at(elapsed_time())
    }

    fn at(&self, elapsed: Duration) -> Instant {
        self.origin + elapsed.saturating_sub(self.started)
    }

    /// Microseconds since the start, and never 0: to measure how long something takes.
    pub(crate) fn micros(&self) -> u64 {
        let micros = elapsed_time().saturating_sub(self.started).as_micros();
        u64::try_from(micros).unwrap_or(u64::MAX).max(1)
    }

    /// Whole seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.now().since(self.origin).as_secs()
    }

    /// Both clocks now, for items that leave the process or come back.
    pub(crate) fn both(&self) -> Clocks {
        Clocks::new(self.now()).unix(unix_time())
    }

    /// Both clocks now, to convert times to dates.
    pub(crate) fn wall(&self) -> Wall {
        Wall {
            now: self.now(),
            unix: unix_time(),
        }
    }
}

/// The time of the wall clock.
pub(crate) fn unix_time() -> Instant {
    Instant::default() + wall_time()
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall {
    now: Instant,
    unix: Instant,
}

impl Wall {
    /// Converts a time to a date.
    pub(crate) fn date(&self, at: Instant) -> Instant {
        if at >= self.now {
            return self.unix + at.since(self.now);
        }
        let before = self.unix.since(Instant::default() + self.now.since(at));
        Instant::default() + before
    }

    /// Converts a deadline to the nearest second of a date. Reading two clocks takes some time, and
    /// a date must be shown as the client gave it.
    pub(crate) fn second(&self, deadline: Instant) -> u64 {
        (self.date(deadline) + Duration::from_millis(500)).as_secs()
    }
}

/// The time since the Unix epoch, which may be wrong or be set at any moment.
fn wall_time() -> Duration {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default()
}

/// The time since some moment before the start, including that of a suspend.
#[cfg(target_os = "linux")]
fn elapsed_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    // It exists since Linux 2.6.39, and then cannot fail.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

/// The time of `CLOCK_MONOTONIC`, in microseconds, which a service manager compares with its own.
pub(crate) fn monotonic_micros() -> u128 {
    use nix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| Duration::from(now).as_micros())
}

/// The time since the first call. The system decides whether a suspend counts.
#[cfg(not(target_os = "linux"))]
fn elapsed_time() -> Duration {
    use std::sync::LazyLock;
    use std::time;
    static FIRST: LazyLock<time::Instant> = LazyLock::new(time::Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn time_starts_at_the_wall_clock_and_follows_the_monotonic_clock() {
        let (wall, elapsed) = (Duration::from_secs(1_700_000_000), Duration::from_secs(50));
        let clock = Clock::started_at(wall, elapsed);
        assert_eq!(clock.at(elapsed), Instant::from_secs(1_700_000_000));
        // As after a suspend of an hour.
        let later = clock.at(elapsed + HOUR);
        assert_eq!(later, Instant::from_secs(1_700_003_600));
        // A clock that a migration set back.
        assert_eq!(clock.at(Duration::ZERO), clock.at(elapsed));
    }

    #[test]
    fn the_clock_starts_at_the_unix_time_and_is_monotonic() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first.as_secs().abs_diff(unix_time().as_secs()) <= 1);
        assert!(clock.now() >= first);
    }

    #[test]
    fn the_monotonic_clock_counts_a_suspend() {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let boot: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
        assert!((elapsed_time().as_secs_f64() - boot).abs() < 20.0, "{boot}");
    }

    #[test]
    fn dates_follow_the_wall_clock() {
        let (now, hours) = (Instant::from_secs(1_000_000), Instant::from_secs(3600));
        for unix in [Instant::from_secs(2_000_000), Instant::from_secs(500_000)] {
            let wall = Wall { now, unix };
            assert_eq!(wall.date(now), unix);
            assert_eq!(wall.date(now + HOUR), unix + HOUR);
            assert_eq!(wall.date(Instant::default() + now.since(hours)), {
                Instant::default() + unix.since(hours)
            });
        }
        let wall = Wall { now, unix: hours };
        // Never before the epoch.
        assert_eq!(wall.date(Instant::default()), Instant::default());
    }

    #[test]
    fn a_deadline_is_shown_as_the_nearest_second() {
        let wall = Wall {
            now: Instant::from_millis(5_000_300),
            unix: Instant::from_millis(9_000_000),
        };
        for (deadline, second) in [(5_100_299, 9100), (5_100_300, 9100), (5_100_301, 9100)] {
            assert_eq!(wall.second(Instant::from_millis(deadline)), second);
        }
    }
}
