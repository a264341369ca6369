//! A Unix socket instead of addresses.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::RuntimeName;
use socket2::{Domain, SockAddr, Socket, Type};
use support::{PATIENCE, Process, command, converse_at};

/// A path short enough for a socket, with nothing there.
fn path(name: &str) -> PathBuf {
    let name = format!("dynamidb-{}-{name}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = fs::remove_file(&path);
    path
}

fn server(runtime: RuntimeName, words: &str) -> Command {
    let mut server = command();
    server.args(["--runtime", &runtime.to_string()]);
    server.args(words.split_whitespace());
    server
}

#[test]
fn a_unix_socket_is_served_and_its_file_removed_at_the_end() {
    for &runtime in RuntimeName::ALL {
        let path = path("served");
        // As a server that was killed leaves it.
        drop(UnixListener::bind(&path).unwrap());
        let words = format!("-t 2 -s {} -a 720", path.display());
        let process = Process::spawn(&mut server(runtime, &words));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o720);
        let value = "v".repeat(300_000);
        for _ in 0..4 {
            let sent = format!("set k 0 0 300000\r\n{value}\r\nget k\r\nquit\r\n");
            let replies = converse_at(&path, &sent);
            assert!(replies == format!("STORED\r\nVALUE k 0 300000\r\n{value}\r\nEND\r\n"));
        }
        let replies = converse_at(&path, "stats settings\r\nstats conns\r\nquit\r\n");
        for line in [
            format!("STAT domain_socket {}\r\n", path.display()),
            "STAT umask 720\r\n".into(),
            format!("STAT listen0:addr unix:{}\r\n", path.display()),
            format!(":addr unix:{}\r\n", path.display()),
            format!(":listen_addr unix:{}\r\n", path.display()),
        ] {
            assert!(replies.contains(&line), "{line}{replies}");
        }
        process.stop();
        assert!(!path.exists());
    }
}

#[test]
fn the_server_listens_on_addresses_and_unix_sockets_together() {
    for &runtime in RuntimeName::ALL {
        let paths = ["one", "two", "three"].map(path);
        let [one, two, three] = paths.each_ref().map(|path| path.display());
        let words = format!(
            "-p 0 -l 127.0.0.1,unix:{one} -l 127.0.0.1:0 -s {two} -s {three} -s {two} -a 750"
        );
        let process = Process::spawn(&mut server(runtime, &words));
        let log = process.log.join("\n");
        assert_eq!(log.matches("listening on 127.0.0.1:").count(), 2, "{log}");
        assert_eq!(log.matches("listening on /").count(), 3, "{log}");
        process.connect().ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        for path in &paths {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o750);
            let replies = converse_at(path, "get k\r\nquit\r\n");
            assert_eq!(replies, "VALUE k 0 1\r\nv\r\nEND\r\n");
        }
        let replies = process.connect().converse("stats conns\r\n");
        for (number, path) in (2..).zip(&paths) {
            let line = format!("STAT listen{number}:addr unix:{}\r\n", path.display());
            assert!(replies.contains(&line), "{line}: {replies}");
        }
        process.stop();
        assert!(!paths.iter().any(|path| path.exists()));
    }
}

#[test]
fn the_socket_file_of_a_successor_is_kept() {
    let path = path("successor");
    let words = format!("-s {}", path.display());
    let old = Process::spawn(&mut server(RuntimeName::DEFAULT, &words));
    // As before a start of another server: the old one has connections to finish.
    fs::remove_file(&path).unwrap();
    let new = Process::spawn(&mut server(RuntimeName::DEFAULT, &words));
    old.stop();
    assert_eq!(converse_at(&path, "get k\r\nquit\r\n"), "END\r\n");
    new.stop();
    assert!(!path.exists());
}

