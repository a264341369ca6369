//! Keys and their hashes.
//!
//! The hash is SipHash-1-3 (Aumasson and Bernstein, 2012) keyed with a seed from the host, so that
//! nobody who does not know the seed can choose keys that collide. It is the same number on every
//! platform, so the same inputs lead to the same state everywhere.

use siphasher::sip::SipHasher13;

/// Computes the hashes of keys for caches that share a seed.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    sip: SipHasher13,
}

impl Hasher {
    pub(crate) fn new(seed: u128) -> Self {
        Self { sip: SipHasher13::new_with_key(&seed.to_le_bytes()) }
    }

    /// The key with its hash, so that it is computed once and used by shard, index and look-ahead.
    #[must_use]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key { bytes, hash: Some(self.sip.hash(bytes)) }
    }

    /// The hash of `key`, computed if it does not carry it yet.
    #[must_use]
    pub fn hash(&self, key: &Key<'_>) -> u64 {
        key.hash.unwrap_or_else(|| self.sip.hash(key.bytes))
    }
}

/// A key: 1 to [`Key::LEN_MAX`] bytes, any bytes.
///
/// Made from `&[u8]`, `&[u8; N]` or `&str` wherever the cache takes one. Who looks up many keys in
/// caches of the same seed can have it carry its hash: [`Hasher::key`].
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    pub(crate) bytes: &'k [u8],
    hash: Option<u64>,
}

impl<'k> Key<'k> {
    /// The longest key, in bytes; memcached's limit.
    pub const LEN_MAX: usize = 250;

    /// The key's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'k [u8] {
        self.bytes
    }
}

impl<'k> From<&'k [u8]> for Key<'k> {
    fn from(bytes: &'k [u8]) -> Self {
        Self { bytes, hash: None }
    }
}

impl<'k, const N: usize> From<&'k [u8; N]> for Key<'k> {
    fn from(bytes: &'k [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl<'k> From<&'k str> for Key<'k> {
    fn from(text: &'k str) -> Self {
        text.as_bytes().into()
    }
}
