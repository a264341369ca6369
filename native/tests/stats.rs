//! What the statistics say, beside what happened.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use dynamidb::RuntimeName;
use support::{Client, Process};

/// What memcached 1.6.45 reports by default.
const NAMES: &str = "pid uptime time version libevent pointer_size rusage_user rusage_system \
    max_connections curr_connections total_connections rejected_connections \
    connection_structures response_obj_oom response_obj_count response_obj_bytes \
    read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set \
    cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses \
    delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval \
    touch_hits touch_misses store_too_large store_no_memory auth_cmds auth_errors bytes_read \
    bytes_written limit_maxbytes accepting_conns listen_disabled_num time_in_listen_disabled_us \
    threads conn_yields hash_power_level hash_bytes hash_is_expanding slab_reassign_rescues \
    slab_reassign_chunk_rescues slab_reassign_inline_reclaim slab_reassign_busy_items \
    slab_reassign_busy_deletes slab_reassign_busy_nomem slab_reassign_last_busy_status \
    slab_reassign_running slabs_moved malloc_fails log_worker_dropped log_worker_written \
    log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids round_robin_fallback \
    bytes curr_items total_items slab_global_page_pool expired_unfetched evicted_unfetched \
    evictions reclaimed crawler_reclaimed crawler_items_checked lrutail_reflocked \
    lru_crawler_running lru_crawler_starts lru_maintainer_juggles evicted_active moves_to_cold \
    moves_to_warm moves_within_lru direct_reclaims lru_bumps_dropped";

/// The same for `stats settings`, those about TLS included.
const SETTINGS: &str = "maxbytes maxconns tcpport udpport inter verbosity oldest \
    evictions domain_socket umask shutdown_command growth_factor chunk_size num_threads \
    num_threads_per_udp stat_key_prefix detail_enabled reqs_per_event cas_enabled \
    tcp_backlog binding_protocol auth_enabled_sasl auth_enabled_ascii item_size_max \
    maxconns_fast hashpower_init slab_reassign slab_automove slab_automove_ratio \
    slab_automove_window slab_automove_freeratio slab_chunk_max lru_crawler \
    lru_crawler_sleep lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled \
    hash_algorithm lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct \
    hot_max_factor warm_max_factor temp_lru temporary_ttl idle_timeout watcher_logbuf_size \
    worker_logbuf_size read_buf_mem_limit track_sizes inline_ascii_response \
    client_flags_size memory_file num_napi_ids ext_item_size ext_item_age ext_low_ttl \
    ext_recache_rate ext_wbuf_size ext_compact_under ext_drop_under ext_max_sleep \
    ext_max_frag ext_drop_unread ssl_enabled ssl_chain_cert ssl_key ssl_verify_mode \
    ssl_keyformat ssl_ciphers ssl_ca_cert ssl_wbuf_size ssl_session_cache ssl_kernel_tls \
    ssl_min_version";

/// Of each class, in `stats items` and in `stats slabs`.
const ITEMS: &str = "number number_hot number_warm number_cold age_hot age_warm age mem_requested \
    evicted evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched \
    evicted_unfetched evicted_active crawler_reclaimed crawler_items_checked lrutail_reflocked \
    moves_to_cold moves_to_warm moves_within_lru direct_reclaims hits_to_hot hits_to_warm \
    hits_to_cold hits_to_temp";
const SLABS: &str = "chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks \
    free_chunks_end get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval \
    touch_hits";

fn stats(server: &Process, what: &str) -> BTreeMap<String, String> {
    let text = server.connect().converse(format!("stats {what}\r\n"));
    let lines = text.strip_suffix("END\r\n").unwrap().lines();
    let mut stats = BTreeMap::new();
    for line in lines {
        let (name, value) = line.strip_prefix("STAT ").unwrap().split_once(' ').unwrap();
        let twice = stats.insert(name.to_string(), value.to_string());
        assert_eq!(twice, None, "{name} is there twice");
    }
    stats
}

