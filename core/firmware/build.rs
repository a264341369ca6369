//! Gives each program its memory, and what the host comes to when it does the same.

extern crate alloc;

#[path = "src/readings.rs"]
mod readings;
#[path = "src/talk.rs"]
mod talk;

use std::env;

use dynamidb_core::Cache;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    for (program, memory) in [
        ("conversations", "large"),
        ("device", "small"),
        ("footprint", "small"),
        ("held", "large"),
        ("worst", "small"),
    ] {
        println!("cargo::rustc-link-arg-bin={program}=-L{here}/memory/{memory}");
    }
    for source in [
        "memory",
        "src/readings.rs",
        "src/talk.rs",
        "../tests/conversations",
    ] {
        println!("cargo::rerun-if-changed={source}");
    }

    let mut memory = vec![0; readings::MEMORY];
    let mut cache = Cache::with_memory(readings::config(), &mut memory[..])
        .expect("a configuration that works");
    let outcome = readings::play(&mut cache);
    println!("cargo::rustc-env=OUTCOME={outcome}");
    let talk = talk::play(&mut vec![0; talk::MEMORY]);
    println!("cargo::rustc-env=TALK={talk}");
}
