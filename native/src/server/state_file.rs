//! The file of `--state`, which keeps the items while the server does not run.
//!
//! It is replaced as a whole: the new one is written beside it under another name, is on the disk
//! before it gets the name, and whatever goes wrong before that leaves the old one. A file that
//! cannot be read is set aside, so that it stops no start. A lock, a file beside it that exists
//! while the server runs, keeps two servers from sharing one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dynamidb_core::Instant;
use dynamidb_core::snapshot::Restored;
use dynamidb_sync::{RestoreError, Shards};

use crate::server::clock::Clock;
use crate::server::error::Error;
use crate::server::listen::socket_file::Lock;
use crate::server::options::size_text;

const OPTION: &str = "--state";
/// How often progress is logged.
const PROGRESS_PERIOD: Duration = Duration::from_secs(5);
/// How much is written before the disk has to have it. Otherwise all of it would wait in memory for
/// the end, which could then neither be foreseen nor abandoned.
const SYNC_PERIOD: u64 = 64 << 20;
/// How often a save at the stop checks whether one that was in progress has ended.
const WAIT_PERIOD: Duration = Duration::from_millis(5);
/// How many links are followed, as on Linux.
const LINKS_MAX: usize = 40;

/// When the items are saved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Occasion {
    /// While clients are served.
    Serving,
    /// When nobody changes them any more.
    Stopped,
}

/// The file of `--state`.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    clock: Clock,
    saving: AtomicBool,
    /// A save while serving makes way for the one at the stop.
    stopping: AtomicBool,
    abandoned: AtomicBool,
    /// Held as long as the server runs.
    _lock: Lock,
}

