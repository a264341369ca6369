//! The binary under clients of all kinds: many, slow, silent, vanishing. On each runtime, with
//! io_uring and without.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Read;
use std::process::Command;
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use support::{Client, PATIENCE, in_each_mode};

const KIB: u64 = 1024;

/// A value in which every position differs from the others.
fn long_value(len: usize) -> Vec<u8> {
    (0..len / 8)
        .flat_map(|number| format!("{number:07}.").into_bytes())
        .collect()
}

fn reply(key: &str, value: &[u8]) -> Vec<u8> {
    let head = format!("VALUE {key} 0 {}\r\n", value.len());
    [head.as_bytes(), value, b"\r\nEND\r\n"].concat()
}

fn store(client: &mut Client, key: &str, value: &[u8]) {
    let head = format!("set {key} 0 0 {}\r\n", value.len());
    client.ask([head.as_bytes(), value, b"\r\n"].concat(), "STORED\r\n");
}

#[test]
fn the_documented_examples_work_for_a_client_that_half_closes() {
    in_each_mode("", |server| {
        for (said, heard) in [
            ("SET key1 30 5\r\nhello\r\n\r\n", "STORED\r\n"),
            ("GET key1\r\n\r\n", "VALUE key1 5\r\nhello\r\nEND\r\n"),
            ("DELETE key1\r\n\r\n", "DELETED\r\n"),
            ("DELETE key1\r\n\r\n", "NOT_FOUND\r\n"),
            ("GET key1\r\n\r\n", "END\r\n"),
            ("QUIT\r\n", "BYE\r\n"),
            ("FETCH key1\r\n", "ERROR\r\n"),
        ] {
            assert_eq!(server.connect().converse(said), heard, "{said}");
        }
        server.stop();
    });
}

#[test]
fn connections_are_served_up_to_the_limit() {
    in_each_mode("-c 3", |server| {
        let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
        }
        for _ in 0..2 {
            assert_eq!(
                server.connect().rest(),
                b"ERROR Too many open connections\r\n"
            );
        }
        let first = &mut clients[0];
        assert_eq!(first.stat("max_connections"), 3);
        assert_eq!(first.stat("curr_connections"), 3);
        assert_eq!(first.stat("total_connections"), 3);
        assert_eq!(first.stat("rejected_connections"), 2);

        clients.pop();
        clients[0].await_stat("curr_connections", |count| count == 2);
        server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        let log = server.stop().join("\n");
        assert_eq!(log.matches("rejected_connections").count(), 1, "{log}");
    });
}

#[test]
fn a_rejected_client_reads_its_error_however_much_it_sends() {
    in_each_mode("-c 1 -m 64", |server| {
        let mut first = server.connect();
        first.ask("version\r\n", "VERSION 1.6.45\r\n");
        let request = [&b"set k 0 0 100000\r\n"[..], &[b'x'; 100_000], b"\r\n"].concat();
        thread::scope(|scope| {
            for _ in 0..50 {
                let (mut client, request) = (server.connect(), &request);
                scope.spawn(move || {
                    // In two parts, the second of which finds the connection refused already.
                    client.say(&request[..1000]);
                    assert_eq!(client.socket.peek(&mut [0]).unwrap(), 1);
                    client.say(&request[1000..]);
                    assert_eq!(client.rest(), b"ERROR Too many open connections\r\n");
                });
            }
        });
        assert_eq!(first.stat("rejected_connections"), 50);
        first.ask("get k\r\n", "END\r\n");
        server.stop();
    });
}

#[test]
fn quit_frees_the_connection_slot() {
    in_each_mode("-c 10", |server| {
        // These take a few milliseconds together.
        for _ in 0..100 {
            assert_eq!(server.connect().converse("QUIT\r\n"), "BYE\r\n");
        }
        server.stop();
    });
}

