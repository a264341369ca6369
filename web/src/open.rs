//! A snapshot of a server or a device, opened as a cache.

use alloc::vec::Vec;
use core::fmt;

use dynamidb_core::SlabSizes;
use dynamidb_core::snapshot::{Clocks, ReadError, Restore};
use wasm_bindgen::prelude::*;

use crate::settings::sentence;
use crate::{Playground, Settings};

/// The most memory that a snapshot gets.
const MEMORY_MAX: usize = 1 << 28;
const MEBIBYTE: usize = 1 << 20;
const PAGE: usize = 4096;

/// A snapshot that is being restored: the file of a server's `--state`, or one that a device or a
/// program saved. The page does other things between two calls.
///
/// Small items take up to four times what they have in the file; what does not fit is evicted, the
/// least recently used first.
#[wasm_bindgen]
pub struct Opening {
    playground: Playground,
    restore: Restore,
    file: Vec<u8>,
    /// How much of the file is restored.
    used: usize,
}

impl fmt::Debug for Opening {
    /// Without the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening")
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl Opening {
    /// Makes the cache for the items of a snapshot; `now` is in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// There is too little memory for it.
    #[wasm_bindgen(constructor)]
    pub fn new(file: Vec<u8>, now: f64) -> Result<Self, JsError> {
        let memory = file.len().saturating_mul(4).clamp(MEBIBYTE, MEMORY_MAX);
        let mut settings = Settings::new(memory as u32);
        let sizes = SlabSizes::page_fractions(PAGE);
        settings.slab_sizes = sizes.iter().map(|&size| size as u32).collect();
        let playground = Playground::with_settings(&settings, 0, now as u64)
            .map_err(|error| JsError::new(&sentence(error)))?;
        let restore = Restore::new(Clocks::new(playground.instant()));
        Ok(Self {
            playground,
            restore,
            file,
            used: 0,
        })
    }

    /// Restores the items of up to this many blocks, and returns how many: fewer at the end.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file.
    pub fn restore(&mut self, blocks: u32) -> Result<u32, JsError> {
        let now = self.playground.instant();
        for done in 0..blocks {
            let rest = self.file.get(self.used..).unwrap_or_default();
            let cache = self.playground.cache_mut();
            match self.restore.feed(now, cache, rest).map_err(reason)? {
                0 => return Ok(done),
                used => self.used += used,
            }
        }
        Ok(blocks)
    }

    /// The cache, with all items as they were at the save; its session cannot be recorded.
    ///
    /// # Errors
    /// The end of the file is missing.
    pub fn finish(self) -> Result<Playground, JsError> {
        self.restore.finish().map_err(reason)?;
        Ok(self.playground)
    }
}

fn reason(error: ReadError) -> JsError {
    JsError::new(match error {
        ReadError::Foreign => "this file is no snapshot of a cache",
        ReadError::Newer(_) => "this snapshot is of a newer version than this page",
        ReadError::Truncated => "the end of this snapshot is missing",
        _ => "this snapshot is damaged",
    })
}
