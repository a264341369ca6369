//! Clients that speak another protocol, which the first bytes of a connection show.
//!
//! Such a client waits for a reply, and the server would wait for the end of a line that never
//! comes. So the connection is closed at once, counted, and the log says what to change.

use crate::server::state::rate_limited::Incident;

/// The header that a proxy sends before the client's bytes, in version 2 of the PROXY protocol.
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The same in version 1.
const PROXY_1: &[u8] = b"PROXY ";

/// How often each protocol was met.
#[derive(Debug)]
pub(crate) struct Foreign {
    binary: Incident,
    tls: Incident,
    proxy: Incident,
    unknown: Incident,
}

impl Foreign {
    pub(crate) const fn new() -> Self {
        Self {
            binary: Incident::new(
                "binary_protocol_connections",
                "a client was disconnected: it speaks memcached's binary protocol; set it to the \
                 text protocol (PHP sessions: memcached.sess_binary_protocol=Off, PHP: \
                 Memcached::OPT_BINARY_PROTOCOL false, pylibmc: binary=False)",
            ),
            tls: Incident::new(
                "tls_connections",
                "a client was disconnected: it speaks TLS; switch TLS off in the client, or put a \
                 TLS proxy in front of the server",
            ),
            proxy: Incident::new(
                "proxy_protocol_connections",
                "a client was disconnected: it sends a header of the PROXY protocol; switch that \
                 off in the proxy (HAProxy: remove send-proxy or send-proxy-v2)",
            ),
            unknown: Incident::new(
                "unknown_protocol_connections",
                "a client was disconnected: its first byte is a control character; check its \
                 address and port, it should speak memcached's text protocol",
            ),
        }
    }

    /// The protocol, unless it is text, of a client whose first bytes these are.
    pub(crate) fn recognize(&self, input: &[u8]) -> Option<&Incident> {
        match input {
            [0x80, ..] => Some(&self.binary),
            // A record of the handshake.
            [0x16, ..] => Some(&self.tls),
            _ if input.starts_with(PROXY_2) || input.starts_with(PROXY_1) => Some(&self.proxy),
            // A blank line, or a line that is answered.
            [b'\t' | b'\n' | b'\r', ..] => None,
            // PostgreSQL, Kafka, MQTT, SOCKS and others: no command begins like this.
            [first, ..] if first.is_ascii_control() => Some(&self.unknown),
            _ => None,
        }
    }

    pub(crate) const fn incidents(&self) -> [&Incident; 4] {
        [&self.binary, &self.tls, &self.proxy, &self.unknown]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_of_other_protocols_are_recognized() {
        let foreign = Foreign::new();
        let cases: [(&[u8], Option<&str>); 17] = [
            (b"\x80\x0a\0\0\0\0", Some("binary_protocol_connections")),
            (b"\x80", Some("binary_protocol_connections")),
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
            let name = foreign.recognize(input).map(|incident| incident.name);
            assert_eq!(name, expected, "{}", input.escape_ascii());
        }
    }
}
