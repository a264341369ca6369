//! Any cache comes back in any other: with other policies, more or less memory, and other numbers
//! of shards, saved while serving or at a stop.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use dynamidb_core::snapshot::{Clocks, Part, Reader, Restored};
use dynamidb_core::view::ItemView;
use dynamidb_core::{Cas, Config, Expiry, Instant, LruBump, Policy, Value};
use dynamidb_sync::{Growth, Shards};
use fastrand::Rng;

const START: Instant = Instant::from_secs(1_000_000);
/// The clock of the restored cache when it begins, and how long nobody has had the file.
const AGAIN: Instant = Instant::from_secs(50_000);
const AWAY: Duration = Duration::from_secs(20);
const UNIX: Instant = Instant::from_secs(1_700_000_000);

/// An item, its times counted from the restore.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen {
    key: Vec<u8>,
    value: Vec<u8>,
    flags: u32,
    cas: Option<Cas>,
    expires_in: Option<Duration>,
    idle: Duration,
}

/// A cache of any kind, and the number of its shards.
fn any_config(rng: &mut Rng) -> (Config, usize) {
    let mut config = Config::new(rng.usize(1..=6) << 20);
    config.policy = [
        Policy::Lru,
        Policy::Lru,
        Policy::S3Lru,
        Policy::Density,
        Policy::DensityFull,
    ][rng.usize(..5)];
    config.lru_bump = [LruBump::Strict, LruBump::Lazy][rng.usize(..2)];
    config.compact = rng.u8(..4) == 0;
    config.max_items = (rng.u8(..4) == 0).then(|| rng.usize(500..5000));
    config.hash_seed = rng.u128(..);
    (config, 1 << rng.u32(..4))
}

fn shards(config: &Config, count: usize, moves: bool) -> Shards {
    let growth = match moves {
        true => Growth {
            max: config.memory,
            set_aside: true,
        },
        false => Growth::default(),
    };
    Shards::with_count(config, count, growth).unwrap()
}

/// Stores and uses items for some hundred seconds, which may be more than fit; returns the time.
fn fill(rng: &mut Rng, shards: &Shards) -> Instant {
    let mut now = START;
    let keys = rng.u32(100..8000);
    for _ in 0..rng.u32(100..12_000) {
        let key = format!("key-{}", rng.u32(..keys));
        let key = shards.key(key.as_bytes());
        let mut shard = shards.lock(shards.index_of(&key));
        if rng.bool() {
            let bytes = vec![rng.u8(..); [3, 50, 300, 5000][rng.usize(..4)]];
            let mut value = Value::from(&bytes[..]);
            if rng.bool() {
                let secs = [5, 40, 10_000, 100_000_000][rng.usize(..4)];
                value = value.expire(Expiry::After(Duration::from_secs(rng.u64(1..=secs))));
            }
            if rng.bool() {
                value = value.flags(rng.u32(..));
            }
            shard = shards.with_room(&key, shard, now, bytes.len(), false);
            shard.set(now, key, value).unwrap();
        } else {
            shard.get(now, key);
        }
        now += Duration::from_millis(rng.u64(..60));
    }
    now
}

fn save(shards: &Shards, now: Instant, live: bool) -> Vec<u8> {
    let (clocks, mut file) = (Clocks::new(now).unix(UNIX), Vec::new());
    match live {
        true => shards.save(clocks, &mut file).unwrap(),
        false => shards.save_in_order(clocks, &mut file).unwrap(),
    };
    file
}

fn again() -> Clocks {
    Clocks::new(AGAIN).unix(UNIX + AWAY)
}

/// What a file has, in its order.
fn items(file: &[u8]) -> Vec<Seen> {
    let (mut reader, mut rest, mut items) = (Reader::new(again()), file, Vec::new());
    while !rest.is_empty() {
        let (used, part) = reader.next(rest).unwrap();
        rest = &rest[used..];
        if let Part::Block(block) = part {
            items.extend(block.records().map(|record| Seen {
                key: record.key.to_vec(),
                value: record.value.to_vec(),
                flags: record.flags,
                cas: record.cas,
                expires_in: record.expires_in,
                idle: record.idle,
            }));
        }
    }
    items
}

