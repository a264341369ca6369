//! A conversation with a server, with errors that name it.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::time::Duration;

use super::address::{Address, Socket};

/// The longest line that is read: a server's lines are shorter.
const LINE_MAX: u64 = 8192;
const BUFFER_SIZE: usize = 64 << 10;

/// How long a command waits for each step of a server's.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Connection<'a> {
    address: &'a Address,
    timeout: Duration,
    socket: BufReader<Box<dyn Socket>>,
}

impl<'a> Connection<'a> {
    pub(super) fn open(address: &'a Address, timeout: Duration) -> Result<Self, String> {
        let socket = address.connect(timeout);
        let socket = socket.map_err(|error| explain(address, timeout, &error))?;
        Ok(Self {
            address,
            timeout,
            socket: BufReader::with_capacity(BUFFER_SIZE, socket),
        })
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = self.socket.get_mut().write_all(bytes);
        sent.map_err(|error| self.explain(&error))
    }

    /// The next line, without its end, in the place of what `line` held.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> Result<(), String> {
        line.clear();
        let read = self.socket.by_ref().take(LINE_MAX).read_until(b'\n', line);
        read.map_err(|error| self.explain(&error))?;
        if line.pop_if(|byte| *byte == b'\n').is_none() {
            return Err(match line.len() {
                0 => format!("{}: it closed the connection", self.address),
                _ => self.unexpected(line),
            });
        }
        line.pop_if(|byte| *byte == b'\r');
        Ok(())
    }

    /// The next line as text.
    pub(super) fn text(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        self.read_line(&mut line)?;
        Ok(String::from_utf8_lossy(&line).into())
    }

    /// The next bytes and the end of their line, in the place of what `block` held.
    pub(super) fn read_block(&mut self, block: &mut Vec<u8>, size: u64) -> Result<(), String> {
        block.clear();
        let read = self
            .socket
            .by_ref()
            .take(size.saturating_add(2))
            .read_to_end(block);
        read.map_err(|error| self.explain(&error))?;
        if block.len() as u64 != size + 2 {
            return Err(format!("{}: it closed the connection", self.address));
        }
        block.truncate(block.len() - 2);
        Ok(())
    }

    /// Passes over the next bytes and the end of their line.
    pub(super) fn skip_block(&mut self, size: u64) -> Result<(), String> {
        let mut block = self.socket.by_ref().take(size.saturating_add(2));
        let skipped = io::copy(&mut block, &mut io::sink());
        skipped.map(drop).map_err(|error| self.explain(&error))
    }

    /// An answer that is none of this protocol.
    pub(super) fn unexpected(&self, line: &[u8]) -> String {
        format!("{} answers \"{}\"", self.address, line.escape_ascii())
    }

    fn explain(&self, error: &io::Error) -> String {
        explain(self.address, self.timeout, error)
    }
}

fn explain(address: &Address, timeout: Duration, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let millis = timeout.as_millis();
            format!("{address} does not answer within {millis} ms")
        }
        _ => format!("{address}: {error}"),
    }
}
