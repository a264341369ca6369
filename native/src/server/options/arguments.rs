//! The command line as clap sees it: the letters of memcached where it has them, and a long name
//! and an environment variable for everything. An option that is wrong by itself is found here;
//! options that do not fit together, by [`Options::check`].

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser};
use dynamidb_core::{Dialect, LruBump, Policy, Protocol};

use crate::server::log::format::LogFormat;
use crate::server::options::memcached::MemcachedOptions;
use crate::server::options::source::INSTEAD;
use crate::server::options::values::{delimiter, growth, item_size, memory_size, mode};
use crate::server::options::{Admin, IoUring, Listen, Options};
use crate::server::runtime::RuntimeName;

const ABOUT: &str =
    "An in-memory key-value cache that speaks its own short dialect and memcached's protocols";
const AFTER_HELP: &str = "\
Most options can also be set by the environment variables shown, and all by a file: the command \
line wins over the environment, and that over the file. Empty variables count as unset. A flag is \
on with 1, true, yes or on, and off with 0, false, no or off.
Exit status: 0 after a stop, 1 if the system refuses something, 2 if an option is wrong.
Scripts that start memcached keep working: its other flags and settings of -o are accepted if \
nothing depends on them, and refused with a hint if something does.
With one of these as its first word it is a client: ping, flush, inspect, export, import, top, \
save, cli; see dynamidb ping --help.";

const NETWORK: &str = "Network";
const COMMANDS: &str = "Commands";
const MEMORY: &str = "Memory";
const PROCESS: &str = "Process";

/// All arguments. The comments are the text of `--help`.
#[derive(Debug, Parser)]
#[command(name = "dynamidb", version, about = ABOUT, long_about = None, after_help = AFTER_HELP)]
#[command(max_term_width = 100, allow_negative_numbers = true)]
// As in memcached, the last of an option counts: scripts append to what others have begun.
#[command(args_override_self = true)]
pub(super) struct Arguments {
    /// TCP port; 0 picks a free one, as memcached's -1 does
    #[arg(short, long, env = "DYNAMIDB_PORT", default_value_t = Options::PORT)]
    #[arg(help_heading = NETWORK, value_parser = port())]
    port: u16,

    /// Addresses to listen on, separated by commas: HOST or HOST:PORT (IPv6 with a port in
    /// brackets, * for all addresses), unix:FILE; with tls: in front, clients speak TLS there, with
    /// noauth: they need not sign in [default: 127.0.0.1 and ::1, as far as the host has them]
    #[arg(short, long, env = "DYNAMIDB_LISTEN", value_delimiter = ',')]
    #[arg(help_heading = NETWORK, value_name = "ADDRESSES")]
    listen: Vec<Listen>,

