//! The metrics of Prometheus' memcached_exporter, by its names, types and labels, so that
//! dashboards and alerts made for memcached work without it.

use crate::server::admin_port::figures::{Figures, Named};
use crate::server::admin_port::metrics::exposition::Kind::{Counter, Gauge};
use crate::server::admin_port::metrics::exposition::{Exposition, Kind, quoted};

/// A metric: its name, what it is, what it says, and the labels and statistics of its samples.
type Metric = (
    &'static str,
    Kind,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// From `stats`. `set` is what [`plain_sets`] computes.
const GENERAL: &[Metric] = &[
    (
        "memcached_commands_total",
        Counter,
        "Commands, by what came of them.",
        &[
            (r#"command="get",status="hit""#, "get_hits"),
            (r#"command="get",status="miss""#, "get_misses"),
            (r#"command="delete",status="hit""#, "delete_hits"),
            (r#"command="delete",status="miss""#, "delete_misses"),
            (r#"command="incr",status="hit""#, "incr_hits"),
            (r#"command="incr",status="miss""#, "incr_misses"),
            (r#"command="decr",status="hit""#, "decr_hits"),
            (r#"command="decr",status="miss""#, "decr_misses"),
            (r#"command="cas",status="hit""#, "cas_hits"),
            (r#"command="cas",status="miss""#, "cas_misses"),
            (r#"command="cas",status="badval""#, "cas_badval"),
            (r#"command="touch",status="hit""#, "touch_hits"),
            (r#"command="touch",status="miss""#, "touch_misses"),
            (r#"command="flush",status="hit""#, "cmd_flush"),
            (r#"command="set",status="hit""#, SETS),
        ],
    ),
    (
        "memcached_uptime_seconds",
        Counter,
        "Seconds since the start.",
        &[("", "uptime")],
    ),
    (
        "memcached_time_seconds",
        Gauge,
        "The time of the wall clock.",
        &[("", "time")],
    ),
    (
        "memcached_process_user_cpu_seconds_total",
        Counter,
        "Processor time in user mode.",
        &[("", "rusage_user")],
    ),
    (
        "memcached_process_system_cpu_seconds_total",
        Counter,
        "Processor time in the system.",
        &[("", "rusage_system")],
    ),
    (
        "memcached_current_bytes",
        Gauge,
        "Bytes of the items.",
        &[("", "bytes")],
    ),
    (
        "memcached_limit_bytes",
        Gauge,
        "The memory limit.",
        &[("", "limit_maxbytes")],
    ),
    (
        "memcached_current_items",
        Gauge,
        "Items.",
        &[("", "curr_items")],
    ),
    (
        "memcached_items_total",
        Counter,
        "Items stored so far.",
        &[("", "total_items")],
    ),
    (
        "memcached_read_bytes_total",
        Counter,
        "Bytes from clients.",
        &[("", "bytes_read")],
    ),
    (
        "memcached_written_bytes_total",
        Counter,
        "Bytes to clients.",
        &[("", "bytes_written")],
    ),
    (
        "memcached_current_connections",
        Gauge,
        "Open connections.",
        &[("", "curr_connections")],
    ),
    (
        "memcached_connections_total",
        Counter,
        "Accepted so far.",
        &[("", "total_connections")],
    ),
    (
        "memcached_connections_rejected_total",
        Counter,
        "Connections above the limit.",
        &[("", "rejected_connections")],
    ),
    (
        "memcached_connections_yielded_total",
        Counter,
        "How often a client with many requests made way for others.",
        &[("", "conn_yields")],
    ),
    (
        "memcached_connections_listener_disabled_total",
        Counter,
        "How often accepting was paused for lack of files or memory.",
        &[("", "listen_disabled_num")],
    ),
    (
        "memcached_accepting_connections",
        Gauge,
        "Whether connections are accepted.",
        &[("", "accepting_conns")],
    ),
    (
        "memcached_items_evicted_total",
        Counter,
        "Items evicted.",
        &[("", "evictions")],
    ),
    (
        "memcached_items_reclaimed_total",
        Counter,
        "Expired items whose memory was reclaimed.",
        &[("", "reclaimed")],
    ),
    (
        "memcached_item_too_large_total",
        Counter,
        "Stores refused because of the item's size.",
        &[("", "store_too_large")],
    ),
    (
        "memcached_item_no_memory_total",
        Counter,
        "Stores refused for lack of memory.",
        &[("", "store_no_memory")],
    ),
    (
        "memcached_lru_crawler_starts_total",
        Counter,
        "Always 0: there is no crawler.",
        &[("", "lru_crawler_starts")],
    ),
    (
        "memcached_direct_reclaims_total",
        Counter,
        "Always 0.",
        &[("", "direct_reclaims")],
    ),
    (
        "memcached_lru_crawler_items_checked_total",
        Counter,
        "Always 0: there is no crawler.",
        &[("", "crawler_items_checked")],
    ),
    (
        "memcached_lru_crawler_reclaimed_total",
        Counter,
        "Always 0: there is no crawler.",
        &[("", "crawler_reclaimed")],
    ),
    (
        "memcached_lru_crawler_moves_to_cold_total",
        Counter,
        "Always 0: there is one LRU list.",
        &[("", "moves_to_cold")],
    ),
    (
        "memcached_lru_crawler_moves_to_warm_total",
        Counter,
        "Always 0: there is one LRU list.",
        &[("", "moves_to_warm")],
    ),
    (
        "memcached_lru_crawler_moves_within_lru_total",
        Counter,
        "Always 0: there is one LRU list.",
        &[("", "moves_within_lru")],
    ),
];

/// From `stats slabs`, about all classes.
const SLABS: &[Metric] = &[(
    "memcached_malloced_bytes",
    Gauge,
    "Bytes of the pages of items.",
    &[("", "total_malloced")],
)];

/// From `stats settings`, where switches are yes or no.
const SETTINGS: &[Metric] = &[
    (
        "memcached_max_connections",
        Gauge,
        "The limit of connections.",
        &[("", "maxconns")],
    ),
    (
        "memcached_lru_crawler_enabled",
        Gauge,
        "Whether lists of items are allowed.",
        &[("", "lru_crawler")],
    ),
    (
        "memcached_lru_crawler_sleep",
        Gauge,
        "Always 0.",
        &[("", "lru_crawler_sleep")],
    ),
    (
        "memcached_lru_crawler_to_crawl",
        Gauge,
        "Always 0.",
        &[("", "lru_crawler_tocrawl")],
    ),
    (
        "memcached_lru_crawler_maintainer_thread",
        Gauge,
        "Always 0: there is none.",
        &[("", "lru_maintainer_thread")],
    ),
    (
        "memcached_lru_crawler_hot_percent",
        Gauge,
        "Always 0.",
        &[("", "hot_lru_pct")],
    ),
    (
        "memcached_lru_crawler_warm_percent",
        Gauge,
        "Always 0.",
        &[("", "warm_lru_pct")],
    ),
    (
        "memcached_lru_crawler_hot_max_factor",
        Gauge,
        "Always 0.",
        &[("", "hot_max_factor")],
    ),
    (
        "memcached_lru_crawler_warm_max_factor",
        Gauge,
        "Always 0.",
        &[("", "warm_max_factor")],
    ),
];

/// From `stats slabs` and `stats items`, of each class.
const CLASSES: &[Metric] = &[
    (
        "memcached_slab_commands_total",
        Counter,
        "Commands about items of the class, by what came of them.",
        &[
            (r#"command="get",status="hit""#, "get_hits"),
            (r#"command="delete",status="hit""#, "delete_hits"),
            (r#"command="incr",status="hit""#, "incr_hits"),
            (r#"command="decr",status="hit""#, "decr_hits"),
            (r#"command="cas",status="hit""#, "cas_hits"),
            (r#"command="cas",status="badval""#, "cas_badval"),
            (r#"command="touch",status="hit""#, "touch_hits"),
            (r#"command="set",status="hit""#, SETS),
        ],
    ),
    (
        "memcached_slab_chunk_size_bytes",
        Gauge,
        "Bytes of a chunk.",
        &[("", "chunk_size")],
    ),
    (
        "memcached_slab_chunks_per_page",
        Gauge,
        "Chunks in a page.",
        &[("", "chunks_per_page")],
    ),
    (
        "memcached_slab_current_pages",
        Gauge,
        "Pages.",
        &[("", "total_pages")],
    ),
    (
        "memcached_slab_current_chunks",
        Gauge,
        "Chunks.",
        &[("", "total_chunks")],
    ),
    (
        "memcached_slab_chunks_used",
        Gauge,
        "Chunks in use.",
        &[("", "used_chunks")],
    ),
    (
        "memcached_slab_chunks_free",
        Gauge,
        "Chunks not in use.",
        &[("", "free_chunks")],
    ),
    (
        "memcached_slab_chunks_free_end",
        Gauge,
        "Always 0.",
        &[("", "free_chunks_end")],
    ),
    (
        "memcached_slab_current_items",
        Gauge,
        "Items.",
        &[("", "number")],
    ),
    (
        "memcached_slab_items_age_seconds",
        Gauge,
        "How long ago the oldest item was used.",
        &[("", "age")],
    ),
    (
        "memcached_slab_lru_hits_total",
        Counter,
        "Hits, by LRU list: there is one, called cold.",
        &[
            (r#"lru="hot""#, "hits_to_hot"),
            (r#"lru="warm""#, "hits_to_warm"),
            (r#"lru="cold""#, "hits_to_cold"),
            (r#"lru="temporary""#, "hits_to_temp"),
        ],
    ),
    (
        "memcached_slab_hot_items",
        Gauge,
        "Always 0.",
        &[("", "number_hot")],
    ),
    (
        "memcached_slab_warm_items",
        Gauge,
        "Always 0.",
        &[("", "number_warm")],
    ),
    (
        "memcached_slab_cold_items",
        Gauge,
        "Items in the one LRU list.",
        &[("", "number_cold")],
    ),
    (
        "memcached_slab_hot_age_seconds",
        Gauge,
        "Always 0.",
        &[("", "age_hot")],
    ),
    (
        "memcached_slab_warm_age_seconds",
        Gauge,
        "Always 0.",
        &[("", "age_warm")],
    ),
    (
        "memcached_slab_items_evicted_total",
        Counter,
        "Items evicted.",
        &[("", "evicted")],
    ),
    (
        "memcached_slab_items_evicted_nonzero_total",
        Counter,
        "Items evicted that would have expired later.",
        &[("", "evicted_nonzero")],
    ),
    (
        "memcached_slab_items_evicted_time_seconds",
        Counter,
        "How long the item that was evicted last had not been used.",
        &[("", "evicted_time")],
    ),
    (
        "memcached_slab_items_evicted_unfetched_total",
        Counter,
        "Items evicted that were never read.",
        &[("", "evicted_unfetched")],
    ),
    (
        "memcached_slab_items_expired_unfetched_total",
        Counter,
        "Expired items that were never read.",
        &[("", "expired_unfetched")],
    ),
    (
        "memcached_slab_items_outofmemory_total",
        Counter,
        "Stores refused for lack of memory.",
        &[("", "outofmemory")],
    ),
    (
        "memcached_slab_items_reclaimed_total",
        Counter,
        "Expired items whose memory was reclaimed.",
        &[("", "reclaimed")],
    ),
    (
        "memcached_slab_items_tailrepairs_total",
        Counter,
        "Always 0.",
        &[("", "tailrepairs")],
    ),
    (
        "memcached_slab_items_crawler_reclaimed_total",
        Counter,
        "Always 0: there is no crawler.",
        &[("", "crawler_reclaimed")],
    ),
    (
        "memcached_slab_items_moves_to_cold",
        Counter,
        "Always 0.",
        &[("", "moves_to_cold")],
    ),
    (
        "memcached_slab_items_moves_to_warm",
        Counter,
        "Always 0.",
        &[("", "moves_to_warm")],
    ),
    (
        "memcached_slab_items_moves_within_lru",
        Counter,
        "Always 0.",
        &[("", "moves_within_lru")],
    ),
    (
        "memcached_slab_mem_requested_bytes",
        Counter,
        "Bytes of header, key and value of the items.",
        &[("", "mem_requested")],
    ),
];

/// Stands for a number that is no statistic: stores that are no `cas`, as the exporter has it.
const SETS: &str = "set";

pub(super) fn write(figures: &Figures, to: &mut Exposition) {
    to.metric("memcached_up", Gauge, "Whether the server answers.");
    to.sample("", 1);
    to.metric(
        "memcached_version",
        Gauge,
        "The version that memcached's clients are told.",
    );
    let version = figures.general.get("version").map_or("", |version| version);
    to.sample(&format!("version={}", quoted(version)), 1);
    for (metrics, named) in [
        (GENERAL, &figures.general),
        (SLABS, &figures.slabs),
        (SETTINGS, &figures.settings),
    ] {
        for (name, kind, help, samples) in metrics {
            to.metric(name, *kind, help);
            for (labels, stat) in *samples {
                if let Some(value) = value(named, stat) {
                    to.sample(labels, value);
                }
            }
        }
    }
    for (name, kind, help, samples) in CLASSES {
        to.metric(name, *kind, help);
        for (class, named) in &figures.classes {
            for (labels, stat) in *samples {
                let comma = if labels.is_empty() { "" } else { "," };
                if let Some(value) = value(named, stat) {
                    to.sample(&format!("{labels}{comma}slab=\"{class}\""), value);
                }
            }
        }
    }
}

/// The value of a statistic: it is a number as it is, or yes or no.
fn value(named: &Named, stat: &str) -> Option<String> {
    if stat == SETS {
        return Some(plain_sets(named)?.to_string());
    }
    Some(match &**named.get(stat)? {
        "yes" => "1".into(),
        "no" => "0".into(),
        number => number.into(),
    })
}

/// Stores that are no `cas`. Of a class `cas` that finds no item is not counted.
fn plain_sets(named: &Named) -> Option<u64> {
    let count = |stat: &str| named.get(stat)?.parse::<u64>().ok();
    let misses = count("cas_misses").unwrap_or(0);
    let cas = count("cas_hits")? + count("cas_badval")? + misses;
    Some(count("cmd_set")?.saturating_sub(cas))
}
