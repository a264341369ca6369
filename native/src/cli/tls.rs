//! TLS of a command: whom it trusts, and the certificate that it shows.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, RootCertStore, SignatureScheme, StreamOwned,
};

use super::address::{Address, Socket};

/// The variable with which all programs name another list of what the system trusts.
const SYSTEM_VARIABLE: &str = "SSL_CERT_FILE";
/// Where systems keep that list: Debian and Alpine, Fedora, openSUSE, BSD and macOS.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

#[derive(Args, Debug)]
pub(super) struct TlsArgs {
    /// Speak TLS, and trust what the system trusts; each option below does so, too
    #[arg(long)]
    tls: bool,

    /// Trust these certificates, in PEM, and those that they have signed
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,

    /// Show this certificate, in PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// Its key, if that is not in the same file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// The name that the server's certificate has to have, if it is not the host of the address
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
}

/// What connections need for TLS.
pub(super) struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsArgs {
    /// `None` if no option asks for TLS.
    ///
    /// # Errors
    /// A line that says which file is wrong.
    pub(super) fn client(&self, address: &Address) -> Result<Option<Client>, String> {
        let is_asked_for = self.tls
            || self.tls_ca.is_some()
            || self.tls_cert.is_some()
            || self.tls_server_name.is_some();
        if !is_asked_for {
            return Ok(None);
        }
        let name = match (&self.tls_server_name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Host(host, _)) => host.clone(),
            (None, Address::Unix(_)) => "localhost".into(),
        };
        let server_name = ServerName::try_from(name.clone());
        let name = server_name.map_err(|_| format!("a certificate cannot be for {name:?}"))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match &self.tls_ca {
            Some(path) => {
                let named = certificates(path)?;
                let mut roots = RootCertStore::empty();
                for certificate in &named {
                    let added = roots.add(certificate.clone());
                    added.map_err(|error| fault(path, error))?;
                }
                let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
                let webpki = roots.build().map_err(|error| fault(path, error))?;
                let verifier = Arc::new(Verifier { webpki, named });
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
            }
            None => builder.with_root_certificates(system_roots()?),
        };
        let config = match &self.tls_cert {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let chain = certificates(path)?;
                let key_path = self.tls_key.as_ref().unwrap_or(path);
                let key = PrivateKeyDer::from_pem_file(key_path);
                let key = key.map_err(|error| match (error, &self.tls_key) {
                    (pem::Error::NoItemsFound, None) => fault(
                        path,
                        "there is no private key in PEM; --tls-key names its file",
                    ),
                    (pem::Error::NoItemsFound, Some(_)) => fault(
                        key_path,
                        "there is no private key in PEM, or it is encrypted",
                    ),
                    (error, _) => fault(key_path, error),
                })?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| fault(key_path, error))?
            }
        };
        Ok(Some(Client {
            config: Arc::new(config),
            name,
        }))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| fault(path, error))?;
    let certificates: Result<Vec<_>, _> = certificates.collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(fault(path, "there is no certificate in PEM")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(fault(path, error)),
    }
}

/// What the system trusts.
fn system_roots() -> Result<RootCertStore, String> {
    let named = env::var_os(SYSTEM_VARIABLE).filter(|path| !path.is_empty());
    let files = SYSTEM_FILES.iter().map(PathBuf::from);
    let path = match named {
        Some(path) => path.into(),
        None => files
            .into_iter()
            .find(|path| path.exists())
            .ok_or_else(|| {
                "the system has no list of certificates to trust: --tls-ca FILE".to_owned()
            })?,
    };
    let mut roots = RootCertStore::empty();
    // Some of a system may be too old for this.
    let (added, _) = roots.add_parsable_certificates(certificates(&path)?);
    match added {
        0 => Err(fault(&path, "there is no certificate to trust")),
        _ => Ok(roots),
    }
}

fn fault(path: &Path, reason: impl ToString) -> String {
    format!("{}: {}", path.display(), reason.to_string())
}

impl Client {
    /// Shakes hands.
    pub(super) fn encrypt(&self, mut socket: Box<dyn Socket>) -> io::Result<Box<dyn Socket>> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Box::new(StreamOwned::new(connection, socket)))
    }
}

/// Trusts what a file has signed, and what is in it. The latter matters for a certificate that has
/// signed itself: most tools mark it as an authority, and no authority may be a server.
#[derive(Debug)]
struct Verifier {
    webpki: Arc<WebPkiServerVerifier>,
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.webpki.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // It is looked for after the times of the certificate, and before its name.
            Err(error) if is_authority(&error) && self.named.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// Whether a certificate is refused only because it is one of an authority.
fn is_authority(error: &Error) -> bool {
    // Only the crate that verifies for rustls has a type for it.
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other))
        if format!("{:?}", other.0) == "CaUsedAsEndEntity")
}

/// What is wrong, if it is about TLS.
pub(super) fn explain(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                "no trusted authority has signed its certificate; --tls-ca FILE names \
                 certificates to trust"
                    .into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate is for another name; --tls-server-name says it: {why}")
            }
            _ if is_authority(error) => {
                "its certificate is one of an authority; --tls-ca FILE trusts it if it is in FILE"
                    .into()
            }
            why => format!("its certificate is not trusted: {why}"),
        },
        Error::InvalidMessage(_) => "it does not speak TLS; leave out --tls".into(),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "it wants a certificate: --tls-cert FILE".into()
        }
        // Of TLS 1.2 it is the only alert for that.
        Error::AlertReceived(alert) => format!("it refuses TLS with us: {alert:?}"),
        error => error.to_string(),
    })
}