    /// The most clients at a time; more are rejected with an error [default: 10000, or what the
    /// limit of open files leaves]
    #[arg(
        short = 'c',
        long,
        alias = "conn-limit",
        env = "DYNAMIDB_MAX_CONNECTIONS"
    )]
    #[arg(help_heading = NETWORK, value_name = "COUNT")]
    max_connections: Option<u32>,

    /// Seconds after which a client is disconnected that has sent half a request or does not read
    /// its replies; 0 for never
    #[arg(long, env = "DYNAMIDB_STALL_TIMEOUT", default_value_t = Options::STALL_TIMEOUT)]
    #[arg(help_heading = NETWORK, value_name = "SECONDS")]
    stall_timeout: u32,

    /// A file of up to eight lines NAME:PASSWORD; users below a line [read-only] may only read. A
    /// client has to send one of them first, as the value "NAME PASSWORD" of a set of any key, or
    /// by SASL PLAIN in the binary protocol; SIGHUP reloads the file
    #[arg(short = 'Y', long, env = "DYNAMIDB_AUTH_FILE")]
    #[arg(help_heading = NETWORK, value_name = "FILE")]
    auth_file: Option<PathBuf>,

    /// Refuse to start if names and passwords would be sent over TCP beyond this host
    #[arg(long, env = "DYNAMIDB_REQUIRE_TLS_AUTH", help_heading = NETWORK)]
    require_tls_auth: bool,

    /// The certificate of the server for TLS, with those between it and its root, in PEM. This and
    /// the next two files are read again on SIGHUP, by `refresh_certs` and when they have changed
    #[arg(long, env = "DYNAMIDB_TLS_CERT", help_heading = NETWORK, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// The key of the certificate, in PEM [default: in the file of --tls-cert]
    #[arg(long, env = "DYNAMIDB_TLS_KEY", help_heading = NETWORK, value_name = "FILE")]
    tls_key: Option<PathBuf>,

    /// Serve clients with TLS only if they show a certificate that is signed by one in this file
    #[arg(long, env = "DYNAMIDB_TLS_CLIENT_CA", help_heading = NETWORK, value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,

    /// Connections that the system queues until they are accepted
    #[arg(
        short,
        long,
        alias = "listen-backlog",
        env = "DYNAMIDB_BACKLOG",
        default_value_t = Options::BACKLOG
    )]
    #[arg(help_heading = NETWORK, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    backlog: u16,

    /// Where HTTP serves metrics (/metrics), health checks and a dashboard, read only; or off
    /// [default: 127.0.0.1:11280, or off if another program has that port]
    #[arg(long, env = "DYNAMIDB_ADMIN", value_name = "HOST:PORT", help_heading = NETWORK)]
    admin: Option<Admin>,

    /// Show keys on the admin port also if other hosts can reach it or clients have to sign in
    #[arg(long, env = "DYNAMIDB_ADMIN_KEYS", help_heading = NETWORK)]
    admin_keys: bool,

    /// Which verbs are understood. auto: with a capital letter DynamiDB's, in lower case
    /// memcached's
    #[arg(long, env = "DYNAMIDB_DIALECT", default_value = "auto")]
    #[arg(help_heading = NETWORK, value_name = "NAME", value_parser = dialect_parser())]
    dialect: Dialect,

    /// The version that memcached's clients are told, in visible ASCII characters
    #[arg(long, env = "DYNAMIDB_MEMCACHED_VERSION", default_value = Options::MEMCACHED_VERSION)]
    #[arg(help_heading = NETWORK, value_name = "VERSION")]
    memcached_version: String,

    /// Memory for items and their index, in MiB or with a unit, as in 512k, 64MB or 1.5g; lifts the
    /// default item limit [default: 64]
    #[arg(short, long, alias = "memory-limit", env = "DYNAMIDB_MEMORY", value_parser = memory_size)]
    #[arg(help_heading = MEMORY, value_name = "SIZE")]
    memory: Option<usize>,

    /// The most items [default: 1000, or no limit if --memory is given]
    #[arg(long, env = "DYNAMIDB_MAX_ITEMS", value_name = "COUNT")]
    #[arg(help_heading = MEMORY)]
    max_items: Option<usize>,

    /// The largest item, key and value together, in bytes or with a unit; from 1k to 16m and a
    /// quarter of the memory [default: 1m]
    #[arg(short = 'I', long, env = "DYNAMIDB_MAX_ITEM_SIZE")]
    #[arg(help_heading = MEMORY, value_name = "SIZE", value_parser = item_size)]
    max_item_size: Option<usize>,

    /// Chunk sizes of the slab classes, in bytes: ascending multiples of 16, separated by commas
    /// [default: 64,128,256,1024,4096; with --memory 11 sizes from 32 on, with 16 MiB or more 30]
    #[arg(long, env = "DYNAMIDB_SLAB_SIZES", value_delimiter = ',')]
    #[arg(help_heading = MEMORY, value_name = "SIZES")]
    slab_sizes: Vec<usize>,

    /// Chunk sizes as memcached's options -f and -n make them: the first is 48 bytes and -n, each
    /// further one larger by this factor, up to 4096
    #[arg(
        short = 'f',
        long,
        alias = "slab-growth-factor",
        env = "DYNAMIDB_SLAB_GROWTH"
    )]
    #[arg(value_parser = growth)]
    #[arg(help_heading = MEMORY, value_name = "FACTOR", conflicts_with = "slab_sizes")]
    slab_growth: Option<f64>,

    /// Bytes of key, value and flags in the smallest chunk, with --slab-growth
    #[arg(
        short = 'n',
        long,
        alias = "slab-min-size",
        env = "DYNAMIDB_SLAB_MIN",
        default_value_t = Options::SLAB_MIN
    )]
    #[arg(help_heading = MEMORY, value_name = "BYTES", conflicts_with = "slab_sizes")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=2048))]
    slab_min: u16,

    /// Which item is evicted when memory is full. lru: the least recently used; s3lru: the same
    /// behind a queue that keeps keys which are requested only once from evicting others; density:
    /// by age and size, which gives the fewest misses where sizes differ; density-full: with the
    /// full weight of size, for fewer misses still, but more bytes missed
    #[arg(long, env = "DYNAMIDB_POLICY", default_value = "lru")]
    #[arg(help_heading = MEMORY, value_name = "NAME", value_parser = policy_parser())]
    policy: Policy,

    /// When a used item moves to the front of the LRU list. strict: always, so that the order is
    /// exact; lazy: unless it is in the newest quarter, for half the writes and 0.4 % more misses
    #[arg(long, env = "DYNAMIDB_LRU_BUMP", default_value = "strict")]
    #[arg(help_heading = MEMORY, value_name = "NAME", value_parser = lru_bump_parser())]
    lru_bump: LruBump,

    /// Whether the server samples requests to know its hot keys, and what hit ratio it would have
    /// with more or less memory: `stats hotkeys`, `stats advice`
    #[arg(
        long,
        env = "DYNAMIDB_INSIGHT",
        value_name = "NAME",
        default_value = "on"
    )]
    #[arg(help_heading = MEMORY, value_parser = on_off_parser(), action = ArgAction::Set)]
    insight: bool,
    /// A file that keeps all items while the server does not run: written at a stop, on SIGUSR2 and
    /// by the command `save`, read at the start
    #[arg(long, env = "DYNAMIDB_STATE", help_heading = MEMORY, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Worker threads [default: one for each processor, at most 4]
    #[arg(short, long, env = "DYNAMIDB_THREADS", value_name = "COUNT")]
    #[arg(help_heading = PROCESS)]
    threads: Option<usize>,

    /// The runtime that drives the sockets
    #[arg(long, env = "DYNAMIDB_RUNTIME", default_value = RuntimeName::DEFAULT.name())]
    #[arg(help_heading = PROCESS, value_name = "NAME", value_parser = runtime_parser())]
    runtime: RuntimeName,

    /// Read and write many sockets by one call of the system, with Linux' io_uring. auto: where the
    /// system allows it; on: do not start without it
    #[arg(long, env = "DYNAMIDB_IO_URING", default_value = "auto")]
    #[arg(help_heading = PROCESS, value_name = "WHEN", value_parser = io_uring_parser())]
    io_uring: IoUring,

    /// Log each connection that opens or ends, too; with -vv also who signs in. The command `watch`
    /// shows requests
    #[arg(short, long, action = ArgAction::Count, env = "DYNAMIDB_VERBOSE")]
    #[arg(help_heading = PROCESS)]
    verbose: u8,

    /// How the log is written: lines for people, or a JSON object in each line
    #[arg(long, env = "DYNAMIDB_LOG_FORMAT", default_value = LogFormat::Text.name())]
    #[arg(help_heading = PROCESS, value_name = "NAME", value_parser = log_format_parser())]
    log_format: LogFormat,

    /// A file in TOML whose keys are the long names of options; SIGHUP reloads it
    #[cfg(feature = "config")]
    #[arg(long, env = "DYNAMIDB_CONFIG", help_heading = PROCESS, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the options, the file and the users, say all that is wrong with a status of 2, and end
    #[arg(long, help_heading = INSTEAD)]
    pub(super) check_config: bool,

    /// Print all options as a file in TOML, each with where its value comes from
    #[arg(long, help_heading = INSTEAD)]
    pub(super) print_config: bool,

    /// Read a password from standard input and print its salted hash, which can stand in the place
    /// of the password in the file of --auth-file
    #[cfg(feature = "hashed")]
    #[arg(long, help_heading = INSTEAD)]
    pub(super) hash_password: bool,

    /// Log requests that take this long, from readable to written, and why
    #[arg(long, env = "DYNAMIDB_SLOW_LOG", help_heading = PROCESS, value_name = "MILLISECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    slow_log: Option<u32>,

    #[command(flatten)]
    memcached: MemcachedArguments,
}

