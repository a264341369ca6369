//! Clients that speak another protocol than memcached's: disconnected at once, counted, and named
//! in the log. On each runtime.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use support::{Process, on_each_runtime};

/// A name in `stats`, a part of the log line, and the first bytes of such clients.
const PROTOCOLS: [(&str, &str, &[&[u8]]); 3] = [
    (
        "tls_connections",
        "it speaks TLS",
        &[b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", b"\x16"],
    ),
    (
        "proxy_protocol_connections",
        "send-proxy",
        &[
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01\x30\x39\x2b\xcb",
            b"PROXY TCP4 127.0.0.1 127.0.0.1 12345 11211\r\nversion\r\n",
        ],
    ),
    (
        "unknown_protocol_connections",
        "control character",
        &[
            // PostgreSQL, MQTT, SOCKS.
            b"\0\0\0\x08\x04\xd2\x16\x2f",
            b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02me",
            b"\x05\x01\0",
        ],
    ),
];

/// Without a timeout a client that is not understood would wait for ever.
const OPTIONS: &str = "-m 64 --stall-timeout 0";

fn is_closed_without_a_word(server: &Process, bytes: &[u8]) {
    let mut client = server.connect();
    client.say(bytes);
    assert_eq!(client.rest(), b"", "{}", bytes.escape_ascii());
}

#[test]
fn clients_of_other_protocols_are_closed_counted_and_named() {
    on_each_runtime(OPTIONS, |server| {
        let mut watcher = server.connect();
        for (name, _, clients) in PROTOCOLS {
            assert_eq!(watcher.stat(name), 0);
            for bytes in clients.iter().chain(clients) {
                is_closed_without_a_word(&server, bytes);
            }
            watcher.await_stat(name, |count| count == 2 * clients.len() as u64);
        }
        watcher.await_stat("curr_connections", |count| count == 1);
        watcher.ask("stats reset\r\n", "RESET\r\n");
        assert_eq!(watcher.stat("tls_connections"), 0);
        let log = server.stop().join("\n");
        for (name, hint, clients) in PROTOCOLS {
            let lines = log.lines().filter(|line| line.contains(name)).count();
            assert!((1..clients.len()).contains(&lines), "{lines}: {log}");
            let named = |line: &str| line.contains(name) && line.contains(hint);
            assert!(log.lines().any(named), "{name}: {log}");
        }
    });
}

#[test]
fn http_clients_are_closed_counted_and_logged_once() {
    on_each_runtime(OPTIONS, |server| {
        let mut watcher = server.connect();
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..],
            b"POST /k HTTP/1.0\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            b"Host: localhost\r\n",
        ] {
            is_closed_without_a_word(&server, bytes);
        }
        // In pieces, and after other requests.
        let mut client = server.connect();
        client.ask("version\r\nGET /", "VERSION 1.6.45\r\n");
        client.say(" HTTP/1.1\r\n");
        assert_eq!(client.rest(), b"");
        watcher.await_stat("http_connections", |count| count == 5);
        // Other errors that close a connection do not count.
        let mut client = server.connect();
        client.say("set k 0 0 -1\r\n");
        client.rest();
        assert_eq!(watcher.stat("http_connections"), 5);
        let log = server.stop().join("\n");
        let lines = log.lines().filter(|line| line.contains("http_connections"));
        assert_eq!(lines.count(), 1, "{log}");
        assert!(log.contains("it speaks HTTP"), "{log}");
    });
}

#[test]
fn only_the_first_byte_of_a_connection_selects_the_protocol() {
    on_each_runtime(OPTIONS, |server| {
        let mut client = server.connect();
        client.ask("version\r\n", "VERSION 1.6.45\r\n");
        for byte in [b"\x80", b"\x16", b"\0", b"\x05"] {
            client.ask([&byte[..], b"get k\r\n"].concat(), "ERROR\r\n");
        }
        client.ask("PROXY TCP4\r\n", "ERROR\r\n");
        // A person presses Enter, or Tab.
        let mut person = server.connect();
        person.ask("\r\n", "CLIENT_ERROR bad command line format\r\n");
        person.ask("\x16\x03\r\n", "ERROR\r\n");
        server.connect().ask("\tget k\r\n", "ERROR\r\n");
        for (name, ..) in PROTOCOLS {
            assert_eq!(client.stat(name), 0, "{name}");
        }
        server.stop();
    });
}

#[test]
fn other_protocols_are_recognized_before_authentication() {
    let path = std::env::temp_dir().join(format!("dynamidb-foreign-{}", std::process::id()));
    fs::write(&path, "ada:lovelace\n").unwrap();
    let words = format!("{OPTIONS} -Y {}", path.display());
    on_each_runtime(&words, |server| {
        for (_, _, clients) in PROTOCOLS {
            for bytes in clients {
                is_closed_without_a_word(&server, bytes);
            }
        }
        let mut known = server.connect();
        known.ask("set auth 0 0 12\r\nada lovelace\r\n", "STORED\r\n");
        assert_eq!(known.stat("auth_errors"), 0);
        for (name, _, clients) in PROTOCOLS {
            assert_eq!(known.stat(name), clients.len() as u64, "{name}");
        }
        server.stop();
    });
    fs::remove_file(&path).unwrap();
}
