//! TLS: handshakes, and records in any pieces. On each runtime.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;
#[path = "support/tls.rs"]
mod tls;
#[path = "support/tls_server.rs"]
mod tls_server;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use support::{Client, PATIENCE, hear};
use tls::{Authority, TlsClient, Versions};
use tls_server::{failure, on_each_runtime};

const TLS_1_2: Versions = &[&TLS12];
const TLS_1_3: Versions = &[&TLS13];
/// `internal_error`, as the server says it before anything is negotiated.
const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 80];
/// `HANDSHAKES_MAX` of the server.
const HANDSHAKES_MAX: usize = 256;

fn value(len: usize) -> Vec<u8> {
    (0..len).map(|number| (number % 251) as u8).collect()
}

fn set(key: &str, value: &[u8]) -> Vec<u8> {
    let head = format!("set {key} 0 0 {}\r\n", value.len());
    [head.as_bytes(), value, b"\r\n"].concat()
}

fn hit(key: &str, value: &[u8]) -> Vec<u8> {
    let head = format!("VALUE {key} 0 {}\r\n", value.len());
    [head.as_bytes(), value, b"\r\nEND\r\n"].concat()
}

#[test]
fn clients_with_and_without_tls_share_the_items() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        for versions in [TLS_1_2, TLS_1_3] {
            let config = Arc::new(authority.config(versions));
            let mut client = TlsClient::connect(server.tls, &config);
            client.ask("set k 0 0 5\r\nhello\r\n", "STORED\r\n");
            let mut plain = server.connect();
            plain.ask("get k\r\n", "VALUE k 0 5\r\nhello\r\nEND\r\n");
            client.ask("quit\r\n", "");
            assert_eq!(client.rest(), b"");
        }
        let mut plain = server.connect();
        assert_eq!(plain.stat("ssl_new_sessions"), 2);
        assert_eq!(plain.stat("ssl_handshake_errors"), 0);
        assert!(plain.stat("tls_cert_days_left") > 365);
        assert!(plain.stat("time_since_server_cert_refresh") < 600);
        plain.say("stats settings\r\n");
        let settings = plain.converse("quit\r\n");
        for line in ["STAT ssl_enabled yes", "STAT ssl_min_version tlsv1.2"] {
            assert!(settings.contains(line), "{settings}");
        }
        server.process.stop();
    });
}

#[test]
fn replies_to_records_that_arrive_byte_by_byte_are_the_same() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        for versions in [TLS_1_2, TLS_1_3] {
            let config = Arc::new(authority.config(versions));
            let mut client = TlsClient::connect(server.tls, &config);
            let (connection, socket) = (&mut client.stream.conn, &mut client.stream.sock);
            connection
                .writer()
                .write_all(b"set k 0 0 5\r\nhello\r\nget k\r\nquit\r\n")
                .unwrap();
            let mut replies = Vec::new();
            while connection.is_handshaking() || connection.wants_write() {
                let mut records = Vec::new();
                while connection.wants_write() {
                    connection.write_tls(&mut records).unwrap();
                }
                for byte in records {
                    socket.write_all(&[byte]).unwrap();
                }
                if connection.is_handshaking() {
                    connection.read_tls(socket).unwrap();
                    connection.process_new_packets().unwrap();
                }
            }
            client.stream.read_to_end(&mut replies).unwrap();
            assert_eq!(replies, b"STORED\r\nVALUE k 0 5\r\nhello\r\nEND\r\n");
        }
    });
}

#[test]
fn records_of_any_size_carry_the_same_requests() {
    let authority = Authority::new();
    on_each_runtime(&authority, "-I 2m", |server| {
        for size in [32, 33, 1000, 16 * 1024 + 5] {
            let mut config = authority.config(rustls::ALL_VERSIONS);
            config.max_fragment_size = Some(size);
            let mut client = TlsClient::connect(server.tls, &Arc::new(config));
            for len in [0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 1 << 20] {
                let value = value(len);
                client.ask(set("k", &value), "STORED\r\n");
                client.ask("get k\r\n", hit("k", &value));
            }
        }
    });
}