#[test]
fn of_servers_that_start_on_one_stale_socket_one_succeeds() {
    let path = path("left-over");
    for _ in 0..10 {
        drop(UnixListener::bind(&path).unwrap());
        let mut children: Vec<_> = (0..6)
            .map(|_| {
                let words = format!("-A -t 1 -s {}", path.display());
                let mut server = server(RuntimeName::DEFAULT, &words);
                server.stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let mut logs: Vec<_> = children
            .iter_mut()
            .map(|child| BufReader::new(child.stderr.take().unwrap()).lines())
            .collect();
        let decided = |line: &String| line.contains("try: ") || line.starts_with("error: ");
        let outcomes: Vec<_> = logs
            .iter_mut()
            .map(|log| log.map(Result::unwrap).find(decided).unwrap())
            .collect();
        let losers = outcomes
            .iter()
            .filter(|line| line.starts_with("error: cannot listen on "));
        assert_eq!(losers.count(), 5, "{outcomes:#?}");
        // It is reachable, and stops by a command.
        assert_eq!(converse_at(&path, "shutdown\r\n"), "");
        for child in &mut children {
            child.wait().unwrap();
        }
    }
}

#[test]
fn a_half_closed_watcher_on_a_unix_socket_gets_lines_until_it_leaves() {
    for &runtime in RuntimeName::ALL {
        let path = path("watched");
        let words = format!("-t 2 -s {}", path.display());
        let process = Process::spawn(&mut server(runtime, &words));
        let mut watcher = UnixStream::connect(&path).unwrap();
        watcher.set_read_timeout(Some(PATIENCE)).unwrap();
        watcher.write_all(b"watch fetchers\r\n").unwrap();
        watcher.shutdown(Shutdown::Write).unwrap();
        let mut lines = BufReader::new(watcher).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "OK");
        assert_eq!(converse_at(&path, "get k\r\nquit\r\n"), "END\r\n");
        assert!(
            lines
                .next()
                .unwrap()
                .unwrap()
                .contains("type=item_get key=k ")
        );
        let watchers = |count: u8| {
            let line = format!("STAT log_watchers {count}\r\n");
            converse_at(&path, "stats\r\nquit\r\n").contains(&line)
        };
        assert!(watchers(1));
        drop(lines);
        let deadline = Instant::now() + PATIENCE;
        while !watchers(0) {
            assert!(Instant::now() < deadline, "it is still there");
            thread::sleep(Duration::from_millis(10));
        }
        process.stop();
    }
}

#[test]
fn a_socket_in_use_and_other_files_are_not_replaced() {
    let path = path("in-use");
    let words = format!("-s {}", path.display());
    let refused = || {
        let output = server(RuntimeName::DEFAULT, &words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!("error: cannot listen on {}: ", path.display());
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&expected), "{said}");
        said
    };
    let process = Process::spawn(&mut server(RuntimeName::DEFAULT, &words));
    refused();
    assert_eq!(converse_at(&path, "get k\r\nquit\r\n"), "END\r\n");
    process.stop();
    // What takes no connections is in use all the same.
    let datagrams = UnixDatagram::bind(&path).unwrap();
    refused();
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"!", &path)
        .unwrap();
    drop(datagrams);
    fs::remove_file(&path).unwrap();
    // So is what has no room for one more.
    let busy = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    busy.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    busy.listen(0).unwrap();
    let waiting = UnixStream::connect(&path).unwrap();
    refused();
    drop((waiting, busy));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    assert!(refused().ends_with("a file that is not a socket has that name\n"));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(refused().ends_with("a directory has that name\n"));
    fs::remove_dir(&path).unwrap();
}

#[test]
fn a_socket_path_may_have_the_systems_maximum_length() {
    let base = path("");
    let longer = |by| PathBuf::from(format!("{}{}", base.display(), "x".repeat(by)));
    let fits = |by: &usize| SocketAddr::from_pathname(longer(*by)).is_ok();
    let by = (0..).take_while(fits).last().unwrap();
    let (longest, too_long) = (longer(by), longer(by + 1));
    let words = format!("-s {}", longest.display());
    let process = Process::spawn(&mut server(RuntimeName::DEFAULT, &words));
    assert_eq!(converse_at(&longest, "get k\r\nquit\r\n"), "END\r\n");
    process.stop();
    let words = format!("-s {}", too_long.display());
    let output = server(RuntimeName::DEFAULT, &words).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: cannot listen on "), "{said}");
}
