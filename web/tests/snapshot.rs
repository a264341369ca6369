//! Snapshots that are opened in pieces.

use dynamidb_core::snapshot::Clocks;
use dynamidb_core::{Cache, Config, Instant};
use dynamidb_web::Opening;
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const ITEMS: u32 = 20_000;

fn snapshot() -> Vec<u8> {
    let mut cache = Cache::new(Config::new(16 << 20)).expect("the memory is enough");
    let now = Instant::from_secs(100);
    for number in 0..ITEMS {
        let stored = cache.set(now, number.to_string().as_bytes(), "a value");
        stored.expect("there is room");
    }
    let mut save = cache.save(Clocks::new(now));
    let (mut buffer, mut file) = (vec![0; 16 << 10], Vec::new());
    while let piece @ [_, ..] = save.next(&mut buffer).expect("the buffer is large enough") {
        file.extend_from_slice(piece);
    }
    file
}

#[wasm_bindgen_test]
fn a_snapshot_is_restored_block_by_block() {
    let mut opening = Opening::new(snapshot(), 1e12).expect("a snapshot");
    let mut blocks = 0;
    while opening.restore(1).expect("it is not damaged") == 1 {
        blocks += 1;
    }
    assert!(blocks > 10, "{blocks}");
    assert_eq!(opening.restore(5).ok(), Some(0), "nothing is left");
    let playground = opening.finish().expect("it is complete");
    assert_eq!(playground.cache().len(), ITEMS as usize);
    assert_eq!(playground.record(), None, "it cannot be replayed");
}

#[wasm_bindgen_test]
fn a_snapshot_that_is_not_restored_to_its_end_cannot_be_finished() {
    let mut opening = Opening::new(snapshot(), 1e12).expect("a snapshot");
    assert_eq!(opening.restore(5).ok(), Some(5));
    assert!(opening.finish().is_err());
}