#[test]
fn a_request_may_come_byte_by_byte() {
    in_each_mode("", |server| {
        let mut client = server.connect();
        for byte in b"set k 0 0 3\r\n\r\n.\r\nget k\r\n" {
            client.say([*byte]);
            thread::sleep(Duration::from_millis(1));
        }
        client.must_hear("STORED\r\nVALUE k 0 3\r\n\r\n.\r\nEND\r\n");
        server.stop();
    });
}

#[test]
fn values_up_to_the_largest_are_returned_whole() {
    in_each_mode("-m 64", |server| {
        let mut client = server.connect();
        for len in [0, 8, 65_528, 65_536, 300_000, (1 << 20) - 8] {
            let value = long_value(len);
            store(&mut client, "k", &value);
            client.ask("get k\r\n", reply("k", &value));
        }
        // One byte more than the largest item is refused, and what follows is understood.
        let value = vec![b'x'; 1 << 20];
        let head = format!("set k 0 0 {}\r\n", value.len());
        client.say([head.as_bytes(), &value, b"\r\n"].concat());
        client.must_hear("SERVER_ERROR object too large for cache\r\n");
        client.ask("get k\r\n", "END\r\n");
        server.stop();
    });
}

#[test]
fn an_item_of_a_quarter_of_the_memory_is_stored_and_no_larger_one() {
    for options in ["-m 2", "-m 2 -I 512k"] {
        in_each_mode(options, |server| {
            let settings = server.connect().converse("stats settings\r\n");
            assert!(settings.contains("STAT item_size_max 524288\r\n"));
            let mut client = server.connect();
            let value = long_value((512 << 10) - 1);
            store(&mut client, "k", &value);
            client.ask("get k\r\n", reply("k", &value));
            let value = vec![b'x'; 512 << 10];
            let head = format!("set k 0 0 {}\r\n", value.len());
            client.say([head.as_bytes(), &value, b"\r\n"].concat());
            client.must_hear("SERVER_ERROR object too large for cache\r\n");
            server.stop();
        });
    }
}

#[test]
fn a_vanished_client_frees_its_slot_and_buffers() {
    in_each_mode("", |server| {
        let mut watcher = server.connect();
        for round in 0..50 {
            let mut client = server.connect();
            client.say("set half 0 0 1000\r\nsome of it");
            if round % 2 == 0 {
                // With an answer unread the connection is reset instead of closed.
                client.say("get nothing\r\n");
            }
        }
        watcher.await_stat("curr_connections", |count| count == 1);
        watcher.await_stat("buffered", |bytes| bytes == 0);
        watcher.ask("get half\r\n", "END\r\n");
        server.stop();
    });
}

#[test]
fn replies_of_a_closed_connection_reach_no_other_client() {
    in_each_mode("-t 1", |server| {
        for _ in 0..500 {
            let mut leaving = server.connect();
            // In some of the rounds it is closed before the reply is written.
            SockRef::from(&leaving.socket)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
            leaving.say("get nothing\r\n");
            drop(leaving);
            server.connect().ask("version\r\n", "VERSION 1.6.45\r\n");
        }
        server.stop();
    });
}

#[test]
fn an_announced_value_takes_no_memory_before_it_is_sent() {
    in_each_mode("-m 64", |server| {
        let mut watcher = server.connect();
        let before = server.resident();
        let clients: Vec<_> = (0..300)
            .map(|_| {
                let mut client = server.connect();
                client.say([&b"set k 0 0 1000000\r\n"[..], &[b'x'; 1000]].concat());
                client
            })
            .collect();
        watcher.await_stat("buffered", |bytes| bytes >= 300 * 1000);
        assert!(watcher.stat("buffered") < 300 * 4 * KIB);
        let growth = server.resident().saturating_sub(before);
        assert!(growth < 4 * KIB, "{growth} KiB for 300 KB that were sent");
        drop(clients);
        watcher.await_stat("buffered", |bytes| bytes == 0);
        server.stop();
    });
}

