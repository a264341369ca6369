//! The password of a user: from a file, the environment or the keyboard. It is no word of the
//! command line, which all users of a host can read.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr};

const VARIABLE: &str = "DYNAMIDB_PASSWORD";
/// The longest name and password that a server takes.
const SIZE_MAX: u64 = 16 << 10;
/// What the terminal sends for Ctrl-C if that is no signal.
const CTRL_C: u8 = 3;

/// The password of the user.
///
/// # Errors
/// A line that says why there is none.
pub(super) fn read(user: &str, file: Option<&Path>) -> Result<Vec<u8>, String> {
    if let Some(path) = file {
        let mut text = Vec::new();
        let file = File::open(path).and_then(|file| file.take(SIZE_MAX).read_to_end(&mut text));
        file.map_err(|error| format!("{}: {error}", path.display()))?;
        return match first_line(&text) {
            [] => Err(format!("{}: its first line is empty", path.display())),
            password => Ok(password.into()),
        };
    }
    // As for options, an empty variable counts as unset.
    if let Some(password) = env::var_os(VARIABLE).filter(|password| !password.is_empty()) {
        return Ok(password.into_vec());
    }
    if !io::stdin().is_terminal() {
        return Err(format!(
            "the password of {user} is missing: --password-file FILE, or {VARIABLE}"
        ));
    }
    ask(user).map_err(|error| format!("the terminal: {error}"))
}

/// Blanks at its end belong to a password.
fn first_line(text: &[u8]) -> &[u8] {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Has somebody type it, unseen.
fn ask(user: &str) -> io::Result<Vec<u8>> {
    let input = io::stdin();
    let before = tcgetattr(&input)?;
    let mut unseen = before.clone();
    // A signal would leave the terminal so: Ctrl-C ends the line instead.
    unseen
        .local_flags
        .remove(LocalFlags::ECHO | LocalFlags::ISIG);
    unseen.control_chars[SpecialCharacterIndices::VEOL as usize] = CTRL_C;
    tcsetattr(&input, SetArg::TCSADRAIN, &unseen)?;
    // Only now: a password pasted at the sight of it would be shown.
    let _ = write!(io::stderr(), "Password of {user}: ");
    let mut line = Vec::new();
    let outcome = read_line(&mut line);
    tcsetattr(&input, SetArg::TCSADRAIN, &before)?;
    let _ = writeln!(io::stderr());
    if outcome? == Some(CTRL_C) {
        return Err(io::Error::other("no password was typed"));
    }
    match first_line(&line) {
        [] => Err(io::Error::other("no password was typed")),
        password => Ok(password.into()),
    }
}

/// Reads a line, and returns the byte that has ended it. The terminal gives one line at a time, so
/// that nothing of the next one is taken.
fn read_line(line: &mut Vec<u8>) -> io::Result<Option<u8>> {
    for byte in io::stdin().lock().take(SIZE_MAX).bytes() {
        match byte? {
            end @ (b'\n' | CTRL_C) => return Ok(Some(end)),
            byte => line.push(byte),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_with_its_blanks() {
        for (text, password) in [
            (&b"secret"[..], &b"secret"[..]),
            (b"secret \n", b"secret "),
            (b"secret\r\nmore\n", b"secret"),
            (b"\nmore\n", b""),
            (b"", b""),
        ] {
            assert_eq!(first_line(text), password);
        }
    }
}
