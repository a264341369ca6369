//! The clocks of commands that are clients: a server has its own.

use std::time::{SystemTime, UNIX_EPOCH};

use dynamidb_core::Instant;
use dynamidb_core::snapshot::Clocks;

/// The wall clock. The times of a file count from now.
pub(super) fn clocks() -> Clocks {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let zero = Instant::default();
    Clocks::new(zero).unix(zero + now.unwrap_or_default())
}

/// A clock that never jumps, to measure how long something takes.
pub(super) fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}

/// A date of the wall clock, as RFC 3339 writes it.
pub(super) fn date(unix: Instant) -> String {
    let seconds = unix.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The year, month and day of a number of days since 1970. Years begin in March here, so that a
/// leap day is the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let year = era * 400 + year_of_era + is_next_year as u64;
    (year, if is_next_year { month - 9 } else { month + 3 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date(Instant::from_secs(seconds)), shown);
        }
    }
}