#[test]
fn a_client_that_reads_late_gets_every_reply() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let mut client = authority.connect(server.tls);
        let value = value(700_000);
        client.ask(set("k", &value), "STORED\r\n");
        let count = 40;
        client.say("get k\r\n".repeat(count));
        // It waits for the client: neither all replies nor their records are in memory.
        let mut plain = server.connect();
        plain.await_stat("buffered", |size| size > 0);
        assert!(plain.stat("buffered") < 4 << 20);
        for _ in 0..count {
            client.must_hear(hit("k", &value));
        }
        plain.await_stat("buffered", |size| size == 0);
    });
}

#[test]
fn a_client_that_closes_its_side_gets_all_replies_and_a_close() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let value = value(300_000);
        server.connect().ask(set("k", &value), "STORED\r\n");
        let expected = hit("k", &value).repeat(10);
        for announces in [true, false] {
            for shuts_down in [true, false] {
                if !announces && !shuts_down {
                    continue;
                }
                let mut client = authority.connect(server.tls);
                client.say("get k\r\n".repeat(10));
                if announces {
                    client.close();
                }
                if shuts_down {
                    client.stream.sock.shutdown(Shutdown::Write).unwrap();
                }
                assert!(client.rest() == expected, "{announces} {shuts_down}");
            }
        }
        server
            .connect()
            .await_stat("curr_connections", |count| count == 1);
    });
}

#[test]
fn a_watcher_that_closes_its_side_goes_on_hearing() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let mut watcher = authority.connect(server.tls);
        watcher.ask("watch deletions\r\n", "OK\r\n");
        watcher.close();
        let mut plain = server.connect();
        plain.ask("set k 0 0 1\r\nv\r\ndelete k\r\n", "STORED\r\nDELETED\r\n");
        watcher.must_hear("ts=");
    });
}

#[test]
fn replies_in_progress_are_sent_when_the_server_stops() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |mut server| {
        let mut idle = authority.connect(server.tls);
        idle.ask("version\r\n", "VERSION 1.6.45\r\n");
        let silent = TcpStream::connect(server.tls).unwrap();
        let mut client = authority.connect(server.tls);
        let value = value(1_000_000);
        client.ask(set("k", &value), "STORED\r\n");
        client.say("get k\r\n".repeat(8));
        server.connect().await_stat("buffered", |size| size > 0);
        server.process.signal("TERM");
        client.must_hear(hit("k", &value));
        // Whole replies, and then a close.
        let rest = client.rest();
        assert_eq!(rest.len() % hit("k", &value).len(), 0);
        assert_eq!(idle.rest(), b"");
        drop(silent);
        assert_eq!(server.process.wait().code(), Some(0));
    });
}

#[test]
fn sessions_are_resumed() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        for (number, versions) in [(1, TLS_1_2), (2, TLS_1_3)] {
            let config = Arc::new(authority.config(versions));
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut client = TlsClient::connect(server.tls, &config);
                client.ask("version\r\n", "VERSION 1.6.45\r\n");
                assert_eq!(client.stream.conn.handshake_kind(), Some(kind));
            }
            let mut plain = server.connect();
            plain.await_stat("tls_resumed_sessions", |count| count == number);
            assert_eq!(plain.stat("ssl_new_sessions"), number);
        }
    });
}

#[test]
fn a_client_that_distrusts_the_server_is_counted_and_named() {
    let (authority, other) = (Authority::new(), Authority::new());
    on_each_runtime(&authority, "", |server| {
        let said = failure(&Arc::new(other.config(rustls::ALL_VERSIONS)), server.tls);
        assert!(said.contains("invalid peer certificate"), "{said}");
        let mut plain = server.connect();
        plain.await_stat("ssl_handshake_errors", |count| count == 1);
        let log = server.process.stop().join("\n");
        assert!(log.contains("a TLS handshake failed"), "{log}");
        assert!(log.contains("received fatal alert"), "{log}");
    });
}

