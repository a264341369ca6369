//! The command line: memcached's letters where they exist, a long name and an environment variable
//! for everything. What is wrong with a value by itself is found here; what is wrong with values
//! together, where they are used.

mod environment;
mod extended;
mod memcached;
mod values;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser;
use clap::{ArgAction, FromArgMatches, Parser};
use dynamidb_core::{Config, Dialect, LruBump, Policy, SessionConfig, SlabSizes};

use self::environment::Variable;
pub use self::memcached::MemcachedOptions;
pub use self::values::Listen;
pub(crate) use self::values::size_text;
use self::values::{
    ITEM_SIZE_MIN, dialect_parser, grown_sizes, growth, item_size, lru_bump_parser, memory_size,
    policy_parser,
};
use crate::server::log::last_words;
use crate::{Error, RuntimeName};

const ABOUT: &str =
    "An in-memory key-value cache that speaks its own short dialect and memcached's text protocol";
const AFTER_HELP: &str = "\
Most options can be given as environment variables too, as shown; the command line wins. Empty \
variables count as unset; for flags, 1, true, yes and on say yes, 0, false, no and off say no.
Scripts that start memcached keep working: its other flags and settings of -o are accepted where \
nothing depends on them, and refused with a hint where something does.";

const NETWORK: &str = "Network";
const MEMORY: &str = "Memory";
const PROCESS: &str = "Process";

/// As many threads as there can be shards.
const THREADS_MAX: usize = 64;
/// From this much memory on all chunk sizes that divide a page well are used. In less, the pages
/// that each size claims would be too many.
const FINE_SIZES_MEMORY: usize = 16 << 20;
/// Chunk sizes for less memory, as far as they fit its pages.
const FEW_SIZES: [usize; 11] = [32, 48, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096];
/// The largest page, and so the largest chunk, of a cache.
const PAGE_SIZE_MAX: usize = 64 << 10;

/// What the server is started with: the command line, or fields set by a program.
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
#[command(version, about = ABOUT, long_about = None, after_help = AFTER_HELP)]
#[command(max_term_width = 100, allow_negative_numbers = true)]
// As with memcached, the last of an option counts: scripts append to what others have begun.
#[command(args_override_self = true)]
#[non_exhaustive]
pub struct Options {
    /// TCP port; 0 picks a free one, as does memcached's -1
    #[arg(short, long, env = "DYNAMIDB_PORT", default_value_t = 11212, value_parser = port())]
    #[arg(help_heading = NETWORK)]
    pub port: u16,

    /// What to listen on, separated by commas: HOST or HOST:PORT (IPv6 with a port in brackets, *
    /// for all addresses), unix:FILE [default: 127.0.0.1 and ::1, as far as the host has them]
    #[arg(short, long, env = "DYNAMIDB_LISTEN", value_delimiter = ',')]
    #[arg(help_heading = NETWORK, value_name = "ADDRESSES")]
    pub listen: Vec<Listen>,

