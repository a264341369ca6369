//! The rest of memcached's command line: what is followed here as there, what has no effect because
//! it asks for what is the case anyway, and what is refused with a word on what to do instead.

use std::path::PathBuf;

use clap::Args;

use super::extended;
use crate::Error;

const NETWORK: &str = "Network";
const COMMANDS: &str = "Commands";
const MEMORY: &str = "Memory";
const PROCESS: &str = "Process";

/// Flags of memcached's that have no other name here. `native/docs/from-memcached.md` goes through
/// all there are.
#[derive(Args, Clone, Debug, Default)]
#[non_exhaustive]
pub struct MemcachedOptions {
    /// Listen on this Unix socket, and on addresses only with -l; it is removed at the end
    #[arg(short = 's', long, env = "DYNAMIDB_UNIX_SOCKET", help_heading = NETWORK)]
    #[arg(value_name = "FILE")]
    pub unix_socket: Vec<PathBuf>,

    /// The permissions of Unix sockets, in octal
    #[arg(short = 'a', long, env = "DYNAMIDB_UNIX_MASK", help_heading = NETWORK)]
    #[arg(value_name = "MODE", default_value = "700", value_parser = mode)]
    pub unix_mask: u32,

    /// Let clients end the server by `shutdown`
    #[arg(short = 'A', long, env = "DYNAMIDB_ENABLE_SHUTDOWN", help_heading = COMMANDS)]
    pub enable_shutdown: bool,

    /// Refuse `flush_all`
    #[arg(short = 'F', long, env = "DYNAMIDB_DISABLE_FLUSH_ALL", help_heading = COMMANDS)]
    pub disable_flush_all: bool,

    /// Refuse what lists keys: `lru_crawler metadump` and `mgdump`, `stats cachedump` and `detail`
    #[arg(short = 'X', long, env = "DYNAMIDB_DISABLE_DUMPING", help_heading = COMMANDS)]
    pub disable_dumping: bool,

    /// Refuse `watch`
    #[arg(short = 'W', long, env = "DYNAMIDB_DISABLE_WATCH", help_heading = COMMANDS)]
    pub disable_watch: bool,

    /// Count gets, sets and deletes for each beginning of a key up to this character, as
    /// `stats detail on` does with `:`
    #[arg(short = 'D', long, env = "DYNAMIDB_STAT_PREFIX", help_heading = COMMANDS)]
    #[arg(value_name = "CHARACTER", value_parser = delimiter)]
    pub stat_prefix: Option<u8>,

    /// Give items no `cas`: it is 0 for all, and `cas` stores nothing
    #[arg(short = 'C', long, env = "DYNAMIDB_DISABLE_CAS", help_heading = COMMANDS)]
    pub disable_cas: bool,

    /// Refuse to store rather than evict when the memory is full
    #[arg(short = 'M', long, env = "DYNAMIDB_DISABLE_EVICTIONS", help_heading = MEMORY)]
    pub disable_evictions: bool,

    /// Keep all memory resident, from the start; needs the right to lock so much
    #[arg(short = 'k', long, env = "DYNAMIDB_LOCK_MEMORY", help_heading = MEMORY)]
    pub lock_memory: bool,

    /// Leave a core file of any size after a crash
    #[arg(short = 'r', long, env = "DYNAMIDB_ENABLE_COREDUMPS", help_heading = PROCESS)]
    pub enable_coredumps: bool,

    /// The user to go on as when everything is bound and opened; only root can change users, and
    /// for others this has no effect
    #[arg(short, long, env = "DYNAMIDB_USER", help_heading = PROCESS)]
    #[arg(value_name = "NAME")]
    pub user: Option<String>,

    /// Print the licence
    #[arg(short = 'i', long, help_heading = PROCESS)]
    pub license: bool,

    /// The UDP port: there is no UDP, so only 0 will do.
    #[arg(short = 'U', long, hide = true, default_value_t = 0)]
    pub udp_port: u16,

