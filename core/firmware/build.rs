//! Sets each program's memory layout, and the outcomes of the same work on the host.

extern crate alloc;

#[path = "src/readings.rs"]
mod readings;
#[path = "src/replay.rs"]
mod replay;

use std::env;

use dynamidb_core::Cache;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    for (program, memory) in [
        ("capacity", "large"),
        ("conversations", "large"),
        ("device", "small"),
        ("footprint", "small"),
        ("embassy", "small"),
        ("interrupt", "small"),
        ("worst", "small"),
    ] {
        println!("cargo::rustc-link-arg-bin={program}=-L{here}/memory/{memory}");
    }
    for source in [
        "memory",
        "src/readings.rs",
        "src/replay.rs",
        "../tests/conversations",
    ] {
        println!("cargo::rerun-if-changed={source}");
    }

    let mut memory = vec![0; readings::MEMORY];
    let mut cache = Cache::with_memory(readings::config(), &mut memory[..])
        .expect("the configuration is valid");
    let readings_outcome = readings::play(&mut cache);
    println!("cargo::rustc-env=READINGS_OUTCOME={readings_outcome}");
    let replay_outcome = replay::play(&mut vec![0; replay::MEMORY]);
    println!("cargo::rustc-env=REPLAY_OUTCOME={replay_outcome}");
}
