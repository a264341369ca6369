//! A response of the admin port.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Value;

/// What every response says to browsers: nothing is loaded from elsewhere, nobody else may embed
/// or read it, nothing is guessed and nothing kept.
const SAFE_HEADERS: &str = "\
Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
Cross-Origin-Resource-Policy: same-origin\r\n\
Referrer-Policy: no-referrer\r\n\
X-Content-Type-Options: nosniff\r\n\
Cache-Control: no-store\r\n\
Connection: close\r\n";

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// A status, and a body of a type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// Whether the body is compressed.
    pub(super) gzip: bool,
    pub(super) body: Cow<'static, [u8]>,
}

impl Response {
    pub(super) fn ok(content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        Self {
            status: 200,
            content_type,
            gzip: false,
            body: body.into(),
        }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self::ok(JSON, value.to_string().into_bytes())
    }

    /// A line that says what is wrong.
    pub(super) fn error(status: u16, reason: &str) -> Self {
        Self {
            status,
            ..Self::ok(TEXT, format!("{reason}\n").into_bytes())
        }
    }

    /// Its bytes on the wire, with the body unless only the headers are wanted.
    pub(super) fn into_bytes(self, head_only: bool) -> Vec<u8> {
        let mut head = String::new();
        let (status, reason) = (self.status, reason(self.status));
        // Writing to a `String` does not fail.
        let _ = write!(head, "HTTP/1.1 {status} {reason}\r\n");
        let _ = write!(head, "Content-Type: {}\r\n", self.content_type);
        let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        if self.gzip {
            head.push_str("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
        }
        if status == 405 {
            head.push_str("Allow: GET, HEAD\r\n");
        }
        head.push_str(SAFE_HEADERS);
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_the_length_of_the_body_that_it_leaves_out() {
        let response = Response::ok(TEXT, &b"12345"[..]);
        let (whole, head) = (
            response.clone().into_bytes(false),
            response.into_bytes(true),
        );
        assert_eq!(whole, [&head[..], b"12345"].concat());
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"));
        assert!(head.contains("\r\nContent-Length: 5\r\n"));
    }

    #[test]
    fn every_response_forbids_browsers_what_could_leak_or_run() {
        for response in [Response::ok(JSON, &b"{}"[..]), Response::error(404, "no")] {
            let head = String::from_utf8(response.into_bytes(true)).unwrap();
            for line in [
                "X-Content-Type-Options: nosniff",
                "Cross-Origin-Resource-Policy: same-origin",
                "Content-Security-Policy: default-src 'none'; ",
            ] {
                assert!(head.contains(line), "{head}");
            }
            assert!(!head.contains("Access-Control-"), "{head}");
        }
    }
}
