//! One call from C: the handle and the caller's pointers, checked.

use core::ffi::c_void;
use core::sync::atomic::{Ordering, compiler_fence};

use dynamidb_core::{Cache, Key};

use crate::Status;

/// The memory behind a handle.
pub(crate) type Lent = &'static mut [u8];

/// A cache at the beginning of the memory that was lent to it.
#[repr(C)]
pub struct Handle {
    /// Says what this is, and nothing else: [`live`](Self::live), [`busy`](Self::busy), or it is
    /// no cache.
    tag: usize,
    /// Where the lent memory ends.
    end: usize,
    pub(crate) cache: Cache<Lent>,
}

/// What the header promises.
const ALIGNMENT: usize = 8;
const _: () = assert!(align_of::<Handle>() <= ALIGNMENT);

impl Handle {
    pub(crate) fn new(cache: Cache<Lent>, place: *mut Self, size: usize) -> Self {
        let (tag, end) = (Self::live(place), place.addr() + size);
        Self { tag, end, cache }
    }

    /// Depends on where the cache is, so that a copy elsewhere is none.
    fn live(place: *mut Self) -> usize {
        place.addr() ^ 0x5eed_cafe
    }

    fn busy(place: *mut Self) -> usize {
        !Self::live(place)
    }
}

/// A call that is being carried out. While it lives, the handle is busy.
pub(crate) struct Call {
    handle: *mut Handle,
}

impl Call {
    /// # Safety
    /// `handle` is null, or a handle's worth of readable memory lies there; if it is a cache,
    /// nobody else uses it meanwhile.
    pub(crate) unsafe fn begin(handle: *mut Handle) -> Result<Self, Status> {
        check(handle)?;
        // SAFETY: the caller says that it can be read; it was found to be aligned.
        let tag = unsafe { (&raw const (*handle).tag).read_volatile() };
        if tag == Handle::busy(handle) {
            return Err(Status::Busy);
        }
        if tag != Handle::live(handle) {
            return Err(Status::NotACache);
        }
        let call = Self { handle };
        call.mark(Handle::busy(handle));
        Ok(call)
    }

    /// Volatile and fenced, so that an interrupt sees it before it can see a cache half changed.
    fn mark(&self, tag: usize) {
        compiler_fence(Ordering::SeqCst);
        // SAFETY: this is a cache, and so its memory is there.
        unsafe { (&raw mut (*self.handle).tag).write_volatile(tag) }
        compiler_fence(Ordering::SeqCst);
    }

    pub(crate) fn cache(&mut self) -> &mut Cache<Lent> {
        // SAFETY: this is a cache, which is borrowed nowhere else: another call would have found
        // it busy, and this call is borrowed as long.
        unsafe { &mut (*self.handle).cache }
    }

    /// Ends the call and the cache.
    pub(crate) fn release(self) {
        self.mark(0);
        core::mem::forget(self);
    }

    /// # Safety
    /// `key` is null, or `len` bytes can be read there while the result is in use.
    pub(crate) unsafe fn key<'k>(&self, key: *const c_void, len: usize) -> Result<Key<'k>, Status> {
        if len == 0 || len > Key::LEN_MAX {
            return Err(Status::KeyLength);
        }
        // SAFETY: as the caller says.
        unsafe { self.bytes(key, len, Status::KeyLength) }.map(Key::from)
    }

    /// Bytes of the caller. None of them need a pointer.
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
        self.outside(bytes, len, too_long)?;
        // SAFETY: it is not null, not too long, and readable as the caller says; it is not in the
        // memory that is about to be written.
        Ok(unsafe { core::slice::from_raw_parts(bytes.cast(), len) })
    }

    /// Whether these can be bytes of the caller.
    pub(crate) fn outside(
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
        // SAFETY: this is a cache, and so its memory is there.
        let own_end = unsafe { (&raw const (*self.handle).end).read() };
        if begin < own_end && end > self.handle.addr() {
            return Err(Status::Overlap);
        }
        Ok(())
    }

    /// A result that the caller may not want: `None` if it is null.
    ///
    /// # Safety
    /// `place` is null, or a `T` can be written there.
    pub(crate) unsafe fn result<T>(&self, place: *mut T) -> Result<Option<Place<T>>, Status> {
        if place.is_null() {
            return Ok(None);
        }
        check(place)?;
        self.outside(
            place.cast_const().cast(),
            size_of::<T>(),
            Status::NullPointer,
        )?;
        Ok(Some(Place(place)))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.mark(Handle::live(self.handle));
    }
}

/// Where a result goes, found to be writable as far as that can be found.
#[derive(Clone, Copy)]
pub(crate) struct Place<T>(*mut T);

impl<T> Place<T> {
    /// A place outside of any cache.
    ///
    /// # Safety
    /// `place` is null, or a `T` can be written there.
    pub(crate) unsafe fn new(place: *mut T) -> Result<Self, Status> {
        check(place).map(|()| Self(place))
    }

    pub(crate) fn write(self, value: T) {
        // SAFETY: who made this said that it can be written.
        unsafe { self.0.write(value) }
    }
}

/// Whether this can be a pointer to a `T`.
pub(crate) fn check<T>(pointer: *const T) -> Result<(), Status> {
    if pointer.is_null() {
        return Err(Status::NullPointer);
    }
    if !pointer.is_aligned() {
        return Err(Status::Misaligned);
    }
    Ok(())
}
