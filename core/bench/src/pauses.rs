//! The longest single operations while a cache fills from empty and then churns: processor time of
//! this thread, so that what the machine gives to others does not count.

use rustix::time::{ClockId, clock_gettime};

use crate::engines::{DynamiDb, Engine, KEY, OrdinaryPages, VALUE, key, value};

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
    println!("{name:<16}{phase:<8}{}", cells.concat());
}

pub fn print(items: usize) {
    println!("{items} items, microseconds");
    println!(
        "{:<20}{:>10}{:>10}{:>10}{:>12}",
        "", "p50", "p99.9", "p99.99", "max"
    );
    run::<OrdinaryPages>(items);
    run::<DynamiDb>(items);
    run::<Map>(items);
    noise(items);
}
