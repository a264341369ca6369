//! Replies on the standard output: as they are in a pipe, easy to read on a terminal.

use std::env;
use std::io::{self, IsTerminal, Write};

/// How much of a value a terminal shows.
const SHOWN_MAX: usize = 4096;
/// The widest name of a statistic that moves the values of all.
const NAME_WIDTH: usize = 32;

const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const RESET: &str = "\x1b[0m";

pub(super) struct Printer {
    is_terminal: bool,
    has_colors: bool,
}

impl Printer {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_terminal,
            has_colors: is_terminal && !is_set("NO_COLOR") && !is_dumb,
        }
    }

    /// A line of a reply.
    pub(super) fn line(&self, line: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        if !self.is_terminal {
            output.write_all(line)?;
            return output.write_all(b"\r\n");
        }
        let text = readable(line);
        let text = match stat(&text) {
            Some((name, value)) => format!("{name:NAME_WIDTH$} {value}"),
            None => text,
        };
        match line {
            _ if is_error(line) => writeln!(output, "{}", self.styled(RED, &text)),
            // They say how the value is to be read, or that no other follows.
            [b'V', b'A', ..] | b"END" => writeln!(output, "{}", self.styled(DIM, &text)),
            _ => writeln!(output, "{text}"),
        }
    }

    /// A value of a reply.
    pub(super) fn value(&self, value: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        if !self.is_terminal {
            output.write_all(value)?;
            return output.write_all(b"\r\n");
        }
        let (shown, rest) = value.split_at(value.len().min(SHOWN_MAX));
        writeln!(output, "{}", readable(shown))?;
        match rest.len() {
            0 => Ok(()),
            len => writeln!(
                output,
                "{}",
                self.styled(DIM, &format!("… {len} more bytes"))
            ),
        }
    }

    pub(super) fn flush() -> io::Result<()> {
        io::stdout().flush()
    }

    fn styled(&self, style: &str, text: &str) -> String {
        match self.has_colors {
            true => format!("{style}{text}{RESET}"),
            false => text.into(),
        }
    }
}

/// Whether a line says that a request was refused.
pub(super) fn is_error(line: &[u8]) -> bool {
    [&b"ERROR"[..], b"CLIENT_ERROR", b"SERVER_ERROR"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The name and the value of a line of `stats`.
fn stat(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("STAT ")?.split_once(' ')
}

/// Text that does nothing to a terminal: whatever is no text has escapes.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => text.push('\n'),
                // Other control characters, also those of 8 bits, could be commands to a terminal.
                c if c.is_control() => {
                    let mut buffer = [0; 4];
                    let bytes = c.encode_utf8(&mut buffer).bytes();
                    text.extend(bytes.map(|byte| format!("\\x{byte:02x}")));
                }
                c => text.push(c),
            }
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_characters() {
        for (bytes, text) in [
            (&b"plain\ntext"[..], "plain\ntext"),
            (b"\x1b[2J\r\0\x7f", "\\x1b[2J\\x0d\\x00\\x7f"),
            ("ö\u{9b}".as_bytes(), "ö\\xc2\\x9b"),
            (b"\xff\xfe", "\\xff\\xfe"),
        ] {
            assert_eq!(readable(bytes), text);
        }
    }

    #[test]
    fn a_refusal_is_an_error_and_a_miss_is_none() {
        for line in [&b"ERROR"[..], b"CLIENT_ERROR x", b"SERVER_ERROR: x"] {
            assert!(is_error(line));
        }
        for line in [&b"END"[..], b"EN", b"NOT_FOUND", b"NS", b"ERR"] {
            assert!(!is_error(line));
        }
    }
}
