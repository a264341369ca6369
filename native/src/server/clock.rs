//! The only place of the server that asks what time it is.
//!
//! There are two clocks. Deadlines count by one that nobody sets: it begins with the Unix time at
//! the start of the server and then counts seconds that go by, those of a suspend included. The
//! wall clock may be wrong, and set right later; it is looked at only where a date is taken from a
//! client or shown to one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dynamidb_core::Instant;

/// The time of the server, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// What the wall clock showed at the start.
    origin: Instant,
    /// What the clock that nobody sets showed at the start.
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

    /// Of a server that started while the wall clock was so much slow.
    #[cfg(test)]
    pub(crate) fn started_slow(by: Duration) -> Self {
        Self::started_at(wall_time() - by, elapsed_time())
    }

    /// The moment by which deadlines count. It never jumps.
    pub(crate) fn now(&self) -> Instant {
        self.at(elapsed_time())
    }

    fn at(&self, elapsed: Duration) -> Instant {
        self.origin + elapsed.saturating_sub(self.started)
    }

    /// Whole seconds since the start.
    pub(crate) fn uptime(&self) -> u64 {
        self.now().since(self.origin).as_secs()
    }

    /// How the wall clock stands to this one now.
    pub(crate) fn wall(&self) -> Wall {
        Wall {
            now: self.now(),
            unix: unix_time(),
        }
    }
}

/// What the wall clock shows now.
pub(crate) fn unix_time() -> Instant {
    Instant::default() + wall_time()
}

/// Both clocks at one moment, to show others as dates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wall {
    now: Instant,
    unix: Instant,
}

impl Wall {
    /// A moment as the time since the Unix epoch.
    pub(crate) fn date(&self, at: Instant) -> Instant {
        if at >= self.now {
            return self.unix + at.since(self.now);
        }
        let before = self.unix.since(Instant::default() + self.now.since(at));
        Instant::default() + before
    }

    /// The second of a deadline: the nearest one, so that a date is shown as the client gave it
    /// whatever the milliseconds that two looks at two clocks are apart.
    pub(crate) fn second(&self, deadline: Instant) -> u64 {
        (self.date(deadline) + Duration::from_millis(500)).as_secs()
    }
}

/// Since the Unix epoch; may be set at any time, and wrongly.
fn wall_time() -> Duration {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.unwrap_or_default()
}

/// Since some moment before the start, the time of a suspend included.
#[cfg(target_os = "linux")]
fn elapsed_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    // It is there since Linux 2.6.39, and a clock that is there always answers.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

/// Since the first call. Whether a suspend counts is up to the system.
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
    fn time_counts_from_the_wall_clock_at_the_start_by_the_clock_that_nobody_sets() {
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
    fn time_begins_with_the_unix_time_and_never_runs_backwards() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(first.as_secs().abs_diff(unix_time().as_secs()) <= 1);
        assert!(clock.now() >= first);
    }

    #[test]
    fn the_clock_that_nobody_sets_counts_a_suspend() {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let boot: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
        assert!((elapsed_time().as_secs_f64() - boot).abs() < 20.0, "{boot}");
    }

    #[test]
    fn moments_are_shown_as_the_wall_clock_dates_them() {
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
        // Before the epoch there is nothing.
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
