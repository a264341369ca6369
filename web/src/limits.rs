//! What a playground, its record and a scenario have to agree on.

/// The longest time that one call advances the clock by, in milliseconds: a day.
pub(crate) const ADVANCE_MAX: u64 = 86_400_000;
/// The latest time, in milliseconds since the Unix epoch: JavaScript's numbers are exact up to
/// here.
pub(crate) const TIME_MAX: u64 = 1 << 53;
/// The number of clients: A to Z.
pub(crate) const CLIENTS: usize = 26;
