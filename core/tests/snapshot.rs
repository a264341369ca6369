//! Snapshots: what is saved comes back as it was, whatever the cache does meanwhile and however the
//! bytes are cut, and what is damaged does not come back at all.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

#[path = "snapshot/live.rs"]
mod live;

use std::collections::HashSet;
use std::time::Duration;

use dynamidb_core::snapshot::{
    BLOCK_SIZE_MAX, BufferTooSmall, Clocks, HEADER_SIZE, LiveSave, Part,
};
use dynamidb_core::snapshot::{ReadError, Reader, Record, Restore, Restored, Writer, buffer_size};
use dynamidb_core::view::{ItemView, PageUse};
use dynamidb_core::{Cache, Cas, Config, DeleteOptions, Error, Expiry, GetOptions, Instant};
use dynamidb_core::{LruBump, Policy, SetOptions, Value};
use fastrand::Rng;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline};

const START: Instant = Instant::from_secs(1_700_000_000);
/// The time of the cache after a restart.
const AGAIN: Instant = Instant::from_secs(77);

fn configs() -> impl Iterator<Item = Config> {
    (0..24).map(|number| {
        let mut config = Config::new([64 << 10, 256 << 10][number % 2]);
        config.policy = [Policy::Lru, Policy::S3Lru][number / 2 % 2];
        config.lru_bump = [LruBump::Strict, LruBump::Lazy][number / 4 % 2];
        config.compact = number / 8 == 1;
        config.max_items = (number / 8 == 2).then_some(100);
        config.hash_seed = number as u128;
        config
    })
}

/// What is seen of an item, its times counted from `now` on.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Seen {
    key: Vec<u8>,
    value: Vec<u8>,
    flags: u32,
    cas: Option<Cas>,
    expires_in: Option<Duration>,
    idle: Duration,
    bits: [bool; 5],
}

fn seen(now: Instant, view: &ItemView<'_>) -> Seen {
    let item = &view.item;
    Seen {
        key: view.key.to_vec(),
        value: item.value.to_vec(),
        flags: item.flags,
        cas: item.cas,
        expires_in: item.expires_at.map(|at| at.since(now)),
        idle: now.since(item.last_used),
        bits: [item.fetched, view.stale, view.won, view.base64, view.queued],
    }
}

fn all(now: Instant, cache: &Cache) -> Vec<Seen> {
    cache.items().map(|view| seen(now, &view)).collect()
}

/// Any operation, on one of `keys` keys.
fn operate(rng: &mut Rng, cache: &mut Cache, now: Instant, keys: u32) {
    let key = format!("key-{}", rng.u32(..keys));
    let bytes = vec![rng.u8(..); [5, 40, 300, 3000][rng.usize(..4)]];
    let mut value = Value::from(&bytes[..]);
    if rng.bool() {
        let millis = [500, 90_000, 86_400_000][rng.usize(..3)];
        value = value.expire(Expiry::After(Duration::from_millis(rng.u64(1..=millis))));
    }
    if rng.u8(..4) == 0 {
        value = value.flags(rng.u32(..));
    }
    match rng.u8(..10) {
        0..4 => cache.set(now, &*key, value).unwrap(),
        4 => {
            let mut options = SetOptions::default();
            options.cas = Cas::new(rng.u64(..));
            options.base64 = true;
            let _ = cache.set_with(now, &*key, value, &options).unwrap();
        }
        5 => {
            let mut options = DeleteOptions::default();
            options.invalidate = true;
            let _ = cache.delete_with(now, &*key, &options).unwrap();
            cache.get_with(now, &*key, &GetOptions::default());
        }
        6 => drop(cache.delete(now, &*key)),
        _ => drop(cache.get(now, &*key)),
    }
}

fn save(cache: &Cache, clocks: Clocks, size: usize) -> Vec<u8> {
    let (mut buffer, mut file) = (vec![0; size], Vec::new());
    let mut save = cache.save(clocks);
    while let piece @ [_, ..] = save.next(&mut buffer).unwrap() {
        file.extend_from_slice(piece);
    }
    assert_eq!(save.items() as usize, cache.saved_items(clocks.now).count());
    file
}

