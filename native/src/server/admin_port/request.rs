//! A request to the admin port: what is understood of it, and why one is refused.

use std::net::IpAddr;

use httparse::{Error, Status};

use crate::server::admin_port::limits::{HEADERS_MAX, TARGET_MAX};
use crate::server::admin_port::response::Response;

/// A request that can be answered.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Request {
    /// Whether only the headers are wanted: HEAD instead of GET.
    pub(super) head_only: bool,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// Whether metrics are wanted in the format of OpenMetrics.
    pub(super) open_metrics: bool,
    /// Whether the response may be compressed with gzip.
    pub(super) gzip: bool,
}

impl Request {
    /// Parses a whole head: request line, headers, blank line. `names` are the names of this host.
    ///
    /// # Errors
    /// The response to a request that is wrong, too long or not for this host.
    pub(super) fn parse(head: &[u8], names: &[String]) -> Result<Self, Response> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(head) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Response::error(400, "not a request")),
            Err(Error::TooManyHeaders) => return Err(Response::error(431, "too many headers")),
            Err(Error::Version) => return Err(Response::error(505, "HTTP/1.1 is spoken here")),
            Err(_) => return Err(Response::error(400, "not a request")),
        }
        let (method, target) = (parsed.method.unwrap_or(""), parsed.path.unwrap_or(""));
        if target.len() > TARGET_MAX {
            return Err(Response::error(414, "the path is too long"));
        }
        let header = |name: &str| {
            let named = parsed.headers.iter();
            let mut values = named
                .filter(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| String::from_utf8_lossy(header.value));
            // A list that is cut into several lines is one list.
            let first = values.next()?.into_owned();
            Some(values.fold(first, |all, more| all + "," + &more))
        };
        match header("host") {
            Some(host) if is_this_host(host.trim(), names) => {}
            // Browsers always send it, and it is they whom other pages could use.
            None if parsed.version == Some(0) => {}
            None => return Err(Response::error(400, "the header Host is missing")),
            Some(_) => {
                let reason = "ask by IP address, or start the server with --admin NAME:PORT";
                return Err(Response::error(421, reason));
            }
        }
        let head_only = match method {
            "GET" => false,
            "HEAD" => true,
            _ => return Err(Response::error(405, "only GET and HEAD are allowed")),
        };
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.into())),
            None => (target, None),
        };
        Ok(Self {
            head_only,
            path: path.into(),
            query,
            open_metrics: prefers_open_metrics(&header("accept").unwrap_or_default()),
            gzip: accepts_gzip(&header("accept-encoding").unwrap_or_default()),
        })
    }
}

/// Whether a `Host` is an address or one of the names of this host. A page of another site can
/// have its own name point here (DNS rebinding), but it cannot change what the browser calls it.
fn is_this_host(host: &str, names: &[String]) -> bool {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = port.strip_prefix(':').unwrap_or(port);
        return matches!(address.parse(), Ok(IpAddr::V6(_))) && is_port(port);
    }
    let (name, port) = host.split_once(':').unwrap_or((host, ""));
    let is_known = || names.iter().any(|known| known.eq_ignore_ascii_case(name));
    is_port(port) && (matches!(name.parse(), Ok(IpAddr::V4(_))) || is_known())
}

/// The items of a header that is a list, each with its weight.
fn weighted(list: &str) -> impl Iterator<Item = (&str, f32)> {
    list.split(',').map(|item| {
        let mut words = item.split(';').map(str::trim);
        let name = words.next().unwrap_or_default();
        let weight = words.find_map(|word| word.strip_prefix("q="));
        (
            name,
            weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)),
        )
    })
}

/// The highest weight that one of these names has.
fn weight(list: &str, names: &[&str]) -> f32 {
    let named = weighted(list).filter(|(name, _)| names.contains(name));
    named.map(|(_, weight)| weight).fold(0.0, f32::max)
}

fn prefers_open_metrics(accept: &str) -> bool {
    let open_metrics = weight(accept, &["application/openmetrics-text"]);
    open_metrics > 0.0 && open_metrics >= weight(accept, &["text/plain", "text/*", "*/*"])
}

