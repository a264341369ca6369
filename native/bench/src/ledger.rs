//! What was written to each key, as far as it is needed to tell right from wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

/// How many keys there are.
pub const KEYS: u64 = 20_000;
/// What a value begins with: key, version, deadline and length, eight bytes each.
pub const HEAD_LEN: usize = 32;
/// How late, in milliseconds, a value may still be read: as long as its store may have been on its
/// way.
const LATE_MAX: u64 = 1000;

/// The versions of all keys. Only one client writes to a key, so they have an order.
pub struct Ledger {
    keys: Vec<Versions>,
}

#[derive(Default)]
struct Versions {
    /// The last that was sent.
    sent: AtomicU64,
    /// The last that was confirmed.
    confirmed: AtomicU64,
}

impl Ledger {
    pub fn new() -> Self {
        Self {
            keys: (0..KEYS).map(|_| Versions::default()).collect(),
        }
    }

    /// A version to be sent: of a value, or of its absence.
    pub fn send(&self, key: u64) -> u64 {
        self.versions(key).sent.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub fn confirm(&self, key: u64, version: u64) {
        self.versions(key)
            .confirmed
            .store(version, Ordering::SeqCst);
    }

    /// The oldest version that may be read by a question that is asked now.
    pub fn oldest(&self, key: u64) -> u64 {
        self.versions(key).confirmed.load(Ordering::SeqCst)
    }

    /// Says what is wrong with a value for which was asked at that time.
    pub fn check(&self, key: u64, oldest: u64, asked_at: u64, value: &[u8]) -> Result<(), String> {
        let newest = self.versions(key).sent.load(Ordering::SeqCst);
        let Some(head) = Head::read(value) else {
            return Err(format!("key {key}: {} bytes without a head", value.len()));
        };
        let Head {
            version, deadline, ..
        } = head;
        if head.key != key || head.len != value.len() as u64 || head.value() != value {
            return Err(format!("key {key}: not what was written, {head:?}"));
        }
        if version < oldest || version > newest {
            return Err(format!(
                "key {key}: version {version}, not {oldest} to {newest}"
            ));
        }
        if deadline > 0 && asked_at > deadline + LATE_MAX {
            return Err(format!(
                "key {key}: asked for at {asked_at}, had to end at {deadline}"
            ));
        }
        Ok(())
    }

    fn versions(&self, key: u64) -> &Versions {
        &self.keys[usize::try_from(key).expect("a small number")]
    }
}

/// From what all bytes of a value follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    pub key: u64,
    pub version: u64,
    /// Milliseconds since the start, 0 for never.
    pub deadline: u64,
    pub len: u64,
}

impl Head {
    pub fn value(&self) -> Vec<u8> {
        let mut value = vec![0; usize::try_from(self.len).expect("it is in memory")];
        let (head, rest) = value.split_at_mut(HEAD_LEN);
        for (bytes, number) in head.chunks_exact_mut(8).zip(self.numbers()) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        // All of the head goes into the rest: one wrong bit anywhere makes it another value.
        let seed = self.key << 48 ^ self.version << 24 ^ self.deadline;
        SmallRng::seed_from_u64(seed).fill_bytes(rest);
        value
    }

    fn read(value: &[u8]) -> Option<Self> {
        let head = value.get(..HEAD_LEN)?;
        let number = |index: usize| {
            let bytes = head[index * 8..][..8].try_into().expect("eight bytes");
            u64::from_le_bytes(bytes)
        };
        Some(Self {
            key: number(0),
            version: number(1),
            deadline: number(2),
            len: number(3),
        })
    }

    const fn numbers(&self) -> [u64; 4] {
        [self.key, self.version, self.deadline, self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_wrong_value_is_found() {
        let ledger = Ledger::new();
        let head = Head {
            key: 3,
            version: ledger.send(3),
            deadline: 500,
            len: 100,
        };
        let value = head.value();
        assert_eq!(ledger.check(3, ledger.oldest(3), 0, &value), Ok(()));
        ledger.confirm(3, head.version);
        assert_eq!(ledger.check(3, ledger.oldest(3), 500, &value), Ok(()));
        for place in 0..value.len() {
            let mut flipped = value.clone();
            flipped[place] ^= 1;
            assert!(ledger.check(3, 1, 0, &flipped).is_err(), "byte {place}");
        }
        assert!(ledger.check(3, 1, 0, &value[..99]).is_err());
        assert!(ledger.check(3, 1, 0, &value[..HEAD_LEN - 1]).is_err());
        assert!(ledger.check(4, 0, 0, &value).is_err(), "another key's");
        assert!(ledger.check(3, 1, 1501, &value).is_err(), "expired");
        let deletion = ledger.send(3);
        assert_eq!(ledger.check(3, ledger.oldest(3), 0, &value), Ok(()));
        ledger.confirm(3, deletion);
        assert!(
            ledger.check(3, ledger.oldest(3), 0, &value).is_err(),
            "stale"
        );
        let unsent = Head { version: 3, ..head };
        assert!(
            ledger.check(3, 0, 0, &unsent.value()).is_err(),
            "never sent"
        );
    }
}
