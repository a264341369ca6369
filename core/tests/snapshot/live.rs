//! Saves of a cache that goes on working.

use std::collections::HashMap;

use dynamidb_core::snapshot::LiveSave;

use super::*;

/// All records of a file: key and value.
fn records(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut reader = Reader::new(Clocks::new(START));
    let (mut rest, mut found) = (file, Vec::new());
    while !rest.is_empty() {
        let (used, part) = reader.next(rest).unwrap();
        rest = &rest[used..];
        if let Part::Block(block) = part {
            assert_eq!(block.records().count(), block.len());
            found.extend(block.records().map(|r| (r.key.to_vec(), r.value.to_vec())));
        }
    }
    assert_eq!(reader.finish(), Ok(found.len() as u64));
    found
}

/// Whatever the features, the fields of `Cache` take nothing of this memory.
fn cache(config: &Config) -> Cache {
    Cache::with_memory(config.clone(), Vec::with_capacity(config.memory)).unwrap()
}

/// Saves caches while they are used between any two pieces: what each key had at some moment, and
/// what was there all the while.
fn save_live(seed: u64, caches: usize) {
    let mut rng = Rng::with_seed(seed);
    let keys = rng.u32(1..2000);
    let mut config = Config::new([48 << 10, 400 << 10][rng.usize(..2)]);
    config.policy = [Policy::Lru, Policy::S3Lru][rng.usize(..2)];
    config.hash_seed = 5;
    let mut caches: Vec<_> = (0..caches).map(|_| cache(&config)).collect();
    let of =
        |key: &[u8], caches: &[Cache]| caches[0].hasher().hash(&key.into()) as usize % caches.len();
    let operate_on_all = |rng: &mut Rng, caches: &mut Vec<Cache>, operations: u32| {
        for _ in 0..operations {
            let key = format!("{}", rng.u32(..keys)).into_bytes();
            let number = of(&key, caches);
            let cache = &mut caches[number];
            if rng.u8(..3) == 0 {
                cache.delete(START, &key[..]);
            } else {
                let value = vec![rng.u8(..); rng.usize(1..400)];
                cache.set(START, &key[..], &value[..]).unwrap();
            }
        }
    };
    let contents = |caches: &[Cache]| {
        let items = caches.iter().flat_map(|cache| cache.iter());
        items
            .map(|(key, item)| (key.to_vec(), item.value.to_vec()))
            .collect::<HashMap<_, _>>()
    };
    operate_on_all(&mut rng, &mut caches, 3000);
    let mut all_the_while: HashSet<_> = contents(&caches).into_keys().collect();
    let mut values: HashSet<_> = contents(&caches).into_iter().collect();
    let (mut file, mut buffer) = (Vec::new(), vec![0; rng.usize(700..5000)]);
    let mut save = LiveSave::new(Clocks::new(START), caches.len());
    while let Some(number) = save.cache() {
        file.extend_from_slice(save.next(START, &caches[number], &mut buffer).unwrap());
        // From one end to the other, so that the index grows and shrinks.
        let operations = rng.u32(..30);
        match rng.u8(..20) {
            0 => caches.iter_mut().for_each(Cache::clear),
            1 => operate_on_all(&mut rng, &mut caches, 500),
            _ => operate_on_all(&mut rng, &mut caches, operations),
        }
        for cache in &mut caches {
            cache.maintain(START, 4);
        }
        let now = contents(&caches);
        all_the_while.retain(|key| now.contains_key(key));
        values.extend(now);
    }
    let found = records(&file);
    assert_eq!(found.len() as u64, save.items());
    let keys: HashSet<_> = found.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), found.len(), "a key twice, seed {seed}");
    assert!(
        all_the_while.is_subset(&keys),
        "a key left out, seed {seed}"
    );
    let made_up = found.iter().find(|item| !values.contains(item));
    assert!(
        made_up.is_none(),
        "{made_up:?} was never there, seed {seed}"
    );
}

#[test]
fn a_save_of_a_working_cache_has_each_key_once_and_whole() {
    for seed in 0..60 {
        save_live(seed, 1 + seed as usize % 3);
    }
}

#[test]
fn keys_that_share_a_group_of_the_index_are_all_saved() {
    // More of them than are taken at once: the index cannot grow in a page.
    let mut config = Config::new(64 << 10);
    config.item_size_max = 300;
    let mut cache = cache(&config);
    for number in 0..300_u32 {
        cache.set(START, &number.to_le_bytes(), "value").unwrap();
    }
    for size in [buffer_size(300), 1000, 1 << 16] {
        let (mut file, mut buffer) = (Vec::new(), vec![0; size]);
        let mut save = LiveSave::new(Clocks::new(START), 1);
        while save.cache().is_some() {
            file.extend_from_slice(save.next(START, &cache, &mut buffer).unwrap());
        }
        let keys: HashSet<_> = records(&file).into_iter().collect();
        assert_eq!((keys.len(), save.items()), (300, 300));
    }
}

#[test]
fn a_live_save_is_restored_in_the_order_of_seconds() {
    for (number, config) in configs().filter(|config| !config.compact).enumerate() {
        let (cache, now) = used(&config, number as u64, 60);
        let (mut file, mut buffer) = (Vec::new(), vec![0; 5000]);
        let mut save = LiveSave::new(Clocks::new(now), 1);
        while save.cache().is_some() {
            file.extend_from_slice(save.next(now, &cache, &mut buffer).unwrap());
        }
        let mut restored = Cache::new(config.clone()).unwrap();
        let counts = restore(&mut restored, Clocks::new(AGAIN), &file).unwrap();
        assert_eq!(counts.stored as usize, cache.saved_items(now).count());
        // Each list of s3lru for itself.
        for queued in [false, true] {
            let items = all(AGAIN, &restored).into_iter();
            let idle: Vec<_> = items
                .filter(|i| i.bits[4] == queued)
                .map(|i| i.idle)
                .collect();
            assert!(idle.is_sorted(), "{idle:?} {config:?}");
        }
        restored.set(AGAIN, "new", "value").unwrap();
        restored.check();
    }
}

#[test]
fn sorting_by_last_use_keeps_the_order_within_a_second() {
    for lru_bump in [LruBump::Strict, LruBump::Lazy] {
        let mut config = Config::new(1 << 20);
        config.lru_bump = lru_bump;
        let mut cache = Cache::new(config).unwrap();
        let mut rng = Rng::with_seed(9);
        let now = Instant::from_secs(1 << 29);
        let mut expected = Vec::new();
        for number in 0..3000_u32 {
            let key = number.to_le_bytes();
            let mut record = Record::new(&key, b"value");
            let idle = [3, 70, 5000, 300_000, 1 << 24][rng.usize(..5)];
            record.idle = Duration::from_secs(idle);
            cache.restore(now, &record).unwrap();
            expected.push((idle, key.to_vec()));
        }
        cache.sort_by_last_use();
        cache.check();
        expected.reverse();
        expected.sort_by_key(|(idle, _)| *idle);
        let found = cache.items().map(|item| item.key.to_vec());
        assert!(found.eq(expected.into_iter().map(|(_, key)| key)));
    }
}