fn restore(cache: &mut Cache, clocks: Clocks, mut file: &[u8]) -> Result<Restored, ReadError> {
    let mut restore = Restore::new(clocks);
    while let used @ 1.. = restore.feed(clocks.now, cache, file)? {
        file = &file[used..];
    }
    cache.check();
    restore.finish()
}

/// A cache of this configuration after some operations, and the time then.
fn used(config: &Config, seed: u64, operations: u32) -> (Cache, Instant) {
    let mut rng = Rng::with_seed(seed);
    let mut cache = Cache::new(config.clone()).unwrap();
    let mut now = START;
    for _ in 0..operations {
        operate(&mut rng, &mut cache, now, 400);
        now += Duration::from_millis(rng.u64(..300));
    }
    (cache, now)
}

/// How many items a cache has, and its file.
fn sample() -> (usize, Vec<u8>) {
    let (cache, now) = used(&Config::new(64 << 10), 1, 60);
    let file = save(&cache, Clocks::new(now), 5000);
    (cache.saved_items(now).count(), file)
}

#[test]
fn a_restored_cache_has_the_same_items_in_the_same_order() {
    for (number, config) in configs().enumerate() {
        // Few of them, so that all fit however they are laid out.
        let (cache, now) = used(&config, number as u64, 60);
        let file = save(&cache, Clocks::new(now), 4096);
        let mut restored = Cache::new(config.clone()).unwrap();
        let counts = restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
        let mut expected = all(now, &cache);
        expected.retain(|item| item.expires_in != Some(Duration::ZERO));
        assert_eq!(counts.stored as usize, expected.len(), "{config:?}");
        assert!(expected.len() > 10);
        let mut found = all(AGAIN, &restored);
        for (found, expected) in found.iter_mut().zip(&mut expected) {
            if config.compact {
                // It has no times of last use.
                (found.idle, expected.idle) = (Duration::ZERO, Duration::ZERO);
                (found.cas, expected.cas) = (None, None);
            }
            // Counted from the beginning of a second, and clocks begin within one.
            assert!(found.idle.abs_diff(expected.idle) <= Duration::from_secs(1));
            found.idle = expected.idle;
        }
        assert_eq!(found, expected, "{config:?}");
        // And so again: the same file, and the same state from it.
        let mut again = Cache::new(config.clone()).unwrap();
        restore(&mut again, Clocks::new(AGAIN), &file).unwrap();
        assert_eq!(again.digest(), restored.digest());
        assert_eq!(
            save(&again, Clocks::new(AGAIN), 5000),
            save(&restored, Clocks::new(AGAIN), 5000)
        );
    }
}

#[test]
fn a_full_cache_comes_back_but_for_its_least_recently_used_items() {
    for config in configs().filter(|config| config.memory == 64 << 10) {
        let (cache, now) = used(&config, 5, 4000);
        assert!(cache.stats().evictions > 0);
        let file = save(&cache, Clocks::new(now), buffer_size(1 << 14));
        let mut restored = Cache::new(config.clone()).unwrap();
        restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
        let keys = |cache: &Cache, now| {
            let keys = cache.saved_items(now).map(|item| item.key.to_vec());
            keys.collect::<Vec<_>>()
        };
        let (before, after) = (keys(&cache, now), keys(&restored, AGAIN));
        let missing = before.len() - after.len();
        assert!(
            missing * 10 < before.len(),
            "{missing} of {} {config:?}",
            before.len()
        );
        if config.policy == Policy::Lru {
            assert_eq!(before[missing..], after, "{config:?}");
        }
    }
}

#[test]
fn less_memory_keeps_the_most_recently_used_items() {
    let (cache, now) = used(&Config::new(256 << 10), 3, 3000);
    let file = save(&cache, Clocks::new(now), 1 << 16);
    let mut small = Cache::new(Config::new(64 << 10)).unwrap();
    let counts = restore(&mut small, Clocks::new(AGAIN), &file).unwrap();
    assert!(counts.stored as usize > 2 * small.len() && small.len() > 20);
    let kept: Vec<_> = small
        .saved_items(AGAIN)
        .map(|item| item.key.to_vec())
        .collect();
    let all: Vec<_> = cache
        .saved_items(now)
        .map(|item| item.key.to_vec())
        .collect();
    assert!(all.ends_with(&kept));
}

