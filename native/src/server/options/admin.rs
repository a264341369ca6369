//! Where the admin port listens.

use std::fmt;
use std::str::FromStr;

use crate::server::options::values::ListenAddress;

/// Where the admin port listens: HTTP for metrics, health checks and a dashboard, read only.
///
/// # Examples
/// ```
/// use dynamidb::Admin;
///
/// let admin: Admin = "[::1]:9000".parse()?;
/// assert_eq!(admin.to_string(), "[::1]:9000");
/// assert_eq!("off".parse(), Ok(Admin::Off));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Admin {
    /// At 127.0.0.1:11280, or nowhere if another program has that port.
    #[default]
    Default,
    /// At this address; if that is impossible, the server does not start.
    At {
        /// A name or an address of this host.
        host: String,
        /// The port; 0 picks a free one.
        port: u16,
    },
    /// Nowhere.
    Off,
}

impl Admin {
    pub(crate) const HOST: &str = "127.0.0.1";
    pub(crate) const PORT: u16 = 11280;
}

impl fmt::Display for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => ListenAddress::host(Self::HOST, Some(Self::PORT)).fmt(f),
            Self::At { host, port } => ListenAddress::host(host, Some(*port)).fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for Admin {
    type Err = String;

    /// Reads `HOST:PORT`, `[IPV6]:PORT` or `off`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        match text.parse()? {
            ListenAddress::Host {
                host,
                port: Some(port),
            } => Ok(Self::At { host, port }),
            _ => Err("expected HOST:PORT or off".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_address_has_a_host_and_a_port() {
        let at = |host: &str, port| {
            let host = host.into();
            Ok(Admin::At { host, port })
        };
        assert_eq!("off".parse(), Ok(Admin::Off));
        assert_eq!("cache-1:0".parse(), at("cache-1", 0));
        assert_eq!("[::1]:9000".parse(), at("::1", 9000));
        for wrong in [
            "",
            "on",
            "::1",
            "127.0.0.1",
            "127.0.0.1:",
            "unix:/run/x",
            "[::1]",
        ] {
            assert!(wrong.parse::<Admin>().is_err(), "{wrong}");
        }
        assert_eq!(Admin::Default.to_string(), "127.0.0.1:11280");
    }
}
