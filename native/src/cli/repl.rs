//! `cli`: a conversation with a server, on a terminal or in a pipe.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::Args;

use super::address::Address;
use super::advice::{advice, help};
use super::connection::VALUE_MAX;
use super::editor::{Editor, Typed};
use super::request::{Value, unescape, value_of, with_size, words};
use super::server_args::ServerArgs;
use super::session::{Outcome, Session};

/// The longest line of a pipe.
const LINE_MAX: u64 = 1 << 20;

#[derive(Args, Debug)]
pub(super) struct Repl {
    /// The same as --address
    #[arg(value_name = "ADDRESS", conflicts_with = "address")]
    at: Option<Address>,

    /// Neither read nor write the file of commands that were typed before
    #[arg(long)]
    no_history: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// A request: its line, and its value.
type Request = (Vec<u8>, Option<Vec<u8>>);

impl Repl {
    /// Sends what is typed, and prints what is replied.
    ///
    /// # Errors
    /// A line that says what is wrong. In a pipe, that a request was refused is such an error.
    pub(super) fn run(&self) -> Result<(), String> {
        let server = self.server.server(self.at.as_ref())?;
        let mut session = Session::new(&server);
        session.connect()?;
        let (input, output) = (io::stdin(), io::stdout());
        if input.is_terminal() && output.is_terminal() {
            let editor = Editor::new(!self.no_history)?;
            let prompt = format!("{}> ", server.address());
            return converse(&mut session, editor, &prompt);
        }
        pipe(&mut session, input.lock())
    }
}

/// What somebody types, until they have enough.
fn converse(session: &mut Session<'_>, mut editor: Editor, prompt: &str) -> Result<(), String> {
    loop {
        let line = match editor.command(prompt)? {
            Typed::Line(line) => line,
            Typed::Cancelled => continue,
            Typed::End => return Ok(()),
        };
        let mut typed = line.split_ascii_whitespace();
        match typed.next() {
            None => continue,
            Some("help") => {
                let _ = write!(io::stdout(), "{}", help(typed.next()));
                continue;
            }
            Some("exit") => return Ok(()),
            Some(_) => {}
        }
        let Some((line, value)) = complete(&mut editor, line.into_bytes())? else {
            continue;
        };
        match session.request(&line, value.as_deref()) {
            // The next request connects again.
            Err(error) => eprintln!("error: {error}"),
            Ok(Outcome::Answered) => {}
            Ok(outcome) => {
                if outcome == Outcome::Closed && is_farewell(&line) {
                    return Ok(());
                }
                suggest(&line);
                if outcome == Outcome::Closed {
                    eprintln!(
                        "The server has closed the connection; the next command opens another."
                    );
                }
            }
        }
    }
}

/// The request of a line, with the value that somebody types; `None` if they do not want to.
fn complete(editor: &mut Editor, line: Vec<u8>) -> Result<Option<Request>, String> {
    match value_of(&line) {
        Value::None => Ok(Some((line, None))),
        Value::Unsized(index) => Ok(match editor.value("value> ")? {
            Typed::Line(text) => {
                let value = unescape(text.as_bytes());
                Some((with_size(&line, index, value.len()), Some(value)))
            }
            Typed::Cancelled | Typed::End => None,
        }),
        Value::Sized(size) => {
            let mut value = Vec::new();
            while (value.len() as u64) < size {
                let prompt = format!("{} of {size} bytes> ", value.len());
                match editor.value(&prompt)? {
                    Typed::Line(text) => value.extend_from_slice(text.as_bytes()),
                    Typed::Cancelled | Typed::End => return Ok(None),
                }
                // The end of a line belongs to a value that goes on.
                if (value.len() as u64) < size {
                    value.push(b'\n');
                }
            }
            let len = value.len() as u64;
            if len == size {
                return Ok(Some((line, Some(value))));
            }
            eprintln!("The value has {len} bytes instead of {size}; nothing was sent.");
            Ok(None)
        }
    }
}

/// Lines that another program writes. The values between them are taken as they are.
fn pipe(session: &mut Session<'_>, mut input: impl BufRead) -> Result<(), String> {
    let mut refused = 0_u64;
    while let Some(line) = read_line(&mut input)? {
        match words(&line).next() {
            None => continue,
            Some(b"help") => {
                let verb = words(&line).nth(1).map(String::from_utf8_lossy);
                let _ = write!(io::stdout(), "{}", help(verb.as_deref()));
                continue;
            }
            Some(b"exit") => break,
            Some(_) => {}
        }
        let (line, value) = match value_of(&line) {
            Value::None => (line, None),
            Value::Sized(size) => (line, Some(read_value(&mut input, size)?)),
            Value::Unsized(index) => {
                let text = read_line(&mut input)?.ok_or_else(cut)?;
                let value = unescape(&text);
                (with_size(&line, index, value.len()), Some(value))
            }
        };
        match session.request(&line, value.as_deref())? {
            Outcome::Answered => {}
            Outcome::Closed if is_farewell(&line) => break,
            outcome => {
                suggest(&line);
                refused += 1;
                // What follows may be a value that the server has not waited for.
                if outcome == Outcome::Closed {
                    return Err("the server has closed the connection".into());
                }
            }
        }
    }
    match refused {
        0 => Ok(()),
        1 => Err("a request was refused".into()),
        _ => Err(format!("{refused} requests were refused")),
    }
}

/// Whether a line asks the server to leave.
fn is_farewell(line: &[u8]) -> bool {
    let verb = words(line).next().unwrap_or_default();
    matches!(verb.to_ascii_lowercase().as_slice(), b"quit" | b"shutdown")
}

fn suggest(line: &[u8]) {
    if let Some(advice) = advice(line) {
        eprintln!("hint: {advice}");
    }
}

/// The next line, without its end; `None` if there is no more.
fn read_line(input: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let read = input.take(LINE_MAX).read_until(b'\n', &mut line);
    read.map_err(|error| format!("the standard input: {error}"))?;
    if line.len() as u64 == LINE_MAX {
        return Err("the standard input: a line is longer than 1 MiB".into());
    }
    if line.is_empty() {
        return Ok(None);
    }
    line.pop_if(|byte| *byte == b'\n');
    line.pop_if(|byte| *byte == b'\r');
    Ok(Some(line))
}

/// A value of this size, and the end of its line.
fn read_value(input: &mut impl BufRead, size: u64) -> Result<Vec<u8>, String> {
    if size > VALUE_MAX {
        return Err("the standard input: a value is larger than 1 GiB".into());
    }
    let mut value = Vec::new();
    let read = input.by_ref().take(size).read_to_end(&mut value);
    read.map_err(|error| format!("the standard input: {error}"))?;
    if value.len() as u64 != size {
        return Err(cut());
    }
    match read_line(input)? {
        Some(rest) if !rest.is_empty() => Err(format!(
            "the standard input: a value is longer than the {size} bytes that its line says"
        )),
        _ => Ok(value),
    }
}

fn cut() -> String {
    "the standard input: it ends before a value is complete".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_a_pipe_is_as_long_as_its_line_says() {
        let read = |bytes: &[u8], size| read_value(&mut &*bytes, size);
        assert_eq!(read(b"a\nb\r\nget", 3).as_deref(), Ok(&b"a\nb"[..]));
        assert_eq!(read(b"\nget", 0).as_deref(), Ok(&b""[..]));
        assert_eq!(read(b"abc", 3).as_deref(), Ok(&b"abc"[..]));
        assert!(read(b"abc", 4).is_err());
        assert!(read(b"abcd\n", 3).is_err());
        assert!(read(b"", VALUE_MAX + 1).is_err());
    }

    #[test]
    fn a_line_of_a_pipe_has_a_limit() {
        for (len, is_taken) in [
            (LINE_MAX - 2, true),
            (LINE_MAX - 1, true),
            (LINE_MAX, false),
        ] {
            let line = vec![b'x'; usize::try_from(len).unwrap()];
            assert_eq!(read_line(&mut &*line).is_ok(), is_taken, "{len}");
        }
        assert_eq!(
            read_line(&mut &b"get k\r\nx"[..]),
            Ok(Some(b"get k".into()))
        );
        assert_eq!(read_line(&mut &b""[..]), Ok(None));
        assert_eq!(read_line(&mut &b"\n"[..]), Ok(Some(Vec::new())));
    }
}