#[test]
fn plain_clients_on_a_tls_port_are_told_counted_and_closed() {
    let authority = Authority::new();
    let line = "CLIENT_ERROR this port expects TLS\r\n";
    on_each_runtime(&authority, "--stall-timeout 0", |server| {
        for bytes in [&b"get k\r\n"[..], b"g", b"\r\n"] {
            let mut client = Client::connect(server.tls);
            client.say(bytes);
            assert_eq!(client.rest(), line.as_bytes());
        }
        let mut client = Client::connect(server.tls);
        client.say([&[0x80, 0x0a][..], &[0; 22]].concat());
        assert_eq!(client.rest(), ALERT);
        let mut plain = server.connect();
        plain.await_stat("tls_plain_connections", |count| count == 4);
        assert_eq!(plain.stat("ssl_handshake_errors"), 0);
        plain.await_stat("curr_connections", |count| count == 1);
        plain.await_stat("tls_handshakes", |count| count == 0);
        let log = server.process.stop().join("\n");
        assert!(log.contains("it does not speak TLS"), "{log}");
    });
}

#[test]
fn rubbish_instead_of_a_handshake_or_a_record_gets_an_alert() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let mut client = Client::connect(server.tls);
        client.say([&b"\x16\x03\x01\x00\x05"[..], b"hello"].concat());
        assert_eq!(client.rest(), ALERT);
        let mut plain = server.connect();
        plain.await_stat("ssl_handshake_errors", |count| count == 1);
        // A record that the client has not written.
        let mut client = authority.connect(server.tls);
        client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        client
            .stream
            .sock
            .write_all(b"\x17\x03\x03\x00\x20")
            .unwrap();
        client.stream.sock.write_all(&[7; 32]).unwrap();
        let said = client.stream.read(&mut [0]).unwrap_err().to_string();
        assert!(said.contains("fatal alert: BadRecordMac"), "{said}");
        plain.await_stat("curr_connections", |count| count == 1);
        plain.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
        let log = server.process.stop().join("\n");
        assert!(!log.contains("panicked"), "{log}");
    });
}

#[test]
fn a_client_may_change_its_keys_between_requests() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let config = Arc::new(authority.config(TLS_1_3));
        let mut client = TlsClient::connect(server.tls, &config);
        for _ in 0..10 {
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
            client.stream.conn.refresh_traffic_keys().unwrap();
        }
        client.ask("quit\r\n", "");
        assert_eq!(client.rest(), b"");
    });
}

#[test]
fn a_handshake_message_in_too_many_records_gets_an_alert() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        // Of 65520 bytes, one in each record.
        let head = [0x16, 3, 1, 0, 4, 1, 0, 0xff, 0xf0];
        let record = |count: usize| [0x16, 3, 1, 0, 1, 7].repeat(count);
        let most = 128 * 1024;
        let count = (most - 1 - head.len()) / 6;
        let mut client = Client::connect(server.tls);
        client.say(head);
        client.say(record(count));
        let mut plain = server.connect();
        plain.await_stat("buffered", |size| size >= (count * 6) as u64);
        assert_eq!(plain.stat("ssl_handshake_errors"), 0);
        client.say(record(2));
        assert_eq!(client.rest(), ALERT);
        plain.await_stat("ssl_handshake_errors", |count| count == 1);
        plain.await_stat("buffered", |size| size == 0);
    });
}