#[test]
fn a_value_that_is_larger_than_the_cache_takes_is_refused_and_counted() {
    let (_, file) = sample();
    let mut config = Config::new(64 << 10);
    config.item_size_max = 1000;
    let mut cache = Cache::new(config).unwrap();
    let counts = restore(&mut cache, Clocks::new(AGAIN), &file).unwrap();
    assert!(counts.refused > 0 && counts.stored > 0);
    assert_eq!(counts.stored as usize, cache.len());
}

#[test]
fn a_file_may_be_cut_anywhere() {
    let (len, file) = sample();
    let mut rng = Rng::with_seed(1);
    for sizes in [1, 2, 100, 5000] {
        let mut restored = Cache::new(Config::new(64 << 10)).unwrap();
        let mut restore = Restore::new(Clocks::new(AGAIN));
        let (mut input, mut rest) = (Vec::new(), &file[..]);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rng.usize(1..=sizes).min(rest.len()));
            rest = behind;
            input.extend_from_slice(piece);
            while let used @ 1.. = restore.feed(AGAIN, &mut restored, &input).unwrap() {
                input.drain(..used);
            }
            assert!(restore.wanted() > input.len() && restore.wanted() <= BLOCK_SIZE_MAX);
        }
        assert_eq!(restore.finish().unwrap().stored as usize, restored.len());
        assert_eq!(restored.len(), len);
    }
}

#[test]
fn a_file_without_its_end_is_truncated_and_one_with_more_is_corrupted() {
    let (_, mut file) = sample();
    for len in 0..file.len() {
        let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
        let result = restore(&mut cache, Clocks::new(AGAIN), &file[..len]);
        assert_eq!(result, Err(ReadError::Truncated), "{len} of {}", file.len());
    }
    file.push(0);
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    let result = restore(&mut cache, Clocks::new(AGAIN), &file);
    assert_eq!(result, Err(ReadError::Corrupted));
}

#[test]
fn every_changed_byte_is_noticed_before_anything_of_its_block_is_stored() {
    let (cache, file) = {
        let (cache, now) = used(&Config::new(64 << 10), 1, 12);
        let file = save(&cache, Clocks::new(now), 5000);
        (cache, file)
    };
    let mut end_of_first = HEADER_SIZE;
    let mut reader = Reader::new(Clocks::new(AGAIN));
    reader.next(&file).unwrap();
    end_of_first += reader.next(&file[HEADER_SIZE..]).unwrap().0;
    for at in 0..file.len() {
        for bits in [1, 0x80, 0xFF] {
            let mut file = file.clone();
            file[at] ^= bits;
            let mut restored = Cache::new(Config::new(64 << 10)).unwrap();
            let error = restore(&mut restored, Clocks::new(AGAIN), &file).unwrap_err();
            match at {
                0..8 => assert_eq!(error, ReadError::Foreign),
                8 | 9 => assert!(matches!(error, ReadError::Newer(_) | ReadError::Corrupted)),
                _ => assert!(matches!(error, ReadError::Corrupted | ReadError::Truncated)),
            }
            if at < end_of_first {
                assert!(restored.is_empty(), "byte {at}");
            }
            assert!(restored.len() <= cache.len());
        }
    }
}

#[test]
fn blocks_cannot_be_left_out_repeated_or_exchanged() {
    let (_, file) = sample();
    let mut parts = Vec::new();
    let mut reader = Reader::new(Clocks::new(AGAIN));
    let mut rest = &file[..];
    while !rest.is_empty() {
        let (used, _) = reader.next(rest).unwrap();
        parts.push(&rest[..used]);
        rest = &rest[used..];
    }
    assert!(parts.len() >= 4, "header, blocks, end");
    let result = |parts: &[&[u8]]| {
        let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
        restore(&mut cache, Clocks::new(AGAIN), &parts.concat())
    };
    assert!(result(&parts).is_ok());
    for at in 1..parts.len() - 1 {
        let mut changed = parts.clone();
        changed.remove(at);
        assert_eq!(result(&changed), Err(ReadError::Corrupted), "without {at}");
        changed.insert(at, parts[at]);
        changed.insert(at, parts[at]);
        assert_eq!(result(&changed), Err(ReadError::Corrupted), "{at} twice");
        let mut changed = parts.clone();
        changed.swap(at, at + 1);
        assert_eq!(result(&changed), Err(ReadError::Corrupted), "{at} later");
    }
}

