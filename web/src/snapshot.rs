//! What the page draws beside the memory map, as flat arrays.

use alloc::vec;
use alloc::vec::Vec;

use dynamidb_core::view::RemovalReason;
use dynamidb_core::{Cache, Instant, MemoryMap};

/// Means "none" in an array of numbers.
pub(crate) const NONE: u32 = MemoryMap::NONE;
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
    for removal in cache.removal_log().iter() {
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
