//! The DynamiDB cache as an npm package. This half is the engine: only numbers go in and come out,
//! and bytes lie in the [`buffers`]. The half that programs see is in `js`: it checks arguments,
//! turns strings into bytes and back, and reads the clock. `entry/README.md` documents it for
//! users,
//! `build` makes the package.
#![forbid(unsafe_code)]

mod buffers;
mod snapshot;

use core::time::Duration;

use dynamidb_core::view::RemovalReason;
use dynamidb_core::{Cache, Config, ConfigError, Error, Expiry, Instant, Policy, Value};
use wasm_bindgen::prelude::*;

use buffers::{location, with};

/// What `store` and `increment` return. `js/errors.ts` has the same list.
const STORED: u32 = 0;
const NOT_STORED: u32 = 1;
const KEY_LENGTH: u32 = 2;
const VALUE_TOO_LARGE: u32 = 3;
const OUT_OF_MEMORY: u32 = 4;
const NOT_A_NUMBER: u32 = 5;

/// What `increment` returns if there is no value.
const ABSENT: f64 = -1.0;

/// The most steps that one call of `maintain` does, so that it never blocks the program for long.
const MAINTAIN_LIMIT: usize = 1000;

/// How many removals are recorded for one operation, besides those that make space for the largest
/// item.
const REMOVALS_MIN: usize = 1000;

#[wasm_bindgen]
extern "C" {
    /// A JavaScript object that receives the keys of items. It must not call the engine.
    pub type Receiver;
    #[wasm_bindgen(method, structural)]
    fn receive(this: &Receiver, address: u32, len: u32, expired: bool);
}

/// Where a key is written, up to [`Key::LEN_MAX`] bytes.
///
/// [`Key::LEN_MAX`]: dynamidb_core::Key::LEN_MAX
#[wasm_bindgen(js_name = keyAddress)]
#[must_use]
pub fn key_address() -> u32 {
    with(|buffers| buffers.key_address())
}

/// Where the address and the length of what was found are read.
#[wasm_bindgen(js_name = foundAddress)]
#[must_use]
pub fn found_address() -> u32 {
    with(|buffers| buffers.found_address())
}

/// Makes the buffer for values `len` bytes long, and returns where a value is written: 0 if there
/// is not that much memory. What was in the buffer is lost.
#[wasm_bindgen(js_name = resizeInput)]
#[must_use]
pub fn resize_input(len: usize) -> u32 {
    with(|buffers| buffers.resize_input(len).unwrap_or(0))
}

/// A cache whose keys and values are bytes.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Engine {
    cache: Cache,
}

#[wasm_bindgen]
impl Engine {
    /// Makes a cache. The first 16 bytes of the buffer for keys are its seed, and `slab_sizes` says
    /// how many 32-bit numbers in the buffer for values are its slab sizes: none for the default.
    /// With `record`, items that are evicted or expire are recorded.
    ///
    /// If that is impossible, writes the reason as a text.
    #[must_use]
    pub fn make(
        memory: u32,
        max_items: Option<u32>,
        item_size_max: Option<u32>,
        policy: u32,
        slab_sizes: u32,
        record: bool,
    ) -> Option<Self> {
        let mut config = Config::new(memory as usize);
        // JavaScript sees neither `cas` nor the time of the last use.
        config.compact = true;
        config.flush_prefix_max = config.flush_prefix_max.max(1);
        config.max_items = max_items.map(|max| max as usize);
        config.item_size_max = item_size_max.map_or(config.item_size_max, |max| max as usize);
        config.policy = match policy {
            1 => Policy::S3Lru,
            2 => Policy::Refuse,
            3 => Policy::Density,
            _ => Policy::Lru,
        };
        let made = with(|buffers| {
            config.hash_seed = number(buffers.key(16));
            if slab_sizes > 0 {
                let sizes = buffers.input(4 * slab_sizes as usize).chunks_exact(4);
                config.slab_sizes = sizes.map(|size| number(size) as usize).collect();
            }
            let limit = record.then(|| removals_limit(&config));
            let mut cache = Cache::new(config)?;
            match limit.map(|limit| cache.removal_log_mut().set_limit(limit)) {
                Some(Err(_)) => Err(ConfigError::OutOfMemory),
                _ => Ok(cache),
            }
        });
        made.map(|cache| Self { cache })
            .map_err(|error| write_reason(&error))
            .ok()
    }

    /// Reads a value; counts as use. Returns 0 if there is none, otherwise 1 more than its flags.
    pub fn get(&mut self, now: f64, key: usize) -> u32 {
        with(|buffers| {
            let (key, reply) = buffers.lookup(key);
            reply.write(self.cache.get(instant(now), key))
        })
    }

    /// Reads a value; does not count as use.
    #[must_use]
    pub fn peek(&self, now: f64, key: usize) -> u32 {
        with(|buffers| {
            let (key, reply) = buffers.lookup(key);
            reply.write(self.cache.peek(instant(now), key))
        })
    }

    /// Whether there is a value; does not count as use.
    #[must_use]
    pub fn has(&self, now: f64, key: usize) -> bool {
        with(|buffers| self.cache.peek(instant(now), buffers.key(key)).is_some())
    }

    /// In how many milliseconds a value expires: infinity if never, -1 if there is none.
    #[must_use]
    pub fn remaining(&self, now: f64, key: usize) -> f64 {
        let now = instant(now);
        with(|buffers| match self.cache.peek(now, buffers.key(key)) {
            None => ABSENT,
            Some(item) => item.expires_at.map_or(f64::INFINITY, |end| {
                end.as_millis().saturating_sub(now.as_millis()) as f64
            }),
        })
    }

