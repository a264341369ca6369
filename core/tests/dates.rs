//! Dates of memcached's clients on a host whose time does not agree with the wall clock.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use dynamidb_core::{Cache, Config, Host, Instant, Keyspace, Session, SessionConfig};

/// The caller's time during most of a test, in seconds: 1000 s after what it took for 2023.
const NOW: u64 = 1_700_001_000;
/// What the wall clock shows then: two years later.
const WALL: u64 = 1_763_000_000;

struct Device {
    cache: Cache,
    /// How far the wall clock is ahead of the caller's time, in seconds.
    ahead: i64,
    /// How often it was asked.
    asked: Cell<u32>,
}

impl Keyspace for Device {
    type Memory = Vec<u8>;

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        &mut self.cache
    }
}

impl Host for Device {
    fn unix_time(&self, now: Instant) -> Instant {
        self.asked.set(self.asked.get() + 1);
        Instant::from_secs(now.as_secs().checked_add_signed(self.ahead).unwrap())
    }
}

impl Device {
    fn new() -> Self {
        let mut cache = Cache::new(Config::new(64 * 1024)).unwrap();
        // The cache's time has begun before.
        cache
            .set(Instant::from_secs(NOW - 1000), "old", "v")
            .unwrap();
        Self {
            cache,
            ahead: (WALL - NOW).cast_signed(),
            asked: Cell::new(0),
        }
    }

    fn say(&mut self, second: u64, input: &str) -> String {
        let mut output = Vec::new();
        let mut session = Session::new(SessionConfig::default());
        let now = Instant::from_secs(second);
        let used = session.process(now, input.as_bytes(), self, &mut output);
        assert_eq!(used, input.len(), "{input}");
        String::from_utf8(output).unwrap()
    }

    /// How many seconds the key `k` has left, -1 for ever; `None` if there is no such item.
    fn left(&mut self, second: u64) -> Option<i64> {
        let reply = self.say(second, "mg k t\r\n");
        let mut words = reply.split_whitespace();
        let left = words.find_map(|word| word.strip_prefix('t'))?;
        Some(left.parse().unwrap())
    }
}

/// Requests that give `k` a date.
fn with_dates(date: u64) -> [String; 10] {
    [
        format!("set k 0 {date} 1\r\nv\r\n"),
        format!("add k 0 {date} 1\r\nv\r\n"),
        format!("set k 0 0 1\r\nv\r\nreplace k 0 {date} 1\r\nv\r\n"),
        format!("set k 0 0 1\r\nv\r\ntouch k {date}\r\n"),
        format!("set k 0 0 1\r\nv\r\ngat {date} k\r\n"),
        format!("set k 0 0 1\r\nv\r\ngats {date} k\r\n"),
        format!("ms k 1 T{date}\r\nv\r\n"),
        format!("set k 0 0 1\r\nv\r\nmg k T{date}\r\n"),
        format!("mg k N{date}\r\n"),
        format!("ma k N{date}\r\n"),
    ]
}

#[test]
fn a_date_is_as_far_away_as_the_wall_clock_says_in_every_command() {
    for request in with_dates(WALL + 100) {
        let mut host = Device::new();
        host.say(NOW, &request);
        assert_eq!(host.left(NOW), Some(100), "{request}");
        assert_eq!(host.left(NOW + 99), Some(1), "{request}");
        assert_eq!(host.left(NOW + 100), None, "{request}");
    }
    let mut host = Device::new();
    host.say(NOW, "set k 0 0 1\r\nv\r\n");
    host.say(NOW, &format!("md k I T{}\r\n", WALL + 100));
    assert_eq!(host.left(NOW + 50), Some(50));
}

#[test]
fn a_date_in_the_past_of_the_wall_clock_ends_an_item_at_once() {
    // It is in the future of the caller's time.
    for date in [WALL, WALL - 1, NOW + 100] {
        for request in with_dates(date) {
            let mut host = Device::new();
            host.say(NOW, &request);
            assert_eq!(host.left(NOW + 1), None, "{request}");
        }
    }
}

#[test]
fn a_reply_shows_the_time_until_a_date_by_the_wall_clock() {
    let mut host = Device::new();
    let date = WALL + 100;
    for (request, reply) in [
        (format!("ms k 1 T{date}\r\n1\r\n"), "HD\r\n"),
        ("mg k t\r\n".into(), "HD t100\r\n"),
        (format!("mg k T{} t\r\n", WALL + 60), "HD t60\r\n"),
        (format!("mg new N{date} t\r\n"), "HD t100 W\r\n"),
        (format!("ma k T{date} t\r\n"), "HD t100\r\n"),
        (format!("ma other N{date} t\r\n"), "HD t100\r\n"),
        ("me k\r\n".into(), "ME k exp=100 "),
    ] {
        let heard = host.say(NOW, &request);
        assert!(heard.starts_with(reply), "{request}{heard}");
    }
}

#[test]
fn recaching_compares_with_a_date_by_the_wall_clock() {
    let mut host = Device::new();
    host.say(NOW, "set k 0 100 1\r\nv\r\n");
    let recache = |seconds| format!("mg k R{}\r\n", WALL + seconds);
    assert_eq!(host.say(NOW, &recache(99)), "HD\r\n");
    assert_eq!(host.say(NOW, &recache(101)), "HD W\r\n");
}

#[test]
fn a_flush_at_a_date_happens_when_the_wall_clock_says() {
    let mut host = Device::new();
    host.say(NOW, "set k 0 0 1\r\nv\r\n");
    assert_eq!(
        host.say(NOW, &format!("flush_all {}\r\n", WALL + 100)),
        "OK\r\n"
    );
    assert_eq!(host.left(NOW + 99), Some(-1));
    assert_eq!(host.left(NOW + 100), None);
}

#[test]
fn setting_the_wall_clock_moves_no_deadline_and_is_right_for_later_stores() {
    let mut host = Device::new();
    host.say(NOW, &format!("set k 0 {} 1\r\nv\r\n", WALL + 100));
    host.say(NOW, "set relative 0 100 1\r\nv\r\n");
    // It was an hour fast.
    host.ahead -= 3600;
    assert_eq!(host.left(NOW), Some(100));
    assert_eq!(host.say(NOW, "mg relative t\r\n"), "HD t100\r\n");
    host.say(NOW, &format!("set k 0 {} 1\r\nv\r\n", WALL - 3600 + 100));
    assert_eq!(host.left(NOW), Some(100));
    // Behind the caller's time.
    host.ahead = -3600;
    host.say(NOW, &format!("set k 0 {} 1\r\nv\r\n", NOW - 3600 + 100));
    assert_eq!(host.left(NOW), Some(100));
}

#[test]
fn the_wall_clock_is_asked_only_about_dates() {
    let mut host = Device::new();
    host.say(
        NOW,
        "set k 0 2592000 1\r\nv\r\ntouch k 5\r\ngat 0 k\r\nmg k T60 N30 R20 t\r\n",
    );
    host.say(
        NOW,
        "set k 0 -1 1\r\nv\r\nget k\r\nma n N0 J1 T0\r\nmd n\r\nflush_all 10\r\n",
    );
    assert_eq!(host.asked.get(), 0);
    host.say(NOW, "set k 0 2592001 1\r\nv\r\n");
    assert_eq!(host.asked.get(), 1);
}
