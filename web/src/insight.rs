//! What the cache has learned about its use: which keys are hot, and whether memory is enough.

use alloc::string::String;
use alloc::vec::Vec;

use dynamidb_core::insight::{HotKey, MissRatioCurve, Prediction};
use dynamidb_core::{Cache, Instant};

use crate::Policy;
use crate::text::{push_fraction, push_number};

/// How many hot keys are listed.
const HOT_KEYS: usize = 20;

/// The memory for which the hit ratio is predicted, as multiples of what there is, and their names.
pub(crate) const FACTORS: [(f64, &str); 5] = [
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.0, "2"),
    (4.0, "4"),
];

/// The keys that were asked for most in the last minute.
pub(crate) struct HotKeys<'c> {
    /// How many requests were sampled.
    pub(crate) samples: u64,
    /// The hottest first.
    pub(crate) keys: Vec<HotKey<'c>>,
}

impl<'c> HotKeys<'c> {
    /// The time that is counted.
    pub(crate) const SECONDS: u64 = 60;

    pub(crate) fn of(cache: &'c Cache, now: Instant) -> Self {
        let mut keys: Vec<HotKey<'_>> = Vec::new();
        // Not a sort of all: its code would be three times as large as all else here.
        for key in cache.hot_keys(now) {
            let is_before =
                |other: &HotKey<'_>| (other.samples, key.key) > (key.samples, other.key);
            let place = keys.iter().position(|other| !is_before(other));
            keys.insert(place.unwrap_or(keys.len()), key);
            keys.truncate(HOT_KEYS);
        }
        let samples = cache.key_samples(now);
        Self { samples, keys }
    }

    /// The share of this many samples in all of them.
    pub(crate) fn share(&self, samples: u32) -> f64 {
        f64::from(samples) / self.samples.max(1) as f64
    }

    /// Of the requests for a key, those that read.
    pub(crate) fn reads(key: &HotKey<'_>) -> f64 {
        f64::from(key.reads) / f64::from((key.samples - key.error).max(1))
    }
}

/// Whether the cache is large enough.
pub(crate) struct Advice {
    pub(crate) curve: MissRatioCurve,
}

impl Advice {
    pub(crate) fn of(cache: &Cache) -> Option<Self> {
        let curve = cache.miss_ratio_curve()?;
        Some(Self { curve })
    }

    /// In one sentence, as the server says it.
    pub(crate) fn sentence(&self, policy: Policy) -> String {
        let mut text = Vec::new();
        let at = |factor| self.curve.predict(factor);
        let percent = |text: &mut Vec<u8>, of: Prediction| {
            push_fraction(text, 100.0 * of.hit_ratio, 1);
            text.extend_from_slice(b" %");
        };
        if let (Some(half), Some(now), Some(twice)) = (at(0.5), at(1.0), at(2.0)) {
            text.extend_from_slice(b"twice the memory: ");
            percent(&mut text, twice);
            text.extend_from_slice(b" hits instead of ");
            percent(&mut text, now);
            text.extend_from_slice(b"; half: ");
            percent(&mut text, half);
            if policy != Policy::Lru {
                text.extend_from_slice(b" (with lru)");
            }
        } else {
            text.extend_from_slice(b"not yet: it takes a cache that was full, ");
            push_number(&mut text, MissRatioCurve::SAMPLES_MIN);
            text.extend_from_slice(b" sampled hits and two turnovers since");
        }
        String::from_utf8(text).unwrap_or_default()
    }
}
