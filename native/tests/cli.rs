//! The commands of the binary that talk to a running server.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]
#![cfg(feature = "cli")]

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use dynamidb::RuntimeName;
use support::{Process, run};

fn said(words: &str) -> (Option<i32>, String) {
    let output = run(words);
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

#[test]
fn ping_ends_with_0_where_a_server_serves() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    let (status, text) = said(&format!("ping {}", server.address));
    assert_eq!(text, format!("{}: VERSION 1.6.45\n", server.address));
    assert_eq!(status, Some(0));
    let address = server.address;
    server.stop();
    let (status, text) = said(&format!("ping {address}"));
    assert!(text.starts_with(&format!("error: {address}: ")), "{text}");
    assert_eq!(status, Some(1));
}

#[test]
fn ping_ends_with_1_where_nobody_answers_or_something_else_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts: the connection is in the backlog.
    let (status, text) = said(&format!("ping {address} --timeout 50"));
    assert_eq!(
        (status, &*text),
        (
            Some(1),
            &*format!("error: {address} does not answer within 50 ms\n")
        )
    );
    let speak = thread::spawn(move || {
        // The first connection is that of before.
        let sockets: Vec<_> = listener.incoming().take(2).map(Result::unwrap).collect();
        for mut socket in sockets {
            let _ = socket.write_all(b"+PONG\r\n");
        }
    });
    let (status, text) = said(&format!("ping {address} --timeout 60000"));
    assert_eq!(
        (status, &*text),
        (
            Some(1),
            &*format!("error: {address} is no cache: it says \"+PONG\"\n")
        )
    );
    speak.join().unwrap();
}

#[test]
fn a_wrong_address_or_timeout_is_a_wrong_option() {
    for words in ["ping :1", "ping host:x", "ping --timeout 0", "ping a b"] {
        let (status, text) = said(words);
        assert_eq!(status, Some(2), "{words}: {text}");
    }
}