#[test]
fn an_idle_connection_takes_little_memory() {
    in_each_mode("-m 64", |server| {
        let mut watcher = server.connect();
        store(&mut watcher, "k", &long_value(20_000));
        let connect = || {
            let mut client = server.connect();
            client.ask("get k\r\n", reply("k", &long_value(20_000)));
            client
        };
        let _warm: Vec<_> = (0..50).map(|_| connect()).collect();
        let before = server.resident();
        let _clients: Vec<_> = (0..1000).map(|_| connect()).collect();
        let growth = server.resident().saturating_sub(before);
        assert!(growth < 1500, "{growth} KiB for 1000 connections");
        assert_eq!(watcher.stat("buffered"), 0);
        let ticks = server.ticks();
        thread::sleep(Duration::from_secs(1));
        assert!(server.ticks() - ticks <= 5, "they are not idle");
        server.stop();
    });
}

#[test]
fn a_client_that_never_reads_is_not_read_from_and_loses_no_reply() {
    in_each_mode("-m 64", |server| {
        let value = long_value(500_000);
        let mut watcher = server.connect();
        store(&mut watcher, "k", &value);
        let before = server.resident();
        let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
        for client in &mut clients {
            client.say("get k\r\n".repeat(50));
        }
        thread::sleep(Duration::from_millis(300));
        // All of it would be 500 MB.
        let growth = server.resident().saturating_sub(before);
        assert!(growth < 20 * KIB, "{growth} KiB for 20 clients");
        watcher.ask("version\r\n", "VERSION 1.6.45\r\n");
        let expected = reply("k", &value);
        for client in &mut clients {
            for _ in 0..50 {
                client.must_hear(&expected);
            }
        }
        watcher.await_stat("buffered", |bytes| bytes == 0);
        server.stop();
    });
}

#[test]
fn a_stalled_client_is_disconnected_and_an_idle_one_is_not() {
    in_each_mode("-m 64 --stall-timeout 3", |server| {
        let mut watcher = server.connect();
        store(&mut watcher, "k", &long_value(1_000_000));
        let mut silent = server.connect();
        let mut half_a_line = server.connect();
        half_a_line.say("get");
        let mut half_a_value = server.connect();
        half_a_value.say("version\r\nset k 0 0 10\r\nabc");
        let mut never_reads = server.connect();
        never_reads.say("get k\r\n".repeat(40));

        // Goes on, however slowly.
        let mut slow = server.connect();
        for byte in b"get nothing\r\n" {
            slow.say([*byte]);
            thread::sleep(Duration::from_millis(300));
        }
        slow.must_hear("END\r\n");

        assert!(half_a_line.is_closed_within(PATIENCE));
        half_a_value.must_hear("VERSION 1.6.45\r\n");
        assert!(half_a_value.is_closed_within(PATIENCE));
        watcher.await_stat("stalled_connections", |count| count == 3);
        watcher.await_stat("curr_connections", |count| count == 3);
        silent.ask("version\r\n", "VERSION 1.6.45\r\n");
        server.stop();
    });
}

#[test]
fn a_lack_of_file_descriptors_pauses_accepting() {
    in_each_mode("-c 500", |server| {
        let mut old = server.connect();
        store(&mut old, "k", b"v");
        let limit = format!("--nofile={}:{}", 40, 40);
        let pid = server.pid().to_string();
        let prlimit = Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status();
        assert!(prlimit.expect("prlimit is part of util-linux").success());
        let clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
        old.await_stat("listen_disabled_num", |count| count > 0);
        let ticks = server.ticks();
        thread::sleep(Duration::from_secs(1));
        assert!(server.ticks() - ticks < 20, "it spins");
        old.ask("get k\r\n", reply("k", b"v"));
        drop(clients);
        server.connect().ask("get k\r\n", reply("k", b"v"));
        old.await_stat("accepting_conns", |accepting| accepting == 1);
        let log = server.stop().join("\n");
        assert_eq!(log.matches("listen_disabled_num").count(), 1, "{log}");
    });
}

