//! Certificates, clients that speak TLS, and a bridge for clients that do not.

// Each test file uses its part of this.
#![allow(dead_code)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::hear::must_hear;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with an authority and what it has signed; removed when this is dropped.
pub(crate) struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Authority {
    /// An authority with the files `ca.pem`, `cert.pem` and `key.pem` of a server.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("dynamidb-tls-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Otherwise a certificate of one authority could be one of another.
        let own_name = dir.display().to_string();
        params.distinguished_name.push(DnType::CommonName, own_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(dir.join("ca.pem"), certificate.pem()).unwrap();
        let this = Self {
            root: certificate.der().clone(),
            issuer: Issuer::new(params, key),
            dir,
        };
        this.sign("cert.pem", "key.pem", 4000);
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a certificate for this host that is valid to the end of a year, and its key.
    pub(crate) fn sign(&self, cert: &str, key: &str, year: i32) -> CertificateDer<'static> {
        let names = vec!["localhost".into(), "127.0.0.1".into()];
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = date_time_ymd(year, 12, 31);
        let pair = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&pair, &self.issuer).unwrap();
        write_key(&self.path(key), &pair.serialize_pem());
        replace(&self.path(cert), &certificate.pem());
        certificate.der().clone()
    }

    /// The options of a server that uses the files.
    pub(crate) fn options(&self) -> String {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        format!("--tls-cert {} --tls-key {}", cert.display(), key.display())
    }

    /// The configuration of a client that trusts the authority, for these versions of TLS.
    pub(crate) fn config(&self, versions: Versions) -> ClientConfig {
        self.builder(versions).with_no_client_auth()
    }

    /// The same, with a certificate.
    pub(crate) fn config_with_cert(&self, cert: &Path, key: &Path) -> ClientConfig {
        let chain = CertificateDer::pem_file_iter(cert).unwrap();
        let chain = chain.collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let builder = self.builder(rustls::ALL_VERSIONS);
        builder.with_client_auth_cert(chain, key).unwrap()
    }

    fn builder(
        &self,
        versions: Versions,
    ) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(versions).unwrap();
        builder.with_root_certificates(roots)
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> TlsClient {
        TlsClient::connect(address, &Arc::new(self.config(rustls::ALL_VERSIONS)))
    }
}

pub(crate) type Versions = &'static [&'static rustls::SupportedProtocolVersion];

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn write_key(path: &Path, pem: &str) {
    use std::os::unix::fs::PermissionsExt;
    replace(path, pem);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Replaces a file at once, as tools for certificates do.
pub(crate) fn replace(path: &Path, text: &str) {
    let temporary = path.with_extension("new");
    fs::write(&temporary, text).unwrap();
    fs::rename(&temporary, path).unwrap();
}

/// A client that speaks TLS.
pub(crate) struct TlsClient {
    pub(crate) stream: StreamOwned<ClientConnection, TcpStream>,
}

impl TlsClient {
    /// Connects; the handshake comes with the first request.
    pub(crate) fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        let stream = StreamOwned::new(connection, socket);
        Self { stream }
    }

    /// Completes the handshake.
    pub(crate) fn shake_hands(&mut self) -> std::io::Result<()> {
        while self.stream.conn.is_handshaking() {
            self.stream.conn.complete_io(&mut self.stream.sock)?;
        }
        Ok(())
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.stream.flush().unwrap();
    }

    /// Expects exactly these bytes next.
    pub(crate) fn must_hear(&mut self, expected: impl AsRef<[u8]>) {
        must_hear(&mut self.stream, expected.as_ref());
    }

    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.say(request);
        self.must_hear(reply);
    }

    /// All bytes until the server closes the connection, which it has to announce.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // Without `close_notify` this is an error.
        self.stream.read_to_end(&mut rest).unwrap();
        rest
    }

    /// Announces that nothing more is sent.
    pub(crate) fn close(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
    }
}

/// Has clients that do not speak TLS talk to a server that does. Returns where.
pub(crate) fn bridge(server: SocketAddr, config: &Arc<ClientConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::clone(config);
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, config) = (client.unwrap(), Arc::clone(&config));
            thread::spawn(move || carry(client, server, &config));
        }
    });
    address
}

fn carry(mut client: TcpStream, server: SocketAddr, config: &Arc<ClientConfig>) {
    let mut stream = TlsClient::connect(server, config);
    // The test is over, maybe.
    if stream.shake_hands().is_err() {
        return;
    }
    let StreamOwned {
        conn: connection,
        sock: mut socket,
    } = stream.stream;
    let connection = Arc::new(Mutex::new(connection));
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), socket.try_clone().unwrap());
    let there = Arc::clone(&connection);
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        loop {
            let len = from_client.read(&mut buffer).unwrap_or(0);
            let mut records = Vec::new();
            {
                let mut connection = there.lock().unwrap();
                match len {
                    0 => connection.send_close_notify(),
                    len => connection.writer().write_all(&buffer[..len]).unwrap(),
                }
                while connection.wants_write() {
                    connection.write_tls(&mut records).unwrap();
                }
            }
            // Not under the lock: the server may wait for its replies to be read.
            if to_server.write_all(&records).is_err() || len == 0 {
                return;
            }
        }
    });
    let mut buffer = [0; 16 * 1024];
    loop {
        let len = socket.read(&mut buffer).unwrap_or(0);
        let mut replies = Vec::new();
        let mut records = &buffer[..len];
        let mut connection = connection.lock().unwrap();
        while !records.is_empty() {
            connection.read_tls(&mut records).unwrap();
            connection.process_new_packets().unwrap();
            // At the end of what there is it would block.
            let _ = connection.reader().read_to_end(&mut replies);
        }
        drop(connection);
        if client.write_all(&replies).is_err() || len == 0 {
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    }
}
