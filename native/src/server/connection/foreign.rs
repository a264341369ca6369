//! Detects clients that speak another protocol.
//!
//! The first bytes of a connection show most protocols. Such a client waits for a reply, and the
//! server would wait for the end of a line that never comes. So the connection is closed at once,
//! counted, and a log line says what to change. HTTP consists of lines: the session closes the
//! connection at the first of them.

use dynamidb_core::Instant;

use crate::server::state::rate_limited::RateLimitedEvent;

/// What a proxy sends before the client's bytes, in version 2 of the PROXY protocol.
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The same in version 1.
const PROXY_1: &[u8] = b"PROXY ";

/// Counts the connections that were closed because of each protocol.
#[derive(Debug)]
pub(crate) struct ForeignProtocols {
    tls: RateLimitedEvent,
    proxy: RateLimitedEvent,
    unknown: RateLimitedEvent,
    http: RateLimitedEvent,
}

impl ForeignProtocols {
    pub(crate) const fn new() -> Self {
        Self {
            tls: RateLimitedEvent::new(
                "tls_connections",
                "a client was disconnected: it speaks TLS; switch TLS off in the client, or have \
                 the server listen with -l tls:ADDRESS",
            ),
            proxy: RateLimitedEvent::new(
                "proxy_protocol_connections",
                "a client was disconnected: it sends a header of the PROXY protocol; switch that \
                 off in the proxy (HAProxy: remove send-proxy or send-proxy-v2)",
            ),
            unknown: RateLimitedEvent::new(
                "unknown_protocol_connections",
                "a client was disconnected: its first byte is a control character; check its \
                 address and port, it should speak memcached's protocol",
            ),
            http: RateLimitedEvent::new(
                "http_connections",
                "a client was disconnected: it speaks HTTP; check its address and port (health \
                 checks: use a TCP check, or send \"version\")",
            ),
        }
    }

    /// The protocol of a client that sends these first bytes, unless it is one of memcached's.
    pub(crate) fn recognize(&self, input: &[u8]) -> Option<&RateLimitedEvent> {
        match input {
            // A handshake record.
            [0x16, ..] => Some(&self.tls),
            _ if input.starts_with(PROXY_2) || input.starts_with(PROXY_1) => Some(&self.proxy),
            // A blank line, or a line that gets a reply.
            [b'\t' | b'\n' | b'\r', ..] => None,
            // PostgreSQL, Kafka, MQTT, SOCKS and others: no command starts with one.
            [first, ..] if first.is_ascii_control() => Some(&self.unknown),
            _ => None,
        }
    }

    /// Records HTTP if it is in the input because of which the session has closed the connection.
    pub(crate) fn record_http(&self, input: &[u8], now: Instant) {
        if input.split(|&byte| byte == b'\n').any(is_http) {
            self.http.record(now);
        }
    }

    pub(crate) const fn events(&self) -> [&RateLimitedEvent; 4] {
        let Self {
            tls,
            proxy,
            unknown,
            http,
        } = self;
        [tls, proxy, unknown, http]
    }
}

/// Whether the session takes this line for a part of an HTTP request.
fn is_http(line: &[u8]) -> bool {
    let mut words = line.trim_ascii_end().split(|&byte| byte == b' ');
    let first = words.next();
    first == Some(b"Host:")
        || words
            .next_back()
            .is_some_and(|last| last.starts_with(b"HTTP/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_recognized_by_their_first_bytes() {
        let foreign = ForeignProtocols::new();
        let cases: [(&[u8], Option<&str>); 17] = [
            (b"\x80\x0a\0\0\0\0", None),
            (b"\x80", None),
            (b"\x16\x03\x01\x02\0\x01", Some("tls_connections")),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c",
                Some("proxy_protocol_connections"),
            ),
            (
                b"PROXY TCP4 1.2.3.4 5.6.7.8 9 11211\r\n",
                Some("proxy_protocol_connections"),
            ),
            (
                b"\0\0\0\x08\x04\xd2\x16\x2f",
                Some("unknown_protocol_connections"),
            ),
            (b"\x10\x0e\0\x04MQTT", Some("unknown_protocol_connections")),
            (b"\x05\x01\0", Some("unknown_protocol_connections")),
            (b"\x7fELF", Some("unknown_protocol_connections")),
            (b"\r\n\r\n", None),
            (b"\r\n\r\nget k\r\n", None),
            (b"\nget k\r\n", None),
            (b"\tget k\r\n", None),
            (b" get k\r\n", None),
            (b"get k\r\n", None),
            (b"PROXYget k\r\n", None),
            (b"\xef\xbb\xbfget k\r\n", None),
        ];
        for (input, expected) in cases {
            let name = foreign.recognize(input).map(|event| event.name);
            assert_eq!(name, expected, "{}", input.escape_ascii());
        }
    }

    #[test]
    fn http_is_counted_if_a_request_line_or_host_header_is_in_the_input() {
        let foreign = ForeignProtocols::new();
        for (input, count) in [
            (&b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"[..], 1),
            (b"get k\r\nPOST /x HTTP/1.0  \r\n", 2),
            (b"Host: localhost\r\n", 3),
            (b"Host:x\r\nHTTP/1.1\r\nget k\r\n", 3),
            (b"ms k abc\r\n", 3),
        ] {
            foreign.record_http(input, Instant::from_secs(100));
            assert_eq!(foreign.http.count(), count, "{}", input.escape_ascii());
        }
    }
}