#[test]
fn a_later_version_is_refused_by_its_number() {
    let (_, mut file) = sample();
    file[8] = 2;
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    let error = restore(&mut cache, Clocks::new(AGAIN), &file).unwrap_err();
    assert_eq!(error, ReadError::Newer(2));
    assert_eq!(
        error.to_string(),
        "its version is 2, and 1 is the latest known"
    );
}

/// A file with this payload, its checksums right.
fn forged(items: u32, payload: &[u8]) -> Vec<u8> {
    let writer = Writer::new(Clocks::new(START));
    let mut block = Vec::new();
    block.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    block.extend_from_slice(&items.to_le_bytes());
    block.extend_from_slice(&u64::MAX.to_le_bytes());
    block.extend_from_slice(payload);
    let sum = rapidhash_v3_nano_inline::<true, true>(&block, &RapidSecrets::seed(1));
    [&writer.header()[..], &sum.to_le_bytes(), &block].concat()
}

#[test]
fn a_block_that_is_not_made_of_whole_items_is_corrupted_though_its_checksum_is_right() {
    let item = b"\0\x01\x01\0\0\0\0\0\0\0kv";
    let no_key = b"\0\0\x01\0\0\0\0\0\0\0v";
    let long_key = [&[0, 251, 0, 0, 0, 0, 0, 0, 0, 0][..], &[b'k'; 251]].concat();
    let longest_key = [&[0, 250, 0, 0, 0, 0, 0, 0, 0, 0][..], &[b'k'; 250]].concat();
    for (items, payload, is_whole) in [
        (1, &item[..], true),
        (1, &item[..11], false),
        (1, &item.repeat(2), false),
        (2, &item.repeat(2), true),
        (2, item, false),
        (u32::MAX, item, false),
        (0, item, false),
        (0, &0_u64.to_le_bytes(), true),
        (0, &1_u64.to_le_bytes(), false),
        (1, b"", false),
        (1, no_key, false),
        (1, &long_key, false),
        (1, &longest_key, true),
    ] {
        let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
        let file = forged(items, payload);
        let result = restore(&mut cache, Clocks::new(AGAIN), &file);
        let is_corrupted = result == Err(ReadError::Corrupted);
        assert_eq!(is_corrupted, !is_whole, "{items} {payload:?} {result:?}");
        assert_eq!(cache.len(), usize::from(is_whole && items > 0));
    }
}

#[test]
fn a_block_beyond_the_limit_is_corrupted_and_not_waited_for() {
    let part = |len: u32| {
        let mut block = [0; 24];
        block[8..12].copy_from_slice(&len.to_le_bytes());
        let mut reader = Reader::new(Clocks::new(START));
        reader
            .next(&Writer::new(Clocks::new(START)).header())
            .unwrap();
        reader.next(&block).map(|(_, part)| match part {
            Part::Wanted(size) => size,
            other => panic!("{other:?}"),
        })
    };
    let most = BLOCK_SIZE_MAX as u32 - 24;
    assert_eq!(part(most - 1), Ok(BLOCK_SIZE_MAX - 1));
    assert_eq!(part(most), Ok(BLOCK_SIZE_MAX));
    assert_eq!(part(most + 1), Err(ReadError::Corrupted));
    assert_eq!(part(u32::MAX), Err(ReadError::Corrupted));
}

#[test]
fn a_buffer_that_is_too_small_loses_nothing() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    let key = [b'k'; 250];
    let value = Value::from(&[b'v'; 750]).flags(7);
    cache
        .set(
            START,
            &key,
            value.expire(Expiry::After(Duration::from_secs(9))),
        )
        .unwrap();
    // An item with everything that an item can have.
    let size = buffer_size(1000);
    let mut whole = vec![0; size];
    let mut save = cache.save(Clocks::new(START));
    let mut live = LiveSave::new(Clocks::new(START), 1);
    assert_eq!(save.next(&mut whole[..31]), Err(BufferTooSmall(32)));
    assert_eq!(save.next(&mut whole[..32]).map(<[u8]>::len), Ok(32));
    live.next(START, &cache, &mut whole).unwrap();
    assert_eq!(save.next(&mut whole[..size - 1]), Err(BufferTooSmall(size)));
    assert_eq!(
        live.next(START, &cache, &mut whole[..size - 1]),
        Err(BufferTooSmall(size))
    );
    assert_eq!(save.next(&mut whole).map(<[u8]>::len), Ok(size));
    assert_eq!(
        live.next(START, &cache, &mut whole).map(<[u8]>::len),
        Ok(size)
    );
    assert_eq!(save.next(&mut whole[..31]), Err(BufferTooSmall(32)));
    assert_eq!(save.next(&mut whole).map(<[u8]>::len), Ok(32));
    assert_eq!(save.next(&mut []).map(<[u8]>::len), Ok(0));
}

