//! The admin port: HTTP, read only, for metrics, health checks and the dashboard.
//!
//! It has its own threads, one that accepts and one for each connection, so that no scrape takes
//! a worker's turn and no runtime is needed: a server whose workers hang still says so. What it
//! shows it asks for as a client does, and so holds a shard's lock as briefly.

mod api;
mod assets;
mod exchange;
mod figures;
mod health;
mod insight;
pub(crate) mod limits;
mod map;
mod metrics;
mod request;
mod response;
mod routes;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::server::admin_port::exchange::Waits;
use crate::server::admin_port::limits::CONNECTIONS_MAX;
use crate::server::admin_port::routes::Site;
use crate::server::context::ServerContext;
use crate::server::error::Error;
use crate::server::options::{Admin, Options};

/// How long nothing is accepted after the system had no file or thread for a connection.
const ACCEPT_PAUSE: u16 = 100;
/// Metrics are made in memory from the heap.
const STACK_SIZE: usize = 256 * 1024;

/// The port, bound.
#[derive(Debug)]
pub(crate) struct AdminPort {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// The names by which clients may call this host.
    names: Vec<String>,
    pub(crate) keys_shown: bool,
}

/// The port, served until this is dropped.
#[derive(Debug)]
pub(crate) struct ServedPort {
    /// Dropped first, which ends all waits of the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl AdminPort {
    /// Binds the port that the options ask for. That of the default may be taken.
    pub(crate) fn bind(options: &Options) -> Result<Option<Self>, Error> {
        let (host, port) = match &options.admin {
            Admin::Off => return Ok(None),
            Admin::Default => (Admin::HOST, Admin::PORT),
            Admin::At { host, port } => (&**host, *port),
        };
        match Self::listen(host, port, options) {
            Ok(bound) => Ok(Some(bound)),
            Err(error) if options.admin == Admin::Default => {
                let address = &options.admin;
                tracing::warn!("there is no admin port, {address}: {error}; --admin sets another");
                Ok(None)
            }
            Err(source) => Err(Error::Listen {
                address: options.admin.to_string(),
                source,
            }),
        }
    }

    fn listen(host: &str, port: u16, options: &Options) -> io::Result<Self> {
        let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
        let listener = TcpListener::bind(&addresses[..])?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let own_name = nix::unistd::gethostname().unwrap_or_default();
        let names = ["localhost", host, &own_name.to_string_lossy()].map(Into::into);
        // With users, somebody on this host who is none of them sees no keys.
        let is_open = address.ip().is_loopback() && !options.has_users();
        let may_show = is_open || options.admin_keys;
        Ok(Self {
            listener,
            address,
            names: names.into(),
            keys_shown: may_show && !options.memcached.disable_dumping,
        })
    }

    /// Logs where it is, and who can read what.
    pub(crate) fn announce(&self) {
        let (address, keys) = (self.address, self.keys_shown);
        tracing::info!("admin port: http://{address}/, metrics: http://{address}/metrics");
        if !address.ip().is_loopback() {
            let keys = if keys { " and keys" } else { "" };
            tracing::warn!("whoever can reach {address} can read statistics{keys}");
        }
    }

    /// Serves the port in a thread.
    pub(crate) fn serve(self, context: Arc<ServerContext>) -> io::Result<ServedPort> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = thread::Builder::new().name("admin".into());
        let thread = thread
            .stack_size(STACK_SIZE)
            .spawn(move || self.accept(&context, &stopped))?;
        Ok(ServedPort {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Accepts connections until `stop` can be read. Then all of them end.
    fn accept(&self, context: &ServerContext, stop: &UnixStream) {
        let site = Site::new(context, self.keys_shown);
        let waits = Waits {
            clock: context.server.clock,
            stop: stop.as_fd(),
        };
        let open = AtomicUsize::new(0);
        thread::scope(|scope| {
            let mut pauses = false;
            loop {
                let mut polled = [
                    PollFd::new(stop.as_fd(), PollFlags::POLLIN),
                    PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
                ];
                // While it pauses only the end is waited for.
                let (polled, timeout) = match pauses {
                    true => (&mut polled[..1], ACCEPT_PAUSE.into()),
                    false => (&mut polled[..], PollTimeout::NONE),
                };
                let outcome = poll(polled, timeout);
                if outcome.is_ok() && polled[0].any().unwrap_or(true) {
                    return;
                }
                pauses = false;
                let socket = match self.listener.accept() {
                    Ok((socket, _)) => socket,
                    Err(error) => {
                        let kind = error.kind();
                        let out_of_files = kind != io::ErrorKind::WouldBlock
                            && kind != io::ErrorKind::ConnectionAborted;
                        pauses = outcome.is_err() || out_of_files;
                        continue;
                    }
                };
                if open.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
                    site.rejected.fetch_add(1, Ordering::Relaxed);
                    exchange::reject(socket);
                    continue;
                }
                let (site, counted) = (&site, Open::count(&open));
                let serve = move || {
                    let _counted = counted;
                    // A client that goes away or takes too long is no event.
                    let answer = |request: &_| site.respond(request);
                    let _ = exchange::serve(socket, waits, &self.names, answer);
                };
                let thread = thread::Builder::new().name("admin client".into());
                if let Err(error) = thread.stack_size(STACK_SIZE).spawn_scoped(scope, serve) {
                    tracing::debug!("no thread for a client of the admin port: {error}");
                    pauses = true;
                }
            }
        });
    }
}

/// Counts a connection until it is dropped.
struct Open<'s>(&'s AtomicUsize);

impl<'s> Open<'s> {
    fn count(open: &'s AtomicUsize) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for ServedPort {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // If it has panicked, that is in the log.
            let _ = thread.join();
        }
    }
}
