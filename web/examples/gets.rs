//! Measures gets per second natively, with the load that the page measures itself with: 100,000
//! keys with values of 64 bytes, all of them hits.

use std::time::Instant;

use dynamidb_web::{Load, Playground, Settings};

const KEYS: u32 = 100_000;
const GETS: u32 = 1_000_000;

fn main() {
    let settings = Settings::new(32 << 20);
    let mut playground =
        Playground::with_settings(&settings, 1, 0).expect("the settings are valid");
    let mut load = Load::new();
    (load.keys, load.skew) = (KEYS, 0);
    (load.size_min, load.size_max) = (64, 64);
    (load.rate, load.reads) = (1_000_000, 0);
    playground.begin_load(&load, None);
    playground.run_load(5 * KEYS);
    load.reads = 100;
    playground.begin_load(&load, None);
    let start = Instant::now();
    playground.run_load(GETS);
    let rate = f64::from(GETS) / start.elapsed().as_secs_f64();
    println!("{rate:.0}");
}
