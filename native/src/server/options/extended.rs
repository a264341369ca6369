//! The settings of memcached's option `-o`: `name` or `name=value`. Start scripts pass them along,
//! so those that ask for what is the case here, or for nothing that clients notice, are accepted.
//! All settings of memcached 1.6.45 are known, those of its optional parts included.

use crate::server::error::Error;

const OPTION: &str = "-o/--extended";

/// The form that a setting must have.
enum Form {
    Flag,
    /// An integer from the first to the second.
    Whole(u64, u64),
    /// The same, or no value.
    OptionalWhole(u64, u64),
    /// A number above zero.
    Factor,
    OneOf(&'static [&'static str]),
    /// The path of a file.
    File,
    /// One of these, or refused with this hint.
    Only(&'static [&'static str], &'static str),
    /// Refused, with this hint.
    Refused(&'static str),
}

const KNOWN: &[(&str, Form)] = &[
    // memcached's defaults since 1.5, and those before. Neither has an equivalent here.
    ("modern", Form::Flag),
    ("no_modern", Form::Flag),
    // The index grows and shrinks by itself, a bucket at a time; its hash is keyed.
    ("hashpower", Form::Whole(12, 32)),
    ("no_hashexpand", Form::Flag),
    (
        "hash_algorithm",
        Form::OneOf(&["jenkins", "murmur3", "xxh3"]),
    ),
    // Memory moves between sizes when it is needed elsewhere.
    ("slab_reassign", Form::Flag),
    ("no_slab_reassign", Form::Flag),
    ("slab_automove", Form::OptionalWhole(0, 2)),
    ("no_slab_automove", Form::Flag),
    ("slab_automove_ratio", Form::Factor),
    ("slab_automove_freeratio", Form::Factor),
    ("slab_automove_window", Form::Whole(3, u32::MAX as u64)),
    ("slab_chunk_max", Form::Whole(1, 1 << 20)),
    // Items of any size are split over chunks.
    ("no_chunked_items", Form::Flag),
    // One list for all sizes, in exact order; expired items are found without a crawler.
    ("lru_maintainer", Form::Flag),
    ("no_lru_maintainer", Form::Flag),
    ("lru_crawler", Form::Flag),
    ("no_lru_crawler", Form::Flag),
    ("lru_crawler_sleep", Form::Whole(0, 1_000_000)),
    ("lru_crawler_tocrawl", Form::Whole(0, u32::MAX as u64)),
    ("hot_lru_pct", Form::Whole(1, 79)),
    ("warm_lru_pct", Form::Whole(1, 79)),
    ("hot_max_factor", Form::Factor),
    ("warm_max_factor", Form::Factor),
    ("tail_repair_time", Form::Whole(10, u32::MAX as u64)),
    // Clients above the limit are rejected at once.
    ("maxconns_fast", Form::Flag),
    // Buffers belong to threads, and what connections keep has its own limit.
    ("read_buf_mem_limit", Form::Whole(0, u32::MAX as u64)),
    (
        "resp_obj_mem_limit",
        Form::OptionalWhole(0, u32::MAX as u64),
    ),
    ("worker_logbuf_size", Form::Whole(1, u32::MAX as u64)),
    ("watcher_logbuf_size", Form::Whole(1, u32::MAX as u64)),
    ("idle_timeout", Form::Whole(0, u32::MAX as u64)),
    // Without effect in memcached as well.
    ("inline_ascii_resp", Form::Flag),
    ("no_inline_ascii_resp", Form::Flag),
    // System calls are not restricted; `-u` is what changes the user.
    ("drop_privileges", Form::Flag),
    ("no_drop_privileges", Form::Flag),
    ("relaxed_privileges", Form::Flag),
    ("track_sizes", Form::Flag),
    (
        "no_maxconns_fast",
        Form::Refused("clients above -c are rejected with an error"),
    ),
    (
        "temporary_ttl",
        Form::Refused("no item is protected from eviction"),
    ),
    (
        "slab_sizes",
        Form::Refused("use --slab-sizes, separated by commas"),
    ),
    (
        "sock_cookie_id",
        Form::Refused("sockets have no cookies; filter by address or port"),
    ),
    ("ssl_chain_cert", Form::File),
    ("ssl_key", Form::File),
    ("ssl_ca_cert", Form::File),
    ("ssl_verify_mode", Form::Whole(0, 3)),
    (
        "ssl_min_version",
        Form::Only(&["2", "3"], "TLS 1.2 and 1.3 are spoken: expected 2 or 3"),
    ),
    (
        "ssl_keyformat",
        Form::Only(&["1"], "keys are read in PEM: expected 1"),
    ),
    (
        "ssl_ciphers",
        Form::Refused("clients choose, among cipher suites that are all strong"),
    ),
    // Records are written from the buffers of the threads; sessions are resumed by tickets.
    ("ssl_wbuf_size", Form::Whole(1, u32::MAX as u64)),
    ("ssl_session_cache", Form::Flag),
    ("ssl_kernel_tls", Form::Flag),
    ("ext_path", NO_DISK),
    ("ext_page_size", NO_DISK),
    ("ext_wbuf_size", NO_DISK),
    ("ext_threads", NO_DISK),
    ("ext_io_depth", NO_DISK),
    ("ext_item_size", NO_DISK),
    ("ext_item_age", NO_DISK),
    ("ext_low_ttl", NO_DISK),
    ("ext_recache_rate", NO_DISK),
    ("ext_compact_under", NO_DISK),
    ("ext_drop_under", NO_DISK),
    ("ext_drop_unread", NO_DISK),
    ("ext_max_frag", NO_DISK),
    ("ext_max_sleep", NO_DISK),
    ("proxy_config", NO_PROXY),
    ("proxy_arg", NO_PROXY),
    ("proxy_uring", NO_PROXY),
    ("proxy_memprofile", NO_PROXY),
];

