//! What the server is started with. A program sets the fields of [`Options`]; the binary fills them
//! from its command line, environment and configuration file.

mod admin;
mod arguments;
mod command_line;
mod effective;
mod environment;
mod extended;
#[cfg(feature = "config")]
mod file;
// The files are those of the default features.
#[cfg(all(
    test,
    feature = "tokio",
    feature = "config",
    feature = "hashed",
    not(feature = "async-std")
))]
mod generated;
mod memcached;
mod source;
pub(crate) mod tls;
mod values;

use std::fmt::{self, Debug};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dynamidb_core::{
    Config, Dialect, LruBump, Policy, PrefixStats, Protocol, SessionConfig, SlabSizes,
};

pub use self::admin::Admin;
use self::effective::{Change, Effective};
pub use self::memcached::MemcachedOptions;
use self::source::{Source, name_sources};
pub(crate) use self::values::size_text;
use self::values::{ITEM_SIZE_MIN, grown_sizes};
pub use self::values::{IoUring, Listen, ListenAddress, Security};
use crate::server::error::Error;
use crate::server::log::format::LogFormat;
use crate::server::runtime::RuntimeName;

/// There can be as many threads as shards.
const THREADS_MAX: usize = 64;
/// From this much memory on all chunk sizes that divide a page well are used. In less, the pages
/// that each size claims would be too many.
const FINE_SIZES_MEMORY: usize = 16 << 20;
/// Chunk sizes for less memory, as far as they fit its pages.
const FEW_SIZES: [usize; 11] = [32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096];
/// The largest page, and so the largest chunk, of a cache.
const PAGE_SIZE_MAX: usize = 64 << 10;

/// The options of a server.
///
/// # Examples
/// ```
/// use dynamidb::Options;
///
/// let mut options = Options::default();
/// options.port = 0;
/// options.max_items = Some(10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The TCP port of all addresses that have none of their own. 0 picks a free one.
    pub port: u16,
    /// Where to listen. If empty, and there is no Unix socket: 127.0.0.1 and ::1, as far as the
    /// host has them.
    pub listen: Vec<Listen>,
    /// The most clients at a time; more are rejected with an error. `None` is
    /// [`MAX_CONNECTIONS`](Self::MAX_CONNECTIONS), or what the limit of open files leaves.
    pub max_connections: Option<u32>,
    /// Seconds after which a client is disconnected that has sent half a request or does not read
    /// its replies; 0 for never.
    pub stall_timeout: u32,
    /// A file of one to eight lines `name:password`, one of which each client has to send first, by
    /// SASL PLAIN in the binary protocol.
    pub auth_file: Option<PathBuf>,
    /// Refuses to start if names and passwords would be sent over TCP beyond this host.
    pub require_tls_auth: bool,
    /// A file with the certificate of the server, and those between it and its root, in PEM.
    pub tls_cert: Option<PathBuf>,
    /// A file with the key of the certificate, in PEM. `None` is `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// A file with the certificates, in PEM, by which those of clients have to be signed. With it,
    /// a client of a listener with TLS has to show one.
    pub tls_client_ca: Option<PathBuf>,
    /// How many connections the system queues for each listener until they are accepted.
    pub backlog: u16,
    /// Where the admin port listens: HTTP, read only, for metrics and a dashboard.
    pub admin: Admin,
    /// Shows keys on the admin port also if it can be reached from other hosts, or if clients have
    /// to sign in to see keys elsewhere. With [`MemcachedOptions::disable_dumping`] none are shown.
    pub admin_keys: bool,
    /// Logs requests that take this many milliseconds or more, and why; every turn is measured
    /// then.
    pub slow_log: Option<u32>,
    /// Which verbs are understood.
    pub dialect: Dialect,
    /// The version that memcached's clients are told, in visible ASCII characters.
    pub memcached_version: String,
    /// Memory for items and their index, in bytes. `None` is [`MEMORY`](Self::MEMORY).
    pub memory: Option<usize>,
    /// The most items. `None` is [`MAX_ITEMS`](Self::MAX_ITEMS), or no limit if `memory` is set.
    pub max_items: Option<usize>,
    /// The largest item, key and value together, in bytes: up to 16 MiB and a quarter of the
    /// memory. `None` is 1 MiB, or a quarter of the memory if that is less.
    pub max_item_size: Option<usize>,
    /// Chunk sizes of the slab classes, in bytes: ascending multiples of 16. If empty, those of
    /// [`Config`], or as `slab_growth` says.
    pub slab_sizes: Vec<usize>,
    /// The factor between two chunk sizes, as in memcached. Needs `slab_sizes` to be empty.
    pub slab_growth: Option<f64>,
    /// Bytes of key, value and flags in the smallest chunk, with `slab_growth`.
    pub slab_min: u16,
    /// Which item is evicted when memory is full.
    pub policy: Policy,
    /// When a used item moves to the front of the LRU list.
    pub lru_bump: LruBump,
    /// Whether requests are sampled for hot keys and for the miss-ratio curve.
    pub insight: bool,
    /// A file that keeps the items while the server does not run: written at a stop, read at the
    /// start. It has all keys and values.
    pub state: Option<PathBuf>,
    /// Worker threads. `None` is one for each processor, at most 4.
    pub threads: Option<usize>,
    /// The runtime that drives the sockets.
    pub runtime: RuntimeName,
    /// Whether sockets are read and written by io_uring, many at a time.
    pub io_uring: IoUring,
    /// With 1 or more, the binary logs each connection that opens or ends. `stats settings` shows
    /// it.
    pub verbose: u8,
    /// How the binary writes its log.
    pub log_format: LogFormat,
    /// How many bytes of replies are made before they are sent; one more item if it does not fit.
    pub output_max: usize,
    /// memcached's options that have no other name here.
    pub memcached: MemcachedOptions,
    /// Where they come from; nothing if a program has set the fields.
    origin: Origin,
}

