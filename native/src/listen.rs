//! The sockets that clients connect to.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use crate::{Error, Options};

/// The addresses that were asked for, or the two of the host itself.
pub(crate) fn listen(options: &Options) -> Result<Vec<Socket>, Error> {
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
