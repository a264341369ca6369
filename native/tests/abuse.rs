//! What clients may do to the server, and what may be done to its process, without harm to others.
//! On each runtime, with io_uring and without.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use support::{Client, PATIENCE, Process, in_each_mode};

/// How much processor time the server may use, in ticks of 10 ms, while a quiet client gets a
/// hundred replies beside greedy ones.
const TICKS_MAX: u64 = 1000;

#[test]
fn urgent_data_delays_no_request_behind_it() {
    in_each_mode("-t 1", |server| {
        let mut client = server.connect();
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        for marks in 1..4 {
            // All of it arrives before the server reads.
            server.signal("STOP");
            server.await_stopped();
            for _ in 0..marks {
                client.say("version\r\n");
                let sent = SockRef::from(&client.socket).send_out_of_band(b"!");
                assert_eq!(sent.unwrap(), 1);
            }
            client.say("version\r\n");
            server.signal("CONT");
            // Of several urgent bytes only the last is urgent; the others are part of the input.
            client.must_hear("VERSION 1.6.45\r\n");
            for _ in 1..marks {
                client.must_hear("ERROR\r\n");
            }
            client.must_hear("VERSION 1.6.45\r\n");
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
        }
        server.stop();
    });
}

/// Sends requests and reads replies as fast as it can, until it is told to end.
fn be_greedy(address: SocketAddr, end: &AtomicBool) {
    let client = Client::connect(address);
    let mut reader = client.socket.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || while reader.read(&mut [0; 65536]).is_ok_and(|n| n > 0) {});
        let mut writer = &client.socket;
        let gets = "get nothing\r\n".repeat(5000);
        while !end.load(Ordering::Relaxed) && writer.write_all(gets.as_bytes()).is_ok() {}
        client.socket.shutdown(Shutdown::Both).unwrap();
    });
}

/// The processor time that the server uses until a quiet client has had a hundred replies.
fn ticks_of_a_quiet_client(server: &Process) -> u64 {
    let mut client = server.connect();
    let before = server.ticks();
    for _ in 0..100 {
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
    }
    server.ticks() - before
}

#[test]
fn a_quiet_client_is_served_soon_beside_ten_greedy_ones() {
    in_each_mode("-t 1", |server| {
        let end = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..10 {
                let (address, end) = (server.address, &end);
                scope.spawn(move || be_greedy(address, end));
            }
            server
                .connect()
                .await_stat("conn_yields", |yields| yields > 10);
            // The test may have to wait for a processor meanwhile, but hardly in each round.
            let mut ticks = (0..5).map(|_| ticks_of_a_quiet_client(&server));
            let fair = ticks.any(|ticks| {
                eprintln!("{ticks} ticks");
                ticks <= TICKS_MAX
            });
            end.store(true, Ordering::Relaxed);
            assert!(fair, "never below {TICKS_MAX} ticks");
        });
        server.stop();
    });
}

#[test]
fn buffers_of_all_clients_together_are_bounded() {
    in_each_mode("-m 64", |server| {
        let mut watcher = server.connect();
        let half = [b"set k 0 0 1000000\r\n", &vec![b'x'; 900_000][..]].concat();
        let mut clients = Vec::new();
        for _ in 0..400 {
            let mut client = server.connect();
            // From some point on it is disconnected.
            let _ = client.socket.write_all(&half);
            clients.push(client);
        }
        watcher.await_stat("overfull_connections", |count| count > 0);
        assert!(watcher.stat("buffered") <= 256 << 20);
        let resident = server.resident();
        assert!(resident < (256 + 64) * 1024, "{resident} KiB");
        watcher.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        drop(clients);
        watcher.await_stat("buffered", |bytes| bytes == 0);
        watcher.await_stat("curr_connections", |count| count == 1);
        let log = server.stop().join("\n");
        assert!(
            (1..3).contains(&log.matches("overfull_connections").count()),
            "{log}"
        );
    });
}

