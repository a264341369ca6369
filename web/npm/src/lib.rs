//! The DynamiDB cache as an npm package: keys and values of a JavaScript program, with a budget in
//! bytes and a time to live. `entry/README.md` documents it for users, `build` makes the package.
//!
//! JavaScript's clock and random numbers are used here, as in the page; the core has neither.
#![forbid(unsafe_code)]

mod arguments;
mod options;

use core::cell::RefCell;

use dynamidb_core::{Config, ConfigError, Error, Item, Outcome};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use arguments::{Bytes, Count, InputValue, Key, Millis, TEXT};
use options::{Clock, Options};

/// The most steps that one call of `maintain` does, so that it never blocks the program for long.
const MAINTAIN_LIMIT: usize = 1000;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The options of a cache. */
export interface CacheOptions {
  /** The item limit. By default, only memory limits the number of items. */
  maxItems?: number
  /** The largest item, in bytes of key and value together. At most a quarter of the budget. */
  maxItemSize?: number
  /** The clock: returns the time in milliseconds. `Date.now` by default. */
  now?: () => number
  /** The seed of the keys' hash: 16 bytes. Random by default. */
  seed?: Uint8Array
}

/** Counters since the cache was made, and what it holds now. */
export interface CacheStats {
  items: number
  /** Bytes of the items' chunks. */
  bytes: number
  /** The budget in bytes. */
  limit: number
  hits: number
  misses: number
  evictions: number
  /** Expired items whose memory was reclaimed. */
  expired: number
}

/** An error of this package. */
export interface CacheError extends Error {
  /** `ARGUMENT`, and `FREED` if the cache was freed before, are codes of a `TypeError`. */
  code: 'ARGUMENT' | 'FREED' | 'KEY_LENGTH' | 'VALUE_TOO_LARGE' | 'OUT_OF_MEMORY' | 'NOT_A_NUMBER'
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A string or bytes, or `undefined`.
    #[wasm_bindgen(typescript_type = "string | Uint8Array | undefined")]
    pub type OutputValue;
    /// An object of numbers.
    #[wasm_bindgen(typescript_type = "CacheStats")]
    pub type Stats;
    /// A list of keys.
    #[wasm_bindgen(typescript_type = "string[]")]
    pub type Keys;
}

/// A cache of strings and bytes with a hard memory bound.
///
/// When memory is full, the least recently used item is evicted. Expired items are never served.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Cache {
    /// Never borrowed while the program's code runs: its clock may use the cache, too.
    cache: RefCell<dynamidb_core::Cache>,
    clock: Clock,
    item_size_max: usize,
}

