//! Bytes per item above key and value, from filling a budget until the first eviction.

use dynamidb_core::{Cache, Config, Instant};

use crate::mix;
use crate::sizes::social;

fn fill(memory: usize, sizes: &[usize], size: impl Fn(u64) -> (usize, usize)) -> (u64, u64) {
    let mut config = Config::new(memory);
    config.slab_sizes = sizes.into();
    let mut cache = Cache::new(config).expect("a configuration that works");
    let (mut payload, mut items) = (0, 0);
    let buffer = vec![b'v'; 1 << 20];
    for number in 0.. {
        let (key_len, value_len) = size(number);
        let mut key = vec![b'k'; key_len];
        key[..8].copy_from_slice(&number.to_le_bytes());
        cache
            .set(Instant::from_secs(1), &key[..], &buffer[..value_len])
            .expect("stored");
        if cache.stats().evictions > 0 {
            break;
        }
        payload += (key_len + value_len) as u64;
        items += 1;
    }
    (items, payload)
}

/// Head, index and page record of an item: the overhead beside key and value, rounding aside.
fn metadata(items: u64) {
    let mut config = Config::new(items as usize * 125 + (1 << 20));
    config.slab_sizes = [64, 112, 4096].into();
    let mut cache = Cache::new(config).expect("a configuration that works");
    for number in 0..items {
        let key = crate::engines::key(number);
        cache
            .set(Instant::from_secs(1), &key, &[0; 64])
            .expect("stored");
    }
    let (head, record) = (24.0, 32.0 / 36.0);
    let index = cache.stats().hash_bytes as f64 / items as f64;
    let all = head + index + record;
    println!(
        "metadata at {items} items: head 24 + index {index:.2} + record {record:.2} = {all:.2}"
    );
}

pub fn print(items: usize) {
    let default = Config::SLAB_SIZES;
    // As many chunks as fit a page, so that no size leaves much of its pages unused.
    let mut fine: Vec<usize> = (1..=128)
        .rev()
        .map(|chunks| 4096 / chunks / 16 * 16)
        .collect();
    fine.dedup();
    let head = ["items", "payload B", "above it B", "share"];
    println!(
        "{:<26}{}",
        "",
        head.map(|name| format!("{name:>14}")).concat()
    );
    let row = |name: &str, memory: usize, (items, payload): (u64, u64)| {
        let above = (memory as f64 - payload as f64) / items as f64;
        let mean = payload as f64 / items as f64;
        println!(
            "{name:<26}{items:>14}{mean:>14.1}{above:>14.1}{:>13.1}%",
            100.0 * above / mean
        );
    };
    for items in [items / 2, items, 2 * items, 5 * items] {
        metadata(items as u64);
    }
    let memory = items * 116;
    row(
        "16+64 B, chunk of 112",
        memory,
        fill(memory, &[64, 112, 4096], |_| (16, 64)),
    );
    let name = format!("16+64 B, {} sizes", fine.len());
    row(&name, memory, fill(memory, &fine, |_| (16, 64)));
    let memory = items * 400;
    let (five, finer) = (
        "16+300 B, 5 defaults",
        format!("16+300 B, {} sizes", fine.len()),
    );
    row(five, memory, fill(memory, &default, |_| (16, 300)));
    row(&finer, memory, fill(memory, &fine, |_| (16, 300)));
    let kvcache = |number| social(mix(number), mix(number ^ 77));
    row(
        "kvcache, 5 defaults",
        memory,
        fill(memory, &default, kvcache),
    );
    let with_32 = [32, 64, 128, 256, 1024, 4096];
    row(
        "kvcache, 32 and defaults",
        memory,
        fill(memory, &with_32, kvcache),
    );
    row(
        &format!("kvcache, {} sizes", fine.len()),
        memory,
        fill(memory, &fine, kvcache),
    );
}
