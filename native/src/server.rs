//! The server: binds its sockets, starts the workers, and stops.

mod accept;
pub(crate) mod admin;
mod admin_port;
mod auth;
pub(crate) mod clock;
mod connection;
mod context;
mod error;
mod heartbeat;
mod host;
mod insight;
mod listen;
mod lock;
mod log;
mod options;
mod process;
#[cfg(test)]
mod race;
mod reload;
mod runtime;
mod service_manager;
pub(crate) mod state;
mod state_file;
mod stop;
#[cfg_attr(not(feature = "tls"), path = "server/tls/absent.rs")]
mod tls;
mod upkeep;
mod view;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak, mpsc};
use std::thread;
use std::time::Duration;

use dynamidb_core::{Config, Dialect, Protocol};
use dynamidb_sync::{Growth, Shards, random_seed};

use crate::server::accept::Acceptor;
use crate::server::admin_port::AdminPort;
use crate::server::auth::Users;
use crate::server::auth::sasl::Accounts;
use crate::server::clock::Clock;
use crate::server::context::ServerContext;
use crate::server::heartbeat::Watchdog;
use crate::server::listen::{Listener, Listeners, listen};
use crate::server::options::size_text;
use crate::server::options::tls::ClientCerts;
use crate::server::process::{Account, memory_limit, open_files};
use crate::server::runtime::{Runtime, no_thread};
use crate::server::state_file::{StateFile, Turn};
use crate::server::stop::Stop;
use crate::server::tls::TlsContext;
use crate::server::worker::{Ring, Worker};

pub use self::error::Error;
pub use self::log::Log;
pub use self::log::format::LogFormat;
pub use self::log::subscriber::ProcessLog;
pub use self::options::{
    Admin, IoUring, Listen, ListenAddress, MemcachedOptions, Options, Security,
};
pub use self::runtime::RuntimeName;
pub use self::service_manager::ServiceManager;

/// How often a stopping server checks whether the last connection is closed.
const DRAIN_PERIOD: Duration = Duration::from_millis(5);

/// A server that is bound to its addresses. [`run`](Self::run) serves clients.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    admin_port: Option<AdminPort>,
    runtime: RuntimeName,
    /// One for each worker, or none.
    rings: Vec<Ring>,
    context: Arc<ServerContext>,
    watchdog: Option<Watchdog>,
}

/// Stops a [`Server`] from another thread, or reloads its users and limits.
#[derive(Clone, Debug)]
pub struct StopHandle {
    // Not the whole context: a handle must not keep the cache in memory.
    stop: Arc<Stop>,
    accounts: Option<Arc<Accounts>>,
    tls: Option<Arc<TlsContext>>,
    context: Weak<ServerContext>,
}

impl StopHandle {
    /// Asks the server to stop: it accepts and reads nothing more, and returns from [`Server::run`]
    /// when the replies in progress are sent. Clients have five seconds to read them.
    pub fn stop(&self) {
        self.stop.request();
    }

    /// Ends a save of the items that a stop has begun: the file of [`Options::state`] stays as it
    /// was, and [`Server::run`] fails. Returns whether there was one to end.
    pub fn abandon_save(&self) -> bool {
        let context = self.context.upgrade();
        let state_file = context.and_then(|context| context.state_file.clone());
        state_file.is_some_and(|file| file.abandon())
    }

    /// Saves all items to the file of [`Options::state`] while clients are served, and returns how
    /// many there were; `None` if there is no such file. Each item is saved as it was at some
    /// moment of the save. It takes as long as the disk does.
    ///
    /// # Errors
    /// [`Error::System`]; the file stays as it was. So it does if another save is in progress, or
    /// if the server stops.
    pub fn save(&self) -> Result<Option<u64>, Error> {
        let Some(context) = self.context.upgrade() else {
            return Ok(None);
        };
        let Some(file) = &context.state_file else {
            return Ok(None);
        };
        let turn = file.begin().map_err(save_error)?;
        save(&context, &turn).map(Some)
    }

    /// Whether there are files of users.
    #[must_use]
    pub const fn has_users(&self) -> bool {
        self.accounts.is_some()
    }