#[test]
fn large_replies_to_many_clients_at_once_are_bounded() {
    in_each_mode("-t 1 -m 128 -I 16m", |server| {
        let mut watcher = server.connect();
        let value = vec![b'x'; 16_000_000];
        watcher.say("set k 0 0 16000000\r\n");
        watcher.say(&value);
        watcher.ask("\r\n", "STORED\r\n");
        let mut clients: Vec<_> = (0..64).map(|_| server.connect()).collect();
        let ask = |client: &mut Client| client.ask("version\r\n", "VERSION 1.6.45\r\n");
        clients.iter_mut().for_each(ask);
        // All requests have arrived when it continues.
        server.signal("STOP");
        server.await_stopped();
        clients
            .iter_mut()
            .for_each(|client| client.say("get k\r\n"));
        server.signal("CONT");
        watcher.await_stat("overfull_connections", |count| count > 0);
        assert!(watcher.stat("buffered") <= 256 << 20);
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak: u64 = peak.unwrap().trim_end_matches("kB").trim().parse().unwrap();
        assert!(peak < (256 + 128) * 1024, "{peak} KiB");
        drop(clients);
        watcher.await_stat("buffered", |bytes| bytes == 0);
        watcher.await_stat("curr_connections", |count| count == 1);
    });
}

#[test]
fn an_item_that_expired_while_the_process_was_stopped_is_not_served() {
    in_each_mode("-m 64", |server| {
        let mut client = server.connect();
        for number in 0..200 {
            client.ask(format!("set k{number} 0 1 1\r\nv\r\n"), "STORED\r\n");
        }
        client.ask("set lasting 0 60 1\r\nv\r\n", "STORED\r\n");
        server.signal("STOP");
        server.await_stopped();
        let gets: String = (0..200)
            .map(|number| format!("get k{number}\r\n"))
            .collect();
        client.say(gets + "get lasting\r\n");
        thread::sleep(Duration::from_millis(1500));
        server.signal("CONT");
        client.must_hear("END\r\n".repeat(200) + "VALUE lasting 0 1\r\nv\r\nEND\r\n");
        server.stop();
    });
}

#[test]
fn rejected_clients_that_stay_hold_few_files_for_a_short_time() {
    in_each_mode("-m 64 -c 1", |server| {
        let mut first = server.connect();
        first.ask("version\r\n", "VERSION 1.6.45\r\n");
        let (files, mut most) = (server.files(), 0);
        let mut refused = Vec::new();
        for _ in 0..300 {
            let mut client = server.connect();
            client.must_hear("ERROR Too many open connections\r\n");
            refused.push(client);
            most = most.max(server.files() - files);
        }
        // A few more are being closed.
        assert!((2..64 + 8).contains(&most), "{most} files");
        let deadline = Instant::now() + PATIENCE;
        while server.files() > files {
            assert!(Instant::now() < deadline, "{} files", server.files());
            thread::sleep(Duration::from_millis(10));
        }
        for mut client in refused {
            assert_eq!(client.rest(), b"");
        }
        first.ask("version\r\n", "VERSION 1.6.45\r\n");
        server.stop();
    });
}

/// For how long the process below may be silent, and for how long it is stopped.
const TIMEOUTS: &str = "-m 64 -t 2 --stall-timeout 6 -o idle_timeout=6";
const STOPPED: Duration = Duration::from_millis(7500);

