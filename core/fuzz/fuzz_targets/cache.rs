//! Any operations in any order on tiny caches: what is read is what was stored last, nothing is
//! missing that was not evicted, and all structures agree.
//!
//! An execution costs about as much as its operations: all structures are compared as often as pays
//! for itself, and the memory is that of the execution before.
#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use dynamidb_core::{Cache, Cas, CasOutcome, Config, Error, Expiry, Instant, Item};
use dynamidb_core::{LruBump, Policy, Value};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const START: Instant = Instant::from_secs(1_700_000_000);

/// The largest memory of all configurations.
const MEMORY_MAX: usize = 17 << 16;

thread_local! {
    /// Memory for one execution after the other, so that none has to be had from the system.
    static MEMORY: RefCell<Vec<u8>> = RefCell::new(vec![0; MEMORY_MAX]);
}

fuzz_target!(|input: (u8, Vec<Operation>)| {
    let (number, operations) = input;
    MEMORY.with_borrow_mut(|memory| Run::new(config(number), memory).all(&operations));
});

fn config(number: u8) -> Config {
    let memory = [12, 16, 24, 48, 96][number as usize % 5] << 10;
    let mut config = Config::new(memory);
    match number / 5 % 10 {
        0 => config.slab_sizes = [32, 48, 64, 512].into(),
        1 => config.slab_sizes = [config.page_size].into(),
        2 => config.policy = Policy::S3Lru,
        3 => config.lru_bump = LruBump::Lazy,
        4 => (config.policy, config.lru_bump) = (Policy::S3Lru, LruBump::Lazy),
        5 => config.max_items = Some(1 + number as usize / 40),
        6 => {
            config.memory = MEMORY_MAX;
            config.page_size = 1 << 16;
            config.slab_sizes = [32, 4096].into();
        }
        7 => config.policy = Policy::Density,
        8 => (config.policy, config.slab_sizes) = (Policy::DensityFull, [32, 64, 512].into()),
        _ => {}
    }
    config.compact = number % 3 == 0;
    config.hash_seed = number.into();
    config.flush_prefix_max = usize::from(number % 4);
    config
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Get(u8),
    Set(u8, Length, Lifetime, u32),
    Add(u8, Length, Lifetime),
    Replace(u8, Length, Lifetime),
    Swap(u8, Length, bool),
    Append(u8, Length),
    Prepend(u8, Length),
    Count(u8, u64, bool),
    Touch(u8, Lifetime),
    Delete(u8),
    Clear,
    ClearIn(u8),
    Tick(u8),
    /// So many 255ths of the memory that the cache was made with.
    Resize(u8),
    Wait(u16),
    Sleep(u32),
    /// Up to 64 keys with values of one size: some of these fill the memory and the index grows.
    Many(u8, u8, u8),
    /// The keys that begin as this one does, up to this many bytes.
    FlushPrefix(u8, u8),
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Length {
    Short(u8),
    Long(u16),
}

impl Length {
    const MAX: usize = u16::MAX as usize;
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Lifetime {
    Forever,
    Millis(u16),
    Seconds(u32),
    Over,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    bytes: Vec<u8>,
    flags: u32,
    ends: Option<Instant>,
}

type Entries = HashMap<u16, Entry, BuildHasherDefault<DefaultHasher>>;

struct Run<'m> {
    cache: Cache<&'m mut [u8]>,
    now: Instant,
    /// What was stored and neither deleted nor read as missing since. Hashed without a random seed:
    /// an input takes the same way through all code whenever it is tried.
    stored: Entries,
    flush_at: Option<Instant>,
    memory: usize,
    item_size_wanted: usize,
    item_size_max: usize,
    stores: u64,
}

/// What is further away than this has no deadline.
const TTL_MAX: Duration = Duration::from_secs(3000 * 86_400);

/// What values are made of: as long as the longest, from one of many places on. Nothing repeats,
/// so that pieces in the wrong order show.
static BYTES: [u8; STARTS + Length::MAX] = {
    let (mut bytes, mut at) = ([0; STARTS + Length::MAX], 0);
    while at < bytes.len() {
        bytes[at] = ((at as u32).wrapping_mul(0x9E37_79B1) >> 24) as u8;
        at += 1;
    }
    bytes
};

const STARTS: usize = 256;

/// How much earlier than said an item may end.
const ROUNDING: Duration = Duration::from_millis(31);

/// The key of this number.
struct Key {
    number: u16,
    bytes: [u8; 250],
    len: usize,
}

fn key(number: u16) -> Key {
    let len = [2, 5, 9, 17, 40, 250][usize::from(number) % 6];
    let mut bytes = [b'k'; 250];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    Key { number, bytes, len }
}

impl std::ops::Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl<'m> Run<'m> {
    fn new(config: Config, memory: &'m mut [u8]) -> Self {
        let (size, item_size_wanted) = (config.memory, config.item_size_max);
        // What an execution does must not depend on the one before.
        let memory = &mut memory[..size];
        memory.fill(0xA5);
        let mut cache = Cache::with_memory(config, memory).expect("these limits are possible");
        cache.maintain(START, 0);
        let item_size_max = cache.item_size_max();
        assert!(item_size_max <= item_size_wanted.min(size / 4));
        Self {
            cache,
            now: START,
            stored: Entries::default(),
            flush_at: None,
            memory: size,
            item_size_wanted,
            item_size_max,
            stores: 0,
        }
    }

    /// Does these operations, and compares all structures whenever as much was done as that costs,
    /// and at the end.
    fn all(mut self, operations: &[Operation]) {
        let mut done = 0;
        for operation in operations {
            self.step(operation);
            done += match *operation {
                Operation::Many(_, _, count) => usize::from(count / 4),
                _ => 1,
            };
            if done > 32 + 2 * self.cache.len() {
                self.cache.check();
                done = 0;
            }
        }
        self.cache.check();
    }

    fn bytes(&mut self, length: Length) -> Vec<u8> {
        self.stores += 1;
        let len = match length {
            Length::Short(len) => len.into(),
            Length::Long(len) => usize::from(len) % (self.item_size_max + 2),
        };
        let start = (self.stores % STARTS as u64) as usize;
        BYTES[start..][..len].to_vec()
    }

    fn expiry(&self, lifetime: Lifetime) -> (Expiry, Option<Instant>) {
        let expiry = match lifetime {
            Lifetime::Forever => Expiry::Never,
            Lifetime::Millis(millis) => Expiry::After(Duration::from_millis(millis.into())),
            Lifetime::Seconds(secs) => Expiry::After(Duration::from_secs(secs.into())),
            Lifetime::Over => Expiry::At(Instant::from_millis(self.now.as_millis() - 1)),
        };
        let ends = expiry.deadline(self.now);
        (expiry, ends.filter(|end| end.since(self.now) <= TTL_MAX))
    }

    /// A flush that has come due happens with the next operation.
    fn clear_if_due(&mut self) {
        if self.flush_at.is_some_and(|at| at <= self.now) {
            self.flush_at = None;
            self.stored.clear();
        }
    }

    /// Whether there is an item under the key, which must be what is known, or nothing because it
    /// was evicted.
    fn is_there(&mut self, key: &Key) -> bool {
        self.clear_if_due();
        let known = self.stored.get_mut(&key.number);
        let known = known.filter(|entry| entry.ends.is_none_or(|end| end > self.now));
        let item = self.cache.peek(self.now, &key[..]);
        match (&item, known) {
            (Some(item), Some(entry)) => {
                assert!(is(item, entry), "{item:?} is not {entry:?}");
                entry.ends = item.expires_at;
            }
            (Some(item), None) => panic!("{item:?} was not stored"),
            (None, known) => {
                let evicted = self.cache.stats().evictions > 0;
                let ends = known.map(|known| known.ends.map(|end| end.since(self.now)));
                let is_expired = ends.is_none_or(|ends| ends.is_some_and(|left| left <= ROUNDING));
                assert!(is_expired || evicted, "an item got lost");
            }
        }
        let is_there = item.is_some();
        if !is_there {
            self.stored.remove(&key.number);
        }
        is_there
    }

    /// What is under the key.
    fn peek(&mut self, key: &Key) -> Option<Entry> {
        self.is_there(key).then(|| self.stored[&key.number].clone())
    }

    fn too_large(&self, key: &Key, value_len: usize) -> bool {
        key.len() + value_len > self.item_size_max
    }

    fn step(&mut self, operation: &Operation) {
        let now = self.now;
        match *operation {
            Operation::Get(number) => {
                let key = key(number.into());
                let is_there = self.is_there(&key);
                let item = self.cache.get(now, &key[..]);
                assert_eq!(item.is_some(), is_there);
                assert!(item.is_none_or(|item| is(&item, &self.stored[&key.number])));
            }
            Operation::Set(number, length, lifetime, flags) => {
                let bytes = self.bytes(length);
                self.set(&key(number.into()), bytes, lifetime, flags);
            }
            Operation::Add(number, length, lifetime) => {
                self.conditional(&key(number.into()), length, lifetime, false);
            }
            Operation::Replace(number, length, lifetime) => {
                self.conditional(&key(number.into()), length, lifetime, true);
            }
            Operation::Swap(number, length, right) => self.swap(&key(number.into()), length, right),
            Operation::Append(number, length) => self.join(&key(number.into()), length, false),
            Operation::Prepend(number, length) => self.join(&key(number.into()), length, true),
            Operation::Count(number, delta, up) => self.count(&key(number.into()), delta, up),
            Operation::Touch(number, lifetime) => {
                let key = key(number.into());
                let (expiry, ends) = self.expiry(lifetime);
                let before = self.peek(&key);
                assert_eq!(self.cache.touch(now, &key[..], expiry), before.is_some());
                if let Some(before) = before {
                    self.stored.insert(key.number, Entry { ends, ..before });
                }
            }
            Operation::Delete(number) => {
                let key = key(number.into());
                let is_there = self.is_there(&key);
                assert_eq!(self.cache.delete(now, &key[..]), is_there);
                self.stored.remove(&key.number);
            }
            Operation::Clear => {
                self.cache.clear();
                self.flush_at = None;
                self.stored.clear();
            }
            Operation::ClearIn(millis) => {
                // The cache knows the time of its last operation only.
                self.clear_if_due();
                self.cache.maintain(now, 0);
                let at = now + Duration::from_millis(millis.into());
                self.cache.flush_at(at);
                self.flush_at = Some(at);
                self.clear_if_due();
            }
            Operation::Tick(limit) => {
                self.clear_if_due();
                self.cache.maintain(now, limit.into());
            }
            Operation::Resize(share) => {
                let memory = self.memory / 255 * usize::from(share);
                if self.cache.set_memory(memory).is_ok() {
                    self.item_size_max = self.cache.item_size_max();
                    assert!(self.item_size_max <= self.item_size_wanted.min(memory / 4));
                }
            }
            Operation::FlushPrefix(number, len) => {
                let key = key(number.into());
                let prefix = &key[..1 + usize::from(len) % key.len()];
                match self.cache.flush_prefix(prefix) {
                    Ok(()) => self
                        .stored
                        .retain(|&number, _| !self::key(number).starts_with(prefix)),
                    Err(error) => {
                        assert_eq!(error, Error::TooManyFlushes);
                        assert!(!self.cache.can_flush_prefix());
                    }
                }
            }
            Operation::Wait(millis) => self.now = now + Duration::from_millis(millis.into()),
            Operation::Sleep(secs) => self.now = now + Duration::from_secs(secs.into()),
            Operation::Many(number, len, count) => {
                for other in 0..=count / 4 {
                    let bytes = self.bytes(Length::Short(len));
                    let key = key(u16::from(number) << 8 | u16::from(other));
                    self.set(&key, bytes, Lifetime::Forever, 0);
                }
            }
        }
    }

    fn set(&mut self, key: &Key, bytes: Vec<u8>, lifetime: Lifetime, flags: u32) {
        let (expiry, ends) = self.expiry(lifetime);
        self.is_there(key);
        let value = Value::from(&bytes[..]).flags(flags).expire(expiry);
        let result = self.cache.set(self.now, &key[..], value);
        self.stored.remove(&key.number);
        if self.too_large(key, bytes.len()) {
            assert_eq!(result, Err(Error::ValueTooLarge));
        } else {
            assert_eq!(result, Ok(()), "a store was refused");
            self.stored(key, Entry { bytes, flags, ends });
        }
    }

    fn conditional(&mut self, key: &Key, length: Length, lifetime: Lifetime, wants_old: bool) {
        let bytes = self.bytes(length);
        let (expiry, ends) = self.expiry(lifetime);
        let is_there = self.is_there(key);
        let value = Value::from(&bytes[..]).expire(expiry);
        let result = if wants_old {
            self.cache.replace(self.now, &key[..], value)
        } else {
            self.cache.add(self.now, &key[..], value)
        };
        if is_there != wants_old {
            assert_eq!(result, Ok(false));
        } else if self.too_large(key, bytes.len()) {
            assert_eq!(result, Err(Error::ValueTooLarge));
        } else {
            assert_eq!(result, Ok(true));
            let flags = 0;
            self.stored(key, Entry { bytes, flags, ends });
        }
    }

    fn swap(&mut self, key: &Key, length: Length, right: bool) {
        let bytes = self.bytes(length);
        let before = self.peek(key);
        let cas = self
            .cache
            .peek(self.now, &key[..])
            .and_then(|item| item.cas)
            .map_or(0, Cas::get);
        // Without a cas there is nothing right to compare with.
        let Some(given) = Cas::new(cas + u64::from(!right || cas == 0)) else {
            return;
        };
        let result = self
            .cache
            .compare_and_swap(self.now, &key[..], &bytes[..], given);
        if before.is_none() {
            assert_eq!(result, Ok(CasOutcome::NotFound));
        } else if !right || cas == 0 {
            assert_eq!(result, Ok(CasOutcome::Exists));
        } else if self.too_large(key, bytes.len()) {
            assert_eq!(result, Err(Error::ValueTooLarge));
        } else {
            assert_eq!(result, Ok(CasOutcome::Stored));
            let (flags, ends) = (0, None);
            self.stored(key, Entry { bytes, flags, ends });
        }
    }

    fn join(&mut self, key: &Key, length: Length, front: bool) {
        let bytes = self.bytes(length);
        let before = self.peek(key);
        let result = if front {
            self.cache.prepend(self.now, &key[..], &bytes)
        } else {
            self.cache.append(self.now, &key[..], &bytes)
        };
        let Some(mut entry) = before else {
            assert_eq!(result, Ok(false));
            return;
        };
        if self.too_large(key, entry.bytes.len() + bytes.len()) {
            assert_eq!(result, Err(Error::ValueTooLarge));
            return;
        }
        assert_eq!(result, Ok(true));
        entry.bytes = if front {
            [bytes, entry.bytes].concat()
        } else {
            [entry.bytes, bytes].concat()
        };
        self.stored(key, entry);
    }

    /// What was just stored is there, whatever had to go for it.
    fn stored(&mut self, key: &Key, entry: Entry) {
        if entry.ends.is_none_or(|end| end > self.now) {
            let item = self.cache.peek(self.now, &key[..]);
            assert!(
                item.is_some_and(|item| is(&item, &entry)),
                "key {}",
                key.number
            );
        }
        self.stored.insert(key.number, entry);
    }

    fn count(&mut self, key: &Key, delta: u64, up: bool) {
        if self.peek(key).is_none_or(|entry| entry.bytes.is_empty()) {
            self.set(key, b"17".to_vec(), Lifetime::Forever, 0);
        }
        let before = self.peek(key);
        let result = if up {
            self.cache.increment(self.now, &key[..], delta)
        } else {
            self.cache.decrement(self.now, &key[..], delta)
        };
        match (result, before) {
            (Ok(Some(number)), Some(entry)) => {
                let width = entry.bytes.len();
                let bytes = format!("{number:<width$}").into_bytes();
                self.stored.insert(key.number, Entry { bytes, ..entry });
            }
            (Ok(None), None) | (Err(Error::NotANumber), Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn is(item: &Item<'_>, entry: &Entry) -> bool {
    // A deadline that is far away is kept in steps, rounded down.
    let early = |said: Instant, kept| kept <= said && said.since(kept) <= ROUNDING;
    let ends = match (entry.ends, item.expires_at) {
        (Some(said), Some(kept)) => early(said, kept),
        (said, kept) => said == kept,
    };
    item.value == entry.bytes[..] && item.flags == entry.flags && ends
}
