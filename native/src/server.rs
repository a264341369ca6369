//! A whole server: binds its sockets, accepts connections up to a limit, and stops when asked to.

pub(crate) mod admin;
mod auth;
pub(crate) mod clock;
mod connection;
mod context;
mod error;
mod listen;
mod lock;
mod log;
mod options;
mod process;
mod runtime;
pub(crate) mod state;
mod stop;
mod upkeep;
mod worker;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dynamidb_core::{Config, Dialect, SessionConfig};
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use crate::seed;
use crate::server::admin::Settings;
use crate::server::auth::Users;
use crate::server::connection::linger::{Linger, REJECTIONS_MAX, TIMEOUT};
use crate::server::context::{ConnectionPermit, ServerContext};
use crate::server::listen::{Listeners, address_of, listen};
use crate::server::options::size_text;
use crate::server::process::Account;
use crate::server::process::memory_limit;
use crate::server::runtime::{Runtime, Stream};
use crate::server::state::{FILES_RESERVED, ServerState, count};
use crate::server::stop::Stop;
use crate::server::worker::{Inbox, Worker};
use crate::shards::{Growth, SHARD_MEMORY_MAX, Shards};

pub use self::error::Error;
pub use self::log::Log;
pub use self::options::{Listen, MemcachedOptions, Options};
pub use self::runtime::RuntimeName;

/// How long nothing is accepted after the system has refused to give us another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What is discarded at once of what a rejected client sends.
const DISCARD_BUFFER: usize = 16 * 1024;
/// How often the end looks whether the last connection is gone.
const DRAIN_PERIOD: Duration = Duration::from_millis(5);

/// A server that listens, and serves once it is [`run`](Self::run).
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    runtime: RuntimeName,
    context: Arc<ServerContext>,
}

/// Stops a [`Server`] from another thread, or has it read its users anew.
#[derive(Clone, Debug)]
pub struct StopHandle {
    // Not all that is shared: whoever keeps a handle does not keep the memory.
    stop: Arc<Stop>,
    users: Option<Arc<Users>>,
}

impl StopHandle {
    /// Asks the server to stop: it accepts and reads nothing more, finishes the replies under way
    /// and then returns from [`Server::run`], within five seconds even if clients take nothing.
    pub fn stop(&self) {
        self.stop.request();
    }

    /// Reads the file of [`Options::auth_file`] anew, if there is one. Clients that were let in
    /// stay.
    ///
    /// # Errors
    /// [`Error::Option`] if something is wrong with the file; nothing changes then.
    pub fn reload_users(&self) -> Result<(), Error> {
        self.users.as_ref().map_or(Ok(()), |users| users.reload())
    }
}

impl Server {
    /// Reserves the memory and binds the sockets. Raises the process's limit of open files as far
    /// as the connections need it. Makes a process of root's that of the user of `-u`, all its
    /// threads included.
    ///
    /// # Errors
    /// [`Error::Option`] if the options contradict each other or ask for the impossible,
    /// [`Error::Listen`] if an address is taken or not this host's.
    pub fn bind(options: &Options) -> Result<Self, Error> {
        Self::open(options).map_err(|error| options.name_variable(error))
    }

    fn open(options: &Options) -> Result<Self, Error> {
        options.check()?;
        let account = Account::wanted(&options.memcached)?;
        process::prepare(&options.memcached)?;
        let max_connections = connection_limit(options.max_connections)?;
        let mut config = options.config();
        config.hash_seed = seed::random();
        let mut session = SessionConfig::default();
        session.dialect = options.dialect;
        session.item_size_max = config.item_size_max;
        session.output_max = options.output_max;
        // Sessions are cheap to copy because of it, and a process has one or two servers.
        session.version = options.memcached_version.clone().leak();
        session.flush_enabled = !options.memcached.disable_flush_all;
        session.cas_enabled = !options.memcached.disable_cas;
        let users = options.auth_file.as_deref().map(Users::load).transpose()?;
        let users = users.map(Arc::new);
        // Memory that is locked is resident as a whole: addresses would not be mere addresses.
        let growth = match options.memcached.lock_memory {
            true => Growth::default(),
            false => Growth {
                max: SHARD_MEMORY_MAX,
                set_aside: process::has_free_addresses(),
            },
        };
        let shards = Shards::new(&config, options.thread_count(), growth)?;
        let listeners = listen(options)?;
        if let Some(account) = account {
            account.assume(&listeners.files, &options.memcached)?;
        }
        let addresses: Vec<_> = listeners.sockets.iter().filter_map(address_of).collect();
        let server = ServerState::new(Settings {
            options: options.clone(),
            port: addresses.first().map_or(options.port, SocketAddr::port),
            addresses,
            max_connections,
        });
        let context = ServerContext {
            shards,
            stop: Arc::clone(&server.stop),
            server,
            session,
            stall_timeout: seconds(options.stall_timeout),
            idle_timeout: seconds(options.memcached.idle_timeout()),
            users,
        };
        let server = Self {
            listeners,
            runtime: options.runtime,
            context: Arc::new(context),
        };
        server.announce(&config);
        Ok(server)
    }

