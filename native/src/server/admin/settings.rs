//! `stats settings`: what the server was started with, and what commands have changed since.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use dynamidb_core::{Config, Dialect, LruBump, Policy, Protocol};

use crate::server::options::{Options, Security};
use crate::server::state::ServerState;
use crate::server::state::limits::Limits;
use crate::server::state::settings::{Settings, Switches};
use crate::server::state::watchers::QUEUE_SIZE;

/// Settings of memcached that do not apply here, by the value that is shown: a number, a switch, a
/// file. There is one LRU list, no crawler speed and no storage on disk; a client's turn is limited
/// in bytes, and the index grows by itself. TLS has no buffers or sessions to set.
const NOT_APPLICABLE: [(&str, &[&str]); 3] = [
    (
        "0",
        &[
            "oldest",
            "num_threads_per_udp",
            "reqs_per_event",
            "hashpower_init",
            "slab_automove_ratio",
            "slab_automove_window",
            "slab_automove_freeratio",
            "lru_crawler_sleep",
            "lru_crawler_tocrawl",
            "hot_lru_pct",
            "warm_lru_pct",
            "hot_max_factor",
            "warm_max_factor",
            "worker_logbuf_size",
            "num_napi_ids",
            "ext_item_size",
            "ext_item_age",
            "ext_low_ttl",
            "ext_recache_rate",
            "ext_wbuf_size",
            "ext_compact_under",
            "ext_drop_under",
            "ext_max_sleep",
            "ext_max_frag",
            "ssl_wbuf_size",
        ],
    ),
    (
        "no",
        &[
            "temp_lru",
            "inline_ascii_response",
            "ext_drop_unread",
            "ssl_session_cache",
            "ssl_kernel_tls",
        ],
    ),
    ("NULL", &["ssl_ciphers"]),
];

/// Reports all settings, by memcached's names and then by our own.
pub(super) fn report(
    settings: &Settings,
    limits: &Limits,
    switches: &Switches,
    report: &mut dyn FnMut(&str, &dyn Display),
) {
    network(settings, limits, report);
    let flags = &settings.options.memcached;
    let switch = |on: bool| if on { "yes" } else { "no" };
    report("verbosity", &switches.verbosity());
    let evictions = if flags.disable_evictions { "off" } else { "on" };
    report("evictions", &evictions);
    report("shutdown_command", &switch(flags.enable_shutdown));
    report("cas_enabled", &switch(!flags.disable_cas));
    report("flush_enabled", &switch(!flags.disable_flush_all));
    report("dump_enabled", &switch(!flags.disable_dumping));
    report("watch_enabled", &switch(!flags.disable_watch));
    report("track_sizes", &switch(flags.tracks_sizes()));
    report("lru_crawler", &switch(switches.crawler_enabled()));
    memory(&settings.options, report);
    for (value, names) in NOT_APPLICABLE {
        names.iter().for_each(|name| report(name, &value));
    }
}

fn network(settings: &Settings, limits: &Limits, report: &mut dyn FnMut(&str, &dyn Display)) {
    let options = &settings.options;
    let addresses: Vec<_> = options.listen.iter().map(ToString::to_string).collect();
    let addresses = match &addresses[..] {
        [] => "127.0.0.1,::1".into(),
        addresses => addresses.join(","),
    };
    report("tcpport", &settings.port);
    report("udpport", &0);
    report("inter", &addresses);
    let files: Vec<_> = options
        .unix_sockets()
        .map(|file| file.display().to_string())
        .collect();
    match &files[..] {
        [] => report("domain_socket", &"NULL"),
        files => report("domain_socket", &files.join(",")),
    }
    report("umask", &format_args!("{:o}", options.memcached.unix_mask));
    report("num_threads", &options.thread_count());
    report("tcp_backlog", &options.backlog);
    report("binding_protocol", &protocol(options.protocol()));
    let has_sasl = options.memcached.enable_sasl || options.auth_file.is_some();
    report("auth_enabled_sasl", &if has_sasl { "yes" } else { "no" });
    report(
        "auth_enabled_ascii",
        &if options.auth_file.is_some() {
            "yes"
        } else {
            "no"
        },
    );
    report("maxconns_fast", &"yes");
    let seconds = |timeout: Option<Duration>| timeout.unwrap_or_default().as_secs();
    report("idle_timeout", &seconds(limits.idle_timeout()));
    report("stall_timeout", &seconds(limits.stall_timeout()));
    report("admin", &options.admin);
    report("max_prefixes", &options.memcached.max_prefixes);
    report("slow_log_ms", &options.slow_log.unwrap_or(0));
    report("read_buf_mem_limit", &ServerState::BUFFERED_MAX);
    report("watcher_logbuf_size", &QUEUE_SIZE);
    tls(options, report);
    report("runtime", &options.runtime);
    report("io_uring", &options.io_uring);
    report("dialect", &dialect(options.dialect));
    report("client_flags_size", &size_of::<u32>());
}

