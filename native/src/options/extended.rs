//! The settings of memcached's option `-o`: `name` or `name=value`. Start scripts pass them along,
//! so those that ask for what is the case here, or for nothing that shows, are accepted.

use crate::Error;

const OPTION: &str = "-o/--extended";

/// What a setting of this name has to look like.
enum Form {
    Flag,
    /// A whole number, within these limits.
    Whole(u64, u64),
    /// The same, or nothing.
    Perhaps(u64, u64),
    /// A number above zero.
    Factor,
    OneOf(&'static [&'static str]),
    /// Refused; this is what to do instead.
    Refused(&'static str),
}

const KNOWN: &[(&str, Form)] = &[
    // What memcached has been by default since 1.5, and what it was before: neither is there here.
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
    ("slab_automove", Form::Perhaps(0, 2)),
    ("slab_automove_ratio", Form::Factor),
    ("slab_automove_freeratio", Form::Factor),
    ("slab_automove_window", Form::Whole(3, 1800)),
    ("slab_chunk_max", Form::Whole(1, 1 << 20)),
    // One list for all sizes, in exact order; expired items are found without a crawler.
    ("lru_maintainer", Form::Flag),
    ("no_lru_maintainer", Form::Flag),
    ("lru_crawler", Form::Flag),
    ("no_lru_crawler", Form::Flag),
    ("lru_crawler_sleep", Form::Whole(0, 1_000_000)),
    ("lru_crawler_tocrawl", Form::Whole(0, u32::MAX as u64)),
    ("hot_lru_pct", Form::Whole(1, 80)),
    ("warm_lru_pct", Form::Whole(1, 80)),
    ("hot_max_factor", Form::Factor),
    ("warm_max_factor", Form::Factor),
    ("tail_repair_time", Form::Whole(10, u32::MAX as u64)),
    // What there is too much of is turned away at once.
    ("maxconns_fast", Form::Flag),
    // Buffers belong to threads, and what is kept for clients has a limit of its own.
    ("read_buf_mem_limit", Form::Whole(1, u32::MAX as u64)),
    ("resp_obj_mem_limit", Form::Whole(1, u32::MAX as u64)),
    ("worker_logbuf_size", Form::Whole(1, u32::MAX as u64)),
    ("watcher_logbuf_size", Form::Whole(1, u32::MAX as u64)),
    ("idle_timeout", Form::Whole(0, u32::MAX as u64)),
    // There is no privilege that is dropped.
    ("drop_privileges", Form::Flag),
    ("no_drop_privileges", Form::Flag),
    ("relaxed_privileges", Form::Flag),
    ("track_sizes", Form::Flag),
    (
        "no_maxconns_fast",
        Form::Refused("clients above -c are told so and turned away"),
    ),
    (
        "temporary_ttl",
        Form::Refused("no item is kept from eviction"),
    ),
    (
        "slab_sizes",
        Form::Refused("use --slab-sizes, with commas between them"),
    ),
];

/// Names that begin like this belong to something that is not here.
const FOREIGN: &[(&str, &str)] = &[
    (
        "ssl_",
        "there is no TLS; put a TLS proxy on the same host in front",
    ),
    ("ext_", "items are kept in memory only"),
    ("proxy_", "the server is no proxy"),
];

/// All that are known, those that are refused included.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, _)| *name)
}

/// Finds what is wrong with one setting.
pub(super) fn check(setting: &str) -> Result<(), Error> {
    let (name, value) = match setting.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (setting, None),
    };
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    let foreign = FOREIGN.iter().find(|(start, _)| name.starts_with(start));
    let reason = match (known, foreign) {
        (Some((_, form)), _) => match form.fault(value) {
            None => return Ok(()),
            Some(fault) => fault,
        },
        (None, Some((_, reason))) => (*reason).into(),
        (None, None) => "there is no such setting".into(),
    };
    Err(Error::Option {
        name: OPTION,
        reason: format!("{name}: {reason}"),
    })
}

impl Form {
    /// What is wrong with a value.
    fn fault(&self, value: Option<&str>) -> Option<String> {
        let within = |text: &str, least: &u64, most: &u64| {
            let number = text.parse().ok();
            number.is_some_and(|number| (least..=most).contains(&&number))
        };
        match (self, value) {
            (Self::Flag | Self::Perhaps(..), None) => None,
            (Self::Flag, Some(_)) => Some("it takes no value".into()),
            (Self::Whole(least, most) | Self::Perhaps(least, most), Some(text))
                if within(text, least, most) =>
            {
                None
            }
            (Self::Whole(least, most) | Self::Perhaps(least, most), _) => {
                Some(format!("a number from {least} to {most} is needed"))
            }
            (Self::Factor, Some(text)) if text.parse().is_ok_and(|factor: f64| factor > 0.0) => {
                None
            }
            (Self::Factor, _) => Some("a number above 0 is needed".into()),
            (Self::OneOf(words), Some(text)) if words.contains(&text) => None,
            (Self::OneOf(words), _) => Some(format!("it is one of {}", words.join(", "))),
            (Self::Refused(reason), _) => Some((*reason).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_the_form_that_they_have_in_memcached() {
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
            "hot_lru_pct=80",
            "warm_max_factor=2.0",
        ] {
            assert!(check(right).is_ok(), "{right}");
        }
        for (wrong, reason) in [
            ("modern=1", "it takes no value"),
            ("hashpower", "a number from 12 to 32 is needed"),
            ("hashpower=11", "a number from 12 to 32 is needed"),
            ("hashpower=33", "a number from 12 to 32 is needed"),
            ("hashpower=-1", "a number from 12 to 32 is needed"),
            ("hash_algorithm=md5", "it is one of jenkins, murmur3, xxh3"),
            ("slab_automove=3", "a number from 0 to 2 is needed"),
            ("slab_automove_ratio=0", "a number above 0 is needed"),
            ("slab_automove_ratio=nan", "a number above 0 is needed"),
            ("slab_sizes=64-128", "use --slab-sizes"),
            ("ssl_key=/key", "there is no TLS"),
            ("ext_path=/disk", "items are kept in memory only"),
            ("no_such_thing", "there is no such setting"),
            ("", "there is no such setting"),
        ] {
            let said = check(wrong).unwrap_err().to_string();
            let name = wrong.split('=').next().unwrap();
            let start = format!("-o/--extended: {name}: {reason}");
            assert!(said.starts_with(&start), "{wrong}: {said}");
        }
    }
}