    /// Clients served at a time; more are told so and turned away [default: 10000, or what the
    /// limit of open files leaves]
    #[arg(
        short = 'c',
        long,
        alias = "conn-limit",
        env = "DYNAMIDB_MAX_CONNECTIONS"
    )]
    #[arg(help_heading = NETWORK, value_name = "COUNT")]
    pub max_connections: Option<u32>,

    /// Seconds after which a client is hung up on that stops in the middle of a request or takes
    /// none of its replies; 0 for never
    #[arg(long, env = "DYNAMIDB_STALL_TIMEOUT", default_value_t = 30)]
    #[arg(help_heading = NETWORK, value_name = "SECONDS")]
    pub stall_timeout: u32,

    /// A file of up to eight lines NAME:PASSWORD, one of which a client has to show before anything
    /// else, as the value "NAME PASSWORD" of a set of any key; SIGHUP has it read anew
    #[arg(short = 'Y', long, env = "DYNAMIDB_AUTH_FILE")]
    #[arg(help_heading = NETWORK, value_name = "FILE")]
    pub auth_file: Option<PathBuf>,

    /// Connections that the system holds until they are accepted
    #[arg(
        short,
        long,
        alias = "listen-backlog",
        env = "DYNAMIDB_BACKLOG",
        default_value_t = 1024
    )]
    #[arg(help_heading = NETWORK, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub backlog: u16,

    /// Which verbs are understood. auto: those with a capital letter are DynamiDB's, those in small
    /// letters memcached's
    #[arg(long, env = "DYNAMIDB_DIALECT", default_value = "auto")]
    #[arg(help_heading = NETWORK, value_name = "NAME", value_parser = dialect_parser())]
    pub dialect: Dialect,

    /// The version that memcached's clients are told, in visible ASCII characters
    #[arg(long, env = "DYNAMIDB_MEMCACHED_VERSION", default_value = "1.6.45")]
    #[arg(help_heading = NETWORK, value_name = "VERSION")]
    pub memcached_version: String,

    /// Memory for items and their index, in MiB or with a unit, as in 512k, 64MB or 1.5g; lifts the
    /// default limit of items [default: 64]
    #[arg(short, long, alias = "memory-limit", env = "DYNAMIDB_MEMORY", value_parser = memory_size)]
    #[arg(help_heading = MEMORY, value_name = "SIZE")]
    pub memory: Option<usize>,

    /// Items kept at most [default: 1000, or no limit if --memory is given]
    #[arg(long, env = "DYNAMIDB_MAX_ITEMS", value_name = "COUNT")]
    #[arg(help_heading = MEMORY)]
    pub max_items: Option<usize>,

    /// The largest item, key and value together, in bytes or with a unit; from 1k to 16m and a
    /// quarter of the memory [default: 1m]
    #[arg(short = 'I', long, env = "DYNAMIDB_MAX_ITEM_SIZE")]
    #[arg(help_heading = MEMORY, value_name = "SIZE", value_parser = item_size)]
    pub max_item_size: Option<usize>,

    /// Sizes of the chunks that items are kept in, in bytes: ascending multiples of 16, separated
    /// by commas [default: 64,128,256,1024,4096; with --memory 11 sizes from 32 on, with 16 MiB or
    /// more 30]
    #[arg(long, env = "DYNAMIDB_SLAB_SIZES", value_delimiter = ',')]
    #[arg(help_heading = MEMORY, value_name = "SIZES")]
    pub slab_sizes: Vec<usize>,

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
    pub slab_growth: Option<f64>,

    /// Bytes of key, value and flags in the smallest chunk, with --slab-growth
    #[arg(
        short = 'n',
        long,
        alias = "slab-min-size",
        env = "DYNAMIDB_SLAB_MIN",
        default_value_t = 48
    )]
    #[arg(help_heading = MEMORY, value_name = "BYTES", conflicts_with = "slab_sizes")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=2048))]
    pub slab_min: u16,

    /// Which item goes when room is needed. lru: the least recently used; s3lru: the same behind a
    /// queue that keeps keys which are asked for only once from pushing out the others
    #[arg(long, env = "DYNAMIDB_POLICY", default_value = "lru")]
    #[arg(help_heading = MEMORY, value_name = "NAME", value_parser = policy_parser())]
    pub policy: Policy,

    /// When a used item moves to the front. strict: always, so that the order is exact; lazy: not
    /// while it is in the newest quarter, which halves the writes and costs 0.4 % more misses
    #[arg(long, env = "DYNAMIDB_LRU_BUMP", default_value = "strict")]
    #[arg(help_heading = MEMORY, value_name = "NAME", value_parser = lru_bump_parser())]
    pub lru_bump: LruBump,

    /// Worker threads [default: one for each processor, at most 4]
    #[arg(short, long, env = "DYNAMIDB_THREADS", value_name = "COUNT")]
    #[arg(help_heading = PROCESS)]
    pub threads: Option<usize>,

    /// The runtime that drives the sockets
    #[arg(long, env = "DYNAMIDB_RUNTIME", default_value_t = RuntimeName::DEFAULT)]
    #[arg(help_heading = PROCESS, value_enum, value_name = "NAME")]
    pub runtime: RuntimeName,

    /// Log each connection that opens or ends as well. More of it, as in -vv, changes nothing: the
    /// command `watch` shows requests
    #[arg(short, long, action = ArgAction::Count, help_heading = PROCESS)]
    pub verbose: u8,

    /// How many bytes of replies are made before they are sent (an item more if it does not fit).
    /// Not on the command line.
    #[arg(skip = SessionConfig::default().output_max)]
    pub output_max: usize,

    /// What memcached has besides.
    #[command(flatten)]
    pub memcached: MemcachedOptions,

    /// Which variables set options, for what is said of those.
    #[arg(skip)]
    variables: Vec<Variable>,
}

impl Options {
    /// How many items there are at most if neither items nor memory are asked for.
    pub const MAX_ITEMS: usize = 1000;
    /// How much memory there is if none is asked for, in bytes.
    pub const MEMORY: usize = 64 << 20;
    /// How many connections there are at most unless said otherwise: at well below 1 KiB for each
    /// silent one that is next to nothing, and more than memcached's 1024, which is often too few.
    pub const MAX_CONNECTIONS: u32 = 10_000;

