//! Scenarios: a record can be parsed, and its replay leads to the same state.

use dynamidb_web::{Load, Playground, Policy, Scenario, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const NOW: u64 = 1_700_000_000_000;

fn parse_error(lines: &str) -> String {
    Scenario::parse(&format!("dynamidb scenario 1\n{lines}")).expect_err("it is invalid")
}

#[wasm_bindgen_test]
fn a_replayed_record_leads_to_the_same_state_and_the_same_record() {
    let mut settings = Settings::new(100_000);
    settings.max_items = Some(300);
    settings.slab_sizes = vec![48, 96, 480];
    settings.item_size_max = 9000;
    settings.policy = Policy::S3Lru;
    let mut playground =
        Playground::with_settings(&settings, u128::MAX - 1, NOW).expect("the settings are valid");
    playground.send(0, "SET cl\u{e9} 3 2\r\n".as_bytes());
    playground.send(0, b"\xFF\0\r\n");
    playground.send(1, b"get a\nhalf");
    playground.advance(1500.0);
    playground.disconnect(1);
    playground.advance(86_400_000.0);
    playground.advance(86_400_000.0);
    let mut load = Load::new();
    load.ttl = 10;
    playground.begin_load(&load, None);
    for _ in 0..7 {
        playground.run_load(300);
    }
    playground.advance(10.0);
    playground.run_load(300);
    playground.set_clock((NOW - 5) as f64);
    playground.send(1, b"set x 0 0 1\r\n");
    let record = playground.record().expect("it is short");
    let scenario = Scenario::parse(&record).expect("a record can be parsed");
    let replayed = scenario.replay().expect("the settings are valid");
    assert_eq!(replayed.digest(), playground.digest());
    assert_eq!(replayed.record(), Some(record));
}

#[wasm_bindgen_test]
fn a_session_that_is_too_long_is_not_recorded() {
    let settings = Settings::new(1 << 20);
    let mut playground =
        Playground::with_settings(&settings, 0, NOW).expect("the settings are valid");
    let message = vec![b'x'; 100_000];
    for _ in 0..50 {
        playground.send(0, &message);
        playground.disconnect(0);
    }
    assert_eq!(playground.record(), None);
}

#[wasm_bindgen_test]
fn a_scenario_keeps_the_digest_of_its_end() {
    let text = "dynamidb scenario 1\nA: SET a 0 1\nA: x\n";
    let scenario = Scenario::parse(text).expect("it is valid");
    assert_eq!(scenario.digest(), None);
    let digest = scenario.replay().expect("it is valid").digest();
    let scenario = Scenario::parse(&format!("{text}digest {digest}\n")).expect("it is valid");
    assert_eq!(scenario.digest(), Some(digest.clone()));
    assert_eq!(scenario.replay().expect("it is valid").digest(), digest);
    let zeros = Scenario::parse(&format!("{text}digest 000000000000000f")).expect("it is valid");
    assert_eq!(zeros.digest().as_deref(), Some("000000000000000f"));
}

#[wasm_bindgen_test]
fn consecutive_note_lines_are_one_note() {
    let text = "dynamidb scenario 1\r\ntitle T\n# one\n# two\nA: GET a\n#three\n\n# four\n";
    let scenario = Scenario::parse(text).expect("it is valid");
    assert_eq!((scenario.title(), scenario.length()), ("T".to_owned(), 4));
    assert_eq!(scenario.bytes(0), b"one two");
    assert_eq!(scenario.bytes(1), b"GET a\r\n");
    assert_eq!((scenario.kind(1), scenario.kind(2)), (1, 0));
}

#[wasm_bindgen_test]
fn errors_name_the_line_and_the_reason() {
    let foreign = Scenario::parse("<html>").expect_err("it is no scenario");
    assert_eq!(foreign, "This is not a DynamiDB scenario.");
    let newer = Scenario::parse("dynamidb scenario 2\n").expect_err("it is a newer version");
    assert!(newer.contains("version"));
    for (lines, message) in [
        (
            "memory much",
            "Line 2 of the scenario: “much” is not a number.",
        ),
        ("memory 999999999", "is not from 0 to 268435456"),
        ("wait 86400001", "is not from 0 to 86400000"),
        ("jump 9007199254740992", "is too far away"),
        ("jump x", "“x” is not a number"),
        ("A= 0", "pairs of hexadecimal digits"),
        ("A= \u{e9}", "pairs of hexadecimal digits"),
        ("a: get x", "“a” is unknown"),
        ("AA: get x", "“AA” is unknown"),
        ("load keys=0", "0 is not from 1 to"),
        (
            "load size-min=9 size-max=8",
            "size-min, the smallest value, must not be more than size-max",
        ),
        ("load colour=1", "“colour” is unknown"),
        ("dialect klingon", "“klingon” is unknown"),
        ("seed xyz", "the seed is not hexadecimal"),
        ("digest xyz", "the digest is not 16 hexadecimal digits"),
        (
            "digest 10000000000000000",
            "the digest is not 16 hexadecimal digits",
        ),
        (
            "A: get x\nmemory 65536",
            "Line 3 of the scenario: “memory” is unknown.",
        ),
        ("nonsense", "“nonsense” is unknown"),
    ] {
        let error = parse_error(lines);
        assert!(error.contains(message), "{lines}: {error}");
    }
}
