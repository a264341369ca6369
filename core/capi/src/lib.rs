//! The DynamiDB cache for C. The interface is described in `include/dynamidb.h`, which is what
//! users read; a function here says only what the header cannot.
//!
//! The cache lies at the beginning of the memory that it is lent, so a program needs no allocator.
//! All of the project's `unsafe` for C is in this crate: pointers are checked in [`call`], and
//! everything behind them is the safe core.
#![cfg_attr(not(test), no_std)]

#[cfg(not(test))]
mod bare;
mod call;
mod config;
mod status;
#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks)]
mod tests;

use core::ffi::{c_char, c_void};
use core::time::Duration;

use dynamidb_core::{Cache, ConfigError, Error, Expiry, Instant, Item, Key, Ticks32, Value};

pub use call::Handle;
use call::{Call, Place, check};
pub use config::RawConfig;
pub use status::Status;
use status::answer;

/// `DYNAMIDB_NEVER`
pub const NEVER: u64 = u64::MAX;

/// `dynamidb_item`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)] // The header has them.
pub struct RawItem {
    pub len: usize,
    pub cas: u64,
    pub expires_at: u64,
}

impl RawItem {
    fn new(item: &Item<'_>) -> Self {
        Self {
            len: item.value.len(),
            cas: item.cas,
            expires_at: item.expires_at.map_or(NEVER, Instant::as_millis),
        }
    }
}

/// `dynamidb_stats`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)] // The header has them.
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
/// Each pointer is null or the caller's; the memory is nobody else's until it is released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_init(
    memory: *mut c_void,
    size: usize,
    config: *const RawConfig,
    handle: *mut *mut Handle,
) -> Status {
    let own = size_of::<Handle>();
    let place: *mut Handle = memory.cast();
    answer((|| {
        check(place)?;
        // SAFETY: as the caller says.
        let result = unsafe { Place::new(handle) }?;
        let wanted = size.saturating_sub(own);
        // SAFETY: as the caller says.
        let config = unsafe { RawConfig::read(config, wanted) }?;
        let end = place.addr().checked_add(size);
        let end = end
            .filter(|_| size <= isize::MAX as usize)
            .ok_or(Status::MemoryTooLarge)?;
        if (place.addr()..end).contains(&handle.addr()) {
            return Err(Status::Overlap);
        }
        if wanted == 0 {
            return Err(Status::MemoryTooSmall);
        }
        // SAFETY: the caller lends the memory, and what lies behind the handle is mentioned nowhere
        // else.
        let lent = unsafe { core::slice::from_raw_parts_mut(memory.cast::<u8>().add(own), wanted) };
        let cache = Cache::with_memory(config, lent)?;
        // SAFETY: there is room for it, aligned, and nothing there yet that needs to be dropped.
        unsafe { place.write(Handle::new(cache, place, size)) }
        result.write(place);
        Ok(Status::Ok)
    })())
}

/// `dynamidb_memory_min`
///
/// # Safety
/// Each pointer is null or the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_memory_min(config: *const RawConfig, size: *mut usize) -> Status {
    answer((|| {
        // SAFETY: as the caller says.
        let (result, config) = unsafe { (Place::new(size)?, RawConfig::read(config, 0)?) };
        match Cache::with_memory(config, &mut [][..]) {
            Err(ConfigError::MemoryTooSmall(least)) => {
                result.write(least + size_of::<Handle>());
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
/// The handle is null or the caller's, and in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_release(handle: *mut Handle) -> Status {
    // SAFETY: as the caller says.
    let call = unsafe { Call::begin(handle) };
    answer(call.map(|call| {
        call.release();
        Status::Ok
    }))
}

/// `dynamidb_get`
///
/// # Safety
/// Each pointer is null or the caller's for as many bytes as it says; the handle is in no other
/// call.
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
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let key = unsafe { call.key(key, key_len) }?;
        // SAFETY: as the caller says.
        let result = unsafe { call.result(item) }?.ok_or(Status::NullPointer)?;
        if size > 0 {
            call.outside(buffer, size, Status::BufferTooSmall)?;
        }
        let found = call.cache().get(at(now), key).ok_or(Status::NotFound)?;
        result.write(RawItem::new(&found));
        if found.value.len() > size {
            return Err(Status::BufferTooSmall);
        }
        let mut place: *mut u8 = buffer.cast();
        for piece in found.value.pieces() {
            // SAFETY: all pieces together fit the buffer, which does not lie in the cache.
            unsafe { place.copy_from_nonoverlapping(piece.as_ptr(), piece.len()) }
            place = place.wrapping_add(piece.len());
        }
        Ok(Status::Ok)
    })())
}