#[test]
fn expired_items_are_removed_without_a_request() {
    in_each_mode("-m 64", |server| {
        let mut client = server.connect();
        for number in 0..1000 {
            client.ask(format!("SET short{number} 1 1\r\nx\r\n"), "STORED\r\n");
        }
        store(&mut client, "long", b"x");
        let full = client.stat("bytes");
        client.await_stat("curr_items", |count| count == 1);
        assert!(client.stat("bytes") < full / 100);
        client.ask("get long\r\n", reply("long", b"x"));
        server.stop();
    });
}

#[test]
fn by_default_a_thousand_items_are_kept_in_lru_order() {
    in_each_mode("-t 2", |server| {
        let mut client = server.connect();
        for number in 0..1001 {
            client.ask(format!("set k{number} 0 0 1\r\nx\r\n"), "STORED\r\n");
            client.ask("get k0\r\n", reply("k0", b"x"));
        }
        assert_eq!(client.stat("curr_items"), 1000);
        client.ask("get k1\r\n", "END\r\n");
        client.ask("get k2\r\n", reply("k2", b"x"));
        server.stop();
    });
}

#[test]
fn many_threads_keep_one_cache() {
    in_each_mode("-t 4 -m 128", |server| {
        assert!(server.log.join("\n").contains("threads: 4, shards: 16"));
        let mut client = server.connect();
        store(&mut client, "sum", b"0");
        thread::scope(|scope| {
            for writer in 0..4 {
                let mut client = server.connect();
                scope.spawn(move || {
                    for number in 0..500 {
                        store(&mut client, &format!("k{writer}.{number}"), b"12345678");
                        client.say("incr sum 1 noreply\r\n");
                    }
                    client.ask("version\r\n", "VERSION 1.6.45\r\n");
                });
            }
        });
        client.ask("get sum\r\n", reply("sum", b"2000"));
        assert_eq!(client.stat("curr_items"), 2001);
        for writer in 0..4 {
            let keys: Vec<_> = (0..500)
                .map(|number| format!("k{writer}.{number}"))
                .collect();
            let values = keys
                .iter()
                .map(|key| format!("VALUE {key} 0 8\r\n12345678\r\n"));
            let values: String = values.collect();
            client.ask(format!("get {}\r\n", keys.join(" ")), values + "END\r\n");
        }
        client.ask("flush_all\r\nget sum\r\n", "OK\r\nEND\r\n");
        client.await_stat("curr_items", |count| count == 0);
        server.stop();
    });
}

#[test]
fn of_concurrent_compare_and_swaps_one_wins() {
    in_each_mode("-t 4 -m 128", |server| {
        let mut client = server.connect();
        let mut rivals: Vec<_> = (0..4).map(|_| server.connect()).collect();
        for round in 0..200 {
            store(&mut client, "k", b"old");
            client.say("gets k\r\n");
            let mut head = String::new();
            while !head.ends_with("\r\nold\r\nEND\r\n") {
                let mut bytes = [0; 100];
                let len = client.socket.read(&mut bytes).unwrap();
                head.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
            }
            let cas = head.split_whitespace().nth(4).unwrap();
            for rival in &mut rivals {
                rival.say(format!("cas k 0 0 3 {cas}\r\nnew\r\n"));
            }
            let won = |rival: &mut Client| {
                let mut reply = [0; 8];
                rival.socket.read_exact(&mut reply).unwrap();
                assert!(matches!(&reply, b"STORED\r\n" | b"EXISTS\r\n"), "{reply:?}");
                reply.starts_with(b"STORED")
            };
            let winners = rivals.iter_mut().map(won).filter(|won| *won).count();
            assert_eq!(winners, 1, "round {round}");
        }
        server.stop();
    });
}