/// Where options come from.
#[derive(Clone, Default)]
struct Origin {
    /// What has set options other than the command line, to name it in errors.
    sources: Vec<Source>,
    /// All options as they were given.
    effective: Vec<Effective>,
    /// Whether a configuration file was read.
    has_config_file: bool,
}

impl Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").finish_non_exhaustive()
    }
}

impl Options {
    /// The item limit if neither items nor memory are set.
    pub const MAX_ITEMS: usize = 1000;
    /// The memory if none is set, in bytes.
    pub const MEMORY: usize = 64 << 20;
    /// The connection limit if none is set: an idle connection takes well below 1 KiB, and
    /// memcached's 1024 are often too few.
    pub const MAX_CONNECTIONS: u32 = 10_000;
    const PORT: u16 = 11212;
    const STALL_TIMEOUT: u32 = 30;
    const BACKLOG: u16 = 1024;
    const MEMCACHED_VERSION: &str = "1.6.45";
    const SLAB_MIN: u16 = 48;

    /// The same error, with the variable or the line of the file that set the option.
    pub(crate) fn name_source(&self, error: Error) -> Error {
        match error {
            Error::Option { name, reason } => {
                let reason = name_sources(name, &reason, &self.origin.sources);
                Error::Option { name, reason }
            }
            error => error,
        }
    }

    /// The options whose values differ from those of others.
    pub(crate) fn differences(&self, others: &Self) -> Vec<Change> {
        let pairs = self.origin.effective.iter().zip(&others.origin.effective);
        let differ = pairs.filter(|(own, other)| own.value != other.value);
        differ.map(|(own, _)| own.change()).collect()
    }

    /// Shows the values of others where one is not in effect.
    pub(crate) fn show_in_effect(&mut self, others: &Self, in_effect: impl Fn(&str) -> bool) {
        let pairs = self
            .origin
            .effective
            .iter_mut()
            .zip(&others.origin.effective);
        for (own, other) in pairs.filter(|(own, _)| !in_effect(&own.name)) {
            own.clone_from(other);
        }
    }

    /// Whether there are users, in a file that can be reloaded.
    #[must_use]
    pub const fn has_users(&self) -> bool {
        self.auth_file.is_some() || self.memcached.enable_sasl
    }

