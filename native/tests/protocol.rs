//! Plays the core's conversations over real sockets, on each runtime: those that leave the clock
//! alone, since here it is the real one.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/conversations/mod.rs"]
mod conversations;
#[cfg(feature = "tls")]
#[path = "support/hear.rs"]
mod hear;
#[cfg(feature = "tls")]
#[path = "support/tls.rs"]
mod tls;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use conversations::{Conversation, Host};
use dynamidb::{Admin, Options, RuntimeName, Server};
use dynamidb_core::{Config, Protocol};

/// How long a reply may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long no reply must come to be taken for none; the end of the connection proves it.
const SILENCE: Duration = Duration::from_millis(10);
/// After which time the server is not going to read what it has not read.
const SETTLED: Duration = Duration::from_secs(1);

/// Conversations about what only the server has.
const OWN: &[(&str, &str)] = &[
    ("detail.txt", include_str!("conversations/detail.txt")),
    ("dumps.txt", include_str!("conversations/dumps.txt")),
    ("settings.txt", include_str!("conversations/settings.txt")),
    ("slabs.txt", include_str!("conversations/slabs.txt")),
];

#[test]
fn conversations_have_the_written_replies_over_a_socket() {
    for &runtime in RuntimeName::ALL {
        let mut played = 0;
        let own = OWN
            .iter()
            .flat_map(|(name, text)| conversations::parse(name, text));
        let all = conversations::all().chain(own);
        for conversation in all.filter(|conversation| !conversation.moves_clock()) {
            play(&conversation, runtime);
            played += 1;
        }
        assert!(played > 50, "{played} conversations");
    }
}

#[test]
fn packets_go_as_written_over_a_socket() {
    let path = std::env::temp_dir().join(format!("dynamidb-sasl-{}", std::process::id()));
    std::fs::write(&path, "ada:lovelace\n").unwrap();
    for &runtime in RuntimeName::ALL {
        let mut played = 0;
        let all = conversations::all_binary();
        for conversation in all.filter(|conversation| !conversation.moves_clock()) {
            let file = conversation.settings.sasl.then(|| path.clone());
            play_with(&conversation, runtime, file);
            played += 1;
        }
        assert!(played > 30, "{played} conversations");
    }
    std::fs::remove_file(&path).unwrap();
}

#[cfg(feature = "tls")]
#[test]
fn conversations_have_the_same_replies_by_tls() {
    let authority = tls::Authority::new();
    let config = std::sync::Arc::new(authority.config(rustls::ALL_VERSIONS));
    for &runtime in RuntimeName::ALL {
        let mut played = 0;
        let all = conversations::all().chain(conversations::all_binary());
        for conversation in all.filter(|conversation| !conversation.moves_clock()) {
            if conversation.settings.sasl {
                continue;
            }
            let mut options = Options::default();
            options.tls_cert = Some(authority.path("cert.pem"));
            options.tls_key = Some(authority.path("key.pem"));
            options.memcached.enable_ssl = true;
            play_on(&conversation, runtime, options, |address| {
                tls::bridge(address, &config)
            });
            played += 1;
        }
        assert!(played > 80, "{played} conversations");
    }
}

fn play(conversation: &Conversation, runtime: RuntimeName) {
    play_with(conversation, runtime, None);
}

fn play_with(conversation: &Conversation, runtime: RuntimeName, users: Option<PathBuf>) {
    let mut options = Options::default();
    options.auth_file = users;
    play_on(conversation, runtime, options, |address| address);
}

/// Plays with a server whose clients connect to the address that `reach` makes of the server's.
fn play_on(
    conversation: &Conversation,
    runtime: RuntimeName,
    mut options: Options,
    reach: impl Fn(SocketAddr) -> SocketAddr,
) {
    options.memcached.protocol = Some(conversation.settings.protocol);
    options.port = 0;
    options.admin = Admin::Off;
    options.runtime = runtime;
    options.threads = Some(2);
    options.dialect = conversation.settings.dialect;
    options.memory = Some(conversation.settings.memory);
    options.slab_sizes = Config::SLAB_SIZES.into();
    options.max_items = conversation.settings.max_items;
    options.max_item_size = Some(conversation.settings.item_size_max);
    options.output_max = conversation.settings.output_max;
    options.memcached.disable_flush_all = !conversation.settings.flush_enabled;
    options.memcached.disable_cas = !conversation.settings.cas_enabled;
    let server = Server::bind(&options).unwrap();
    let (address, stop) = (reach(server.local_addrs()[0]), server.stop_handle());
    let running = thread::spawn(|| server.run());

    let settings = &conversation.settings;
    let mut sockets = Sockets {
        address,
        clients: HashMap::new(),
        unanswered: None,
        said: 0,
        speaks_text: settings.protocol != Protocol::Binary && !settings.sasl,
        observer: None,
    };
    conversation.play(&mut sockets, &format!("over a socket, {runtime}"));
    for (name, client) in sockets.clients {
        let rest = client.rest();
        assert!(
            rest.is_empty(),
            "{}: {name} also heard {rest:?}",
            conversation.name
        );
    }
    stop.stop();
    running.join().unwrap().unwrap();
}

