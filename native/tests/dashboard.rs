//! The dashboard on the admin port: its files, and the map that it draws.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use dynamidb::RuntimeName;
use support::{PATIENCE, Process};

/// The pages that a map has at most.
const MAP_PAGES_MAX: u32 = 252;

/// Status, headers and body of a response.
fn get(address: SocketAddr, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut all = Vec::new();
    socket.read_to_end(&mut all).unwrap();
    let end = all
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    let body = all.split_off(end + 4);
    let head = String::from_utf8(all).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head, body)
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    let words = bytes.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn browsers_get_the_dashboard_and_other_programs_a_list() {
    let server = Process::start(RuntimeName::DEFAULT, "--admin 127.0.0.1:0");
    let admin = server.admin();
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/dashboard.js", "text/javascript"),
        ("/dashboard.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
        ("/recursive.woff2", "font/woff2"),
    ] {
        let (status, head, body) = get(admin, path, "Accept-Encoding: gzip, br\r\n");
        assert_eq!(status, 200, "{path}");
        assert!(
            head.contains(&format!("\r\nContent-Type: {content_type}\r\n")),
            "{head}"
        );
        assert!(head.contains("\r\nContent-Encoding: gzip\r\n"), "{head}");
        assert!(body.starts_with(&[0x1F, 0x8B]), "{path}");
        let expected = if path == "/" { 200 } else { 406 };
        assert_eq!(get(admin, path, "").0, expected, "{path} without gzip");
    }
    assert!(contains(&get(admin, "/", "").2, "/metrics"));
    server.stop();
}

#[test]
fn the_map_has_keys_only_if_they_may_be_shown_and_never_values() {
    for (words, is_shown) in [("", true), ("-X", false)] {
        let words = format!("--admin 127.0.0.1:0 -t 2 -m 64 {words}");
        let server = Process::start(RuntimeName::DEFAULT, &words);
        let admin = server.admin();
        let mut client = server.connect();
        client.ask("set tenant:1 0 0 7\r\nprivate\r\n", "STORED\r\n");
        let maps: Vec<_> = (0..8)
            .map(|shard| get(admin, &format!("/api/map?shard={shard}"), ""))
            .collect();
        assert!(maps.iter().all(|(status, ..)| *status == 200));
        let has_key = maps.iter().any(|(.., body)| contains(body, "tenant:1"));
        assert_eq!(has_key, is_shown, "{words}");
        assert!(!maps.iter().any(|(.., body)| contains(body, "private")));
        assert_eq!(get(admin, "/api/map?shard=8", "").0, 404);
        for wrong in [
            "",
            "?shard=",
            "?shard=-1",
            "?shard=x",
            "?shard=99999999999999999999",
        ] {
            assert_eq!(
                get(admin, &format!("/api/map{wrong}"), "").0,
                400,
                "{wrong}"
            );
        }
        server.stop();
    }
}

#[test]
fn the_map_of_a_large_shard_is_a_sample_of_its_pages() {
    for &runtime in RuntimeName::ALL {
        let server = Process::start(runtime, "--admin 127.0.0.1:0 -t 1 -m 64");
        let mut client = server.connect();
        let value = "v".repeat(3000);
        for number in 0..2000 {
            client.ask(
                format!("set {number} 0 0 3000\r\n{value}\r\n"),
                "STORED\r\n",
            );
        }
        let (.., body) = get(server.admin(), "/api/map?shard=0", "");
        let numbers = numbers(&body);
        let [pages, begun, page_size, sent, items, chunks] = numbers[..6] else {
            panic!("{} numbers", numbers.len());
        };
        assert!(begun > 1000 && begun <= pages, "{begun} of {pages}");
        assert_eq!(page_size, 4096);
        let sent = sent / 7;
        assert!(
            sent > MAP_PAGES_MAX / 2 && sent <= MAP_PAGES_MAX,
            "{sent} pages"
        );
        assert!(items > 0 && chunks > 0);
        server.stop();
    }
}
