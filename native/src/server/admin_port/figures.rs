//! What is shown of a server, at one moment: the answers to the commands that a client would send,
//! so that all ways to ask lead to the same figures, and what no command says.

use std::collections::BTreeMap;

use dynamidb_core::{Session, SessionConfig, Stats, push_percent_encoded};

use crate::server::auth::Access;
use crate::server::context::ServerContext;
use crate::server::host::SessionHost;
use crate::server::state::latency::{CommandClass, Distribution};

/// Names and values, as `stats` says them.
pub(super) type Named = BTreeMap<String, String>;

/// The figures of a server.
#[derive(Debug)]
pub(super) struct Figures {
    /// `stats`.
    pub(super) general: Named,
    /// `stats settings`.
    pub(super) settings: Named,
    /// `stats slabs` and `stats items` of each slab class.
    pub(super) classes: BTreeMap<u32, Named>,
    /// What `stats slabs` says of all classes together.
    pub(super) slabs: Named,
    pub(super) shards: Vec<Stats>,
    /// What `stats detail` counts, if keys are shown.
    pub(super) prefixes: Vec<Prefix>,
    /// Microseconds from readable to written, by what a request is for.
    pub(super) latency: [(CommandClass, Distribution); 3],
    /// Microseconds of a worker's turn.
    pub(super) turns: Distribution,
    /// Connections in a turn.
    pub(super) turn_sizes: Distribution,
    pub(super) admin_requests: u64,
    pub(super) admin_rejected: u64,
}

/// The counts of a prefix.
#[derive(Debug)]
pub(super) struct Prefix {
    /// In percent-encoding: keys may be any bytes.
    pub(super) name: String,
    /// Words of the dump and numbers.
    pub(super) counts: [(&'static str, u64); 4],
}

impl Figures {
    pub(super) fn of(context: &ServerContext, keys_shown: bool) -> Self {
        let mut classes = BTreeMap::new();
        let mut slabs = Named::new();
        let of_slabs = stats(context, "slabs").into_iter();
        for (name, value) in of_slabs.chain(stats(context, "items")) {
            let of_class = name.strip_prefix("items:").unwrap_or(&name).split_once(':');
            match of_class.map(|(class, name)| (class.parse(), name)) {
                Some((Ok(class), name)) => {
                    let named: &mut Named = classes.entry(class).or_default();
                    named.insert(name.into(), value);
                }
                _ => drop(slabs.insert(name, value)),
            }
        }
        let latency = &context.server.latency;
        let mut shards = Vec::new();
        context.shards.for_each(|shard| shards.push(shard.stats()));
        Self {
            general: stats(context, "").into_iter().collect(),
            settings: stats(context, "settings").into_iter().collect(),
            classes,
            slabs,
            shards,
            prefixes: if keys_shown {
                prefixes(context)
            } else {
                Vec::new()
            },
            latency: CommandClass::ALL.map(|class| (class, latency.of(class).distribution())),
            turns: latency.turns.distribution(),
            turn_sizes: latency.turn_sizes.distribution(),
            admin_requests: 0,
            admin_rejected: 0,
        }
    }
}

/// The names and values that `stats` of this kind says.
pub(super) fn stats(context: &ServerContext, kind: &str) -> Vec<(String, String)> {
    let text = ask(context, &format!("stats {kind}"));
    let text = String::from_utf8_lossy(&text);
    let named = text.split("\r\n").filter_map(|line| {
        let (name, value) = line.strip_prefix("STAT ")?.split_once(' ')?;
        Some((name.into(), value.into()))
    });
    named.collect()
}

fn prefixes(context: &ServerContext) -> Vec<Prefix> {
    let counted = context.server.prefixes.lock();
    let prefixes = counted.iter().map(|of| {
        let mut name = Vec::new();
        push_percent_encoded(&mut name, of.prefix);
        Prefix {
            name: String::from_utf8_lossy(&name).into_owned(),
            counts: [
                ("get", of.gets),
                ("hit", of.hits),
                ("set", of.sets),
                ("del", of.deletes),
            ],
        }
    });
    prefixes.collect()
}

/// The answer to a command.
fn ask(context: &ServerContext, command: &str) -> Vec<u8> {
    let mut config = SessionConfig::default();
    config.output_max = usize::MAX;
    let (shards, server) = (&context.shards, &context.server);
    let mut host = SessionHost::new(shards, server, None, Access::ReadOnly, 0, None, None);
    let mut output = Vec::new();
    let command = format!("{command}\r\n");
    let now = server.clock.now();
    let _ = Session::new(config).process(now, command.as_bytes(), &mut host, &mut output);
    output
}
