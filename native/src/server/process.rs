//! Calls to the operating system that concern the whole process.

pub(crate) mod memory_limit;
pub(crate) mod open_files;

use std::fs;
use std::io;
use std::os::unix::fs::lchown;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, User, geteuid, setgid, setuid};

use crate::server::error::Error;
use crate::server::listen::socket_file::SocketFile;
use crate::server::options::MemcachedOptions;

/// Locks the memory and allows core files, if the options say so.
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

/// Whether unused addresses are free: no limit counts them, and the system does not commit memory
/// for each mapping.
pub(crate) fn has_free_addresses() -> bool {
    let is_unlimited = |resource| {
        let limit = getrlimit(resource);
        limit.is_ok_and(|(soft, _)| soft == RLIM_INFINITY)
    };
    let strict = fs::read_to_string("/proc/sys/vm/overcommit_memory");
    is_unlimited(Resource::RLIMIT_AS)
        && is_unlimited(Resource::RLIMIT_DATA)
        && strict.map_or(true, |mode| mode.trim() != "2")
}

/// The user that a process of root's becomes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// The user of the options. Only root can change users; for others this is `None`, as in
    /// memcached.
    pub(crate) fn wanted(options: &MemcachedOptions) -> Result<Option<Self>, Error> {
        let Some(name) = &options.user else {
            return Ok(None);
        };
        let user = User::from_name(name).map_err(|source| failed("look up the user", source))?;
        if !geteuid().is_root() {
            if user.is_none_or(|user| user.uid != geteuid()) {
                tracing::warn!("-u {name} has no effect: this process is not root's");
            }
            return Ok(None);
        }
        let user = user.ok_or_else(|| Error::Option {
            name: "-u/--user",
            reason: format!("there is no user {name}"),
        })?;
        let (uid, gid) = (user.uid, user.gid);
        Ok(Some(Self { uid, gid }))
    }

    /// Changes the user of all threads for good, and the owner of the sockets' files.
    pub(crate) fn assume(
        self,
        files: &[SocketFile],
        options: &MemcachedOptions,
    ) -> Result<(), Error> {
        let (uid, gid) = (Some(self.uid.as_raw()), Some(self.gid.as_raw()));
        for file in files {
            lchown(file.path(), uid, gid).map_err(|source| Error::System {
                what: "give the Unix socket to the user of -u",
                source,
            })?;
        }
        leave_groups(self.gid)
            .and_then(|()| setgid(self.gid))
            .and_then(|()| setuid(self.uid))
            .map_err(|source| failed("become the user of -u", source))?;
        if !self.uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
            return Err(Error::System {
                what: "give up the rights of root",
                source: io::ErrorKind::PermissionDenied.into(),
            });
        }
        // Changing the user disables core files again.
        #[cfg(target_os = "linux")]
        if options.enable_coredumps {
            nix::sys::prctl::set_dumpable(true)
                .map_err(|source| failed("allow core files", source))?;
        }
        #[cfg(not(target_os = "linux"))]
        let _ = options;
        Ok(())
    }
}

/// Leaves all supplementary groups but this one.
#[cfg(not(target_vendor = "apple"))]
fn leave_groups(gid: Gid) -> nix::Result<()> {
    nix::unistd::setgroups(&[gid])
}

/// Root's groups cannot be left there, so `-u` fails.
#[cfg(target_vendor = "apple")]
const fn leave_groups(_gid: Gid) -> nix::Result<()> {
    Err(nix::errno::Errno::ENOTSUP)
}

fn allow_core_files() -> nix::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, hard, hard)
}

fn failed(what: &'static str, source: nix::Error) -> Error {
    let source = source.into();
    Error::System { what, source }
}
