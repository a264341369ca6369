//! Deadlines beside a model of 64-bit numbers, whatever the caller's clock does: where it begins,
//! how far it jumps ahead, when its counter wraps, and for however long it runs.

use std::collections::HashMap;
use std::time::Duration;

use dynamidb_core::{Cache, Config, Expiry, Instant, Ticks32, Value};

const DAY: u64 = 86_400_000;
const YEAR: u64 = 366 * DAY;
/// A day of the year 2026, in milliseconds since 1970.
const IN_2026: u64 = 1_780_000_000_000;
/// Up to here a deadline is exact, if upkeep is done.
const EXACT: u64 = 50 * DAY;
/// Beyond this it is never.
const TTL_MAX: u64 = 3000 * DAY;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A time from nothing to this, as likely short as long.
    fn up_to(&mut self, end: u64) -> u64 {
        let scale = self.below(end.ilog2().into()) + 1;
        self.below(end.min(2 << scale) + 1)
    }
}

fn cache() -> Cache {
    Cache::new(Config::new(256 * 1024)).expect("a configuration that works")
}

fn brief(millis: u64) -> Value<'static> {
    Value::from("v").expire(Expiry::After(Duration::from_millis(millis)))
}

/// What is known of an item: when it ends, and when that was said.
#[derive(Clone, Copy, Debug)]
struct Entry {
    deadline: Option<u64>,
    since: u64,
}

struct Run {
    random: Random,
    cache: Cache,
    model: HashMap<u64, Entry>,
    now: u64,
    /// Whether what has expired is removed before each operation.
    upkeep: bool,
}

impl Run {
    fn new(seed: u64, first: u64, upkeep: bool) -> Self {
        Self {
            random: Random(seed),
            cache: cache(),
            model: HashMap::new(),
            now: first,
            upkeep,
        }
    }

    /// One operation at this time, and then what it must have come to.
    fn step(&mut self, now: u64) {
        self.now = now;
        let at = Instant::from_millis(now);
        while self.upkeep && self.cache.maintain(at, 8) == 8 {}
        let key = self.random.below(60);
        match self.random.below(10) {
            0..4 => {
                let (expiry, entry) = self.expiry();
                let value = Value::from("value").expire(expiry);
                self.cache
                    .set(at, &key.to_le_bytes(), value)
                    .expect("there is room");
                self.model.insert(key, entry);
            }
            4 => {
                let (expiry, entry) = self.expiry();
                if self.cache.touch(at, &key.to_le_bytes(), expiry) {
                    self.model.insert(key, entry);
                }
            }
            5 => {
                let more = b"moremoremoremoremoremoremoremoremoremore";
                let _ = self.cache.append(at, &key.to_le_bytes(), more);
            }
            _ => {}
        }
        self.look(key);
    }

    fn expiry(&mut self) -> (Expiry, Entry) {
        let ttl = match self.random.below(6) {
            0 => None,
            1 => Some(TTL_MAX - self.random.below(DAY)),
            2 => Some(TTL_MAX + 1 + self.random.up_to(20 * YEAR)),
            3 => Some(EXACT - 1 - self.random.below(DAY)),
            _ => Some(self.random.up_to(TTL_MAX)),
        };
        let expiry = ttl.map_or(Expiry::Never, |ttl| match self.random.below(2) {
            0 => Expiry::After(Duration::from_millis(ttl)),
            _ => Expiry::At(Instant::from_millis(self.now.saturating_add(ttl))),
        });
        let ttl = ttl.filter(|&ttl| ttl <= TTL_MAX);
        let entry = Entry {
            deadline: ttl.map(|ttl| self.now + ttl),
            since: self.now,
        };
        (expiry, entry)
    }

