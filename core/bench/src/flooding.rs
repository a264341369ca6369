//! What it costs to hold keys that somebody has chosen to collide: ordinary keys and chosen ones in
//! turn, medians. Whoever knows the seed can choose keys that share a chain of buckets; the row
//! with that seed shows that the keys are a real attack, the row with another one that it is of no
//! use.

use std::hint::black_box;
use std::time::Instant;

use dynamidb_core::{Cache, Config, Key};

use crate::mix;

const NOW: dynamidb_core::Instant = dynamidb_core::Instant::from_secs(1);
const ROUNDS: usize = 9;
/// The seed that the attacker knows, and the one that the host has drawn.
const KNOWN: u128 = 0;
const DRAWN: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834;
/// Chosen keys agree in these bits: the group of buckets, the bucket, the tag.
const SAME: u64 = 0x3F << 50 | 0xFFF;

fn cache(seed: u128) -> Cache {
    let mut config = Config::new(64 << 20);
    config.hash_seed = seed;
    Cache::new(config).expect("a configuration that works")
}

/// Keys of 8 bytes whose hashes under the known seed agree.
fn chosen(count: usize) -> Vec<[u8; 8]> {
    let hasher = *cache(KNOWN).hasher();
    let hash = |key: &[u8; 8]| hasher.hash(&Key::from(key));
    let wanted = hash(&0_u64.to_le_bytes()) & SAME;
    let keys = (0_u64..).map(u64::to_le_bytes);
    keys.filter(|key| hash(key) & SAME == wanted)
        .take(count)
        .collect()
}

/// Nanoseconds for storing all keys in an empty cache and reading each.
fn cost(seed: u128, keys: &[[u8; 8]]) -> f64 {
    let mut cache = cache(seed);
    let start = Instant::now();
    for key in keys {
        cache
            .set(NOW, key, "value")
            .expect("a store is never refused");
    }
    for key in keys {
        black_box(cache.get(NOW, key));
    }
    start.elapsed().as_nanos() as f64 / keys.len() as f64
}

pub fn print(count: usize) {
    println!("{count} keys, ns for a set and a get of each");
    let ordinary: Vec<_> = (0..count as u64).map(|n| mix(n).to_le_bytes()).collect();
    let chosen = chosen(count);
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        times[0].push(cost(DRAWN, &ordinary));
        times[1].push(cost(DRAWN, &chosen));
        times[2].push(cost(KNOWN, &chosen));
    }
    let medians = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    let names = ["ordinary keys", "chosen keys", "chosen keys, seed known"];
    for (name, median) in names.into_iter().zip(medians) {
        println!("{name:<26}{median:>10.0} ({:.2})", median / medians[0]);
    }
}