    /// Stores a value: in any case, or only if there is none.
    pub fn store(
        &mut self,
        now: f64,
        key: usize,
        value: usize,
        flags: u32,
        ttl: f64,
        only_new: bool,
    ) -> u32 {
        with(|buffers| {
            let value = Value::from(buffers.input(value))
                .flags(flags)
                .expire(expiry(ttl));
            let (now, key) = (instant(now), buffers.key(key));
            let stored = match only_new {
                true => self.cache.add(now, key, value),
                false => self.cache.set(now, key, value).map(|()| true),
            };
            match stored {
                Ok(true) => STORED,
                Ok(false) => NOT_STORED,
                Err(error) => status(&error),
            }
        })
    }

    /// Sets a value's time to live. Returns whether there is a value.
    pub fn touch(&mut self, now: f64, key: usize, ttl: f64) -> bool {
        with(|buffers| {
            self.cache
                .touch(instant(now), buffers.key(key), expiry(ttl))
        })
    }

    /// Deletes a value. Returns whether there was one.
    pub fn delete(&mut self, now: f64, key: usize) -> bool {
        with(|buffers| self.cache.delete(instant(now), buffers.key(key)))
    }

    /// Adds to a decimal number. Returns the sum, -1 if there is no value, or a status, negated.
    pub fn increment(&mut self, now: f64, key: usize, delta: f64) -> f64 {
        with(|buffers| {
            let (now, key, size) = (instant(now), buffers.key(key), delta.abs() as u64);
            let sum = match delta < 0.0 {
                true => self.cache.decrement(now, key, size),
                false => self.cache.increment(now, key, size),
            };
            match sum {
                Ok(sum) => sum.map_or(ABSENT, |sum| sum as f64),
                Err(error) => -f64::from(status(&error)),
            }
        })
    }

    /// Deletes all values.
    pub fn clear(&mut self) {
        self.cache.clear();
    }

    /// Deletes all values whose keys begin with that. Returns a status.
    #[wasm_bindgen(js_name = deletePrefix)]
    pub fn delete_prefix(&mut self, now: f64, prefix: usize) -> u32 {
        with(|buffers| {
            let prefix = buffers.key(prefix);
            loop {
                match self.cache.flush_prefix(prefix) {
                    Ok(()) => return STORED,
                    // Upkeep ends those that are under way.
                    Err(Error::TooManyFlushes) if self.maintain(now) => {}
                    Err(Error::TooManyFlushes) if self.cache.can_flush_prefix() => {}
                    Err(error) => return status(&error),
                }
            }
        })
    }

    /// Reclaims the memory of expired and deleted items. Returns whether there is more to do.
    pub fn maintain(&mut self, now: f64) -> bool {
        self.cache.maintain(instant(now), MAINTAIN_LIMIT) == MAINTAIN_LIMIT
    }

    /// Passes on all keys, the most recently used first.
    pub fn keys(&self, now: f64, receiver: &Receiver) {
        let now = instant(now);
        for (key, item) in self.cache.iter() {
            if item.expires_at.is_none_or(|end| end > now) {
                let [address, len] = location(key);
                receiver.receive(address, len, false);
            }
        }
    }

    /// Passes on the keys that were recorded since the last call, in order. Returns how many more
    /// there were.
    pub fn removals(&mut self, receiver: &Receiver) -> f64 {
        for removal in self.cache.removal_log().iter() {
            let [address, len] = location(removal.key);
            let expired = matches!(
                removal.reason,
                RemovalReason::ExpiredAsked | RemovalReason::ExpiredUnasked
            );
            receiver.receive(address, len, expired);
        }
        let missed = self.cache.removal_log().missed();
        self.cache.removal_log_mut().clear();
        missed as f64
    }

    /// How many items there are, including expired ones whose memory is not reclaimed yet.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn size(&self) -> usize {
        self.cache.len()
    }

    /// A counter, in the order of `STATS` in `js/cache.ts`.
    #[must_use]
    pub fn stat(&self, index: usize) -> f64 {
        let stats = self.cache.stats();
        let stats = [
            stats.curr_items,
            stats.bytes,
            stats.limit_maxbytes,
            stats.get_hits,
            stats.get_misses,
            stats.evictions,
            stats.reclaimed,
        ];
        stats.get(index).map_or(f64::NAN, |&number| number as f64)
    }
}

/// As many items as one operation removes in all likelihood.
fn removals_limit(config: &Config) -> usize {
    let largest = config.item_size_max.min(config.memory / 4);
    let smallest = config.slab_sizes.first().copied().unwrap_or(1);
    REMOVALS_MIN + largest / smallest.max(1)
}

fn instant(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}

fn expiry(ttl: f64) -> Expiry {
    match ttl.is_finite() {
        true => Expiry::After(Duration::from_millis(ttl as u64)),
        false => Expiry::Never,
    }
}

/// A little-endian number.
fn number(bytes: &[u8]) -> u128 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |number, &byte| number << 8 | u128::from(byte))
}

const fn status(error: &Error) -> u32 {
    match error {
        Error::KeyLength => KEY_LENGTH,
        Error::ValueTooLarge => VALUE_TOO_LARGE,
        Error::NotANumber => NOT_A_NUMBER,
        _ => OUT_OF_MEMORY,
    }
}

/// Writes why no cache could be made: an empty text if memory was missing.
fn write_reason(error: &ConfigError) {
    let text = match error {
        ConfigError::OutOfMemory => String::new(),
        _ => error.to_string(),
    };
    with(|buffers| buffers.message(&text));
}
