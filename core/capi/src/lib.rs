//! The DynamiDB cache for C. `include/dynamidb.h` documents the interface for users; the comments
//! here add only what the header cannot say.
//!
//! The cache lies at the beginning of caller-provided memory, so a program needs no allocator.
//! All of the project's `unsafe` for C is in this crate: pointers are checked in [`call`], and
//! everything behind them is the safe core.
#![cfg_attr(not(test), no_std)]

#[cfg(not(test))]
mod bare;
mod call;
mod config;
mod iterate;
mod session;
mod snapshot;
mod status;
#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks)]
mod tests;

use core::ffi::{c_char, c_void};
use core::time::Duration;

use dynamidb_core::SetOptions;
use dynamidb_core::{Cache, Cas, CasOutcome, ConfigError, Error, Expiry, Instant, Item, Key};
use dynamidb_core::{Ticks32, Value};

pub use call::Handle;
use call::{Call, CallerMemory, Output, check};
pub use config::RawConfig;
pub use iterate::dynamidb_for_each;
pub use session::dynamidb_session_buffer_sizes;
pub use session::{SessionHandle, dynamidb_session_init, dynamidb_session_process};
pub use snapshot::{RawRestored, RestoreState, SaveState};
pub use snapshot::{dynamidb_restore_init, dynamidb_restore_next};
pub use snapshot::{dynamidb_save_init, dynamidb_save_next};
pub use status::Status;
use status::status_of;

/// `DYNAMIDB_NEVER`
pub const NEVER: u64 = u64::MAX;

/// `dynamidb_item`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)] // They are in the header.
pub struct RawItem {
    pub len: usize,
    pub cas: u64,
    pub expires_at: u64,
}

impl RawItem {
    fn new(item: &Item<'_>) -> Self {
        Self {
            len: item.value.len(),
            // The header's DYNAMIDB_NO_CAS is 0.
            cas: item.cas.map_or(0, Cas::get),
            expires_at: item.expires_at.map_or(NEVER, Instant::as_millis),
        }
    }
}

/// `dynamidb_stats`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)] // They are in the header.
pub struct RawStats {
    pub items: u64,
    pub bytes: u64,
    pub memory: u64,
    pub get_hits: u64,
    pub get_misses: u64,
    pub sets: u64,
    pub evictions: u64,
    pub expired: u64,
}

/// `dynamidb_visitor`
pub type Visitor = unsafe extern "C" fn(*mut c_void, *const c_void, usize);

const fn at(now: u64) -> Instant {
    Instant::from_millis(now)
}

/// `dynamidb_ticks32`
#[unsafe(no_mangle)]
pub extern "C" fn dynamidb_ticks32(now: u64, ticks: u32) -> u64 {
    Ticks32::after(at(now)).at(ticks).as_millis()
}

const fn expiry(ttl: u64) -> Expiry {
    match ttl {
        NEVER => Expiry::Never,
        ttl => Expiry::After(Duration::from_millis(ttl)),
    }
}

/// `dynamidb_status_name`
#[unsafe(no_mangle)]
pub extern "C" fn dynamidb_status_name(status: i32) -> *const c_char {
    Status::name(status).as_ptr()
}

/// `dynamidb_init`
///
/// # Safety
/// Each pointer is null or valid; nothing else uses the memory until it is released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_init(
    memory: *mut c_void,
    size: usize,
    config: *const RawConfig,
    handle: *mut *mut Handle,
) -> Status {
    let handle_size = size_of::<Handle>();
    let address: *mut Handle = memory.cast();
    status_of((|| {
        check(address)?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { Output::new(handle) }?;
        let rest = size.saturating_sub(handle_size);
        // SAFETY: as the caller guarantees.
        let config = unsafe { RawConfig::read(config, rest) }?;
        let end = address.addr().checked_add(size);
        let end = end
            .filter(|_| size <= isize::MAX as usize)
            .ok_or(Status::MemoryTooLarge)?;
        if (address.addr()..end).contains(&handle.addr()) {
            return Err(Status::Overlap);
        }
        if rest == 0 {
            return Err(Status::MemoryTooSmall);
        }
        // SAFETY: the caller provides the memory, and nothing else refers to the part behind the
        // handle.
        let rest =
            unsafe { core::slice::from_raw_parts_mut(memory.cast::<u8>().add(handle_size), rest) };
        // SAFETY: the memory is large enough, aligned, and holds nothing that needs to be dropped.
        Cache::init(unsafe { Handle::place(address) }, &config, rest)?;
        // SAFETY: as before, and the cache is there now.
        unsafe { Handle::finish(address, size) }
        output.write(address);
        Ok(Status::Ok)
    })())
}

