//! The file of a Unix socket: who may make it, and who removes it.
//!
//! The file outlives a server that is killed, so the next one has to replace it. Between the look
//! at the file and its replacement another server may do the same, and one would cut off the other.
//! Therefore both happen under a lock, a file beside that exists only meanwhile.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

/// How often a server tries while others make or remove the same file, two seconds in all. It takes
/// them microseconds, unless they are stopped meanwhile.
const LOCK_TRIES: usize = 1000;
const LOCK_PERIOD: Duration = Duration::from_millis(2);

/// A socket's file, which is removed when this is dropped if it is still the same.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode: what tells a file from its successor of the same name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Identity(u64, u64);

impl SocketFile {
    /// The file that is there now.
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
                tracing::warn!("{} stays: {error}", self.path.display());
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

/// The right to make or remove the file of a Unix socket.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: Flock<File>,
}

impl Lock {
    /// Waits until nobody else has it.
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
        let said = format!("another process has locked {}", path.display());
        Err(io::Error::other(said))
    }

    /// None if somebody else has it, or has removed its file meanwhile.
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
        // A file of this name that says something is somebody's, and no lock's.
        if !self.file.metadata().is_ok_and(|file| file.len() == 0) {
            return;
        }
        // Before it is unlocked: whoever waits for it sees that it is gone, and makes another.
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("{} stays: {error}", self.path.display());
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
    fn one_at_a_time_has_the_lock_and_nothing_of_it_stays() {
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
    fn a_lock_that_is_not_released_is_an_error_in_the_end() {
        let path = path("held");
        let lock = Lock::acquire(&path).unwrap();
        let said = Lock::acquire(&path).unwrap_err().to_string();
        assert!(said.starts_with("another process has locked "), "{said}");
        drop(lock);
        Lock::acquire(&path).unwrap();
    }

    #[test]
    fn a_file_with_the_name_of_the_lock_stays_if_it_has_content() {
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
