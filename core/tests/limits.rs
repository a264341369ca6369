//! Every limit of a configuration: below, at and above it.

use core::mem::MaybeUninit;
use core::time::Duration;

use dynamidb_core::{Cache, Config, ConfigError, Error, Expiry, Instant, Policy, Value};

fn error(config: &Config) -> Option<ConfigError> {
    Cache::new(config.clone()).err()
}

/// The least memory that is said to work does, and a byte less does not.
#[test]
fn the_least_memory_is_what_the_error_says() {
    for page_size in [512, 1024, 4096, 65536] {
        for policy in [
            Policy::Lru,
            Policy::S3Lru,
            #[cfg(feature = "density")]
            Policy::DensityFull,
        ] {
            let mut config = Config::new(0);
            config.page_size = page_size;
            config.policy = policy;
            let Some(ConfigError::MemoryTooSmall(least)) = error(&config) else {
                panic!("no memory is too little");
            };
            config.memory = least - 1;
            assert_eq!(error(&config), Some(ConfigError::MemoryTooSmall(least)));
            config.memory = least;
            let mut cache = Cache::new(config).expect("the least memory is enough");
            fill_to_the_largest(&mut cache, 7 * page_size / 4);
            let mut lent = vec![0xA5; least];
            for skipped in 0..65 {
                let memory = &mut lent[skipped..];
                let mut config = Config::new(0);
                (config.page_size, config.policy) = (page_size, policy);
                let mut cache = Cache::with_memory(config, memory).expect("it is more than enough");
                fill(&mut cache, 7 * page_size / 4);
            }
        }
    }
}

/// Few pages serve few slab sizes, or many: each that is in use claims a page.
#[test]
fn the_least_memory_serves_any_slab_sizes() {
    let many = (2..=32).map(|sixteenth| 16 * sixteenth);
    for sizes in [vec![48], vec![32, 64, 128], vec![512], many.collect()] {
        for compact in [false, true] {
            let mut config = Config::new(0).with_page_size(512);
            config.slab_sizes = sizes[..].into();
            config.compact = compact;
            let Some(ConfigError::MemoryTooSmall(least)) = error(&config) else {
                panic!("no memory is too little");
            };
            config.memory = least;
            let mut cache = Cache::new(config).expect("the least memory is enough");
            fill_to_the_largest(&mut cache, 7 * 512 / 4);
        }
    }
}

#[test]
fn the_least_caller_provided_memory_has_3712_bytes() {
    let config = Config::new(0).with_page_size(512);
    let mut memory = [0; 3712];
    let refused = Cache::with_memory(config.clone(), &mut memory[..3711]).err();
    assert_eq!(refused, Some(ConfigError::MemoryTooSmall(3712)));
    let mut cache = Cache::with_memory(config, &mut memory[..]).unwrap();
    fill_to_the_largest(&mut cache, 7 * 512 / 4);
}

/// What is made in place is the same, and what is wrong is found in the same way.
#[test]
fn a_cache_made_in_place_is_the_same_as_one_that_is_returned() {
    let config = Config::new(0).with_page_size(512).with_hash_seed(7);
    let (mut memory, mut same) = ([0xA5; 8 << 10], [0xA5; 8 << 10]);
    let refused = Cache::init(&mut MaybeUninit::uninit(), &config, &mut same[..3711]).err();
    assert_eq!(refused, Some(ConfigError::MemoryTooSmall(3712)));
    let mut place = MaybeUninit::uninit();
    let cache: &mut Cache<_> = Cache::init(&mut place, &config, &mut memory[..]).unwrap();
    let mut other = Cache::with_memory(config, &mut same[..]).unwrap();
    assert_eq!(cache.digest(), other.digest());
    fill(cache, 500);
    fill(&mut other, 500);
    assert_eq!(
        (cache.digest(), cache.stats()),
        (other.digest(), other.stats())
    );
    cache.clear();
    fill(cache, 500);
}

