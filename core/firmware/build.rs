//! Gives each program its memory, and the device what the host makes of the same readings.

#[path = "src/readings.rs"]
mod readings;

use std::env;

use dynamidb_core::Cache;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    for (program, memory) in [
        ("conversations", "large"),
        ("device", "small"),
        ("footprint", "small"),
        ("held", "large"),
    ] {
        println!("cargo::rustc-link-arg-bin={program}=-L{here}/memory/{memory}");
    }
    println!("cargo::rerun-if-changed=memory");
    println!("cargo::rerun-if-changed=src/readings.rs");

    let mut memory = vec![0; readings::MEMORY];
    let mut cache = Cache::with_memory(readings::config(), &mut memory[..])
        .expect("a configuration that works");
    let outcome = readings::play(&mut cache);
    println!("cargo::rustc-env=OUTCOME={outcome}");
}