/// The deadlines of an item that ends in a minute, after a restart for which the clocks say this.
fn deadline(saved: Option<u64>, restored: Option<u64>) -> Option<Option<Instant>> {
    let clocks = |now, unix: Option<u64>| match unix {
        None => Clocks::new(now),
        Some(secs) => Clocks::new(now).unix(Instant::from_secs(secs)),
    };
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    let minute = Expiry::After(Duration::from_secs(60));
    cache
        .set(START, "key", Value::from("value").expire(minute))
        .unwrap();
    let file = save(&cache, clocks(START, saved), 4096);
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    let counts = restore(&mut cache, clocks(AGAIN, restored), &file).unwrap();
    assert_eq!(counts.stored + counts.expired, 1);
    cache.get(AGAIN, "key").map(|item| item.expires_at)
}

#[test]
fn deadlines_follow_the_wall_clock_if_both_sides_have_one() {
    let minute = AGAIN + Duration::from_secs(60);
    let second = AGAIN + Duration::from_secs(1);
    assert_eq!(deadline(None, None), Some(Some(minute)));
    assert_eq!(deadline(Some(1000), None), Some(Some(minute)));
    assert_eq!(deadline(None, Some(1000)), Some(Some(minute)));
    assert_eq!(deadline(Some(1000), Some(1059)), Some(Some(second)));
    assert_eq!(
        deadline(Some(1000), Some(1060)),
        None,
        "it has expired meanwhile"
    );
    assert_eq!(
        deadline(Some(1000), Some(900)),
        Some(Some(minute)),
        "it was set back"
    );
}

#[test]
fn items_that_a_flush_will_remove_are_gone_at_its_time_after_a_restart_too() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    cache.set(START, "key", "value").unwrap();
    cache.flush_at(START + Duration::from_secs(10));
    let file = save(&cache, Clocks::new(START), 4096);
    let mut restored = Cache::new(Config::new(64 << 10)).unwrap();
    restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
    assert!(
        restored
            .get(AGAIN + Duration::from_millis(9999), "key")
            .is_some()
    );
    assert!(
        restored
            .get(AGAIN + Duration::from_secs(10), "key")
            .is_none()
    );
    let after = START + Duration::from_secs(10);
    assert_eq!(cache.saved_items(after).count(), 0);
}

#[test]
fn times_of_last_use_go_on_over_a_restart() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    cache.set(START, "key", "value").unwrap();
    let later = START + Duration::from_secs(500);
    let file = save(
        &cache,
        Clocks::new(later).unix(Instant::from_secs(1000)),
        4096,
    );
    let mut restored = Cache::new(Config::new(64 << 10)).unwrap();
    let now = Instant::from_secs(10_000);
    let clocks = Clocks::new(now).unix(Instant::from_secs(1100));
    restore(&mut restored, clocks, &file).unwrap();
    let item = restored.peek(now, "key").unwrap();
    assert_eq!(now.since(item.last_used), Duration::from_secs(600));
}

#[test]
fn cas_numbers_go_on_after_a_restart_and_none_is_given_twice() {
    for shard in 0..4 {
        let mut config = Config::new(64 << 10);
        (config.hash_seed, config.shard, config.shard_count) = (7, shard, 4);
        let (cache, now) = used(&config, shard.into(), 60);
        let file = save(&cache, Clocks::new(now), 4096);
        let given = cache.items().filter_map(|view| view.item.cas);
        let given: HashSet<_> = given.collect();
        // Another seed begins its count elsewhere.
        config.hash_seed = 8;
        let mut restored = Cache::new(config).unwrap();
        restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
        let mut last = cache.last_cas();
        for number in 0..100 {
            restored
                .set(AGAIN, &*format!("new-{number}"), "value")
                .unwrap();
            let cas = restored.last_cas();
            assert!(
                cas > last && cas % 4 == u64::from(shard),
                "{cas} after {last}"
            );
            assert!(!given.contains(&Cas::new(cas).unwrap()));
            last = cas;
        }
    }
}

