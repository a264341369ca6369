//! Listening sockets that a service manager has opened (`LISTEN_FDS`): it can bind ports that the
//! server may not, and keeps them while the server restarts.

use std::io;

use listenfd::ListenFd;
use socket2::Socket;

use crate::server::error::Error;

/// The variable with the names of the sockets, separated by colons.
const NAMES: &str = "LISTEN_FDNAMES";

/// The sockets that were handed over to this process, each with its name. They are taken only once.
pub(super) fn sockets() -> Result<Vec<(Socket, String)>, Error> {
    let mut handed = ListenFd::from_env();
    let names = std::env::var(NAMES).unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = Vec::new();
    for number in 0..handed.len() {
        let name = names.next().unwrap_or_default();
        if let Some(socket) = take(&mut handed, number).map_err(failed)? {
            sockets.push((socket, name.into()));
        }
    }
    Ok(sockets)
}

fn take(handed: &mut ListenFd, number: usize) -> io::Result<Option<Socket>> {
    let socket = match handed.take_tcp_listener(number) {
        Ok(socket) => {
            let socket = socket.map(Socket::from);
            if let Some(socket) = &socket {
                // Accepted sockets inherit it; the unit may not say so.
                socket.set_tcp_nodelay(true)?;
            }
            socket
        }
        Err(_) => handed.take_unix_listener(number)?.map(Socket::from),
    };
    let Some(socket) = socket else {
        return Ok(None);
    };
    // Apple's systems cannot say.
    #[cfg(not(target_vendor = "apple"))]
    if !socket.is_listener()? {
        return Err(io::Error::other("it does not listen"));
    }
    Ok(Some(socket))
}

fn failed(source: io::Error) -> Error {
    Error::System {
        what: "use a socket of LISTEN_FDS",
        source,
    }
}
