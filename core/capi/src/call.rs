//! One call from C: checks the handle and the caller's pointers.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::{Ordering, compiler_fence};

use dynamidb_core::{Cache, Key};

use crate::Status;

/// The memory behind a handle.
pub(crate) type CallerMemory = &'static mut [u8];

/// A cache at the beginning of caller-provided memory.
#[repr(C)]
pub struct Handle {
    /// [`live`](Self::live) or [`busy`](Self::busy); with any other tag, this is not a cache.
    tag: usize,
    /// Where the caller-provided memory ends.
    end: usize,
    pub(crate) cache: Cache<CallerMemory>,
}

const _: () = assert!(align_of::<Handle>() <= 8, "DYNAMIDB_ALIGNMENT");

impl Handle {
    /// Where its cache is to be made.
    ///
    /// # Safety
    /// A `Handle` can be written at `address`, where nothing else refers to anything.
    pub(crate) unsafe fn place<'p>(address: *mut Self) -> &'p mut MaybeUninit<Cache<CallerMemory>> {
        // SAFETY: as the caller guarantees; whatever is there may be uninitialized.
        unsafe { &mut *(&raw mut (*address).cache).cast() }
    }

    /// Marks it as a cache.
    ///
    /// # Safety
    /// As [`place`](Self::place), and the cache has been made.
    pub(crate) unsafe fn finish(address: *mut Self, size: usize) {
        // SAFETY: as the caller guarantees.
        unsafe {
            (&raw mut (*address).end).write(address.addr() + size);
            (&raw mut (*address).tag).write(Self::live(address));
        }
    }

    /// Depends on the cache's address, so that a copy elsewhere does not count as a cache.
    fn live(address: *mut Self) -> usize {
        address.addr() ^ 0x5eed_cafe
    }

    fn busy(address: *mut Self) -> usize {
        !Self::live(address)
    }
}

/// A call in progress. Until it is dropped, the handle is busy.
pub(crate) struct Call {
    handle: *mut Handle,
}

impl Call {
    /// # Safety
    /// `handle` is null, or a `Handle` can be read there; if it is a cache, nothing else uses it
    /// during the call.
    pub(crate) unsafe fn begin(handle: *mut Handle) -> Result<Self, Status> {
        check(handle)?;
        // SAFETY: it can be read, as the caller guarantees, and is aligned, as was checked.
        let tag = unsafe { (&raw const (*handle).tag).read_volatile() };
        if tag == Handle::busy(handle) {
            return Err(Status::Busy);
        }
        if tag != Handle::live(handle) {
            return Err(Status::NotACache);
        }
        let call = Self { handle };
        call.set_tag(Handle::busy(handle));
        Ok(call)
    }

    /// Volatile and fenced, so that an interrupt sees it before it can see a half-changed cache.
    fn set_tag(&self, tag: usize) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: this is a cache, so its memory is valid.
        unsafe { (&raw mut (*self.handle).tag).write_volatile(tag) }
        compiler_fence(Ordering::SeqCst);
    }

    pub(crate) fn cache(&mut self) -> &mut Cache<CallerMemory> {
        // SAFETY: this is a cache and borrowed nowhere else: another call would have returned busy,
        // and this call is borrowed for as long.
        unsafe { &mut (*self.handle).cache }
    }

    /// Ends the call and the cache.
    pub(crate) fn release(self) {
        self.set_tag(0);
        core::mem::forget(self);
    }

    /// # Safety
    /// `key` is null, or `len` bytes can be read there while the result is in use.
    pub(crate) unsafe fn key<'k>(&self, key: *const c_void, len: usize) -> Result<Key<'k>, Status> {
        if len == 0 || len > Key::LEN_MAX {
            return Err(Status::KeyLength);
        }
        // SAFETY: as the caller guarantees.
        unsafe { self.bytes(key, len, Status::KeyLength) }.map(Key::from)
    }

    /// Bytes of the caller. If `len` is 0, the pointer is not looked at.
    ///
    /// # Safety
    /// `bytes` is null, or `len` bytes can be read there while the result is in use.
    pub(crate) unsafe fn bytes<'b>(
        &self,
        bytes: *const c_void,
        len: usize,
        too_long: Status,
    ) -> Result<&'b [u8], Status> {
        if len == 0 {
            return Ok(&[]);
        }
        self.check_outside(bytes, len, too_long)?;
        // SAFETY: it is not null, not too long, readable as the caller guarantees, and not in the
        // memory that the call writes.
        Ok(unsafe { core::slice::from_raw_parts(bytes.cast(), len) })
    }

    /// Checks that these bytes can be the caller's: that they are not null, and outside the cache.
    pub(crate) fn check_outside(
        &self,
        bytes: *const c_void,
        len: usize,
        too_long: Status,
    ) -> Result<(), Status> {
        if bytes.is_null() {
            return Err(Status::NullPointer);
        }
        let begin = bytes.addr();
        let end = begin.checked_add(len).ok_or(too_long)?;
        if len > isize::MAX as usize {
            return Err(too_long);
        }
        // SAFETY: this is a cache, so its memory is valid.
        let cache_end = unsafe { (&raw const (*self.handle).end).read() };
        if begin < cache_end && end > self.handle.addr() {
            return Err(Status::Overlap);
        }
        Ok(())
    }

    /// An optional output: `None` if it is null.
    ///
    /// # Safety
    /// `output` is null, or a `T` can be written there.
    pub(crate) unsafe fn output<T>(&self, output: *mut T) -> Result<Option<Output<T>>, Status> {
        if output.is_null() {
            return Ok(None);
        }
        check(output)?;
        self.check_outside(
            output.cast_const().cast(),
            size_of::<T>(),
            Status::NullPointer,
        )?;
        Ok(Some(Output(output)))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.set_tag(Handle::live(self.handle));
    }
}

/// A pointer to which a result is written, checked as far as possible.
#[derive(Clone, Copy)]
pub(crate) struct Output<T>(*mut T);

impl<T> Output<T> {
    /// An output outside any cache.
    ///
    /// # Safety
    /// `output` is null, or a `T` can be written there.
    pub(crate) unsafe fn new(output: *mut T) -> Result<Self, Status> {
        check(output).map(|()| Self(output))
    }

    pub(crate) fn write(self, value: T) {
        // SAFETY: the constructor's caller guarantees that it can be written.
        unsafe { self.0.write(value) }
    }
}

/// Checks that no byte is in both places.
pub(crate) fn check_apart(
    (one, len): (*const c_void, usize),
    (other, other_len): (*const c_void, usize),
) -> Result<(), Status> {
    let is_in = |one: usize, other: usize, len| one.wrapping_sub(other) < len;
    let (one, other) = (one.addr(), other.addr());
    match len > 0 && is_in(one, other, other_len) || other_len > 0 && is_in(other, one, len) {
        true => Err(Status::Overlap),
        false => Ok(()),
    }
}

/// Checks that this can be a pointer to a `T`: not null, and aligned.
pub(crate) fn check<T>(pointer: *const T) -> Result<(), Status> {
    if pointer.is_null() {
        return Err(Status::NullPointer);
    }
    if !pointer.is_aligned() {
        return Err(Status::Misaligned);
    }
    Ok(())
}
