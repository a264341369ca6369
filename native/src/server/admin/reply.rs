//! Replies and numbers that several commands share.

use std::fmt::Display;
use std::fmt::Write;

use std::str::FromStr;

use dynamidb_core::Output;

pub(super) const OK: &str = "OK\r\n";
pub(super) const ERROR: &str = "ERROR\r\n";
pub(super) const END: &str = "END\r\n";
pub(super) const BAD_LINE: &str = "CLIENT_ERROR bad command line format\r\n";

/// Parses a whole word as a number: digits, or a sign and digits where the type has a sign.
pub(super) fn number<T: FromStr>(word: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(word).ok()?;
    (!text.starts_with('+'))
        .then(|| text.parse().ok())
        .flatten()
}

/// Appends a line of `stats`.
pub(super) fn stat(output: &mut dyn Output, name: impl Display, value: impl Display) {
    // Writing does not fail.
    let _ = write!(output, "STAT {name} {value}\r\n");
}
