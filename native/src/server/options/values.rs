//! How option values are written and parsed.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use dynamidb_core::Config;

/// memcached's limit.
pub(super) const ITEM_SIZE_MIN: usize = 1024;
/// With less growth there would be more chunk sizes than a cache can have.
const SLAB_GROWTH_MIN: f64 = 1.02;
/// The prefix of a listener whose clients need not sign in.
const NO_AUTH: &str = "noauth";
/// The size of memcached's item header.
const MEMCACHED_HEADER: usize = 48;

/// Whether io_uring is used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum IoUring {
    /// If the system has it and allows it.
    #[default]
    Auto,
    /// A server does not start without it.
    On,
    /// Not at all.
    Off,
}

impl fmt::Display for IoUring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

/// A listener: where, and how its clients are served.
///
/// # Examples
/// ```
/// use dynamidb::Listen;
///
/// let listen: Listen = "noauth:[::1]:11211".parse()?;
/// assert!(!listen.auth);
/// assert_eq!(listen.to_string(), "noauth:[::1]:11211");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Listen {
    /// Where it listens.
    pub address: ListenAddress,
    /// Whether its clients have to sign in, if there are users.
    pub auth: bool,
    /// Whether its clients speak TLS.
    pub security: Security,
}

/// Whether the clients of a listener speak TLS. Those of a Unix socket do not.
///
/// # Examples
/// ```
/// use dynamidb::{Listen, Security};
///
/// let listen: Listen = "tls:*:11213".parse()?;
/// assert_eq!(listen.security, Security::Tls);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Security {
    /// As [`MemcachedOptions::enable_ssl`](crate::MemcachedOptions::enable_ssl) says.
    #[default]
    Default,
    /// They do not: `notls:`.
    Plain,
    /// They do, and show certificates as the options say: `tls:`.
    Tls,
    /// They do, and show no certificate: `btls:`.
    TlsWithoutCert,
    /// They do, and have to show a certificate: `mtls:`.
    TlsWithCert,
}

impl Security {
    /// The prefixes, as in memcached; `tls` is our own.
    const PREFIXES: [(&str, Self); 4] = [
        ("notls", Self::Plain),
        ("tls", Self::Tls),
        ("btls", Self::TlsWithoutCert),
        ("mtls", Self::TlsWithCert),
    ];

    fn named(prefix: &str) -> Option<Self> {
        let mut prefixes = Self::PREFIXES.into_iter();
        prefixes.find_map(|(name, security)| (name == prefix).then_some(security))
    }
}

/// Where to listen.
///
/// # Examples
/// ```
/// use dynamidb::{Listen, ListenAddress};
///
/// let listen: Listen = "unix:/run/cache.sock".parse()?;
/// assert_eq!(listen.address, ListenAddress::Unix("/run/cache.sock".into()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ListenAddress {
    /// All addresses of a host.
    Host {
        /// A name or an address; `*` for all addresses of this host.
        host: String,
        /// The port, or `None` for [`Options::port`](crate::Options::port).
        port: Option<u16>,
    },
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl From<ListenAddress> for Listen {
    /// A listener whose clients have to sign in, if there are users.
    fn from(address: ListenAddress) -> Self {
        Self {
            address,
            auth: true,
            security: Security::Default,
        }
    }
}

impl ListenAddress {
    pub(crate) fn host(host: &str, port: Option<u16>) -> Self {
        let host = host.into();
        Self::Host { host, port }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.auth {
            write!(f, "{NO_AUTH}:")?;
        }
        let mut prefixes = Security::PREFIXES.into_iter();
        if let Some((prefix, _)) = prefixes.find(|(_, security)| *security == self.security) {
            write!(f, "{prefix}:")?;
        }
        write!(f, "{}", self.address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port: None } => f.write_str(host),
            Self::Host {
                host,
                port: Some(port),
            } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host {
                host,
                port: Some(port),
            } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    /// Reads an address behind any number of prefixes: `noauth:`, those of [`Security`], and those
    /// of memcached that change nothing here.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut auth = true;
        let mut security = Security::Default;
        let mut text = text;
        loop {
            text = match text.split_once(':') {
                Some((NO_AUTH, rest)) => {
                    auth = false;
                    rest
                }
                Some(("proto[ascii]" | "proto[negotiating]", rest)) => rest,
                Some((prefix, _)) if prefix.starts_with("proto[") => {
                    return Err("-B chooses the protocol, of all addresses".into());
                }
                Some((prefix, _)) if prefix.starts_with("tag[") => {
                    return Err("tags are not supported".into());
                }
                Some((prefix, rest)) if Security::named(prefix).is_some() => {
                    security = Security::named(prefix).unwrap_or_default();
                    rest
                }
                _ => break,
            };
        }
        let listen = Self {
            address: text.parse()?,
            auth,
            security,
        };
        if listen.is_unix() && !matches!(security, Security::Default | Security::Plain) {
            return Err("clients of a Unix socket do not speak TLS".into());
        }
        Ok(listen)
    }
}

