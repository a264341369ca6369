//! The DynamiDB cache as an npm package: keys and values of a JavaScript program, with a budget in
//! bytes and a time to live. `entry/README.md` is what users read, `build` makes the package.
//!
//! Here, and in the page, JavaScript's clock and its random numbers enter; the core has neither.
#![forbid(unsafe_code)]

mod options;

use core::time::Duration;

use dynamidb_core::{Config, ConfigError, Error, Expiry, Instant, Item, Outcome, Value};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use options::{Clock, Options, read_bytes};

/// The flags of a value that was a string.
const TEXT: u32 = 1;
/// How many steps of upkeep one call of `tick` does, so that it never holds up the program.
const UPKEEP_LIMIT: usize = 1000;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a cache is made with besides its budget. */
export interface CacheOptions {
  /** How many items there may be at most, if memory is not the only limit. */
  maxItems?: number
  /** The largest item, in bytes of key and value together. A quarter of the budget at most. */
  maxItemSize?: number
  /** The time in milliseconds; `Date.now` if there is none. */
  now?: () => number
  /** 16 bytes for the hash of keys; random if there are none. */
  seed?: Uint8Array
}

/** What happened since the cache was made, and what it holds now. */
export interface CacheStats {
  items: number
  /** Of the chunks that hold the items. */
  bytes: number
  /** The budget. */
  limit: number
  hits: number
  misses: number
  evictions: number
  /** Items whose memory was given back because their time had passed. */
  expired: number
}

/** What the package's errors say besides their message. */
export interface CacheError extends Error {
  code: 'ARGUMENT' | 'KEY_LENGTH' | 'VALUE_TOO_LARGE' | 'OUT_OF_MEMORY' | 'NOT_A_NUMBER'
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A string or bytes.
    #[wasm_bindgen(typescript_type = "string | Uint8Array")]
    pub type Stored;
    /// The same, or nothing.
    #[wasm_bindgen(typescript_type = "string | Uint8Array | undefined")]
    pub type Found;
    /// An object of numbers.
    #[wasm_bindgen(typescript_type = "CacheStats")]
    pub type Counters;
    /// A list of keys.
    #[wasm_bindgen(typescript_type = "string[]")]
    pub type Keys;
}

/// A cache of strings and bytes with a hard memory bound.
///
/// What goes when room is needed is the least recently used item. Nothing is served past its time.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cache {
    cache: dynamidb_core::Cache,
    clock: Clock,
}

#[wasm_bindgen]
impl Cache {
    /// Makes a cache that takes so many bytes, for everything: items, index and records.
    ///
    /// Throws if the budget is too small or too large, or an option is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: f64, options: Option<Options>) -> Result<Self, JsValue> {
        let memory = whole(bytes).ok_or_else(|| argument("the budget is a number of bytes"))?;
        let mut config = Config::new(memory);
        let clock = options::read(&mut config, options.as_ref())?;
        let cache = dynamidb_core::Cache::new(config).map_err(|error| made(&error))?;
        Ok(Self { cache, clock })
    }

    /// The value under a key, as a string if it was one; `undefined` if there is none. Counts as
    /// use.
    ///
    /// Throws if the clock throws.
    pub fn get(&mut self, key: &str) -> Result<Found, JsValue> {
        let now = self.clock.now()?;
        let item = self.cache.get(now, key);
        let value = item.map_or(JsValue::UNDEFINED, |item| to_js(&item));
        Ok(value.unchecked_into())
    }

    /// Whether there is a value under a key. Does not count as use.
    ///
    /// Throws if the clock throws.
    pub fn has(&self, key: &str) -> Result<bool, JsValue> {
        Ok(self.cache.peek(self.clock.now()?, key).is_some())
    }

    /// Stores a value, for `ttl` milliseconds if that is said.
    ///
    /// Throws if the key is empty or longer than 250 bytes of UTF-8, or the item is too large.
    pub fn set(&mut self, key: &str, value: &Stored, ttl: Option<f64>) -> Result<(), JsValue> {
        let (now, stored) = (self.clock.now()?, Bytes::new(value)?);
        self.cache
            .set(now, key, stored.value(ttl)?)
            .map_err(|error| refused(&error))
    }

    /// Stores a value if there is none under the key. Says whether it did.
    ///
    /// Throws as `set`.
    pub fn add(&mut self, key: &str, value: &Stored, ttl: Option<f64>) -> Result<bool, JsValue> {
        let (now, stored) = (self.clock.now()?, Bytes::new(value)?);
        let outcome = self.cache.add(now, key, stored.value(ttl)?);
        outcome
            .map(|outcome| outcome == Outcome::Stored)
            .map_err(|error| refused(&error))
    }

    /// Lets a value end in `ttl` milliseconds, or not by itself. Says whether there is one.
    ///
    /// Throws if the time is wrong.
    pub fn touch(&mut self, key: &str, ttl: Option<f64>) -> Result<bool, JsValue> {
        let (now, expiry) = (self.clock.now()?, expiry(ttl)?);
        Ok(self.cache.touch(now, key, expiry))
    }

    /// Removes a value. Says whether there was one.
    ///
    /// Throws if the clock throws.
    pub fn delete(&mut self, key: &str) -> Result<bool, JsValue> {
        let now = self.clock.now()?;
        Ok(self.cache.delete(now, key))
    }

    /// Adds to a whole number that is stored as a string, and returns the sum; `undefined` if there
    /// is none. Below zero it stops at 0.
    ///
    /// Throws if the value is no number.
    pub fn increment(&mut self, key: &str, delta: Option<f64>) -> Result<Option<f64>, JsValue> {
        let (now, delta) = (self.clock.now()?, delta.unwrap_or(1.0));
        let size =
            whole(delta.abs()).ok_or_else(|| argument("the number to add is a whole one"))?;
        let sum = if delta < 0.0 {
            self.cache.decrement(now, key, size as u64)
        } else {
            self.cache.increment(now, key, size as u64)
        };
        sum.map(|sum| sum.map(|sum| sum as f64))
            .map_err(|error| refused(&error))
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.cache.clear();
    }

    /// Gives back the memory of what has expired, a bounded piece of it. Nothing is served late
    /// without this. Says whether there is more to do.
    ///
    /// Throws if the clock throws.
    pub fn tick(&mut self) -> Result<bool, JsValue> {
        let now = self.clock.now()?;
        Ok(self.cache.tick(now, UPKEEP_LIMIT) == UPKEEP_LIMIT)
    }

    /// How many items there are, expired ones whose memory was not given back yet included.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> usize {
        self.cache.len()
    }

    /// The keys, the most recently used first.
    ///
    /// Throws if the clock throws.
    pub fn keys(&self) -> Result<Keys, JsValue> {
        let now = self.clock.now()?;
        let live = |item: &Item<'_>| item.expires_at.is_none_or(|end| end > now);
        let items = self.cache.iter().filter(|(_, item)| live(item));
        let keys: Array = items.map(|(key, _)| text(key)).collect();
        Ok(JsValue::from(keys).unchecked_into())
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Counters {
        let stats = self.cache.stats();
        let object = Object::new();
        for (name, number) in [
            ("items", stats.curr_items),
            ("bytes", stats.bytes),
            ("limit", stats.limit_maxbytes),
            ("hits", stats.get_hits),
            ("misses", stats.get_misses),
            ("evictions", stats.evictions),
            ("expired", stats.reclaimed),
        ] {
            set_field(&object, name, &(number as f64).into());
        }
        JsValue::from(object).unchecked_into()
    }
}

