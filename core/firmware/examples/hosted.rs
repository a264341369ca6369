//! The same as on devices where there is an operating system: under WASI, that is as WebAssembly.

use dynamidb_core::Cache;
use dynamidb_core_firmware::{readings, talk};

fn main() {
    let mut lent = vec![0; readings::MEMORY];
    let cache = Cache::with_memory(readings::config(), &mut lent[..]);
    let outcome = readings::play(&mut cache.expect("a configuration that works"));
    println!("{outcome}");
    assert_eq!(outcome.to_string(), env!("OUTCOME"), "as on the host");

    let talk = talk::play(&mut vec![0; talk::MEMORY]);
    println!("{talk}");
    assert_eq!(talk, env!("TALK"), "as on the host");
}
