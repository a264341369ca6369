//! The rest of memcached's options: those that do the same here, those that have no effect because
//! they ask for what is the case anyway, and those that are refused with a hint.

use std::path::{Path, PathBuf};

use dynamidb_core::Protocol;

use crate::server::error::Error;
use crate::server::options::extended;

/// Options of memcached that have no other name here. `native/docs/from-memcached.md` lists all of
/// memcached's.
///
/// # Examples
/// ```
/// let mut options = dynamidb::Options::default();
/// options.memcached.disable_flush_all = true;
/// options.memcached.extended = vec!["idle_timeout=60".into()];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MemcachedOptions {
    /// Paths of Unix sockets to listen on. The files are removed at the end.
    pub unix_socket: Vec<PathBuf>,
    /// The permissions of Unix sockets.
    pub unix_mask: u32,
    /// Whether clients can stop the server by `shutdown`.
    pub enable_shutdown: bool,
    /// Refuses `flush_all` and `flush_prefix`.
    pub disable_flush_all: bool,
    /// Refuses commands that list keys: `lru_crawler metadump` and `mgdump`, `stats cachedump`,
    /// `detail` and `hotkeys`.
    pub disable_dumping: bool,
    /// Refuses `watch`.
    pub disable_watch: bool,
    /// Counts gets, sets and deletes for each key prefix up to this character, which is visible
    /// ASCII.
    pub stat_prefix: Option<u8>,
    /// How many prefixes are counted at most. The memory has [64 bytes](dynamidb_core::PrefixStats)
    /// for each, whether they are counted or not.
    pub max_prefixes: usize,
    /// Which protocol is spoken. `None` is both, the first byte of a connection decides; or the
    /// binary one alone with `enable_sasl` and without [`Options::auth_file`](crate::Options).
    pub protocol: Option<Protocol>,
    /// Lets clients of the binary protocol sign in by SASL PLAIN, and serves none that has not.
    /// With [`Options::auth_file`](crate::Options) they have to in any case.
    pub enable_sasl: bool,
    /// With `enable_sasl`, memcached's file of lines `name:password`.
    pub sasl_pwdb: Option<PathBuf>,
    /// Gives items no `cas`: it is 0 for all, and `cas` stores nothing. Unless the policy is
    /// `density`, those without client flags take 8 bytes less, and have no time of last use
    /// either.
    pub disable_cas: bool,
    /// When memory is full, refuses to store instead of evicting.
    pub disable_evictions: bool,
    /// Locks all memory of the process, so that it is resident from the start.
    pub lock_memory: bool,
    /// Raises the limit of core files as far as possible.
    pub enable_coredumps: bool,
    /// The user that a process of root's becomes once everything is bound and opened.
    pub user: Option<String>,
    /// Has the binary print its licence instead of serving.
    pub license: bool,
    /// The UDP port. There is no UDP: everything but 0 is refused.
    pub udp_port: u16,
    /// Settings of memcached's `-o`: `name` or `name=value`.
    pub extended: Vec<String>,
    /// No effect: huge pages are used where the system offers them.
    pub enable_largepages: bool,
    /// No effect: a client's turn is limited to 256 requests, and in bytes.
    pub max_reqs_per_event: Option<u32>,
    /// Refused: there is no file for the process id.
    pub pidfile: Option<String>,
    /// Refused: the server stays in the foreground.
    pub daemon: bool,
    /// Refused: `--state` keeps the items over a restart.
    pub memory_file: Option<String>,
    /// Has clients of all addresses speak TLS, unless a listener says otherwise.
    pub enable_ssl: bool,
    /// Refused: workers do not follow the queues of a network card.
    pub napi_ids: Option<u32>,
}

impl MemcachedOptions {
    /// How many prefixes are counted by default.
    pub(crate) const MAX_PREFIXES: usize = 1000;
}

impl Default for MemcachedOptions {
    fn default() -> Self {
        Self {
            unix_socket: Vec::new(),
            unix_mask: 0o700,
            enable_shutdown: false,
            disable_flush_all: false,
            disable_dumping: false,
            disable_watch: false,
            stat_prefix: None,
            max_prefixes: Self::MAX_PREFIXES,
            protocol: None,
            enable_sasl: false,
            sasl_pwdb: None,
            disable_cas: false,
            disable_evictions: false,
            lock_memory: false,
            enable_coredumps: false,
            user: None,
            license: false,
            udp_port: 0,
            extended: Vec::new(),
            enable_largepages: false,
            max_reqs_per_event: None,
            pidfile: None,
            daemon: false,
            memory_file: None,
            enable_ssl: false,
            napi_ids: None,
        }
    }
}

impl MemcachedOptions {
    /// Whether `stats sizes` counts items.
    pub(crate) fn tracks_sizes(&self) -> bool {
        self.extended.iter().any(|setting| setting == "track_sizes")
    }

    /// The value of a setting of `-o`. As in memcached the last one counts.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let value = |setting: &'_ String| -> Option<usize> {
            let (known, _) = setting.split_once('=')?;
            (known == name).then_some(known.len() + 1)
        };
        let mut settings = self.extended.iter().rev();
        settings.find_map(|setting| setting.get(value(setting)?..))
    }

    /// Seconds without a request after which a client is disconnected; 0 for never. As in memcached
    /// the last setting counts.
    pub(crate) fn idle_timeout(&self) -> u32 {
        let seconds = self.setting("idle_timeout");
        seconds
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(0)
    }

    /// Fails if an option is refused.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refusals = [
            (
                self.daemon,
                "-d/--daemon",
                "the server stays in the foreground; run it as a systemd unit",
            ),
            (
                self.pidfile.is_some(),
                "-P/--pidfile",
                "the server stays in the foreground; the process that starts it knows its id",
            ),
            (self.udp_port != 0, "-U/--udp-port", "there is no UDP"),
            (
                self.memory_file.is_some(),
                "-e/--memory-file",
                "items are kept by --state FILE, on any file system",
            ),
            (
                self.napi_ids.is_some(),
                "-N/--napi-ids",
                "connections are assigned to workers in turn",
            ),
        ];
        for (asked, name, reason) in refusals {
            if asked {
                let reason = reason.into();
                return Err(Error::Option { name, reason });
            }
        }
        self.extended
            .iter()
            .try_for_each(|setting| extended::check(setting))
    }

    /// The file of memcached's users, if they are asked for.
    pub(crate) fn sasl_users(&self) -> Option<&Path> {
        self.sasl_pwdb.as_deref().filter(|_| self.enable_sasl)
    }
}
