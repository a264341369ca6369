//! What a call returns: a number with a name.

use core::ffi::CStr;

use dynamidb_core::{ConfigError, Error};

/// Zero: success. Above zero: another outcome. Below zero: an error, and nothing was written.
#[repr(i32)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)] // They are in the header.
pub enum Status {
    Ok = 0,
    NotFound = 1,
    Exists = 2,
    CasMismatch = 3,
    Closed = 4,
    Complete = 5,
    NullPointer = -1,
    Misaligned = -2,
    NotACache = -3,
    Busy = -4,
    KeyLength = -5,
    ValueTooLarge = -6,
    BufferTooSmall = -7,
    Overlap = -8,
    OutOfMemory = -9,
    NotANumber = -10,
    MemoryTooSmall = -11,
    MemoryTooLarge = -12,
    BadSlabSizes = -13,
    BadPageSize = -14,
    BadItemSize = -15,
    BadPolicy = -16,
    TooManyFlushes = -17,
    BadFlushPrefixMax = -18,
    NotASession = -19,
    NotInitialized = -20,
    NotASnapshot = -21,
    NewerSnapshot = -22,
    CorruptedSnapshot = -23,
}

impl Status {
    pub(crate) const fn name(status: i32) -> &'static CStr {
        match status {
            0 => c"DYNAMIDB_OK",
            1 => c"DYNAMIDB_NOT_FOUND",
            2 => c"DYNAMIDB_EXISTS",
            3 => c"DYNAMIDB_CAS_MISMATCH",
            4 => c"DYNAMIDB_CLOSED",
            5 => c"DYNAMIDB_COMPLETE",
            -1 => c"DYNAMIDB_NULL_POINTER",
            -2 => c"DYNAMIDB_MISALIGNED",
            -3 => c"DYNAMIDB_NOT_A_CACHE",
            -4 => c"DYNAMIDB_BUSY",
            -5 => c"DYNAMIDB_KEY_LENGTH",
            -6 => c"DYNAMIDB_VALUE_TOO_LARGE",
            -7 => c"DYNAMIDB_BUFFER_TOO_SMALL",
            -8 => c"DYNAMIDB_OVERLAP",
            -9 => c"DYNAMIDB_OUT_OF_MEMORY",
            -10 => c"DYNAMIDB_NOT_A_NUMBER",
            -11 => c"DYNAMIDB_MEMORY_TOO_SMALL",
            -12 => c"DYNAMIDB_MEMORY_TOO_LARGE",
            -13 => c"DYNAMIDB_BAD_SLAB_SIZES",
            -14 => c"DYNAMIDB_BAD_PAGE_SIZE",
            -15 => c"DYNAMIDB_BAD_ITEM_SIZE",
            -16 => c"DYNAMIDB_BAD_POLICY",
            -17 => c"DYNAMIDB_TOO_MANY_FLUSHES",
            -18 => c"DYNAMIDB_BAD_FLUSH_PREFIX_MAX",
            -19 => c"DYNAMIDB_NOT_A_SESSION",
            -20 => c"DYNAMIDB_NOT_INITIALIZED",
            -21 => c"DYNAMIDB_NOT_A_SNAPSHOT",
            -22 => c"DYNAMIDB_NEWER_SNAPSHOT",
            -23 => c"DYNAMIDB_CORRUPTED_SNAPSHOT",
            _ => c"unknown",
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::KeyLength => Self::KeyLength,
            Error::ValueTooLarge => Self::ValueTooLarge,
            Error::NotANumber => Self::NotANumber,
            Error::TooManyFlushes => Self::TooManyFlushes,
            _ => Self::OutOfMemory,
        }
    }
}

impl From<ConfigError> for Status {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::MemoryTooSmall(_) => Self::MemoryTooSmall,
            ConfigError::MemoryTooLarge(_) => Self::MemoryTooLarge,
            ConfigError::PageSize(_) => Self::BadPageSize,
            ConfigError::ItemSize(_) => Self::BadItemSize,
            ConfigError::FlushPrefixes(_) => Self::BadFlushPrefixMax,
            ConfigError::SlabSizeCount
            | ConfigError::SlabSizeOrder(_)
            | ConfigError::SlabSize(_) => Self::BadSlabSizes,
            _ => Self::OutOfMemory,
        }
    }
}

/// The status of either outcome.
pub(crate) fn status_of(result: Result<Status, Status>) -> Status {
    match result {
        Ok(status) | Err(status) => status,
    }
}
