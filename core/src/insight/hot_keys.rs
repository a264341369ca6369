//! The keys that are asked for most: the Space-Saving sketch (Metwally, Agrawal and El Abbadi,
//! "Efficient computation of frequent and top-k elements in data streams", 2005) over a sample of
//! the requests, once for this half minute and once for the one before.

use alloc::boxed::Box;

use crate::Key;
use crate::key::HashedKey;

/// How many requests there are to a sampled one, on average.
///
/// # Examples
/// ```
/// // So a key that was sampled 20 times was asked for about this often:
/// assert_eq!(20 * dynamidb_core::insight::REQUESTS_PER_SAMPLE, 2560);
/// ```
pub const REQUESTS_PER_SAMPLE: u32 = 128;

/// How many keys each sketch follows.
const KEYS: usize = 96;

/// For how long a sketch is filled, in the unit of `now`: 1.024 s.
const PERIOD: u32 = 30;

/// A key that is asked for often. The true number of sampled requests is between `samples - error`
/// and `samples`, and every key with more samples than a 96th of all is there.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut config = Config::new(4 << 20);
/// config.insight = true;
/// let mut cache = Cache::new(config)?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "hot", "value")?;
/// for number in 0..10_000_u32 {
///     cache.get(now, "hot");
///     cache.get(now, &number.to_le_bytes());
/// }
/// let hottest = cache.hot_keys(now).max_by_key(|key| key.samples).unwrap();
/// assert_eq!(hottest.key, b"hot");
/// let share = f64::from(hottest.samples) / cache.key_samples(now) as f64;
/// assert!((0.3..0.7).contains(&share), "half of the requests: {share}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HotKey<'c> {
    /// The key's bytes.
    pub key: &'c [u8],
    /// How many sampled requests were for it, at most.
    pub samples: u32,
    /// By how much that may be too many.
    pub error: u32,
    /// How many of them were reads; the others stored or deleted it.
    pub reads: u32,
}

/// What is known of a followed key besides its hash and its samples.
#[derive(Clone, Copy, Debug)]
struct Followed {
    error: u32,
    reads: u32,
    len: u8,
    key: [u8; Key::LEN_MAX],
}

impl Followed {
    fn key(&self) -> &[u8] {
        self.key.get(..self.len.into()).unwrap_or_default()
    }

    /// Gives the place to another key.
    fn replace(&mut self, key: &[u8], error: u32) {
        let len = key.len().min(self.key.len());
        self.key[..len].copy_from_slice(&key[..len]);
        (self.len, self.error, self.reads) = (len as u8, error, 0);
    }
}

/// What was sampled in one period. What a sample looks at of all keys lies together.
#[derive(Debug)]
struct Sketch {
    hashes: [u64; KEYS],
    samples: [u32; KEYS],
    followed: [Followed; KEYS],
    len: usize,
    total: u64,
    began: u32,
}

impl Sketch {
    const EMPTY: Self = Self {
        hashes: [0; KEYS],
        samples: [0; KEYS],
        followed: [Followed {
            error: 0,
            reads: 0,
            len: 0,
            key: [0; Key::LEN_MAX],
        }; KEYS],
        len: 0,
        total: 0,
        began: 0,
    };

    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let same = self.hashes[..self.len].iter().position(|&of| of == hash)?;
        (self.followed[same].key() == key).then_some(same)
    }

    fn add(&mut self, key: &HashedKey<'_>, is_read: bool) {
        self.total += 1;
        let at = match self.find(key.hash, key.bytes) {
            Some(at) => at,
            None => self.follow(key),
        };
        self.samples[at] = self.samples[at].saturating_add(1);
        let reads = &mut self.followed[at].reads;
        *reads = reads.saturating_add(u32::from(is_read));
    }

    /// Gives a key the place of the one that was sampled least, and the doubt that comes with it.
    fn follow(&mut self, key: &HashedKey<'_>) -> usize {
        let at = if self.len < KEYS {
            self.len += 1;
            self.len - 1
        } else {
            let least = self.samples.iter().min().copied().unwrap_or_default();
            let place = self.samples.iter().position(|&samples| samples == least);
            place.unwrap_or_default()
        };
        self.hashes[at] = key.hash;
        self.followed[at].replace(key.bytes, self.samples[at]);
        at
    }

    fn begin(&mut self, now: u32) {
        self.samples = [0; KEYS];
        (self.len, self.total, self.began) = (0, 0, now);
    }

    fn keys(&self) -> impl Iterator<Item = (u64, HotKey<'_>)> {
        let all = self.hashes.iter().zip(&self.samples).zip(&self.followed);
        all.take(self.len).map(|((&hash, &samples), followed)| {
            let shown = HotKey {
                key: followed.key(),
                samples,
                error: followed.error,
                reads: followed.reads,
            };
            (hash, shown)
        })
    }

    /// Whether this says something about the last minute.
    const fn is_of_last_minute(&self, now: u32) -> bool {
        now.wrapping_sub(self.began) < 2 * PERIOD
    }
}

/// Boxed: 52 KiB.
#[derive(Debug)]
pub(super) struct HotKeys {
    sketches: Box<[Sketch; 2]>,
    random: u32,
}

impl HotKeys {
    pub(super) const BYTES: usize = size_of::<[Sketch; 2]>();

