//! The DynamiDB cache as an npm package: keys and values of a JavaScript program, with a budget in
//! bytes and a time to live. `entry/README.md` is what users read, `build` makes the package.
//!
//! Here, and in the page, JavaScript's clock and its random numbers enter; the core has neither.
#![forbid(unsafe_code)]

mod arguments;
mod options;

use core::cell::RefCell;

use dynamidb_core::{Config, ConfigError, Error, Item, Outcome};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use arguments::{Bytes, Count, Key, Millis, Stored, TEXT};
use options::{Clock, Options};

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
  /** Of a `TypeError`: `ARGUMENT`, and `FREED` if the cache was freed before. */
  code: 'ARGUMENT' | 'FREED' | 'KEY_LENGTH' | 'VALUE_TOO_LARGE' | 'OUT_OF_MEMORY' | 'NOT_A_NUMBER'
}
"#;

#[wasm_bindgen]
extern "C" {
    /// A string or bytes, or nothing.
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
    /// Borrowed only while no code of the program runs: its clock may use the cache as well.
    cache: RefCell<dynamidb_core::Cache>,
    clock: Clock,
    item_size_max: usize,
}

#[wasm_bindgen]
impl Cache {
    /// Makes a cache that takes so many bytes, for everything: items, index and records.
    ///
    /// Throws if the budget is too small or too large, or an option is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &Count, options: Option<Options>) -> Result<Self, JsValue> {
        let memory = arguments::whole(bytes, "the budget is a number of bytes")?;
        let mut config = Config::new(memory);
        let clock = options::read(&mut config, options.as_ref())?;
        let item_size_max = config.item_size_max;
        let cache = dynamidb_core::Cache::new(config).map_err(|error| made(&error))?;
        Ok(Self {
            cache: RefCell::new(cache),
            clock,
            item_size_max,
        })
    }

    /// The value under a key, as a string if it was one; `undefined` if there is none. Counts as
    /// use.
    ///
    /// Throws if the key is no string, or the clock throws.
    pub fn get(&self, key: &Key) -> Result<Found, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let mut cache = self.cache.borrow_mut();
        let item = cache.get(now, &*key);
        let value = item.map_or(JsValue::UNDEFINED, |item| to_js(&item));
        Ok(value.unchecked_into())
    }

    /// Whether there is a value under a key. Does not count as use.
    ///
    /// Throws as `get`.
    pub fn has(&self, key: &Key) -> Result<bool, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        Ok(self.cache.borrow().peek(now, &*key).is_some())
    }

    /// Stores a value, for `ttl` milliseconds if that is said.
    ///
    /// Throws if the key is empty or longer than 250 bytes of UTF-8, if the item is too large, or
    /// if an argument has the wrong type: a string with half a surrogate pair is no text.
    pub fn set(&self, key: &Key, value: &Stored, ttl: Option<Millis>) -> Result<(), JsValue> {
        let value = Bytes::new(value, ttl, self.item_size_max)?;
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let mut cache = self.cache.borrow_mut();
        cache
            .set(now, &*key, value.value())
            .map_err(|error| refused(&error))
    }

    /// Stores a value if there is none under the key. Says whether it did.
    ///
    /// Throws as `set`.
    pub fn add(&self, key: &Key, value: &Stored, ttl: Option<Millis>) -> Result<bool, JsValue> {
        let value = Bytes::new(value, ttl, self.item_size_max)?;
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        let outcome = self.cache.borrow_mut().add(now, &*key, value.value());
        outcome
            .map(|outcome| outcome == Outcome::Stored)
            .map_err(|error| refused(&error))
    }

    /// Lets a value end in `ttl` milliseconds, or not by itself. Says whether there is one.
    ///
    /// Throws as `get`, and if the time is wrong.
    pub fn touch(&self, key: &Key, ttl: Option<Millis>) -> Result<bool, JsValue> {
        let (key, expiry) = (arguments::key(key)?, arguments::expiry(ttl)?);
        let now = self.clock.now()?;
        Ok(self.cache.borrow_mut().touch(now, &*key, expiry))
    }

    /// Removes a value. Says whether there was one.
    ///
    /// Throws as `get`.
    pub fn delete(&self, key: &Key) -> Result<bool, JsValue> {
        let (key, now) = (arguments::key(key)?, self.clock.now()?);
        Ok(self.cache.borrow_mut().delete(now, &*key))
    }

    /// Adds to a whole number that is stored as a string, and returns the sum; `undefined` if there
    /// is none. Below zero it stops at 0.
    ///
    /// Throws if the value is no number, or the number to add is not a whole one below 2³².
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
            .map_err(|error| refused(&error))
    }

    /// Removes everything.
    pub fn clear(&self) {
        self.cache.borrow_mut().clear();
    }

    /// Gives back the memory of what has expired, a bounded piece of it. Nothing is served late
    /// without this. Says whether there is more to do.
    ///
    /// Throws if the clock throws.
    pub fn tick(&self) -> Result<bool, JsValue> {
        let now = self.clock.now()?;
        let done = self.cache.borrow_mut().tick(now, UPKEEP_LIMIT);
        Ok(done == UPKEEP_LIMIT)
    }

    /// How many items there are, expired ones whose memory was not given back yet included.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> usize {
        self.cache.borrow().len()
    }

    /// The keys, the most recently used first.
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

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Counters {
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

/// What came from a string and is one again.
fn text(bytes: &[u8]) -> JsValue {
    String::from_utf8_lossy(bytes).as_ref().into()
}

fn set_field(object: &Object, name: &str, value: &JsValue) {
    let is_set = Reflect::set(object, &name.into(), value);
    debug_assert!(is_set.is_ok(), "an object of our own takes any field");
}

/// The same error with a `code`, which programs can compare.
fn with_code(error: &js_sys::Error, code: &str) -> JsValue {
    set_field(error, "code", &code.into());
    error.into()
}

fn error(message: &str, code: &str) -> JsValue {
    with_code(&js_sys::Error::new(message), code)
}

fn argument(message: &str) -> JsValue {
    with_code(&js_sys::TypeError::new(message), "ARGUMENT")
}

fn made(reason: &ConfigError) -> JsValue {
    match reason {
        ConfigError::OutOfMemory => error(&reason.to_string(), "OUT_OF_MEMORY"),
        _ => argument(&reason.to_string()),
    }
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