impl Listen {
    pub(crate) const fn is_unix(&self) -> bool {
        matches!(self.address, ListenAddress::Unix(_))
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`, a bare IPv6 address (with `%ZONE` if it
    /// belongs to one link) or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("the path is missing".into()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let zoneless = text.split_once('%').map_or(text, |(address, _)| address);
        if zoneless.parse::<IpAddr>().is_ok() {
            return Ok(Self::host(text, None));
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (
                host,
                Some(rest.strip_prefix(':').ok_or("expected `:` after `]`")?),
            ),
            None => text
                .split_once(':')
                .map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err("the host is missing".into());
        }
        let port = port.map(|port| port.parse().map_err(|_| format!("`{port}` is not a port")));
        Ok(Self::host(host, port.transpose()?))
    }
}

/// Permissions as `chmod` takes them.
pub(super) fn mode(text: &str) -> Result<u32, &'static str> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("expected an octal number up to 777"),
    }
}

/// The character that ends the prefix of a key.
pub(super) fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        &[byte] if byte.is_ascii_graphic() => Ok(byte),
        _ => Err("expected one visible ASCII character"),
    }
}

/// The factor between two chunk sizes.
pub(super) fn growth(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(factor) if (SLAB_GROWTH_MIN..=64.0).contains(&factor) => Ok(factor),
        _ => Err("expected a number from 1.02 to 64"),
    }
}

/// The chunk sizes that memcached would use: its header of 48 bytes and `first` more for the
/// smallest, then larger by the factor, in multiples of 16.
pub(super) fn grown_sizes(first: usize, factor: f64, page_size: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut size = (MEMCACHED_HEADER + first).next_multiple_of(16);
    while size < page_size && sizes.len() < Config::SLAB_SIZES_MAX - 1 {
        sizes.push(size);
        let next = (size as f64 * factor) as usize;
        size = next.next_multiple_of(16).max(size + 16);
    }
    sizes.push(page_size);
    sizes
}

/// A number of MiB, or with a unit; in bytes.
pub(super) fn memory_size(text: &str) -> Result<usize, &'static str> {
    size(text, 1 << 20)
}

/// A number of bytes, or with a unit; in bytes.
pub(super) fn item_size(text: &str) -> Result<usize, &'static str> {
    let size = size(text, 1)?;
    // memcached's rule, for the command line: programs may need less.
    if size < ITEM_SIZE_MIN {
        Err("the minimum is 1k")
    } else {
        Ok(size)
    }
}

/// Reads `64`, `512k`, `64MB`, `64MiB` or `1.5g`: units are powers of 1024, in any case.
fn size(text: &str, unit: usize) -> Result<usize, &'static str> {
    const WRONG: &str = "expected a size, as in 64, 512k, 64MB or 1.5g";
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let factor = match &*suffix.to_ascii_lowercase() {
        "" => unit,
        "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err(WRONG),
    };
    let (whole, fraction) = match number.split_once('.') {
        None => (number, 0.0),
        // A byte cannot be divided.
        Some(_) if factor == 1 => return Err(WRONG),
        Some((_, "")) => return Err(WRONG),
        Some((whole, digits)) => (whole, format!("0.{digits}").parse().map_err(|_| WRONG)?),
    };
    if whole.is_empty() {
        return Err(WRONG);
    }
    let whole = whole.parse::<usize>().ok();
    whole
        .and_then(|whole| whole.checked_mul(factor))
        .and_then(|size| size.checked_add((fraction * factor as f64) as usize))
        .ok_or("the size is too large for this machine")
}

/// A number of bytes as it can be given on the command line.
pub(crate) fn size_text(bytes: usize) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{}m", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}k", bytes >> 10),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(memory_size("3"), Ok(3 << 20));
        assert_eq!(memory_size("3k"), Ok(3 << 10));
        assert_eq!(item_size("1024"), Ok(1024));
        assert_eq!(item_size("3M"), Ok(3 << 20));
        for (text, size) in [
            ("64MB", 64 << 20),
            ("64mib", 64 << 20),
            ("1.5g", 3 << 29),
            ("0.5", 512 << 10),
            ("2048b", 2048),
            ("7KB", 7 << 10),
            ("1.25k", 1280),
            ("0.001g", 1_073_741),
        ] {
            assert_eq!(memory_size(text), Ok(size), "{text}");
        }
        for wrong in [
            "", "k", "-1", "1kbit", "1 k", "µ", "1.5", "1.5b", "1.m", ".5m", "1.5.5m", "1e3",
            "0x10", "1k1",
        ] {
            assert!(item_size(wrong).is_err(), "{wrong}");
        }
        for too_large in ["99999999999999999999", "99999999999999999", "17179869184g"] {
            assert!(memory_size(too_large).is_err(), "{too_large}");
        }
        for text in ["1025", "7k", "3m", "2048m"] {
            assert_eq!(item_size(text).map(size_text), Ok(text.into()));
        }
    }

    #[test]
    fn a_prefix_says_whether_clients_speak_tls_and_is_shown() {
        for (text, security) in [
            ("10.0.0.1:7", Security::Default),
            ("notls:10.0.0.1:7", Security::Plain),
            ("tls:*", Security::Tls),
            ("btls:localhost", Security::TlsWithoutCert),
            ("noauth:mtls:[::1]:7", Security::TlsWithCert),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen.security, security, "{text}");
            assert_eq!(listen.to_string(), text);
        }
        // Of several the last counts.
        let listen: Listen = "tls:notls:::1".parse().unwrap();
        assert_eq!(listen.security, Security::Plain);
    }

    #[test]
    fn an_address_is_parsed_with_and_without_port() {
        for (text, host, port) in [
            ("10.0.0.1", "10.0.0.1", None),
            ("10.0.0.1:7", "10.0.0.1", Some(7)),
            ("localhost", "localhost", None),
            ("localhost:7", "localhost", Some(7)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:7", "::1", Some(7)),
            ("[fe80::1%lo]:7", "fe80::1%lo", Some(7)),
            ("fe80::1%lo", "fe80::1%lo", None),
            ("*", "*", None),
            ("*:7", "*", Some(7)),
            ("notls:10.0.0.1:7", "10.0.0.1", Some(7)),
            ("proto[ascii]:notls:[::1]:7", "::1", Some(7)),
            ("noauth:10.0.0.1:7", "10.0.0.1", Some(7)),
            ("notls:noauth:::1", "::1", None),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen.address, ListenAddress::host(host, port), "{text}");
            assert_eq!(listen.auth, !text.contains("noauth:"), "{text}");
        }
        for wrong in [
            "",
            ":7",
            "[::1]7",
            "[]:7",
            "host:",
            "host:70000",
            "unix:",
            "notls:",
            "noauth:",
            "tls:",
            "tls:unix:/run/cache.sock",
            "mtls:noauth:unix:/run/cache.sock",
            "tag[a]:::1",
            "proto[binary]:::1",
        ] {
            assert!(wrong.parse::<Listen>().is_err(), "{wrong}");
        }
        for path in ["/run/cache.sock", "cache.sock", "a:b"] {
            let text = format!("unix:{path}");
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen, ListenAddress::Unix(path.into()).into());
            assert_eq!(listen.to_string(), text);
            let text = format!("noauth:{text}");
            let listen: Listen = text.parse().unwrap();
            assert!(!listen.auth);
            assert_eq!(listen.to_string(), text);
        }
    }
}