/// A value on its way into the cache.
struct Bytes {
    bytes: Vec<u8>,
    flags: u32,
}

impl Bytes {
    fn new(value: &Stored) -> Result<Self, JsValue> {
        if let Some(text) = value.as_string() {
            return Ok(Self {
                bytes: text.into_bytes(),
                flags: TEXT,
            });
        }
        let bytes = read_bytes(value).ok_or_else(|| argument("a value is a string or bytes"))?;
        Ok(Self { bytes, flags: 0 })
    }

    fn value(&self, ttl: Option<f64>) -> Result<Value<'_>, JsValue> {
        Ok(Value::from(&self.bytes[..])
            .flags(self.flags)
            .expire(expiry(ttl)?))
    }
}

fn to_js(item: &Item<'_>) -> JsValue {
    let bytes = item.value.to_vec();
    if item.flags == TEXT {
        return text(&bytes);
    }
    Uint8Array::from(&bytes[..]).into()
}

/// What came from a string and is one again.
fn text(bytes: &[u8]) -> JsValue {
    String::from_utf8_lossy(bytes).as_ref().into()
}

fn expiry(ttl: Option<f64>) -> Result<Expiry, JsValue> {
    match ttl {
        None => Ok(Expiry::Never),
        Some(ttl) if ttl >= 0.0 => {
            Ok(Duration::try_from_secs_f64(ttl / 1000.0).map_or(Expiry::Never, Expiry::After))
        }
        Some(_) => Err(argument("a time to live is a number of milliseconds")),
    }
}

/// A number of bytes or of items, if this is one that fits.
fn whole(number: f64) -> Option<usize> {
    let fits = number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0;
    fits.then_some(number as usize)
}

fn set_field(object: &Object, name: &str, value: &JsValue) {
    let is_set = Reflect::set(object, &name.into(), value);
    debug_assert!(is_set.is_ok(), "an object of our own takes any field");
}

fn error(message: &str, code: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    set_field(&error, "code", &code.into());
    error.into()
}

fn argument(message: &str) -> JsValue {
    error(message, "ARGUMENT")
}

fn made(reason: &ConfigError) -> JsValue {
    let code = match reason {
        ConfigError::OutOfMemory => "OUT_OF_MEMORY",
        _ => "ARGUMENT",
    };
    error(&reason.to_string(), code)
}

fn refused(reason: &Error) -> JsValue {
    let code = match reason {
        Error::KeyLength => "KEY_LENGTH",
        Error::ValueTooLarge => "VALUE_TOO_LARGE",
        Error::NotANumber => "NOT_A_NUMBER",
        _ => "OUT_OF_MEMORY",
    };
    error(&reason.to_string(), code)
}

/// The time as JavaScript counts it.
fn instant(millis: f64) -> Instant {
    // Saturates; what is no number counts as 0.
    Instant::from_millis(millis as u64)
}
