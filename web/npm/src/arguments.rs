//! Checks the arguments of calls. JavaScript passes anything, whatever the types say: an invalid
//! argument is an error with a code, and no two keys become one.

use core::time::Duration;

use dynamidb_core::{Expiry, Instant, Value};
use js_sys::{JsString, Number, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::argument_error;

/// The client flags of a value that was stored as a string.
pub(crate) const TEXT: u32 = 1;

#[wasm_bindgen]
extern "C" {
    /// A key.
    #[wasm_bindgen(typescript_type = "string")]
    pub type Key;
    /// A string or bytes.
    #[wasm_bindgen(typescript_type = "string | Uint8Array")]
    pub type InputValue;
    /// A time in milliseconds.
    #[wasm_bindgen(typescript_type = "number")]
    pub type Millis;
    /// A whole number.
    #[wasm_bindgen(typescript_type = "number")]
    pub type Count;

    /// A copy of an array. Throws if the array's buffer is detached.
    #[wasm_bindgen(js_name = Uint8Array)]
    type Copy;
    #[wasm_bindgen(catch, constructor, js_class = Uint8Array)]
    fn new(source: &Uint8Array) -> Result<Copy, JsValue>;
}

/// Reads a key. A key that is too long becomes the empty one: there is never a value under it.
pub(crate) fn key(key: &JsValue) -> Result<String, JsValue> {
    let invalid = || argument_error("a key is a string, without half of a surrogate pair");
    let key: &JsString = key.dyn_ref().ok_or_else(invalid)?;
    // Each unit of UTF-16 takes at least a byte of UTF-8.
    if key.length() as usize > dynamidb_core::Key::LEN_MAX {
        return Ok(String::new());
    }
    text(key).ok_or_else(invalid)
}

/// A string as UTF-8. `None` for half of a surrogate pair, which UTF-8 cannot represent: any would
/// become the same replacement character.
fn text(string: &JsValue) -> Option<String> {
    let text = string.as_string()?;
    let is_same = !text.contains(char::REPLACEMENT_CHARACTER) || *string == *text;
    is_same.then_some(text)
}

/// A value to store.
pub(crate) struct Bytes {
    bytes: Vec<u8>,
    flags: u32,
    expiry: Expiry,
}

impl Bytes {
    /// Reads a string or a `Uint8Array`. If it has more than `max` bytes, `max + 1` bytes stand for
    /// it: the cache rejects them all the same, and a huge value takes no memory.
    pub(crate) fn new(value: &JsValue, ttl: Option<Millis>, max: usize) -> Result<Self, JsValue> {
        let invalid =
            || argument_error("a value is bytes or a string without half of a surrogate pair");
        let (bytes, flags) = if let Some(string) = value.dyn_ref::<JsString>() {
            let bytes = match string.length() as usize > max {
                true => Some(vec![0; max + 1]),
                false => text(string).map(String::into_bytes),
            };
            (bytes, TEXT)
        } else if let Some(array) = value.dyn_ref() {
            (bytes(array, max), 0)
        } else {
            (None, 0)
        };
        Ok(Self {
            bytes: bytes.ok_or_else(invalid)?,
            flags,
            expiry: expiry(ttl)?,
        })
    }

    pub(crate) fn value(&self) -> Value<'_> {
        Value::from(&self.bytes[..])
            .flags(self.flags)
            .expire(self.expiry)
    }
}

/// Up to `max + 1` bytes of an array; `None` if its buffer is detached.
pub(crate) fn bytes(array: &Uint8Array, max: usize) -> Option<Vec<u8>> {
    let len = array.length() as usize;
    if len == 0 {
        // The length is 0, too, if the buffer was transferred or shrunk.
        return Copy::new(array).is_ok().then(Vec::new);
    }
    let mut bytes = vec![0; len.min(max + 1)];
    if len <= max {
        array.copy_to(&mut bytes);
    }
    Some(bytes)
}

/// The expiry of an item that is stored for `ttl` milliseconds, or for ever.
pub(crate) fn expiry(ttl: Option<Millis>) -> Result<Expiry, JsValue> {
    let Some(ttl) = ttl else {
        return Ok(Expiry::Never);
    };
    let millis = ttl.as_f64().filter(|&millis| millis >= 0.0);
    let millis =
        millis.ok_or_else(|| argument_error("a time to live is a number of milliseconds"))?;
    Ok(Duration::try_from_secs_f64(millis / 1000.0).map_or(Expiry::Never, Expiry::After))
}

/// The time that a clock returned.
pub(crate) fn instant(time: &JsValue) -> Result<Instant, JsValue> {
    let millis = time
        .as_f64()
        .filter(|time| (0.0..=Number::MAX_SAFE_INTEGER).contains(time));
    let millis =
        millis.ok_or_else(|| argument_error("the clock returns a number of milliseconds"))?;
    Ok(Instant::from_millis(millis as u64))
}

/// A number of bytes or of items.
pub(crate) fn whole(number: &JsValue, message: &str) -> Result<usize, JsValue> {
    let fits =
        |&number: &f64| (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    let number = number.as_f64().filter(fits);
    number
        .map(|number| number as usize)
        .ok_or_else(|| argument_error(message))
}

/// The number that `increment` adds: 1 by default.
pub(crate) fn delta(delta: Option<Count>) -> Result<i64, JsValue> {
    let Some(delta) = delta else {
        return Ok(1);
    };
    let fits = |delta: &f64| delta.abs() <= f64::from(u32::MAX) && delta.fract() == 0.0;
    let delta = delta.as_f64().filter(fits);
    delta
        .map(|delta| delta as i64)
        .ok_or_else(|| argument_error("the number to add is a whole number"))
}
