//! The listening sockets.

pub(crate) mod socket_file;

use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::server::error::Error;
use crate::server::listen::socket_file::{Lock, SocketFile};
use crate::server::options::{Listen, Options};

/// How many ports are tried if the one that the system picked for 127.0.0.1 is in use on ::1.
const PORT_TRIES: usize = 32;

/// The sockets that the server listens on.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Socket>,
    /// The files of Unix sockets.
    pub(crate) files: Vec<SocketFile>,
}

/// Opens a listening socket at an address. Tests have other functions for it.
type Open<'a> = &'a dyn Fn(SocketAddr) -> io::Result<Socket>;

/// Listens on the addresses and Unix sockets of the options, or else on both loopback addresses.
pub(crate) fn listen(options: &Options) -> Result<Listeners, Error> {
    let open = |address| listen_on(address, options.backlog);
    let mut listeners = Listeners::default();
    for wanted in &options.listen {
        if let Listen::Address { host, port } = wanted {
            let port = port.unwrap_or(options.port);
            listen_on_host(host, port, &mut listeners.sockets, &open)?;
        }
    }
    if options.listen.is_empty() && options.memcached.unix_socket.is_empty() {
        listeners.sockets = listen_on_loopback(options.port, &open)?;
    }
    for path in options.unix_sockets() {
        if listeners.files.iter().any(|file| file.path() == path) {
            continue;
        }
        let (socket, file) = listen_on_file(path, options).map_err(|source| Error::Listen {
            address: path.display().to_string(),
            source,
        })?;
        listeners.sockets.push(socket);
        listeners.files.push(file);
    }
    Ok(listeners)
}

/// Listens on a Unix socket, which has its permissions before a client can connect.
fn listen_on_file(path: &Path, options: &Options) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    if let Ok(file) = fs::symlink_metadata(path)
        && !file.file_type().is_socket()
    {
        let kind = if path.is_dir() {
            "a directory"
        } else {
            "a file that is not a socket"
        };
        return Err(io::Error::other(format!("{kind} has that name")));
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Of several servers that find a stale socket the first replaces it, and the others find it in
    // use.
    let lock = Lock::acquire(path)?;
    if is_stale(path, &address)? {
        fs::remove_file(path)?;
    }
    socket.bind(&address)?;
    let permissions = Permissions::from_mode(options.memcached.unix_mask);
    let listening = fs::set_permissions(path, permissions)
        .and_then(|()| socket.listen(options.backlog.into()))
        .and_then(|()| SocketFile::new(path));
    if listening.is_err() {
        fs::remove_file(path)?;
    }
    drop(lock);
    Ok((socket, listening?))
}

/// Whether this is the socket of a server that was killed. `false` if that is not certain: the
/// server is busy, the socket is of another kind, or access is denied.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    if !fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        return Ok(false);
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Does not wait for a server with a full backlog.
    socket.set_nonblocking(true)?;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    Ok(socket.connect(address).is_err_and(refused))
}

/// The address that a socket is bound to, if it is an IP address.
pub(crate) fn address_of(socket: &Socket) -> Option<SocketAddr> {
    socket.local_addr().ok()?.as_socket()
}

/// Adds sockets for all addresses of a host. One has to succeed: names in `/etc/hosts` may have
/// addresses that this host lacks. An address that is bound already is skipped.
fn listen_on_host(
    host: &str,
    port: u16,
    sockets: &mut Vec<Socket>,
    open: Open<'_>,
) -> Result<(), Error> {
    let failed = |source| Error::Listen {
        address: Listen::address(host, Some(port)).to_string(),
        source,
    };
    let known: Vec<_> = sockets.iter().filter_map(address_of).collect();
    let mut seen = Vec::new();
    let mut failure = None;
    let before = sockets.len();
    for address in resolve(host, port).map_err(failed)? {
        if known.contains(&address) || seen.contains(&address) {
            continue;
        }
        seen.push(address);
        match open(address) {
            Ok(socket) => sockets.push(socket),
            Err(error) => {
                if let Some((address, error)) = failure.replace((address, error)) {
                    tracing::warn!("not listening on {address}: {error}");
                }
            }
        }
    }
    match failure {
        Some((_, error)) if sockets.len() == before => Err(failed(error)),
        Some((address, error)) => {
            tracing::warn!("not listening on {address}: {error}");
            Ok(())
        }
        None => Ok(()),
    }
}

/// The addresses of a host; for `*` all addresses of this one, as in memcached.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host == "*" {
        let any = [
            (Ipv4Addr::UNSPECIFIED, port).into(),
            (Ipv6Addr::UNSPECIFIED, port).into(),
        ];
        return Ok(any.into());
    }
    Ok((host, port).to_socket_addrs()?.collect())
}

