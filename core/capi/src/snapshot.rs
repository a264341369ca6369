//! The cache as a file, in pieces: its state between two calls lies in memory of the caller.

use core::ffi::c_void;

use dynamidb_core::snapshot::{BufferTooSmall, Clocks, LiveSave, ReadError, Restore};

use crate::call::{Call, CallerMemory, Handle, check, check_apart};
use crate::status::{Status, status_of};
use crate::{Cache, at};

#[cfg(test)]
#[allow(clippy::undocumented_unsafe_blocks)]
mod tests;

/// `dynamidb_save`
pub type SaveState = State<LiveSave>;

/// `dynamidb_restore`
pub type RestoreState = State<Restoring>;

const _: () = assert!(size_of::<SaveState>() <= 8 * 48, "dynamidb_save");
const _: () = assert!(size_of::<RestoreState>() <= 8 * 40, "dynamidb_restore");
const _: () = assert!(align_of::<SaveState>() <= 8 && align_of::<RestoreState>() <= 8);

/// What is kept between two calls.
#[repr(C)]
#[derive(Debug)]
pub struct State<T> {
    /// Depends on the address, so that neither a copy elsewhere nor anything else counts as one.
    tag: usize,
    value: T,
}

impl<T> State<T> {
    fn tag(address: *mut Self) -> usize {
        address.addr() ^ 0x5a7e_f11e ^ size_of::<T>()
    }

    /// # Safety
    /// `address` is null, or as many bytes as C's type has can be written there.
    unsafe fn init(address: *mut Self, value: T) -> Result<Status, Status> {
        check(address)?;
        let tag = Self::tag(address);
        // SAFETY: it can be written, as the caller guarantees, and is aligned. Nothing in it has to
        // be dropped.
        unsafe { address.write(Self { tag, value }) }
        Ok(Status::Ok)
    }

    /// # Safety
    /// As for [`init`](Self::init), and nothing else uses it while the result is in use.
    unsafe fn open<'s>(call: &Call, address: *mut Self) -> Result<&'s mut T, Status> {
        check(address)?;
        call.check_outside(
            address.cast_const().cast(),
            size_of::<Self>(),
            Status::NotInitialized,
        )?;
        // SAFETY: it can be read, as the caller guarantees, and is aligned.
        if unsafe { (&raw const (*address).tag).read() } != Self::tag(address) {
            return Err(Status::NotInitialized);
        }
        // SAFETY: `init` has made it, here.
        Ok(unsafe { &mut (*address).value })
    }

    /// Checks that a state and another argument, of this length, are apart.
    fn check_apart(state: *mut Self, other: *const c_void, len: usize) -> Result<(), Status> {
        check(state)?;
        check_apart((state.cast_const().cast(), size_of::<Self>()), (other, len))
    }
}

/// A restore, and the bytes of a part that is not whole yet.
#[derive(Debug)]
pub struct Restoring {
    restore: Restore,
    now: u64,
    buffer: *mut u8,
    size: usize,
    len: usize,
    is_complete: bool,
}

/// `dynamidb_restored`
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(missing_docs)] // They are in the header.
pub struct RawRestored {
    pub stored: u64,
    pub expired: u64,
    pub refused: u64,
}

impl From<ReadError> for Status {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Foreign => Self::NotASnapshot,
            ReadError::Newer(_) => Self::NewerSnapshot,
            _ => Self::CorruptedSnapshot,
        }
    }
}

const fn clocks(now: u64, unix_time: u64) -> Clocks {
    match unix_time {
        0 => Clocks::new(at(now)),
        time => Clocks::new(at(now)).unix(at(time)),
    }
}

/// `dynamidb_save_init`
///
/// # Safety
/// `save` is null, or a `dynamidb_save` can be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_save_init(
    save: *mut SaveState,
    now: u64,
    unix_time: u64,
) -> Status {
    let value = LiveSave::new(clocks(now, unix_time), 1);
    // SAFETY: as the caller guarantees.
    status_of(unsafe { State::init(save, value) })
}

/// `dynamidb_save_next`
///
/// # Safety
/// Each pointer is null or valid for the length given with it; cache and save are in no other call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_save_next(
    handle: *mut Handle,
    save: *mut SaveState,
    now: u64,
    buffer: *mut c_void,
    size: usize,
    len: *mut usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        State::check_apart(save, buffer, size)?;
        State::check_apart(save, len.cast_const().cast(), size_of::<usize>())?;
        // SAFETY: as the caller guarantees.
        let save = unsafe { State::open(&call, save) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(len) }?.ok_or(Status::NullPointer)?;
        // SAFETY: as the caller guarantees.
        let buffer = unsafe { buffer_of(&call, buffer.cast(), size) }?;
        if save.cache().is_none() {
            output.write(0);
            return Ok(Status::Complete);
        }
        match save.next(at(now), call.cache(), buffer) {
            Ok(piece) => {
                output.write(piece.len());
                Ok(Status::Ok)
            }
            Err(BufferTooSmall(least)) => {
                output.write(least);
                Err(Status::BufferTooSmall)
            }
        }
    })())
}