    fn look(&mut self, key: u64) {
        let now = Instant::from_millis(self.now);
        let entry = self.model.get(&key).copied();
        let peeked = self.cache.peek(now, &key.to_le_bytes()).is_some();
        let item = self.cache.get(now, &key.to_le_bytes());
        assert_eq!(peeked, item.is_some(), "{key} at {now:?}: {entry:?}");
        let Some(entry) = entry else {
            assert!(item.is_none(), "{key} was never stored");
            return;
        };
        let ends_at = item.as_ref().map(|item| item.expires_at);
        let Some(deadline) = entry.deadline else {
            assert_eq!(ends_at, Some(None), "{key} at {now:?}: {entry:?}");
            return;
        };
        let exact = self.upkeep && deadline - entry.since < EXACT;
        let earliest = deadline - if exact { 0 } else { 31.min(deadline) };
        match ends_at {
            Some(end) => {
                assert!(
                    self.now < deadline,
                    "{key} at {now:?}: served past {entry:?}"
                );
                let end = end.expect("it is not never").as_millis();
                assert!((earliest..=deadline).contains(&end), "{end} for {entry:?}");
            }
            None => {
                assert!(
                    self.now >= earliest,
                    "{key} at {now:?}: gone before {entry:?}"
                );
                self.model.remove(&key);
            }
        }
    }

    fn look_at_all(&mut self) {
        self.cache.check();
        for key in 0..60 {
            self.look(key);
        }
    }
}

fn runs(run: impl Fn(&mut Run)) {
    for seed in 0..24 {
        for first in [0, 5000, IN_2026, u64::MAX / 2] {
            for upkeep in [false, true] {
                println!("seed {seed}, first {first}, upkeep {upkeep}");
                let mut one = Run::new(seed, first, upkeep);
                run(&mut one);
                one.look_at_all();
            }
        }
    }
}

#[test]
fn deadlines_hold_however_the_clock_jumps_ahead() {
    runs(|run| {
        for step in 0..600 {
            let jump = match run.random.below(40) {
                0 => run.random.below(60 * YEAR),
                1 => run.random.below(4 * YEAR),
                2..5 => run.random.below(60 * DAY),
                5..10 => run.random.up_to(60 * DAY),
                10..20 => run.random.up_to(5000),
                _ => 0,
            };
            // To a millisecond before the end of an item, which is where mistakes are found.
            let end = run.model.values().filter_map(|entry| entry.deadline);
            let end = end.filter(|&end| end > run.now).min();
            let to = match (run.random.below(8), end) {
                (0, Some(end)) => end - 1,
                (1, Some(end)) => end,
                _ => run.now + jump,
            };
            run.step(to);
            if step % 100 == 0 {
                run.look_at_all();
            }
        }
    });
}

#[test]
fn deadlines_hold_through_twelve_years_without_a_long_pause() {
    for (seed, upkeep) in [(1, false), (2, true), (3, false)] {
        let mut run = Run::new(seed, IN_2026, upkeep);
        let end = run.now + 12 * YEAR;
        while run.now < end {
            let jump = run.random.below(2 * DAY);
            run.step(run.now + jump);
        }
        run.look_at_all();
    }
}

#[test]
fn deadlines_hold_while_a_counter_of_32_bits_wraps() {
    for seed in 0..24 {
        let mut run = Run::new(seed, 0, seed % 2 == 0);
        let mut ticks = run.random.below(1 << 32);
        let mut clock = Ticks32::new(ticks as u32);
        for _ in 0..2000 {
            let longest = (1 << 32) - u64::from(Ticks32::BACK_MAX) - 1;
            ticks += run.random.up_to(longest);
            let older = run.random.below(2) * run.random.below(20);
            let now = clock.at(ticks as u32);
            assert_eq!(
                now,
                clock.at((ticks - older.min(ticks)) as u32),
                "an older reading"
            );
            assert_eq!(now.as_millis(), ticks);
            run.step(now.as_millis());
        }
        assert!(ticks >> 32 > 3, "it has wrapped");
        run.look_at_all();
    }
}

#[test]
fn a_ttl_ends_although_the_clock_was_set_after_the_first_call() {
    for first in [0, 5000, IN_2026 - 10 * YEAR] {
        let mut cache = cache();
        let start = Instant::from_millis(first);
        assert_eq!(cache.set(start, "before", brief(60_000)), Ok(()));
        let now = Instant::from_millis(IN_2026);
        assert_eq!(cache.set(now, "after", brief(60_000)), Ok(()));
        let at = |millis| now + Duration::from_millis(millis);
        assert!(cache.get(now, "before").is_none());
        assert!(cache.get(at(59_999), "after").is_some());
        assert!(cache.get(at(60_000), "after").is_none());
        cache.check();
    }
}

