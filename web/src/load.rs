//! A load: many operations from few numbers, the same ones each time.

use core::time::Duration;

use dynamidb_core::{Cache, Expiry, Instant, Key, Value};

use crate::zipf::{Random, Zipf, mix};

/// The longest decimal number of a key.
const KEY_DIGITS: usize = 10;
const KEY_PREFIX: &[u8] = b"key:";

/// What a load is made of. Each operation asks for a key; a key that is not there is stored, as
/// programs do that read through a cache.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Load {
    /// How many keys there are.
    pub keys: u32,
    /// The exponent of Zipf's law by which they are chosen, in hundredths; 0: all alike.
    pub skew: u32,
    /// The smallest value, in bytes.
    pub size_min: u32,
    /// The largest value, in bytes. Each key has a size of its own; there are as many between 100
    /// and 200 bytes as between 200 and 400.
    pub size_max: u32,
    /// How many operations of a hundred read; the others store.
    pub reads: u32,
    /// Values are stored for a time between a second and this; 0: for ever.
    pub ttl: u32,
    /// How many operations happen in a second of the cache's time.
    pub rate: u32,
    /// What the choices are made from.
    pub seed: u32,
}

impl Load {
    /// Ten thousand keys of which some are asked for much more often than others.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it is an example rather than a default"
    )]
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
        }
    }
}

impl Load {
    /// Each field's name in a scenario, its least and its greatest value, and where it is.
    #[expect(clippy::type_complexity, reason = "a table")]
    pub(crate) const FIELDS: [(&str, u32, u32, fn(&mut Self) -> &mut u32); 8] = [
        ("keys", 1, 100_000_000, |load| &mut load.keys),
        ("skew", 0, 500, |load| &mut load.skew),
        ("size-min", 1, 1 << 20, |load| &mut load.size_min),
        ("size-max", 1, 1 << 20, |load| &mut load.size_max),
        ("reads", 0, 100, |load| &mut load.reads),
        ("ttl", 0, 86_400, |load| &mut load.ttl),
        ("rate", 1, 1_000_000, |load| &mut load.rate),
        ("seed", 0, u32::MAX, |load| &mut load.seed),
    ];

    /// As JavaScript has it: the fields in their order.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let mut copy = self.clone();
        Self::FIELDS.map(|(.., field)| *field(&mut copy)).to_vec()
    }

    /// The load that these numbers are; otherwise says what is wrong, in a sentence.
    pub(crate) fn from_numbers(numbers: &[u32]) -> Result<Self, String> {
        let mut load = Self::new();
        for ((.., field), &number) in Self::FIELDS.iter().zip(numbers) {
            *field(&mut load) = number;
        }
        load.problem().map_or(Ok(load), Err)
    }

    /// What is wrong with these numbers, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        let mut copy = self.clone();
        for (name, least, greatest, field) in Self::FIELDS {
            if !(least..=greatest).contains(field(&mut copy)) {
                return Some(format!("{name} must be from {least} to {greatest}"));
            }
        }
        let ordered = self.size_min <= self.size_max;
        (!ordered)
            .then(|| "size-min, the smallest value, must not be more than size-max".to_owned())
    }
}

/// A load that is under way.
pub(crate) struct Running {
    load: Load,
    zipf: Zipf,
    random: Random,
    /// The keys of a file, if the load is one, and where the next begins.
    lines: Option<(Vec<u8>, usize)>,
    value: Vec<u8>,
    began: u64,
    pub(crate) done: u64,
}

impl Running {
    pub(crate) fn new(load: &Load, lines: Option<Vec<u8>>, now: u64) -> Self {
        Self {
            zipf: Zipf::new(load.keys, f64::from(load.skew) / 100.0),
            random: Random::new(load.seed.into()),
            lines: lines.map(|lines| (lines, 0)),
            value: (b'a'..=b'z').cycle().take(load.size_max as usize).collect(),
            load: load.clone(),
            began: now,
            done: 0,
        }
    }

    /// Whether it is a file: that cannot be written down.
    pub(crate) const fn is_file(&self) -> bool {
        self.lines.is_some()
    }