/// Stores items of all sizes, the largest included.
fn fill<M: dynamidb_core::Memory>(cache: &mut Cache<M>, size_max: usize) {
    let now = Instant::from_secs(1);
    let value = vec![b'v'; size_max];
    for number in 0..300_usize {
        let key = number.to_le_bytes();
        let len = (number * number * 37) % (size_max - key.len());
        for len in [number % 300, len, size_max - key.len()] {
            assert_eq!(cache.set(now, &key, &value[..len]), Ok(()), "{len}");
        }
    }
    cache.check();
}

/// Fills it, and finds that nothing larger is accepted.
fn fill_to_the_largest<M: dynamidb_core::Memory>(cache: &mut Cache<M>, size_max: usize) {
    fill(cache, size_max);
    let larger = vec![b'v'; size_max];
    let refused = cache.set(Instant::from_secs(1), "k", &larger);
    assert_eq!(refused, Err(Error::ValueTooLarge));
}

/// At the limit of items those that have expired go first, by the millisecond, and a store is not
/// refused for them.
#[test]
fn expired_items_make_room_at_the_item_limit_before_live_ones_go() {
    for policy in [
        Policy::Lru,
        Policy::S3Lru,
        #[cfg(feature = "density")]
        Policy::Density,
        Policy::Refuse,
    ] {
        for (max_items, millis) in [(1, 1), (1, 300), (2, 7), (1000, 1), (1000, 60_000)] {
            let mut config = Config::new(1 << 20);
            (config.policy, config.max_items) = (policy, Some(max_items));
            let mut cache = Cache::new(config).expect("a configuration that works");
            let start = Instant::from_secs(1_700_000_000);
            let brief = max_items.div_ceil(2);
            for number in 0..max_items {
                // Of two, the one that expires was used last.
                let after = Duration::from_millis(millis + (number / 2) as u64);
                let expiry = match number % 2 == 1 || max_items == 1 {
                    true => Expiry::After(after),
                    false => Expiry::Never,
                };
                let value = Value::from("value").expire(expiry);
                assert_eq!(cache.set(start, &number.to_le_bytes(), value), Ok(()));
            }
            for number in 0..max_items - max_items / 2 {
                let now = start + Duration::from_millis(millis + number as u64);
                let key = (max_items + number).to_le_bytes();
                assert_eq!(cache.set(now, &key, "value"), Ok(()), "{policy:?} {number}");
                assert!(cache.get(now, &key).is_some());
            }
            let stats = cache.stats();
            let expected = (0, brief as u64, max_items as u64);
            let got = (stats.evictions, stats.reclaimed, stats.curr_items);
            assert_eq!(got, expected, "{policy:?} {max_items} {millis}");
            cache.check();
        }
    }
}

/// Without evictions, what there is no room for is refused, and everything that was stored stays.
#[test]
fn a_cache_that_may_not_evict_refuses() {
    for max_items in [None, Some(100)] {
        let mut config = Config::new(256 << 10);
        (config.policy, config.max_items) = (Policy::Refuse, max_items);
        let mut cache = Cache::new(config).expect("a configuration that works");
        let now = Instant::from_secs(1);
        let mut stored = 0_usize;
        while cache.set(now, &stored.to_le_bytes(), &[7; 200]).is_ok() {
            stored += 1;
        }
        assert!(
            max_items.is_none_or(|max| max == stored) && stored >= 100,
            "{stored}"
        );
        for more in stored..2 * stored {
            let refused = cache.set(now, &more.to_le_bytes(), &[7; 200]);
            assert_eq!(refused, Err(Error::OutOfMemory));
        }
        let stats = cache.stats();
        assert_eq!(
            (stats.evictions, stats.store_no_memory),
            (0, stored as u64 + 1)
        );
        for kept in 0..stored {
            assert!(cache.get(now, &kept.to_le_bytes()).is_some(), "{kept}");
        }
        assert_eq!(
            cache.set(now, &0_usize.to_le_bytes(), &[8; 200]),
            Ok(()),
            "in place"
        );
        assert!(cache.delete(now, &0_usize.to_le_bytes()));
        assert_eq!(cache.set(now, &stored.to_le_bytes(), &[7; 200]), Ok(()));
        cache.check();
    }
}