fn seen(view: &ItemView<'_>) -> Seen {
    let item = &view.item;
    Seen {
        key: view.key.to_vec(),
        value: item.value.to_vec(),
        flags: item.flags,
        cas: item.cas,
        expires_in: item.expires_at.map(|at| at.since(AGAIN)),
        idle: AGAIN.since(item.last_used),
    }
}

/// The items of each shard, the least recently used first. Each shard is sound.
fn restored(shards: &Shards) -> Vec<Vec<Seen>> {
    let mut all = Vec::new();
    shards.for_each(|shard| {
        shard.check();
        all.push(shard.saved_items(AGAIN).map(|view| seen(&view)).collect());
    });
    all
}

/// A deadline that is further away than 50 days is kept to 32 ms.
fn is_close(found: Option<Duration>, expected: Option<Duration>) -> bool {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let tolerance = Duration::from_millis(32);
            found <= expected && found + tolerance > expected
        }
        (found, expected) => found == expected,
    }
}

#[test]
fn any_cache_comes_back_in_any_other() {
    for seed in 0..60 {
        let rng = &mut Rng::with_seed(seed);
        let (config, count) = any_config(rng);
        let before = shards(&config, count, rng.bool());
        let now = fill(rng, &before);
        let live = rng.bool();
        let file = save(&before, now, live);
        let expected = items(&file);
        let (mut config, count) = any_config(rng);
        if rng.bool() {
            (config.memory, config.max_items) = (64 << 20, None);
        }
        let after = shards(&config, count, rng.bool());
        let counts = after.restore(again(), &file[..]).unwrap();
        let Restored {
            stored,
            expired,
            refused,
            ..
        } = counts;
        let case = format!("seed {seed} {config:?} {count} {counts:?}");
        assert_eq!(stored + expired + refused, expected.len() as u64, "{case}");
        let lists = restored(&after);
        let found: usize = lists.iter().map(Vec::len).sum();
        if config.memory == 64 << 20 {
            assert_eq!((found as u64, refused), (stored, 0), "{case}");
        }
        let has_times = !config.compact || !matches!(config.policy, Policy::Lru | Policy::S3Lru);
        let by_key: HashMap<_, _> = expected.iter().map(|item| (&item.key[..], item)).collect();
        assert_eq!(by_key.len(), expected.len());
        for item in lists.iter().flatten() {
            let expected = by_key[&item.key[..]];
            assert!(item.value == expected.value && item.flags == expected.flags);
            assert!(
                is_close(item.expires_in, expected.expires_in),
                "{case} {item:?}"
            );
            if has_times {
                assert_eq!(item.idle, expected.idle, "{case}");
                assert!(expected.cas.is_none() || item.cas == expected.cas, "{case}");
            }
        }
        // In the order of the seconds of last use, and at a stop of one shard in the exact one.
        if has_times && config.policy == Policy::Lru && (before.len() == 1 || live) {
            for list in &lists {
                let idle = list.iter().map(|item| item.idle).rev();
                assert!(idle.is_sorted(), "{case}");
            }
        }
        check_cas(&after, &lists, &case);
    }
}

/// No item that is stored after a restore has the cas of another one.
fn check_cas(shards: &Shards, lists: &[Vec<Seen>], case: &str) {
    let mut all: HashSet<_> = lists.iter().flatten().filter_map(|item| item.cas).collect();
    let before = all.len();
    let mut new = 0;
    for number in 0..200_u32 {
        let bytes = number.to_le_bytes();
        let key = shards.key(&bytes);
        let mut shard = shards.lock(shards.index_of(&key));
        shard.set(AGAIN, key, "new").unwrap();
        if let Some(cas) = shard.peek(AGAIN, key).unwrap().cas {
            new += 1;
            assert!(all.insert(cas), "{case}: {cas:?} twice");
        }
    }
    assert_eq!(all.len(), before + new);
}