#[test]
fn input_that_arrived_while_the_process_was_stopped_prevents_a_timeout() {
    in_each_mode(TIMEOUTS, |server| {
        let value = vec![b'v'; 1_000_000];
        let reply = [b"VALUE k 0 1000000\r\n", &value[..], b"\r\nEND\r\n"].concat();
        let store = [b"set k 0 0 1000000\r\n", &value[..], b"\r\n"].concat();
        let mut clients: Vec<_> = (0..16).map(|_| server.connect()).collect();
        let (readers, others) = clients.split_at_mut(4);
        readers[0].ask(store, "STORED\r\n");
        for reader in &mut *readers {
            reader.say("get k\r\n".repeat(20));
        }
        for (number, client) in others.iter_mut().enumerate() {
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
            if number % 2 == 0 {
                client.say("get not");
            }
        }
        server
            .connect()
            .await_stat("buffered", |bytes| bytes >= 4 * 1_000_000);
        server.signal("STOP");
        server.await_stopped();
        let stopped = Instant::now();
        // These take the file descriptors that are left.
        let mut heard = vec![Vec::new(); readers.len()];
        for (reader, heard) in readers.iter_mut().zip(&mut heard) {
            let pause = Some(Duration::from_millis(200));
            reader.socket.set_read_timeout(pause).unwrap();
            let ended = reader.socket.read_to_end(heard).unwrap_err();
            assert_eq!(ended.kind(), ErrorKind::WouldBlock);
            reader.socket.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        for (number, client) in others.iter_mut().enumerate() {
            client.say(["hing\r\n", "get nothing\r\n"][number % 2]);
        }
        thread::sleep(STOPPED.saturating_sub(stopped.elapsed()));
        server.signal("CONT");
        for client in others {
            client.must_hear("END\r\n");
        }
        let mut watcher = server.connect();
        assert_eq!(watcher.stat("idle_kicks"), 0);
        assert_eq!(watcher.stat("stalled_connections"), 0);
        for (reader, heard) in readers.iter_mut().zip(heard) {
            let all = reply.repeat(20);
            assert!(heard.len() < all.len() && all.starts_with(&heard));
            reader.must_hear(&all[heard.len()..]);
        }
        server.stop();
    });
}

#[test]
fn a_client_that_was_idle_while_the_process_was_stopped_times_out() {
    in_each_mode(TIMEOUTS, |server| {
        let mut idle = server.connect();
        idle.ask("version\r\n", "VERSION 1.6.45\r\n");
        let mut half = server.connect();
        half.ask("version\r\nget not", "VERSION 1.6.45\r\n");
        server.signal("STOP");
        server.await_stopped();
        thread::sleep(STOPPED);
        server.signal("CONT");
        assert!(idle.is_closed_within(PATIENCE) && half.is_closed_within(PATIENCE));
        let mut watcher = server.connect();
        assert_eq!(watcher.stat("idle_kicks"), 1);
        assert_eq!(watcher.stat("stalled_connections"), 1);
        server.stop();
    });
}

#[test]
fn thousands_of_short_connections_leave_no_memory_or_files() {
    in_each_mode("-m 64 -c 100", |server| {
        let mut watcher = server.connect();
        // Only a server that serves has opened what it needs for itself.
        watcher.ask("version\r\n", "VERSION 1.6.45\r\n");
        let (files, address) = (server.files(), server.address);
        thread::scope(|scope| {
            for worker in 0..4 {
                scope.spawn(move || {
                    for round in 0..500 {
                        let mut client = Client::connect(address);
                        let _ = client
                            .socket
                            .write_all(b"get nothing\r\nset k 0 0 9\r\nhal");
                        if (round + worker) % 2 == 0 {
                            let linger = Some(Duration::ZERO);
                            SockRef::from(&client.socket).set_linger(linger).unwrap();
                        }
                    }
                });
            }
        });
        watcher.await_stat("curr_connections", |count| count == 1);
        watcher.await_stat("buffered", |bytes| bytes == 0);
        let deadline = Instant::now() + PATIENCE;
        while server.files() > files {
            assert!(
                Instant::now() < deadline,
                "{} files are open",
                server.files()
            );
            thread::sleep(Duration::from_millis(10));
        }
        watcher.ask("get k\r\n", "END\r\n");
        server.stop();
    });
}

#[test]
fn an_endless_request_is_not_kept_in_memory() {
    in_each_mode("-m 64", |server| {
        let mut watcher = server.connect();
        let before = server.resident();
        let mut keys = server.connect();
        keys.say("get ");
        for _ in 0..64 {
            keys.say("k ".repeat(32 * 1024));
        }
        let mut blanks = server.connect();
        let _ = blanks.socket.write_all(&vec![b'x'; 4 << 20]);
        assert!(blanks.is_closed_within(PATIENCE));
        assert!(watcher.stat("buffered") < 1 << 20);
        let growth = server.resident().saturating_sub(before);
        assert!(growth < 4096, "{growth} KiB");
        keys.ask("\r\n", "END\r\n");
        server.stop();
    });
}

#[test]
fn a_client_that_sends_on_after_quit_is_closed_in_bounded_time() {
    in_each_mode("-m 64", |server| {
        let mut client = server.connect();
        client.say("quit\r\n");
        let mut closed = || client.socket.write_all(b"x").is_err();
        let deadline = Instant::now() + PATIENCE;
        while !closed() {
            assert!(Instant::now() < deadline, "it lingers for ever");
            thread::sleep(Duration::from_millis(10));
        }
    });
}
