//! Nanoseconds per operation: rounds of all engines in turn, medians, ratios to ours.

use std::hint::black_box;
use std::time::Instant;

use crate::engines::{BoxedLru, DynamiDb, Engine, Moka, QuickCache, SchnelLru, VALUE, key, value};
use crate::mix;

const ROUNDS: usize = 5;
const OPERATIONS: usize = 500_000;
const KINDS: [&str; 4] = ["get", "16 gets", "overwrite", "set+evict"];
/// moka is left out above this: filling it takes minutes.
const MOKA_MAX: usize = 1_000_000;

struct Timed<E> {
    engine: E,
    items: u64,
    next: u64,
    rounds: Vec<[f64; 4]>,
    hits: f64,
}

trait Contestant {
    fn name(&self) -> &'static str;
    fn round(&mut self, seed: u64);
    fn medians(&self) -> [f64; 4];
    fn hit_ratio(&self) -> f64;
}

impl<E: Engine> Timed<E> {
    fn new(items: usize) -> Self {
        let mut engine = E::new(items);
        for number in 0..items as u64 {
            engine.set(&key(number), &value(number));
        }
        Self {
            engine,
            items: items as u64,
            next: items as u64,
            rounds: Vec::new(),
            hits: 0.0,
        }
    }

    /// One of the keys that were set last.
    fn held(&self, random: u64) -> [u8; 16] {
        key(self.next - 1 - mix(random) % self.items)
    }
}

impl<E: Engine> Contestant for Timed<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn round(&mut self, seed: u64) {
        let mut output = [0; VALUE];
        let mut result = [0.0; 4];
        let keys: Vec<_> = (0..OPERATIONS as u64)
            .map(|at| self.held(seed ^ at))
            .collect();
        let mut hits = 0;
        result[0] = time(|| {
            for key in &keys {
                hits += usize::from(self.engine.get(key, &mut output));
                black_box(&output);
            }
        });
        result[1] = time(|| {
            for keys in keys.as_chunks().0 {
                hits += self.engine.get_batch(keys, &mut output);
                black_box(&output);
            }
        });
        result[2] = time(|| {
            for key in &keys {
                self.engine.set(key, &value(seed));
            }
        });
        let first = self.next;
        let fresh: Vec<_> = (0..OPERATIONS as u64).map(|at| key(first + at)).collect();
        result[3] = time(|| {
            for key in &fresh {
                self.engine.set(key, &value(seed));
            }
        });
        self.next += OPERATIONS as u64;
        self.hits += hits as f64 / (2 * OPERATIONS) as f64;
        self.rounds.push(result);
    }

    fn hit_ratio(&self) -> f64 {
        self.hits / self.rounds.len() as f64
    }

    fn medians(&self) -> [f64; 4] {
        core::array::from_fn(|kind| {
            let mut times: Vec<f64> = self.rounds.iter().map(|round| round[kind]).collect();
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
    }
}

fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / OPERATIONS as f64
}

pub fn print(sizes: &[usize]) {
    println!("16-byte keys, 64-byte values, ns per operation (and the ratio of ours to it)");
    for &items in sizes {
        let mut all: Vec<Box<dyn Contestant>> = vec![
            Box::new(Timed::<DynamiDb>::new(items)),
            Box::new(Timed::<BoxedLru>::new(items)),
            Box::new(Timed::<SchnelLru>::new(items)),
            Box::new(Timed::<QuickCache>::new(items)),
        ];
        if items <= MOKA_MAX {
            all.push(Box::new(Timed::<Moka>::new(items)));
        }
        for round in 0..ROUNDS {
            for engine in &mut all {
                engine.round(mix(round as u64) << 32);
            }
        }
        let head = KINDS.map(|kind| format!("{kind:>16}")).concat();
        println!(
            "\n{:<22}{head}{:>14}",
            format!("{items} items"),
            "hit ratio"
        );
        let ours = all[0].medians();
        for engine in &all {
            let cells = engine.medians();
            let cell = |at: usize| format!("{:>9.0} ({:.2})", cells[at], ours[at] / cells[at]);
            let cells = (0..4).map(cell);
            let hits = format!("{:>14.3}", engine.hit_ratio());
            println!(
                "{:<22}{}{hits}",
                engine.name(),
                cells.collect::<Vec<_>>().concat()
            );
        }
        println!("our batch to our single get: {:.2}", ours[1] / ours[0]);
    }
}
