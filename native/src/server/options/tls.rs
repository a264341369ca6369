//! The options of TLS: our own, and memcached's, which do the same.

use std::iter;
use std::path::PathBuf;

use crate::server::error::Error;
use crate::server::options::{Listen, Options, Security};

/// What clients have to show in a handshake.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientCerts {
    None,
    /// A certificate that the server trusts, or none.
    Optional,
    Required,
}

/// The files of TLS, and what they are used for.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate and those between it and its root, in PEM.
    pub(crate) cert: PathBuf,
    /// May be the same file.
    pub(crate) key: PathBuf,
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) tls13_only: bool,
}

impl Options {
    /// Whether the clients of a listener speak TLS, and what they have to show.
    pub(crate) fn client_certs(&self, security: Security) -> Option<ClientCerts> {
        let default = || match self.memcached.setting("ssl_verify_mode") {
            Some("0") => ClientCerts::None,
            Some("2") => ClientCerts::Required,
            Some(_) => ClientCerts::Optional,
            None if self.tls_client_ca.is_some() => ClientCerts::Required,
            None => ClientCerts::None,
        };
        match security {
            Security::Default if self.memcached.enable_ssl => Some(default()),
            Security::Default | Security::Plain => None,
            Security::Tls => Some(default()),
            Security::TlsWithoutCert => Some(ClientCerts::None),
            Security::TlsWithCert => Some(ClientCerts::Required),
        }
    }

    /// What TLS needs, if it is configured.
    pub(crate) fn tls_files(&self) -> Option<TlsFiles> {
        let file = |own: &Option<PathBuf>, name| {
            let setting = || self.memcached.setting(name).map(PathBuf::from);
            own.clone().or_else(setting)
        };
        let cert = file(&self.tls_cert, "ssl_chain_cert")?;
        Some(TlsFiles {
            key: file(&self.tls_key, "ssl_key").unwrap_or_else(|| cert.clone()),
            client_ca: file(&self.tls_client_ca, "ssl_ca_cert"),
            tls13_only: self.memcached.setting("ssl_min_version") == Some("3"),
            cert,
        })
    }

    /// What the clients of each listener have to show that speak TLS. With `-Z` there is always
    /// one: a service manager may hand sockets over.
    fn tls_listeners(&self) -> impl Iterator<Item = ClientCerts> {
        let listen = self.listen.iter().filter(|listen| !listen.is_unix());
        let listen = listen.map(|listen: &Listen| listen.security);
        let all = iter::once(Security::Default).chain(listen);
        all.filter_map(|security| self.client_certs(security))
    }

    /// Whether any client speaks TLS.
    pub(crate) fn uses_tls(&self) -> bool {
        self.tls_listeners().next().is_some()
    }

    /// Fails if the files do not fit the listeners.
    pub(super) fn check_tls(&self) -> Result<(), Error> {
        let own = [
            ("--tls-cert", &self.tls_cert),
            ("--tls-key", &self.tls_key),
            ("--tls-client-ca", &self.tls_client_ca),
        ];
        let named = own.into_iter().find(|(_, file)| file.is_some());
        let named = named.map(|(name, _)| name);
        let uses_tls = self.uses_tls();
        let files = self.tls_files();
        let needs_ca = self
            .tls_listeners()
            .any(|clients| clients != ClientCerts::None);
        let asks = match self.memcached.enable_ssl {
            true => "-Z/--enable-ssl",
            false => "-l/--listen",
        };
        let (name, reason) = match (named, files) {
            _ if !cfg!(feature = "tls") && (uses_tls || named.is_some()) => (
                named.unwrap_or(asks),
                "this server is built without TLS; put a TLS proxy on the same host in front",
            ),
            (Some(name), _) if !uses_tls => (
                name,
                "no listener speaks TLS; add -l tls:ADDRESS for one, or -Z for all",
            ),
            (_, None) if uses_tls => (
                asks,
                "TLS needs --tls-cert, a file with a certificate, and --tls-key",
            ),
            (_, Some(files)) if needs_ca && files.client_ca.is_none() => (
                asks,
                "certificates of clients need --tls-client-ca, a file with those they are \
                 signed by",
            ),
            _ => return Ok(()),
        };
        let reason = reason.into();
        Err(Error::Option { name, reason })
    }
}