fn accepts_gzip(accept_encoding: &str) -> bool {
    match weighted(accept_encoding).find(|(name, _)| *name == "gzip") {
        Some((_, weight)) => weight > 0.0,
        None => weight(accept_encoding, &["*"]) > 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: impl AsRef<[u8]>) -> Result<Request, u16> {
        let names = ["localhost".into(), "cache-1".into()];
        Request::parse(head.as_ref(), &names).map_err(|response| response.status)
    }

    fn with_headers(headers: &str) -> Result<Request, u16> {
        parse(format!("GET / HTTP/1.1\r\n{headers}\r\n"))
    }

    #[test]
    fn a_request_is_its_path_query_and_what_the_client_accepts() {
        let plain = Request {
            path: "/".into(),
            ..Request::default()
        };
        assert_eq!(with_headers("Host: 127.0.0.1\r\n"), Ok(plain.clone()));
        assert_eq!(parse("GET / HTTP/1.0\r\n\r\n"), Ok(plain.clone()));
        let head = "HEAD /api/map?shard=3&x=%20 HTTP/1.1\r\nhost: [::1]:11280\r\n\
            Accept-Encoding: gzip, br\r\naccept: text/html\r\n\r\n";
        let expected = Request {
            head_only: true,
            path: "/api/map".into(),
            query: Some("shard=3&x=%20".into()),
            open_metrics: false,
            gzip: true,
        };
        assert_eq!(parse(head), Ok(expected));
    }

    #[test]
    fn bytes_that_are_no_request_are_refused() {
        for (head, status) in [
            (&b"GET\r\n\r\n"[..], 400),
            (b"\r\n\r\n", 400),
            (b"get k\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHo\0st: 127.0.0.1\r\n\r\n", 400),
            (b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
            (b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
            (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ] {
            let shown = head.escape_ascii().to_string();
            assert_eq!(parse(head).unwrap_err(), status, "{shown}");
        }
    }

    #[test]
    fn only_an_address_or_a_name_of_this_host_is_a_host() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:11280",
            "10.0.0.7:80",
            "[::1]",
            "[fd00::1]:11280",
            "localhost",
            "LocalHost:11280",
            "cache-1:11280",
        ] {
            assert!(with_headers(&format!("Host: {host}\r\n")).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:11280",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:80@evil.example",
            "cache-12",
            "[::1].evil.example",
            "::1",
            "[127.0.0.1]",
            "127.1",
            "2130706433",
            "",
        ] {
            let refused = with_headers(&format!("Host: {host}\r\n"));
            assert_eq!(refused, Err(421), "{host}");
        }
        assert_eq!(with_headers(""), Err(400));
        let two = with_headers("Host: 127.0.0.1\r\nHost: evil.example\r\n");
        assert_eq!(two, Err(421));
    }

    #[test]
    fn the_number_of_headers_is_limited() {
        let with =
            |count: usize| with_headers(&("Host: ::\r\n".to_owned() + &"A: b\r\n".repeat(count)));
        assert_eq!(with(HEADERS_MAX - 2), Err(421));
        assert_eq!(with(HEADERS_MAX - 1), Err(421));
        assert_eq!(with(HEADERS_MAX), Err(431));
    }

    #[test]
    fn the_length_of_the_target_is_limited() {
        let with = |len: usize| {
            let target = "a".repeat(len - 1);
            parse(format!("GET /{target} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        };
        assert!(with(TARGET_MAX - 1).is_ok());
        assert!(with(TARGET_MAX).is_ok());
        assert_eq!(with(TARGET_MAX + 1), Err(414));
    }

    #[test]
    fn the_format_of_metrics_is_what_the_client_prefers() {
        for (accept, expected) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("application/openmetrics-text", true),
            ("application/openmetrics-text;q=0", false),
            (
                "application/openmetrics-text; version=1.0.0; q=0.5,text/plain;q=0.3",
                true,
            ),
            (
                "application/openmetrics-text;q=0.4,text/plain;version=0.0.4;q=0.5",
                false,
            ),
            ("application/openmetrics-text;q=0.5,*/*;q=0.1", true),
            ("application/openmetrics-text;q=high", false),
        ] {
            assert_eq!(prefers_open_metrics(accept), expected, "{accept}");
        }
    }

    #[test]
    fn gzip_is_sent_to_those_who_accept_it() {
        for (list, expected) in [
            ("", false),
            ("gzip", true),
            ("deflate, gzip;q=0.5", true),
            ("gzip;q=0, *", false),
            ("*", true),
            ("identity", false),
            ("br", false),
        ] {
            assert_eq!(accepts_gzip(list), expected, "{list}");
        }
    }
}
