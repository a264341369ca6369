//! The sockets that clients connect to.

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

/// How often another port is tried if the one that the system picked for 127.0.0.1 is taken on ::1.
const PORT_TRIES: usize = 32;

/// What is listened on.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Socket>,
    /// The files of Unix sockets.
    pub(crate) files: Vec<SocketFile>,
}

/// Opens a listening socket at an address; tests have others.
type Open<'a> = &'a dyn Fn(SocketAddr) -> io::Result<Socket>;

/// The addresses and Unix sockets that were asked for, or else the two loopback addresses.
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

/// A Unix socket that has its permissions before anybody can connect to it.
fn listen_on_file(path: &Path, options: &Options) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    if let Ok(file) = fs::symlink_metadata(path)
        && !file.file_type().is_socket()
    {
        let kind = if path.is_dir() {
            "a directory"
        } else {
            "a file that is no socket"
        };
        return Err(io::Error::other(format!("there is {kind} of that name")));
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Of servers that start on one left-over file the first makes its own, and the next find that.
    let lock = Lock::acquire(path)?;
    if is_left_over(path, &address)? {
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

/// Where a socket is bound, if that is an address of the internet.
pub(crate) fn address_of(socket: &Socket) -> Option<SocketAddr> {
    socket.local_addr().ok()?.as_socket()
}

/// Adds sockets for all addresses of a host. One is enough: names in `/etc/hosts` have addresses
/// that the host lacks. A port that is listened on already is not asked for again.
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

/// The addresses of a host; all of this one for `*`, as in memcached.
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

/// 127.0.0.1 and ::1, or the one of them that the host has, with the same port.
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A host that has no addresses of this kind, and for the others real sockets of 127.0.0.1.
    fn without(lacking: fn(&SocketAddr) -> bool) -> impl Fn(SocketAddr) -> io::Result<Socket> {
        move |address| {
            if lacking(&address) {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            listen_on(([127, 0, 0, 1], 0).into(), 1)
        }
    }

    #[test]
    fn loopback_is_listened_on_with_the_addresses_that_the_host_has() {
        let count = |lacking| listen_on_loopback(7, &without(lacking)).map(|sockets| sockets.len());
        assert_eq!(count(|_| false).unwrap(), 2);
        assert_eq!(count(SocketAddr::is_ipv6).unwrap(), 1);
        assert_eq!(count(SocketAddr::is_ipv4).unwrap(), 1);
        let said = count(|_| true).unwrap_err().to_string();
        assert!(said.starts_with("cannot listen on 127.0.0.1:7: "), "{said}");
    }

    #[test]
    fn a_picked_port_that_is_taken_on_the_other_address_gives_way_to_another() {
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
        // A port that was asked for is not exchanged.
        let said = listen_on_loopback(7, &taken(1)).unwrap_err().to_string();
        assert!(said.starts_with("cannot listen on [::1]:"), "{said}");
    }

    #[test]
    fn a_host_is_listened_on_if_one_of_its_addresses_works() {
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
    fn an_address_that_is_listened_on_already_is_not_opened_again() {
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
