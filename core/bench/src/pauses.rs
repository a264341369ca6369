//! The longest single operations while a cache fills from empty and then churns: processor time of
//! this thread, so that what the machine gives to others does not count.

use std::time::Duration;

use dynamidb_core::{Expiry, Instant, Value};
use rustix::time::{ClockId, clock_gettime};

use crate::engines::{DynamiDb, Engine, KEY, OrdinaryPages, Populated, VALUE, key, value};

/// What is counted as long, in nanoseconds.
const LONG: u32 = 1_000_000;

/// A map without a limit, to show what its growth costs.
struct Map(hashbrown::HashMap<[u8; KEY], [u8; VALUE]>);

impl Engine for Map {
    const NAME: &'static str = "hashbrown";

    fn new(_items: usize) -> Self {
        Self(hashbrown::HashMap::new())
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        self.0
            .get(key)
            .map(|value| output.copy_from_slice(value))
            .is_some()
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(*key, *value);
    }
}

fn run<E: Engine>(items: usize) {
    let mut engine = E::new(items);
    for (phase, from) in [("fill", 0), ("churn", items as u64 / 2)] {
        let mut times: Vec<u32> = Vec::with_capacity(items);
        for number in from..from + items as u64 {
            let (key, value) = (key(number), value(number));
            let start = processor_time();
            engine.set(&key, &value);
            times.push((processor_time() - start) as u32);
        }
        print_row(E::NAME, phase, times);
    }
}

/// Nanoseconds that this thread has run.
fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The same loop with no work in it: what measuring costs and what cannot be told apart.
fn noise(items: usize) {
    let mut times: Vec<u32> = Vec::with_capacity(items);
    for number in 0..items as u64 {
        let start = processor_time();
        std::hint::black_box(key(number));
        times.push((processor_time() - start) as u32);
    }
    print_row("no work", "", times);
}

fn print_row(name: &str, phase: &str, mut times: Vec<u32>) {
    times.sort_unstable();
    let at = |share: f64| f64::from(times[((times.len() - 1) as f64 * share) as usize]) / 1e3;
    let cells = [0.5, 0.999, 0.9999, 0.999_999, 1.0].map(|share| format!("{:>12.2}", at(share)));
    let long = times.iter().filter(|&&time| time > LONG).count();
    println!("{name:<16}{phase:<8}{}{long:>8}", cells.concat());
}

/// Upkeep while all items end in the same moment: each call is what one request may have to wait
/// for.
fn storm(items: usize) {
    let start = Instant::from_secs(1);
    let mut engine = DynamiDb::new(items);
    let after = Duration::from_secs(60);
    for number in 0..items as u64 {
        let value = value(number);
        let value = Value::from(&value).expire(Expiry::After(after));
        let stored = engine.0.set(start, &key(number), value);
        stored.expect("a store is never refused");
    }
    let now = start + after + Duration::from_millis(300);
    let mut times = Vec::new();
    while !engine.0.is_empty() {
        let start = processor_time();
        engine.0.maintain(now, UPKEEP_SLICE);
        times.push((processor_time() - start) as u32);
    }
    let total: u64 = times.iter().map(|&time| u64::from(time)).sum();
    print_row(DynamiDb::NAME, "expire", times);
    println!("{:<24}all given back in {:.2} s", "", total as f64 / 1e9);
}

/// As many steps as the server does while it holds a lock.
const UPKEEP_SLICE: usize = 16;

pub fn print(items: usize) {
    println!("{items} items, microseconds");
    println!(
        "{:<24}{:>12}{:>12}{:>12}{:>12}{:>12}{:>8}",
        "", "p50", "p99.9", "p99.99", "p99.9999", "max", "> 1 ms"
    );
    run::<OrdinaryPages>(items);
    run::<DynamiDb>(items);
    run::<Populated>(items);
    run::<Map>(items);
    storm(items);
    noise(items);
}
