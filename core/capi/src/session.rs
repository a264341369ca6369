//! A conversation in memcached's text protocol: bytes in, bytes out, in buffers of the caller.

use core::ffi::c_void;

use dynamidb_core::{FixedOutput, Session, SessionConfig};

use crate::call::{Call, Output, check, check_apart};
use crate::{Handle, Status, at, status_of};

/// `DYNAMIDB_SESSION_OUTPUT_MIN`: the least buffer that any short reply fits.
pub const OUTPUT_MIN: usize = 80;

const _: () = assert!(size_of::<SessionHandle>() <= 128, "DYNAMIDB_SESSION_SIZE");
const _: () = assert!(align_of::<SessionHandle>() <= 8);

/// `dynamidb_session`
#[repr(C)]
pub struct SessionHandle {
    /// [`tag_at`](Self::tag_at); with any other, this is not a session.
    tag: usize,
    session: Session,
}

impl SessionHandle {
    /// Depends on the address, so that a copy elsewhere does not count as a session.
    fn tag_at(address: *const Self) -> usize {
        address.addr() ^ 0x5e55_10e5
    }

    /// # Safety
    /// `handle` is null, or a `SessionHandle` can be read there, which nothing else uses meanwhile.
    unsafe fn get<'s>(handle: *mut Self) -> Result<&'s mut Session, Status> {
        check(handle)?;
        // SAFETY: it can be read, as the caller guarantees, and is aligned, as was checked.
        let tag = unsafe { (&raw const (*handle).tag).read() };
        if tag != Self::tag_at(handle) {
            return Err(Status::NotASession);
        }
        // SAFETY: it is a session, and nothing else uses it, as the caller guarantees.
        Ok(unsafe { &mut (*handle).session })
    }
}

/// `dynamidb_session_init`
///
/// # Safety
/// `session` is null or valid; nothing else uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_session_init(
    session: *mut SessionHandle,
    item_size_max: usize,
) -> Status {
    status_of((|| {
        check(session)?;
        let config = match item_size_max {
            0 => SessionConfig::default(),
            size => SessionConfig::default().with_item_size_max(size),
        };
        let handle = SessionHandle {
            tag: SessionHandle::tag_at(session),
            session: Session::new(config),
        };
        // SAFETY: it can be written, as the caller guarantees, and holds nothing to be dropped.
        unsafe { session.write(handle) }
        Ok(Status::Ok)
    })())
}

/// `dynamidb_session_buffer_sizes`
///
/// # Safety
/// Each pointer is null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_session_buffer_sizes(
    session: *mut SessionHandle,
    input: *mut usize,
    output: *mut usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let (input, output) = unsafe { (Output::new(input)?, Output::new(output)?) };
        // SAFETY: as the caller guarantees.
        let session = unsafe { SessionHandle::get(session) }?;
        let sizes = (session.input_max(), session.output_min());
        input.write(sizes.0);
        output.write(sizes.1);
        Ok(Status::Ok)
    })())
}

/// `dynamidb_session_process`
///
/// # Safety
/// Each pointer is null or valid for the length given with it; cache and session are in no other
/// call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dynamidb_session_process(
    handle: *mut Handle,
    session: *mut SessionHandle,
    now: u64,
    input: *const c_void,
    input_len: usize,
    used: *mut usize,
    output: *mut c_void,
    output_size: usize,
    output_len: *mut usize,
) -> Status {
    status_of((|| {
        // SAFETY: as the caller guarantees.
        let mut call = unsafe { Call::begin(handle) }?;
        let handle_size = size_of::<SessionHandle>();
        call.check_outside(session.cast(), handle_size, Status::Overlap)?;
        for other in [
            (input, input_len),
            (output.cast_const(), output_size),
            (used.cast_const().cast(), size_of::<usize>()),
            (output_len.cast_const().cast(), size_of::<usize>()),
        ] {
            check_apart((session.cast_const().cast(), handle_size), other)?;
        }
        // SAFETY: as the caller guarantees.
        let session = unsafe { SessionHandle::get(session) }?;
        // SAFETY: as the caller guarantees.
        let used = unsafe { call.output(used) }?.ok_or(Status::NullPointer)?;
        // SAFETY: as the caller guarantees.
        let written = unsafe { call.output(output_len) }?.ok_or(Status::NullPointer)?;
        // SAFETY: as the caller guarantees.
        let bytes = unsafe { call.bytes(input, input_len, Status::BufferTooSmall) }?;
        if output_size < OUTPUT_MIN {
            return Err(Status::BufferTooSmall);
        }
        call.check_outside(output, output_size, Status::BufferTooSmall)?;
        check_apart((input, input_len), (output, output_size))?;
        // SAFETY: it is not null, not too long, and outside cache, session and input; that it can
        // be written, and that nothing else does, the caller guarantees.
        let buffer = unsafe { core::slice::from_raw_parts_mut(output.cast::<u8>(), output_size) };
        let mut replies = FixedOutput::new(buffer);
        used.write(session.process(at(now), bytes, call.cache(), &mut replies));
        written.write(replies.as_bytes().len());
        match session.is_closed() {
            true => Ok(Status::Closed),
            false => Ok(Status::Ok),
        }
    })())
}
