//! The longest single operations while a cache fills from empty and then churns.

use std::time::Instant;

use crate::engines::{DynamiDb, Engine, KEY, VALUE, key, value};

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
            let start = Instant::now();
            engine.set(&key, &value);
            times.push(start.elapsed().as_nanos() as u32);
        }
        times.sort_unstable();
        let at = |share: f64| f64::from(times[((times.len() - 1) as f64 * share) as usize]) / 1e3;
        println!(
            "{:<12}{phase:<8}{:>10.2}{:>10.2}{:>10.2}{:>12.2}",
            E::NAME,
            at(0.5),
            at(0.999),
            at(0.9999),
            at(1.0)
        );
    }
}

/// The same loop with no work in it: what the machine itself takes away.
fn noise(items: usize) {
    let mut longest = 0;
    let mut last = Instant::now();
    for number in 0..items as u64 {
        std::hint::black_box(key(number));
        let now = Instant::now();
        longest = longest.max((now - last).as_nanos());
        last = now;
    }
    println!("{:<50}{:>12.2}", "no work at all", longest as f64 / 1e3);
}

pub fn print(items: usize) {
    println!("{items} items, microseconds");
    println!(
        "{:<20}{:>10}{:>10}{:>10}{:>12}",
        "", "p50", "p99.9", "p99.99", "max"
    );
    run::<DynamiDb>(items);
    run::<Map>(items);
    noise(items);
}