/// The arguments of memcached that have no other name here.
#[derive(Args, Debug)]
struct MemcachedArguments {
    /// Listen on this Unix socket, and on addresses only with -l; the file is removed at the end
    #[arg(short = 's', long, env = "DYNAMIDB_UNIX_SOCKET", help_heading = NETWORK)]
    #[arg(value_name = "FILE")]
    unix_socket: Vec<PathBuf>,

    /// The permissions of Unix sockets, in octal
    #[arg(short = 'a', long, env = "DYNAMIDB_UNIX_MASK", help_heading = NETWORK)]
    #[arg(value_name = "MODE", default_value = "700", value_parser = mode)]
    unix_mask: u32,

    /// Let clients stop the server by `shutdown`
    #[arg(short = 'A', long, env = "DYNAMIDB_ENABLE_SHUTDOWN", help_heading = COMMANDS)]
    enable_shutdown: bool,

    /// Refuse `flush_all` and `flush_prefix`
    #[arg(short = 'F', long, env = "DYNAMIDB_DISABLE_FLUSH_ALL", help_heading = COMMANDS)]
    disable_flush_all: bool,

    /// Refuse commands that list keys: `lru_crawler metadump` and `mgdump`, `stats cachedump`,
    /// `detail` and `hotkeys`
    #[arg(short = 'X', long, env = "DYNAMIDB_DISABLE_DUMPING", help_heading = COMMANDS)]
    disable_dumping: bool,

