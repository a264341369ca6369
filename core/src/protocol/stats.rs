//! The `stats` command: what the caches counted and what the host knows, by memcached's names.

use core::fmt::{Display, Write};

use super::{Host, Keyspace, Output, reply};
use crate::Stats;

/// Answers `stats`.
pub(super) fn report(host: &mut impl Host, output: &mut dyn Output) {
    host.host_stats(&mut |name, value| host_line(output, name, value));
    let stats = sum(host);
    let counted = names().zip(counters(&stats));
    #[cfg(feature = "flush-prefix")]
    let counted = counted.chain(flush_counters(&stats));
    for (name, value) in counted {
        for text in [b"STAT ", name, b" "] {
            output.extend_from_slice(text);
        }
        reply::number_line(output, value);
    }
    output.extend_from_slice(reply::END);
}

/// A host's values may be of any type. A program whose host reports none has no code for this.
fn host_line(output: &mut dyn Output, name: &str, value: &dyn Display) {
    // Writing cannot fail, and the values' own formatting does not.
    let _ = write!(output, "STAT {name} {value}\r\n");
}

fn sum(keyspace: &mut impl Keyspace) -> Stats {
    let mut total = Stats::default();
    keyspace.for_each(|cache| total.add(&cache.stats()));
    total
}

/// The counters' names, in memcached's order. The last three are not memcached's, which has one
/// kind of eviction and does not tell how late it expires items.
const NAMES: &[u8] = b"\
    cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed \
    delete_misses delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses \
    cas_hits cas_badval touch_hits touch_misses store_too_large store_no_memory \
    limit_maxbytes hash_bytes slab_reassign_chunk_rescues slabs_moved bytes curr_items \
    total_items slab_global_page_pool expired_unfetched evicted_unfetched evictions \
    reclaimed evicted_new expiry_lag_max_ms expiry_lag_total_ms";

fn names() -> impl Iterator<Item = &'static [u8]> {
    NAMES.split(|&byte| byte == b' ')
}

/// The counters of these names.
const fn counters(stats: &Stats) -> [u64; 37] {
    [
        stats.cmd_get,
        stats.cmd_set,
        stats.cmd_flush,
        stats.cmd_touch,
        stats.cmd_meta,
        stats.get_hits,
        stats.get_misses,
        stats.get_expired,
        // A flush removes items at once, so that no lookup finds one: it counts as a miss.
        0,
        stats.delete_misses,
        stats.delete_hits,
        stats.incr_misses,
        stats.incr_hits,
        stats.decr_misses,
        stats.decr_hits,
        stats.cas_misses,
        stats.cas_hits,
        stats.cas_badval,
        stats.touch_hits,
        stats.touch_misses,
        stats.store_too_large,
        stats.store_no_memory,
        stats.limit_maxbytes,
        stats.hash_bytes,
        stats.chunks_moved,
        stats.slabs_moved,
        stats.bytes,
        stats.curr_items,
        stats.total_items,
        stats.unused_pages,
        stats.expired_unfetched,
        stats.evicted_unfetched,
        stats.evictions,
        stats.reclaimed,
        stats.evicted_new,
        stats.expiry_lag_max,
        stats.expiry_lag_total,
    ]
}

/// What is counted of flushes by prefix, which memcached does not have.
#[cfg(feature = "flush-prefix")]
const fn flush_counters(stats: &Stats) -> [(&'static [u8], u64); 3] {
    [
        (b"cmd_flush_prefix", stats.cmd_flush_prefix),
        (b"flush_prefix_active", stats.flush_prefix_active),
        (b"flush_prefix_items", stats.flush_prefix_items),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_a_name() {
        assert_eq!(names().count(), counters(&Stats::default()).len());
    }
}