/// `dynamidb_memory_min`
///
/// # Safety
/// Each pointer is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_memory_min(config: *const RawConfig, size: *mut usize) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let (output, config) = unsafe { (Output::new(size)?, RawConfig::read(config, 0)?) };
        match Cache::with_memory(config, &mut [][..]) {
            Err(ConfigError::MemoryTooSmall(least)) => {
                output.write(least + size_of::<Handle>());
                Ok(Status::Ok)
            }
            Err(error) => Err(error.into()),
            Ok(_) => Err(Status::MemoryTooSmall),
        }
    })())
}

/// `dynamidb_release`
///
/// # Safety
/// The handle is null or valid, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_release(handle: *mut Handle) -> Status {
    // SAFETY: as the caller guarantees.
    let call = unsafe { Call::begin(handle) };
    status_of(call.map(|call| {
        call.release();
        Status::Ok
    }))
}

/// `dynamidb_get`
///
/// # Safety
/// Each pointer is null or valid for the length given with it; the handle is in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_get(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    buffer: *mut c_void,
    size: usize,
    item: *mut RawItem,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe { fetch(handle, now, (key, key_len), None, (buffer, size), item) }
}

/// `dynamidb_get_and_touch`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_get_and_touch(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    ttl: u64,
    buffer: *mut c_void,
    size: usize,
    item: *mut RawItem,
) -> Status {
    let touch = Some(expiry(ttl));
    // SAFETY: as the caller guarantees.
    unsafe { fetch(handle, now, (key, key_len), touch, (buffer, size), item) }
}

/// Copies a value to the buffer.
///
/// # Safety
/// As [`dynamidb_get`].
unsafe fn fetch(
    handle: *mut Handle,
    now: u64,
    (key, key_len): (*const c_void, usize),
    touch: Option<Expiry>,
    (buffer, size): (*mut c_void, usize),
    item: *mut RawItem,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key, key_len) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(item) }?.ok_or(Status::NullPointer)?;
        if size > 0 {
            call.check_outside(buffer, size, Status::BufferTooSmall)?;
        }
        let found = match touch {
            Some(expiry) => call.cache().get_and_touch(at(now), key, expiry),
            None => call.cache().get(at(now), key),
        };
        let found = found.ok_or(Status::NotFound)?;
        output.write(RawItem::new(&found));
        if found.value.len() > size {
            return Err(Status::BufferTooSmall);
        }
        let mut target: *mut u8 = buffer.cast();
        for piece in found.value.pieces() {
            // SAFETY: all pieces together fit the buffer, which is outside the cache.
            unsafe { target.copy_from_nonoverlapping(piece.as_ptr(), piece.len()) }
            target = target.wrapping_add(piece.len());
        }
        Ok(Status::Ok)
    })())
}

/// `dynamidb_visit`
///
/// # Safety
/// Each pointer is null or valid for the length given with it; the handle is in no other call; the
/// visitor returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_visit(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    visitor: Option<Visitor>,
    context: *mut c_void,
    item: *mut RawItem,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key, key_len) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(item) }?;
        let visitor = visitor.ok_or(Status::NullPointer)?;
        let found = call.cache().get(at(now), key).ok_or(Status::NotFound)?;
        if let Some(output) = output {
            output.write(RawItem::new(&found));
        }
        for piece in found.value.pieces() {
            // SAFETY: the visitor is the caller's.
            unsafe { visitor(context, piece.as_ptr().cast(), piece.len()) }
        }
        Ok(Status::Ok)
    })())
}

/// Checks the arguments of a store, and does it.
///
/// # Safety
/// Each pointer is null or valid for the length given with it; the handle is in no other call.
unsafe fn store<'v>(
    handle: *mut Handle,
    key: (*const c_void, usize),
    value: (*const c_void, usize),
    ttl: u64,
    operation: impl FnOnce(&mut Cache<CallerMemory>, Key<'v>, Value<'v>) -> Result<Status, Status>,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key.0, key.1) }?;
        // SAFETY: as the caller guarantees.
        let bytes = unsafe { call.bytes(value.0, value.1, Status::ValueTooLarge) }?;
        let value = Value::from(bytes).expire(expiry(ttl));
        operation(call.cache(), key, value)
    })())
}

/// `dynamidb_set`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_set(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl: u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| {
                cache.set(at(now), key, value)?;
                Ok(Status::Ok)
            },
        )
    }
}

/// `dynamidb_add`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_add(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl: u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| match cache.add(at(now), key, value)? {
                true => Ok(Status::Ok),
                false => Ok(Status::Exists),
            },
        )
    }
}