    /// Refuse `watch`
    #[arg(short = 'W', long, env = "DYNAMIDB_DISABLE_WATCH", help_heading = COMMANDS)]
    disable_watch: bool,

    /// Count gets, sets and deletes for each key prefix up to this character, as `stats detail on`
    /// does with `:`
    #[arg(short = 'D', long, env = "DYNAMIDB_STAT_PREFIX", help_heading = COMMANDS)]
    #[arg(value_name = "CHARACTER", value_parser = delimiter)]
    stat_prefix: Option<u8>,

    /// How many prefixes `stats detail` counts. 64 bytes of the memory are set aside for each
    #[arg(long, env = "DYNAMIDB_MAX_PREFIXES", help_heading = COMMANDS, value_name = "COUNT")]
    #[arg(default_value_t = MemcachedOptions::MAX_PREFIXES as u32)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=100_000))]
    max_prefixes: u32,

    /// Which protocol is spoken. auto: the first byte of a connection decides [default: auto, or
    /// binary with -S and without -Y]
    #[arg(short = 'B', long, env = "DYNAMIDB_PROTOCOL", help_heading = NETWORK)]
    #[arg(value_name = "NAME", value_parser = protocol_parser())]
    protocol: Option<Protocol>,

    /// Let clients of the binary protocol sign in by SASL PLAIN, and serve none that has not; with
    /// -Y they do so in any case
    #[arg(short = 'S', long, env = "DYNAMIDB_ENABLE_SASL", help_heading = NETWORK)]
    enable_sasl: bool,

    /// With -S, memcached's file of lines NAME:PASSWORD, which MEMCACHED_SASL_PWDB names as well;
    /// SIGHUP reloads it
    #[arg(long, env = "DYNAMIDB_SASL_PWDB", help_heading = NETWORK, value_name = "FILE")]
    sasl_pwdb: Option<PathBuf>,