#[test]
fn a_jump_to_the_last_moment_there_is_ends_all_items_with_a_deadline() {
    let end = Instant::from_millis(u64::MAX);
    for first in [0, IN_2026, u64::MAX - 60_000] {
        let mut cache = cache();
        let start = Instant::from_millis(first);
        assert_eq!(cache.set(start, "brief", brief(59_000)), Ok(()));
        assert_eq!(cache.set(start, "endless", "v"), Ok(()));
        assert!(cache.get(end, "brief").is_none(), "{first}");
        assert!(cache.get(end, "endless").is_some(), "{first}");
        cache.check();
    }
}

#[test]
fn a_jump_of_decades_does_not_make_one_operation_look_at_all_pages() {
    let mut cache = cache();
    let start = Instant::from_secs(5);
    for key in 0..1000_u64 {
        assert_eq!(cache.set(start, &key.to_le_bytes(), brief(60_000)), Ok(()));
    }
    let mut now = IN_2026;
    assert!(cache.get(Instant::from_millis(now), "absent").is_none());
    let page = cache.page_size() / 64;
    assert!(cache.len() >= 1000 - page, "{} are left", cache.len());
    while !cache.is_empty() {
        now += DAY;
        let before = cache.len();
        assert!(cache.get(Instant::from_millis(now), "absent").is_none());
        assert!(before - cache.len() <= page);
        assert!(
            before > cache.len(),
            "what has waited for 24 days is removed"
        );
        cache.check();
    }
}

#[test]
fn a_jump_with_far_deadlines_makes_each_page_be_looked_at_three_times_at_most() {
    for (days, one_by_one) in [
        (1, true),
        (100, true),
        (150, true),
        (1000, false),
        (2999, false),
    ] {
        let mut cache = cache();
        let at = |millis| Instant::from_millis(IN_2026 + millis);
        for key in 0..1000_u64 {
            let value = brief(TTL_MAX - key);
            assert_eq!(cache.set(at(0), &key.to_le_bytes(), value), Ok(()));
        }
        let pages = cache.pages().filter(|page| page.due.is_some()).count();
        let now = days * DAY;
        let mut steps = 0;
        while cache.maintain(at(now), 1) == 1 {
            steps += 1;
            assert!(steps <= 3 * pages, "{steps} for {pages} pages");
        }
        assert_eq!(one_by_one, steps >= pages, "{steps} for {pages} pages");
        assert_eq!(cache.len(), 1000);
        for key in 0..1000_u64 {
            let item = cache.get(at(now), &key.to_le_bytes());
            let end = item.expect("it has not ended").expires_at;
            let early = at(TTL_MAX - key).since(end.expect("it ends"));
            assert!(early < Duration::from_millis(32), "{key}");
        }
        cache.check();
        while cache.maintain(at(TTL_MAX), 8) == 8 {}
        assert!(cache.is_empty());
    }
}

#[test]
fn a_clock_that_is_set_back_by_less_than_24_days_is_followed() {
    for back in [1, 3_600_000, 24 * DAY - 1, 24 * DAY] {
        let mut cache = cache();
        let now = |millis| Instant::from_millis(IN_2026 + millis);
        assert_eq!(cache.set(now(0), "before", brief(1000)), Ok(()));
        while cache.maintain(now(0), 8) == 8 {}
        let later = |millis| Instant::from_millis(IN_2026 - back + millis);
        assert_eq!(cache.set(later(0), "after", brief(1000)), Ok(()));
        assert!(cache.get(later(999), "after").is_some());
        assert!(cache.get(later(999), "before").is_some());
        assert!(cache.get(later(1000), "after").is_none(), "{back}");
        assert!(cache.get(now(999), "before").is_some(), "{back}");
        assert!(cache.get(now(1000), "before").is_none(), "{back}");
        cache.check();
    }
}

/// The wheel's time goes on when room is made, and nothing may end below what follows from it.
#[test]
fn a_clock_that_is_set_back_by_30_days_after_room_was_made_is_not_followed() {
    let mut config = Config::new(256 * 1024);
    config.max_items = Some(2);
    let mut cache = Cache::new(config).expect("a configuration that works");
    let at = |days: u64, millis| Instant::from_millis(IN_2026 + days * DAY + millis);
    for (days, key) in [(30, "a"), (30, "b"), (53, "c")] {
        assert_eq!(cache.set(at(days, 0), key, "v"), Ok(()));
    }
    assert_eq!(cache.stats().evictions, 1);
    assert_eq!(cache.set(at(23, 0), "c", brief(1000)), Ok(()));
    while cache.maintain(at(23, 1), 8) == 8 {}
    cache.check();
    assert!(cache.get(at(23, 999), "c").is_some());
    while cache.maintain(at(23, 1000), 8) == 8 {}
    assert_eq!(cache.len(), 1, "it has ended for upkeep too");
    assert!(cache.get(at(23, 1000), "c").is_none());
}

