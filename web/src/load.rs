//! A synthetic load: many operations, generated from a few numbers and reproducible.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use dynamidb_core::{Cache, Expiry, Instant, Key, Value};

use crate::feed::Outcome;
use crate::text::{decimal, joined};
use crate::zipf::{Random, Zipf, mix};

/// The most decimal digits in a key.
const KEY_DIGITS: usize = 10;
const KEY_PREFIX: &[u8] = b"key:";

/// The parameters of a load. An operation reads or stores a key; a read that misses stores the key,
/// as read-through (cache-aside) clients do.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// The number of keys.
    pub keys: u32,
    /// The exponent of the keys' Zipf distribution, in hundredths; 0: uniform.
    pub skew: u32,
    /// The smallest value, in bytes.
    pub size_min: u32,
    /// The largest value, in bytes. The size depends on the key; there are as many sizes between
    /// 100 and 200 bytes as between 200 and 400.
    pub size_max: u32,
    /// The percentage of operations that read; the others store.
    pub reads: u32,
    /// The longest time to live, in seconds; the shortest is a second. 0: values never expire.
    pub ttl: u32,
    /// Operations per second of the cache's time.
    pub rate: u32,
    /// The seed of the random choices.
    pub seed: u32,
    /// Added to the numbers of the keys, so that two loads can have keys of their own.
    pub first: u32,
    /// 1: the keys come one after the other, each as often as the others, as in a scan.
    pub scan: u32,
}

impl Load {
    /// Ten thousand keys, some of which are read much more often than others.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "an example, not a default")]
    pub const fn new() -> Self {
        Self {
            keys: 10_000,
            skew: 99,
            size_min: 32,
            size_max: 512,
            reads: 95,
            ttl: 0,
            rate: 1000,
            seed: 1,
            first: 0,
            scan: 0,
        }
    }
}

impl Load {
    /// Each field's name in a scenario, its minimum, its maximum, and its accessor.
    #[expect(clippy::type_complexity, reason = "a table")]
    pub(crate) const FIELDS: [(&str, u32, u32, fn(&mut Self) -> &mut u32); 10] = [
        ("keys", 1, 100_000_000, |load| &mut load.keys),
        ("skew", 0, 500, |load| &mut load.skew),
        ("size-min", 1, 1 << 20, |load| &mut load.size_min),
        ("size-max", 1, 1 << 20, |load| &mut load.size_max),
        ("reads", 0, 100, |load| &mut load.reads),
        ("ttl", 0, 86_400, |load| &mut load.ttl),
        ("rate", 1, 1_000_000, |load| &mut load.rate),
        ("seed", 0, u32::MAX, |load| &mut load.seed),
        ("first", 0, 1_000_000_000, |load| &mut load.first),
        ("scan", 0, 1, |load| &mut load.scan),
    ];

    /// The fields in order, as an array for JavaScript.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut copy = self.clone();
        Self::FIELDS.map(|(.., field)| *field(&mut copy)).to_vec()
    }

    /// The load with these fields. The error is a sentence.
    pub(crate) fn from_numbers(numbers: &[u32]) -> Result<Self, String> {
        let mut load = Self::new();
        for ((.., field), &number) in Self::FIELDS.iter().zip(numbers) {
            *field(&mut load) = number;
        }
        load.validation_error().map_or(Ok(load), Err)
    }

    /// Why the fields are invalid, if they are.
    pub(crate) fn validation_error(&self) -> Option<String> {
        let mut copy = self.clone();
        for (name, min, max, field) in Self::FIELDS {
            if !(min..=max).contains(field(&mut copy)) {
                let (min, max) = (decimal(min.into()), decimal(max.into()));
                return Some(joined(&[name, " must be from ", &min, " to ", &max]));
            }
        }
        let ordered = self.size_min <= self.size_max;
        (!ordered).then(|| "size-min, the smallest value, must not be more than size-max".into())
    }
}

/// A load in progress.
pub(crate) struct RunningLoad {
    load: Load,
    zipf: Zipf,
    random: Random,
    /// The text of a key file, if there is one, and where its next line begins.
    lines: Option<(Vec<u8>, usize)>,
    value: Vec<u8>,
    started_at: u64,
    pub(crate) done: u64,
}

impl RunningLoad {
    pub(crate) fn new(load: &Load, lines: Option<Vec<u8>>, now: u64) -> Self {
        Self {
            zipf: Zipf::new(load.keys, f64::from(load.skew) / 100.0),
            random: Random::new(load.seed.into()),
            lines: lines.map(|lines| (lines, 0)),
            value: (b'a'..=b'z').cycle().take(load.size_max as usize).collect(),
            load: load.clone(),
            started_at: now,
            done: 0,
        }
    }

    /// Whether the keys come from a file: such a load cannot be recorded.
    pub(crate) const fn has_key_file(&self) -> bool {
        self.lines.is_some()
    }

    /// When the next operation is due.
    pub(crate) const fn next_due(&self) -> u64 {
        self.started_at + self.done * 1000 / self.load.rate as u64
    }

