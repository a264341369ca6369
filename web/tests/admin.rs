//! The server's commands for operators, in the page.

use dynamidb_web::{Dialect, Load, Playground, Settings};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(feature = "browser")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

const NOW: u64 = 1_700_000_000_000;

fn playground(settings: &Settings) -> Playground {
    Playground::with_settings(settings, 7, NOW).expect("the settings are valid")
}

fn reply(playground: &mut Playground, line: &str) -> String {
    let reply = playground.send(0, format!("{line}\r\n").as_bytes());
    String::from_utf8(reply).expect("admin commands reply with text")
}

#[wasm_bindgen_test]
fn unknown_words_are_errors_and_prefixes_mean_the_first_word_that_has_them() {
    let mut playground = playground(&Settings::new(1 << 20));
    for line in ["stats nothing", "nonsense", "slabs automove 1"] {
        assert_eq!(reply(&mut playground, line), "ERROR\r\n", "{line}");
    }
    let all = reply(&mut playground, "stats settings");
    assert_eq!(reply(&mut playground, "stats s"), all);
    assert_eq!(
        reply(&mut playground, "stats sizes"),
        "STAT sizes_status disabled\r\nEND\r\n"
    );
}

#[wasm_bindgen_test]
fn requests_are_counted_by_prefix_while_that_is_on() {
    let mut playground = playground(&Settings::new(1 << 20));
    let usage = "CLIENT_ERROR usage: stats detail on|off|dump\r\n";
    for line in ["stats detail", "stats detail nothing"] {
        assert_eq!(reply(&mut playground, line), usage, "{line}");
    }
    reply(&mut playground, "get a:1");
    assert_eq!(reply(&mut playground, "stats detail on"), "OK\r\n");
    let settings = reply(&mut playground, "stats settings");
    assert!(
        settings.contains("STAT detail_enabled yes\r\n"),
        "{settings}"
    );
    reply(&mut playground, "set a:1 0 0 1\r\nx");
    assert_eq!(playground.touched().len(), 1, "its event looks it up, too");
    reply(&mut playground, "get a:1 a:2 plain");
    reply(&mut playground, "delete b:1");
    let counted = "PREFIX a get 2 hit 1 set 1 del 0\r\nPREFIX b get 0 hit 0 set 0 del 1\r\nEND\r\n";
    assert_eq!(reply(&mut playground, "stats detail dump"), counted);
    assert_eq!(reply(&mut playground, "stats detail off"), "OK\r\n");
    reply(&mut playground, "get a:1");
    assert_eq!(reply(&mut playground, "stats detail dump"), counted);
    assert_eq!(reply(&mut playground, "stats reset"), "RESET\r\n");
    assert_eq!(reply(&mut playground, "stats detail dump"), "END\r\n");
}

#[wasm_bindgen_test]
fn verbosity_takes_a_number_and_heeds_noreply() {
    let mut playground = playground(&Settings::new(1 << 20));
    let bad = "CLIENT_ERROR bad command line format\r\n";
    for line in ["verbosity", "verbosity x", "verbosity +1", "verbosity -1"] {
        assert_eq!(reply(&mut playground, line), bad, "{line}");
    }
    assert_eq!(reply(&mut playground, "verbosity 3 noreply"), "");
    let settings = reply(&mut playground, "stats settings");
    assert!(settings.contains("STAT verbosity 3\r\n"), "{settings}");
}

#[wasm_bindgen_test]
fn hot_is_a_verb_of_the_dialect_with_capitals() {
    let mut settings = Settings::new(1 << 20);
    for (dialect, hot, small) in [
        (Dialect::Auto, "END\r\n", "ERROR\r\n"),
        (Dialect::DynamiDb, "END\r\n", "END\r\n"),
        (Dialect::Memcached, "ERROR\r\n", "ERROR\r\n"),
    ] {
        settings.dialect = dialect;
        let mut playground = playground(&settings);
        assert_eq!(reply(&mut playground, "HOT"), hot, "{dialect:?}");
        assert_eq!(reply(&mut playground, "hot"), small, "{dialect:?}");
    }
}

