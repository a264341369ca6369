//! The list of connected clients: for `stats conns`, and to wake all of them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use dynamidb_core::{Instant, Output};
use socket2::{SockAddr, Socket};

use crate::server::lock::lock;

/// What a connection waits for, for `stats conns`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum ConnState {
    /// A request.
    Waiting,
    /// The rest of a request.
    Reading,
    /// The client, to read replies.
    Writing,
    /// Log lines: the client watches.
    Watching,
}

impl ConnState {
    /// memcached's names.
    const NAMES: [&str; 4] = ["conn_parse_cmd", "conn_nread", "conn_mwrite", "conn_watch"];
}

/// One connected client.
#[derive(Debug)]
pub(crate) struct Client {
    /// Shown where memcached shows the file descriptor, but never used again.
    pub(crate) number: u64,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// The file of a Unix socket: the client's if it has one, or else the server's.
    file: Option<Box<Path>>,
    state: AtomicU8,
    /// When it connected.
    opened_at: Instant,
    /// When it last sent a request, in milliseconds since 1970.
    last_active: AtomicU64,
}

/// All connected clients.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    opened: AtomicU64,
    entries: Mutex<BTreeMap<u64, Entry>>,
}

/// A client and the waker of its connection.
#[derive(Debug)]
struct Entry {
    client: Arc<Client>,
    waker: Waker,
}

impl Clients {
    /// Adds a client; its connection is woken by `waker`.
    pub(crate) fn open(&self, now: Instant, socket: &Socket, waker: Waker) -> Arc<Client> {
        let address = |address: io::Result<SockAddr>| address.ok()?.as_socket();
        let file = |address: io::Result<SockAddr>| address.ok()?.as_pathname().map(Box::from);
        let number = self.opened.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client {
            number,
            peer: address(socket.peer_addr()),
            local: address(socket.local_addr()),
            file: file(socket.peer_addr()).or_else(|| file(socket.local_addr())),
            state: AtomicU8::new(ConnState::Waiting as u8),
            opened_at: now,
            last_active: AtomicU64::new(now.as_millis()),
        });
        let entry = Entry {
            client: Arc::clone(&client),
            waker,
        };
        lock(&self.entries).insert(number, entry);
        client
    }

    /// Removes a client.
    pub(crate) fn close(&self, client: &Client) {
        lock(&self.entries).remove(&client.number);
    }

    /// Whether a client is on this host: it came by a Unix socket or over loopback.
    pub(crate) fn is_local(&self, number: u64) -> bool {
        let entries = lock(&self.entries);
        entries
            .get(&number)
            .is_some_and(|Entry { client, .. }| match client.peer {
                Some(peer) => peer.ip().to_canonical().is_loopback(),
                None => client.file.is_some(),
            })
    }

    /// Wakes every connection, to look at a change that concerns all of them.
    pub(crate) fn wake_all(&self) {
        let wakers: Vec<_> = lock(&self.entries)
            .values()
            .map(|entry| entry.waker.clone())
            .collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Up to `limit` clients with numbers above `number`, in ascending order.
    pub(crate) fn after(&self, number: u64, limit: usize) -> Vec<Arc<Client>> {
        let entries = lock(&self.entries);
        let after = entries.range((Bound::Excluded(number), Bound::Unbounded));
        after
            .take(limit)
            .map(|(_, entry)| Arc::clone(&entry.client))
            .collect()
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
    /// Records that the client has sent a request.
    pub(crate) fn record_activity(&self, now: Instant) {
        self.last_active.store(now.as_millis(), Ordering::Relaxed);
    }

    /// How long ago its last request was.
    pub(crate) fn idle_for(&self, now: Instant) -> Duration {
        let last_active = self.last_active.load(Ordering::Relaxed);
        Duration::from_millis(now.as_millis().saturating_sub(last_active))
    }

    /// How long ago it connected.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.since(self.opened_at)
    }

    /// Where it comes from: an address with a port, or a Unix socket.
    pub(crate) fn origin(&self) -> String {
        match (self.peer, &self.file) {
            (Some(address), _) => address.to_string(),
            (None, Some(file)) => format!("unix:{}", file.display()),
            (None, None) => "unix".into(),
        }
    }

    /// What it waits for, by memcached's name.
    pub(crate) fn state_name(&self) -> &'static str {
        ConnState::NAMES[usize::from(self.state.load(Ordering::Relaxed))]
    }

    /// The address it comes from; none of a Unix socket.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.peer.map(|peer| peer.ip())
    }

    pub(crate) fn set_state(&self, state: ConnState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Writes its address as a line for a watcher has it.
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

    /// The address that the listener which accepted it is bound to.
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
        output: &mut dyn Output,
    ) -> fmt::Result {
        let number = self.number;
        let address = |address: Option<SocketAddr>| match (address, &self.file) {
            (Some(address), _) => format!("tcp:{address}"),
            (None, Some(file)) => format!("unix:{}", file.display()),
            (None, None) => "unix".into(),
        };
        let idle = self.idle_for(now).as_secs();
        write!(output, "STAT {number}:addr {}\r\n", address(self.peer))?;
        write!(
            output,
            "STAT {number}:listen_addr {}\r\n",
            address(self.listener(listeners))
        )?;
        write!(output, "STAT {number}:state {}\r\n", self.state_name())?;
        write!(output, "STAT {number}:secs_since_last_cmd {idle}\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_unix_sockets_and_loopback_are_local() {
        let clients = Clients::default();
        for (number, peer, file, is_local) in [
            (1, Some("127.0.0.1:1"), None, true),
            (2, Some("[::1]:1"), None, true),
            (3, Some("[::ffff:127.0.0.2]:1"), None, true),
            (4, Some("10.0.0.1:1"), None, false),
            (5, Some("[fe80::1]:1"), None, false),
            (6, None, Some("/run/dynamidb.sock"), true),
            // It has gone already: nobody knows from where it came.
            (7, None, None, false),
        ] {
            let client = Client {
                number,
                peer: peer.map(|peer| peer.parse().unwrap()),
                local: None,
                file: file.map(|file| Path::new(file).into()),
                state: AtomicU8::new(ConnState::Waiting as u8),
                opened_at: Instant::default(),
                last_active: AtomicU64::new(0),
            };
            let entry = Entry {
                client: Arc::new(client),
                waker: Waker::noop().clone(),
            };
            lock(&clients.entries).insert(number, entry);
            assert_eq!(clients.is_local(number), is_local, "{peer:?}");
        }
        assert!(!clients.is_local(8));
    }
}
