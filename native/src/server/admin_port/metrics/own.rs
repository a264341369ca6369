//! The metrics that memcached has no names for.

use dynamidb_core::insight::Prediction;

use crate::server::admin_port::figures::{Figures, Named};
use crate::server::admin_port::metrics::exposition::Kind::{Counter, Gauge, Histogram};
use crate::server::admin_port::metrics::exposition::{Exposition, Kind, quoted};

/// A microsecond in Prometheus' unit.
const SECONDS: f64 = 1e-6;

/// A metric, and the statistic that is its only sample.
const GENERAL: &[(&str, Kind, &str, &str)] = &[
    (
        "dynamidb_index_bytes",
        Gauge,
        "Bytes of the index.",
        "hash_bytes",
    ),
    (
        "dynamidb_unused_pages",
        Gauge,
        "Unused pages: above 0 nothing is evicted.",
        "slab_global_page_pool",
    ),
    (
        "dynamidb_pages_moved_total",
        Counter,
        "Pages that were freed by moving what was in them.",
        "slabs_moved",
    ),
    (
        "dynamidb_chunks_moved_total",
        Counter,
        "Chunks that were moved to free a page.",
        "slab_reassign_chunk_rescues",
    ),
    (
        "dynamidb_items_evicted_unfetched_total",
        Counter,
        "Items evicted that were never read.",
        "evicted_unfetched",
    ),
    (
        "dynamidb_items_expired_unfetched_total",
        Counter,
        "Expired items that were never read.",
        "expired_unfetched",
    ),
    (
        "dynamidb_get_expired_total",
        Counter,
        "Lookups that came after the deadline of an item.",
        "get_expired",
    ),
    (
        "dynamidb_auth_total",
        Counter,
        "How often clients signed in or tried to.",
        "auth_cmds",
    ),
    (
        "dynamidb_auth_errors_total",
        Counter,
        "How often that was refused.",
        "auth_errors",
    ),
    (
        "dynamidb_buffered_bytes",
        Gauge,
        "Bytes that wait for slow clients: half requests, unsent replies.",
        "buffered",
    ),
    (
        "dynamidb_watchers",
        Gauge,
        "Clients that watch.",
        "log_watchers",
    ),
    (
        "dynamidb_watcher_lines_skipped_total",
        Counter,
        "Lines that watchers did not take in time.",
        "log_watcher_skipped",
    ),
    (
        "dynamidb_log_lines_dropped_total",
        Counter,
        "Lines of the log that nobody read in time.",
        "log_lines_dropped",
    ),
    (
        "dynamidb_slow_requests_total",
        Counter,
        "Requests that took longer than --slow-log.",
        "slow_requests",
    ),
    (
        "dynamidb_detail_uncounted_total",
        Counter,
        "Requests whose prefix is not among those that are counted.",
        "detail_uncounted",
    ),
];

/// Why clients were disconnected or refused, and the statistic that counts it.
const DISCONNECTED: &[(&str, &str)] = &[
    ("stalled", "stalled_connections"),
    ("idle", "idle_kicks"),
    ("buffers", "overfull_connections"),
    ("tls", "tls_connections"),
    ("http", "http_connections"),
    ("proxy_protocol", "proxy_protocol_connections"),
    ("unknown_protocol", "unknown_protocol_connections"),
];

pub(super) fn write(figures: &Figures, predictions: &[(f64, Prediction)], to: &mut Exposition) {
    let general = &figures.general;
    to.metric("dynamidb_build_info", Gauge, "The version, as a label.");
    let version = quoted(env!("CARGO_PKG_VERSION"));
    to.sample(&format!("version={version}"), 1);
    for (name, kind, help, stat) in GENERAL {
        if let Some(value) = general.get(*stat) {
            to.metric(name, *kind, help);
            to.sample("", value);
        }
    }
    to.metric(
        "dynamidb_disconnected_total",
        Counter,
        "Clients disconnected, by the reason.",
    );
    for (reason, stat) in DISCONNECTED {
        if let Some(value) = general.get(*stat) {
            to.sample(&format!("reason=\"{reason}\""), value);
        }
    }
    expiry_lag(general, to);
    latency(figures, to);
    shards(figures, to);
    prefixes(figures, to);
    hit_ratios(predictions, to);
    to.metric(
        "dynamidb_admin_requests_total",
        Counter,
        "Requests to the admin port.",
    );
    to.sample("", figures.admin_requests);
    let help = "Connections to the admin port that were too many.";
    to.metric("dynamidb_admin_rejected_total", Counter, help);
    to.sample("", figures.admin_rejected);
}

