//! What the process asks of the operating system for itself.

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{Error, MemcachedOptions};

/// Locks the memory and allows core files, as far as the options ask for it.
pub(crate) fn prepare(options: &MemcachedOptions) -> Result<(), Error> {
    if options.enable_coredumps {
        allow_core_files().map_err(|source| failed("raise the limit of core files", source))?;
    }
    if options.lock_memory {
        let all = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE;
        mlockall(all).map_err(|source| failed("lock the memory", source))?;
    }
    Ok(())
}

fn allow_core_files() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, hard, hard)
}

fn failed(what: &'static str, source: nix::Error) -> Error {
    let source = source.into();
    Error::System { what, source }
}
