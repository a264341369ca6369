//! The commands that were typed before, in a file of the user's. Values are not in it, but keys
//! are, so nobody else may read it.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

/// How many lines are remembered.
pub(super) const LINES_MAX: usize = 1000;
/// How much of the end of the file is read.
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
        let start = file.metadata()?.len().saturating_sub(SIZE_MAX);
        (&file).seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&file).take(SIZE_MAX).read_to_end(&mut bytes)?;
        // Another program may have written to it.
        let text = String::from_utf8_lossy(&bytes);
        let is_cut = usize::from(start > 0);
        let lines: Vec<_> = text.lines().skip(is_cut).map(str::to_owned).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a history with these bytes, and the bytes that it has afterwards.
    fn opened(name: &str, bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
        let dir = env::temp_dir().join(format!("dynamidb-history-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("history");
        fs::write(&path, bytes).unwrap();
        let (mut history, lines) = History::read(&dir, &path).unwrap();
        history.push("pushed");
        let kept = fs::read(&path).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        (lines, kept)
    }

    #[test]
    fn a_line_that_is_no_text_leaves_the_others() {
        let bytes = b"get a\nget \xff\nget b\n";
        let (lines, kept) = opened("no-text", bytes);
        assert_eq!(lines, ["get a", "get \u{fffd}", "get b"]);
        assert_eq!(kept, [&bytes[..], b"pushed\n"].concat());
    }

    #[test]
    fn the_last_lines_of_a_large_file_are_kept() {
        // Wherever it is cut, a character is cut in one of these.
        for shift in ["", "x"] {
            let line = format!("get {}", "ö".repeat(500));
            let bytes = format!("{shift}{}", format!("{line}\n").repeat(5000)) + "last\n";
            assert!(bytes.len() as u64 > SIZE_MAX);
            let (lines, kept) = opened(&format!("large-{}", shift.len()), bytes.as_bytes());
            assert_eq!(lines.len(), LINES_MAX);
            assert_eq!(lines.last().map(String::as_str), Some("last"));
            assert!(lines[..LINES_MAX - 1].iter().all(|kept| *kept == line));
            assert_eq!(kept, (lines.join("\n") + "\npushed\n").into_bytes());
        }
    }
}
