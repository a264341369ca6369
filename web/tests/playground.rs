//! The playground's functions other than the protocol.

use dynamidb_web::{Load, Playground, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const NOW: u64 = 1_700_000_000_000;
const A: u32 = 0;
const B: u32 = 1;

fn playground() -> Playground {
    Playground::with_settings(&Settings::new(1 << 20), 7, NOW).expect("a megabyte is enough")
}

#[wasm_bindgen_test]
fn clients_share_the_cache_and_nothing_else() {
    let mut playground = playground();
    assert_eq!(playground.send(A, b"SET k 0 5\r\nhel"), b"");
    assert_eq!(playground.send(B, b"GET k\r\n"), b"END\r\n");
    assert_eq!((playground.pending(A), playground.pending(B)), (14, 0));
    assert_eq!(playground.send(A, b"lo\r\n"), b"STORED\r\n");
    let reply = playground.send(B, b"GET k\r\n");
    assert_eq!(reply, b"VALUE k 5\r\nhello\r\nEND\r\n");
    assert_eq!(playground.pending(A), 0);
}

#[wasm_bindgen_test]
fn debug_output_shows_neither_the_seed_nor_client_input() {
    let debug_output = |seed, message: &[u8]| {
        let mut playground = Playground::with_settings(&Settings::new(1 << 20), seed, NOW)
            .expect("a megabyte is enough");
        playground.send(A, message);
        format!("{playground:?}")
    };
    assert_eq!(
        debug_output(1, b"SET k 0 9\r\nsecret"),
        debug_output(2, b"")
    );
}

#[wasm_bindgen_test]
fn disconnect_discards_the_incomplete_request_and_allows_reconnecting() {
    let mut playground = playground();
    playground.send(A, b"SET k 0 5\r\nhel");
    playground.disconnect(A);
    assert!(!playground.is_connected(A));
    assert_eq!(playground.send(A, b"GET k\r\n"), b"END\r\n");
    let rest_is_ignored = playground.send(A, b"QUIT\r\nSET k 0 1\r\nx\r\n");
    assert_eq!(rest_is_ignored, b"BYE\r\n");
    assert!(!playground.is_connected(A) && playground.pending(A) == 0);
    assert_eq!(playground.send(A, b"GET k\r\n"), b"END\r\n");
}

#[wasm_bindgen_test]
fn maintenance_reclaims_expired_items_without_a_request() {
    let mut playground = playground();
    playground.send(A, b"SET k 1 1\r\nx\r\n");
    assert_eq!(playground.next_expiry(), Some((NOW + 1000) as f64));
    playground.advance(999.0);
    assert_eq!(playground.stats()[0], 1.0);
    playground.advance(1000.0);
    assert_eq!(playground.stats()[0], 0.0);
    assert_eq!(playground.removals()[0], 3, "expired, found by maintenance");
    assert_eq!(playground.removal_keys(), b"k");
    assert_eq!(playground.clear_removals(), 0.0);
    assert!(playground.removals().is_empty());
}

#[wasm_bindgen_test]
fn advancing_in_any_steps_leads_to_the_same_state() {
    let run = |step: f64| {
        let mut playground = playground();
        for second in 0..20 {
            let set = format!("SET k{second} {} 1\r\nx\r\n", second % 7 + 1);
            playground.send(A, set.as_bytes());
            for _ in 0..(1000.0 / step) as u32 {
                playground.advance(step);
            }
        }
        (playground.digest(), playground.record())
    };
    assert_eq!(run(1.0), run(1000.0));
    assert_eq!(run(8.0), run(500.0));
}

#[wasm_bindgen_test]
fn a_load_in_any_slices_leads_to_the_same_state() {
    let run = |slice: u32| {
        let mut playground = playground();
        let mut load = Load::new();
        (load.ttl, load.seed) = (5, 3);
        playground.begin_load(&load, None);
        for _ in 0..20_000 / slice {
            assert_eq!(playground.run_load(slice), slice);
        }
        (playground.digest(), playground.record(), playground.stats())
    };
    let whole = run(20_000);
    assert_eq!(whole, run(1000));
    assert_eq!(
        whole.2[4] + whole.2[6] - (whole.2[4] - whole.2[5]),
        20_000.0
    );
}

#[wasm_bindgen_test]
fn a_load_from_a_key_file_ends_with_the_file() {
    let mut playground = playground();
    let load = Load::new();
    let lines = b"a\nb\na\n".to_vec();
    playground.begin_load(&load, Some(lines));
    assert_eq!(playground.run_load(100), 3);
    assert!(playground.locate(b"a").is_some() && playground.locate(b"b").is_some());
    assert_eq!(playground.record(), None, "a key file cannot be recorded");
}

#[wasm_bindgen_test]
fn a_snapshot_has_every_chunk_with_its_item() {
    let mut playground = playground();
    playground.send(A, b"set small 0 0 5\r\nhello\r\n");
    let large = [b"set large 0 9 5000\r\n".as_slice(), &[b'x'; 5000], b"\r\n"].concat();
    playground.send(A, &large);
    let snapshot = playground.snapshot(10);
    let (pages, rest) = snapshot[3..].split_at(snapshot[0] as usize);
    let (items, cells) = rest.split_at(snapshot[1] as usize);
    let large = playground.locate(b"large").expect("it was stored");
    assert_eq!(
        (items[0], items[1], items[2], items[8]),
        (large, 5000, 5, items[8])
    );
    let chunks_of = |item: u32| {
        cells
            .iter()
            .filter(|&&cell| cell & 0x7F_FFFF == item)
            .count()
    };
    assert_eq!((chunks_of(1), chunks_of(2)), (items[7] as usize, 1));
    assert_eq!(
        (cells.len(), snapshot[2]),
        (snapshot[2] as usize, cells.len() as u32)
    );
    let used: u32 = pages
        .chunks(7)
        .filter(|page| page[0] == 4)
        .map(|page| page[3])
        .sum();
    assert_eq!(used, items[7] + 1);
    assert_eq!(playground.snapshot(1)[1..3], [8, 0]);
    playground.send(A, b"set last 0 0 1\r\nx\r\n");
    let small = playground.locate(b"small").expect("it was stored");
    let ends = playground.snapshot(2);
    let (newest, oldest) = (3 + ends[0] as usize, 11 + ends[0] as usize);
    assert_eq!((ends[newest + 2], ends[oldest + 2]), (4, 5), "last, small");
    assert_eq!((ends[oldest], ends[1], ends[2]), (small, 16, 0));

    let bytes = playground.chunk_bytes(large);
    let chunks = playground.chunks(large);
    let sizes: u32 = chunks.chunks(7).map(|chunk| chunk[3]).sum();
    assert_eq!((bytes.len() as u32, sizes), (items[6], items[6]));
    let names = playground.field_names(large);
    assert_eq!(names.len() * 3, playground.fields(large).len());
    assert_eq!(playground.key_at(large), b"large");
    assert_eq!(playground.inspect(large)[4], (NOW + 9000) as f64);
    assert!(playground.inspect(large + 1).is_empty());
}

#[wasm_bindgen_test]
fn touched_lists_the_items_of_the_last_message() {
    let mut playground = playground();
    playground.send(A, b"set a 0 0 1\r\nx\r\n");
    let a = playground.locate(b"a").expect("it was stored");
    playground.send(A, b"get a b a\r\n");
    assert_eq!(playground.touched(), [a, u32::MAX, a]);
    playground.send(A, b"version\r\n");
    assert!(playground.touched().is_empty());
}

#[wasm_bindgen_test]
fn replies_longer_than_the_output_limit_are_complete() {
    let mut playground = playground();
    let set = [b"SET k 0 50000\r\n".as_slice(), &[b'x'; 50_000]].concat();
    playground.send(A, &set);
    let reply = playground.send(A, b"\r\nget k k k k\r\n");
    assert_eq!(
        reply.len(),
        "STORED\r\nEND\r\n".len() + 4 * (50_000 + "VALUE k 0 50000\r\n\r\n".len())
    );
}

#[wasm_bindgen_test]
fn invalid_settings_are_rejected() {
    assert!(Playground::with_settings(&Settings::new(100), 0, NOW).is_err());
    let mut settings = Settings::new(1 << 20);
    settings.slab_sizes = vec![128, 64];
    assert!(Playground::with_settings(&settings, 0, NOW).is_err());
}

#[wasm_bindgen_test]
fn invalid_times_do_no_harm() {
    let mut playground = playground();
    for time in [f64::NAN, -1.0, f64::INFINITY, 0.0, 1e300] {
        playground.set_clock(time);
        playground.advance(time);
        assert_eq!(playground.send(A, b"GET k\r\n"), b"END\r\n");
    }
}

#[wasm_bindgen_test]
fn the_feed_has_the_last_requests_of_the_load_with_what_they_evicted() {
    let mut playground =
        Playground::with_settings(&Settings::new(32 << 10), 7, NOW).expect("32 KiB are enough");
    let mut load = Load::new();
    (load.keys, load.scan, load.reads) = (5000, 1, 100);
    playground.begin_load(&load, None);
    playground.run_load(2000);
    // The page empties the removal log after each call; a full one has no room for what follows.
    playground.clear_removals();
    playground.run_load(20);
    let numbers = playground.feed();
    let keys = playground.feed_keys();
    let requests: Vec<_> = numbers.chunks(5).collect();
    assert_eq!(requests.len(), 16, "no more than can be read");
    let mut at = 0;
    let mut evictions = 0;
    for request in requests {
        let &[outcome, position, size, key, evicted] = request else {
            panic!("five numbers each")
        };
        assert!(keys[at..].starts_with(b"key:"), "{outcome}");
        assert_eq!(
            (outcome, size > 0),
            (1, true),
            "every key misses and is stored"
        );
        let stored = playground.key_at(position);
        assert!(stored.is_empty() || stored == keys[at..at + key as usize]);
        at += (key + evicted) as usize;
        evictions += u32::from(evicted > 0);
    }
    assert_eq!(at, keys.len());
    assert!(evictions > 0, "the cache is full");
    playground.clear_feed();
    assert_eq!(playground.feed(), [0; 0]);
}

#[wasm_bindgen_test]
fn a_scan_asks_for_one_key_after_the_other_from_the_first_on() {
    let mut playground = playground();
    let mut load = Load::new();
    (load.keys, load.scan, load.first) = (3, 1, 1000);
    playground.begin_load(&load, None);
    playground.run_load(4);
    let keys = playground.feed_keys();
    assert_eq!(keys, b"key:1001key:1002key:1003key:1001");
}

#[wasm_bindgen_test]
fn the_wheel_says_in_which_slot_each_page_is() {
    let mut playground = playground();
    playground.send(A, b"SET k 30 1\r\nx\r\n");
    let wheel = playground.wheel();
    let (slots, pages) = (&wheel[..256], &wheel[260..]);
    let filled: Vec<_> = (0..256_u32)
        .filter(|&slot| slots[slot as usize] > 0)
        .collect();
    let of_pages: Vec<_> = pages
        .iter()
        .copied()
        .filter(|&slot| slot != u32::MAX)
        .collect();
    assert_eq!((filled.len(), filled), (1, of_pages));
}