    /// Whether something can be reloaded: a file of options, of users, or a certificate.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.origin.has_config_file || self.has_users() || self.uses_tls()
    }

    /// Fails if an option is out of range or does not fit another.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = self.config();
        let item_size = config.item_size_max;
        let version = self.memcached_version.as_bytes();
        // It is part of a reply line.
        let is_visible = !version.is_empty() && version.iter().all(u8::is_ascii_graphic);
        // It is part of replies and log lines.
        let is_plain = |path: &Path| !path.as_os_str().as_bytes().iter().any(u8::is_ascii_control);
        let (name, reason) = match () {
            () if !self.unix_sockets().all(is_plain) => (
                "-s/--unix-socket",
                "the path must not have control characters",
            ),
            () if !self.state.iter().all(|path| is_plain(path)) => {
                ("--state", "the path must not have control characters")
            }
            () if self.max_connections == Some(0) => ("-c/--max-connections", "the minimum is 1"),
            () if self.thread_count() == 0 => ("-t/--threads", "the minimum is 1"),
            () if self.thread_count() > THREADS_MAX => ("-t/--threads", "the maximum is 64"),
            () if self.max_items == Some(0) => ("--max-items", "the minimum is 1"),
            () if item_size > Config::ITEM_SIZE_LIMIT => {
                ("-I/--max-item-size", "the maximum is 16m")
            }
            () if self.max_item_size.is_some() && item_size > config.memory / 4 => (
                "-I/--max-item-size",
                "the maximum is a quarter of the memory",
            ),
            () if !is_visible => (
                "--memcached-version",
                "only visible ASCII characters are allowed, and at least one",
            ),
            () => match self.check_sasl() {
                Ok(()) => return self.memcached.check().and_then(|()| self.check_tls()),
                Err(reason) => ("-S/--enable-sasl", reason),
            },
        };
        let reason = reason.into();
        Err(Error::Option { name, reason })
    }

    /// The configuration of the cache, but for its hash seed.
    pub(crate) fn config(&self) -> Config {
        let memory = self.memory.unwrap_or(Self::MEMORY);
        let reserved = PrefixStats::bytes(self.memcached.max_prefixes);
        // Pages and tables fit what is left for items.
        let mut config = Config::new(memory.saturating_sub(reserved)).with_reserved(reserved);
        config.memory = memory;
        let default = (config.memory / 4).clamp(ITEM_SIZE_MIN, Config::ITEM_SIZE_MAX);
        config.item_size_max = self.max_item_size.unwrap_or(default);
        let default = self.memory.is_none().then_some(Self::MAX_ITEMS);
        config.max_items = self.max_items.or(default);
        if let Some(&largest) = self.slab_sizes.iter().max() {
            config.slab_sizes = self.slab_sizes[..].into();
            // A chunk lies within a page.
            let page_size = largest.min(PAGE_SIZE_MAX).next_power_of_two();
            config.page_size = config.page_size.max(page_size);
        } else if let Some(factor) = self.slab_growth {
            let sizes = grown_sizes(self.slab_min.into(), factor, config.page_size);
            config.slab_sizes = sizes[..].into();
        } else if let Some(memory) = self.memory {
            config.slab_sizes = match memory {
                FINE_SIZES_MEMORY.. => SlabSizes::page_fractions(config.page_size),
                _ => {
                    let sizes = FEW_SIZES.into_iter();
                    sizes.filter(|&size| size <= config.page_size).collect()
                }
            };
        }
        config.policy = self.policy;
        if self.memcached.disable_evictions {
            config.policy = Policy::Refuse;
        }
        config.lru_bump = self.lru_bump;
        // The stamps of `density` need the whole header.
        let has_stamps = matches!(config.policy, Policy::Density | Policy::DensityFull);
        config.compact = self.memcached.disable_cas && !has_stamps;
        config.insight = self.insight;
        config
    }

    /// Which protocol is spoken. With `-S` alone, unless another is asked for, it is not text:
    /// clients could not sign in.
    pub(crate) fn protocol(&self) -> Protocol {
        let only_sasl = self.memcached.enable_sasl && self.auth_file.is_none();
        self.memcached.protocol.unwrap_or(match only_sasl {
            true => Protocol::Binary,
            false => Protocol::Auto,
        })
    }

    /// Fails if nobody could sign in.
    fn check_sasl(&self) -> Result<(), &'static str> {
        let has_users = self.auth_file.is_some();
        match self.memcached.protocol {
            _ if !self.memcached.enable_sasl => Ok(()),
            Some(Protocol::Text) => Err("clients of the text protocol cannot sign in by SASL"),
            Some(Protocol::Auto) if !has_users => {
                Err("with -B auto, -Y is needed, by which clients of the text protocol sign in")
            }
            _ if !has_users && self.memcached.sasl_pwdb.is_none() => {
                Err("there are no users; name a file by MEMCACHED_SASL_PWDB or -Y")
            }
            _ => Ok(()),
        }
    }

    /// The paths of all Unix sockets to listen on.
    pub(crate) fn unix_sockets(&self) -> impl Iterator<Item = &Path> {
        self.unix_listeners().map(|(path, _)| path)
    }

    /// The same, and whether their clients have to sign in.
    pub(crate) fn unix_listeners(&self) -> impl Iterator<Item = (&Path, bool)> {
        let listen = self
            .listen
            .iter()
            .filter_map(|listen| match &listen.address {
                ListenAddress::Unix(path) => Some((&**path, listen.auth)),
                ListenAddress::Host { .. } => None,
            });
        let others = self.memcached.unix_socket.iter();
        listen.chain(others.map(|path| (&**path, true)))
    }

    /// How many worker threads there are.
    pub(crate) fn thread_count(&self) -> usize {
        let cores = || {
            std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(4)
        };
        self.threads.unwrap_or_else(cores)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: Self::PORT,
            listen: Vec::new(),
            max_connections: None,
            stall_timeout: Self::STALL_TIMEOUT,
            auth_file: None,
            require_tls_auth: false,
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            backlog: Self::BACKLOG,
            admin: Admin::Default,
            admin_keys: false,
            slow_log: None,
            dialect: Dialect::Auto,
            memcached_version: Self::MEMCACHED_VERSION.into(),
            memory: None,
            max_items: None,
            max_item_size: None,
            slab_sizes: Vec::new(),
            slab_growth: None,
            slab_min: Self::SLAB_MIN,
            policy: Policy::Lru,
            lru_bump: LruBump::Strict,
            insight: true,
            state: None,
            threads: None,
            runtime: RuntimeName::DEFAULT,
            io_uring: IoUring::Auto,
            verbose: 0,
            log_format: LogFormat::Text,
            output_max: SessionConfig::default().output_max,
            memcached: MemcachedOptions::default(),
            origin: Origin::default(),
        }
    }
}
