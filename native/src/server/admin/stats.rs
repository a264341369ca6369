//! `stats <word>`: settings, connections, slab classes and lists of items.

use dynamidb_core::help::stats_word;
use dynamidb_core::{Keyspace, Output, Stats};

use crate::server::admin::conns::Conns;
use crate::server::admin::dump::Dump;
use crate::server::admin::insight;
use crate::server::admin::reply::{END, ERROR, OK, stat};
use crate::server::admin::settings;
use crate::server::admin::sizes::Sizes;
use crate::server::admin::task::{Answer, Task};
use crate::server::state::watchers::Kinds;
use crate::server::view::View;

/// `stats <word> …`.
pub(super) fn command(view: &mut View<'_>, words: &[&[u8]], output: &mut dyn Output) -> Answer {
    let Some((&word, more)) = words.split_first() else {
        return Answer::Reply(ERROR);
    };
    match stats_word(word) {
        Some("detail") => return detail(view, more, output),
        Some("conns") => {
            return Answer::Started("", Task::Conns(Conns::start(view, output)));
        }
        Some("settings") => all_settings(view, output),
        Some("cachedump") => return Answer::dump("", Dump::cachedump(view, more)),
        Some("slabs") => slabs(view, output),
        Some("items") => items(view, output),
        Some("hotkeys") => {
            if let Err(answer) = insight::hot_keys(view, output) {
                return answer;
            }
        }
        Some("advice") => {
            if let Err(answer) = insight::advice(view, output) {
                return answer;
            }
        }
        Some("sizes") => {
            if view.host().settings.options.memcached.tracks_sizes() {
                return Answer::Started("", Task::Sizes(Sizes::default()));
            }
            stat(output, "sizes_status", "disabled");
        }
        _ => return Answer::Reply(ERROR),
    }
    output.extend_from_slice(END.as_bytes());
    Answer::Done
}

fn all_settings(view: &mut View<'_>, output: &mut dyn Output) {
    let mut limit = 0;
    view.for_each(|cache| limit += cache.stats().limit_maxbytes);
    stat(output, "maxbytes", limit);
    let host = view.host();
    stat(output, "maxconns", host.limits.max_connections());
    let counts = host.watchers.wanted().has(Kinds::PREFIXES);
    stat(output, "detail_enabled", if counts { "yes" } else { "no" });
    stat(
        output,
        "stat_key_prefix",
        char::from(host.prefixes.delimiter()),
    );
    settings::report(
        &host.settings,
        &host.limits,
        host.switches(),
        &mut |name, value| stat(output, name, value),
    );
}

/// `stats detail on`, `off` or `dump`.
fn detail(view: &View<'_>, words: &[&[u8]], output: &mut dyn Output) -> Answer {
    let host = view.host();
    if host.settings.options.memcached.disable_dumping {
        return Answer::Reply("CLIENT_ERROR stats detail not allowed\r\n");
    }
    match words {
        [b"on", ..] => host.watchers.count_prefixes(true),
        [b"off", ..] => host.watchers.count_prefixes(false),
        [b"dump", ..] => {
            host.prefixes.lock().dump(output);
            output.extend_from_slice(END.as_bytes());
            return Answer::Done;
        }
        _ => return Answer::Reply("CLIENT_ERROR usage: stats detail on|off|dump\r\n"),
    }
    Answer::Reply(OK)
}

/// Classes are numbered from 1, as in memcached. Those are listed that have pages or whose counters
/// are not 0: counters outlive the last page.
fn slabs(view: &mut View<'_>, output: &mut dyn Output) {
    let slabs = view.slabs();
    let page_size = view.cache_at(0).page_size();
    for (number, (slab, class)) in (1..).zip(&slabs) {
        let counted = &class.counted;
        if slab.pages == 0 && *counted == Stats::default() {
            continue;
        }
        for (name, value) in [
            ("chunk_size", slab.chunk_size as u64),
            ("chunks_per_page", (page_size / slab.chunk_size) as u64),
            ("total_pages", slab.pages as u64),
            ("total_chunks", slab.chunks as u64),
            ("used_chunks", slab.used_chunks as u64),
            ("free_chunks", (slab.chunks - slab.used_chunks) as u64),
            // Chunks that were never used are in the same list as freed ones.
            ("free_chunks_end", 0),
            ("get_hits", counted.get_hits),
            ("cmd_set", counted.cmd_set),
            ("delete_hits", counted.delete_hits),
            ("incr_hits", counted.incr_hits),
            ("decr_hits", counted.decr_hits),
            ("cas_hits", counted.cas_hits),
            ("cas_badval", counted.cas_badval),
            ("touch_hits", counted.touch_hits),
        ] {
            stat(output, format_args!("{number}:{name}"), value);
        }
    }
    let pages: usize = slabs.iter().map(|(slab, _)| slab.pages).sum();
    let active = slabs.iter().filter(|(slab, _)| slab.pages > 0);
    stat(output, "active_slabs", active.count());
    stat(output, "total_malloced", pages * page_size);
}

/// An item counts for the class of its first chunk. All items are in one LRU list, shown as
/// memcached's cold one; nothing moves between lists.
fn items(view: &mut View<'_>, output: &mut dyn Output) {
    for (number, (slab, class)) in (1..).zip(&view.slabs()) {
        let counted = &class.counted;
        if slab.items == 0 && *counted == Stats::default() {
            continue;
        }
        for (name, value) in [
            ("number", slab.items as u64),
            ("number_hot", 0),
            ("number_warm", 0),
            ("number_cold", slab.items as u64),
            ("age_hot", 0),
            ("age_warm", 0),
            ("age", class.age),
            ("mem_requested", class.mem_requested),
            ("evicted", counted.evictions),
            ("evicted_nonzero", class.evicted_nonzero),
            ("evicted_time", class.evicted_time),
            ("outofmemory", counted.store_no_memory),
            ("tailrepairs", 0),
            ("reclaimed", counted.reclaimed),
            ("expired_unfetched", counted.expired_unfetched),
            ("evicted_unfetched", counted.evicted_unfetched),
            ("evicted_active", 0),
            ("crawler_reclaimed", 0),
            ("crawler_items_checked", 0),
            ("lrutail_reflocked", 0),
            ("moves_to_cold", 0),
            ("moves_to_warm", 0),
            ("moves_within_lru", 0),
            ("direct_reclaims", 0),
            ("hits_to_hot", 0),
            ("hits_to_warm", 0),
            ("hits_to_cold", counted.get_hits),
            ("hits_to_temp", 0),
        ] {
            stat(output, format_args!("items:{number}:{name}"), value);
        }
    }
}