#[test]
fn full_shards_keep_exactly_what_was_used_last() {
    for seed in 0..20 {
        let rng = &mut Rng::with_seed(seed);
        let mut config = Config::new(32 << 20);
        config.compact = seed % 4 == 3;
        let before = shards(&config, 1 << rng.u32(..4), rng.bool());
        let now = fill(rng, &before);
        let file = save(&before, now, false);
        let mut expected = items(&file);
        expected.retain(|item| item.expires_in != Some(Duration::ZERO));
        config.memory = 1 << 20;
        config.lru_bump = [LruBump::Strict, LruBump::Lazy][rng.usize(..2)];
        let count = 1 << rng.u32(..3);
        let after = shards(&config, count, false);
        after.restore(again(), &file[..]).unwrap();
        let mut of_shard = vec![Vec::new(); after.len()];
        for item in &expected {
            of_shard[after.index_of(&after.key(&item.key))].push(&item.key);
        }
        for (kept, all) in restored(&after).iter().zip(&of_shard) {
            let first = all.len() - kept.len();
            let kept = kept.iter().map(|item| &item.key);
            assert!(
                kept.eq(all[first..].iter().copied()),
                "seed {seed}, {count} shards"
            );
        }
    }
}

#[test]
fn a_cache_that_evicts_nothing_keeps_what_comes_first_and_counts_the_rest() {
    let rng = &mut Rng::with_seed(1);
    let config = Config::new(32 << 20);
    let before = shards(&config, 4, true);
    for number in 0..5000_u32 {
        let bytes = number.to_le_bytes();
        let key = before.key(&bytes);
        let mut shard = before.lock(before.index_of(&key));
        shard.set(START, key, &vec![rng.u8(..); 900][..]).unwrap();
    }
    let file = save(&before, START, false);
    let mut config = Config::new(1 << 20);
    config.policy = Policy::Refuse;
    let after = shards(&config, 1, false);
    let counts = after.restore(again(), &file[..]).unwrap();
    assert!(counts.stored > 500 && counts.refused > 3000, "{counts:?}");
    let lists = restored(&after);
    assert_eq!(counts.stored as usize, lists[0].len());
    assert_eq!(counts.stored + counts.refused, 5000);
    let first = items(&file).into_iter().map(|item| item.key).take(500);
    assert!(first.eq(lists[0].iter().map(|item| item.key.clone()).take(500)));
}

#[test]
fn a_count_in_the_header_that_is_wrong_does_no_harm() {
    let config = Config::new(4 << 20);
    let before = shards(&config, 2, false);
    for number in 0..3000_u32 {
        let bytes = number.to_le_bytes();
        let key = before.key(&bytes);
        before
            .lock(before.index_of(&key))
            .set(START, key, &bytes)
            .unwrap();
    }
    let file = save(&before, START, false);
    let blocks = &file[32..];
    for claimed in [0, 1, 3000, 100_000, u32::MAX as usize, usize::MAX] {
        let clocks = Clocks::new(START).unix(UNIX);
        let header = dynamidb_core::snapshot::Writer::new(clocks)
            .expect(claimed)
            .header();
        let after = shards(&config, 4, true);
        let file = [&header[..], blocks].concat();
        let counts = after.restore(again(), &file[..]).unwrap();
        assert_eq!(counts.stored, 3000, "{claimed}");
        assert_eq!(restored(&after).concat().len(), 3000);
        // What was reserved for nothing is free again after some upkeep.
        while after.maintain_all(AGAIN, 100) == 100 {}
        let mut unused = 0;
        after.for_each(|shard| unused += shard.unused_pages());
        let exact = shards(&config, 4, true);
        exact
            .restore(again(), &[&file[..32], blocks].concat()[..])
            .unwrap();
        while exact.maintain_all(AGAIN, 100) == 100 {}
        let mut least = 0;
        exact.for_each(|shard| least += shard.unused_pages());
        assert!(unused + 8 >= least, "{claimed}: {unused} of {least}");
    }
}
