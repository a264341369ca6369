//! Resident bytes per item of each cache, from the system: index, bookkeeping, what the allocator
//! rounds up and what a map has grown beyond. Each is measured in a separate process.

use std::process::Command;

use crate::engines::{
    BoxedLru, BoxedMiniMoka, BoxedMoka, BoxedQuickCache, Engine, OrdinaryPages, SchnelLru, key,
    value,
};

/// Fills a cache of this name, and prints how much more memory is resident than before.
pub fn print_one(name: &str, items: usize) {
    fn fill<E: Engine>(name: &str, items: usize) {
        if name != E::NAME {
            return;
        }
        let before = resident();
        let mut engine = E::new(items);
        for number in 0..items as u64 {
            engine.set(&key(number), &value(number));
        }
        engine.finish();
        println!("{}", (resident() - before) as f64 / items as f64);
        // So that nothing of it is freed before.
        drop(engine);
    }
    fill::<OrdinaryPages>(name, items);
    fill::<BoxedLru>(name, items);
    fill::<SchnelLru>(name, items);
    fill::<BoxedQuickCache>(name, items);
    fill::<BoxedMoka>(name, items);
    fill::<BoxedMiniMoka>(name, items);
}

pub fn print(items: usize) {
    println!("{items} items of 16 + 64 bytes: resident bytes of each");
    let program = std::env::current_exe().expect("this program");
    for name in [
        OrdinaryPages::NAME,
        BoxedLru::NAME,
        SchnelLru::NAME,
        BoxedQuickCache::NAME,
        BoxedMoka::NAME,
        BoxedMiniMoka::NAME,
    ] {
        let items = items.to_string();
        let output = Command::new(&program)
            .args(["resident", &items, name])
            .output()
            .expect("this program runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let bytes: f64 = text.trim().parse().expect("a number of bytes");
        println!("{name:<22}{bytes:>8.0}");
    }
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|word| word.parse().ok());
    let pages: usize = pages.expect("a number of pages");
    pages * 4096
}
