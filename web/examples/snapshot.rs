//! Writes a snapshot with a few items to the standard output, for the tests of the page:
//! `cargo run -p dynamidb-web --example snapshot > items.dynamidb`

use std::io::{Write as _, stdout};

use dynamidb_core::snapshot::Clocks;
use dynamidb_core::{Cache, Config, Instant};

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut cache = Cache::new(Config::new(1 << 20))?;
    for (second, key) in (100..).zip(["oldest", "middle", "newest"]) {
        cache.set(Instant::from_secs(second), key, "a value")?;
    }
    let mut save = cache.save(Clocks::new(Instant::from_secs(200)));
    let mut buffer = [0; 4096];
    while let piece @ [_, ..] = save.next(&mut buffer)? {
        stdout().write_all(piece)?;
    }
    Ok(())
}