fn tls(options: &Options, report: &mut dyn FnMut(&str, &dyn Display)) {
    report(
        "ssl_enabled",
        &if options.uses_tls() { "yes" } else { "no" },
    );
    let files = options.tls_files();
    let mut file = |name, file: Option<&PathBuf>| match file {
        Some(path) => report(name, &path.display()),
        None => report(name, &"NULL"),
    };
    let files = files.as_ref();
    file("ssl_chain_cert", files.map(|files| &files.cert));
    file("ssl_key", files.map(|files| &files.key));
    file(
        "ssl_ca_cert",
        files.and_then(|files| files.client_ca.as_ref()),
    );
    let mode = options.client_certs(Security::Tls);
    report("ssl_verify_mode", &mode.map_or(0, |mode| mode as u8));
    report("ssl_keyformat", &u8::from(files.is_some()));
    report(
        "ssl_min_version",
        &match files {
            Some(files) if files.tls13_only => "tlsv1.3",
            Some(_) => "tlsv1.2",
            None => "NULL",
        },
    );
}

fn memory(options: &Options, report: &mut dyn FnMut(&str, &dyn Display)) {
    let config: Config = options.config();
    let sizes: Vec<_> = config.slab_sizes.iter().map(ToString::to_string).collect();
    report("growth_factor", &format_args!("{:.2}", growth(&config)));
    report("chunk_size", &options.slab_min);
    report("item_size_max", &config.item_size_max);
    report("slab_chunk_max", &config.page_size);
    report("slab_sizes", &sizes.join(","));
    let max_items = config.max_items.unwrap_or(0);
    report("max_items", &max_items);
    report("policy", &policy(config.policy));
    report("lru_bump", &lru_bump(config.lru_bump));
    report(
        "compact_headers",
        &if config.compact { "yes" } else { "no" },
    );
    report("insight", &if config.insight { "yes" } else { "no" });
    report("lru_segmented", &"no");
    report("lru_maintainer_thread", &"no");
    report("slab_reassign", &"yes");
    report("slab_automove", &1);
    report("tail_repair_time", &0);
    report("temporary_ttl", &0);
    report("hash_algorithm", &"rapidhash");
    report("memory_file", &"(null)");
}

/// The mean factor from one chunk size to the next.
fn growth(config: &Config) -> f64 {
    match &config.slab_sizes[..] {
        [first, .., last] => {
            let steps = config.slab_sizes.len() - 1;
            (*last as f64 / *first as f64).powf(1.0 / steps as f64)
        }
        _ => 1.0,
    }
}

const fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::DynamiDb => "dynamidb",
        Dialect::Memcached => "memcached",
        _ => "auto",
    }
}

const fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Text => "ascii",
        Protocol::Binary => "binary",
        _ => "auto-negotiate",
    }
}

const fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::S3Lru => "s3lru",
        Policy::Density => "density",
        Policy::DensityFull => "density-full",
        _ => "lru",
    }
}

const fn lru_bump(bump: LruBump) -> &'static str {
    match bump {
        LruBump::Lazy => "lazy",
        _ => "strict",
    }
}
