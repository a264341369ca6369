//! Hot keys and advice on memory, as operators ask for them.

// A failed test panics with the reason.
#![allow(clippy::unwrap_used)]

mod support;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;

use dynamidb::RuntimeName;
use support::hear::hear_until;
use support::{Client, PATIENCE, Process};

const VALUE: usize = 200;

/// Asks for keys in random order and stores those that are not there; every second request is for
/// one key.
fn load(client: &mut Client, requests: usize) {
    let mut random = fastrand::Rng::with_seed(3);
    let value = "v".repeat(VALUE);
    for _ in 0..requests / 300 {
        let mut input = String::new();
        for _ in 0..100 {
            let key = random.u32(0..100_000).min(random.u32(0..100_000));
            write!(input, "get key:{key}\r\nget hot\r\n").unwrap();
            write!(input, "add key:{key} 0 0 {VALUE} noreply\r\n{value}\r\n").unwrap();
        }
        client.say(input + "mn\r\n");
        until(client, "MN\r\n");
    }
}

/// What is heard up to this line, without it.
fn until(client: &mut Client, end: &str) -> String {
    let mut heard = hear_until(&mut client.socket, end);
    heard.truncate(heard.len() - end.len());
    heard
}

/// What the admin port answers.
fn http(server: &Process, path: &str) -> String {
    let mut socket = TcpStream::connect(server.admin()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

fn stats(client: &mut Client, what: &str) -> Vec<(String, String)> {
    client.say(format!("stats {what}\r\n"));
    let text = until(client, "END\r\n");
    let lines = text.lines().filter_map(|line| line.strip_prefix("STAT "));
    let pairs = lines.map(|line| line.split_once(' ').unwrap());
    pairs
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn value(stats: &[(String, String)], name: &str) -> String {
    let found = stats.iter().find(|(known, _)| known == name);
    found
        .unwrap_or_else(|| panic!("{name} in {stats:?}"))
        .1
        .clone()
}

#[test]
fn hot_keys_and_advice_are_there_after_a_load() {
    let server = Process::start(RuntimeName::DEFAULT, "-m 8 -t 2 --admin 127.0.0.1:0");
    let mut client = server.connect();
    let fresh = stats(&mut client, "advice");
    assert!(
        value(&fresh, "advice").starts_with("not yet: "),
        "{fresh:?}"
    );
    client.ask("set hot 0 0 1\r\nx\r\n", "STORED\r\n");
    load(&mut client, 400_000);
    let hot = stats(&mut client, "hotkeys");
    assert_eq!(value(&hot, "1:key"), "hot");
    let share: f64 = value(&hot, "1:share").parse().unwrap();
    assert!((0.3..0.55).contains(&share), "a third to a half: {share}");
    assert!(value(&hot, "1:reads").parse::<f64>().unwrap() > 0.99);
    assert!(hot.iter().any(|(name, _)| name == "20:key"));
    assert!(!hot.iter().any(|(name, _)| name == "21:key"));
    let advice = stats(&mut client, "advice");
    let ratio = |factor: &str| -> f64 {
        value(&advice, &format!("x{factor}:hit_ratio"))
            .parse()
            .unwrap()
    };
    assert!(ratio("0.5") < ratio("1") && ratio("1") < ratio("2") && ratio("2") < ratio("4"));
    let sentence = value(&advice, "advice");
    assert!(sentence.starts_with("twice the memory: "), "{sentence}");
    for (path, shown) in [
        ("/api/hotkeys", "\"key\":\"hot\",\"kind\":\"read\""),
        ("/api/advice", "\"ready\":true"),
        (
            "/metrics",
            "\ndynamidb_predicted_hit_ratio{memory=\"2\"} 0.",
        ),
    ] {
        let answer = http(&server, path);
        assert!(answer.contains(shown), "{path}: {answer}");
    }
    client.say("HOT\r\n");
    let text = until(&mut client, "END\r\n");
    assert!(text.starts_with("KEY hot "), "{text}");
    assert_eq!(text.lines().count(), 20);
    server.stop();
}

#[test]
fn keys_are_not_shown_where_dumps_are_refused_or_nothing_is_sampled() {
    for (options, refusal) in [
        ("-X", "CLIENT_ERROR hot keys not allowed\r\n"),
        (
            "--insight off",
            "CLIENT_ERROR switched off by --insight off\r\n",
        ),
    ] {
        let server = Process::start(RuntimeName::DEFAULT, options);
        let mut client = server.connect();
        client.ask("stats hotkeys\r\n", refusal);
        client.ask("HOT\r\n", refusal);
        server.stop();
    }
    let server = Process::start(RuntimeName::DEFAULT, "-X");
    server.connect().ask("hot\r\n", "ERROR\r\n");
    let advice = stats(&mut server.connect(), "advice");
    assert!(value(&advice, "advice").starts_with("not yet"));
    server.stop();
}
