//! What a playground does besides speaking the protocol.

use dynamidb_web::{Playground, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const NOW: f64 = 1_700_000_000_000.0;

/// JavaScript's errors cannot be printed in Rust.
fn made(settings: &Settings, seed: &[u8]) -> Option<Playground> {
    Playground::new(settings, seed).ok()
}

fn playground() -> Playground {
    made(&Settings::new(1 << 20), &[7; 16]).expect("a megabyte is enough")
}

#[wasm_bindgen_test]
fn clients_share_the_cache_and_nothing_else() {
    let mut playground = playground();
    let (a, b) = (playground.open(), playground.open());
    assert_eq!(playground.send(a, NOW, b"SET k 0 5\r\nhel"), b"");
    assert_eq!(playground.send(b, NOW, b"GET k\r\n"), b"END\r\n");
    assert_eq!((playground.pending(a), playground.pending(b)), (14, 0));
    assert_eq!(playground.send(a, NOW, b"lo\r\n"), b"STORED\r\n");
    assert_eq!(
        playground.send(b, NOW, b"GET k\r\n"),
        b"VALUE k 5\r\nhello\r\nEND\r\n"
    );
    assert_eq!((playground.pending(a), playground.items()), (0, 1));
}

#[wasm_bindgen_test]
fn a_closed_client_is_not_heard() {
    let mut playground = playground();
    let (a, b) = (playground.open(), playground.open());
    assert_eq!(
        playground.send(a, NOW, b"QUIT\r\nSET k 0 1\r\nx\r\n"),
        b"BYE\r\n"
    );
    playground.send(b, NOW, b"SET k 0 1\r\n");
    playground.close(b);
    for client in [a, b, 99] {
        assert!(!playground.is_open(client));
        assert_eq!(playground.send(client, NOW, b"SET k 0 1\r\nx\r\n"), b"");
        assert_eq!(playground.pending(client), 0);
    }
    assert_eq!(playground.items(), 0);
    assert_eq!(playground.open(), 2, "a number is not used again");
}

#[wasm_bindgen_test]
fn what_expires_is_given_back_without_being_asked_for() {
    let mut playground = playground();
    let client = playground.open();
    playground.send(client, NOW, b"SET k 1 1\r\nx\r\n");
    playground.tick(NOW + 999.0);
    assert_eq!(playground.items(), 1);
    assert_eq!(playground.tick(NOW + 5000.0), 1);
    assert_eq!(playground.items(), 0);
}

#[wasm_bindgen_test]
fn replies_longer_than_a_session_gives_at_once_are_complete() {
    let mut playground = playground();
    let client = playground.open();
    playground.send(
        client,
        NOW,
        &[b"SET k 0 50000\r\n".as_slice(), &[b'x'; 50_000]].concat(),
    );
    let reply = playground.send(client, NOW, b"\r\nget k k k k\r\n");
    assert_eq!(
        reply.len(),
        "STORED\r\nEND\r\n".len() + 4 * (50_000 + "VALUE k 0 50000\r\n\r\n".len())
    );
}

#[wasm_bindgen_test]
fn impossible_settings_are_refused() {
    assert!(made(&Settings::new(100), &[0; 16]).is_none());
    assert!(made(&Settings::new(1 << 20), &[0; 15]).is_none());
}

#[wasm_bindgen_test]
fn times_that_are_none_do_no_harm() {
    let mut playground = playground();
    let client = playground.open();
    for now in [f64::NAN, -1.0, f64::INFINITY, 0.0] {
        assert_eq!(playground.send(client, now, b"GET k\r\n"), b"END\r\n");
        playground.tick(now);
    }
}
