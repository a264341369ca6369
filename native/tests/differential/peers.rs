//! The two servers, ours and Debian's memcached, and a connection to each.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, thread};

use dynamidb::RuntimeName;
use fastrand::Rng;

use crate::replies;
use crate::support::{Process, await_port};

/// So much that nothing is ever evicted.
const MEMORY_MIB: &str = "256";

/// Their version: what is known of its differences holds for this one.
const THEIR_VERSION: &str = "memcached 1.6.18";

/// Both servers, running; stopped when this is dropped.
pub(crate) struct Servers {
    theirs: Memcached,
    ours: Process,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let ours = Process::start(RuntimeName::Tokio, &format!("-m {MEMORY_MIB} -t 2"));
        let theirs = Memcached::start();
        Self { theirs, ours }
    }

    /// A new connection to each: theirs, ours.
    pub(crate) fn connect(&self, patience: Duration) -> (Peer, Peer) {
        (
            Peer::connect(self.theirs.address, patience),
            Peer::connect(self.ours.address, patience),
        )
    }
}

/// Debian's memcached, running.
pub(crate) struct Memcached {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Memcached {
    pub(crate) fn start() -> Self {
        let version = Command::new("memcached").arg("-V").output();
        let version = version.expect("memcached must be installed: .ci/setup clients");
        let version = String::from_utf8_lossy(&version.stdout);
        assert_eq!(
            version.trim(),
            THEIR_VERSION,
            "its differences are not known"
        );
        // It chooses its port itself: one that is free now may be another's by then.
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("dynamidb-memcached-{}-{number}", process::id());
        let ports = env::temp_dir().join(name);
        let child = Command::new("memcached")
            .args(["-u", "root", "-l", "127.0.0.1", "-U", "0", "-t", "1"])
            // Its housekeeping holds items now and then, and then numbers are not padded.
            .args(["-o", "no_lru_maintainer,no_lru_crawler,no_hashexpand"])
            .args(["-m", MEMORY_MIB, "-p", "-1"])
            .env("MEMCACHED_PORT_FILENAME", &ports)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("memcached starts");
        let port = await_port(&ports);
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Self { child, address }
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was heard up to a fence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

/// Why nothing more was heard.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum End {
    Fence,
    #[default]
    Closed,
    /// It neither answered nor closed the connection.
    Silence,
}

/// A connection to one of the servers.
pub(crate) struct Peer {
    pub(crate) socket: TcpStream,
    heard: Vec<u8>,
}

impl Peer {
    fn connect(address: SocketAddr, patience: Duration) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(patience)).unwrap();
        socket.set_write_timeout(Some(patience)).unwrap();
        let heard = Vec::new();
        Self { socket, heard }
    }

    /// Sends this in a number of random pieces. Nothing happens if the server has disconnected.
    pub(crate) fn say(&mut self, mut bytes: &[u8], pieces: usize, rng: &mut Rng) {
        for _ in 1..pieces {
            let (piece, rest) = bytes.split_at(rng.usize(..=bytes.len()));
            let _ = self.socket.write_all(piece);
            // Lets the server read this piece alone, more often than not.
            thread::yield_now();
            bytes = rest;
        }
        let _ = self.socket.write_all(bytes);
    }

    pub(crate) fn say_no_more(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// What is heard up to each of this many fences; fewer if the connection ends before.
    pub(crate) fn hear(&mut self, fences: usize) -> Vec<Heard> {
        let mut segments = Vec::new();
        let (mut begin, mut at) = (0, 0);
        loop {
            while let Some((reply, len)) = replies::first(&self.heard[at..]) {
                if reply.is_fence() {
                    let bytes = self.heard[begin..at].to_vec();
                    let end = End::Fence;
                    segments.push(Heard { bytes, end });
                    begin = at + len;
                }
                at += len;
            }
            let end = if segments.len() >= fences {
                None
            } else {
                self.read()
            };
            if end.is_some() || segments.len() >= fences {
                let bytes = self.heard.split_off(begin);
                match end {
                    Some(end) => segments.push(Heard { bytes, end }),
                    None => self.heard = bytes,
                }
                return segments;
            }
        }
    }

    /// Reads what there is; says why there is no more.
    fn read(&mut self) -> Option<End> {
        let mut piece = [0; 64 * 1024];
        match self.socket.read(&mut piece) {
            Ok(0) => Some(End::Closed),
            Ok(len) => {
                self.heard.extend_from_slice(&piece[..len]);
                None
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Some(End::Closed),
            Err(_) => Some(End::Silence),
        }
    }
}