    /// Give items no `cas`: it is 0 for all, and `cas` stores nothing. Those without client flags
    /// take 8 bytes less, and have no time of last use either, unless the policy is density
    #[arg(short = 'C', long, env = "DYNAMIDB_DISABLE_CAS", help_heading = COMMANDS)]
    disable_cas: bool,

    /// When memory is full, refuse to store instead of evicting
    #[arg(short = 'M', long, env = "DYNAMIDB_DISABLE_EVICTIONS", help_heading = MEMORY)]
    disable_evictions: bool,

    /// Lock all memory, so that it is resident from the start; needs the right to lock that much
    #[arg(short = 'k', long, env = "DYNAMIDB_LOCK_MEMORY", help_heading = MEMORY)]
    lock_memory: bool,

    /// Leave a core file of any size after a crash
    #[arg(short = 'r', long, env = "DYNAMIDB_ENABLE_COREDUMPS", help_heading = PROCESS)]
    enable_coredumps: bool,

    /// The user to run as once everything is bound and opened; only root can change users, and for
    /// others this has no effect
    #[arg(short, long, env = "DYNAMIDB_USER", help_heading = PROCESS)]
    #[arg(value_name = "NAME")]
    user: Option<String>,

    /// Print the licence
    #[arg(short = 'i', long, help_heading = INSTEAD)]
    license: bool,

    #[arg(short = 'U', long, hide = true, default_value_t = 0)]
    udp_port: u16,

    #[arg(
        short = 'o',
        long,
        env = "DYNAMIDB_EXTENDED",
        hide = true,
        value_delimiter = ','
    )]
    extended: Vec<String>,

    #[arg(short = 'L', long, hide = true)]
    enable_largepages: bool,

    #[arg(short = 'R', long, hide = true, value_name = "COUNT")]
    max_reqs_per_event: Option<u32>,

    #[arg(short = 'P', long, hide = true, value_name = "FILE")]
    pidfile: Option<String>,

    #[arg(short, long, hide = true)]
    daemon: bool,

    #[arg(short = 'e', long, hide = true, value_name = "FILE")]
    memory_file: Option<String>,

    /// Have clients of all addresses speak TLS, but for those with notls: in front
    #[arg(short = 'Z', long, env = "DYNAMIDB_ENABLE_SSL", help_heading = NETWORK)]
    enable_ssl: bool,

    #[arg(short = 'N', long, hide = true, value_name = "COUNT")]
    napi_ids: Option<u32>,
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        Self {
            port: arguments.port,
            listen: arguments.listen,
            max_connections: arguments.max_connections,
            stall_timeout: arguments.stall_timeout,
            auth_file: arguments.auth_file,
            require_tls_auth: arguments.require_tls_auth,
            tls_cert: arguments.tls_cert,
            tls_key: arguments.tls_key,
            tls_client_ca: arguments.tls_client_ca,
            backlog: arguments.backlog,
            admin: arguments.admin.unwrap_or_default(),
            admin_keys: arguments.admin_keys,
            slow_log: arguments.slow_log,
            dialect: arguments.dialect,
            memcached_version: arguments.memcached_version,
            memory: arguments.memory,
            max_items: arguments.max_items,
            max_item_size: arguments.max_item_size,
            slab_sizes: arguments.slab_sizes,
            slab_growth: arguments.slab_growth,
            slab_min: arguments.slab_min,
            policy: arguments.policy,
            lru_bump: arguments.lru_bump,
            insight: arguments.insight,
            state: arguments.state,
            threads: arguments.threads,
            runtime: arguments.runtime,
            io_uring: arguments.io_uring,
            verbose: arguments.verbose,
            log_format: arguments.log_format,
            memcached: arguments.memcached.into(),
            ..Self::default()
        }
    }
}

