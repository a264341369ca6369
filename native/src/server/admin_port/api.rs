//! What the dashboard asks for, as JSON. The fields are described in `native/docs/metrics.md`.

use serde_json::{Map, Value, json};

use crate::server::admin_port::figures::{self, Figures, Named};
use crate::server::admin_port::response::Response;
use crate::server::context::ServerContext;
use crate::server::state::latency::Distribution;
use crate::server::worker::timing::SAMPLED_ONE_IN;

/// How many connections are listed.
const CONNECTIONS_LISTED: usize = 64;

/// What runs here.
pub(super) fn server(context: &ServerContext, keys_shown: bool) -> Response {
    let server = &context.server;
    let settings = &server.settings;
    let switches: Named = figures::stats(context, "settings").into_iter().collect();
    let mut memory = 0;
    context
        .shards
        .for_each(|shard| memory += shard.stats().limit_maxbytes);
    let addresses = settings.addresses.iter().map(ToString::to_string);
    let files = settings.options.unix_sockets();
    let files = files.map(|file| format!("unix:{}", file.display()));
    Response::json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": server.clock.uptime(),
        "policy": switches.get("policy"),
        "threads": settings.options.thread_count(),
        "shards": context.shards.len(),
        "memory_limit": memory,
        "item_limit": settings.options.config().max_items,
        "read_only": true,
        "keys_shown": keys_shown,
        "listen": addresses.chain(files).collect::<Vec<_>>(),
    }))
}

/// Everything that is counted.
pub(super) fn stats(context: &ServerContext, figures: &Figures) -> Response {
    let server = &context.server;
    let now = server.clock.now();
    let slabs = figures.classes.iter().map(|(class, named)| {
        let mut slab = values(named);
        slab.insert("class".into(), (*class).into());
        let pages = slab.get("total_pages").cloned();
        slab.insert("pages".into(), pages.unwrap_or_default());
        Value::from(slab)
    });
    let shards = figures.shards.iter().map(|shard| {
        json!({
            "limit_bytes": shard.limit_maxbytes,
            "used_bytes": shard.bytes,
            "index_bytes": shard.hash_bytes,
            "items": shard.curr_items,
            "evictions": shard.evictions,
        })
    });
    let clients = server.clients.after(0, CONNECTIONS_LISTED);
    let conns = clients.iter().map(|client| {
        json!({
            "addr": client.origin(),
            "state": client.state_name(),
            "age_s": client.age(now).as_secs(),
            "idle_s": client.idle_for(now).as_secs(),
        })
    });
    Response::json(&json!({
        "now_ms": now.as_millis(),
        "stats": values(&figures.general),
        "settings": values(&figures.settings),
        "slabs": slabs.collect::<Vec<_>>(),
        "latency": latency(figures),
        "sampled_one_in": sampled_one_in(context),
        "shards": shards.collect::<Vec<_>>(),
        "conns": conns.collect::<Vec<_>>(),
    }))
}

/// Of how many turns one is measured.
fn sampled_one_in(context: &ServerContext) -> u32 {
    let server = &context.server;
    match server.slow.is_wanted(server.watchers.wanted()) {
        true => 1,
        false => SAMPLED_ONE_IN,
    }
}

fn latency(figures: &Figures) -> Map<String, Value> {
    let bounds: Vec<_> = Distribution::bounds().collect();
    let classes = figures.latency.iter().map(|(class, distribution)| {
        let histogram = json!({
            "le_us": bounds,
            "count": distribution.counts,
            "sum_us": distribution.sum,
        });
        (class.name().into(), histogram)
    });
    classes.collect()
}

/// Values that are whole numbers as such, all others as text.
fn values(named: &Named) -> Map<String, Value> {
    let value = |text: &String| match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => text.clone().into(),
    };
    let values = named.iter().map(|(name, text)| (name.clone(), value(text)));
    values.collect()
}
