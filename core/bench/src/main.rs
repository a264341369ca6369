//! What the cache costs in process, beside its peers. Each table is one command:
//!
//! ```text
//! cargo run --release -- speed [items...]    ns per operation and ratios, interleaved rounds
//! cargo run --release -- pauses [items]      longest single operations while filling and churning
//! cargo run --release -- memory [items]      bytes per item above key and value
//! cargo run --release -- resident [items]    resident bytes per item, beside the peers
//! cargo run --release -- protocol [items]    ns per request above what the engine takes itself
//! cargo run --release -- flooding [keys]     what keys cost that were chosen to collide
//! ```

mod engines;
mod flooding;
mod memory;
mod pauses;
mod protocol;
mod resident;
mod sizes;
mod speed;

fn main() {
    let mut args = std::env::args().skip(1);
    let table = args.next().unwrap_or_default();
    let words: Vec<String> = args.collect();
    let numbers: Vec<usize> = words.iter().map_while(|word| word.parse().ok()).collect();
    match table.as_str() {
        "speed" if numbers.is_empty() => speed::print(&[100_000, 1_000_000, 10_000_000]),
        "speed" => speed::print(&numbers),
        "pauses" => pauses::print(numbers.first().copied().unwrap_or(10_000_000)),
        "memory" => memory::print(numbers.first().copied().unwrap_or(1_000_000)),
        "resident" => match &words[..] {
            [items, name] => resident::print_one(name, items.parse().expect("a number")),
            _ => resident::print(numbers.first().copied().unwrap_or(1_000_000)),
        },
        "protocol" => protocol::print(numbers.first().copied().unwrap_or(1000)),
        "flooding" => flooding::print(numbers.first().copied().unwrap_or(20_000)),
        _ => {
            eprintln!(
                "usage: dynamidb-core-bench speed|pauses|memory|resident|protocol|flooding [items]"
            );
            std::process::exit(2);
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
