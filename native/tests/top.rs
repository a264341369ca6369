//! `top`: its screen on a terminal, its lines in a pipe.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};
use support::{PATIENCE, Process, command, wait};

fn top(server: &Process) -> Command {
    let mut top = command();
    top.args(["top", &server.address.to_string()]);
    top
}

#[test]
fn without_a_terminal_it_prints_a_line_each_second_until_nobody_reads() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let mut client = server.connect();
    client.ask("set k 0 0 1\r\n1\r\n", "STORED\r\n");
    let mut child = top(&server).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heading = lines.next().unwrap().unwrap();
    assert!(heading.trim_start().starts_with("gets/s"), "{heading}");
    let line = lines.next().unwrap().unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    // Nobody asked for anything; there is one item, and two clients.
    assert_eq!(words[..4], ["0", "0", "-", "1"], "{line}");
    assert_eq!(words[7], "2", "{line}");
    drop(lines);
    assert_eq!(wait(&mut child).code(), Some(0));
}

/// A terminal in which it runs. The other side of it is read to the end.
struct Terminal {
    child: Child,
    keys: File,
    terminal: File,
    shown: JoinHandle<Vec<u8>>,
    page: Receiver<()>,
    flags: LocalFlags,
}

fn in_a_terminal(server: &Process) -> Terminal {
    let pair = openpty(None, None).unwrap();
    let (keys, terminal) = (File::from(pair.master), File::from(pair.slave));
    let flags = tcgetattr(&terminal).unwrap().local_flags;
    let mut child = top(server);
    let child = child
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap());
    let child = child.spawn().unwrap();
    let mut screen = keys.try_clone().unwrap();
    let (tell, page) = mpsc::channel();
    let shown = thread::spawn(move || {
        let mut shown = Vec::new();
        let mut buffer = [0; 4096];
        while !shown.ends_with(b"\x1b[?1049l") {
            let len = screen.read(&mut buffer).unwrap();
            shown.extend_from_slice(&buffer[..len]);
            if shown.windows(6).any(|bytes| bytes == b"sent/s") {
                let _ = tell.send(());
            }
        }
        shown
    });
    // Keys come at once when it has begun.
    let deadline = Instant::now() + PATIENCE;
    while tcgetattr(&terminal).unwrap().local_flags == flags {
        assert!(Instant::now() < deadline, "it does not begin");
        thread::sleep(Duration::from_millis(5));
    }
    Terminal {
        child,
        keys,
        terminal,
        shown,
        page,
        flags,
    }
}

impl Terminal {
    fn await_page(&self) {
        self.page.recv_timeout(PATIENCE).unwrap();
    }

    /// What it has shown when it has ended; it leaves the terminal as it was.
    fn end(mut self) -> String {
        assert_eq!(wait(&mut self.child).code(), Some(0));
        assert_eq!(tcgetattr(&self.terminal).unwrap().local_flags, self.flags);
        let shown = String::from_utf8(self.shown.join().unwrap()).unwrap();
        assert!(shown.starts_with("\x1b[?1049h"), "{shown:?}");
        assert!(shown.ends_with("\x1b[?25h\x1b[?1049l"), "{shown:?}");
        shown
    }
}

#[test]
fn q_ends_it_and_leaves_the_terminal_as_it_was() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let mut terminal = in_a_terminal(&server);
    // Any other key brings the next page at once.
    terminal.keys.write_all(b"x").unwrap();
    terminal.await_page();
    terminal.keys.write_all(b"q").unwrap();
    let shown = terminal.end();
    assert!(shown.contains("hit ratio"), "{shown:?}");
}

#[test]
fn a_signal_ends_it_and_leaves_the_terminal_as_it_was() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let terminal = in_a_terminal(&server);
    let pid = terminal.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    terminal.end();
}
