//! How the binary stops: signals, replies in progress, clients that do not read. On each runtime.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dynamidb::{Admin, Options, RuntimeName, Server};
use support::{Client, Process};

fn on_each_runtime(test: impl Fn(Process)) {
    for &runtime in RuntimeName::ALL {
        eprintln!("{runtime}");
        test(Process::start(runtime, "-m 64 -t 2"));
    }
}

/// Whether the server, which has ended, waited in vain for a client to read its replies.
fn gave_up_on_a_client(server: &Process) -> bool {
    let mut lines = server.later();
    lines.any(|line| line.contains("did not read its last replies"))
}

fn store(client: &mut Client, key: &str, value: &[u8]) {
    let head = format!("set {key} 0 0 {}\r\n", value.len());
    client.ask([head.as_bytes(), value, b"\r\n"].concat(), "STORED\r\n");
}

#[test]
fn sigint_and_sigterm_stop_the_server_with_status_0_and_free_the_port() {
    on_each_runtime(|mut server| {
        let mut idle = server.connect();
        idle.ask("version\r\n", "VERSION 1.6.45\r\n");
        let mut half = server.connect();
        half.ask("version\r\nset k 0 0 100\r\nabc", "VERSION 1.6.45\r\n");
        server.signal("INT");
        assert_eq!(server.wait().code(), Some(0));
        assert!(!gave_up_on_a_client(&server), "they owe nothing");
        assert_eq!(idle.rest(), b"");
        assert_eq!(half.rest(), b"");
        // The connections are in TIME_WAIT; that is no reason not to start again.
        assert!(TcpListener::bind(server.address).is_ok());
    });
}

#[test]
fn a_closed_log_does_not_stop_the_server() {
    let ports = std::env::temp_dir().join(format!("dynamidb-stop-ports-{}", std::process::id()));
    let mut command = support::command();
    command.env("MEMCACHED_PORT_FILENAME", &ports);
    command.args(["-v", "-l", "127.0.0.1", "-p", "0"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    let port = support::await_port(&ports);
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    let killed = Command::new("kill").arg(child.id().to_string()).status();
    assert!(killed.unwrap().success());
    assert_eq!(support::wait(&mut child).code(), Some(0));
}

#[test]
fn a_stop_finishes_replies_in_progress() {
    on_each_runtime(|mut server| {
        let value = vec![b'v'; 100_000];
        let mut client = server.connect();
        store(&mut client, "k", &value);
        client.say("get k\r\n".repeat(200));
        let reply = [&b"VALUE k 0 100000\r\n"[..], &value, b"\r\nEND\r\n"].concat();
        client.must_hear(&reply);
        server.signal("TERM");
        // Twenty megabytes are far more than the sockets hold.
        for _ in 1..200 {
            client.must_hear(&reply);
        }
        assert_eq!(client.rest(), b"");
        assert_eq!(server.wait().code(), Some(0));
    });
}

#[test]
fn no_reply_is_cut_while_requests_pour_in() {
    on_each_runtime(|mut server| {
        let mut client = server.connect();
        store(&mut client, "sum", b"0");
        let mut writer = client.socket.try_clone().unwrap();
        let requests = "incr sum 1\r\n".repeat(200);
        let pouring = thread::spawn(move || while writer.write_all(requests.as_bytes()).is_ok() {});
        let mut lines = BufReader::new(&client.socket);
        let mut sum = 0;
        let mut line = String::new();
        loop {
            line.clear();
            // An end, not an error: the connection is closed and not reset.
            if lines.read_line(&mut line).unwrap() == 0 {
                break;
            }
            sum += 1;
            assert_eq!(line, format!("{sum}\r\n"));
            if sum == 20_000 {
                server.signal("TERM");
            }
        }
        assert!(sum >= 20_000);
        client.socket.shutdown(Shutdown::Both).unwrap();
        pouring.join().unwrap();
        assert_eq!(server.wait().code(), Some(0));
    });
}

#[test]
fn a_client_that_reads_nothing_delays_a_stop_by_five_seconds() {
    on_each_runtime(|mut server| {
        let mut client = server.connect();
        store(&mut client, "k", &vec![b'v'; 1_000_000]);
        client.say("get k\r\n".repeat(100));
        client.must_hear("VALUE k 0 1000000\r\n");
        let asked = Instant::now();
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        assert!(
            asked.elapsed() >= Duration::from_secs(5),
            "{:?}",
            asked.elapsed()
        );
        assert!(gave_up_on_a_client(&server));
    });
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    on_each_runtime(|mut server| {
        let mut client = server.connect();
        store(&mut client, "k", &vec![b'v'; 1_000_000]);
        client.say("get k\r\n".repeat(100));
        client.must_hear("VALUE k 0 1000000\r\n");
        server.signal("TERM");
        server.await_log("stopping");
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(1));
        assert!(!gave_up_on_a_client(&server));
    });
}

#[test]
fn a_stop_under_load_cuts_no_reply_of_a_hundred_clients() {
    on_each_runtime(|mut server| {
        let clients: Vec<_> = (0..100)
            .map(|_| {
                let mut client = server.connect();
                thread::spawn(move || {
                    let mut lines = BufReader::new(client.socket.try_clone().unwrap());
                    loop {
                        let mut line = String::new();
                        // Until the server has closed the connection.
                        if client.socket.write_all(b"version\r\n").is_err() {
                            return;
                        }
                        match lines.read_line(&mut line) {
                            Ok(0) | Err(_) => return,
                            Ok(_) => assert_eq!(line, "VERSION 1.6.45\r\n"),
                        }
                    }
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(300));
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        assert!(!gave_up_on_a_client(&server));
        for client in clients {
            client.join().unwrap();
        }
    });
}

#[test]
fn a_program_can_run_several_servers_in_turn_and_at_once() {
    for &runtime in RuntimeName::ALL {
        let mut options = Options::default();
        options.port = 0;
        options.admin = Admin::Off;
        options.runtime = runtime;
        let start = || {
            let server = Server::bind(&options).unwrap();
            let address = server.local_addrs()[0];
            let stop = server.stop_handle();
            (address, stop, thread::spawn(|| server.run()))
        };
        for _ in 0..2 {
            let servers = [start(), start()];
            for (address, ..) in &servers {
                store(&mut Client::connect(*address), "k", b"v");
            }
            for (_, stop, running) in servers {
                stop.stop();
                running.join().unwrap().unwrap();
            }
        }
        // Stopped before it runs, it ends as soon as it does.
        let server = Server::bind(&options).unwrap();
        server.stop_handle().stop();
        server.run().unwrap();
    }
}
