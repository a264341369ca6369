//! The `stats` command: what the caches counted and what the host knows, by memcached's names.

use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use super::reply;
use crate::{Keyspace, Stats};

/// Answers `stats`.
pub(super) fn report(keyspace: &mut impl Keyspace, output: &mut Vec<u8>) {
    let mut lines = Lines(output);
    keyspace.host_stats(&mut |name, value| lines.stat(name, value));
    for (name, value) in counters(&sum(keyspace)) {
        lines.stat(name, value);
    }
    output.extend_from_slice(reply::END);
}

/// Writes `STAT` lines.
struct Lines<'o>(&'o mut Vec<u8>);

impl Lines<'_> {
    fn stat(&mut self, name: &str, value: impl Display) {
        // Writing to a `Vec` cannot fail, and the values' own formatting does not.
        let _ = write!(self, "STAT {name} {value}\r\n");
    }
}

impl Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn sum(keyspace: &mut impl Keyspace) -> Stats {
    let mut total = Stats::default();
    keyspace.for_each(|cache| {
        let stats = cache.stats();
        // Every cache hears of every flush, which still is one.
        let cmd_flush = total.cmd_flush.max(stats.cmd_flush);
        total.add(&stats);
        total.cmd_flush = cmd_flush;
    });
    total
}

/// The counters in memcached's order.
const fn counters(stats: &Stats) -> [(&'static str, u64); 36] {
    [
        ("cmd_get", stats.cmd_get),
        ("cmd_set", stats.cmd_set),
        ("cmd_flush", stats.cmd_flush),
        ("cmd_touch", stats.cmd_touch),
        ("cmd_meta", stats.cmd_meta),
        ("get_hits", stats.get_hits),
        ("get_misses", stats.get_misses),
        ("get_expired", stats.get_expired),
        // What is flushed is gone at once, so that no lookup ever meets it: it counts as a miss.
        ("get_flushed", 0),
        ("delete_misses", stats.delete_misses),
        ("delete_hits", stats.delete_hits),
        ("incr_misses", stats.incr_misses),
        ("incr_hits", stats.incr_hits),
        ("decr_misses", stats.decr_misses),
        ("decr_hits", stats.decr_hits),
        ("cas_misses", stats.cas_misses),
        ("cas_hits", stats.cas_hits),
        ("cas_badval", stats.cas_badval),
        ("touch_hits", stats.touch_hits),
        ("touch_misses", stats.touch_misses),
        ("store_too_large", stats.store_too_large),
        ("store_no_memory", stats.store_no_memory),
        ("limit_maxbytes", stats.limit_maxbytes),
        ("hash_bytes", stats.hash_bytes),
        ("slab_reassign_chunk_rescues", stats.chunks_moved),
        ("slabs_moved", stats.slabs_moved),
        ("bytes", stats.bytes),
        ("curr_items", stats.curr_items),
        ("total_items", stats.total_items),
        ("slab_global_page_pool", stats.unused_pages),
        ("expired_unfetched", stats.expired_unfetched),
        ("evicted_unfetched", stats.evicted_unfetched),
        ("evictions", stats.evictions),
        ("reclaimed", stats.reclaimed),
        // Ours: memcached does not say how late it is.
        ("expiry_lag_max_ms", stats.expiry_lag_max),
        ("expiry_lag_total_ms", stats.expiry_lag_total),
    ]
}