    /// Reads the process's command line and environment. Prints and exits where that is asked for
    /// (`--help`, `--version`), and with one line and status 2 where something is wrong. What is
    /// ignored in the environment it warns of.
    #[must_use]
    pub fn from_command_line() -> Self {
        let words: Vec<_> = std::env::args_os().collect();
        match environment::parse(&words, std::env::vars_os()) {
            Ok((options, warnings)) => {
                for warning in warnings {
                    last_words(&format!("warning: {warning}"));
                }
                options
            }
            Err(error) if error.use_stderr() => {
                last_words(&one_line(&error));
                std::process::exit(2)
            }
            Err(error) => error.exit(),
        }
    }

    /// The same error, with the variable that set the option.
    pub(crate) fn name_variable(&self, error: Error) -> Error {
        match error {
            Error::Option { name, reason } => {
                let reason = environment::name_variables(name, &reason, &self.variables);
                Error::Option { name, reason }
            }
            error => error,
        }
    }

    /// Finds what is out of range, or contradicts something else.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = self.config();
        let item_size = config.item_size_max;
        let version = self.memcached_version.as_bytes();
        // It is part of a reply's line.
        let tellable = !version.is_empty() && version.iter().all(u8::is_ascii_graphic);
        // It is part of replies and of the log.
        let is_plain = |path: &Path| !path.as_os_str().as_bytes().iter().any(u8::is_ascii_control);
        let (name, reason) = match () {
            () if !self.unix_sockets().all(is_plain) => {
                ("-s/--unix-socket", "a path has no control characters")
            }
            () if self.max_connections == Some(0) => ("-c/--max-connections", "1 is the least"),
            () if self.thread_count() == 0 => ("-t/--threads", "1 is the least"),
            () if self.thread_count() > THREADS_MAX => ("-t/--threads", "64 is the most"),
            () if self.max_items == Some(0) => ("--max-items", "1 is the least"),
            () if item_size > Config::ITEM_SIZE_LIMIT => ("-I/--max-item-size", "16m is the most"),
            () if self.max_item_size.is_some() && item_size > config.memory / 4 => {
                ("-I/--max-item-size", "a quarter of the memory is the most")
            }
            () if !tellable => (
                "--memcached-version",
                "visible ASCII characters are needed, and no blanks",
            ),
            () => return self.memcached.check(),
        };
        let reason = reason.into();
        Err(Error::Option { name, reason })
    }

    /// What the cache is made from, but for the seed of its hash.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(self.memory.unwrap_or(Self::MEMORY));
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
        config
    }

    /// The files of all Unix sockets to listen on.
    pub(crate) fn unix_sockets(&self) -> impl Iterator<Item = &Path> {
        let listen = self.listen.iter().filter_map(|listen| match listen {
            Listen::Unix(path) => Some(&**path),
            Listen::Address { .. } => None,
        });
        let others = self.memcached.unix_socket.iter();
        listen.chain(others.map(PathBuf::as_path))
    }

    /// How many threads to serve with.
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
    /// What an empty command line means, whatever the environment says.
    fn default() -> Self {
        Self::from_arg_matches(&environment::command().get_matches_from(["dynamidb"]))
            .expect("an empty command line is complete")
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

fn port() -> impl TypedValueParser<Value = u16> {
    let port = clap::value_parser!(i32).range(-1..=i64::from(u16::MAX));
    port.map(|port| u16::try_from(port).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let words = std::iter::once("dynamidb").chain(line.split_whitespace());
        let options = Options::try_parse_from(words).map_err(|error| one_line(&error))?;
        options
            .check()
            .map_err(|error| error.to_string())
            .map(|()| options)
    }

    #[test]
    fn memcached_letters_mean_what_they_mean_there() {
        let options = parse("-p 1 -l ::1 -m 128 -c 5 -t 2 -I 2m -vv").unwrap();
        assert_eq!((options.port, options.memory), (1, Some(128 << 20)));
        assert_eq!(
            (options.max_connections, options.threads),
            (Some(5), Some(2))
        );
        assert_eq!((options.max_item_size, options.verbose), (Some(2 << 20), 2));
        assert_eq!(options.listen, ["::1".parse().unwrap()]);
        assert_eq!(parse("-p -1").unwrap().port, 0);
        assert!(parse("-u nobody -U 0 -o modern,hashpower=20 -o relaxed_privileges").is_ok());
    }

    /// The options of memcached 1.6.45 with everything built in: letters, long names, and whether a
    /// value follows.
    const MEMCACHED: [(char, &str, bool); 37] = [
        ('a', "unix-mask", true),
        ('A', "enable-shutdown", false),
        ('b', "listen-backlog", true),
        ('B', "protocol", true),
        ('c', "conn-limit", true),
        ('C', "disable-cas", false),
        ('d', "daemon", false),
        // It has no long name there.
        ('D', "stat-prefix", true),
        ('e', "memory-file", true),
        ('f', "slab-growth-factor", true),
        ('F', "disable-flush-all", false),
        ('h', "help", false),
        ('i', "license", false),
        ('I', "max-item-size", true),
        ('k', "lock-memory", false),
        ('l', "listen", true),
        ('L', "enable-largepages", false),
        ('m', "memory-limit", true),
        ('M', "disable-evictions", false),
        ('n', "slab-min-size", true),
        ('N', "napi-ids", true),
        ('o', "extended", true),
        ('p', "port", true),
        ('P', "pidfile", true),
        ('r', "enable-coredumps", false),
        ('R', "max-reqs-per-event", true),
        ('s', "unix-socket", true),
        ('S', "enable-sasl", false),
        ('t', "threads", true),
        ('u', "user", true),
        ('U', "udp-port", true),
        ('v', "verbose", false),
        ('V', "version", false),
        ('W', "disable-watch", false),
        ('X', "disable-dumping", false),
        ('Y', "auth-file", true),
        ('Z', "enable-ssl", false),
    ];

    #[test]
    fn every_letter_and_long_name_of_memcached_means_one_option() {
        let mut command = Options::command();
        command.build();
        for (letter, name, takes_value) in MEMCACHED {
            let mut args = command.get_arguments();
            let Some(arg) = args.find(|arg| arg.get_short() == Some(letter)) else {
                panic!("-{letter}");
            };
            let aliases = arg.get_all_aliases().unwrap_or_default();
            assert!(
                arg.get_long() == Some(name) || aliases.contains(&name),
                "-{letter}: --{name}"
            );
            assert_eq!(arg.get_action().takes_values(), takes_value, "-{letter}");
        }
        let letters = command.get_arguments().filter_map(|arg| arg.get_short());
        assert_eq!(letters.count(), MEMCACHED.len());
    }

    #[test]
    fn the_last_of_an_option_counts() {
        let options = parse("-m 64 -A -m 128 -A -p 1 -p 2").unwrap();
        assert_eq!((options.memory, options.port), (Some(128 << 20), 2));
        // But for lists, which grow.
        let options = parse("-l ::1 -l 127.0.0.1 -o idle_timeout=1 -o idle_timeout=2").unwrap();
        assert_eq!(options.listen.len(), 2);
        assert_eq!(options.memcached.idle_timeout(), 2);
    }

    #[test]
    fn the_version_for_clients_is_visible_and_not_empty() {
        for wrong in ["", " ", "1.6 45", "1.6.45\r\n", "1\n", "\t", "é", "1\u{7f}"] {
            let words = ["dynamidb", "--memcached-version", wrong];
            let options = Options::try_parse_from(words).unwrap();
            let said = options.check().unwrap_err().to_string();
            assert!(
                said.starts_with("--memcached-version: "),
                "{wrong:?}: {said}"
            );
        }
        parse("--memcached-version 1.6.45-x~").unwrap();
    }

    #[test]
    fn the_path_of_a_socket_has_no_control_characters() {
        for words in [["-s", "/tmp/a\r\nb"], ["-l", "unix:/tmp/\u{1b}[2J"]] {
            let words = ["dynamidb"].iter().chain(&words);
            let options = Options::try_parse_from(words).unwrap();
            let said = options.check().unwrap_err().to_string();
            assert!(said.starts_with("-s/--unix-socket: "), "{said}");
        }
        parse("-s /tmp/é -l unix:/tmp/~").unwrap();
    }

    #[test]
    fn chunk_sizes_grow_as_in_memcached() {
        let sizes = |line| parse(line).unwrap().config().slab_sizes;
        assert_eq!(sizes("-f 2")[..], [96, 192, 384, 768, 1536, 3072, 4096]);
        assert_eq!(sizes("-f 8 -n 16")[..], [64, 512, 4096]);
        assert!(sizes("-f 1.02 -n 1").len() <= Config::SLAB_SIZES_MAX);
    }

    #[test]
    fn chunk_sizes_follow_the_memory_unless_they_are_given() {
        let sizes = |line| parse(line).unwrap().config().slab_sizes;
        assert_eq!(sizes("")[..], Config::SLAB_SIZES);
        assert_eq!(sizes("--max-items 5")[..], Config::SLAB_SIZES);
        assert_eq!(sizes("-m 128k")[..], FEW_SIZES[..10]);
        assert_eq!(sizes("-m 16777215b")[..], FEW_SIZES);
        assert_eq!(sizes("-m 16"), SlabSizes::page_fractions(4096));
        assert_eq!(sizes("-m 16").len(), 30);
        assert_eq!(sizes("-m 64 --slab-sizes 64,4096")[..], [64, 4096]);
        assert_eq!(sizes("-m 64 -f 8 -n 16")[..], [64, 512, 4096]);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_that_names_the_option() {
        for (line, option) in [
            ("--prot 1", "--prot"),
            ("-p 65536", "--port"),
            ("-p -2", "--port"),
            ("-c 0", "--max-connections"),
            ("-c -1", "--max-connections"),
            ("-t 0", "--threads"),
            ("-t 65", "--threads"),
            ("--max-items 0", "--max-items"),
            ("-m x", "--memory"),
            ("-m 99999999999999999999", "--memory"),
            ("-m 99999999999999999", "--memory"),
            ("-I 1023", "--max-item-size"),
            ("-I 16777217", "--max-item-size"),
            ("-I 33m", "--max-item-size"),
            ("-m 8 -I 2097153", "--max-item-size"),
            ("-d", "--daemon"),
            ("-U 11211", "--udp-port"),
            ("-o no_such_thing", "--extended"),
            ("--slab-sizes 64,x", "--slab-sizes"),
            ("-f 1", "--slab-growth"),
            ("-f 1.25 -n 4096", "--slab-min"),
            ("-f 1.25 --slab-sizes 64", "--slab-sizes"),
            ("--policy fifo", "--policy"),
            ("--lru-bump never", "--lru-bump"),
            ("--dialect redis", "--dialect"),
            ("--runtime none", "--runtime"),
            ("-l :1", "--listen"),
            ("-l host:port", "--listen"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(
                error.contains(option) && !error.contains('\n'),
                "{line}: {error}"
            );
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        for line in [
            "-c 1",
            "-t 1",
            "-t 64",
            "--max-items 1",
            "-I 1024",
            "-I 16m",
            "-m 8 -I 2m",
            "-a 0",
            "-a 777",
        ] {
            parse(line).unwrap();
        }
    }

    #[test]
    fn asking_for_memory_lifts_the_limit_of_items() {
        assert_eq!(parse("").unwrap().config().max_items, Some(1000));
        assert_eq!(parse("-m 64").unwrap().config().max_items, None);
        assert_eq!(
            parse("-m 64 --max-items 5").unwrap().config().max_items,
            Some(5)
        );
    }

    /// The rows of a table of `native/docs/from-memcached.md`: what stands in the first column, and
    /// what in the second.
    fn rows(head: &str) -> Vec<(&'static str, &'static str)> {
        let page = include_str!("../../docs/from-memcached.md");
        let table = page.split(head).nth(1).unwrap();
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with("| "));
        rows.map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            (
                cells.next().unwrap().trim_matches('`'),
                cells.next().unwrap(),
            )
        })
        .collect()
    }

    fn assert_is_as_said(line: &str, verdict: &str) {
        match (parse(line), verdict) {
            (Ok(_), "same" | "differs" | "no effect") | (Err(_), "refused") => {}
            (parsed, _) => panic!("{line}: {verdict}, says the page, but {parsed:?}"),
        }
    }

    #[test]
    fn the_page_for_people_from_memcached_is_true_of_every_flag() {
        let flags = rows("| flag | here | |");
        assert!(flags.len() > 25);
        for (line, verdict) in &flags {
            assert_is_as_said(line, verdict);
        }
        let settings = rows("| `-o` | here | |");
        for (setting, verdict) in &settings {
            assert_is_as_said(&format!("-o {setting}"), verdict);
        }
        // And it names everything that has a letter, or that is there for memcached's sake.
        let command = Options::command();
        let letters = command.get_arguments().filter_map(|arg| arg.get_short());
        for letter in letters.filter(|letter| !"hV".contains(*letter)) {
            let named = |(line, _): &(&str, &str)| line.starts_with(&format!("-{letter}"));
            assert!(flags.iter().any(named), "-{letter} is not on the page");
        }
        for name in extended::names() {
            let named = |(setting, _): &(&str, &str)| setting.split('=').next() == Some(name);
            assert!(settings.iter().any(named), "{name} is not on the page");
        }
    }
}