    /// Whether there are certificates: a listener with TLS.
    #[must_use]
    pub const fn has_certificates(&self) -> bool {
        self.tls.is_some()
    }

    /// Reloads the files of users, if there are any: [`Options::auth_file`] and
    /// [`MemcachedOptions::sasl_pwdb`]. Clients that are signed in stay so.
    ///
    /// # Errors
    /// [`Error::Option`] if a file is wrong; its users stay as they were.
    pub fn reload_users(&self) -> Result<(), Error> {
        let accounts = self.accounts.as_ref();
        accounts.map_or(Ok(()), |accounts| accounts.reload())
    }

    /// Puts `new` into effect as far as a running server can: the memory, the connection limit,
    /// timeouts, and what `stats settings` shows of [`Options::verbose`]. Logs what changes, and
    /// names what differs from `current` and needs a restart. `current` becomes what is in effect.
    ///
    /// # Examples
    /// ```
    /// use dynamidb::{Options, Server};
    ///
    /// let mut options = Options::default();
    /// options.port = 0;
    /// let server = Server::bind(&options)?;
    /// let mut new = options.clone();
    /// new.stall_timeout = 5;
    /// server.stop_handle().reload(&mut options, new);
    /// assert_eq!(options.stall_timeout, 5);
    /// # Ok::<(), dynamidb::Error>(())
    /// ```
    pub fn reload(&self, current: &mut Options, new: Options) {
        if let Some(context) = self.context.upgrade() {
            reload::limits(&context, current, new);
        }
    }

    /// Reads the files of TLS again, if there are any. Connections that are open go on as they are.
    ///
    /// # Errors
    /// [`Error::Option`] if a file is wrong, or does not fit the others; those in use stay.
    pub fn reload_certificates(&self) -> Result<(), Error> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }
}

impl Server {
    /// Reserves the memory and binds the sockets. Raises the process's limit of open files if the
    /// connections need it. If root has started the process, changes the user of all its threads to
    /// [`MemcachedOptions::user`].
    ///
    /// # Errors
    /// [`Error::Option`] if an option is wrong, does not fit another or cannot be met,
    /// [`Error::Listen`] if an address is in use or not this host's.
    pub fn bind(options: &Options) -> Result<Self, Error> {
        Self::open(options).map_err(|error| options.name_source(error))
    }

