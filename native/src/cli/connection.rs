//! A conversation with a server, with errors that name it.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::time::Duration;

use super::address::{Address, Socket};
#[cfg(feature = "tls")]
use super::tls;

/// The longest line that is read: a server's lines are shorter.
const LINE_MAX: u64 = 8192;
const BUFFER_SIZE: usize = 64 << 10;
/// The largest value: no server takes or has more.
pub(super) const VALUE_MAX: u64 = 1 << 30;

/// What a server says to those who have not signed in.
const UNAUTHENTICATED: &[u8] = b"CLIENT_ERROR unauthenticated";
/// What a server of ours says to those who do not speak TLS where they should.
#[cfg(feature = "tls")]
const EXPECTS_TLS: &[u8] = b"CLIENT_ERROR this port expects TLS";

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

    /// The same connection, with TLS.
    #[cfg(feature = "tls")]
    pub(super) fn encrypt(self, tls: &tls::Client) -> Result<Self, String> {
        let (address, timeout) = (self.address, self.timeout);
        let socket = tls.encrypt(self.socket.into_inner());
        let socket = socket.map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                format!("{address} ends the TLS handshake: maybe it does not speak TLS")
            }
            _ => explain(address, timeout, &error),
        })?;
        Ok(Self {
            address,
            timeout,
            socket: BufReader::with_capacity(BUFFER_SIZE, socket),
        })
    }

    /// Says who we are. The name and the password are the value of a `set`: should the server have
    /// no users, it is stored for no time.
    pub(super) fn sign_in(&mut self, user: &str, password: &[u8]) -> Result<(), String> {
        let size = user.len() + 1 + password.len();
        let mut request = format!("set dynamidb:sign-in 0 -1 {size}\r\n{user} ").into_bytes();
        request.extend_from_slice(password);
        request.extend_from_slice(b"\r\n");
        self.send(&request)?;
        match &*self.text()? {
            "STORED" => Ok(()),
            "CLIENT_ERROR authentication failure" => {
                let address = self.address;
                Err(format!("{address} does not know {user} with this password"))
            }
            refusal => Err(self.unexpected(refusal.as_bytes())),
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = self.socket.get_mut().write_all(bytes);
        sent.map_err(|error| self.explain(&error))
    }

    /// Whether the server has closed the connection, or says something that nobody has asked for.
    pub(super) fn is_closed(&mut self) -> bool {
        let set = |connection: &Self, nonblocking| {
            connection.socket.get_ref().set_nonblocking(nonblocking)
        };
        if set(self, true).is_err() {
            return true;
        }
        let is_idle = match self.socket.fill_buf() {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        set(self, false).is_err() || !is_idle
    }

    /// From now on the server may take as long as it likes.
    pub(super) fn wait_forever(&self) -> Result<(), String> {
        let set = self.socket.get_ref().wait_forever();
        set.map_err(|error| self.explain(&error))
    }

    /// The next line, without its end, in the place of what `line` held. That the server wants us
    /// to sign in, or to speak TLS, is an error.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> Result<(), String> {
        self.read_any_line(line)?;
        let address = self.address;
        match &**line {
            UNAUTHENTICATED => Err(format!("{address} wants a user: --user NAME")),
            #[cfg(feature = "tls")]
            EXPECTS_TLS => Err(format!("{address} speaks TLS: --tls")),
            _ => Ok(()),
        }
    }

    /// The next line, whatever it is.
    fn read_any_line(&mut self, line: &mut Vec<u8>) -> Result<(), String> {
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

    /// The reply to `version`; any server of the protocol has one, also for those who have not
    /// signed in.
    pub(super) fn version(&mut self) -> Result<String, String> {
        self.send(b"version\r\n")?;
        let mut line = Vec::new();
        match self.read_line(&mut line) {
            Err(_) if line == UNAUTHENTICATED => {}
            outcome => outcome?,
        }
        Ok(String::from_utf8_lossy(&line).into())
    }

    /// The replies to `stats`: names and values.
    pub(super) fn stats(&mut self, mut on_stat: impl FnMut(&str, &str)) -> Result<(), String> {
        self.send(b"stats\r\n")?;
        loop {
            let line = self.text()?;
            if line == "END" {
                return Ok(());
            }
            let stat = line.strip_prefix("STAT ");
            let stat = stat.and_then(|stat| stat.split_once(' '));
            let (name, value) = stat.ok_or_else(|| self.unexpected(line.as_bytes()))?;
            on_stat(name, value);
        }
    }

    /// The next bytes, in the place of what `block` held, without the end of their line. If there
    /// are more than [`VALUE_MAX`], or another end, nobody can say where the next reply begins.
    pub(super) fn read_block(&mut self, block: &mut Vec<u8>, size: u64) -> Result<(), String> {
        block.clear();
        if size > VALUE_MAX {
            let address = self.address;
            return Err(format!(
                "{address} sends a value of {size} bytes; 1 GiB is the limit"
            ));
        }
        let read = self.socket.by_ref().take(size + 2).read_to_end(block);
        read.map_err(|error| self.explain(&error))?;
        if block.len() as u64 != size + 2 {
            return Err(format!("{}: it closed the connection", self.address));
        }
        if !block.ends_with(b"\r\n") {
            let address = self.address;
            return Err(format!("{address} sends a value longer than {size} bytes"));
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
    #[cfg(feature = "tls")]
    if let Some(reason) = tls::explain(error) {
        return format!("{address}: {reason}");
    }
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let millis = timeout.as_millis();
            format!("{address} does not answer within {millis} ms")
        }
        _ => format!("{address}: {error}"),
    }
}
