//! The words of `stats` that are about the server or about how items lie in memory.

use std::fmt::Display;
use std::io::Write;

use dynamidb_core::Keyspace;

use super::conns::Conns;
use super::dump::Dump;
use super::sizes::Sizes;
use super::{Answer, END, ERROR, OK};
use crate::shards::View;
use crate::watch::Kinds;

/// In memcached's order: a word may be cut short, and the first that begins with it is meant.
const WORDS: [&str; 7] = [
    "detail",
    "settings",
    "cachedump",
    "conns",
    "slabs",
    "items",
    "sizes",
];

/// `stats <word> …`.
pub(super) fn command(view: &mut View<'_>, words: &[&[u8]], output: &mut Vec<u8>) -> Answer {
    let Some((&word, more)) = words.split_first() else {
        return Answer::Reply(ERROR);
    };
    let meant = WORDS
        .iter()
        .find(|known| known.as_bytes().starts_with(word));
    match meant {
        Some(&"detail") => return detail(view, more, output),
        Some(&"conns") => return Conns::begin(view, output),
        Some(&"settings") => settings(view, output),
        Some(&"cachedump") => return Dump::cachedump(view, more),
        Some(&"slabs") => slabs(view, output),
        Some(&"items") => items(view, output),
        Some(&"sizes") => return Sizes::begin(view, output),
        _ => return Answer::Reply(ERROR),
    }
    output.extend_from_slice(END.as_bytes());
    Answer::Given
}

fn stat(output: &mut Vec<u8>, name: impl Display, value: impl Display) {
    // Writing to a `Vec` does not fail.
    let _ = write!(output, "STAT {name} {value}\r\n");
}

fn settings(view: &mut View<'_>, output: &mut Vec<u8>) {
    let mut limit = 0;
    view.for_each(|cache| limit += cache.stats().limit_maxbytes);
    stat(output, "maxbytes", limit);
    let host = view.host();
    stat(output, "maxconns", host.settings.max_connections);
    let counts = host.watchers.wanted().has(Kinds::PREFIXES);
    stat(output, "detail_enabled", if counts { "yes" } else { "no" });
    stat(
        output,
        "stat_key_prefix",
        char::from(host.prefixes.delimiter()),
    );
    host.settings.report(host.switches(), &mut |name, value| {
        stat(output, name, value)
    });
}

/// `stats detail on`, `off` or `dump`.
fn detail(view: &View<'_>, words: &[&[u8]], output: &mut Vec<u8>) -> Answer {
    let host = view.host();
    if host.settings.options.memcached.disable_dumping {
        return Answer::Reply("CLIENT_ERROR stats detail not allowed\r\n");
    }
    match words {
        [b"on", ..] => host.watchers.count_prefixes(true),
        [b"off", ..] => host.watchers.count_prefixes(false),
        [b"dump", ..] => {
            host.prefixes.dump(output);
            output.extend_from_slice(END.as_bytes());
            return Answer::Given;
        }
        _ => return Answer::Reply("CLIENT_ERROR usage: stats detail on|off|dump\r\n"),
    }
    Answer::Reply(OK)
}

/// Classes are numbered from 1, as in memcached; only those that have pages are listed.
fn slabs(view: &mut View<'_>, output: &mut Vec<u8>) {
    let slabs = view.slabs();
    let page_size = view.cache_at(0).map_or(0, |cache| cache.page_size());
    let in_use = || (1..).zip(&slabs).filter(|(_, slab)| slab.pages > 0);
    for (class, slab) in in_use() {
        for (name, value) in [
            ("chunk_size", slab.chunk_size),
            ("chunks_per_page", slab.chunks / slab.pages),
            ("total_pages", slab.pages),
            ("total_chunks", slab.chunks),
            ("used_chunks", slab.used_chunks),
            ("free_chunks", slab.chunks - slab.used_chunks),
            // A page has its unused chunks in the same list as those that were given back.
            ("free_chunks_end", 0),
        ] {
            stat(output, format_args!("{class}:{name}"), value);
        }
    }
    let pages: usize = slabs.iter().map(|slab| slab.pages).sum();
    stat(output, "active_slabs", in_use().count());
    stat(output, "total_malloced", pages * page_size);
}

/// An item counts for the class of its first chunk.
fn items(view: &mut View<'_>, output: &mut Vec<u8>) {
    for (class, slab) in (1..).zip(&view.slabs()) {
        if slab.items > 0 {
            stat(output, format_args!("items:{class}:number"), slab.items);
        }
    }
}
