//! Descriptors that others hold, most of all a log that is not read: they delay neither a request
//! nor the end.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::cell::OnceCell;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use dynamidb::RuntimeName;
use support::{Client, PATIENCE, wait};

/// A server that may say nothing of its start. Killed when it is dropped.
struct Silent {
    child: Child,
    /// Where it says on which port it listens.
    ports: PathBuf,
    address: OnceCell<SocketAddr>,
}

impl Silent {
    fn spawn(command: Command, words: &str, stderr: impl Into<Stdio>) -> Self {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        Self::spawn_with(path(&format!("ports-{number}")), command, words, stderr)
    }

    /// The same, with the file that says on which port it listens.
    fn spawn_with(
        ports: PathBuf,
        mut command: Command,
        words: &str,
        stderr: impl Into<Stdio>,
    ) -> Self {
        command.env("MEMCACHED_PORT_FILENAME", &ports);
        command.args(["-l", "127.0.0.1", "-p", "0"]);
        command.args(words.split_whitespace());
        let child = command.stdin(Stdio::null()).stderr(stderr).spawn().unwrap();
        let address = OnceCell::new();
        Self {
            child,
            ports,
            address,
        }
    }

    /// Waits until it listens.
    fn connect(&self) -> Client {
        let address = self.address.get_or_init(|| {
            let port = support::await_port(&self.ports);
            SocketAddr::from(([127, 0, 0, 1], port))
        });
        Client::connect(*address)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A full stream, and its other end, which only the test reads.
fn full_stream() -> (UnixStream, UnixStream) {
    let (reader, mut writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    while writer.write(&[b'.'; 1000]).is_ok() {}
    while writer.write(b".").is_ok() {}
    writer.set_nonblocking(false).unwrap();
    (reader, writer)
}

fn on_each_runtime(words: &str, stderr: impl Fn() -> Stdio, test: impl Fn(Silent)) {
    for &runtime in RuntimeName::ALL {
        eprintln!("{runtime}");
        let words = format!("{words} --runtime {runtime}");
        test(Silent::spawn(support::command(), &words, stderr()));
    }
}

/// A file of this test alone.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("dynamidb-log-{}-{name}", std::process::id()))
}

fn fifo(name: &str) -> PathBuf {
    let path = path(name);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// Lets it log more lines than wait to be written: each of these is a line.
fn log_much(server: &Silent) {
    let mut client = server.connect();
    for _ in 0..50 {
        client.say("cache_memlimit 900000000\r\n".repeat(100));
        let refusal = "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n";
        client.must_hear(refusal.repeat(100));
    }
    assert!(client.stat("log_lines_dropped") > 0);
}

#[test]
fn an_unread_log_delays_neither_requests_nor_a_stop() {
    let (_reader, writer) = full_stream();
    let stderr = || Stdio::from(OwnedFd::from(writer.try_clone().unwrap()));
    on_each_runtime("-vv", stderr, |mut server| {
        let mut client = server.connect();
        client.ask(
            "set k 0 0 1\r\nv\r\nget k\r\n",
            "STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n",
        );
        log_much(&server);
        client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        server.signal("HUP");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
    });
}

#[test]
fn lost_log_lines_are_counted_and_logged_when_the_log_is_read_again() {
    let (reader, writer) = full_stream();
    let stderr = OwnedFd::from(writer);
    let mut server = Silent::spawn(support::command(), "-vv", Stdio::from(stderr));
    log_much(&server);
    let mut client = server.connect();
    reader.set_read_timeout(Some(PATIENCE)).unwrap();
    let lines = BufReader::new(reader).lines().map_while(Result::ok);
    let mut lines = lines.skip_while(|line| !line.contains("lines of this log were dropped"));
    let said = lines.next().expect("it says how many");
    let lost = said
        .split_whitespace()
        .find_map(|word| word.parse::<u64>().ok());
    assert_eq!(lost, Some(client.stat("log_lines_dropped")), "{said}");
    client.ask("stats reset\r\n", "RESET\r\n");
    assert_eq!(client.stat("log_lines_dropped"), 0);
    server.signal("TERM");
    // Later lines are logged again.
    assert!(lines.any(|line| line.contains("stopping")));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_non_blocking_log_stream_loses_no_line() {
    let (reader, writer) = full_stream();
    writer.set_nonblocking(true).unwrap();
    let stderr = OwnedFd::from(writer);
    let mut server = Silent::spawn(support::command(), "", Stdio::from(stderr));
    server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
    let text = thread::spawn(move || {
        let mut text = String::new();
        BufReader::new(reader)
            .read_to_string(&mut text)
            .map(|_| text)
    });
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let text = text.join().unwrap().unwrap();
    let text = text.trim_start_matches('.');
    for part in ["listening on", "try: ", "stopping"] {
        assert!(text.contains(part), "{part} is lost: {text}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_on_a_full_disk_is_counted_as_lost() {
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    on_each_runtime("-v", full, |mut server| {
        let mut client = server.connect();
        client.await_stat("log_lines_dropped", |lines| lines >= 3);
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
    });
}

/// Whether a line is an object of strings, the first of which are a time, this level and a message.
fn is_json_line(line: &str, level: &str) -> bool {
    let object = line
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let strings: Vec<_> = object.unwrap_or_default().split('"').collect();
    let [
        _,
        "time",
        ":",
        time,
        ",",
        "level",
        ":",
        its,
        ",",
        "message",
        ":",
        ..,
        "",
    ] = strings[..]
    else {
        return false;
    };
    time.len() == "2026-11-30T20:10:45.000000Z".len() && time.ends_with('Z') && its == level
}

#[test]
fn every_line_of_a_json_log_is_an_object() {
    let file = path("json");
    let mut command = support::command();
    command.env("DYNAMIDB_NO_SUCH_OPTION", "1");
    let words = "--log-format json -v";
    let mut server = Silent::spawn(command, words, fs::File::create(&file).unwrap());
    server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    let log = fs::read_to_string(&file).unwrap();
    let mut levels: Vec<_> = Vec::new();
    for line in log.lines() {
        let known = ["info", "debug", "warning"]
            .into_iter()
            .find(|level| is_json_line(line, level));
        levels.push(known.unwrap_or_else(|| panic!("{line}")));
    }
    assert_eq!(levels[0], "warning");
    assert!(
        levels.len() > 5 && levels.contains(&"info") && levels.contains(&"debug"),
        "{log}"
    );
    // What ends the process is an object as well.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = support::command();
    let output = command
        .args(["--log-format", "json", "-p", &port])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let last = said.lines().last().unwrap();
    assert!(
        is_json_line(last, "error") && last.contains("cannot listen on"),
        "{said}"
    );
    fs::remove_file(&file).unwrap();
}

#[test]
fn an_error_at_the_start_ends_the_process_if_its_log_is_not_read() {
    let (_reader, writer) = full_stream();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let taken = format!("-p {port}");
    for (words, code) in [("--no-such-option", 2), (&taken, 1)] {
        let stderr = OwnedFd::from(writer.try_clone().unwrap());
        let mut ended = Silent::spawn(support::command(), words, stderr);
        assert_eq!(ended.wait().code(), Some(code), "{words:?}");
    }
}

#[test]
fn a_pipe_as_the_file_of_users_delays_no_signal() {
    let file = fifo("users");
    let words = format!("-Y {}", file.display());
    let start = || Silent::spawn(support::command(), &words, Stdio::null());
    // At the start it waits, but can be ended.
    let mut waiting = start();
    let users = support::await_reader(&file);
    waiting.signal("TERM");
    assert!(!waiting.wait().success());
    drop(users);
    let mut server = start();
    fs::write(&file, "ada:lovelace\n").unwrap();
    let mut client = server.connect();
    for _ in 0..3 {
        server.signal("HUP");
        client.ask("set auth 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
    }
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0));
    fs::remove_file(file).unwrap();
}

#[test]
fn a_pipe_as_the_file_of_ports_is_neither_waited_for_nor_replaced() {
    let start =
        |ports: &Path| Silent::spawn_with(ports.into(), support::command(), "", Stdio::null());
    let (ports, unfinished) = (path("ports"), fifo("ports.lck"));
    let mut server = start(&ports);
    server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
    assert!(!unfinished.exists());
    server.signal("TERM");
    server.wait();
    let pipe = fifo("pipe");
    assert_eq!(start(&pipe).wait().code(), Some(1));
    assert!(!fs::metadata(&pipe).unwrap().is_file());
    fs::remove_file(pipe).unwrap();
}
