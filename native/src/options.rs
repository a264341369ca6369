//! The command line: memcached's letters where they exist, a long name and an environment variable
//! for everything. What is wrong with a value by itself is found here; what is wrong with values
//! together, where they are used.

use std::net::IpAddr;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, Resettable, TypedValueParser};
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser};
use dynamidb_core::{Config, Dialect};

use crate::{Error, RuntimeName};

/// An in-memory key-value cache that speaks its own short dialect and memcached's text protocol.
///
/// The same settings can be given as environment variables; the command line wins.
///
/// # Examples
/// ```
/// use dynamidb::Options;
///
/// let mut options = Options::default();
/// options.port = 0;
/// options.max_items = Some(10);
/// ```
#[derive(Clone, Debug, Parser)]
#[command(version, max_term_width = 100, allow_negative_numbers = true)]
#[non_exhaustive]
pub struct Options {
    /// TCP port; 0 picks a free one
    #[arg(
        short,
        long,
        env = "DYNAMIDB_PORT",
        default_value_t = 11212,
        help_heading = "Network"
    )]
    pub port: u16,

    /// Addresses to listen on, separated by commas, each with its own port if it has one:
    /// HOST, HOST:PORT, [IPV6]:PORT [default: 127.0.0.1 and, where the host has IPv6, ::1]
    #[arg(
        short,
        long,
        env = "DYNAMIDB_LISTEN",
        value_name = "ADDRESS",
        help_heading = "Network"
    )]
    #[arg(value_delimiter = ',', hide_default_value = true)]
    pub listen: Vec<Listen>,

    /// Clients served at a time; more are told so and turned away [default: 10000, or what the
    /// limit of open files leaves]
    #[arg(
        short = 'c',
        long,
        env = "DYNAMIDB_MAX_CONNECTIONS",
        help_heading = "Network"
    )]
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: Option<u32>,

    /// Seconds after which a client that has sent half a request is hung up on; 0 for never
    #[arg(
        long,
        env = "DYNAMIDB_REQUEST_TIMEOUT",
        value_name = "SECONDS",
        help_heading = "Network"
    )]
    #[arg(default_value_t = 30)]
    pub request_timeout: u32,

    /// Which verbs are understood. auto: with a capital letter DynamiDB's, in small letters
    /// memcached's
    #[arg(
        long,
        env = "DYNAMIDB_DIALECT",
        default_value = "auto",
        help_heading = "Network"
    )]
    #[arg(value_name = "NAME", value_parser = dialect_parser())]
    pub dialect: Dialect,

    /// The version that memcached's clients are told
    #[arg(long, env = "DYNAMIDB_MEMCACHED_VERSION", default_value = "1.6.45")]
    #[arg(value_name = "VERSION", help_heading = "Network")]
    pub memcached_version: String,

    /// Memory for items and their index, in MiB or with the unit k, m or g; lifts the default limit
    /// of items [default: 64]
    #[arg(
        short,
        long,
        env = "DYNAMIDB_MEMORY",
        value_name = "SIZE",
        help_heading = "Memory"
    )]
    #[arg(value_parser = memory_size)]
    pub memory: Option<usize>,

    /// Items kept at most [default: 1000, or no limit if --memory is given]
    #[arg(
        long,
        env = "DYNAMIDB_MAX_ITEMS",
        value_name = "COUNT",
        help_heading = "Memory"
    )]
    #[arg(value_parser = item_count)]
    pub max_items: Option<usize>,

    /// The largest item, key and value together, in bytes or with the unit k or m; at least 1k
    #[arg(
        short = 'I',
        long,
        env = "DYNAMIDB_MAX_ITEM_SIZE",
        default_value = "1m"
    )]
    #[arg(value_name = "SIZE", value_parser = item_size, help_heading = "Memory")]
    pub max_item_size: usize,

    /// Sizes in bytes of the chunks that items are kept in, ascending, separated by commas
    #[arg(
        long,
        env = "DYNAMIDB_SLAB_SIZES",
        value_name = "SIZES",
        help_heading = "Memory"
    )]
    #[arg(value_delimiter = ',', default_values_t = Config::SLAB_SIZES)]
    pub slab_sizes: Vec<usize>,

    /// Worker threads [default: one for each processor, at most 4]
    #[arg(
        short,
        long,
        env = "DYNAMIDB_THREADS",
        value_name = "COUNT",
        help_heading = "Process"
    )]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=Self::THREADS_MAX))]
    pub threads: Option<u16>,

    /// The runtime that drives the sockets
    #[arg(
        long,
        env = "DYNAMIDB_RUNTIME",
        value_name = "NAME",
        help_heading = "Process"
    )]
    #[arg(value_enum, default_value_t = RuntimeName::DEFAULT, hide_possible_values = false)]
    pub runtime: RuntimeName,

    /// Say more; twice for everything
    #[arg(short, long, action = ArgAction::Count, help_heading = "Process")]
    pub verbose: u8,

    /// What scripts that start memcached pass along.
    #[command(flatten)]
    pub memcached: MemcachedOptions,
}

/// Options of memcached without an effect here, so that scripts written for it keep working.
#[derive(Args, Clone, Debug, Default)]
#[non_exhaustive]
pub struct MemcachedOptions {
    /// The user to run as: start the server as that user instead.
    #[arg(short, long = "user", hide = true, value_name = "USER")]
    pub user: Option<String>,