impl From<MemcachedArguments> for MemcachedOptions {
    fn from(arguments: MemcachedArguments) -> Self {
        Self {
            unix_socket: arguments.unix_socket,
            unix_mask: arguments.unix_mask,
            enable_shutdown: arguments.enable_shutdown,
            disable_flush_all: arguments.disable_flush_all,
            disable_dumping: arguments.disable_dumping,
            disable_watch: arguments.disable_watch,
            stat_prefix: arguments.stat_prefix,
            max_prefixes: arguments.max_prefixes as usize,
            protocol: arguments.protocol,
            enable_sasl: arguments.enable_sasl,
            sasl_pwdb: arguments.sasl_pwdb,
            disable_cas: arguments.disable_cas,
            disable_evictions: arguments.disable_evictions,
            lock_memory: arguments.lock_memory,
            enable_coredumps: arguments.enable_coredumps,
            user: arguments.user,
            license: arguments.license,
            udp_port: arguments.udp_port,
            extended: arguments.extended,
            enable_largepages: arguments.enable_largepages,
            max_reqs_per_event: arguments.max_reqs_per_event,
            pidfile: arguments.pidfile,
            daemon: arguments.daemon,
            memory_file: arguments.memory_file,
            enable_ssl: arguments.enable_ssl,
            napi_ids: arguments.napi_ids,
        }
    }
}

/// An error in one line, without the usage that clap prints below it.
pub(super) fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:"));
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect::<Vec<_>>()
        .join("; ")
}

fn port() -> impl TypedValueParser<Value = u16> {
    let port = clap::value_parser!(i32).range(-1..=i64::from(u16::MAX));
    port.map(|port| u16::try_from(port).unwrap_or(0))
}

fn dialect_parser() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(["auto", "dynamidb", "memcached"]).map(|name| match name.as_str() {
        "dynamidb" => Dialect::DynamiDb,
        "memcached" => Dialect::Memcached,
        _ => Dialect::Auto,
    })
}

fn protocol_parser() -> impl TypedValueParser<Value = Protocol> {
    PossibleValuesParser::new(["auto", "ascii", "binary"]).map(|name| match name.as_str() {
        "ascii" => Protocol::Text,
        "binary" => Protocol::Binary,
        _ => Protocol::Auto,
    })
}

fn policy_parser() -> impl TypedValueParser<Value = Policy> {
    let names = ["lru", "s3lru", "density", "density-full"];
    PossibleValuesParser::new(names).map(|name| match name.as_str() {
        "s3lru" => Policy::S3Lru,
        "density" => Policy::Density,
        "density-full" => Policy::DensityFull,
        _ => Policy::Lru,
    })
}

fn lru_bump_parser() -> impl TypedValueParser<Value = LruBump> {
    PossibleValuesParser::new(["strict", "lazy"]).map(|name| match name.as_str() {
        "lazy" => LruBump::Lazy,
        _ => LruBump::Strict,
    })
}

fn on_off_parser() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|name| name == "on")
}

fn io_uring_parser() -> impl TypedValueParser<Value = IoUring> {
    PossibleValuesParser::new(["auto", "on", "off"]).map(|name| match name.as_str() {
        "on" => IoUring::On,
        "off" => IoUring::Off,
        _ => IoUring::Auto,
    })
}

fn log_format_parser() -> impl TypedValueParser<Value = LogFormat> {
    PossibleValuesParser::new(["text", "json"]).map(|name| match name.as_str() {
        "json" => LogFormat::Json,
        _ => LogFormat::Text,
    })
}

fn runtime_parser() -> impl TypedValueParser<Value = RuntimeName> {
    let values = RuntimeName::ALL
        .iter()
        .map(|runtime| PossibleValue::new(runtime.name()).help(runtime.about()));
    PossibleValuesParser::new(values).map(|name| {
        let mut all = RuntimeName::ALL.iter().copied();
        all.find(|runtime| runtime.name() == name)
            .unwrap_or(RuntimeName::DEFAULT)
    })
}

#[cfg(test)]
mod tests;
