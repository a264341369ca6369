//! The server's binary as a process, and a client that sends and expects exact bytes.

// Each test file uses its part of this.
#![allow(dead_code)]

pub(crate) mod hear;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use nix::fcntl::OFlag;

use self::hear::{hear_until, must_hear};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, without environment variables that set its options, and without an admin port
/// unless the command line asks for one: its default is the same for all.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynamidb"));
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("DYNAMIDB_") || name == "MEMCACHED_SASL_PWDB")
    {
        command.env_remove(name);
    }
    command.env("DYNAMIDB_ADMIN", "off");
    command
}

/// Runs the binary to its end.
pub(crate) fn run(words: &str) -> Output {
    command()
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Waits until a process ends.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The port in the file that a server writes when it listens. The file is removed.
pub(crate) fn await_port(file: &Path) -> u16 {
    let deadline = Instant::now() + PATIENCE;
    let text = loop {
        if let Ok(text) = fs::read_to_string(file) {
            break text;
        }
        assert!(Instant::now() < deadline, "there is no {}", file.display());
        thread::sleep(Duration::from_millis(5));
    };
    fs::remove_file(file).unwrap();
    let port = text.trim().strip_prefix("TCP INET: ");
    port.and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("a port: {text:?}"))
}

/// Opens a pipe to write to it, when somebody reads from it.
pub(crate) fn await_reader(pipe: &Path) -> File {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // It is refused while nobody reads.
        let mut options = File::options();
        let options = options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        if let Ok(file) = options.open(pipe) {
            return file;
        }
        assert!(Instant::now() < deadline, "nobody reads");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a test with a server on each runtime in turn.
pub(crate) fn on_each_runtime(words: &str, test: impl Fn(Process)) {
    for &runtime in RuntimeName::ALL {
        eprintln!("{runtime}");
        test(Process::start(runtime, words));
    }
}

/// The same, with io_uring where the system has it, and without.
pub(crate) fn in_each_mode(words: &str, test: impl Fn(Process)) {
    for io_uring in ["auto", "off"] {
        eprintln!("io_uring {io_uring}");
        on_each_runtime(&format!("{words} --io-uring {io_uring}"), &test);
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    /// No address, if it listens on a Unix socket.
    pub(crate) address: SocketAddr,
    /// The log lines before it was ready.
    pub(crate) log: Vec<String>,
    later: Receiver<String>,
}

impl Process {
    /// Starts it on a free port of 127.0.0.1.
    pub(crate) fn start(runtime: RuntimeName, words: &str) -> Self {
        let mut command = command();
        command.args([
            "-l",
            "127.0.0.1",
            "-p",
            "0",
            "--runtime",
            &runtime.to_string(),
        ]);
        command.args(words.split_whitespace());
        Self::spawn(&mut command)
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_with_input(command.stdin(Stdio::null()))
    }

    /// The same, with the standard input that the command has.
    pub(crate) fn spawn_with_input(command: &mut Command) -> Self {
        let command = command.stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, later) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Read to the end, so that the log is never full.
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut log: Vec<String> = Vec::new();
        while !log.last().is_some_and(|line| line.contains("try: ")) {
            let line = later.recv_timeout(PATIENCE);
            log.push(line.unwrap_or_else(|_| panic!("it did not start: {log:#?}")));
        }
        let listening = log
            .iter()
            .find_map(|line| line.split("listening on ").nth(1));
        let listening = listening.expect("it says where it listens");
        let address = match listening.strip_prefix('/') {
            Some(_) => SocketAddr::from(([0; 4], 0)),
            None => listening.parse().unwrap(),
        };
        Self {
            child,
            address,
            log,
            later,
        }
    }

    /// Where its admin port is.
    pub(crate) fn admin(&self) -> SocketAddr {
        let said = |line: &String| {
            let address = line.split("admin port: http://").nth(1)?;
            address.split('/').next()?.parse().ok()
        };
        self.log
            .iter()
            .find_map(said)
            .expect("it has an admin port")
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until all its threads are stopped after the signal `STOP`.
    pub(crate) fn await_stopped(&self) {
        let deadline = Instant::now() + PATIENCE;
        let stopped = || {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
            tasks.map_while(Result::ok).all(|task| {
                let stat = fs::read_to_string(task.path().join("stat")).unwrap();
                stat.rsplit(") ").next().unwrap().starts_with('T')
            })
        };
        while !stopped() {
            assert!(Instant::now() < deadline, "it does not stop");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Stops it; returns what it has logged since it was ready.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0));
        self.later().collect()
    }

    /// What it has logged since it was ready, until it ends.
    pub(crate) fn later(&self) -> impl Iterator<Item = String> {
        self.later.iter()
    }

    /// Waits until it logs a line with this text.
    pub(crate) fn await_log(&self, text: &str) {
        let mut lines = Vec::new();
        while !lines
            .last()
            .is_some_and(|line: &String| line.contains(text))
        {
            let line = self.later.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|_| panic!("no {text} in {lines:#?}")));
        }
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }

    /// How many open files it has.
    pub(crate) fn files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid()));
        files.unwrap().count()
    }

    /// Processor time used so far, in ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<_> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket }
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Expects exactly these bytes next.
    pub(crate) fn must_hear(&mut self, expected: impl AsRef<[u8]>) {
        must_hear(&mut self.socket, expected.as_ref());
    }

    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.say(request);
        self.must_hear(reply);
    }

    /// All bytes until the server closes the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).unwrap();
        rest
    }

    /// Sends the bytes, closes the sending side, and returns all replies.
    pub(crate) fn converse(mut self, bytes: impl AsRef<[u8]>) -> String {
        self.say(bytes);
        self.socket.shutdown(Shutdown::Write).unwrap();
        String::from_utf8(self.rest()).unwrap()
    }

    /// Whether the server closes the connection within this time. Replies are ignored.
    pub(crate) fn is_closed_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.socket.set_read_timeout(Some(left)).unwrap();
            match self.socket.read(&mut [0; 4096]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionReset,
            }
        }
    }

    /// A number from `stats`.
    pub(crate) fn stat(&mut self, name: &str) -> u64 {
        self.say("stats\r\n");
        let text = hear_until(&mut self.socket, "END\r\n");
        let prefix = format!("STAT {name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value
            .unwrap_or_else(|| panic!("no {name} in {text}"))
            .trim()
            .parse()
            .unwrap()
    }

    /// Waits until a number from `stats` meets a condition.
    pub(crate) fn await_stat(&mut self, name: &str, right: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.stat(name);
            if right(value) {
                return;
            }
            assert!(Instant::now() < deadline, "{name} stays {value}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Says the bytes to a server at a Unix socket, and returns all replies up to the end.
pub(crate) fn converse_at(path: &Path, bytes: &str) -> String {
    let mut socket = UnixStream::connect(path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(bytes.as_bytes()).unwrap();
    let mut replies = String::new();
    socket.read_to_string(&mut replies).unwrap();
    replies
}
