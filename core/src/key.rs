//! Keys and their hashes.
//!
//! The hash is rapidhash (a descendant of Wang Yi's wyhash) with all its secrets made from a seed
//! of the host, so that colliding keys cannot be chosen without knowing the seed. It is the
//! same number on every platform, so the same inputs lead to the same state everywhere.

#[cfg(feature = "alloc")]
use alloc::borrow::Cow;
#[cfg(feature = "alloc")]
use alloc::boxed::Box;
#[cfg(feature = "alloc")]
use alloc::string::String;
#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline};

/// Computes the hashes of keys for caches that share a seed.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// // Two caches of one seed: the hash of a key is computed once for both.
/// let mut near = Cache::new(Config::new(64 * 1024))?;
/// let mut far = Cache::new(Config::new(1 << 20))?;
/// let now = Instant::from_secs(0);
/// let key = near.hasher().key(b"key");
/// far.set(now, key, "value")?;
/// assert!(near.get(now, key).is_none() && far.get(now, key).is_some());
/// assert_eq!(near.hasher().hash(&key), far.hasher().hash(&"key".into()));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct KeyHasher {
    secrets: RapidSecrets,
}

impl fmt::Debug for KeyHasher {
    /// Whoever knows the secrets can choose keys that collide, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyHasher").finish_non_exhaustive()
    }
}

impl KeyHasher {
    pub(crate) const fn new(seed: u128) -> Self {
        let mut secrets = RapidSecrets::seed(seed as u64);
        secrets.seed ^= (seed >> 64) as u64;
        Self { secrets }
    }

    #[inline]
    const fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        rapidhash_v3_nano_inline::<true, true>(bytes, &self.secrets)
    }

    /// The key with its hash, so that it is computed once and used by shard, index and prefetch.
    #[inline]
    #[must_use]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key {
            bytes,
            hash: Some(self.hash_bytes(bytes)),
        }
    }

    /// The key with its hash.
    #[inline]
    pub(crate) fn hashed<'k>(&self, key: &Key<'k>) -> HashedKey<'k> {
        HashedKey {
            bytes: key.bytes,
            hash: self.hash(key),
        }
    }

    /// The hash of `key`, computed if it does not carry it yet.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &Key<'_>) -> u64 {
        key.hash.unwrap_or_else(|| self.hash_bytes(key.bytes))
    }
}

/// A key: 1 to [`Key::LEN_MAX`] bytes, any bytes.
///
/// Made from text or bytes wherever the cache takes one: `&str`, `&String`, `&[u8]`, `&[u8; N]`,
/// `&Vec<u8>`, a reference to a `Box` or [`Cow`] of either. To look up a key in several caches of
/// one seed, let it carry its hash: [`KeyHasher::key`]. Two keys are equal if their bytes are, and
/// `{}` shows the bytes that are not printable ASCII as escapes.
///
/// # Examples
/// ```
/// use dynamidb_core::Key;
///
/// assert_eq!(Key::from("text").as_bytes(), b"text");
/// assert_eq!(Key::from(&format!("user:{}", 7)), Key::from(b"user:7"));
/// assert_eq!(Key::from(&vec![0, 255]).as_bytes(), [0, 255]);
/// assert_eq!(Key::from(b"a\n").to_string(), r"a\n");
/// ```
#[derive(Clone, Copy)]
pub struct Key<'k> {
    pub(crate) bytes: &'k [u8],
    hash: Option<u64>,
}

/// A key and its hash.
#[derive(Clone, Copy)]
pub(crate) struct HashedKey<'k> {
    pub(crate) bytes: &'k [u8],
    pub(crate) hash: u64,
}

impl fmt::Debug for HashedKey<'_> {
    /// Without the hash, as a [`Key`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HashedKey").field(&self.bytes).finish()
    }
}

impl fmt::Debug for Key<'_> {
    /// Without the hash, which says something about the hasher's secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.bytes).finish()
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.escape_ascii().fmt(f)
    }
}