#[test]
fn a_count_of_cas_numbers_does_not_go_back_where_there_are_items() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    cache.resume_cas(1000);
    cache.set(START, "key", "value").unwrap();
    assert_eq!(cache.last_cas(), 1001);
    cache.resume_cas(500);
    assert_eq!(cache.last_cas(), 1001);
    cache.resume_cas(2000);
    assert_eq!(cache.last_cas(), 2000);
    // No count is that high.
    cache.resume_cas(1 << 32);
    assert_eq!(cache.last_cas(), 2000);
}

#[test]
fn a_compact_cache_leaves_cas_numbers_out_and_another_gives_them() {
    let mut compact = Config::new(64 << 10);
    compact.compact = true;
    let (len, file) = sample();
    let mut restored = Cache::new(compact).unwrap();
    restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
    assert!(restored.items().all(|view| view.item.cas.is_none()));
    let file = save(&restored, Clocks::new(AGAIN), 5000);
    let mut whole = Cache::new(Config::new(64 << 10)).unwrap();
    restore(&mut whole, Clocks::new(AGAIN), &file).unwrap();
    assert!(whole.items().all(|view| view.item.cas.is_some()));
    assert_eq!(whole.len(), len);
}

#[test]
fn items_of_a_cache_stay_unless_the_file_has_the_same_key() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    cache.set(START, "mine", "1").unwrap();
    cache.set(START, "both", "old").unwrap();
    assert_eq!(
        cache.restore(START, &Record::new(b"both", b"new")),
        Ok(true)
    );
    assert_eq!(
        cache.restore(START, &Record::new(b"", b"v")),
        Err(Error::KeyLength)
    );
    assert_eq!(cache.get(START, "mine").unwrap().value, b"1");
    assert_eq!(cache.get(START, "both").unwrap().value, b"new");
    cache.check();
}

#[test]
fn a_key_that_no_line_can_have_counts_as_given_in_base64() {
    let mut cache = Cache::new(Config::new(64 << 10)).unwrap();
    for (key, base64) in [
        (&b"key"[..], false),
        ("k\u{e9}y".as_bytes(), false),
        (b"k y", true),
        (b"key\r\n", true),
        (b"\x7f", true),
        (b"\0", true),
    ] {
        cache.restore(START, &Record::new(key, b"value")).unwrap();
        assert_eq!(cache.view_of(key).unwrap().base64, base64, "{key:?}");
    }
}

#[test]
fn an_index_that_was_made_for_too_many_items_shrinks_once_the_restore_has_ended() {
    let (len, file) = sample();
    let header = Writer::new(Clocks::new(START)).expect(100_000).header();
    let mut file = [&header[..], &file[HEADER_SIZE..]].concat();
    let index_pages = |cache: &Cache| {
        let pages = cache.pages();
        pages.filter(|page| page.usage == PageUse::Index).count()
    };
    for is_corrupted in [false, true] {
        if is_corrupted {
            *file.last_mut().unwrap() ^= 1;
        }
        let mut cache = Cache::new(Config::new(2 << 20)).unwrap();
        let mut restore = Restore::new(Clocks::new(AGAIN));
        let used = restore.feed(AGAIN, &mut cache, &file).unwrap();
        let reserved = index_pages(&cache);
        assert!(reserved > 50, "{reserved}");
        let mut rest = &file[used..];
        let outcome = loop {
            match restore.feed(AGAIN, &mut cache, rest) {
                Ok(used @ 1..) => rest = &rest[used..],
                outcome => break outcome,
            }
        };
        assert_eq!(outcome.is_err(), is_corrupted);
        assert_eq!((cache.len(), index_pages(&cache)), (len, reserved));
        while cache.maintain(AGAIN, 10) == 10 {}
        assert!(index_pages(&cache) < 5);
        cache.check();
    }
}
