//! Why a server does not start or stops.

use std::fmt;
use std::io;

use dynamidb_core::ConfigError;

/// Why a server did not start, or stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option is wrong, or does not fit another.
    Option {
        /// The option as on the command line.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The server cannot listen on an address.
    Listen {
        /// The address as it was given.
        address: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another call to the operating system failed.
    System {
        /// What it was asked to do.
        what: &'static str,
        /// Its error.
        source: io::Error,
    },
}

impl Error {
    /// The exit status of the binary: 2 for a wrong option, 1 for other errors.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Option { .. } => 2,
            Self::Listen { .. } | Self::System { .. } => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option { name, reason } => write!(f, "{name}: {reason}"),
            Self::Listen { address, source } => write!(f, "cannot listen on {address}: {source}"),
            Self::System { what, source } => write!(f, "cannot {what}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Option { .. } => None,
            Self::Listen { source, .. } | Self::System { source, .. } => Some(source),
        }
    }
}

impl From<ConfigError> for Error {
    /// Names the option that sets the wrong value.
    fn from(error: ConfigError) -> Self {
        let (name, reason) = match error {
            ConfigError::MemoryTooSmall(least) => {
                let least = least.div_ceil(1024);
                ("-m/--memory", format!("the minimum is {least}k"))
            }
            ConfigError::MemoryTooLarge(most) => {
                let most = most >> 30;
                ("-m/--memory", format!("the maximum is {most}g"))
            }
            ConfigError::ItemSize(_) => ("-I/--max-item-size", error.to_string()),
            ConfigError::SlabSize(size) => {
                let reason = format!("{size} is not a multiple of 16 from 32 to 65536");
                ("--slab-sizes", reason)
            }
            ConfigError::OutOfMemory => {
                return Self::System {
                    what: "map the memory",
                    source: io::ErrorKind::OutOfMemory.into(),
                };
            }
            _ => ("--slab-sizes", error.to_string()),
        };
        Self::Option { name, reason }
    }
}
