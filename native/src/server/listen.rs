//! The listening sockets.

#[cfg(feature = "activation")]
mod activation;
pub(crate) mod socket_file;

use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::server::error::Error;
use crate::server::listen::socket_file::{Lock, SocketFile};
use crate::server::options::tls::ClientCerts;
use crate::server::options::{ListenAddress, Options, Security};

/// How many ports are tried if the one that the system picked for 127.0.0.1 is in use on ::1.
const PORT_TRIES: usize = 32;

/// The sockets that the server listens on.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(crate) sockets: Vec<Listener>,
    /// The files of Unix sockets.
    pub(crate) files: Vec<SocketFile>,
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: Socket,
    pub(crate) options: ListenerOptions,
}

/// How the clients of a listener are served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ListenerOptions {
    /// Whether they have to sign in, if there are users.
    pub(crate) auth: bool,
    /// What they have to show, if they speak TLS.
    pub(crate) tls: Option<ClientCerts>,
}

#[cfg(feature = "activation")]
impl ListenerOptions {
    /// What the name of a socket that was handed over says, in words that anything may separate.
    /// Unix sockets have no TLS.
    fn named(name: &str, is_unix: bool, wanted: &Options) -> Self {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let has = |wanted| words.clone().any(|word| word == wanted);
        let security = match is_unix || has("notls") {
            true => Security::Plain,
            false => Security::Default,
        };
        Self {
            auth: !has("noauth"),
            tls: wanted.client_certs(security),
        }
    }
}

impl Default for ListenerOptions {
    fn default() -> Self {
        Self {
            auth: true,
            tls: None,
        }
    }
}

impl Listener {
    /// The address that it is bound to, if it is an IP address.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        address_of(&self.socket)
    }

    /// Its address, or the path of its file.
    pub(crate) fn name(&self) -> String {
        if let Some(address) = self.address() {
            return address.to_string();
        }
        let address = self.socket.local_addr().ok();
        let path = address.as_ref().and_then(SockAddr::as_pathname);
        path.map_or_else(String::new, |path| path.display().to_string())
    }
}

impl From<Socket> for Listener {
    fn from(socket: Socket) -> Self {
        let options = ListenerOptions::default();
        Self { socket, options }
    }
}

/// Opens a listening socket at an address. Tests have other functions for it.
type Open<'a> = &'a dyn Fn(SocketAddr) -> io::Result<Socket>;

/// Listens on the addresses and Unix sockets of the options and on what a service manager has
/// handed over; if there is nothing of either, on both loopback addresses.
pub(crate) fn listen(wanted: &Options) -> Result<Listeners, Error> {
    let open = |address| listen_on(address, wanted.backlog);
    let mut listeners = Listeners {
        sockets: handed_over(wanted)?,
        files: Vec::new(),
    };
    let is_asked = !wanted.listen.is_empty() || !wanted.memcached.unix_socket.is_empty();
    for listen in &wanted.listen {
        if let ListenAddress::Host { host, port } = &listen.address {
            let port = port.unwrap_or(wanted.port);
            let options = ListenerOptions {
                auth: listen.auth,
                tls: wanted.client_certs(listen.security),
            };
            listen_on_host(host, port, options, &mut listeners.sockets, &open)?;
        }
    }
    if !is_asked && listeners.sockets.is_empty() {
        let sockets = listen_on_loopback(wanted.port, &open)?.into_iter();
        let tls = wanted.client_certs(Security::Default);
        let options = ListenerOptions { auth: true, tls };
        let sockets = sockets.map(|socket| Listener { socket, options });
        listeners.sockets = sockets.collect();
    }
    for (path, auth) in wanted.unix_listeners() {
        let options = ListenerOptions { auth, tls: None };
        if let Some(known) = listeners.files.iter().position(|file| file.path() == path) {
            // Sockets of files come last.
            let first = listeners.sockets.len() - listeners.files.len();
            if listeners.sockets[first + known].options != options {
                return Err(ambiguous(&path.display()));
            }
            continue;
        }
        let (socket, file) = listen_on_file(path, wanted).map_err(|source| Error::Listen {
            address: path.display().to_string(),
            source,
        })?;
        listeners.sockets.push(Listener { socket, options });
        listeners.files.push(file);
    }
    Ok(listeners)
}