#[wasm_bindgen_test]
fn connections_are_the_clients_with_what_they_wait_for() {
    let mut playground = playground(&Settings::new(1 << 20));
    playground.send(1, b"set a 0 0 5\r\nx");
    playground.advance(2000.0);
    assert_eq!(
        reply(&mut playground, "stats conns"),
        "STAT 0:addr page:A\r\nSTAT 0:state conn_parse_cmd\r\nSTAT 0:secs_since_last_cmd 0\r\n\
         STAT 1:addr page:B\r\nSTAT 1:state conn_nread\r\nSTAT 1:secs_since_last_cmd 2\r\nEND\r\n"
    );
}

#[wasm_bindgen_test]
fn hot_keys_are_sorted_and_agree_with_the_numbers_for_the_page() {
    let mut playground = playground(&Settings::new(256 << 10));
    let mut load = Load::new();
    (load.keys, load.skew, load.rate) = (1000, 120, 10_000);
    playground.begin_load(&load, None);
    playground.run_load(200_000);
    let numbers = playground.hot_keys();
    let (sampled, keys) = (numbers[0], &numbers[1..]);
    assert!((1400..1700).contains(&sampled), "one in 128: {sampled}");
    assert_eq!(keys.len(), 4 * 20);
    let samples: Vec<_> = keys.chunks(4).map(|key| key[0]).collect();
    assert!(
        samples.is_sorted_by(|one, other| one >= other),
        "{samples:?}"
    );
    let bytes = playground.hot_key_bytes();
    assert!(bytes.starts_with(b"key:1key:2"), "the most popular ones");
    let hot = reply(&mut playground, "HOT");
    let share = 100.0 * f64::from(samples[0]) / f64::from(sampled);
    assert!(
        hot.starts_with(&format!("KEY key%3A1 {share:.2} ")),
        "{hot}"
    );
    let stats = reply(&mut playground, "stats hotkeys");
    assert!(stats.contains("STAT 1:key key%3A1\r\n"), "{stats}");
    assert!(
        stats.contains(&format!("STAT 1:share {:.4}\r\n", share / 100.0)),
        "{stats}"
    );
}

#[wasm_bindgen_test]
fn advice_waits_until_enough_is_known_and_then_grows_with_memory() {
    let mut playground = playground(&Settings::new(64 << 10));
    assert!(playground.advice().is_empty());
    assert!(
        playground
            .advice_text()
            .starts_with("not yet: it takes a cache that was full")
    );
    let mut load = Load::new();
    load.keys = 2000;
    playground.begin_load(&load, None);
    playground.run_load(100_000);
    let advice = playground.advice();
    let factors: Vec<_> = advice.chunks(3).map(|point| point[0]).collect();
    assert_eq!(factors, [0.25, 0.5, 1.0, 2.0, 4.0]);
    let ratios: Vec<_> = advice.chunks(3).map(|point| point[1]).collect();
    assert!(
        ratios.is_sorted() && ratios[0] + 0.1 < ratios[4],
        "{ratios:?}"
    );
    let text = playground.advice_text();
    let percent = |at: usize| format!("{:.1} %", 100.0 * ratios[at]);
    assert_eq!(
        text,
        format!(
            "twice the memory: {} hits instead of {}; half: {}",
            percent(3),
            percent(2),
            percent(1)
        )
    );
    let stats = reply(&mut playground, "stats advice");
    assert!(
        stats.contains(&format!("STAT x4:hit_ratio {:.4}\r\n", ratios[4])),
        "{stats}"
    );
    assert!(
        stats.ends_with(&format!("STAT advice {text}\r\nEND\r\n")),
        "{stats}"
    );
}