fn number(stats: &BTreeMap<String, String>, name: &str) -> u64 {
    stats[name].parse().unwrap()
}

#[test]
fn every_statistic_of_memcached_is_reported() {
    let server = Process::start(RuntimeName::DEFAULT, "");
    server.connect().ask("set k 0 0 1\r\nx\r\n", "STORED\r\n");
    for (what, names, count, prefix) in [
        ("", NAMES, 93, ""),
        ("settings", SETTINGS, 77, ""),
        ("items", ITEMS, 28, "items:1:"),
        ("slabs", SLABS, 15, "1:"),
        ("slabs", "active_slabs total_malloced", 2, ""),
    ] {
        let stats = stats(&server, what);
        assert_eq!(names.split_whitespace().count(), count);
        for name in names.split_whitespace() {
            let value = stats.get(&format!("{prefix}{name}"));
            assert!(
                value.is_some_and(|value| !value.is_empty()),
                "{what} {name}"
            );
        }
    }
    let stats = stats(&server, "");
    assert_eq!(stats["version"], "1.6.45");
    assert_eq!(stats["dynamidb_version"], env!("CARGO_PKG_VERSION"));
    server.stop();
}

/// What Prometheus' memcached_exporter needs, or else it calls the server down: of each class that
/// it reads of, numbers under these names; each name once; no general name that looks like a
/// class's; times with six digits behind the dot; two switches.
#[test]
fn statistics_that_exporters_need_are_there_after_evictions() {
    let server = Process::start(RuntimeName::DEFAULT, "-m 8 -t 2");
    let mut client = server.connect();
    for number in 0..5000 {
        let len = [20, 900, 9000][number % 3];
        let value = "v".repeat(len);
        client.say(format!("set {number} 0 1000 {len} noreply\r\n{value}\r\n"));
    }
    client.ask("mn\r\n", "MN\r\n");
    let general = stats(&server, "");
    assert!(number(&general, "evictions") > 1000);
    for name in ["cmd_set", "cas_hits", "cas_misses", "cas_badval"] {
        number(&general, name);
    }
    assert!(general.keys().all(|name| !name.contains(':')));
    for name in ["rusage_user", "rusage_system"] {
        let (seconds, micros) = general[name].split_once('.').unwrap();
        assert!(
            seconds.parse::<u64>().is_ok() && micros.len() == 6,
            "{name}"
        );
    }
    let (slabs, items) = (stats(&server, "slabs"), stats(&server, "items"));
    for (stats, colons) in [(&slabs, 1), (&items, 2)] {
        for (name, value) in stats {
            let count = name.matches(':').count();
            assert!(count == colons || colons == 1 && count == 0, "{name}");
            assert!(value.parse::<u64>().is_ok(), "{name} {value}");
        }
    }
    for class in slabs
        .keys()
        .filter_map(|name| name.split_once(':')?.0.parse::<u32>().ok())
    {
        for name in ["cmd_set", "cas_hits", "cas_badval"] {
            number(&slabs, &format!("{class}:{name}"));
        }
        assert!(!slabs.contains_key(&format!("{class}:mem_requested")));
    }
    let sum = |stats: &BTreeMap<String, String>, end: &str| {
        let named = stats.keys().filter(|name| name.ends_with(end));
        named.map(|name| number(stats, name)).sum::<u64>()
    };
    for (class, all) in [
        (sum(&items, ":evicted"), "evictions"),
        (sum(&items, ":evicted_nonzero"), "evictions"),
        (sum(&items, ":evicted_unfetched"), "evicted_unfetched"),
        (sum(&items, ":number_cold"), "curr_items"),
        (sum(&slabs, ":cmd_set"), "cmd_set"),
    ] {
        assert_eq!(class, number(&general, all), "{all}");
    }
    let requested = sum(&items, ":mem_requested");
    assert!(requested > 4 << 20 && requested < number(&general, "bytes"));
    let settings = stats(&server, "settings");
    assert_eq!(
        (
            &*settings["lru_crawler"],
            &*settings["lru_maintainer_thread"]
        ),
        ("yes", "no")
    );
    for name in [
        "hot_max_factor",
        "warm_max_factor",
        "lru_crawler_sleep",
        "hot_lru_pct",
    ] {
        assert!(settings[name].parse::<f64>().is_ok(), "{name}");
    }
    server.stop();
}

