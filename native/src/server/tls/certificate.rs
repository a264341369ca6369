//! The files of a certificate, its key and the authorities of clients, read and checked together.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use rustls::crypto::ring::{self, Ticketer};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};

use crate::server::clock::unix_time;
use crate::server::error::Error;
use crate::server::options::tls::{ClientCerts, TlsFiles};

/// A configuration for each kind of listener: by what clients have to show.
pub(super) type Configs = [Option<Arc<ServerConfig>>; 3];

/// The largest file: hundreds of certificates.
const FILE_SIZE_MAX: u64 = 1 << 20;
/// The permission of everybody to read a file.
const READABLE_BY_ALL: u32 = 0o004;

const CERT: &str = "--tls-cert";
const KEY: &str = "--tls-key";
const CLIENT_CA: &str = "--tls-client-ca";

/// Reads the files. Returns the configurations, and when the certificate expires.
pub(super) fn load(files: &TlsFiles) -> Result<(Configs, i64), Error> {
    let chain = certificates(CERT, &files.cert)?;
    let expires = chain.first().map_or(Ok(0), |first| not_after(first));
    let expires = expires.map_err(|error| fault(CERT, &files.cert, error))?;
    if expires <= unix_time().as_secs().cast_signed() {
        return Err(fault(CERT, &files.cert, "the certificate has expired"));
    }
    let key = read(KEY, &files.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| {
        let reason = match error {
            pem::Error::NoItemsFound => "there is no private key in PEM, or it is encrypted".into(),
            error => error.to_string(),
        };
        fault(KEY, &files.key, reason)
    })?;
    let readable = fs::metadata(&files.key)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & READABLE_BY_ALL != 0);
    if readable {
        let path = files.key.display();
        tracing::warn!("every user of this host can read the key {path}: chmod 600");
    }
    let roots = files.client_ca.as_deref().map(authorities).transpose()?;
    let roots = roots.map(Arc::new);
    let config = |clients| config(files, clients, &chain, &key, roots.as_ref());
    Ok((
        [
            Some(config(ClientCerts::None)?),
            roots
                .as_ref()
                .map(|_| config(ClientCerts::Optional))
                .transpose()?,
            roots
                .as_ref()
                .map(|_| config(ClientCerts::Required))
                .transpose()?,
        ],
        expires,
    ))
}

fn config(
    files: &TlsFiles,
    clients: ClientCerts,
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    roots: Option<&Arc<RootCertStore>>,
) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let versions = match files.tls13_only {
        true => &[&TLS13][..],
        false => &[&TLS13, &TLS12],
    };
    let unusable = |error: rustls::Error| {
        let reason = match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                format!(
                    "it is not the key of the certificate {}",
                    files.cert.display()
                )
            }
            error => error.to_string(),
        };
        fault(KEY, &files.key, reason)
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?;
    let builder = match roots.filter(|_| clients != ClientCerts::None) {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider);
            let verifier = match clients {
                ClientCerts::Optional => verifier.allow_unauthenticated(),
                _ => verifier,
            };
            let path = files.client_ca.as_deref().unwrap_or(&files.cert);
            let verifier = verifier.build();
            let verifier = verifier.map_err(|error| fault(CLIENT_CA, path, error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain.to_vec(), key.clone_key())
        .map_err(unusable)?;
    // Sessions are resumed by tickets, which cost the server no memory. Tickets of other
    // certificates, or of listeners that ask for less, are worth nothing.
    config.ticketer = Ticketer::new().map_err(unusable)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn authorities(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(CLIENT_CA, path)? {
        let added = roots.add(certificate);
        added.map_err(|error| fault(CLIENT_CA, path, error))?;
    }
    Ok(roots)
}

/// All certificates of a file: one at least.
fn certificates(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(option, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|error| fault(option, path, error))?;
    match certificates.is_empty() {
        true => Err(fault(option, path, "there is no certificate in PEM")),
        false => Ok(certificates),
    }
}

fn read(option: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut text));
    match read {
        Err(error) => Err(fault(option, path, error)),
        Ok(_) if text.len() as u64 > FILE_SIZE_MAX => {
            Err(fault(option, path, "the file is larger than 1 MiB"))
        }
        Ok(_) => Ok(text),
    }
}

fn fault(name: &'static str, path: &Path, reason: impl ToString) -> Error {
    let reason = format!("{}: {}", path.display(), reason.to_string());
    Error::Option { name, reason }
}

/// When a certificate expires, as a Unix time in seconds: `notAfter` of RFC 5280.
fn not_after(certificate: &[u8]) -> Result<i64, der::Error> {
    let certificate = AnyRef::from_der(certificate)?;
    let to_be_signed = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
    let mut fields = SliceReader::new(to_be_signed.value())?;
    // The version may be absent.
    if matches!(fields.peek_tag()?, Tag::ContextSpecific { .. }) {
        fields.tlv_bytes()?;
    }
    for _number_algorithm_issuer in 0..3 {
        fields.tlv_bytes()?;
    }
    let validity = AnyRef::decode(&mut fields)?;
    let mut validity = SliceReader::new(validity.value())?;
    let _not_before = validity.tlv_bytes()?;
    let end = AnyRef::decode(&mut validity)?;
    let end = match end.tag() {
        Tag::UtcTime => end.decode_as::<UtcTime>()?.to_unix_duration(),
        _ => end.decode_as::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(end.as_secs().cast_signed())
}
