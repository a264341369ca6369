//! The one source of randomness: seeds for the hashes of keys.

use std::hash::{BuildHasher, RandomState};

/// A seed for [`Config::hash_seed`](dynamidb_core::Config::hash_seed) that nobody can guess; the
/// standard library draws it from the operating system.
///
/// # Examples
/// ```
/// assert_ne!(dynamidb_sync::random_seed(), dynamidb_sync::random_seed());
/// ```
#[must_use]
pub fn random_seed() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(0));
    half() << 64 | half()
}
