//! TLS: the certificates of the server, and the handshakes under way.
//!
//! rustls does no input or output here: a connection passes the records that it receives through
//! its [`Tls`], and the replies before they are sent. So it is the same on every runtime.
//!
//! The files are read at the start, and again by `refresh_certs`, by SIGHUP and when they have
//! changed. All of them are valid together, or the ones in use stay. Connections that are open keep
//! the certificate they were opened with.

mod certificate;
mod context;
mod handshake;
mod records;

pub(crate) use self::context::TlsContext;
pub(crate) use self::handshake::ALERT;
pub(crate) use self::records::Tls;