/// The miss-ratio curve, from the requests that were sampled.
fn hit_ratios(predictions: &[(f64, Prediction)], to: &mut Exposition) {
    type Of = fn(&Prediction) -> f64;
    const METRICS: [(&str, &str, Of); 2] = [
        (
            "dynamidb_predicted_hit_ratio",
            "Hits per read with this many times the memory, once enough is known.",
            |predicted| predicted.hit_ratio,
        ),
        (
            "dynamidb_predicted_hit_ratio_margin",
            "By how much that is usually wrong at most.",
            |predicted| predicted.margin,
        ),
    ];
    for (name, help, of) in METRICS {
        to.metric(name, Gauge, help);
        for (factor, predicted) in predictions {
            to.sample(&format!("memory=\"{factor}\""), of(predicted));
        }
    }
}

/// Prometheus counts in seconds.
fn expiry_lag(general: &Named, to: &mut Exposition) {
    let seconds = |stat: &str| Some(general.get(stat)?.parse::<f64>().ok()? / 1000.0);
    if let Some(lag) = seconds("expiry_lag_max_ms") {
        let help = "The longest time from a deadline until the item's memory was reclaimed.";
        to.metric("dynamidb_expiry_lag_max_seconds", Gauge, help);
        to.sample("", lag);
    }
    if let Some(lag) = seconds("expiry_lag_total_ms") {
        let help = "That time of all items together: divide by memcached_items_reclaimed_total.";
        to.metric("dynamidb_expiry_lag_seconds_total", Counter, help);
        to.sample("", lag);
    }
}

/// Histograms of a sample, or of all turns while somebody wants to know what is slow.
fn latency(figures: &Figures, to: &mut Exposition) {
    let help = "From readable to written: requests that a client sent together, by the first one.";
    to.metric("dynamidb_request_duration_seconds", Histogram, help);
    for (class, distribution) in &figures.latency {
        to.histogram(
            &format!("command=\"{}\"", class.name()),
            distribution,
            SECONDS,
        );
    }
    let help = "A turn of a worker: all that it receives, executes and sends at once.";
    to.metric("dynamidb_turn_duration_seconds", Histogram, help);
    to.histogram("", &figures.turns, SECONDS);
    to.metric(
        "dynamidb_turn_connections",
        Histogram,
        "Connections in a turn.",
    );
    to.histogram("", &figures.turn_sizes, 1.0);
}

fn shards(figures: &Figures, to: &mut Exposition) {
    type Of = fn(&dynamidb_core::Stats) -> u64;
    const METRICS: &[(&str, Kind, &str, Of)] = &[
        (
            "dynamidb_shard_limit_bytes",
            Gauge,
            "The share of the memory limit that a shard has now.",
            |shard| shard.limit_maxbytes,
        ),
        (
            "dynamidb_shard_used_bytes",
            Gauge,
            "Bytes of the items of a shard.",
            |shard| shard.bytes,
        ),
        (
            "dynamidb_shard_items",
            Gauge,
            "Items of a shard.",
            |shard| shard.curr_items,
        ),
        (
            "dynamidb_shard_items_evicted_total",
            Counter,
            "Items evicted from a shard.",
            |shard| shard.evictions,
        ),
    ];
    for (name, kind, help, of) in METRICS {
        to.metric(name, *kind, help);
        for (number, shard) in figures.shards.iter().enumerate() {
            to.sample(&format!("shard=\"{number}\""), of(shard));
        }
    }
}

/// Only while prefixes are counted and keys are shown.
fn prefixes(figures: &Figures, to: &mut Exposition) {
    if figures.prefixes.is_empty() {
        return;
    }
    let help = "Requests by the prefix of the key, as `stats detail` counts them.";
    to.metric("dynamidb_prefix_commands_total", Counter, help);
    for prefix in &figures.prefixes {
        for (word, count) in &prefix.counts {
            let (name, word) = (quoted(&prefix.name), quoted(word));
            to.sample(&format!("prefix={name},command={word}"), count);
        }
    }
}