#[wasm_bindgen]
impl Cache {
    /// Makes a cache with a budget of `bytes` for everything: items, index and records.
    ///
    /// Throws if the budget is too small or too large, or an option is invalid.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &Count, options: Option<Options>) -> Result<Self, JsValue> {
        let memory = arguments::whole(bytes, "the budget is a number of bytes")?;
        let mut config = Config::new(memory);
        let clock = options::read(&mut config, options.as_ref())?;
        let item_size_max = config.item_size_max;
        let cache = dynamidb_core::Cache::new(config).map_err(|error| config_error(&error))?;
        Ok(Self {
            cache: RefCell::new(cache),
            clock,
            item_size_max,
        })
    }

    /// Returns the value under a key, of the type it was stored with; `undefined` if there is none.
    /// Counts as use.
    ///
    /// Throws if the key is not a string, or if the clock throws.
    pub fn get(&self, key: &Key) -> Result<OutputValue, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let mut cache = self.cache.borrow_mut();
        let item = cache.get(now, &*key);
        let value = item.map_or(JsValue::UNDEFINED, |item| to_js(&item));
        Ok(value.unchecked_into())
    }

    /// Returns whether there is a value under a key. Does not count as use.
    ///
    /// Throws as `get`.
    pub fn has(&self, key: &Key) -> Result<bool, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        Ok(self.cache.borrow().peek(now, &*key).is_some())
    }

    /// Stores a value, for `ttl` milliseconds if that is given.
    ///
    /// Throws if the key is empty or longer than 250 bytes of UTF-8, if the item is too large, or
    /// if an argument has the wrong type: a string with half a surrogate pair is not text.
    pub fn set(&self, key: &Key, value: &InputValue, ttl: Option<Millis>) -> Result<(), JsValue> {
        let value = Bytes::new(value, ttl, self.item_size_max)?;
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let mut cache = self.cache.borrow_mut();
        cache
            .set(now, &*key, value.value())
            .map_err(|error| cache_error(&error))
    }

    /// Stores a value if there is none under the key. Returns whether it did.
    ///
    /// Throws as `set`.
    pub fn add(&self, key: &Key, value: &InputValue, ttl: Option<Millis>) -> Result<bool, JsValue> {
        let value = Bytes::new(value, ttl, self.item_size_max)?;
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let outcome = self.cache.borrow_mut().add(now, &*key, value.value());
        outcome
            .map(|outcome| outcome == Outcome::Stored)
            .map_err(|error| cache_error(&error))
    }

    /// Sets a value's time to live, in milliseconds, or removes it. Returns whether there is a
    /// value.
    ///
    /// Throws as `get`, and if the time is invalid.
    pub fn touch(&self, key: &Key, ttl: Option<Millis>) -> Result<bool, JsValue> {
        let (key, expiry) = (arguments::key(key)?, arguments::expiry(ttl)?);
        let now = self.clock.now()?;
        Ok(self.cache.borrow_mut().touch(now, &*key, expiry))
    }

    /// Deletes a value. Returns whether there was one.
    ///
    /// Throws as `get`.
    pub fn delete(&self, key: &Key) -> Result<bool, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        Ok(self.cache.borrow_mut().delete(now, &*key))
    }

    /// Adds to a whole number that is stored as a string, and returns the sum; `undefined` if there
    /// is no value. Stops at 0.
    ///
    /// Throws if the value is not a number, or `delta` is not a whole number below 2³².
    pub fn increment(&self, key: &Key, delta: Option<Count>) -> Result<Option<f64>, JsValue> {
        let (key, delta) = (arguments::key(key)?, arguments::delta(delta)?);
        let (size, now) = (delta.unsigned_abs(), self.clock.now()?);
        let mut cache = self.cache.borrow_mut();
        let sum = if delta < 0 {
            cache.decrement(now, &*key, size)
        } else {
            cache.increment(now, &*key, size)
        };
        sum.map(|sum| sum.map(|sum| sum as f64))
            .map_err(|error| cache_error(&error))
    }

    /// Deletes all values.
    pub fn clear(&self) {
        self.cache.borrow_mut().clear();
    }

    /// Reclaims the memory of expired items, a bounded number at a time. Expired items are never
    /// served, with or without this. Returns whether there is more to do.
    ///
    /// Throws if the clock throws.
    pub fn maintain(&self) -> Result<bool, JsValue> {
        let now = self.clock.now()?;
        let done = self.cache.borrow_mut().tick(now, MAINTAIN_LIMIT);
        Ok(done == MAINTAIN_LIMIT)
    }

    /// The number of items, including expired ones whose memory is not reclaimed yet.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> usize {
        self.cache.borrow().len()
    }

    /// Returns the keys, the most recently used first.
    ///
    /// Throws if the clock throws.
    pub fn keys(&self) -> Result<Keys, JsValue> {
        let now = self.clock.now()?;
        let live = |item: &Item<'_>| item.expires_at.is_none_or(|end| end > now);
        let cache = self.cache.borrow();
        let items = cache.iter().filter(|(_, item)| live(item));
        let keys: Array = items.map(|(key, _)| text(key)).collect();
        Ok(JsValue::from(keys).unchecked_into())
    }

    /// Returns the counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let stats = self.cache.borrow().stats();
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

fn to_js(item: &Item<'_>) -> JsValue {
    let bytes = item.value.to_vec();
    if item.flags == TEXT {
        return text(&bytes);
    }
    Uint8Array::from(&bytes[..]).into()
}

/// Bytes that were stored as a string.
fn text(bytes: &[u8]) -> JsValue {
    String::from_utf8_lossy(bytes).as_ref().into()
}

fn set_field(object: &Object, name: &str, value: &JsValue) {
    let is_set = Reflect::set(object, &name.into(), value);
    debug_assert!(is_set.is_ok(), "a new object accepts any field");
}

/// Adds a `code` that programs can compare.
fn with_code(error: &js_sys::Error, code: &str) -> JsValue {
    set_field(error, "code", &code.into());
    error.into()
}

fn error(message: &str, code: &str) -> JsValue {
    with_code(&js_sys::Error::new(message), code)
}

fn argument_error(message: &str) -> JsValue {
    with_code(&js_sys::TypeError::new(message), "ARGUMENT")
}

fn config_error(reason: &ConfigError) -> JsValue {
    match reason {
        ConfigError::OutOfMemory => error(&reason.to_string(), "OUT_OF_MEMORY"),
        _ => argument_error(&reason.to_string()),
    }
}

fn cache_error(reason: &Error) -> JsValue {
    let code = match reason {
        Error::KeyLength => "KEY_LENGTH",
        Error::ValueTooLarge => "VALUE_TOO_LARGE",
        Error::NotANumber => "NOT_A_NUMBER",
        _ => "OUT_OF_MEMORY",
    };
    error(&reason.to_string(), code)
}
