//! The limit of open files, which limits connections.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use crate::server::admin_port::limits::FILES_MAX;
use crate::server::connection::linger::REJECTIONS_MAX;
use crate::server::error::Error;
use crate::server::options::Options;

/// File descriptors that are not connections: listeners, the runtime's, standard streams, those of
/// the admin port.
pub(crate) const FILES_RESERVED: u64 = 64 + FILES_MAX;

/// The connection limit. Raises the limit of open files if the connections need it.
pub(crate) fn connection_limit(wanted: Option<u32>) -> Result<usize, Error> {
    let failed = |source: nix::Error| Error::System {
        what: "read the limit of open files",
        source: source.into(),
    };
    let limits = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    let (soft, hard) = (widen(limits.0), widen(limits.1));
    let most = hard.saturating_sub(FILES_RESERVED);
    let least = wanted.map_or(1, u64::from);
    if least > most {
        let reason = format!("the limit of {hard} open files is enough for {most} connections");
        return Err(Error::Option {
            name: "-c/--max-connections",
            reason,
        });
    }
    // Clients that are rejected need files, too.
    let for_rejections = REJECTIONS_MAX as u64;
    let connections = match wanted {
        Some(wanted) => wanted.into(),
        None => u64::from(Options::MAX_CONNECTIONS).min(most.saturating_sub(for_rejections).max(1)),
    };
    let files = (connections + FILES_RESERVED + for_rejections).min(hard);
    if soft < files {
        let raised = files as rlim_t;
        setrlimit(Resource::RLIMIT_NOFILE, raised, limits.1).map_err(failed)?;
    }
    Ok(usize::try_from(connections).unwrap_or(usize::MAX))
}

/// A limit of the system has 32 or 64 bits.
fn widen(limit: impl Into<u64>) -> u64 {
    limit.into()
}
