//! Why a server could not be had, in the user's words.

use std::fmt;
use std::io;

use dynamidb_core::ConfigError;

/// Why the server did not start, or not go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// An option cannot be followed, by itself or together with others.
    Option {
        /// The option as it is written on the command line.
        name: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
    /// An address cannot be listened on.
    Listen {
        /// The address, as it was asked for.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system refused something else.
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        source: io::Error,
    },
}

impl Error {
    /// The exit status that tells a wrong command line (2) from a failure (1).
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
    /// Blames the option that the user can change.
    fn from(error: ConfigError) -> Self {
        let (name, reason) = match error {
            ConfigError::MemoryTooSmall(least) => {
                let least = least.div_ceil(1024);
                ("-m/--memory", format!("{least}k is the least"))
            }
            ConfigError::MemoryTooLarge(most) => {
                let most = most >> 30;
                ("-m/--memory", format!("{most}g is the most"))
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
