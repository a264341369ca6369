//! Connections to a server, with TLS or without.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// A certificate for this machine that signs itself, its key, and clients that trust it. Sessions
/// are resumed. The files are removed when this is dropped.
#[derive(Debug)]
pub struct Tls {
    dir: PathBuf,
    config: Arc<ClientConfig>,
}

impl Tls {
    pub fn new() -> io::Result<Arc<Self>> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]);
        let made = made.map_err(io::Error::other)?;
        let dir = std::env::temp_dir().join(format!("dynamidb-bench-{}", std::process::id()));
        fs::create_dir_all(&dir)?;
        let mut roots = RootCertStore::empty();
        let trusted = roots.add(made.cert.der().clone());
        trusted.map_err(io::Error::other)?;
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let this = Self { dir, config };
        fs::write(this.file(CERT), made.cert.pem())?;
        fs::write(this.file(KEY), made.signing_key.serialize_pem())?;
        Ok(Arc::new(this))
    }

    /// Options that memcached and DynamiDB understand.
    pub fn options(&self) -> String {
        let (cert, key) = (self.file(CERT), self.file(KEY));
        let (cert, key) = (cert.display(), key.display());
        format!("-Z -o ssl_chain_cert={cert},ssl_key={key}")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

const NAME: &str = "localhost";
const CERT: &str = "cert.pem";
const KEY: &str = "key.pem";

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Where a server listens, and how.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub tls: Option<Arc<Tls>>,
}

impl Endpoint {
    /// A connection whose handshake is over.
    pub fn connect(&self) -> io::Result<Wire<TcpStream>> {
        let (socket, tls) = self.handshake()?;
        Ok(Wire::new(socket, tls))
    }

    /// The parts of a connection, for those who make another kind of socket of it.
    pub fn handshake(&self) -> io::Result<(TcpStream, Option<ClientConnection>)> {
        let mut socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        let Some(tls) = &self.tls else {
            return Ok((socket, None));
        };
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        let client = ClientConnection::new(tls.config.clone(), name);
        let mut client = client.map_err(io::Error::other)?;
        while client.is_handshaking() {
            client.complete_io(&mut socket)?;
        }
        Ok((socket, Some(client)))
    }
}

/// A connection by this kind of socket.
#[derive(Debug)]
pub enum Wire<S: Read + Write> {
    Plain(S),
    Tls(Box<StreamOwned<ClientConnection, S>>),
}

impl<S: Read + Write> Wire<S> {
    pub fn new(socket: S, tls: Option<ClientConnection>) -> Self {
        match tls {
            None => Self::Plain(socket),
            Some(client) => Self::Tls(Box::new(StreamOwned::new(client, socket))),
        }
    }

    pub const fn socket(&self) -> &S {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Whether nothing is left to read after a read that has not filled the buffer.
    pub const fn is_drained_by_short_reads(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}

impl<S: Read + Write> Read for Wire<S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl<S: Read + Write> Write for Wire<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