impl StateFile {
    /// The file at this path, for this server alone.
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, Error> {
        let path = Self::path(path)?;
        let lock = Lock::acquire(&path);
        let lock = lock.map_err(|error| {
            let path = path.display();
            refuse(format!("{path} cannot be locked: {error}"))
        })?;
        Ok(Self {
            path,
            clock,
            saving: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Where the file is, or will be.
    pub(crate) fn path(path: &Path) -> Result<PathBuf, Error> {
        let path = follow_links(path);
        let is_other = fs::metadata(&path).is_ok_and(|file| !file.is_file());
        // A link is left where links go in a circle.
        if is_other || path.is_symlink() || path.file_name().is_none() {
            return Err(refuse(format!("{} is not a regular file", path.display())));
        }
        Ok(path)
    }

    /// Fails if no file can be created beside it: better now than when the items are to be saved.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        let created = self
            .create()
            .and_then(|_| fs::remove_file(self.beside(".tmp")));
        created.map_err(|error| {
            let path = self.beside(".tmp");
            refuse(format!("{} cannot be created: {error}", path.display()))
        })
    }

    /// Stores the items of the file, if there is one. One that cannot be read leaves no items, and
    /// is renamed.
    pub(crate) fn restore(&self, shards: &Shards) {
        let path = self.path.display();
        let started = self.clock.now();
        match self.read(shards) {
            Ok(None) => tracing::info!("{path} does not exist: there are no items to restore"),
            Ok(Some(restored)) => {
                let Restored {
                    expired, refused, ..
                } = restored;
                tracing::info!(
                    "restored {} items from {path} in {}; {expired} had expired, {refused} were \
                     too large",
                    shards.stats().curr_items,
                    seconds(self.clock, started),
                );
            }
            Err(error) => {
                shards.for_each(|shard| {
                    shard.clear();
                    shard.reset_stats();
                });
                let bad = self.beside(".bad");
                let kept = match fs::rename(&self.path, &bad) {
                    Ok(()) => format!("it is kept as {}", bad.display()),
                    Err(error) => format!("it cannot be renamed: {error}"),
                };
                tracing::warn!("{path}: {error}; the server starts without items, and {kept}");
            }
        }
    }

    fn read(&self, shards: &Shards) -> Result<Option<Restored>, RestoreError> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let len = file.metadata()?.len();
        let input = Watched::new(file, self.clock, "restoring", len);
        shards.restore(self.clock.both(), input).map(Some)
    }

    /// The turn to save, if nobody else has it.
    pub(crate) fn begin(self: &Arc<Self>) -> io::Result<Turn> {
        match self.saving.swap(true, Ordering::SeqCst) {
            false => Ok(Turn(Arc::clone(self))),
            true => Err(io::Error::other("another save is in progress")),
        }
    }

    /// Whether somebody has the turn.
    pub(crate) fn is_saving(&self) -> bool {
        self.saving.load(Ordering::SeqCst)
    }

    /// Saves the items when nobody changes them any more. Returns how many there were.
    pub(crate) fn save_at_stop(self: &Arc<Self>, shards: &Shards) -> io::Result<u64> {
        self.stopping.store(true, Ordering::SeqCst);
        let _turn = loop {
            match self.begin() {
                Ok(turn) => break turn,
                Err(_) => thread::sleep(WAIT_PERIOD),
            }
        };
        self.write(shards, Occasion::Stopped)
    }

    /// Ends the save in progress, which leaves the old file. `false` if there is none, or if it was
    /// told before.
    pub(crate) fn abandon(&self) -> bool {
        let stopping = self.stopping.load(Ordering::SeqCst);
        stopping && !self.abandoned.swap(true, Ordering::SeqCst)
    }

    fn write(&self, shards: &Shards, occasion: Occasion) -> io::Result<u64> {
        let started = self.clock.now();
        let path = self.path.display();
        tracing::info!("saving {} items to {path}", shards.stats().curr_items);
        match self.replace(shards, occasion) {
            Ok((items, size)) => {
                let size = size_text(usize::try_from(size).unwrap_or(usize::MAX));
                let time = seconds(self.clock, started);
                tracing::info!("saved {items} items to {path}: {size} bytes in {time}");
                Ok(items)
            }
            Err(error) => {
                // It may not even have been created.
                let _ = fs::remove_file(self.beside(".tmp"));
                let text = format!("{path} was not written, and is as it was before: {error}");
                Err(io::Error::new(error.kind(), text))
            }
        }
    }

    /// Replaces the file. Returns how many items and bytes it has.
    fn replace(&self, shards: &Shards, occasion: Occasion) -> io::Result<(u64, u64)> {
        let expected = shards.stats().bytes;
        let mut output = Output {
            file: Watched::new(self.create()?, self.clock, "saving", expected),
            state: self,
            occasion,
            unsynced: 0,
        };
        let clocks = self.clock.both();
        let items = match occasion {
            Occasion::Serving => shards.save(clocks, &mut output)?,
            Occasion::Stopped => shards.save_in_order(clocks, &mut output)?,
        };
        let Watched { file, done, .. } = output.file;
        file.sync_all()?;
        fs::rename(self.beside(".tmp"), &self.path)?;
        // The name is on the disk only when the directory is.
        let directory = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        Ok((items, done))
    }

    /// Creates the temporary file, in place of one that a server has left which was killed.
    fn create(&self) -> io::Result<File> {
        let path = self.beside(".tmp");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        // It has all values.
        options.write(true).create_new(true).mode(0o600).open(path)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(suffix);
        path.into()
    }
}

fn refuse(reason: String) -> Error {
    Error::Option {
        name: OPTION,
        reason,
    }
}

/// The right to write the file, while it is held.
#[derive(Debug)]
pub(crate) struct Turn(Arc<StateFile>);

impl Turn {
    /// Saves the items while clients are served. Returns how many there were.
    pub(crate) fn save(&self, shards: &Shards) -> io::Result<u64> {
        self.0.write(shards, Occasion::Serving)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.saving.store(false, Ordering::SeqCst);
    }
}

/// The file that a link names, which need not exist yet: the link stays, and what it names is
/// replaced.
fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        // It counts from the directory of the link.
        path = path.with_file_name(target);
    }
    fs::canonicalize(&path).unwrap_or(path)
}