/// The sockets of a service manager.
#[cfg(feature = "activation")]
fn handed_over(wanted: &Options) -> Result<Vec<Listener>, Error> {
    let sockets = activation::sockets()?.into_iter();
    let listeners = sockets.map(|(socket, name)| {
        let is_unix = address_of(&socket).is_none();
        let options = ListenerOptions::named(&name, is_unix, wanted);
        Listener { socket, options }
    });
    Ok(listeners.collect())
}

/// This build takes none over.
#[cfg(not(feature = "activation"))]
fn handed_over(_: &Options) -> Result<Vec<Listener>, Error> {
    Ok(Vec::new())
}

/// The error about a listener that is named twice, with different options.
fn ambiguous(address: &dyn Display) -> Error {
    Error::Option {
        name: "-l/--listen",
        reason: format!("{address} is named both with and without a prefix"),
    }
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
fn address_of(socket: &Socket) -> Option<SocketAddr> {
    socket.local_addr().ok()?.as_socket()
}

/// Adds sockets for all addresses of a host. One has to succeed: names in `/etc/hosts` may have
/// addresses that this host lacks. An address that is bound already is skipped.
fn listen_on_host(
    host: &str,
    port: u16,
    options: ListenerOptions,
    sockets: &mut Vec<Listener>,
    open: Open<'_>,
) -> Result<(), Error> {
    let failed = |source| Error::Listen {
        address: ListenAddress::host(host, Some(port)).to_string(),
        source,
    };
    let mut seen = Vec::new();
    let mut failure = None;
    let before = sockets.len();
    for address in resolve(host, port).map_err(failed)? {
        let known = sockets[..before]
            .iter()
            .find(|known| known.address() == Some(address));
        match known {
            Some(known) if known.options != options => return Err(ambiguous(&address)),
            Some(_) => continue,
            None if seen.contains(&address) => continue,
            None => {}
        }
        seen.push(address);
        match open(address) {
            Ok(socket) => sockets.push(Listener { socket, options }),
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
            let options = ListenerOptions::default();
            listen_on_host("*", 7, options, &mut sockets, &without(lacking)).map(|()| sockets.len())
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

    #[cfg(feature = "activation")]
    #[test]
    fn the_name_of_a_socket_says_whether_its_clients_sign_in_and_speak_tls() {
        let mut options = Options::default();
        options.memcached.enable_ssl = true;
        for (name, auth, tls) in [
            ("", true, true),
            ("dynamidb.socket", true, true),
            ("noauth", false, true),
            ("local-noauth", false, true),
            ("noauthority", true, true),
            ("local-notls", true, false),
            ("notls noauth", false, false),
        ] {
            let named = |is_unix| ListenerOptions::named(name, is_unix, &options);
            assert_eq!(named(false).auth, auth, "{name}");
            assert_eq!(named(false).tls.is_some(), tls, "{name}");
            assert_eq!((named(true).auth, named(true).tls), (auth, None), "{name}");
        }
    }

    #[test]
    fn an_address_that_is_bound_already_is_not_bound_again() {
        let first = listen_on(([127, 0, 0, 1], 0).into(), 1).unwrap();
        let port = address_of(&first).unwrap().port();
        let (options, mut sockets) = (ListenerOptions::default(), vec![first.into()]);
        let mut listen = |port| {
            let open = |address| listen_on(address, 1);
            listen_on_host("127.0.0.1", port, options, &mut sockets, &open).unwrap();
            sockets.len()
        };
        assert_eq!(listen(port), 1);
        // With port 0 each time is another port.
        assert_eq!(listen(0), 2);
        assert_eq!(listen(0), 3);
    }
}
