//! memcached's exptimes: seconds from now, or a Unix time.

use core::time::Duration;

use super::line;
use crate::{Expiry, Instant};

/// Exptimes up to thirty days count from now, larger ones are Unix times.
const RELATIVE_MAX: i64 = 30 * 24 * 60 * 60;

const UNIX_MIN: i64 = RELATIVE_MAX + 1;

/// The largest Unix time, in 2106. The thirty days of numbers above it are negative ones of 32 bits
/// without their sign: some clients write -1 like this, and mean an item that has expired.
const UNIX_MAX: i64 = UNSIGNED_MAX - RELATIVE_MAX;
const UNSIGNED_MAX: i64 = u32::MAX as i64;
const SIGNED_MIN: i64 = i32::MIN as i64;

/// What an exptime means that must be a strict number of 32 bits, with a sign or without.
pub(super) fn parse_strict(word: &[u8]) -> Option<Expiry> {
    let exptime = line::strict_signed(word)?;
    (SIGNED_MIN..=UNSIGNED_MAX)
        .contains(&exptime)
        .then(|| expiry(exptime))
}

/// What an exptime means. One that 32 bits cannot hold is never.
pub(super) fn expiry(exptime: i64) -> Expiry {
    let seconds = exptime.unsigned_abs();
    match exptime {
        0 => Expiry::Never,
        1..=RELATIVE_MAX => Expiry::After(Duration::from_secs(seconds)),
        UNIX_MIN..=UNIX_MAX => Expiry::At(Instant::from_secs(seconds)),
        ..=UNSIGNED_MAX => Expiry::After(Duration::ZERO),
        _ => Expiry::Never,
    }
}
