//! What a client must hear, over any connection.

// Each test file uses its part of this.
#![allow(dead_code)]

use std::io::{ErrorKind, Read};

/// Reads as many bytes as are expected, or up to the first one that is not, and fails unless they
/// are the expected ones.
pub(crate) fn must_hear(connection: &mut impl Read, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    let mut len = 0;
    while len < heard.len() && heard[..len] == expected[..len] {
        match connection.read(&mut heard[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            // A read with a timeout is not begun again by the system.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error} after {}", heard[..len].escape_ascii()),
        }
    }
    let shown = |bytes: &[u8]| bytes[..bytes.len().min(500)].escape_ascii().to_string();
    assert!(
        heard == expected,
        "heard {}, not {}",
        shown(&heard[..len]),
        shown(expected)
    );
}

/// Reads text up to and with this end.
pub(crate) fn hear_until(connection: &mut impl Read, end: &str) -> String {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    while !heard.ends_with(end.as_bytes()) {
        match connection.read(&mut buffer) {
            Ok(0) => panic!("closed after {}", heard.escape_ascii()),
            Ok(len) => heard.extend_from_slice(&buffer[..len]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error} after {}", heard.escape_ascii()),
        }
    }
    String::from_utf8(heard).unwrap()
}