#[test]
fn every_deadline_stays_within_its_bounds_however_the_clock_goes() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut config = Config::new(64 * 1024);
        config.max_items = (seed % 3 == 0).then_some(40);
        let mut cache = Cache::new(config).expect("a configuration that works");
        let mut now = IN_2026;
        for step in 0..3000 {
            let jump = match random.below(8) {
                0 => random.up_to(400 * DAY),
                1 => random.up_to(30 * DAY),
                2 => random.below(DAY),
                _ => random.below(100),
            };
            now = match random.below(4) {
                0 => now - jump.min(now),
                _ => now + jump,
            };
            let at = Instant::from_millis(now);
            let key = random.below(200).to_le_bytes();
            let value = match random.below(3) {
                0 => Value::from("v"),
                1 => brief(random.up_to(TTL_MAX)),
                _ => brief(random.up_to(DAY)),
            };
            match random.below(4) {
                0 => _ = cache.maintain(at, random.below(4) as usize),
                1 => _ = cache.get(at, &key),
                _ => assert_eq!(cache.set(at, &key, value), Ok(())),
            }
            if step % 5 == 0 {
                cache.check();
            }
        }
    }
}

#[test]
fn after_a_clock_was_set_back_by_years_time_goes_on_from_where_it_was() {
    let mut cache = cache();
    let wrong = Instant::from_millis(IN_2026 + 70 * YEAR);
    assert_eq!(cache.set(wrong, "before", brief(10_000)), Ok(()));
    let at = |millis| Instant::from_millis(IN_2026 + millis);
    assert_eq!(cache.set(at(0), "after", brief(5000)), Ok(()));
    assert!(cache.get(at(4999), "after").is_some());
    assert!(cache.get(at(5000), "after").is_none());
    let item = cache
        .get(at(9999), "before")
        .expect("it has a millisecond left");
    assert_eq!(item.expires_at, Some(at(10_000)));
    assert!(at(9999).since(item.last_used) <= Duration::from_millis(10_999));
    assert!(cache.get(at(10_000), "before").is_none());
    cache.check();
}

#[test]
fn idle_times_are_right_for_eight_years_and_never_absurd() {
    let mut cache = cache();
    for (key, value) in [("small", &b"v"[..]), ("split", &[b'v'; 5000])] {
        let mut now = Instant::from_millis(IN_2026);
        assert_eq!(cache.set(now, key, value), Ok(()));
        for days in [1, 20, 3000, 3080, 24] {
            let passed = Duration::from_millis(days * DAY);
            // Steps that are followed, of less than 24 days.
            for _ in 0..days {
                now += Duration::from_millis(DAY);
                assert!(cache.get(now, "absent").is_none());
            }
            let item = cache.get(now, key).expect("it was stored");
            assert_eq!(now.since(item.last_used), passed, "{key} after {days} days");
        }
        // A jump that is not followed makes it seem that less time has passed, not more.
        now += Duration::from_millis(50 * YEAR);
        let item = cache.get(now, key).expect("it was stored");
        let idle = now.since(item.last_used);
        assert!(idle >= Duration::from_millis(24 * DAY) && idle < Duration::from_millis(YEAR));
        assert_eq!(cache.get(now, key).expect("it was stored").last_used, now);
        // One back, too.
        now = Instant::from_millis(IN_2026);
        let item = cache.get(now, key).expect("it was stored");
        assert!(now.since(item.last_used) <= Duration::from_secs(1));
    }
}

#[test]
fn the_longest_ttl_is_3000_days() {
    let mut cache = cache();
    let now = Instant::from_millis(IN_2026);
    for (ttl, is_finite) in [(TTL_MAX - 1, true), (TTL_MAX, true), (TTL_MAX + 1, false)] {
        assert_eq!(cache.set(now, "key", brief(ttl)), Ok(()));
        let ends = cache.get(now, "key").expect("it was stored").expires_at;
        assert_eq!(ends.is_some(), is_finite, "{ttl}");
    }
}
