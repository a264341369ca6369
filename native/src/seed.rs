//! The one source of randomness of this crate: seeds for the hashes of keys.

use std::hash::{BuildHasher, RandomState};

/// A seed that nobody can guess; the standard library draws it from the operating system.
pub(crate) fn random() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(0));
    half() << 64 | half()
}
