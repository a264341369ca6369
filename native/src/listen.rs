//! The sockets that clients connect to.

use std::fs::{self, Permissions};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::{Error, Options};

/// What is listened on.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Socket>,
    /// The file of a Unix socket.
    pub(crate) file: Option<SocketFile>,
}

/// The file of a Unix socket, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::debug!("{} stays: {error}", self.0.display());
        }
    }
}

/// A Unix socket if that was asked for, or else addresses.
pub(crate) fn listen(options: &Options) -> Result<Listeners, Error> {
    let Some(path) = &options.memcached.unix_socket else {
        let sockets = listen_on_addresses(options)?;
        return Ok(Listeners {
            sockets,
            file: None,
        });
    };
    listen_on_file(path, options).map_err(|source| Error::Listen {
        address: path.display().to_string(),
        source,
    })
}

/// A Unix socket that has its permissions before anybody can connect to it.
fn listen_on_file(path: &Path, options: &Options) -> io::Result<Listeners> {
    let address = SockAddr::unix(path)?;
    if is_left_over(path, &address)? {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&address)?;
    let file = Some(SocketFile(path.to_owned()));
    fs::set_permissions(path, Permissions::from_mode(options.memcached.unix_mask))?;
    socket.listen(options.backlog.into())?;
    Ok(Listeners {
        sockets: vec![socket],
        file,
    })
}

/// Whether this is the socket of a server that was killed, to which nobody listens any more. Of one
/// that is busy, is of another kind or is not ours to use, that cannot be said.
fn is_left_over(path: &Path, address: &SockAddr) -> io::Result<bool> {
    if !fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        return Ok(false);
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A listener that has no room for one more is not waited for.
    socket.set_nonblocking(true)?;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    Ok(socket.connect(address).is_err_and(refused))
}

/// The addresses that were asked for, or the two of the host itself.
fn listen_on_addresses(options: &Options) -> Result<Vec<Socket>, Error> {
    if options.listen.is_empty() {
        return listen_on_loopback(options.port, options.backlog);
    }
    let mut listeners = Vec::new();
    for wanted in &options.listen {
        let port = wanted.port.unwrap_or(options.port);
        let failed = |source| Error::Listen {
            address: format!("{}:{port}", wanted.host),
            source,
        };
        for address in (&*wanted.host, port).to_socket_addrs().map_err(failed)? {
            listeners.push(listen_on(address, options.backlog).map_err(failed)?);
        }
    }
    Ok(listeners)
}

/// Where a socket is bound, if that is an address of the internet.
pub(crate) fn address_of(socket: &Socket) -> Option<SocketAddr> {
    socket.local_addr().ok()?.as_socket()
}

fn listen_on_loopback(port: u16, backlog: u16) -> Result<Vec<Socket>, Error> {
    let open = |host: &str, port| {
        let address = format!("{host}:{port}");
        let parsed = address.parse().expect("an address with a port");
        listen_on(parsed, backlog).map_err(|source| Error::Listen { address, source })
    };
    let v4 = open("127.0.0.1", port)?;
    // With port 0 the second address takes the port that the first was given.
    let port = address_of(&v4).map_or(port, |address| address.port());
    match open("[::1]", port) {
        Ok(v6) => Ok(vec![v4, v6]),
        Err(Error::Listen { source, .. }) if source.kind() != io::ErrorKind::AddrInUse => {
            tracing::debug!("not listening on ::1: {source}");
            Ok(vec![v4])
        }
        Err(error) => Err(error),
    }
}

/// A listening socket; what it accepts inherits its options.
fn listen_on(address: SocketAddr, backlog: u16) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // For a restart while connections of the last run are in TIME_WAIT. A port that is listened
    // on stays taken, unlike with SO_REUSEPORT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog.into())?;
    Ok(socket)
}
