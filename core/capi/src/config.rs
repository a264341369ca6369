//! The configuration in C's layout.

use dynamidb_core::{Config, Policy, SlabSizes};

use crate::Status;
use crate::call::check;

/// `dynamidb_config`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)] // They are in the header.
pub struct RawConfig {
    pub max_items: usize,
    pub item_size_max: usize,
    pub page_size: usize,
    pub slab_sizes: *const usize,
    pub slab_sizes_len: usize,
    pub hash_seed: [u64; 2],
    pub policy: u32,
    pub compact: u32,
    pub flush_prefix_max: usize,
}

impl RawConfig {
    /// The defaults for `memory` bytes, overridden by the fields that are not zero.
    ///
    /// # Safety
    /// `config` is null or can be read, and so can the list in it.
    pub(crate) unsafe fn read(config: *const Self, memory: usize) -> Result<Config, Status> {
        let mut made = Config::new(memory);
        if config.is_null() {
            return Ok(made);
        }
        check(config)?;
        // SAFETY: as the caller guarantees; it is not null, and aligned.
        let config = unsafe { &*config };
        made.max_items = (config.max_items > 0).then_some(config.max_items);
        if config.item_size_max > 0 {
            made.item_size_max = config.item_size_max;
        }
        if config.page_size > 0 {
            made.page_size = config.page_size;
            let fitting = Config::SLAB_SIZES.into_iter();
            made.slab_sizes = fitting.filter(|&size| size <= config.page_size).collect();
        }
        if config.slab_sizes_len > 0 {
            // SAFETY: as the caller guarantees.
            made.slab_sizes = unsafe { sizes(config.slab_sizes, config.slab_sizes_len) }?;
        }
        let [low, high] = config.hash_seed;
        made.hash_seed = u128::from(high) << 64 | u128::from(low);
        made.policy = match config.policy {
            0 => Policy::Lru,
            1 => Policy::S3Lru,
            2 => Policy::Refuse,
            _ => return Err(Status::BadPolicy),
        };
        made.compact = config.compact != 0;
        if config.flush_prefix_max > 0 {
            made.flush_prefix_max = config.flush_prefix_max;
        }
        Ok(made)
    }
}

/// # Safety
/// `sizes` is null, or `len` sizes can be read there.
unsafe fn sizes(sizes: *const usize, len: usize) -> Result<SlabSizes, Status> {
    check(sizes)?;
    if len > Config::SLAB_SIZES_MAX {
        return Err(Status::BadSlabSizes);
    }
    // SAFETY: as the caller guarantees; it is not null, aligned, and not long.
    Ok(unsafe { core::slice::from_raw_parts(sizes, len) }.into())
}
