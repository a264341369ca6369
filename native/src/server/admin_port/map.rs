//! The memory map of a shard, for the dashboard: all its pages, or a sample of them.

use dynamidb_core::{Instant, MemoryMap};
use dynamidb_sync::Shards;

use crate::server::admin_port::request::Request;
use crate::server::admin_port::response::Response;
use crate::server::context::ServerContext;

const BYTES: &str = "application/octet-stream";

/// The most pages of a map: 21 across and 12 down fill the space that the dashboard has for them.
const MAP_PAGES_MAX: u32 = 252;

/// The map of the shard that is asked for: `shard=3`.
pub(super) fn respond(context: &ServerContext, request: &Request, keys_shown: bool) -> Response {
    let query = request.query.as_deref().unwrap_or_default();
    let shard = query.strip_prefix("shard=").map(str::parse);
    let Some(Ok(shard)) = shard else {
        return Response::error(400, "ask for /api/map?shard=0");
    };
    match memory_map(
        &context.shards,
        shard,
        context.server.clock.now(),
        keys_shown,
    ) {
        Some(map) => Response::ok(BYTES, map),
        None => Response::error(404, "there is no such shard"),
    }
}

/// The pages of a shard that were ever used, or a sample, as numbers of 32 bits in little-endian
/// order: how many pages the shard has; how many of them were ever used; bytes of a page; then the
/// numbers of a [`MemoryMap`]. If `has_keys`, the keys of its items follow.
///
/// `None` if there is no such shard, or a panic has left it half changed. The shard is locked for
/// a page at a time, to read.
fn memory_map(shards: &Shards, index: usize, now: Instant, has_keys: bool) -> Option<Vec<u8>> {
    if index >= shards.len() {
        return None;
    }
    let head = {
        let shard = shards.read(index)?;
        [
            shard.page_count(),
            shard.pages_begun(),
            shard.page_size() as u32,
        ]
    };
    let (mut map, mut keys) = (MemoryMap::default(), Vec::new());
    for page in sample(head[1]) {
        let shard = shards.read(index)?;
        let before = map.items().len();
        map.add_page(&shard, page, now);
        if has_keys {
            let items = map.items()[before..].chunks_exact(MemoryMap::ITEM);
            let items = items.filter_map(|item| shard.inspect(item[0]));
            items.for_each(|item| keys.extend_from_slice(item.key));
        }
    }
    let numbers = head.into_iter().chain(map.into_numbers());
    let mut bytes: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
    bytes.append(&mut keys);
    Some(bytes)
}

/// Up to [`MAP_PAGES_MAX`] of this many pages: one of each stretch of equal length, at a place in
/// it that looks random, because pages of records recur. It changes little while memory fills up,
/// so that a page keeps its place in the picture.
fn sample(pages: u32) -> impl Iterator<Item = u32> {
    let least = pages.div_ceil(MAP_PAGES_MAX).max(1);
    // Only lengths of four significant bits.
    let unit = 1 << (u32::BITS - least.leading_zeros()).saturating_sub(4);
    let stretch = least.next_multiple_of(unit);
    let places = (0..pages).step_by(stretch as usize);
    let page = move |start: u32| start + start.wrapping_mul(0x9E37_79B1).rotate_left(16) % stretch;
    places.map(page).filter(move |&page| page < pages)
}

#[cfg(test)]
mod tests {
    use dynamidb_core::Config;
    use dynamidb_sync::Growth;

    use super::*;

    #[test]
    fn a_sample_has_every_page_of_a_few_and_a_bounded_number_of_many() {
        let all = |pages| (0..pages).collect::<Vec<_>>();
        for pages in [0, 1, MAP_PAGES_MAX - 1, MAP_PAGES_MAX] {
            assert_eq!(sample(pages).collect::<Vec<_>>(), all(pages));
        }
        for pages in [MAP_PAGES_MAX + 1, 1000, 16_384, 262_144, 1 << 20, u32::MAX] {
            let pages_shown: Vec<_> = sample(pages).collect();
            let is_sorted = pages_shown.is_sorted_by(|one, other| one < other);
            assert!(is_sorted && pages_shown.iter().all(|&page| page < pages));
            let shown = pages_shown.len() as u32;
            assert!(
                (MAP_PAGES_MAX / 2 - 1..=MAP_PAGES_MAX).contains(&shown),
                "{shown} of {pages}"
            );
        }
    }

    #[test]
    fn a_sample_does_not_meet_pages_of_records_more_often_than_there_are() {
        let records = sample(1 << 20).filter(|page| page % 128 == 0).count();
        assert!(records <= 8, "{records} of 252");
    }

    #[test]
    fn a_map_has_keys_only_if_asked_and_none_of_a_shard_that_is_not_there() {
        let config = Config::new(1 << 20);
        let shards = Shards::with_count(&config, 2, Growth::default()).expect("it fits");
        let now = Instant::from_secs(1);
        shards
            .lock(1)
            .set(now, "secret", "private value")
            .expect("there is room");
        let with_keys = memory_map(&shards, 1, now, true).expect("there is such a shard");
        let without = memory_map(&shards, 1, now, false).expect("there is such a shard");
        assert!(with_keys.ends_with(b"secret"));
        assert_eq!(with_keys.strip_suffix(b"secret"), Some(&without[..]));
        assert!(!with_keys.windows(7).any(|bytes| bytes == b"private"));
        assert_eq!(memory_map(&shards, 2, now, true), None);
    }
}
