//! How much memory items of one size need. The engine lays out one of them; the pages of
//! all, their records and their index follow from that.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use dynamidb_core::{Cache, Config, Instant, Key, SlabSizes};
use wasm_bindgen::prelude::*;

use crate::Playground;
use crate::settings::sentence;

/// The sizes of chunks that a server has whose memory is given: few below [`FINE_MEMORY`], and from
/// there on all that divide the page. `native/src/server/options.rs` has the same.
const FEW_SIZES: [usize; 11] = [32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096];
const FINE_MEMORY: f64 = (16 << 20) as f64;
const PAGE: usize = 4096;
/// Pages of an extent, of which one holds the records of all.
const EXTENT: f64 = 128.0;
/// Items for each bucket of the index, of which one in seven has a second one.
const LOAD: f64 = 9.0;
const OVERFLOW: f64 = 0.14;
const BUCKETS: f64 = (PAGE / 64) as f64;
/// Bytes of the cache's own fields.
const OWN: f64 = 4096.0;
/// Bytes for flushes by prefix: one for each 64 KiB, 63 at most.
const FLUSHES: f64 = 256.0 * 63.0;

#[wasm_bindgen]
impl Playground {
    /// How much memory this many items need whose keys and values have these bytes: the budget, the
    /// bytes of the chunks of an item with their share of what is left of a page, then for each of
    /// its chunks four numbers: size, and the bytes of overhead, key and value in it. `sizes` are
    /// the chunk sizes; none: those of a server whose memory is given.
    ///
    /// # Errors
    /// Numbers that are out of range.
    pub fn sizing(items: f64, key: u32, value: u32, sizes: &[u32]) -> Result<Vec<f64>, JsError> {
        calculate(items, key as usize, value as usize, sizes)
            .map_err(|message| JsError::new(&message))
    }
}

fn calculate(items: f64, key: usize, value: usize, sizes: &[u32]) -> Result<Vec<f64>, String> {
    if !(1..=Key::LEN_MAX).contains(&key) || key.saturating_add(value) > Config::ITEM_SIZE_MAX {
        return Err("a key has 1 to 250 bytes, and an item 1 MiB at most".into());
    }
    if !(1.0..=1e12).contains(&items) {
        return Err("the number of items must be from 1 to 1,000,000,000,000".into());
    }
    let chosen: SlabSizes = sizes.iter().map(|&size| size as usize).collect();
    if !sizes.is_empty() {
        return with_sizes(items, key, value, chosen);
    }
    let fine = with_sizes(items, key, value, SlabSizes::page_fractions(PAGE))?;
    match fine.first() {
        Some(&memory) if memory < FINE_MEMORY => with_sizes(items, key, value, FEW_SIZES.into()),
        _ => Ok(fine),
    }
}

fn with_sizes(items: f64, key: usize, value: usize, sizes: SlabSizes) -> Result<Vec<f64>, String> {
    let mut config = Config::new((1 << 20) + 8 * value);
    (config.page_size, config.slab_sizes) = (PAGE, sizes);
    let mut cache = Cache::new(config).map_err(sentence)?;
    let bytes = vec![b'x'; key.max(value)];
    let name = bytes.get(..key).unwrap_or_default();
    let stored = cache.set(
        Instant::from_secs(0),
        name,
        bytes.get(..value).unwrap_or_default(),
    );
    stored.map_err(|_| "an item of this size cannot be stored")?;
    let position = cache.view_of(name).map_or(0, |item| item.position);
    let mut numbers = vec![0.0; 2];
    let mut classes: Vec<(usize, f64)> = Vec::new();
    for chunk in cache.chunks(position) {
        let size = chunk.bytes.len();
        match classes.iter_mut().find(|(of, _)| *of == size) {
            Some((_, count)) => *count += 1.0,
            None => classes.push((size, 1.0)),
        }
        let parts = [size, chunk.head, chunk.key, chunk.value];
        numbers.extend(parts.map(|part| part as f64));
    }
    let buckets = items / LOAD / BUCKETS;
    // One page more, for the engine to grow its index into.
    let (mut pages, mut each) = (ceil(buckets) + ceil(OVERFLOW * buckets) + 1.0, 0.0);
    for (size, count) in classes {
        let per_page = (PAGE / size.max(1)).max(1) as f64;
        each += count * PAGE as f64 / per_page;
        pages += ceil(items * count / per_page);
    }
    pages += ceil(pages / (EXTENT - 1.0));
    // The map of the index has a word for each third of the pages.
    let tables = 4.0 * ceil(pages / 3.0) + (pages / 16.0 * 256.0).min(FLUSHES) + OWN;
    (numbers[0], numbers[1]) = (pages * PAGE as f64 + tables, each);
    Ok(numbers)
}

/// Rounds up. Without the standard library there is none for floating point.
fn ceil(number: f64) -> f64 {
    let whole = number as u64 as f64;
    if whole < number { whole + 1.0 } else { whole }
}
