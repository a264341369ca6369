//! The file of a Unix socket, and the lock under which it is created and removed.
//!
//! The file outlives a server that is killed, so the next server has to replace it. Two servers
//! that check and replace the file at the same time would disconnect each other, so both happen
//! under a lock: a file beside the socket that exists only meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

/// How often the lock is tried, for two seconds in all. Others hold it for microseconds, unless
/// they are stopped meanwhile.
const LOCK_TRIES: usize = 1000;
const LOCK_PERIOD: Duration = Duration::from_millis(2);

/// A socket's file. Dropping this removes the file, unless it was replaced.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode, which tell a file from a later one of the same name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Identity(u64, u64);

impl SocketFile {
    /// The file that has this path now.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: Identity::of(path)?,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn remove(&self) -> io::Result<()> {
        if Identity::of(&self.path)? != self.identity {
            return Ok(());
        }
        let _lock = Lock::acquire(&self.path)?;
        if Identity::of(&self.path)? == self.identity {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        match self.remove() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!("cannot remove {}: {error}", self.path.display());
            }
            _ => {}
        }
    }
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let file = fs::symlink_metadata(path)?;
        Ok(Self(file.dev(), file.ino()))
    }
}

/// The lock for creating or removing the file of a Unix socket.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: Flock<File>,
}

impl Lock {
    /// Waits until no other server has it.
    pub(crate) fn acquire(socket: &Path) -> io::Result<Self> {
        let mut path = OsString::from(socket);
        path.push(".lock");
        let path = PathBuf::from(path);
        for _ in 0..LOCK_TRIES {
            if let Some(file) = Self::try_acquire(&path)? {
                return Ok(Self { path, file });
            }
            thread::sleep(LOCK_PERIOD);
        }
        let message = format!("another process has locked {}", path.display());
        Err(io::Error::other(message))
    }

    /// `None` if another server has it, or has just removed its file.
    fn try_acquire(path: &Path) -> io::Result<Option<Flock<File>>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o600);
        let file = options.custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
        let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, Errno::EWOULDBLOCK | Errno::EINTR)) => return Ok(None),
            Err((_, error)) => return Err(error.into()),
        };
        let opened = file.metadata()?;
        let is_current = Identity::of(path).ok() == Some(Identity(opened.dev(), opened.ino()));
        Ok(is_current.then_some(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A file with content is not a lock.
        if !self.file.metadata().is_ok_and(|file| file.len() == 0) {
            return;
        }
        // Removed before it is unlocked: a waiting server sees that it is gone, and creates
        // another.
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn path(name: &str) -> PathBuf {
        let name = format!("dynamidb-{}-{name}", std::process::id());
        std::env::temp_dir().join(name)
    }

    #[test]
    fn the_lock_is_exclusive_and_its_file_is_removed() {
        let path = path("lock");
        let (inside, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        // Others may be slow, which is no failure here.
                        let lock = loop {
                            if let Ok(lock) = Lock::acquire(&path) {
                                break lock;
                            }
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                        total.fetch_add(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 200);
        let mut beside = OsString::from(&path);
        beside.push(".lock");
        assert!(!Path::new(&beside).exists());
    }

    #[test]
    fn a_lock_that_is_not_released_is_an_error_after_two_seconds() {
        let path = path("held");
        let lock = Lock::acquire(&path).unwrap();
        let said = Lock::acquire(&path).unwrap_err().to_string();
        assert!(said.starts_with("another process has locked "), "{said}");
        drop(lock);
        Lock::acquire(&path).unwrap();
    }

    #[test]
    fn a_file_with_the_name_of_the_lock_is_kept_if_it_has_content() {
        let path = path("precious");
        let mut beside = OsString::from(&path);
        beside.push(".lock");
        fs::write(&beside, "precious").unwrap();
        drop(Lock::acquire(&path).unwrap());
        assert_eq!(fs::read(&beside).unwrap(), b"precious");
        fs::remove_file(&beside).unwrap();
    }

    #[test]
    fn a_file_is_removed_only_if_it_is_the_same() {
        let path = path("file");
        fs::write(&path, "").unwrap();
        let file = SocketFile::new(&path).unwrap();
        // The first is still there, so that the second cannot have its inode.
        let old = path.with_extension("old");
        fs::rename(&path, &old).unwrap();
        fs::write(&path, "").unwrap();
        drop(file);
        assert!(path.exists());
        drop(SocketFile::new(&path).unwrap());
        assert!(!path.exists());
        fs::remove_file(&old).unwrap();
    }
}