    /// Where it listens, with the ports that were picked; Unix sockets are not among them.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners
            .sockets
            .iter()
            .filter_map(address_of)
            .collect()
    }

    /// What stops it.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            stop: Arc::clone(&self.context.stop),
            users: self.context.users.clone(),
        }
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// [`Error::System`] if threads or sockets cannot be had.
    pub fn run(self) -> Result<(), Error> {
        let outcome = match self.runtime {
            #[cfg(feature = "tokio")]
            RuntimeName::Tokio => self.run_on::<runtime::Tokio>(),
            #[cfg(feature = "async-std")]
            RuntimeName::AsyncStd => self.run_on::<runtime::AsyncStd>(),
        };
        outcome.map_err(|source| Error::System {
            what: "serve",
            source,
        })
    }

    fn run_on<R: Runtime>(self) -> io::Result<()> {
        let threads = self.context.server.settings.options.thread_count();
        let mut outcome = Ok(());
        R::run(threads, async |runtime: Arc<R>| {
            outcome = self.serve(&runtime).await;
        })?;
        outcome
    }

    async fn serve<R: Runtime>(self, runtime: &Arc<R>) -> io::Result<()> {
        let Listeners { sockets, files } = self.listeners;
        let inboxes = (0..self.context.server.settings.options.thread_count()).map(|number| {
            let worker = Worker::<R>::new(Arc::clone(&self.context));
            let inbox = worker.inbox();
            runtime.spawn(number, worker.run());
            inbox
        });
        let acceptor = Arc::new(Acceptor {
            runtime: Arc::clone(runtime),
            context: Arc::clone(&self.context),
            inboxes: inboxes.collect(),
            next: AtomicUsize::new(0),
        });
        let listeners = sockets.into_iter().map(R::listen);
        for listener in listeners.collect::<io::Result<Vec<_>>>()? {
            runtime.spawn(0, Arc::clone(&acceptor).accept(listener));
        }
        runtime.spawn(0, upkeep::run::<R>(Arc::clone(&self.context)));
        self.context.stop.requested().await;
        drop(files);
        self.context.server.clients.wake_all();
        // Each connection ends by itself, in bounded time.
        while self.context.server.connections.load(Ordering::Acquire) > 0 {
            R::sleep(DRAIN_PERIOD).await;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn context(&self) -> Arc<ServerContext> {
        Arc::clone(&self.context)
    }

    fn announce(&self, config: &Config) {
        let addresses = self.local_addrs();
        for address in &addresses {
            tracing::info!("listening on {address}");
            if !address.ip().is_loopback() && self.context.users.is_none() {
                tracing::warn!("whoever reaches {address} can read and change every item");
            }
        }
        for file in &self.listeners.files {
            tracing::info!("listening on {}", file.path().display());
        }
        let items = config
            .max_items
            .map_or_else(|| "any number of".into(), |max| max.to_string());
        tracing::info!(
            "memory {}, {items} items of up to {}, slab sizes {:?}, {} connections",
            size_text(config.memory),
            size_text(config.item_size_max),
            config.slab_sizes,
            self.context.server.settings.max_connections,
        );
        tracing::info!(
            "runtime {}, threads: {}, shards: {}",
            self.runtime,
            self.context.server.settings.options.thread_count(),
            self.context.shards.len(),
        );
        memory_limit::warn_if_exceeded(config.memory);
        let target = match (addresses.first(), self.listeners.files.first()) {
            (Some(address), _) => format!("{} {}", address.ip(), address.port()),
            (_, Some(file)) => format!("-U {}", file.path().display()),
            _ => return,
        };
        // The goodbye ends every netcat, whatever it does at the end of its input.
        let words = match self.context.server.settings.options.dialect {
            Dialect::Memcached => r"set key1 0 30 5\r\nhello\r\nquit\r\n",
            _ => r"SET key1 30 5\r\nhello\r\nQUIT\r\n",
        };
        tracing::info!("try: printf '{words}' | nc {target}");
    }
}

/// Takes connections from the listeners and deals them out to the workers.
struct Acceptor<R: Runtime> {
    runtime: Arc<R>,
    context: Arc<ServerContext>,
    inboxes: Vec<Arc<Inbox<R>>>,
    /// Whose turn it is.
    next: AtomicUsize,
}

impl<R: Runtime> Acceptor<R> {
    /// Takes connections from a listener until the server stops.
    async fn accept(self: Arc<Self>, listener: R::Listener) {
        let Self { context, .. } = &*self;
        let server = &context.server;
        while let Some(accepted) = context.stop.or(R::accept(&listener)).await {
            match accepted.and_then(|stream| self.hand_over(stream)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::debug!("accept: {error}");
                    server.out_of_files.record(server.clock.now());
                    server.accepting.store(false, Ordering::Relaxed);
                    context.stop.or(R::sleep(ACCEPT_PAUSE)).await;
                    let paused = ACCEPT_PAUSE.as_micros() as u64;
                    count(&server.accept_paused_us, paused);
                    server.accepting.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    fn hand_over(&self, stream: R::Stream) -> io::Result<()> {
        let Some(permit) = ConnectionPermit::acquire(&self.context) else {
            let stream = self.runtime.move_to(0, stream)?;
            let context = Arc::clone(&self.context);
            self.runtime.spawn(0, reject::<R>(stream, context));
            return Ok(());
        };
        let worker = self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len();
        let stream = self.runtime.move_to(worker, stream)?;
        self.inboxes[worker].push(stream, permit);
        Ok(())
    }
}

/// Says why, as memcached does, and closes the connection. A client may have sent much by then.
async fn reject<R: Runtime>(mut stream: R::Stream, context: Arc<ServerContext>) {
    let line = b"ERROR Too many open connections\r\n";
    let _ = poll_fn(|cx| stream.poll_write(cx, line)).await;
    let Some(_rejection) = context.server.rejections.enter() else {
        return;
    };
    // It needs no permit, so that it need not hurry.
    if let Ok(mut linger) = Linger::start::<R>(&stream, TIMEOUT, None) {
        let mut buffer = vec![0; DISCARD_BUFFER];
        poll_fn(|cx| linger.poll::<R>(cx, &mut stream, &mut buffer)).await;
    }
}

/// How many connections there may be, with the limit of open files raised to hold them.
fn connection_limit(wanted: Option<u32>) -> Result<usize, Error> {
    let failed = |source: nix::Error| Error::System {
        what: "read the limit of open files",
        source: source.into(),
    };
    let limits = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    let (soft, hard) = (widen(limits.0), widen(limits.1));
    let most = hard.saturating_sub(FILES_RESERVED);
    let least = wanted.map_or(1, u64::from);
    if least > most {
        let reason = format!("this process may have {hard} files open, enough for {most}");
        return Err(Error::Option {
            name: "-c/--max-connections",
            reason,
        });
    }
    // Clients that are told that they are too many need files as well, if there are so many.
    let for_rejections = REJECTIONS_MAX as u64;
    let connections = match wanted {
        Some(wanted) => wanted.into(),
        None => u64::from(Options::MAX_CONNECTIONS).min(most.saturating_sub(for_rejections).max(1)),
    };
    let files = (connections + FILES_RESERVED + for_rejections).min(hard);
    if soft < files {
        let raised = files as rlim_t;
        setrlimit(Resource::RLIMIT_NOFILE, raised, limits.1).map_err(failed)?;
    }
    Ok(usize::try_from(connections).unwrap_or(usize::MAX))
}

/// A limit of the system, which has 32 or 64 bits.
fn widen(limit: impl Into<u64>) -> u64 {
    limit.into()
}

/// A limit in time; 0 stands for none.
fn seconds(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}