    /// Finds what [`bind`](Self::bind) would refuse, but for addresses that are in use. Opens no
    /// socket and changes no user.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub fn check(options: &Options) -> Result<(), Error> {
        options.check()?;
        Account::wanted(&options.memcached)?;
        open_files::connection_limit(options.max_connections)?;
        let users = options.auth_file.as_deref().map(Users::load).transpose()?;
        Accounts::load(users.map(Arc::new), options.memcached.sasl_users())?;
        load_tls(options)?;
        if let Some(path) = &options.state {
            StateFile::path(path)?;
        }
        Shards::new(&options.config(), options.thread_count(), Growth::default())?;
        Ok(())
    }

    fn open(options: &Options) -> Result<Self, Error> {
        options.check()?;
        let account = Account::wanted(&options.memcached)?;
        process::prepare(&options.memcached)?;
        let max_connections = open_files::connection_limit(options.max_connections)?;
        let mut config = options.config();
        config.hash_seed = random_seed();
        let users = options.auth_file.as_deref().map(Users::load).transpose()?;
        let users = users.map(Arc::new);
        let accounts = Accounts::load(users.clone(), options.memcached.sasl_users())?;
        // Before the user changes: keys are often readable for root alone.
        let tls = load_tls(options)?;
        // All locked memory is resident, reserved addresses too.
        let growth = match options.memcached.lock_memory {
            true => Growth::default(),
            false => Growth {
                max: usize::MAX,
                set_aside: process::has_free_addresses(),
            },
        };
        let shards = Shards::new(&config, options.thread_count(), growth)?;
        let clock = Clock::start();
        let state_file = options.state.as_deref();
        let state_file = state_file.map(|path| StateFile::open(path, clock));
        let state_file = state_file.transpose()?.map(Arc::new);
        // Before anybody can connect: the first answer is from a warm cache.
        if let Some(file) = &state_file {
            file.restore(&shards);
        }
        let listeners = listen(options)?;
        let admin_port = AdminPort::bind(options)?;
        if let Some(account) = account {
            account.assume(&listeners.files, &options.memcached)?;
        }
        if let Some(file) = &state_file {
            file.check_writable()?;
        }
        // The system may allow it to root alone.
        let rings = rings(options)?;
        let addresses = listeners.sockets.iter().filter_map(Listener::address);
        let addresses: Vec<_> = addresses.collect();
        if options.require_tls_auth && accounts.is_some() {
            refuse_beyond_host(&listeners.sockets)?;
        }
        let accounts = accounts.map(Arc::new);
        let mut context =
            ServerContext::new(options, shards, users, accounts, addresses, max_connections);
        // The one that the restored deadlines follow.
        context.server.clock = clock;
        context.state_file = state_file;
        context.server.tls = tls.map(Arc::new);
        let server = Self {
            listeners,
            admin_port,
            runtime: options.runtime,
            rings,
            context: Arc::new(context),
            watchdog: None,
        };
        server.announce(&config);
        Ok(server)
    }

    /// The addresses that it listens on, with the ports that were picked. Unix sockets have none.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let sockets = self.listeners.sockets.iter();
        sockets.filter_map(Listener::address).collect()
    }

    /// The address of the admin port, if there is one, with the port that was picked.
    ///
    /// # Examples
    /// ```
    /// use dynamidb::{Admin, Options, Server};
    ///
    /// let mut options = Options::default();
    /// options.port = 0;
    /// options.admin = Admin::Off;
    /// assert_eq!(Server::bind(&options)?.admin_addr(), None);
    /// options.admin = "127.0.0.1:0".parse().expect("an address");
    /// let address = Server::bind(&options)?.admin_addr();
    /// assert!(address.is_some_and(|address| address.port() != 0));
    /// # Ok::<(), dynamidb::Error>(())
    /// ```
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        Some(self.admin_port.as_ref()?.address)
    }

    /// Calls `beat` in each period in which all workers made progress, until the server stops.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use dynamidb::{Options, Server};
    ///
    /// let mut options = Options::default();
    /// options.port = 0;
    /// let mut server = Server::bind(&options)?;
    /// server.on_heartbeat(Duration::from_secs(10), || println!("alive"));
    /// # Ok::<(), dynamidb::Error>(())
    /// ```
    pub fn on_heartbeat(&mut self, period: Duration, beat: impl Fn() + Send + Sync + 'static) {
        self.watchdog = Some(Watchdog::new(period, beat));
    }

    /// A handle that stops the server.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            stop: Arc::clone(&self.context.stop),
            accounts: self.context.accounts.clone(),
            tls: self.context.server.tls.clone(),
            context: Arc::downgrade(&self.context),
        }
    }

    /// Serves clients until the server is stopped. Then saves the items, with [`Options::state`].
    ///
    /// # Errors
    /// [`Error::System`] if a thread cannot be started or a socket not be registered, or if the
    /// items cannot be saved.
    pub fn run(self) -> Result<(), Error> {
        let context = Arc::clone(&self.context);
        if let Some(file) = &context.state_file {
            let started = self.start_saver(file);
            started.map_err(|source| Error::System {
                what: "start a thread",
                source,
            })?;
        }
        let outcome = thread::scope(|scope| {
            let populating = Populating(&context.shards);
            let populate = || while context.shards.populate() {};
            let thread = thread::Builder::new().name("populate".into());
            let started = thread.spawn_scoped(scope, populate);
            started.map_err(no_thread)?;
            let outcome = match self.runtime {
                #[cfg(feature = "tokio")]
                RuntimeName::Tokio => self.run_on::<runtime::Tokio>(),
                #[cfg(feature = "async-std")]
                RuntimeName::AsyncStd => self.run_on::<runtime::AsyncStd>(),
            };
            drop(populating);
            outcome
        });
        outcome.map_err(|source| Error::System {
            what: "serve",
            source,
        })?;
        let saved = context.state_file.as_ref();
        let saved = saved.map(|file| file.save_at_stop(&context.shards));
        saved.transpose().map(|_| ()).map_err(save_error)
    }

    /// Starts a thread that saves the items whenever a client asks for it: the disk may be slow. It
    /// ends with the server.
    fn start_saver(&self, file: &Arc<StateFile>) -> io::Result<()> {
        let (sender, turns) = mpsc::sync_channel(1);
        let context = Arc::downgrade(&self.context);
        thread::Builder::new().name("save".into()).spawn(move || {
            for turn in turns {
                let Some(context) = context.upgrade() else {
                    return;
                };
                if let Err(error) = save(&context, &turn) {
                    tracing::warn!("{error}");
                }
            }
        })?;
        self.context.server.saves.serve(Arc::clone(file), sender);
        Ok(())
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
        let admin_port = self.admin_port;
        let mut rings = self.rings.into_iter();
        let threads = self.context.server.settings.options.thread_count();
        let inboxes = (0..threads).map(|number| {
            let worker = Worker::<R>::new(Arc::clone(&self.context), rings.next());
            let inbox = worker.inbox();
            runtime.spawn(number, worker.run());
            inbox
        });
        let acceptor = Acceptor::new(
            Arc::clone(runtime),
            Arc::clone(&self.context),
            inboxes.collect(),
        );
        let acceptor = Arc::new(acceptor);
        let listeners = sockets
            .into_iter()
            .map(|Listener { socket, options }| Ok((R::listen(socket)?, options)));
        for (listener, options) in listeners.collect::<io::Result<Vec<_>>>()? {
            runtime.spawn(0, Arc::clone(&acceptor).accept(listener, options));
        }
        runtime.spawn(0, upkeep::run::<R>(Arc::clone(&self.context)));
        heartbeat::start(&**runtime, &self.context, self.watchdog);
        let admin_port = admin_port.map(|port| port.serve(Arc::clone(&self.context)));
        // Served until the last connection is closed.
        let _admin_port = admin_port.transpose().map_err(no_thread)?;
        if self.context.server.tls.is_some() {
            let context = Arc::clone(&self.context);
            runtime.spawn(0, upkeep::watch_certificates::<R>(context));
        }
        self.context.stop.requested().await;
        drop(files);
        self.context.server.clients.wake_all();
        // Each connection ends by itself, in bounded time.
        while self.context.server.connections.load(Ordering::Acquire) > 0 {
            R::sleep(DRAIN_PERIOD).await;
        }
        Ok(())
    }

    fn announce(&self, config: &Config) {
        let addresses = self.local_addrs();
        let mut readable = Vec::new();
        for listener in &self.listeners.sockets {
            let Some(address) = listener.address() else {
                continue;
            };
            tracing::info!("listening on {address}");
            if listener.options.tls.is_some() {
                tracing::info!("clients of {address} speak TLS");
            }
            let asks_for_cert = listener.options.tls == Some(ClientCerts::Required);
            if address.ip().is_loopback() || asks_for_cert {
                continue;
            }
            if self.context.accounts.is_some() && listener.options.auth {
                if listener.options.tls.is_none() {
                    readable.push(address.to_string());
                }
            } else {
                tracing::warn!(
                    "every client that can reach {address} can read and change all items"
                );
            }
        }
        if !readable.is_empty() {
            let addresses = readable.join(", ");
            tracing::warn!("whoever can read the traffic of {addresses} reads names and passwords");
        }
        let own = self.listeners.sockets.iter();
        for listener in own.filter(|listener| listener.address().is_none()) {
            tracing::info!("listening on {}", listener.name());
        }
        if self.context.accounts.is_some() {
            for listener in &self.listeners.sockets {
                if !listener.options.auth {
                    tracing::info!("clients of {} need not sign in", listener.name());
                }
            }
        }
        if let Some(port) = &self.admin_port {
            port.announce();
        }
        let items = config
            .max_items
            .map_or_else(|| "any number of".into(), |max| max.to_string());
        tracing::info!(
            "memory {}, {items} items of up to {}, slab sizes {:?}, {} connections",
            size_text(config.memory),
            size_text(config.item_size_max),
            config.slab_sizes,
            self.context.server.limits.max_connections(),
        );
        if config.compact {
            tracing::info!("item headers are compact: no cas, no time of last use");
        }
        tracing::info!(
            "runtime {}, threads: {}, shards: {}, io_uring: {}",
            self.runtime,
            self.context.server.settings.options.thread_count(),
            self.context.shards.len(),
            if self.rings.is_empty() { "no" } else { "yes" },
        );
        memory_limit::warn_if_exceeded(config.memory);
        self.suggest(&addresses);
    }

    /// Logs how to try the server.
    fn suggest(&self, addresses: &[SocketAddr]) {
        let mut plain = self.listeners.sockets.iter();
        let plain = plain.find(|listener| listener.options.tls.is_none());
        let file = self.listeners.files.first();
        let target = match (plain.and_then(Listener::address), file, addresses.first()) {
            (Some(address), ..) => format!("nc {} {}", address.ip(), address.port()),
            (_, Some(file), _) => format!("nc -U {}", file.path().display()),
            (.., Some(address)) => format!("openssl s_client -quiet -connect {address}"),
            _ => return,
        };
        if self.context.session.protocol == Protocol::Binary {
            let target = target.trim_start_matches("nc ").replace(' ', ":");
            tracing::info!("try: memcping --binary --servers={target}");
            return;
        }
        // `quit` ends every netcat, whatever it does at the end of its input.
        let requests = match self.context.server.settings.options.dialect {
            Dialect::Memcached => r"set key1 0 30 5\r\nhello\r\nquit\r\n",
            _ => r"SET key1 30 5\r\nhello\r\nQUIT\r\n",
        };
        tracing::info!("try: printf '{requests}' | {target}");
    }
}

