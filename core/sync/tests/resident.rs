//! Resident memory follows the budget: alone in a process, because it looks at all of it.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use dynamidb_core::{Config, Instant};
use dynamidb_sync::{Growth, Shards};

const MIB: usize = 1 << 20;

fn set(shards: &Shards, now: Instant, key: &[u8], value: &[u8]) {
    let key = shards.key(key);
    let shard = shards.lock(shards.index_of(&key));
    let mut shard = shards.with_room(&key, shard, now, value.len(), false);
    shard.set(now, key, value).expect("it is stored");
}

#[test]
fn resident_memory_stays_within_the_budget_while_shares_move() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
        kibibytes.parse::<usize>().unwrap() << 10
    };
    let growth = Growth {
        max: 128 * MIB,
        set_aside: true,
    };
    let before = resident();
    let shards = Shards::with_count(&Config::new(128 * MIB), 16, growth).unwrap();
    let mut most = 0;
    for round in 0..6_u64 {
        // In each round other shards get nearly all of what is stored.
        for number in 0..3000_u64 {
            let key = (round << 32 | number).to_le_bytes();
            let index = shards.index_of(&shards.key(&key));
            if (index as u64 + round).is_multiple_of(6) {
                let now = Instant::from_millis(1000 + round * 3000 + number);
                set(&shards, now, &key, &[1; 400_000]);
            }
        }
        most = most.max(resident().saturating_sub(before));
    }
    assert!(most > 100 * MIB, "{} MiB", most / MIB);
    assert!(most < (128 + 8) * MIB, "{} MiB", most / MIB);
    shards.set_memory(32 * MIB).unwrap();
    while shards.maintain_all(Instant::from_secs(1000), 64) == 64 {}
    let left = resident().saturating_sub(before);
    assert!(
        left < (32 + 8) * MIB,
        "{} MiB of {}",
        left / MIB,
        most / MIB
    );
}
