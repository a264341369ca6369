//! The options of a cache: read once and checked. JavaScript's clock and random numbers are the
//! defaults.

use dynamidb_core::{Config, Instant};
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::argument_error;
use crate::arguments::{bytes, instant, whole};

#[wasm_bindgen]
extern "C" {
    /// An object with any of the fields below.
    #[wasm_bindgen(typescript_type = "CacheOptions")]
    pub type Options;
    // Each may be a getter of the program, which may throw.
    #[wasm_bindgen(catch, method, structural, getter, js_name = maxItems)]
    fn max_items(this: &Options) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, structural, getter, js_name = maxItemSize)]
    fn max_item_size(this: &Options) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, structural, getter)]
    fn now(this: &Options) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, method, structural, getter)]
    fn seed(this: &Options) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = Date, js_name = now)]
    fn date_now() -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// The program's clock, or `Date.now`.
#[derive(Debug)]
pub(crate) struct Clock(Option<Function>);

impl Clock {
    pub(crate) fn now(&self) -> Result<Instant, JsValue> {
        let time = match &self.0 {
            Some(function) => function.call0(&JsValue::UNDEFINED)?,
            None => date_now()?,
        };
        instant(&time)
    }
}

/// Applies the options to a configuration, and returns their clock.
pub(crate) fn read(config: &mut Config, options: Option<&Options>) -> Result<Clock, JsValue> {
    if options.is_some_and(|options| !options.is_object()) {
        return Err(argument_error("the options are an object"));
    }
    config.hash_seed = seed(options)?;
    let Some(options) = options else {
        return Ok(Clock(None));
    };
    if let Some(max) = number(&options.max_items()?, "maxItems is a number of items")? {
        config.max_items = Some(max);
    }
    if let Some(max) = number(
        &options.max_item_size()?,
        "maxItemSize is a number of bytes",
    )? {
        config.item_size_max = max;
    }
    let now = options.now()?;
    if now.is_undefined() {
        return Ok(Clock(None));
    }
    now.dyn_into()
        .map(|function| Clock(Some(function)))
        .map_err(|_| argument_error("the clock is a function"))
}

fn seed(options: Option<&Options>) -> Result<u128, JsValue> {
    let given = options.map_or(Ok(JsValue::UNDEFINED), Options::seed)?;
    let mut seed = [0; 16];
    if given.is_undefined() {
        get_random_values(&mut seed)?;
    } else {
        let given = given.dyn_ref().and_then(|array| bytes(array, seed.len()));
        let given = given.and_then(|bytes| bytes.try_into().ok());
        seed = given.ok_or_else(|| argument_error("the seed has 16 bytes"))?;
    }
    Ok(u128::from_le_bytes(seed))
}

fn number(value: &JsValue, message: &str) -> Result<Option<usize>, JsValue> {
    if value.is_undefined() {
        return Ok(None);
    }
    whole(value, message).map(Some)
}