    /// Settings of memcached's engine and network, `name` or `name=value`.
    #[arg(short = 'o', long, hide = true, value_delimiter = ',')]
    pub extended: Vec<String>,

    /// Huge pages, which are asked for in any case.
    #[arg(short = 'L', long, hide = true)]
    pub enable_largepages: bool,

    /// Which protocol to speak: there is no binary one.
    #[arg(short = 'B', long, hide = true, value_name = "NAME")]
    pub protocol: Option<String>,

    /// Requests of one client in a row; a turn is measured in bytes here.
    #[arg(short = 'R', long, hide = true, value_name = "COUNT")]
    pub max_reqs_per_event: Option<u32>,

    /// A file for the number of the process; refused.
    #[arg(short = 'P', long, hide = true, value_name = "FILE")]
    pub pidfile: Option<String>,

    /// Whether to go to the background; refused.
    #[arg(short, long, hide = true)]
    pub daemon: bool,

    /// A file that survives a restart; refused.
    #[arg(short = 'e', long, hide = true, value_name = "FILE")]
    pub memory_file: Option<String>,

    /// SASL, which is part of the binary protocol; refused.
    #[arg(short = 'S', long, hide = true)]
    pub enable_sasl: bool,

    /// TLS; refused.
    #[arg(short = 'Z', long, hide = true)]
    pub enable_ssl: bool,

    /// A worker for each queue of the network card; refused.
    #[arg(short = 'N', long, hide = true, value_name = "COUNT")]
    pub napi_ids: Option<u32>,
}

impl MemcachedOptions {
    /// Whether `stats sizes` counts.
    pub(crate) fn tracks_sizes(&self) -> bool {
        self.extended.iter().any(|setting| setting == "track_sizes")
    }

    /// Seconds after which a client is hung up on that asks for nothing; 0 for never. As in
    /// memcached the last one counts.
    pub(crate) fn idle_timeout(&self) -> u32 {
        let seconds = |setting: &String| setting.strip_prefix("idle_timeout=")?.parse().ok();
        self.extended.iter().rev().find_map(seconds).unwrap_or(0)
    }

    /// Finds what cannot be followed.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refusals = [
            (
                self.daemon,
                "-d/--daemon",
                "the server stays in the foreground; a unit of systemd keeps it running",
            ),
            (
                self.pidfile.is_some(),
                "-P/--pidfile",
                "the server stays in the foreground; whoever starts it knows its number",
            ),
            (self.udp_port != 0, "-U/--udp-port", "there is no UDP"),
            (
                self.memory_file.is_some(),
                "-e/--memory-file",
                "nothing survives a restart here",
            ),
            (
                self.enable_sasl,
                "-S/--enable-sasl",
                "SASL is part of the binary protocol, which is not spoken here",
            ),
            (
                self.enable_ssl,
                "-Z/--enable-ssl",
                "there is no TLS; put a TLS proxy on the same host in front",
            ),
            (
                self.napi_ids.is_some(),
                "-N/--napi-ids",
                "connections are dealt out in turn",
            ),
        ];
        for (asked, name, reason) in refusals {
            if asked {
                let reason = reason.into();
                return Err(Error::Option { name, reason });
            }
        }
        self.check_protocol()?;
        self.extended
            .iter()
            .try_for_each(|setting| extended::check(setting))
    }

    fn check_protocol(&self) -> Result<(), Error> {
        let reason = match self.protocol.as_deref() {
            None | Some("auto" | "ascii") => return Ok(()),
            Some("binary") => {
                "there is no binary protocol; clients speak the text protocol as well"
            }
            Some(_) => "auto and ascii are what there is",
        };
        let (name, reason) = ("-B/--protocol", reason.into());
        Err(Error::Option { name, reason })
    }
}

/// Permissions as `chmod` takes them.
fn mode(text: &str) -> Result<u32, &'static str> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("an octal number up to 777 is needed"),
    }
}

/// One character between the parts of a key.
fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        &[byte] if byte.is_ascii_graphic() => Ok(byte),
        _ => Err("one visible ASCII character is needed"),
    }
}
