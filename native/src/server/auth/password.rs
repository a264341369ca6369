//! A password of the users' file: as it is, or a salted hash of it.
//!
//! The hash is SHA-256 over password and salt, in the notation of LDAP that many tools write:
//! `{SSHA256}` and, in base64, hash and salt. It is fast on purpose: a client is checked within the
//! turn of a worker, which a slow one would stop for all others. So the file gives no password
//! away, but one that is short or a word can be found by trying.

#[cfg(feature = "hashed")]
use base64ct::{Base64, Encoding};
#[cfg(feature = "hashed")]
use hmac_sha256::Hash;

/// What a hashed password begins with.
const SCHEME: &[u8] = b"{SSHA256}";
#[cfg(feature = "hashed")]
const HASH_SIZE: usize = 32;
/// The longest salt. Tools write 4 to 32 bytes.
#[cfg(feature = "hashed")]
const SALT_MAX: usize = 64;
#[cfg(feature = "hashed")]
const WRONG: &str = "{SSHA256} is not followed by a hash and a salt in base64";

/// What a password is compared with.
pub(super) enum Password {
    Plain(Vec<u8>),
    #[cfg(feature = "hashed")]
    Hashed {
        hash: [u8; HASH_SIZE],
        salt: Vec<u8>,
    },
}

impl Password {
    /// Reads what the file says of a password.
    pub(super) fn read(text: &[u8]) -> Result<Self, &'static str> {
        match text.strip_prefix(SCHEME) {
            None => Ok(Self::Plain(text.to_vec())),
            Some(encoded) => Self::hashed(encoded),
        }
    }

    #[cfg(feature = "hashed")]
    fn hashed(encoded: &[u8]) -> Result<Self, &'static str> {
        let mut buffer = [0; HASH_SIZE + SALT_MAX + 2];
        let bytes = Base64::decode(encoded.trim_ascii_end(), &mut buffer).map_err(|_| WRONG)?;
        let (hash, salt) = bytes.split_first_chunk().ok_or(WRONG)?;
        if salt.is_empty() || salt.len() > SALT_MAX {
            return Err(WRONG);
        }
        let (hash, salt) = (*hash, salt.to_vec());
        Ok(Self::Hashed { hash, salt })
    }

    #[cfg(not(feature = "hashed"))]
    fn hashed(_: &[u8]) -> Result<Self, &'static str> {
        Err("this build has no hashed passwords: it lacks the feature `hashed`")
    }

    /// Whether this is the password, in a time that does not tell how much of it is right.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        match self {
            Self::Plain(password) => is_same(password, shown),
            #[cfg(feature = "hashed")]
            Self::Hashed { hash, salt } => is_same(hash, &digest(shown, salt)),
        }
    }
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(super) fn is_same(known: &[u8], shown: &[u8]) -> bool {
    let differences = known.iter().zip(shown).map(|(a, b)| a ^ b);
    let differ = differences.fold(0, |all, difference| all | difference);
    std::hint::black_box(differ) == 0 && known.len() == shown.len()
}

#[cfg(feature = "hashed")]
fn digest(password: &[u8], salt: &[u8]) -> [u8; HASH_SIZE] {
    let mut hash = Hash::new();
    hash.update(password);
    hash.update(salt);
    hash.finalize()
}

/// The password hashed for the users' file, with a salt that nobody has used before.
#[cfg(feature = "hashed")]
pub(crate) fn hashed(password: &[u8]) -> String {
    let salt = dynamidb_sync::random_seed().to_be_bytes();
    let bytes = [&digest(password, &salt)[..], &salt].concat();
    let mut buffer = [0; 2 * (HASH_SIZE + SALT_MAX)];
    format!(
        "{}{}",
        String::from_utf8_lossy(SCHEME),
        Base64::encode(&bytes, &mut buffer).unwrap_or_default()
    )
}

#[cfg(test)]
#[cfg(feature = "hashed")]
mod tests {
    use super::*;

    /// Made by OpenSSL: SHA-256 of `lovelace` and the salt `salt`, then the salt.
    const KNOWN: &str = "{SSHA256}NTlFpTH/bDAo7EUkBBfkzjICvVeAfYx0Xq9OJh20GfhzYWx0";

    #[test]
    fn a_hash_that_another_tool_made_is_understood() {
        let password = Password::read(KNOWN.as_bytes()).unwrap();
        assert!(password.is(b"lovelace"));
        assert!(!password.is(b"lovelacf") && !password.is(b"") && !password.is(KNOWN.as_bytes()));
    }

    #[test]
    fn a_hash_of_our_own_is_understood_and_salted() {
        let (one, two) = (hashed(b"a b:c"), hashed(b"a b:c"));
        assert_ne!(one, two);
        for hash in [one, two] {
            assert!(Password::read(hash.as_bytes()).unwrap().is(b"a b:c"));
        }
    }

    #[test]
    fn a_salt_has_one_to_sixty_four_bytes() {
        for (len, valid) in [
            (0, false),
            (1, true),
            (64, true),
            (65, false),
            (66, false),
            (99, false),
        ] {
            let bytes = [&digest(b"x", &vec![7; len])[..], &vec![7; len]].concat();
            let mut buffer = vec![0; 300];
            let encoded = Base64::encode(&bytes, &mut buffer).unwrap();
            let read = Password::read(format!("{{SSHA256}}{encoded}").as_bytes());
            assert_eq!(read.is_ok_and(|password| password.is(b"x")), valid, "{len}");
        }
        for wrong in ["{SSHA256}", "{SSHA256}AAAA", "{SSHA256}!!", "{SSHA256}a b"] {
            assert!(Password::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        // Another scheme is a password like any other.
        assert!(Password::read(b"{SSHA}x").unwrap().is(b"{SSHA}x"));
    }
}
