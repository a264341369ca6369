//! A snapshot of a server or a device, opened as a cache.

use alloc::string::String;

use dynamidb_core::snapshot::{Clocks, ReadError, Restore};
use dynamidb_core::{Instant, SlabSizes};

use wasm_bindgen::prelude::*;

use crate::{Playground, Settings};

#[wasm_bindgen]
impl Playground {
    /// Opens a snapshot: the file of a server's `--state`, or one that a device or a program saved.
    /// Its items are as they were then; the session cannot be recorded.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    #[wasm_bindgen(js_name = openSnapshot)]
    pub fn open_snapshot(file: &[u8], now: f64) -> Result<Self, JsError> {
        open(file, now as u64).map_err(|message| JsError::new(&message))
    }
}

/// The most memory that a snapshot gets.
const MEMORY_MAX: usize = 1 << 28;
const MEBIBYTE: usize = 1 << 20;
const PAGE: usize = 4096;

/// Restores all items, as they were at the save. Small items take up to four times what they have
/// in the file; what does not fit is evicted, the least recently used first.
fn open(file: &[u8], now: u64) -> Result<Playground, String> {
    let memory = file.len().saturating_mul(4).clamp(MEBIBYTE, MEMORY_MAX);
    let mut settings = Settings::new(memory as u32);
    let sizes = SlabSizes::page_fractions(PAGE);
    settings.slab_sizes = sizes.iter().map(|&size| size as u32).collect();
    let made = Playground::with_settings(&settings, 0, now);
    let mut playground = made.map_err(crate::settings::sentence)?;
    let now = Instant::from_millis(now);
    let mut restore = Restore::new(Clocks::new(now));
    let mut rest = file;
    loop {
        let used = restore
            .feed(now, playground.cache_mut(), rest)
            .map_err(reason)?;
        if used == 0 {
            break;
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    restore.finish().map_err(reason)?;
    Ok(playground)
}

fn reason(error: ReadError) -> String {
    match error {
        ReadError::Foreign => "this file is no snapshot of a cache",
        ReadError::Newer(_) => "this snapshot is of a newer version than this page",
        ReadError::Truncated => "the end of this snapshot is missing",
        _ => "this snapshot is damaged",
    }
    .into()
}
