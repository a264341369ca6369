//! The work of the devices on a platform with an operating system: under WASI, as WebAssembly.

use dynamidb_core::Cache;
use dynamidb_core_firmware::{readings, replay};

fn main() {
    let mut memory = vec![0; readings::MEMORY];
    let cache = Cache::with_memory(readings::config(), &mut memory[..]);
    let outcome = readings::play(&mut cache.expect("the configuration is valid"));
    println!("{outcome}");
    assert_eq!(
        outcome.to_string(),
        env!("READINGS_OUTCOME"),
        "differs from the host"
    );

    let outcome = replay::play(&mut vec![0; replay::MEMORY]);
    println!("{outcome}");
    assert_eq!(outcome, env!("REPLAY_OUTCOME"), "differs from the host");
}
