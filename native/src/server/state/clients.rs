//! Who is connected: what `stats conns` tells, and what connections are called elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use dynamidb_core::Instant;
use socket2::{SockAddr, Socket};

/// What a connection is doing, by memcached's names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Doing {
    /// Waiting for a request.
    Waiting,
    /// Waiting for the rest of one.
    Reading,
    /// Waiting for the client to take replies.
    Writing,
    /// Watching others.
    Watching,
}

impl Doing {
    const NAMES: [&str; 4] = ["conn_parse_cmd", "conn_nread", "conn_mwrite", "conn_watch"];
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    /// Where memcached has the file descriptor. Ours is not used again.
    pub(crate) number: u64,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// The file of a Unix socket: the client's if it has one, or else the server's.
    file: Option<Box<Path>>,
    doing: AtomicU8,
    /// When it last said something, in milliseconds since 1970.
    last_heard: AtomicU64,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    opened: AtomicU64,
    places: Mutex<BTreeMap<u64, Place>>,
}

/// What is known of a connection from outside.
#[derive(Debug)]
struct Place {
    client: Arc<Client>,
    waker: Waker,
}

impl Connections {
    pub(crate) fn open(&self, now: Instant, socket: &Socket, waker: Waker) -> Arc<Client> {
        let address = |address: io::Result<SockAddr>| address.ok()?.as_socket();
        let file = |address: io::Result<SockAddr>| address.ok()?.as_pathname().map(Box::from);
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client {
            number,
            peer: address(socket.peer_addr()),
            local: address(socket.local_addr()),
            file: file(socket.peer_addr()).or_else(|| file(socket.local_addr())),
            doing: AtomicU8::new(Doing::Waiting as u8),
            last_heard: AtomicU64::new(now.as_millis()),
        });
        let place = Place {
            client: Arc::clone(&client),
            waker,
        };
        self.places().insert(number, place);
        client
    }

    pub(crate) fn close(&self, client: &Client) {
        self.places().remove(&client.number);
    }

    /// Wakes every connection: each can see now what has changed for all of them.
    pub(crate) fn wake_all(&self) {
        let wakers: Vec<_> = self.places().values().map(|p| p.waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Up to so many connections with numbers above this one.
    pub(crate) fn after(&self, number: u64, limit: usize) -> Vec<Arc<Client>> {
        let places = self.places();
        let after = places.range((Bound::Excluded(number), Bound::Unbounded));
        after
            .take(limit)
            .map(|(_, place)| Arc::clone(&place.client))
            .collect()
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<u64, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "connection {} of {peer}", self.number),
            None => write!(f, "connection {} of a Unix socket", self.number),
        }
    }
}

impl Client {
    /// Notes that the client has said something.
    pub(crate) fn heard(&self, now: Instant) {
        self.last_heard.store(now.as_millis(), Ordering::Relaxed);
    }

    /// For how long it has said nothing.
    pub(crate) fn quiet_for(&self, now: Instant) -> Duration {
        let last_heard = self.last_heard.load(Ordering::Relaxed);
        Duration::from_millis(now.as_millis().saturating_sub(last_heard))
    }

    pub(crate) fn set_doing(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::Relaxed);
    }

    /// Writes where it comes from, as in a line for a watcher.
    pub(crate) fn write_peer(&self, line: &mut Vec<u8>) -> io::Result<()> {
        match self.peer {
            Some(peer) => write!(
                line,
                "rip={} rport={} transport=tcp",
                peer.ip(),
                peer.port()
            ),
            None => write!(line, "rip=unix rport=0 transport=local"),
        }
    }

    /// The address of the listener that accepted it, as that was bound.
    fn listener(&self, listeners: &[SocketAddr]) -> Option<SocketAddr> {
        let local = self.local?;
        let accepts = |listener: &&SocketAddr| {
            let any = listener.ip().is_unspecified() && listener.is_ipv4() == local.is_ipv4();
            listener.port() == local.port() && any
        };
        let is_bound = listeners.contains(&local);
        let bound = listeners.iter().find(accepts).filter(|_| !is_bound);
        Some(bound.copied().unwrap_or(local))
    }

    /// Writes its lines of `stats conns`.
    pub(crate) fn write_stats(
        &self,
        now: Instant,
        listeners: &[SocketAddr],
        output: &mut Vec<u8>,
    ) -> io::Result<()> {
        let number = self.number;
        let address = |address: Option<SocketAddr>| match (address, &self.file) {
            (Some(address), _) => format!("tcp:{address}"),
            (None, Some(file)) => format!("unix:{}", file.display()),
            (None, None) => "unix".into(),
        };
        let doing = self.doing.load(Ordering::Relaxed);
        let quiet = self.quiet_for(now).as_secs();
        write!(output, "STAT {number}:addr {}\r\n", address(self.peer))?;
        write!(
            output,
            "STAT {number}:listen_addr {}\r\n",
            address(self.listener(listeners))
        )?;
        write!(
            output,
            "STAT {number}:state {}\r\n",
            Doing::NAMES[usize::from(doing)]
        )?;
        write!(output, "STAT {number}:secs_since_last_cmd {quiet}\r\n")
    }
}