#[test]
fn a_get_of_an_expired_key_counts_as_expired_before_and_after_its_removal() {
    let server = Process::start(RuntimeName::DEFAULT, "-t 2");
    let mut client = server.connect();
    client.ask(
        "set a 0 -1 1\r\nx\r\nget a\r\nget a\r\n",
        "STORED\r\nEND\r\nEND\r\n",
    );
    assert_eq!(client.stat("get_expired"), 1);
    client.ask(
        "set b 0 1000000000 1\r\nx\r\nincr b 1\r\n",
        "STORED\r\nNOT_FOUND\r\n",
    );
    assert_eq!(client.stat("get_expired"), 2);
    client.ask("set c 0 1 1\r\nx\r\n", "STORED\r\n");
    client.await_stat("curr_items", |count| count == 0);
    client.ask("mg c\r\nmg c\r\n", "EN\r\nEN\r\n");
    assert_eq!(client.stat("get_expired"), 3);
    assert_eq!(client.stat("total_items"), 3);
    server.stop();
}

#[test]
fn statistics_of_clients_and_shards_are_summed() {
    let server = Process::start(RuntimeName::DEFAULT, "-t 2 -m 64");
    let mut asker = server.connect();
    let (read, written) = (asker.stat("bytes_read"), asker.stat("bytes_written"));
    let said = |client: u32| {
        let mut said = String::new();
        for number in 0..1000 {
            said += &format!("set {client}-{number} 0 0 5\r\nvalue\r\n");
            said += &format!("get {client}-{number} {client}-{}\r\n", number + 1);
            if number % 10 == 0 {
                said += &format!("delete {client}-{number}\r\ndelete {client}-{number}\r\n");
            }
        }
        said
    };
    let mut sizes = (0, 0);
    for client in 0..4 {
        let said = said(client);
        sizes.0 += said.len();
        sizes.1 += server.connect().converse(said).len();
    }
    asker.await_stat("curr_connections", |count| count == 1);
    let stats = stats(&server, "");
    for (name, value) in [
        ("cmd_set", 4000),
        ("cmd_get", 8000),
        ("get_hits", 4000),
        ("get_misses", 4000),
        ("delete_hits", 400),
        ("delete_misses", 400),
        ("curr_items", 3600),
        ("total_items", 4000),
        ("total_connections", 6),
        ("curr_connections", 2),
    ] {
        assert_eq!(number(&stats, name), value, "{name}");
    }
    let (more_read, more_written) = (
        number(&stats, "bytes_read"),
        number(&stats, "bytes_written"),
    );
    // The asker's own share comes on top, a few requests of seven bytes.
    assert!(more_read - read >= sizes.0 as u64 && more_read - read < sizes.0 as u64 + 3000);
    assert!(more_written - written >= sizes.1 as u64);
    let dump = server.connect().converse("lru_crawler metadump all\r\n");
    assert_eq!(dump.lines().count(), 3600 + 2);
    server.stop();
}