    /// Does the next operation and reports its key and what became of it; false at the end of the
    /// key file.
    #[inline]
    pub(crate) fn step(
        &mut self,
        now: Instant,
        cache: &mut Cache,
        report: impl FnOnce(&[u8], Outcome, &Cache),
    ) -> bool {
        let mut buffer = [0; KEY_PREFIX.len() + KEY_DIGITS];
        let key = if let Some((lines, next)) = &mut self.lines {
            let Some((start, end)) = next_key_line(lines, *next) else {
                return false;
            };
            *next = end;
            &lines[start..end]
        } else {
            let number = match self.load.scan {
                0 => self.zipf.draw(&mut self.random),
                _ => 1 + (self.done % u64::from(self.load.keys)) as u32,
            };
            write_key(self.load.first + number, &mut buffer)
        };
        self.done += 1;
        let reads = self.random.below(100) < self.load.reads;
        if reads && cache.get(now, key).is_some() {
            report(key, Outcome::Hit, cache);
            return true;
        }
        let size = self.load.size_of(key);
        let mut value = Value::from(&self.value[..size]);
        if self.load.ttl > 0 {
            let seconds = 1 + self.random.below(self.load.ttl);
            value = value.expire(Expiry::After(Duration::from_secs(seconds.into())));
        }
        let outcome = match cache.set(now, key, value) {
            Ok(_) if reads => Outcome::Filled(size as u32),
            Ok(_) => Outcome::Stored(size as u32),
            Err(_) => Outcome::Rejected,
        };
        report(key, outcome, cache);
        true
    }
}

impl Load {
    /// The size of a key's value: first an octave, then a size within it. It does not depend on the
    /// cache's hash seed, so that caches can be compared.
    fn size_of(&self, key: &[u8]) -> usize {
        let add = |hash, &byte: &u8| mix(hash ^ u64::from(byte));
        let hash = key.iter().fold(self.seed.into(), add);
        let (min, max) = (u64::from(self.size_min), u64::from(self.size_max));
        let octaves = u64::from((max / min).ilog2()) + 1;
        let from = min << (mix(hash) % octaves);
        let end = (2 * from).min(max + 1);
        (from + (hash >> 32) % (end - from)) as usize
    }
}

/// Writes the key with this number.
fn write_key(mut number: u32, buffer: &mut [u8; KEY_PREFIX.len() + KEY_DIGITS]) -> &[u8] {
    let mut offset = buffer.len();
    loop {
        offset -= 1;
        buffer[offset] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    let start = offset - KEY_PREFIX.len();
    buffer[start..offset].copy_from_slice(KEY_PREFIX);
    &buffer[start..]
}

/// Where the next line that is a valid key begins and ends, from `next` on.
fn next_key_line(lines: &[u8], mut next: usize) -> Option<(usize, usize)> {
    while next < lines.len() {
        let end = lines[next..].iter().position(|&byte| byte == b'\n');
        let end = end.map_or(lines.len(), |end| next + end);
        let key = lines[next..end].trim_ascii();
        if (1..=Key::LEN_MAX).contains(&key.len()) {
            let start = next + lines[next..end].len() - lines[next..end].trim_ascii_start().len();
            return Some((start, start + key.len()));
        }
        next = end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn keys_contain_decimal_numbers() {
        let mut buffer = [0; KEY_PREFIX.len() + KEY_DIGITS];
        assert_eq!(write_key(0, &mut buffer), b"key:0");
        assert_eq!(write_key(u32::MAX, &mut buffer), b"key:4294967295");
    }

    #[test]
    fn lines_that_are_not_valid_keys_are_skipped() {
        let long = "x".repeat(Key::LEN_MAX + 1);
        let lines = format!("\n a \r\n\n{long}\n{}\nb", &long[1..]).into_bytes();
        let (mut next, mut keys) = (0, Vec::new());
        while let Some((start, end)) = next_key_line(&lines, next) {
            keys.push(&lines[start..end]);
            next = end;
        }
        assert_eq!(keys, [b"a", &long.as_bytes()[1..], b"b"]);
    }

    #[test]
    fn value_sizes_reach_both_limits_and_do_not_exceed_them() {
        let mut load = Load::new();
        for (min, max) in [(1, 1), (7, 7), (3, 5), (32, 512), (1, 1 << 20)] {
            (load.size_min, load.size_max) = (min, max);
            let keys = (0..20_000_u32).map(u32::to_le_bytes);
            let sizes: Vec<_> = keys.map(|key| load.size_of(&key)).collect();
            let range = min as usize..=max as usize;
            assert!(sizes.iter().all(|size| range.contains(size)));
            if max < 1000 {
                assert_eq!(sizes.iter().min(), Some(range.start()));
                assert_eq!(sizes.iter().max(), Some(range.end()));
            }
        }
    }

    #[test]
    fn validation_names_the_field_that_is_out_of_range() {
        let mut load = Load::new();
        assert_eq!(load.validation_error(), None);
        load.reads = 101;
        assert_eq!(
            load.validation_error().as_deref(),
            Some("reads must be from 0 to 100")
        );
        load.reads = 100;
        load.size_min = load.size_max + 1;
        assert!(load.validation_error().is_some());
    }
}