/// How long that took.
fn seconds(clock: Clock, started: Instant) -> String {
    format!("{:.1} s", clock.now().since(started).as_secs_f64())
}

/// A file whose progress is logged.
struct Watched {
    file: File,
    clock: Clock,
    what: &'static str,
    expected: u64,
    done: u64,
    logged: Instant,
}

impl Watched {
    fn new(file: File, clock: Clock, what: &'static str, expected: u64) -> Self {
        Self {
            file,
            clock,
            what,
            expected,
            done: 0,
            logged: clock.now(),
        }
    }

    fn advance(&mut self, len: usize) {
        self.done += len as u64;
        let now = self.clock.now();
        if now.since(self.logged) >= PROGRESS_PERIOD {
            self.logged = now;
            let percent = 100 * self.done / self.expected.max(1);
            tracing::info!("{}: about {} %", self.what, percent.min(99));
        }
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.advance(len);
        Ok(len)
    }
}

/// What is written, until it is abandoned.
struct Output<'s> {
    file: Watched,
    state: &'s StateFile,
    occasion: Occasion,
    unsynced: u64,
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let StateFile {
            abandoned,
            stopping,
            ..
        } = self.state;
        let serving = self.occasion == Occasion::Serving;
        if abandoned.load(Ordering::SeqCst) || serving && stopping.load(Ordering::SeqCst) {
            return Err(io::Error::other("the server stops"));
        }
        let len = self.file.file.write(bytes)?;
        self.file.advance(len);
        self.unsynced += len as u64;
        if self.unsynced >= SYNC_PERIOD {
            self.unsynced = 0;
            self.file.file.sync_data()?;
        }
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use dynamidb_core::Config;
    use dynamidb_sync::Growth;

    use super::*;

    fn shards() -> Shards {
        let shards = Shards::new(&Config::new(8 << 20), 2, Growth::default()).unwrap();
        for number in 0..1000_u32 {
            let key = number.to_le_bytes();
            let key = shards.key(&key);
            let mut shard = shards.lock(shards.index_of(&key));
            shard.set(Instant::from_secs(1), key, &[b'v'; 100]).unwrap();
        }
        shards
    }

    fn file(name: &str) -> Arc<StateFile> {
        let name = format!("dynamidb-state-file-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_file(&path);
        Arc::new(StateFile::open(&path, Clock::start()).unwrap())
    }

    #[test]
    fn an_abandoned_save_leaves_the_old_file_and_no_other() {
        let (shards, file) = (shards(), file("abandoned"));
        assert_eq!(file.begin().unwrap().save(&shards).unwrap(), 1000);
        let old = fs::read(&file.path).unwrap();
        assert!(!file.abandon(), "no stop has begun a save");
        file.stopping.store(true, Ordering::SeqCst);
        assert!(file.abandon());
        assert!(!file.abandon(), "a further signal ends the process");
        let error = file.save_at_stop(&shards).unwrap_err().to_string();
        assert!(error.contains("is as it was before"), "{error}");
        assert_eq!(fs::read(&file.path).unwrap(), old);
        assert!(!file.beside(".tmp").exists());
        fs::remove_file(&file.path).unwrap();
    }

    #[test]
    fn a_save_while_serving_makes_way_for_the_one_at_the_stop() {
        let (shards, file) = (shards(), file("makes-way"));
        let turn = file.begin().unwrap();
        let error = file.begin().unwrap_err().to_string();
        assert_eq!(error, "another save is in progress");
        thread::scope(|scope| {
            let stop = scope.spawn(|| file.save_at_stop(&shards));
            while !file.stopping.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            assert!(turn.save(&shards).is_err());
            assert!(!stop.is_finished());
            drop(turn);
            assert_eq!(stop.join().unwrap().unwrap(), 1000);
        });
        fs::remove_file(&file.path).unwrap();
    }
}
