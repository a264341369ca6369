//! `ping`: whether a server serves.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::time::Duration;

use clap::Args;

use super::address::{Address, Socket};

/// The longest first line that is read.
const LINE_MAX: u64 = 2048;

/// Asks for the version, which every server of the protocol answers, also with users: it refuses.
const REQUEST: &[u8] = b"version\r\n";

#[derive(Args, Debug)]
pub(super) struct Ping {
    /// HOST, HOST:PORT or unix:PATH
    #[arg(default_value = "127.0.0.1")]
    address: Address,

    /// How many milliseconds to wait for each step
    #[arg(long, default_value_t = 1000, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Ping {
    /// Prints what the server answers.
    ///
    /// # Errors
    /// A line that says what is wrong.
    pub(super) fn run(&self) -> Result<(), String> {
        let timeout = Duration::from_millis(self.timeout);
        let said = self
            .address
            .connect(timeout)
            .and_then(|mut socket| ask(&mut *socket));
        let address = &self.address;
        let said = said.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("{address} does not answer within {} ms", self.timeout)
            }
            _ => format!("{address}: {error}"),
        })?;
        // A server with users refuses, and serves.
        let is_answer = said.starts_with("VERSION ") || said.starts_with("CLIENT_ERROR ");
        if !is_answer {
            return Err(format!("{address} is no cache: it says {said:?}"));
        }
        // The reader may be gone.
        let _ = writeln!(io::stdout(), "{address}: {said}");
        Ok(())
    }
}

/// The first line of the answer.
fn ask(socket: &mut dyn Socket) -> io::Result<String> {
    socket.write_all(REQUEST)?;
    let mut line = Vec::new();
    BufReader::new(socket.take(LINE_MAX)).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "it closed the connection without an answer",
        ));
    }
    Ok(String::from_utf8_lossy(&line).trim_end().into())
}
