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
    /// The times of each kind of operation, one per round.
    times: [Vec<f64>; 4],
    hits: usize,
    gets: usize,
}

trait Contestant {
    fn name(&self) -> &'static str;
    /// Gets and overwrites of keys that are held.
    fn use_held(&mut self, seed: u64);
    /// Sets new keys, each of which pushes another out.
    fn push_out(&mut self);
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
            times: [const { Vec::new() }; 4],
            hits: 0,
            gets: 0,
        }
    }
}

impl<E: Engine> Contestant for Timed<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn use_held(&mut self, seed: u64) {
        let Self { engine, items, .. } = self;
        let mut output = [0; VALUE];
        let numbers = 0..OPERATIONS as u64;
        let keys: Vec<_> = numbers.map(|at| key(mix(seed ^ at) % *items)).collect();
        let mut hits = 0;
        self.times[0].push(time(|| {
            for key in &keys {
                hits += usize::from(engine.get(key, &mut output));
                black_box(&output);
            }
        }));
        self.times[1].push(time(|| {
            for keys in keys.as_chunks().0 {
                hits += engine.get_batch(keys, &mut output);
                black_box(&output);
            }
        }));
        self.times[2].push(time(|| {
            for key in &keys {
                engine.set(key, &value(seed));
            }
        }));
        self.hits += hits;
        self.gets += 2 * OPERATIONS;
    }

    fn push_out(&mut self) {
        let numbers = self.next..self.next + OPERATIONS as u64;
        let keys: Vec<_> = numbers.map(key).collect();
        self.times[3].push(time(|| {
            for key in &keys {
                self.engine.set(key, &value(0));
            }
        }));
        self.next += OPERATIONS as u64;
    }

    fn hit_ratio(&self) -> f64 {
        self.hits as f64 / self.gets as f64
    }

    fn medians(&self) -> [f64; 4] {
        self.times.each_ref().map(|times| {
            let mut times = times.clone();
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
                engine.use_held(mix(round as u64) << 32);
            }
        }
        for _ in 0..ROUNDS {
            for engine in &mut all {
                engine.push_out();
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