/// Listens on 127.0.0.1 and ::1, or the one that the host has, with the same port.
fn listen_on_loopback(port: u16, open: Open<'_>) -> Result<Vec<Socket>, Error> {
    let in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    let mut tries = if port == 0 { PORT_TRIES } else { 1 };
    loop {
        tries -= 1;
        let v4_address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |address: SocketAddr, source| Error::Listen {
            address: address.to_string(),
            source,
        };
        let v4 = match open(v4_address) {
            Err(error) if in_use(&error) => return Err(failed(v4_address, error)),
            v4 => v4,
        };
        // With port 0 the second address takes the port that the first was given.
        let v4_port = v4
            .as_ref()
            .ok()
            .and_then(address_of)
            .map(|address| address.port());
        let v6_address = SocketAddr::from((Ipv6Addr::LOCALHOST, v4_port.unwrap_or(port)));
        match (v4, open(v6_address)) {
            (Ok(v4), Ok(v6)) => return Ok(vec![v4, v6]),
            (Ok(_), Err(error)) if in_use(&error) => {
                if tries == 0 {
                    return Err(failed(v6_address, error));
                }
            }
            (Ok(v4), Err(error)) => {
                tracing::debug!("not listening on {v6_address}: {error}");
                return Ok(vec![v4]);
            }
            (Err(error), Ok(v6)) => {
                tracing::debug!("not listening on {v4_address}: {error}");
                return Ok(vec![v6]);
            }
            (Err(error), Err(_)) => return Err(failed(v4_address, error)),
        }
    }
}

/// Opens a listening socket. Accepted sockets inherit its options.
fn listen_on(address: SocketAddr, backlog: u16) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Allows a restart while old connections are in TIME_WAIT. Unlike with SO_REUSEPORT, a port
    // that a server listens on stays in use.
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A host that lacks some addresses; the others are real sockets of 127.0.0.1.
    fn without(lacking: fn(&SocketAddr) -> bool) -> impl Fn(SocketAddr) -> io::Result<Socket> {
        move |address| {
            if lacking(&address) {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            listen_on(([127, 0, 0, 1], 0).into(), 1)
        }
    }

    #[test]
    fn loopback_needs_one_of_its_two_addresses() {
        let count = |lacking| listen_on_loopback(7, &without(lacking)).map(|sockets| sockets.len());
        assert_eq!(count(|_| false).unwrap(), 2);
        assert_eq!(count(SocketAddr::is_ipv6).unwrap(), 1);
        assert_eq!(count(SocketAddr::is_ipv4).unwrap(), 1);
        let said = count(|_| true).unwrap_err().to_string();
        assert!(said.starts_with("cannot listen on 127.0.0.1:7: "), "{said}");
    }

    #[test]
    fn a_picked_port_that_is_in_use_on_the_other_address_is_replaced() {
        let taken = |times: usize| {
            let left = Cell::new(times);
            move |address: SocketAddr| {
                if address.is_ipv6() && left.get() > 0 {
                    left.set(left.get() - 1);
                    return Err(io::ErrorKind::AddrInUse.into());
                }
                listen_on(([127, 0, 0, 1], 0).into(), 1)
            }
        };
        assert_eq!(listen_on_loopback(0, &taken(0)).unwrap().len(), 2);
        assert_eq!(
            listen_on_loopback(0, &taken(PORT_TRIES - 1)).unwrap().len(),
            2
        );
        assert!(listen_on_loopback(0, &taken(PORT_TRIES)).is_err());
        // A port that was asked for is not replaced.
        let said = listen_on_loopback(7, &taken(1)).unwrap_err().to_string();
        assert!(said.starts_with("cannot listen on [::1]:"), "{said}");
    }

    #[test]
    fn a_host_needs_one_address_that_can_be_bound() {
        let count = |lacking| {
            let mut sockets = Vec::new();
            listen_on_host("*", 7, &mut sockets, &without(lacking)).map(|()| sockets.len())
        };
        assert_eq!(count(|_| false).unwrap(), 2);
        assert_eq!(count(SocketAddr::is_ipv6).unwrap(), 1);
        assert_eq!(count(SocketAddr::is_ipv4).unwrap(), 1);
        assert!(
            count(|_| true)
                .unwrap_err()
                .to_string()
                .starts_with("cannot listen on *:7: ")
        );
    }

    #[test]
    fn an_address_that_is_bound_already_is_not_bound_again() {
        let mut sockets = vec![listen_on(([127, 0, 0, 1], 0).into(), 1).unwrap()];
        let port = address_of(&sockets[0]).unwrap().port();
        let open = |address| listen_on(address, 1);
        listen_on_host("127.0.0.1", port, &mut sockets, &open).unwrap();
        assert_eq!(sockets.len(), 1);
        // With port 0 each time is another port.
        listen_on_host("127.0.0.1", 0, &mut sockets, &open).unwrap();
        listen_on_host("127.0.0.1", 0, &mut sockets, &open).unwrap();
        assert_eq!(sockets.len(), 3);
    }
}