const NO_DISK: Form = Form::Refused("items are kept in memory only");
const NO_PROXY: Form =
    Form::Refused("the server is not a proxy; clients or a proxy in front select servers");

/// The names of all settings, those that are refused included.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// Fails if a setting is wrong or refused. An empty one, as after a trailing comma, is neither.
pub(super) fn check(setting: &str) -> Result<(), Error> {
    if setting.is_empty() {
        return Ok(());
    }
    let (name, value) = match setting.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (setting, None),
    };
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    let reason = match known {
        Some((_, form)) => match form.fault(value) {
            None => return Ok(()),
            Some(fault) => fault,
        },
        None => "unknown setting".into(),
    };
    Err(Error::Option {
        name: OPTION,
        reason: format!("{name}: {reason}"),
    })
}

impl Form {
    /// Why a value is wrong or refused.
    fn fault(&self, value: Option<&str>) -> Option<String> {
        let within = |text: &str, least: &u64, most: &u64| {
            let number = text.parse().ok();
            number.is_some_and(|number| (least..=most).contains(&&number))
        };
        match (self, value) {
            (Self::Flag | Self::OptionalWhole(..), None) => None,
            (Self::Flag, Some(_)) => Some("expected no value".into()),
            (Self::Whole(least, most) | Self::OptionalWhole(least, most), Some(text))
                if within(text, least, most) =>
            {
                None
            }
            (Self::Whole(least, most) | Self::OptionalWhole(least, most), _) => {
                Some(format!("expected a number from {least} to {most}"))
            }
            (Self::Factor, Some(text)) if text.parse().is_ok_and(|factor: f64| factor > 0.0) => {
                None
            }
            (Self::Factor, _) => Some("expected a number above 0".into()),
            (Self::OneOf(words), Some(text)) if words.contains(&text) => None,
            (Self::OneOf(words), _) => Some(format!("expected one of {}", words.join(", "))),
            (Self::File, Some(path)) if !path.is_empty() => None,
            (Self::File, _) => Some("expected the path of a file".into()),
            (Self::Only(words, _), Some(text)) if words.contains(&text) => None,
            (Self::Only(_, hint), _) => Some((*hint).into()),
            (Self::Refused(reason), _) => Some((*reason).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `-o` takes in memcached 1.6.45 with everything built in, in alphabetical order.
    const MEMCACHED: [&str; 69] = [
        "drop_privileges",
        "ext_compact_under",
        "ext_drop_under",
        "ext_drop_unread",
        "ext_io_depth",
        "ext_item_age",
        "ext_item_size",
        "ext_low_ttl",
        "ext_max_frag",
        "ext_max_sleep",
        "ext_page_size",
        "ext_path",
        "ext_recache_rate",
        "ext_threads",
        "ext_wbuf_size",
        "hash_algorithm",
        "hashpower",
        "hot_lru_pct",
        "hot_max_factor",
        "idle_timeout",
        "inline_ascii_resp",
        "lru_crawler",
        "lru_crawler_sleep",
        "lru_crawler_tocrawl",
        "lru_maintainer",
        "maxconns_fast",
        "modern",
        "no_chunked_items",
        "no_drop_privileges",
        "no_hashexpand",
        "no_inline_ascii_resp",
        "no_lru_crawler",
        "no_lru_maintainer",
        "no_maxconns_fast",
        "no_modern",
        "no_slab_automove",
        "no_slab_reassign",
        "proxy_arg",
        "proxy_config",
        "proxy_memprofile",
        "proxy_uring",
        "read_buf_mem_limit",
        "relaxed_privileges",
        "resp_obj_mem_limit",
        "slab_automove",
        "slab_automove_freeratio",
        "slab_automove_ratio",
        "slab_automove_window",
        "slab_chunk_max",
        "slab_reassign",
        "slab_sizes",
        "sock_cookie_id",
        "ssl_ca_cert",
        "ssl_chain_cert",
        "ssl_ciphers",
        "ssl_kernel_tls",
        "ssl_key",
        "ssl_keyformat",
        "ssl_min_version",
        "ssl_session_cache",
        "ssl_verify_mode",
        "ssl_wbuf_size",
        "tail_repair_time",
        "temporary_ttl",
        "track_sizes",
        "warm_lru_pct",
        "warm_max_factor",
        "watcher_logbuf_size",
        "worker_logbuf_size",
    ];

    #[test]
    fn every_setting_of_memcached_is_known_and_no_other() {
        let mut known: Vec<_> = names().collect();
        known.sort_unstable();
        assert_eq!(known, MEMCACHED);
    }

    #[test]
    fn a_setting_is_accepted_in_the_form_that_it_has_in_memcached() {
        for right in [
            "modern",
            "no_modern",
            "hashpower=12",
            "hashpower=32",
            "hash_algorithm=xxh3",
            "slab_automove",
            "slab_automove=0",
            "slab_automove=2",
            "slab_automove_ratio=0.8",
            "slab_automove_window=3",
            "slab_automove_window=2000",
            "hot_lru_pct=79",
            "read_buf_mem_limit=0",
            "resp_obj_mem_limit",
            "",
            "warm_max_factor=2.0",
            "ssl_chain_cert=/cert",
            "ssl_verify_mode=0",
            "ssl_verify_mode=3",
            "ssl_min_version=2",
            "ssl_min_version=3",
            "ssl_keyformat=1",
            "ssl_session_cache",
        ] {
            assert!(check(right).is_ok(), "{right}");
        }
        for (wrong, reason) in [
            ("modern=1", "expected no value"),
            ("hashpower", "expected a number from 12 to 32"),
            ("hashpower=11", "expected a number from 12 to 32"),
            ("hashpower=33", "expected a number from 12 to 32"),
            ("hashpower=-1", "expected a number from 12 to 32"),
            (
                "hash_algorithm=md5",
                "expected one of jenkins, murmur3, xxh3",
            ),
            ("slab_automove=3", "expected a number from 0 to 2"),
            ("slab_automove_window=2", "expected a number from 3 to "),
            ("hot_lru_pct=80", "expected a number from 1 to 79"),
            ("slab_automove_ratio=0", "expected a number above 0"),
            ("slab_automove_ratio=nan", "expected a number above 0"),
            ("slab_sizes=64-128", "use --slab-sizes"),
            ("ssl_key=", "expected the path of a file"),
            ("ssl_ca_cert", "expected the path of a file"),
            ("ssl_verify_mode=4", "expected a number from 0 to 3"),
            ("ssl_min_version=1", "TLS 1.2 and 1.3 are spoken"),
            ("ssl_keyformat=2", "keys are read in PEM"),
            ("ssl_ciphers=x", "clients choose"),
            ("ext_path=/disk", "items are kept in memory only"),
            ("ssl_nonsense", "unknown setting"),
            ("no_such_thing", "unknown setting"),
        ] {
            let said = check(wrong).unwrap_err().to_string();
            let name = wrong.split('=').next().unwrap();
            let start = format!("-o/--extended: {name}: {reason}");
            assert!(said.starts_with(&start), "{wrong}: {said}");
        }
    }
}