/// `dynamidb_restore_init`
///
/// # Safety
/// `restore` is null, or a `dynamidb_restore` can be written there; `buffer` is null, or `size`
/// bytes of it are the restore's until its last call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_restore_init(
    restore: *mut RestoreState,
    now: u64,
    unix_time: u64,
    buffer: *mut c_void,
    size: usize,
) -> Status {
    status_of((|| {
        if size > 0 && buffer.is_null() {
            return Err(Status::NullPointer);
        }
        State::check_apart(restore, buffer, size)?;
        let value = Restoring {
            restore: Restore::new(clocks(now, unix_time)),
            now,
            buffer: buffer.cast(),
            size,
            len: 0,
            is_complete: false,
        };
        // SAFETY: as the caller guarantees.
        unsafe { State::init(restore, value) }
    })())
}

/// `dynamidb_restore_next`
///
/// # Safety
/// Each pointer is null or valid for the length given with it; cache and restore are in no other
/// call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_restore_next(
    handle: *mut Handle,
    restore: *mut RestoreState,
    bytes: *const c_void,
    len: usize,
    restored: *mut RawRestored,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        State::check_apart(restore, bytes, len)?;
        State::check_apart(
            restore,
            restored.cast_const().cast(),
            size_of::<RawRestored>(),
        )?;
        // SAFETY: as the caller guarantees.
        let state = unsafe { State::open(&call, restore) }?;
        // SAFETY: as the caller guarantees.
        let output = unsafe { call.output(restored) }?;
        // SAFETY: as the caller guarantees.
        let input = unsafe { call.bytes(bytes, len, Status::Overlap) }?;
        check_apart((bytes, len), (state.buffer.cast_const().cast(), state.size))?;
        // SAFETY: as the caller of `dynamidb_restore_init` guarantees, and apart from the input.
        let buffer = unsafe { buffer_of(&call, state.buffer, state.size) }?;
        let fed = state.feed(call.cache(), buffer, input);
        if let Some(output) = output {
            output.write(state.restored());
        }
        fed.map(|()| match state.is_complete {
            true => Status::Complete,
            false => Status::Ok,
        })
    })())
}

/// The caller's buffer.
///
/// # Safety
/// `buffer` is null, or `size` bytes can be written there while the result is in use.
unsafe fn buffer_of<'b>(call: &Call, buffer: *mut u8, size: usize) -> Result<&'b mut [u8], Status> {
    if size == 0 {
        return Ok(&mut []);
    }
    call.check_outside(buffer.cast_const().cast(), size, Status::Overlap)?;
    // SAFETY: it is not null, not too long, outside the cache, and writable as the caller says.
    Ok(unsafe { core::slice::from_raw_parts_mut(buffer, size) })
}

impl Restoring {
    /// Stores what the input completes, and keeps what is left.
    fn feed(
        &mut self,
        cache: &mut Cache<CallerMemory>,
        buffer: &mut [u8],
        mut input: &[u8],
    ) -> Result<(), Status> {
        while !input.is_empty() {
            if self.len == 0 {
                let used = self.take_part(cache, input)?;
                input = &input[used..];
                if used > 0 {
                    continue;
                }
            }
            // A part is wanted that begins in the buffer: as much of it as there is.
            let wanted = self.restore.wanted();
            let part = buffer.get_mut(..wanted).ok_or(Status::BufferTooSmall)?;
            let (_, place) = part
                .split_at_mut_checked(self.len)
                .ok_or(Status::BufferTooSmall)?;
            let (now, later) = input.split_at(place.len().min(input.len()));
            place[..now.len()].copy_from_slice(now);
            (self.len, input) = (self.len + now.len(), later);
            if self.len == wanted && self.take_part(cache, &buffer[..wanted])? > 0 {
                self.len = 0;
            }
        }
        Ok(())
    }

    /// Takes a part off the front of these bytes; returns how many it has.
    fn take_part(
        &mut self,
        cache: &mut Cache<CallerMemory>,
        bytes: &[u8],
    ) -> Result<usize, Status> {
        let used = self.restore.feed(at(self.now), cache, bytes)?;
        self.is_complete = self.restore.is_complete();
        Ok(used)
    }

    const fn restored(&self) -> RawRestored {
        let restored = self.restore.restored();
        RawRestored {
            stored: restored.stored,
            expired: restored.expired,
            refused: restored.refused,
        }
    }
}