/// `dynamidb_visit`
///
/// # Safety
/// Each pointer is null or the caller's for as many bytes as it says; the handle is in no other
/// call; the visitor returns.
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
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let key = unsafe { call.key(key, key_len) }?;
        // SAFETY: as the caller says.
        let result = unsafe { call.result(item) }?;
        let visitor = visitor.ok_or(Status::NullPointer)?;
        let found = call.cache().get(at(now), key).ok_or(Status::NotFound)?;
        if let Some(result) = result {
            result.write(RawItem::new(&found));
        }
        for piece in found.value.pieces() {
            // SAFETY: the visitor is the caller's.
            unsafe { visitor(context, piece.as_ptr().cast(), piece.len()) }
        }
        Ok(Status::Ok)
    })())
}

/// Every store begins here.
///
/// # Safety
/// Each pointer is null or the caller's for as many bytes as it says; the handle is in no other
/// call.
unsafe fn store<'v>(
    handle: *mut Handle,
    key: (*const c_void, usize),
    value: (*const c_void, usize),
    ttl: u64,
    operation: impl FnOnce(&mut Cache<call::Lent>, Key<'v>, Value<'v>) -> Result<Status, Status>,
) -> Status {
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let key = unsafe { call.key(key.0, key.1) }?;
        // SAFETY: as the caller says.
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
    // SAFETY: as the caller says.
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
    // SAFETY: as the caller says.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| Ok(cache.add(at(now), key, value)?.into()),
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
    // SAFETY: as the caller says.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| Ok(cache.replace(at(now), key, value)?.into()),
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
    // SAFETY: as the caller says.
    unsafe {
        store(
            handle,
            (key, key_len),
            (value, value_len),
            ttl,
            |cache, key, value| Ok(cache.compare_and_swap(at(now), key, value, cas)?.into()),
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
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
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
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
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
    // SAFETY: as the caller says.
    unsafe {
        calculate(handle, (key, key_len), sum, |cache, key| {
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
    // SAFETY: as the caller says.
    unsafe {
        calculate(handle, (key, key_len), difference, |cache, key| {
            cache.decrement(at(now), key, delta)
        })
    }
}

/// # Safety
/// As [`dynamidb_get`].
unsafe fn calculate<'k>(
    handle: *mut Handle,
    key: (*const c_void, usize),
    number: *mut u64,
    operation: impl FnOnce(&mut Cache<call::Lent>, Key<'k>) -> Result<Option<u64>, Error>,
) -> Status {
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let key = unsafe { call.key(key.0, key.1) }?;
        // SAFETY: as the caller says.
        let result = unsafe { call.result(number) }?;
        let number = operation(call.cache(), key)?.ok_or(Status::NotFound)?;
        if let Some(result) = result {
            result.write(number);
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
    // SAFETY: as the caller says.
    let call = unsafe { Call::begin(handle) };
    answer(call.map(|mut call| {
        call.cache().clear();
        Status::Ok
    }))
}

/// `dynamidb_tick`
///
/// # Safety
/// As [`dynamidb_get`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_tick(
    handle: *mut Handle,
    now: u64,
    limit: usize,
    done: *mut usize,
) -> Status {
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let result = unsafe { call.result(done) }?;
        let steps = call.cache().tick(at(now), limit);
        if let Some(result) = result {
            result.write(steps);
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
    answer((|| {
        // SAFETY: as the caller says.
        let mut call = unsafe { Call::begin(handle) }?;
        // SAFETY: as the caller says.
        let result = unsafe { call.result(stats) }?.ok_or(Status::NullPointer)?;
        let stats = call.cache().stats();
        result.write(RawStats {
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