    pub(super) fn new() -> Self {
        Self {
            sketches: Box::new([Sketch::EMPTY; 2]),
            random: 1,
        }
    }

    /// Counts a request, and says after how many others the next is to be counted: irregularly, so
    /// that requests which come in turns are not always the same ones.
    pub(super) fn sample(&mut self, key: &HashedKey<'_>, is_read: bool, now: u32) -> u32 {
        let [current, previous] = &mut *self.sketches;
        if now.wrapping_sub(current.began) >= PERIOD {
            core::mem::swap(current, previous);
            current.begin(now);
        }
        current.add(key, is_read);
        // The generator of Numerical Recipes; its high bits.
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        1 + (self.random >> 16) % (2 * REQUESTS_PER_SAMPLE - 1)
    }

    pub(super) fn samples(&self, now: u32) -> u64 {
        let sketches = self.sketches.iter();
        let recent = sketches.filter(|sketch| sketch.is_of_last_minute(now));
        recent.map(|sketch| sketch.total).sum()
    }

    pub(super) fn keys(&self, now: u32) -> impl Iterator<Item = HotKey<'_>> {
        let [current, previous] = self.sketches.each_ref();
        let [current, previous] =
            [current, previous].map(|sketch| sketch.is_of_last_minute(now).then_some(sketch));
        let newer = current
            .into_iter()
            .flat_map(Sketch::keys)
            .map(move |(hash, mut key)| {
                let before = previous.and_then(|sketch| {
                    let at = sketch.find(hash, key.key)?;
                    Some((sketch.samples[at], sketch.followed[at]))
                });
                if let Some((samples, followed)) = before {
                    key.samples = key.samples.saturating_add(samples);
                    key.error = key.error.saturating_add(followed.error);
                    key.reads = key.reads.saturating_add(followed.reads);
                }
                key
            });
        let is_older = move |(hash, key): &(u64, HotKey<'_>)| {
            current.is_none_or(|sketch| sketch.find(*hash, key.key).is_none())
        };
        let older = previous.into_iter().flat_map(Sketch::keys);
        newer.chain(older.filter(is_older).map(|(_, key)| key))
    }

    pub(super) fn clear(&mut self) {
        for sketch in &mut *self.sketches {
            sketch.begin(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::KeyHasher;

    fn sample(hot: &mut HotKeys, name: &str, now: u32) {
        hot.sample(&KeyHasher::new(0).hashed(&Key::from(name)), true, now);
    }

    fn samples(hot: &HotKeys, name: &str, now: u32) -> Option<(u32, u32)> {
        let found = hot.keys(now).find(|key| key.key == name.as_bytes());
        found.map(|key| (key.samples, key.error))
    }

    #[test]
    fn counts_are_bounds_and_frequent_keys_are_never_missing() {
        let mut hot = HotKeys::new();
        // Key n comes 400 / (n + 1) times, mixed with thousands that come once.
        let mut once = 0;
        for round in 0..400 {
            for number in 0..40 {
                if round % (number + 1) == 0 {
                    sample(&mut hot, &format!("key:{number}"), 0);
                    once += 1;
                    sample(&mut hot, &format!("once:{once}"), 0);
                }
            }
        }
        let all = hot.samples(0);
        for number in 0..40 {
            let truth = 400_u32.div_ceil(number + 1);
            let seen = samples(&hot, &format!("key:{number}"), 0);
            if u64::from(truth) > all / KEYS as u64 {
                let (most, error) = seen.expect("more than its share");
                assert!(
                    (most - error..=most).contains(&truth),
                    "{number}: {most} {error}"
                );
            }
        }
        assert_eq!(hot.keys(0).count(), KEYS);
    }

    #[test]
    fn the_last_minute_is_two_periods_and_the_rest_is_forgotten() {
        let mut hot = HotKeys::new();
        let start = 1000;
        sample(&mut hot, "a", start);
        sample(&mut hot, "a", start + PERIOD);
        assert_eq!(samples(&hot, "a", start + PERIOD), Some((2, 0)));
        assert_eq!(samples(&hot, "a", start + 2 * PERIOD - 1), Some((2, 0)));
        assert_eq!(samples(&hot, "a", start + 2 * PERIOD), Some((1, 0)));
        sample(&mut hot, "b", start + 2 * PERIOD);
        assert_eq!(samples(&hot, "a", start + 2 * PERIOD), Some((1, 0)));
        assert_eq!(hot.samples(start + 2 * PERIOD), 2);
        assert_eq!(samples(&hot, "b", start + 4 * PERIOD), None);
        assert_eq!(
            (
                hot.samples(start + 4 * PERIOD),
                hot.keys(start + 4 * PERIOD).count()
            ),
            (0, 0)
        );
    }

    #[test]
    fn one_request_in_128_is_sampled() {
        let mut hot = HotKeys::new();
        let key = KeyHasher::new(0).hashed(&Key::from("key"));
        let skipped: u32 = (0..10_000).map(|_| hot.sample(&key, true, 0)).sum();
        let mean = f64::from(skipped) / 10_000.0;
        assert!(
            (mean - f64::from(REQUESTS_PER_SAMPLE)).abs() < 2.0,
            "{mean}"
        );
    }
}
