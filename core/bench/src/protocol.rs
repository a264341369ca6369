//! Nanoseconds per pipelined request, from bytes in to bytes out, above what the engine takes for
//! the same lookups and stores without a protocol. Rounds of all kinds in turn, medians.

use std::hint::black_box;
use std::time::Instant as Clock;

use dynamidb_core::{Cache, Config, Instant, Key, Session, SessionConfig};

use crate::mix;

const ROUNDS: usize = 21;
/// Requests in one round, and how many are sent at once.
const REQUESTS: usize = 160_000;
const PIPELINE: usize = 16;
const VALUE: [u8; 64] = [b'v'; 64];
const NOW: Instant = Instant::from_secs(1_700_000_000);

/// What is said for each key, and whether the engine's share is a lookup or a store.
const KINDS: [(&str, &str, bool); 6] = [
    ("get", "get {k}\r\n", false),
    ("GET", "GET {k}\r\n", false),
    ("mg v", "mg {k} v\r\n", false),
    ("mg with 5 flags", "mg {k} s v f t k\r\n", false),
    ("set", "set {k} 0 0 64\r\n{v}\r\n", true),
    ("ms with 2 flags", "ms {k} 64 T0 F0\r\n{v}\r\n", true),
];

struct Bench {
    cache: Cache,
    session: Session,
    output: Vec<u8>,
    keys: Vec<String>,
}

impl Bench {
    fn new(items: usize) -> Self {
        let keys: Vec<_> = (0..items)
            .map(|number| format!("key-{number:012}"))
            .collect();
        let mut cache = Cache::new(Config::new((items * 256).max(1 << 20))).expect("a sound one");
        for key in &keys {
            cache.set(NOW, key.as_str(), &VALUE).expect("there is room");
        }
        Self {
            cache,
            session: Session::new(SessionConfig::default()),
            output: Vec::with_capacity(1 << 16),
            keys,
        }
    }

    /// The numbers of the keys that one round asks for.
    fn numbers(&self, round: usize) -> Vec<usize> {
        let number = |at| mix((round * REQUESTS + at) as u64) as usize % self.keys.len();
        (0..REQUESTS).map(number).collect()
    }

    /// The engine alone, sixteen keys at a time as a session does it.
    fn engine(&mut self, round: usize, stores: bool) -> f64 {
        let numbers = self.numbers(round);
        let hasher = *self.cache.hasher();
        let start = Clock::now();
        for numbers in numbers.chunks_exact(PIPELINE) {
            let mut keys = [Key::from(b"k"); PIPELINE];
            for (key, &number) in keys.iter_mut().zip(numbers) {
                *key = hasher.key(self.keys[number].as_bytes());
            }
            self.cache.prefetch(&keys);
            for key in keys {
                if stores {
                    self.cache.set(NOW, key, &VALUE).expect("there is room");
                } else {
                    black_box(self.cache.get(NOW, key));
                }
            }
        }
        start.elapsed().as_nanos() as f64 / REQUESTS as f64
    }

    /// The same by requests of this form.
    fn requests(&mut self, round: usize, form: &str) -> f64 {
        let form = form.replace("{v}", str::from_utf8(&VALUE).expect("it is text"));
        let said: Vec<String> = self
            .numbers(round)
            .chunks_exact(PIPELINE)
            .map(|numbers| {
                let request = |&number: &usize| form.replace("{k}", &self.keys[number]);
                numbers.iter().map(request).collect()
            })
            .collect();
        let start = Clock::now();
        for said in &said {
            self.output.clear();
            let (cache, output) = (&mut self.cache, &mut self.output);
            let used = self.session.process(NOW, said.as_bytes(), cache, output);
            assert_eq!(used, said.len());
            black_box(&self.output);
        }
        start.elapsed().as_nanos() as f64 / REQUESTS as f64
    }
}

pub fn print(items: usize) {
    let mut bench = Bench::new(items);
    let mut times = [const { (Vec::new(), Vec::new()) }; KINDS.len()];
    for round in 0..ROUNDS {
        for ((engine, requests), (_, form, stores)) in times.iter_mut().zip(KINDS) {
            engine.push(bench.engine(round, stores));
            requests.push(bench.requests(round, form));
        }
    }
    println!("16-byte keys, 64-byte values, {items} items, {PIPELINE} requests at once, ns each\n");
    println!("{:<18}{:>10}{:>10}{:>10}", "", "request", "engine", "above");
    for ((engine, requests), (name, ..)) in times.iter_mut().zip(KINDS) {
        let (engine, requests) = (median(engine), median(requests));
        println!(
            "{name:<18}{requests:>10.0}{engine:>10.0}{:>10.0}",
            requests - engine
        );
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