/// Clients, each with a thread that listens: a client that only talks can block for ever.
struct Sockets {
    address: SocketAddr,
    clients: HashMap<char, Client>,
    /// The clients that have sent something since the last reply.
    unanswered: Option<char>,
    /// How many bytes all of them have sent.
    said: usize,
    /// Whether an observer can ask. Without one clients must have nothing to do with each other.
    speaks_text: bool,
    /// Asks how many of them the server has read.
    observer: Option<Client>,
}

struct Client {
    socket: TcpStream,
    /// Closed when the server has closed the connection.
    heard: Receiver<Vec<u8>>,
    /// Heard while waiting for something else.
    early: Vec<u8>,
}

impl Sockets {
    fn client(&mut self, name: char) -> &mut Client {
        self.clients
            .entry(name)
            .or_insert_with(|| Client::connect(self.address))
    }

    /// Waits until the server has acted on everything that was said, but for what it does not want
    /// to read. There is no order between sockets, but in a conversation there is.
    fn settle(&mut self) {
        if !self.speaks_text {
            return;
        }
        let observer = self
            .observer
            .get_or_insert_with(|| Client::connect(self.address));
        let request = b"stats\r\n";
        let deadline = Instant::now() + SETTLED;
        loop {
            observer.say(request);
            let stats = observer.hear(PATIENCE, &|heard| heard.ends_with(b"END\r\n"));
            let stats = String::from_utf8(stats).unwrap();
            let read = stats
                .lines()
                .find_map(|line| line.strip_prefix("STAT bytes_read "));
            let read: usize = read.expect("stats has bytes_read").parse().unwrap();
            let settled = read >= self.said || Instant::now() > deadline;
            self.said += request.len();
            if settled {
                return;
            }
        }
    }
}

impl Host for Sockets {
    fn say(&mut self, name: char, bytes: &[u8]) {
        if self.unanswered.is_some_and(|other| other != name) {
            self.settle();
        }
        self.unanswered = Some(name);
        self.said += bytes.len();
        self.client(name).say(bytes);
    }

    fn hear(&mut self, name: char, enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        // Only a wait for silence ends with this.
        let for_silence = enough(b"\0anything");
        let patience = if for_silence { SILENCE } else { PATIENCE };
        if !for_silence {
            self.unanswered = None;
        }
        self.client(name).hear(patience, enough)
    }

    fn is_closed(&mut self, name: char) -> bool {
        self.unanswered = None;
        self.client(name).is_closed()
    }

    fn wait(&mut self, _millis: i64) {
        unreachable!("conversations that move the clock are not played");
    }
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        let mut listening = socket.try_clone().unwrap();
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(len @ 1..) = listening.read(&mut buffer) {
                if tell.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            socket,
            heard,
            early: Vec::new(),
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        // The server may have closed the connection; the replies show whether that was right.
        let _ = self.socket.write_all(bytes);
    }

    fn hear(&mut self, patience: Duration, enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        let deadline = Instant::now() + patience;
        while !enough(&self.early) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(bytes) => self.early.extend(bytes),
                Err(_) => break,
            }
        }
        std::mem::take(&mut self.early)
    }

    fn is_closed(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(bytes) => self.early.extend(bytes),
                Err(error) => return error == RecvTimeoutError::Disconnected,
            }
        }
    }

    /// Closes the sending side, and returns all replies until the server closes the connection.
    fn rest(mut self) -> Vec<u8> {
        let _ = self.socket.shutdown(Shutdown::Write);
        assert!(self.is_closed(), "the server keeps the connection");
        self.early
    }
}
