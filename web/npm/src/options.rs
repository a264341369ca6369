//! What a cache is made with: read once, checked, with JavaScript's clock and random numbers where
//! nothing else is said.

use dynamidb_core::{Config, Instant};
use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::{argument, instant, whole};

#[wasm_bindgen]
extern "C" {
    /// An object with any of these fields.
    #[wasm_bindgen(typescript_type = "CacheOptions")]
    pub type Options;
    #[wasm_bindgen(method, structural, getter, js_name = maxItems)]
    fn max_items(this: &Options) -> JsValue;
    #[wasm_bindgen(method, structural, getter, js_name = maxItemSize)]
    fn max_item_size(this: &Options) -> JsValue;
    #[wasm_bindgen(method, structural, getter)]
    fn now(this: &Options) -> JsValue;
    #[wasm_bindgen(method, structural, getter)]
    fn seed(this: &Options) -> JsValue;

    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    fn date_now() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]);
}

/// Who says what time it is.
#[derive(Debug)]
pub(crate) struct Clock(Option<Function>);

impl Clock {
    pub(crate) fn now(&self) -> Result<Instant, JsValue> {
        let Some(function) = &self.0 else {
            return Ok(instant(date_now()));
        };
        let millis = function.call0(&JsValue::UNDEFINED)?.as_f64();
        millis
            .map(instant)
            .ok_or_else(|| argument("the clock returns a number of milliseconds"))
    }
}

/// Lets the configuration be what the options say, and returns their clock.
pub(crate) fn read(config: &mut Config, options: Option<&Options>) -> Result<Clock, JsValue> {
    config.hash_seed = seed(options)?;
    let Some(options) = options else {
        return Ok(Clock(None));
    };
    if let Some(max) = number(&options.max_items(), "maxItems is a number of items")? {
        config.max_items = Some(max);
    }
    if let Some(max) = number(&options.max_item_size(), "maxItemSize is a number of bytes")? {
        config.item_size_max = max;
    }
    let now = options.now();
    if now.is_undefined() {
        return Ok(Clock(None));
    }
    now.dyn_into()
        .map(|function| Clock(Some(function)))
        .map_err(|_| argument("the clock is a function"))
}

fn seed(options: Option<&Options>) -> Result<u128, JsValue> {
    let given = options.map_or(JsValue::UNDEFINED, Options::seed);
    let mut seed = [0; 16];
    if given.is_undefined() {
        get_random_values(&mut seed);
    } else {
        let bytes = read_bytes(&given).and_then(|bytes| bytes.try_into().ok());
        seed = bytes.ok_or_else(|| argument("the seed has 16 bytes"))?;
    }
    Ok(u128::from_le_bytes(seed))
}

fn number(value: &JsValue, message: &str) -> Result<Option<usize>, JsValue> {
    if value.is_undefined() {
        return Ok(None);
    }
    let number = value.as_f64().and_then(whole);
    number.map(Some).ok_or_else(|| argument(message))
}

/// The bytes of a `Uint8Array`, which Node's `Buffer` is as well.
pub(crate) fn read_bytes(value: &JsValue) -> Option<Vec<u8>> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}