/// `dynamidb_replace`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_replace(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl: u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| match cache.replace(at(now), key, value)? {
                true => Ok(Status::Ok),
                false => Ok(Status::NotFound),
            },
        )
    }
}

/// `dynamidb_append`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_append(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    bytes: *const c_void,
    len: usize,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (bytes, len),
            NEVER,
            |cache, key, value| Ok(found(cache.append(at(now), key, value.bytes)?)),
        )
    }
}

/// `dynamidb_prepend`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_prepend(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    bytes: *const c_void,
    len: usize,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (bytes, len),
            NEVER,
            |cache, key, value| Ok(found(cache.prepend(at(now), key, value.bytes)?)),
        )
    }
}

/// `dynamidb_compare_and_swap`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_compare_and_swap(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    ttl: u64,
    cas: u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| {
                let mut options = SetOptions::default();
                // No item has 0, but whether there is one is told all the same.
                options.compare = Some(cas);
                match cache.set_with(at(now), key, value, &options)?.into() {
                    CasOutcome::Stored => Ok(Status::Ok),
                    CasOutcome::NotFound => Ok(Status::NotFound),
                    _ => Ok(Status::CasMismatch),
                }
            },
        )
    }
}

/// `dynamidb_touch`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_touch(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    ttl: u64,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key, key_len) }?;
        Ok(found(call.cache().touch(at(now), key, expiry(ttl))))
    })())
}

/// `dynamidb_delete`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_delete(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key, key_len) }?;
        Ok(found(call.cache().delete(at(now), key)))
    })())
}

const fn found(found: bool) -> Status {
    if found { Status::Ok } else { Status::NotFound }
}

/// `dynamidb_increment`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_increment(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    sum: *mut u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        arithmetic(handle, (key, key_len), sum, |cache, key| {
            cache.increment(at(now), key, delta)
        })
    }
}

/// `dynamidb_decrement`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_decrement(
    handle: *mut Handle,
    now: u64,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    difference: *mut u64,
) -> Status {
    // SAFETY: as the caller guarantees.
    unsafe {
        arithmetic(handle, (key, key_len), difference, |cache, key| {
            cache.decrement(at(now), key, delta)
        })
    }
}

/// # Safety
/// As [`dynamidb_get`].
unsafe fn arithmetic<'k>(
    handle: *mut Handle,
    key: (*const c_void, usize),
    number: *mut u64,
    operation: impl FnOnce(&mut Cache<CallerMemory>, Key<'k>) -> Result<Option<u64>, Error>,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let key = unsafe { call.key(key.0, key.1) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(number) }?;
        let number = operation(call.cache(), key)?.ok_or(Status::NotFound)?;
        if let Some(output) = output {
            output.write(number);
        }
        Ok(Status::Ok)
    })())
}

/// `dynamidb_clear`
///
/// # Safety
/// As [`dynamidb_release`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_clear(handle: *mut Handle) -> Status {
    // SAFETY: as the caller guarantees.
    let call = unsafe { Call::begin(handle) };
    status_of(call.map(|mut call| {
        call.cache().clear();
        Status::Ok
    }))
}

/// `dynamidb_flush_prefix`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_flush_prefix(
    handle: *mut Handle,
    prefix: *const c_void,
    prefix_len: usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let prefix = unsafe { call.key(prefix, prefix_len) }?;
        call.cache().flush_prefix(prefix.as_bytes())?;
        Ok(Status::Ok)
    })())
}

/// `dynamidb_set_memory`
///
/// # Safety
/// As [`dynamidb_release`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_set_memory(handle: *mut Handle, size: usize) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        let rest = size.saturating_sub(size_of::<Handle>());
        call.cache().set_memory(rest)?;
        Ok(Status::Ok)
    })())
}

/// `dynamidb_maintain`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_maintain(
    handle: *mut Handle,
    now: u64,
    limit: usize,
    done: *mut usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(done) }?;
        let steps = call.cache().maintain(at(now), limit);
        if let Some(output) = output {
            output.write(steps);
        }
        Ok(Status::Ok)
    })())
}

/// `dynamidb_get_stats`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_get_stats(handle: *mut Handle, stats: *mut RawStats) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(stats) }?.ok_or(Status::NullPointer)?;
        let stats = call.cache().stats();
        output.write(RawStats {
            items: stats.curr_items,
            bytes: stats.bytes,
            memory: stats.limit_maxbytes,
            get_hits: stats.get_hits,
            get_misses: stats.get_misses,
            sets: stats.cmd_set,
            evictions: stats.evictions,
            expired: stats.reclaimed,
        });
        Ok(Status::Ok)
    })())
}