#[test]
fn handshakes_end_after_ten_seconds_whatever_the_client_sends() {
    let authority = Authority::new();
    on_each_runtime(&authority, "--stall-timeout 0", |server| {
        let began = Instant::now();
        let mut silent = Client::connect(server.tls);
        let mut slow = Client::connect(server.tls);
        slow.say(b"\x16\x03\x01\x02\0");
        let mut dribbling = slow.socket.try_clone().unwrap();
        let dribble = thread::spawn(move || {
            while dribbling.write_all(&[1]).is_ok() && began.elapsed() < 2 * PATIENCE {
                thread::sleep(Duration::from_millis(300));
            }
        });
        assert_eq!(silent.rest(), b"");
        assert!(began.elapsed() > Duration::from_secs(9));
        assert!(slow.is_closed_within(PATIENCE));
        dribble.join().unwrap();
        let mut plain = server.connect();
        plain.await_stat("tls_handshake_timeouts", |count| count == 2);
        plain.await_stat("tls_handshakes", |count| count == 0);
    });
}

#[test]
fn half_a_record_is_waited_for_as_long_as_half_a_request() {
    let authority = Authority::new();
    on_each_runtime(&authority, "--stall-timeout 1", |server| {
        let mut client = authority.connect(server.tls);
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        client
            .stream
            .sock
            .write_all(b"\x17\x03\x03\x40\0abc")
            .unwrap();
        let mut plain = server.connect();
        plain.await_stat("stalled_connections", |count| count == 1);
        plain.await_stat("curr_connections", |count| count == 1);
        assert_eq!(plain.stat("buffered"), 0);
    });
}

#[test]
fn clients_wait_while_there_are_as_many_handshakes_as_there_may_be() {
    let authority = Authority::new();
    on_each_runtime(&authority, "", |server| {
        let mut plain = server.connect();
        let connect = || TcpStream::connect(server.tls).unwrap();
        let mut silent: Vec<_> = (1..HANDSHAKES_MAX).map(|_| connect()).collect();
        let count = HANDSHAKES_MAX as u64;
        plain.await_stat("tls_handshakes", |under_way| under_way == count - 1);
        // Below the limit.
        let mut client = authority.connect(server.tls);
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        // At it.
        silent.push(connect());
        plain.await_stat("tls_handshakes", |under_way| under_way == count);
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        let address = server.tls;
        let config = Arc::new(authority.config(rustls::ALL_VERSIONS));
        let is_served = Arc::new(AtomicBool::new(false));
        let served = Arc::clone(&is_served);
        let waiting = thread::spawn(move || {
            let mut client = TlsClient::connect(address, &config);
            client.ask("version\r\n", "VERSION 1.6.45\r\n");
            served.store(true, Ordering::SeqCst);
        });
        thread::sleep(Duration::from_millis(300));
        // Unless this took so long that the first ones have timed out.
        if plain.stat("tls_handshake_timeouts") == 0 {
            assert!(!is_served.load(Ordering::SeqCst));
        }
        silent.pop();
        waiting.join().unwrap();
        assert!(is_served.load(Ordering::SeqCst));
    });
}

#[test]
fn clients_above_the_connection_limit_get_an_alert() {
    let authority = Authority::new();
    on_each_runtime(&authority, "-c 2", |server| {
        let _first = server.connect();
        let mut second = authority.connect(server.tls);
        second.ask("version\r\n", "VERSION 1.6.45\r\n");
        let said = failure(&Arc::new(authority.config(TLS_1_3)), server.tls);
        assert!(said.contains("fatal alert: InternalError"), "{said}");
        second.ask("version\r\n", "VERSION 1.6.45\r\n");
    });
}

#[test]
fn an_idle_connection_takes_less_than_six_kibibytes() {
    let authority = Authority::new();
    let config = Arc::new(authority.config(rustls::ALL_VERSIONS));
    on_each_runtime(&authority, "", |server| {
        let connect = |count| -> Vec<_> {
            (0..count)
                .map(|_| {
                    let mut client = TlsClient::connect(server.tls, &config);
                    client.ask("version\r\n", "VERSION 1.6.45\r\n");
                    client
                })
                .collect()
        };
        let _warm = connect(100);
        let before = server.process.resident();
        let count = 500;
        let _clients = connect(count);
        let each = (server.process.resident() - before) * 1024 / count;
        eprintln!("{each} bytes for each connection");
        assert!(each < 6 * 1024, "{each}");
    });
}
