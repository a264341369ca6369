//! What systemd and others that speak its protocol are told of the server: that it is ready, that
//! it reloads, that it stops, that it is alive.
//!
//! A message is a datagram to the socket that `NOTIFY_SOCKET` names. This is all of the protocol,
//! so no library is needed for it.

use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::server::clock::monotonic_micros;

/// The service manager that started the process, if there is one.
///
/// # Examples
/// ```
/// use dynamidb::ServiceManager;
///
/// let manager = ServiceManager::from_env();
/// manager.ready("serving");
/// manager.stopping();
/// ```
#[derive(Debug)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names. Logs a warning if it cannot be reached.
    #[must_use]
    pub fn from_env() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let socket = variable("NOTIFY_SOCKET").and_then(|name| match connect(&name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("cannot notify the service manager at {name}: {error}");
                None
            }
        });
        // Children of the process that is watched see these variables too.
        let own = std::process::id().to_string();
        let is_watched = variable("WATCHDOG_PID").is_none_or(|pid| pid == own);
        let micros = variable("WATCHDOG_USEC").and_then(|micros| micros.parse().ok());
        let micros = micros.filter(|&micros| is_watched && micros > 0 && socket.is_some());
        Self {
            socket,
            watchdog: micros.map(Duration::from_micros),
        }
    }

    /// How often the service manager wants to hear that the server is [`alive`](Self::alive).
    #[must_use]
    pub const fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The server accepts connections, also after a reload.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// The server reads its files again; then it is [`ready`](Self::ready).
    pub fn reloading(&self) {
        let now = monotonic_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The server stops.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// The server makes progress.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// What cannot be sent is left out: a service manager that hangs must not hold up the server.
    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(message.as_bytes(), address)
        {
            tracing::debug!("cannot notify the service manager: {error}");
        }
    }
}

fn connect(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
