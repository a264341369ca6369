//! The server that a command talks to.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

const PORT: u16 = 11212;

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Address {
    Host(String, u16),
    Unix(PathBuf),
}

/// A connection, of any kind.
pub(super) trait Socket: Read + Write {
    /// Whether reads fail instead of waiting.
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()>;

    /// Reads wait as long as it takes.
    fn wait_forever(&self) -> io::Result<()>;
}

impl Socket for TcpStream {
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set_nonblocking(nonblocking)
    }

    fn wait_forever(&self) -> io::Result<()> {
        self.set_read_timeout(None)
    }
}

impl Socket for UnixStream {
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.set_nonblocking(nonblocking)
    }

    fn wait_forever(&self) -> io::Result<()> {
        self.set_read_timeout(None)
    }
}

#[cfg(feature = "tls")]
impl Socket for rustls::StreamOwned<rustls::ClientConnection, Box<dyn Socket>> {
    fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.sock.set_nonblocking(nonblocking)
    }

    fn wait_forever(&self) -> io::Result<()> {
        self.sock.wait_forever()
    }
}

impl Address {
    /// Connects; neither that nor a read or write takes longer than the timeout.
    pub(super) fn connect(&self, timeout: Duration) -> io::Result<Box<dyn Socket>> {
        match self {
            Self::Host(host, port) => {
                let mut last = io::Error::from(io::ErrorKind::NotFound);
                for address in (host.as_str(), *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, timeout) {
                        Ok(socket) => {
                            socket.set_read_timeout(Some(timeout))?;
                            socket.set_write_timeout(Some(timeout))?;
                            return Ok(Box::new(socket));
                        }
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
            Self::Unix(path) => {
                let socket = UnixStream::connect(path)?;
                socket.set_read_timeout(Some(timeout))?;
                socket.set_write_timeout(Some(timeout))?;
                Ok(Box::new(socket))
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH` or a path with a slash.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        if text.contains('/') {
            return Ok(Self::Unix(text.into()));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or("expected ] after the address")?;
                let port = match rest {
                    "" => None,
                    rest => Some(rest.strip_prefix(':').ok_or("expected :PORT after ]")?),
                };
                (host, port)
            }
            // An IPv6 address has several colons, and no port without brackets.
            None if text.matches(':').count() > 1 => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err("expected HOST, HOST:PORT or unix:PATH".into());
        }
        let port = match port {
            None => PORT,
            Some(port) => port.parse().map_err(|_| format!("{port:?} is no port"))?,
        };
        Ok(Self::Host(host.into(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_or_without_port_or_a_path() {
        let host = |host: &str, port| Ok(Address::Host(host.into(), port));
        for (text, address, shown) in [
            ("cache", host("cache", 11212), "cache:11212"),
            ("10.0.0.1:1", host("10.0.0.1", 1), "10.0.0.1:1"),
            ("::1", host("::1", 11212), "[::1]:11212"),
            ("[::1]", host("::1", 11212), "[::1]:11212"),
            ("[::1]:65535", host("::1", 65535), "[::1]:65535"),
            ("unix:s", Ok(Address::Unix("s".into())), "unix:s"),
            ("/run/s", Ok(Address::Unix("/run/s".into())), "unix:/run/s"),
        ] {
            let parsed: Result<Address, String> = text.parse();
            assert_eq!(parsed, address, "{text}");
            assert_eq!(parsed.map(|address| address.to_string()), Ok(shown.into()));
        }
        for wrong in ["", ":1", "host:", "host:65536", "host:x", "[::1", "[::1]1"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
