//! Belady's rule, which knows what will be requested: what is requested again last makes room. No
//! server can do that. With values of one size there is no better rule; with values of many sizes
//! it is not the best one, but far better than all that do not know.
//!
//! Items take the bytes of key and value and nothing else.

use std::collections::{BTreeSet, HashMap};

use crate::misses::Misses;

/// What is missed when these keys are requested in a cache of this many bytes.
pub fn misses(
    keys: &[u32],
    value_len: impl Fn(u32) -> usize,
    key_len: usize,
    memory: usize,
) -> Misses {
    let next = next_requests(keys);
    // What is in the cache, by when it is requested next.
    let mut cached: BTreeSet<(usize, u32)> = BTreeSet::new();
    let mut free = memory;
    let mut misses = Misses::default();
    for (at, (&key, &next)) in keys.iter().zip(&next).enumerate() {
        let value = value_len(key);
        let size = key_len + value;
        if cached.remove(&(at, key)) {
            free += size;
        } else {
            misses.add(value);
        }
        let Some(next) = next.filter(|_| size <= memory) else {
            continue;
        };
        // Perhaps it is itself what is requested last.
        cached.insert((next, key));
        let mut needed = size;
        while needed > free {
            let Some((_, last)) = cached.pop_last() else {
                break;
            };
            if last == key {
                needed = 0;
            } else {
                free += key_len + value_len(last);
            }
        }
        free -= needed;
    }
    misses
}

/// For each request the number of the next one for its key.
fn next_requests(keys: &[u32]) -> Vec<Option<usize>> {
    let mut later = HashMap::new();
    let numbered = keys.iter().enumerate().rev();
    let mut next: Vec<_> = numbered.map(|(at, &key)| later.insert(key, at)).collect();
    next.reverse();
    next
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn missed(keys: &[u32], value_len: impl Fn(u32) -> usize, memory: usize) -> [u64; 2] {
        let misses = misses(keys, value_len, 1, memory);
        [misses.requests, misses.bytes]
    }

    /// The fewest misses that any choice leads to, for keys below 5 in this many places.
    fn fewest(keys: &[u32], places: u32) -> u64 {
        // For each set of keys, as bits, the misses until it is what is cached.
        let mut best = [None; 1 << 5];
        best[0] = Some(0_u64);
        for &key in keys {
            let mut after = [None; 1 << 5];
            for (set, misses) in best.into_iter().enumerate() {
                let Some(misses) = misses else { continue };
                let with = set | 1 << key;
                let misses = misses + u64::from(with != set);
                let kept = |&to: &usize| to & !with == 0 && to.count_ones() <= places;
                for to in (0..1 << 5).filter(kept) {
                    after[to] = Some(after[to].map_or(misses, |other: u64| other.min(misses)));
                }
            }
            best = after;
        }
        best.into_iter().flatten().min().expect("any set")
    }

    #[test]
    fn of_items_of_one_size_no_choice_misses_fewer() {
        let mut random = SmallRng::seed_from_u64(3);
        for _ in 0..200 {
            let keys: Vec<u32> = (0..20).map(|_| random.random_range(0..5)).collect();
            for places in 0..=5 {
                let [requests, bytes] = missed(&keys, |_| 9, 10 * places as usize + 9);
                assert_eq!((requests, bytes), (fewest(&keys, places), 9 * requests));
            }
        }
    }

    #[test]
    fn the_item_requested_last_is_evicted_first_whatever_its_size() {
        // 1 is large and comes last: it is not kept, and the others are hit.
        let keys = [1, 2, 3, 2, 3, 1];
        let value_len = |key| if key == 1 { 19 } else { 9 };
        assert_eq!(missed(&keys, value_len, 20), [4, 56]);
    }
}