#[test]
fn every_stored_item_is_present_or_counted_as_removed() {
    let server = Process::start(RuntimeName::DEFAULT, "-t 2 -m 8");
    let mut client = server.connect();
    for round in 0..40_000 {
        let len = round * 7919 % 3000;
        let value = "v".repeat(len);
        client.say(format!("set {round} 0 0 {len} noreply\r\n{value}\r\n"));
        if round % 7 == 0 {
            client.say(format!("delete {} noreply\r\n", round / 2));
        }
    }
    client.ask("mn\r\n", "MN\r\n");
    let stats = stats(&server, "");
    let gone = number(&stats, "evictions") + number(&stats, "delete_hits");
    assert_eq!(
        number(&stats, "total_items"),
        number(&stats, "curr_items") + gone
    );
    assert!(number(&stats, "slabs_moved") <= number(&stats, "slab_reassign_chunk_rescues"));
    let slabs = self::stats(&server, "slabs");
    let items = self::stats(&server, "items");
    let sum = |stats: &BTreeMap<String, String>, end: &str| {
        let named = stats.keys().filter(|name| name.ends_with(end));
        named.map(|name| number(stats, name)).sum::<u64>()
    };
    assert_eq!(sum(&items, ":number"), number(&stats, "curr_items"));
    let chunks = sum(&slabs, ":used_chunks") + sum(&slabs, ":free_chunks");
    assert_eq!(sum(&slabs, ":total_chunks"), chunks);
    // Pages of items, of the index and unused ones: all but the records of pages, and the table of
    // prefixes.
    let pages = sum(&slabs, ":total_pages") + number(&stats, "slab_global_page_pool");
    let bytes = pages * 4096 + number(&stats, "hash_bytes");
    let limit = number(&stats, "limit_maxbytes");
    assert_eq!(limit, 8 << 20);
    assert!(
        bytes <= limit - 64_000 && bytes > limit - limit / 50 - 64_000,
        "{bytes} of {limit}"
    );
    server.stop();
}

#[test]
fn stats_reset_resets_counters_of_events_only() {
    let server = Process::start(RuntimeName::DEFAULT, "-t 2");
    let mut client = server.connect();
    client.ask(
        "set k 0 0 1\r\nx\r\nget k\r\n",
        "STORED\r\nVALUE k 0 1\r\nx\r\nEND\r\n",
    );
    client.ask("stats reset\r\n", "RESET\r\n");
    let stats = stats(&server, "");
    for name in [
        "cmd_get",
        "cmd_set",
        "get_hits",
        "total_items",
        "conn_yields",
    ] {
        assert_eq!(number(&stats, name), 0, "{name}");
    }
    assert_eq!(number(&stats, "total_connections"), 1, "the one that asks");
    assert_eq!(number(&stats, "curr_connections"), 2);
    assert_eq!(number(&stats, "curr_items"), 1);
    server.stop();
}

#[test]
fn stats_settings_shows_the_options() {
    let words = "-t 3 -m 32 -I 2m -c 77 -f 1.5 -n 64 -F -C -A -M -D / --max-items 5000 -v";
    let server = Process::start(RuntimeName::DEFAULT, words);
    let settings = stats(&server, "settings");
    let port = server.address.port().to_string();
    for (name, value) in [
        ("maxbytes", "33554432"),
        ("maxconns", "77"),
        ("tcpport", &*port),
        ("udpport", "0"),
        ("inter", "127.0.0.1"),
        ("verbosity", "1"),
        ("evictions", "off"),
        ("shutdown_command", "yes"),
        ("num_threads", "3"),
        ("stat_key_prefix", "/"),
        ("detail_enabled", "yes"),
        ("cas_enabled", "no"),
        ("compact_headers", "yes"),
        ("flush_enabled", "no"),
        ("dump_enabled", "yes"),
        ("item_size_max", "2097152"),
        ("max_items", "5000"),
        ("client_flags_size", "4"),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }
    let growth: f64 = settings["growth_factor"].parse().unwrap();
    assert!((1.4..1.6).contains(&growth), "{growth}");
    let mut client: Client = server.connect();
    client.ask("flush_all\r\n", "CLIENT_ERROR flush_all not allowed\r\n");
    client.ask(
        "flush_prefix p\r\n",
        "CLIENT_ERROR flush_prefix not allowed\r\n",
    );
    client.ask(
        "set k 0 0 1\r\nx\r\ngets k\r\n",
        "STORED\r\nVALUE k 0 1 0\r\nx\r\nEND\r\n",
    );
    server.stop();
}
