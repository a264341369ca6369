//! Snapshots of a cache as flat arrays, for the page to draw.

use dynamidb_core::view::{PageUse, RemovalReason};
use dynamidb_core::{Cache, Instant};

/// Means "none" in an array of numbers.
pub(crate) const NONE: u32 = u32::MAX;
/// The numbers per page and per item.
const PAGE: usize = 6;
const ITEM: usize = 8;
/// In the number of a chunk: the flag of a continuation chunk, and the first bit of its fill level.
const CONTINUATION: u32 = 1 << 31;
const FILL_SHIFT: u32 = 23;

/// See [`Playground::snapshot`](crate::Playground::snapshot).
pub(crate) fn snapshot(cache: &Cache, now: Instant, limit: usize) -> Vec<u32> {
    let mut numbers = vec![0; 3];
    let all_chunks = pages(cache, now, &mut numbers);
    let end = numbers.len();
    let is_whole = cache.len() <= limit;
    let mut chunks = vec![0; if is_whole { all_chunks } else { 0 }];
    let (newest, oldest) = if is_whole {
        (limit, 0)
    } else {
        (limit - limit / 2, limit / 2)
    };
    let last = cache.items().rev().take(oldest);
    for (at, item) in cache.items().take(newest).chain(last).enumerate() {
        let (mut size, mut count) = (0, 0);
        for chunk in cache.chunks(item.position) {
            let first = numbers[3 + chunk.page as usize * PAGE + 4] as usize;
            let filled = 255 * (chunk.head + chunk.key + chunk.value) / chunk.bytes.len();
            let flag = if count > 0 { CONTINUATION } else { 0 };
            if let Some(number) = chunks.get_mut(first + chunk.number) {
                *number = flag | (filled as u32) << FILL_SHIFT | (at as u32 + 1);
            }
            size += chunk.bytes.len();
            count += 1;
        }
        let left = until(item.item.expires_at, now);
        numbers.extend_from_slice(&[
            item.position,
            item.item.value.len() as u32,
            item.key.len() as u32,
            u32::from(item.queued)
                | u32::from(item.young) << 1
                | u32::from(item.item.fetched) << 2
                | u32::from(left == 0) << 3,
            now.since(item.item.last_used).as_secs() as u32,
            left,
            size as u32,
            count,
        ]);
    }
    // The oldest were added first, and belong to the end.
    let last = numbers.len() - oldest * ITEM;
    numbers[last..].reverse();
    for item in numbers[last..].chunks_exact_mut(ITEM) {
        item.reverse();
    }
    let items = numbers.len() - end;
    numbers.append(&mut chunks);
    (numbers[0], numbers[1]) = ((end - 3) as u32, items as u32);
    numbers[2] = (numbers.len() - end - items) as u32;
    debug_assert!(items.is_multiple_of(ITEM), "whole items");
    numbers
}

/// Adds the pages up to the last one in use, and returns the number of chunks in pages of items.
fn pages(cache: &Cache, now: Instant, numbers: &mut Vec<u32>) -> usize {
    let (mut chunks, mut end) = (0, numbers.len());
    for page in cache.pages() {
        numbers.extend_from_slice(&[
            match page.usage {
                PageUse::Unused => 0,
                PageUse::Records => 1,
                PageUse::Index => 2,
                PageUse::Overflow => 3,
                _ => 4,
            },
            page.chunk_size as u32,
            page.begun as u32,
            page.used as u32,
            chunks as u32,
            page.due.map_or(NONE, |due| until(Some(due.at), now)),
        ]);
        if page.usage != PageUse::Unused {
            end = numbers.len();
        }
        if page.usage == PageUse::Items {
            chunks += page.begun;
        }
    }
    numbers.truncate(end);
    chunks
}

/// Milliseconds until `at`; 0 if it has passed, [`NONE`] if there is no such time.
fn until(at: Option<Instant>, now: Instant) -> u32 {
    let millis = |at: Instant| at.since(now).as_millis();
    at.map_or(NONE, |at| millis(at).min(u128::from(NONE - 1)) as u32)
}

/// How many pages wait in each of the wheel's 4 times 64 slots; then, for each level, the slot
/// in which its time is; then the slot of each page.
pub(crate) fn wheel(cache: &Cache) -> Vec<u32> {
    let mut slots = vec![0; 4 * 64];
    let mut of_pages = Vec::new();
    for page in cache.pages() {
        let slot = |level, slot| usize::from(level) * 64 + usize::from(slot);
        let slot = page.due.map(|due| slot(due.level, due.slot));
        if let Some(slot) = slot {
            slots[slot] += 1;
        }
        of_pages.push(slot.map_or(NONE, |slot| slot as u32));
    }
    slots.extend(cache.wheel_hands().map(u32::from));
    slots.append(&mut of_pages);
    slots
}

/// See [`Playground::chunks`](crate::Playground::chunks).
pub(crate) fn chunks(cache: &Cache, position: u32) -> Vec<u32> {
    let mut numbers = Vec::new();
    for chunk in cache.chunks(position) {
        numbers.extend_from_slice(&[
            chunk.position,
            chunk.page,
            chunk.number as u32,
            chunk.bytes.len() as u32,
            chunk.head as u32,
            chunk.key as u32,
            chunk.value as u32,
        ]);
    }
    numbers
}

/// See [`Playground::removals`](crate::Playground::removals).
pub(crate) fn removals(cache: &Cache, now: Instant) -> Vec<u32> {
    let mut numbers = Vec::new();
    for removal in cache.removals() {
        numbers.extend_from_slice(&[
            match removal.reason {
                RemovalReason::ItemLimit => 1,
                RemovalReason::ExpiredAsked => 2,
                RemovalReason::ExpiredUnasked => 3,
                _ => 0,
            },
            removal.position,
            removal.value_len as u32,
            now.since(removal.last_used).as_secs() as u32,
            until(removal.expires_at, now),
            removal.fetched.into(),
            removal.queued.into(),
            removal.key.len() as u32,
        ]);
    }
    numbers
}
