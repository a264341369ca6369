//! The commands that were typed before, in a file of the user's. Values are not in it, but keys
//! are, so nobody else may read it.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

/// How many lines are remembered.
pub(super) const LINES_MAX: usize = 1000;
/// The largest file that is read.
const SIZE_MAX: u64 = 4 << 20;

pub(super) struct History {
    file: File,
}

impl History {
    /// Opens the file, and returns the lines in it.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn open() -> Result<(Self, Vec<String>), String> {
        let dir = directory().ok_or("the history: neither XDG_STATE_HOME nor HOME is set")?;
        let path = dir.join("history");
        Self::read(&dir, &path).map_err(|error| format!("the history {}: {error}", path.display()))
    }

    fn read(dir: &PathBuf, path: &PathBuf) -> io::Result<(Self, Vec<String>)> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        let mut text = String::new();
        match (&file).take(SIZE_MAX).read_to_string(&mut text) {
            Err(error) if error.kind() == ErrorKind::InvalidData => {}
            read => drop(read?),
        }
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let Some(old) = lines.len().checked_sub(LINES_MAX).filter(|old| *old > 0) else {
            return Ok((Self { file }, lines));
        };
        // The others are dropped once in a while, by a file that replaces the old one.
        let lines = lines[old..].to_vec();
        let new = dir.join(format!("history.{}", std::process::id()));
        let mut file = options.open(&new)?;
        file.write_all((lines.join("\n") + "\n").as_bytes())?;
        fs::rename(&new, path)?;
        Ok((Self { file }, lines))
    }

    /// Remembers a line.
    pub(super) fn push(&mut self, line: &str) {
        // Whoever types is not stopped by a full disk.
        let _ = self.file.write_all(format!("{line}\n").as_bytes());
    }
}

/// Where programs keep what may be lost.
fn directory() -> Option<PathBuf> {
    let dir = |name| {
        env::var_os(name)
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from)
    };
    let state = dir("XDG_STATE_HOME").or_else(|| Some(dir("HOME")?.join(".local/state")));
    Some(state?.join("dynamidb"))
}