    /// The UDP port: there is no UDP, so only 0 will do.
    #[arg(short = 'U', long = "udp-port", hide = true, value_name = "PORT")]
    #[arg(value_parser = no_udp)]
    pub udp_port: Option<u16>,

    /// Tuning of memcached's own engine.
    #[arg(short = 'o', long = "extended", hide = true, value_delimiter = ',')]
    #[arg(value_name = "OPTIONS", value_parser = extended_option)]
    pub extended: Vec<String>,

    /// Whether to go to the background; refused.
    #[arg(short, long = "daemon", hide = true, action = ArgAction::SetTrue)]
    pub daemon: bool,
}

impl Options {
    /// How many items there are at most if neither items nor memory are asked for.
    pub const MAX_ITEMS: usize = 1000;
    /// How much memory there is if none is asked for, in bytes.
    pub const MEMORY: usize = 64 << 20;
    /// How many connections there are at most unless said otherwise: at well below 1 KiB for each
    /// silent one that is next to nothing, and more than memcached's 1024, which is often too few.
    pub const MAX_CONNECTIONS: u32 = 10_000;
    /// How many worker threads can be asked for.
    pub const THREADS_MAX: i64 = 64;

    /// Reads the process's command line and environment. Prints and exits where that is asked for
    /// (`--help`, `--version`), and with one line and status 2 where something is wrong.
    #[must_use]
    pub fn from_command_line() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            if !error.use_stderr() {
                error.exit();
            }
            eprintln!("{}", one_line(&error));
            std::process::exit(2)
        })
    }

    /// What no single value shows to be wrong.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.memcached.daemon {
            let reason = "the server stays in the foreground; use a service manager".into();
            return Err(Error::Option {
                name: "-d/--daemon",
                reason,
            });
        }
        Ok(())
    }

    /// The budget in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.unwrap_or(Self::MEMORY)
    }

    /// The limit of items, if there is one.
    pub(crate) fn item_limit(&self) -> Option<usize> {
        self.max_items
            .or_else(|| self.memory.is_none().then_some(Self::MAX_ITEMS))
    }

    /// How many threads to serve with.
    pub(crate) fn thread_count(&self) -> usize {
        let cores = || {
            std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(4)
        };
        self.threads.map_or_else(cores, usize::from)
    }
}

impl Default for Options {
    /// What an empty command line means, whatever the environment says.
    fn default() -> Self {
        let command = Self::command().mut_args(|arg| arg.env(Resettable::Reset));
        Self::from_arg_matches(&command.get_matches_from(["dynamidb"]))
            .expect("an empty command line is complete")
    }
}

/// An address to listen on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Listen {
    /// A name or an address; `*` for all addresses.
    pub host: String,
    /// The port, if it is not the one of [`Options::port`].
    pub port: Option<u16>,
}

impl FromStr for Listen {
    type Err = String;

    /// Reads `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 address.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self {
                host: text.into(),
                port: None,
            });
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
            None => text
                .split_once(':')
                .map_or((text, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err("there is no host before the port".into());
        }
        let port = port.map(|port| port.parse().map_err(|_| format!("`{port}` is not a port")));
        Ok(Self {
            host: host.into(),
            port: port.transpose()?,
        })
    }
}

fn dialect_parser() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(["auto", "dynamidb", "memcached"]).map(|name| match name.as_str() {
        "dynamidb" => Dialect::DynamiDb,
        "memcached" => Dialect::Memcached,
        _ => Dialect::Auto,
    })
}

/// A number and a unit, in bytes; `unit` is what a number alone counts.
fn size(text: &str, unit: usize) -> Result<usize, String> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 1 << 20),
        Some(b'g' | b'G') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, unit),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| "not a size, as 64 or 512k or 2g are")?;
    number
        .checked_mul(factor)
        .ok_or_else(|| "more than can be addressed".into())
}

fn memory_size(text: &str) -> Result<usize, String> {
    size(text, 1 << 20)
}

fn item_size(text: &str) -> Result<usize, String> {
    match size(text, 1)? {
        size if size < 1024 => Err("the least is 1k".into()),
        size if size > 1 << 24 => Err("the most is 16m".into()),
        size => Ok(size.min(Config::ITEM_SIZE_LIMIT)),
    }
}

fn item_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("there must be room for one".into()),
        Ok(count) => Ok(count),
        Err(error) => Err(error.to_string()),
    }
}

fn no_udp(text: &str) -> Result<u16, String> {
    if text == "0" {
        Ok(0)
    } else {
        Err("there is no UDP here".into())
    }
}

/// Settings of memcached's engine that ask for what is the case here, or for nothing that shows.
const EXTENDED_WITHOUT_EFFECT: [&str; 12] = [
    "modern",
    "no_modern",
    "relaxed_privileges",
    "maxconns_fast",
    "hashpower",
    "hash_algorithm",
    "slab_reassign",
    "slab_automove",
    "slab_chunk_max",
    "lru_maintainer",
    "lru_crawler",
    "tail_repair_time",
];

fn extended_option(text: &str) -> Result<String, String> {
    let name = text.split('=').next().unwrap_or(text);
    if EXTENDED_WITHOUT_EFFECT.contains(&name) {
        Ok(text.into())
    } else {
        Err("not known here".into())
    }
}

/// What is wrong, without the usage that clap prints below it.
fn one_line(error: &clap::Error) -> String {
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