/// A thread that has memory cleared before it is used, until this is dropped.
struct Populating<'s>(&'s Shards);

impl Drop for Populating<'_> {
    fn drop(&mut self) {
        self.0.end_populating();
    }
}

/// The files of TLS, if any client speaks it.
fn load_tls(options: &Options) -> Result<Option<TlsContext>, Error> {
    let files = options.tls_files().filter(|_| options.uses_tls());
    files.map(TlsContext::load).transpose()
}

/// A ring for each worker, or none. Fails if there have to be some and cannot be.
fn rings(options: &Options) -> Result<Vec<Ring>, Error> {
    if options.io_uring == IoUring::Off {
        return Ok(Vec::new());
    }
    let all = (0..options.thread_count()).map(|_| Ring::new());
    match Ring::try_out().and_then(|()| all.collect::<io::Result<Vec<_>>>()) {
        Ok(rings) => Ok(rings),
        Err(source) if options.io_uring == IoUring::On => Err(Error::System {
            what: "use io_uring",
            source,
        }),
        Err(error) => {
            tracing::info!("sockets are read and written one by one: no io_uring, {error}");
            Ok(Vec::new())
        }
    }
}

/// Saves all items while clients are served, and counts how that went.
fn save(context: &ServerContext, turn: &Turn) -> Result<u64, Error> {
    let saved = turn.save(&context.shards);
    context.server.saves.record(saved.is_ok());
    saved.map_err(save_error)
}

fn save_error(source: io::Error) -> Error {
    Error::System {
        what: "save the items",
        source,
    }
}

/// Without TLS, anybody on the way to another host can read passwords.
fn refuse_beyond_host(listeners: &[Listener]) -> Result<(), Error> {
    let is_readable =
        |listener: &&Listener| listener.options.auth && listener.options.tls.is_none();
    let mut addresses = listeners.iter().filter(is_readable);
    let is_beyond = |address: &SocketAddr| !address.ip().is_loopback();
    match addresses.find_map(|listener| listener.address().filter(is_beyond)) {
        None => Ok(()),
        Some(address) => Err(Error::Option {
            name: "--require-tls-auth",
            reason: format!("clients of {address} would send passwords without TLS"),
        }),
    }
}