/// The bytes alone: whether a key carries its hash says nothing about which key it is.
impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<'k> Key<'k> {
    /// The longest key, in bytes; memcached's limit.
    pub const LEN_MAX: usize = 250;

    /// These bytes with the hash of this key: another spelling of it.
    pub(crate) const fn written<'o>(&self, bytes: &'o [u8]) -> Key<'o> {
        let hash = self.hash;
        Key { bytes, hash }
    }

    /// The key's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'k [u8] {
        self.bytes
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
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

#[cfg(feature = "alloc")]
impl<'k> From<&'k Vec<u8>> for Key<'k> {
    fn from(bytes: &'k Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

#[cfg(feature = "alloc")]
impl<'k> From<&'k String> for Key<'k> {
    fn from(text: &'k String) -> Self {
        text.as_str().into()
    }
}

#[cfg(feature = "alloc")]
impl<'k> From<&'k Box<[u8]>> for Key<'k> {
    fn from(bytes: &'k Box<[u8]>) -> Self {
        Self::from(&**bytes)
    }
}

#[cfg(feature = "alloc")]
impl<'k> From<&'k Box<str>> for Key<'k> {
    fn from(text: &'k Box<str>) -> Self {
        Self::from(&**text)
    }
}

#[cfg(feature = "alloc")]
impl<'k> From<&'k Cow<'_, [u8]>> for Key<'k> {
    fn from(bytes: &'k Cow<'_, [u8]>) -> Self {
        Self::from(&**bytes)
    }
}

#[cfg(feature = "alloc")]
impl<'k> From<&'k Cow<'_, str>> for Key<'k> {
    fn from(text: &'k Cow<'_, str>) -> Self {
        Self::from(&**text)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::Value;

    #[test]
    fn debug_output_shows_neither_secrets_nor_what_is_made_with_them() {
        let hasher = KeyHasher::new(0x5eed);
        assert_eq!(format!("{hasher:?}"), "KeyHasher { .. }");
        let key = hasher.key(b"key");
        assert_eq!(format!("{key:?}"), format!("{:?}", Key::from("key")));
    }

    #[test]
    fn keys_of_equal_bytes_are_equal_and_hash_alike_whether_or_not_they_carry_a_hash() {
        let one = KeyHasher::new(0x5eed);
        let (plain, carries) = (Key::from("key"), one.key(b"key"));
        assert_eq!(plain, carries);
        assert_ne!(plain, Key::from("kez"));
        let mut set = hashbrown::HashSet::new();
        assert!(set.insert(plain) && !set.insert(carries) && set.insert(Key::from("kez")));
    }

    #[test]
    fn keys_and_values_come_from_whatever_holds_text_or_bytes() {
        let (text, bytes) = (String::from("key"), b"key".to_vec());
        let (boxed_text, boxed_bytes) = (text.clone().into_boxed_str(), bytes.clone().into());
        let (cow_text, cow_bytes) = (Cow::from(&text), Cow::from(&bytes));
        let boxed_bytes: Box<[u8]> = boxed_bytes;
        let keys: [Key<'_>; 9] = [
            "key".into(),
            b"key".into(),
            (&b"key"[..]).into(),
            (&text).into(),
            (&bytes).into(),
            (&boxed_text).into(),
            (&boxed_bytes).into(),
            (&cow_text).into(),
            (&cow_bytes).into(),
        ];
        assert!(keys.iter().all(|key| key.as_bytes() == b"key"));
        let values: [Value<'_>; 9] = [
            "key".into(),
            b"key".into(),
            (&b"key"[..]).into(),
            (&text).into(),
            (&bytes).into(),
            (&boxed_text).into(),
            (&boxed_bytes).into(),
            (&cow_text).into(),
            (&cow_bytes).into(),
        ];
        assert!(values.iter().all(|value| *value == Value::from("key")));
    }

    #[test]
    fn display_escapes_what_is_not_printable() {
        assert_eq!(format!("{}", Key::from(b"a b\r\xff")), r"a b\r\xff");
    }
}