#[test]
fn too_much_memory_is_refused_before_it_is_asked_for() {
    let mut config = Config::new(usize::MAX);
    let expected = if usize::BITS > 32 {
        ConfigError::MemoryTooLarge(1 << 32)
    } else {
        ConfigError::OutOfMemory
    };
    assert_eq!(error(&config), Some(expected));
    config.page_size = 0;
    assert_eq!(error(&config), Some(ConfigError::PageSize(0)));
}

#[test]
fn page_sizes_are_powers_of_two_between_512_and_65536() {
    let mut config = Config::new(4 << 20);
    for page_size in [512, 1024, 65536] {
        config.page_size = page_size;
        config.slab_sizes = [64].into();
        assert_eq!(error(&config), None);
    }
    for page_size in [0, 1, 256, 511, 513, 65535, 65537, 131_072, usize::MAX] {
        config.page_size = page_size;
        assert_eq!(error(&config), Some(ConfigError::PageSize(page_size)));
    }
}

#[test]
fn slab_sizes_ascend_in_steps_of_16_from_32_to_the_page_size() {
    let mut config = Config::new(1 << 20);
    let mut try_sizes = |sizes: &[usize]| {
        config.slab_sizes = sizes.into();
        error(&config)
    };
    assert_eq!(try_sizes(&[32]), None);
    assert_eq!(try_sizes(&[4096]), None);
    for wrong in [0, 16, 31, 33, 40, 4097, 4112, usize::MAX] {
        assert_eq!(try_sizes(&[wrong]), Some(ConfigError::SlabSize(wrong)));
    }
    let order = |size| Some(ConfigError::SlabSizeOrder(size));
    assert_eq!(try_sizes(&[64, 64]), order(64));
    assert_eq!(try_sizes(&[64, 128, 96]), order(96));
    let many: Vec<usize> = (2..65).map(|number| number * 16).collect();
    assert_eq!(try_sizes(&many[..62]), None);
    assert_eq!(try_sizes(&many), Some(ConfigError::SlabSizeCount));
    assert_eq!(try_sizes(&[]), Some(ConfigError::SlabSizeCount));
}

#[test]
fn the_largest_item_has_1_byte_to_16_mib() {
    let mut config = Config::new(1 << 20);
    for size in [1, Config::ITEM_SIZE_LIMIT] {
        config.item_size_max = size;
        assert_eq!(error(&config), None);
    }
    for size in [0, Config::ITEM_SIZE_LIMIT + 1] {
        config.item_size_max = size;
        assert_eq!(error(&config), Some(ConfigError::ItemSize(size)));
    }
}

#[test]
fn an_item_of_16_mib_is_kept_whole() {
    let mut config = Config::new(4 * Config::ITEM_SIZE_LIMIT);
    config.item_size_max = Config::ITEM_SIZE_LIMIT;
    let mut cache = Cache::new(config).expect("a configuration that works");
    let now = Instant::from_secs(1);
    let value: Vec<u8> = (0..Config::ITEM_SIZE_LIMIT)
        .map(|at| (at >> 3) as u8)
        .collect();
    let most = &value[1..];
    assert_eq!(cache.set(now, "k", &value[..]), Err(Error::ValueTooLarge));
    assert_eq!(cache.set(now, "k", &most[1..]), Ok(()));
    assert_eq!(cache.append(now, "k", b"12"), Err(Error::ValueTooLarge));
    assert!(cache.prepend(now, "k", &most[..1]).is_ok());
    assert_eq!(
        cache.get(now, "k").map(|item| item.value.to_vec()),
        Some(most.to_vec())
    );
    cache.check();
}

#[test]
fn keys_have_1_to_250_bytes() {
    let mut cache = Cache::new(Config::new(64 * 1024)).expect("a configuration that works");
    let now = Instant::from_secs(1);
    for len in [1, 250] {
        assert_eq!(cache.set(now, &vec![b'k'; len][..], "v"), Ok(()));
    }
    for len in [0, 251, 300, 5000] {
        let key = vec![b'k'; len];
        assert_eq!(
            cache.set(now, &key[..], "v"),
            Err(Error::KeyLength),
            "{len}"
        );
        assert!(cache.get(now, &key[..]).is_none() && !cache.delete(now, &key[..]));
    }
}