    /// When the next operation happens.
    pub(crate) const fn due(&self) -> u64 {
        self.began + self.done * 1000 / self.load.rate as u64
    }

    /// Does the next operation. False: the file has come to its end.
    #[inline]
    pub(crate) fn step(&mut self, now: Instant, cache: &mut Cache) -> bool {
        let mut buffer = [0; KEY_PREFIX.len() + KEY_DIGITS];
        let key = if let Some((lines, next)) = &mut self.lines {
            let Some((start, end)) = line(lines, *next) else {
                return false;
            };
            *next = end;
            &lines[start..end]
        } else {
            written(self.zipf.draw(&mut self.random), &mut buffer)
        };
        self.done += 1;
        let reads = self.random.below(100) < self.load.reads;
        if reads && cache.get(now, key).is_some() {
            return true;
        }
        let size = self.load.size_of(key);
        let mut value = Value::from(&self.value[..size]);
        if self.load.ttl > 0 {
            let seconds = 1 + self.random.below(self.load.ttl);
            value = value.expire(Expiry::After(Duration::from_secs(seconds.into())));
        }
        // A refused store is in the counters.
        let _ = cache.set(now, key, value);
        true
    }
}

impl Load {
    /// The size of a key's value: an octave, then a place within it. It has nothing to do with the
    /// cache's own hash, so that caches can be compared.
    fn size_of(&self, key: &[u8]) -> usize {
        let add = |hash, &byte: &u8| mix(hash ^ u64::from(byte));
        let hash = key.iter().fold(self.seed.into(), add);
        let (least, greatest) = (u64::from(self.size_min), u64::from(self.size_max));
        let octaves = u64::from((greatest / least).ilog2()) + 1;
        let from = least << (mix(hash) % octaves);
        let end = (2 * from).min(greatest + 1);
        (from + (hash >> 32) % (end - from)) as usize
    }
}

/// The key with this number.
fn written(mut number: u32, buffer: &mut [u8; KEY_PREFIX.len() + KEY_DIGITS]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    let start = at - KEY_PREFIX.len();
    buffer[start..at].copy_from_slice(KEY_PREFIX);
    &buffer[start..]
}

/// Where the next line that can be a key begins and ends, from here on.
fn line(lines: &[u8], mut next: usize) -> Option<(usize, usize)> {
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
    use super::*;

    #[test]
    fn keys_are_decimal_numbers() {
        let mut buffer = [0; KEY_PREFIX.len() + KEY_DIGITS];
        assert_eq!(written(0, &mut buffer), b"key:0");
        assert_eq!(written(u32::MAX, &mut buffer), b"key:4294967295");
    }

    #[test]
    fn lines_that_cannot_be_keys_are_passed_over() {
        let long = "x".repeat(Key::LEN_MAX + 1);
        let lines = format!("\n a \r\n\n{long}\n{}\nb", &long[1..]).into_bytes();
        let (mut next, mut keys) = (0, Vec::new());
        while let Some((start, end)) = line(&lines, next) {
            keys.push(&lines[start..end]);
            next = end;
        }
        assert_eq!(keys, [b"a", &long.as_bytes()[1..], b"b"]);
    }

    #[test]
    fn sizes_are_within_their_limits_and_reach_both() {
        let mut load = Load::new();
        for (least, greatest) in [(1, 1), (7, 7), (3, 5), (32, 512), (1, 1 << 20)] {
            (load.size_min, load.size_max) = (least, greatest);
            let keys = (0..20_000_u32).map(u32::to_le_bytes);
            let sizes: Vec<_> = keys.map(|key| load.size_of(&key)).collect();
            let range = least as usize..=greatest as usize;
            assert!(sizes.iter().all(|size| range.contains(size)));
            if greatest < 1000 {
                assert_eq!(sizes.iter().min(), Some(range.start()));
                assert_eq!(sizes.iter().max(), Some(range.end()));
            }
        }
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let mut load = Load::new();
        assert_eq!(load.problem(), None);
        load.reads = 101;
        assert_eq!(
            load.problem().as_deref(),
            Some("reads must be from 0 to 100")
        );
        load.reads = 100;
        load.size_min = load.size_max + 1;
        assert!(load.problem().is_some());
    }
}
