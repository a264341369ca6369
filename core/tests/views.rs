//! What the views show agrees with each other and with what was done.

use core::time::Duration;
use std::collections::HashMap;

use dynamidb_core::view::{PageUse, RemovalReason};
use dynamidb_core::{Cache, Config, Expiry, Instant, LruBump, MemoryMap, Policy, Value};

const MEMORY: usize = 128 * 1024;

fn value(step: u64, bytes: &[u8]) -> Value<'_> {
    let size = (step as usize * 71) % bytes.len();
    let life = Expiry::After(Duration::from_secs(step % 60 + 1));
    let expiry = if step.is_multiple_of(3) {
        life
    } else {
        Expiry::Never
    };
    Value::from(&bytes[..size]).expire(expiry)
}

/// A cache in which much has happened, and the time.
fn busy(policy: Policy) -> (Cache, Instant) {
    let mut config = Config::new(MEMORY);
    config.policy = policy;
    let mut cache = Cache::new(config).expect("the configuration is right");
    let bytes = [b'v'; 4000];
    let mut now = Instant::from_secs(1000);
    for step in 0..3000 {
        now += Duration::from_millis(20);
        cache
            .set(
                now,
                format!("key{}", step % 700).as_bytes(),
                value(step, &bytes),
            )
            .expect("there is room");
        cache.get(now, format!("key{}", step * 7 % 700).as_bytes());
        cache.maintain(now, 4);
    }
    cache.check();
    (cache, now)
}

#[test]
fn the_order_is_the_same_from_both_ends() {
    for policy in [
        Policy::Lru,
        Policy::S3Lru,
        #[cfg(feature = "density")]
        Policy::Density,
    ] {
        let (mut cache, now) = busy(policy);
        // Pending promotions, one of them of an item that was used twice.
        let keys: Vec<_> = cache.items().map(|item| item.key.to_vec()).collect();
        for key in [&keys[5], &keys[9], &keys[5]] {
            assert!(cache.get(now, &key[..]).is_some());
        }
        let positions = || cache.items().map(|item| item.position);
        let order: Vec<_> = positions().collect();
        let mut reversed: Vec<_> = positions().rev().collect();
        reversed.reverse();
        assert_eq!((order.len(), &order), (cache.len(), &reversed));
        let mut items = positions();
        for ends in 0..order.len() / 2 {
            let last = order.len() - 1 - ends;
            assert_eq!(items.next(), Some(order[ends]));
            assert_eq!(items.next_back(), Some(order[last]));
        }
        assert_eq!(items.count(), order.len() % 2);
    }
}

#[test]
fn uses_that_are_only_noted_are_seen_as_they_will_be_entered() {
    for lru_bump in [LruBump::Strict, LruBump::Lazy] {
        let mut config = Config::new(64 * 1024);
        config.lru_bump = lru_bump;
        let mut cache = Cache::new(config).unwrap();
        let now = Instant::from_secs(1);
        for key in b'a'..=b'z' {
            cache.set(now, &[key], "value").unwrap();
        }
        for key in *b"cdcec" {
            assert!(cache.get(now, &[key]).is_some());
        }
        let keys = |cache: &Cache| -> Vec<_> { cache.items().map(|item| item.key[0]).collect() };
        let mut pending = keys(&cache);
        // Whoever takes an item out has the uses entered before.
        assert_eq!(pending.pop(), Some(b'a'));
        cache.delete(now, "a");
        assert_eq!(keys(&cache), pending, "{lru_bump:?}");
    }
}

#[test]
fn pages_and_the_chunks_of_items_add_up() {
    for policy in [
        Policy::Lru,
        Policy::S3Lru,
        #[cfg(feature = "density")]
        Policy::Density,
    ] {
        let (cache, _) = busy(policy);
        let mut used = HashMap::new();
        for item in cache.items() {
            let (mut value, mut key) = (Vec::new(), Vec::new());
            for chunk in cache.chunks(item.position) {
                *used.entry(chunk.page).or_insert(0) += 1;
                let start = chunk.page as usize * cache.page_size();
                let in_page = chunk.number * chunk.bytes.len();
                assert_eq!(chunk.position as usize * 16, start + in_page);
                let (start, middle) = (chunk.head, chunk.head + chunk.key);
                key.extend_from_slice(&chunk.bytes[start..middle]);
                value.extend_from_slice(&chunk.bytes[middle..middle + chunk.value]);
            }
            assert_eq!((&key[..], &value), (item.key, &item.item.value.to_vec()));
            assert_eq!(cache.inspect(item.position).unwrap().key, item.key);
        }
        assert_eq!(cache.items().count(), cache.len());
        let mut slabs: HashMap<usize, usize> = HashMap::new();
        for page in cache.pages() {
            let of_items = used.remove(&page.number).unwrap_or(0);
            let in_use = if page.usage == PageUse::Items {
                page.used
            } else {
                0
            };
            assert_eq!(in_use, of_items, "page {}", page.number);
            assert!(page.used <= page.begun && page.begun * page.chunk_size <= cache.page_size());
            if page.usage == PageUse::Items {
                *slabs.entry(page.chunk_size).or_default() += 1;
            }
        }
        for slab in cache.slabs() {
            assert_eq!(slabs.remove(&slab.chunk_size).unwrap_or(0), slab.pages);
        }
        assert!(slabs.is_empty() && used.is_empty());
        assert_eq!(cache.items().any(|item| item.queued), policy != Policy::Lru);
    }
}

/// Pages that were never used and those that were given back, in an extent that has begun and in
/// those that have not, with the whole budget and with less.
#[test]
fn unused_pages_are_those_that_nobody_uses() {
    for (page_size, memory) in [(512, MEMORY), (1024, 4 * MEMORY), (4096, 8 * MEMORY)] {
        let mut config = Config::new(memory);
        (config.page_size, config.slab_sizes) = (page_size, [64, 256, page_size].into());
        let mut cache = Cache::new(config).unwrap();
        let now = Instant::from_secs(1);
        let counted = |cache: &Cache| {
            let pages = cache.pages();
            let unused = pages.filter(|page| page.usage == PageUse::Unused);
            assert_eq!(cache.stats().unused_pages, unused.count() as u64);
            cache.stats().unused_pages
        };
        let all = counted(&cache);
        assert!(all > 100);
        for number in 0..400_u32 {
            let size = [10, 200, 1000][number as usize % 3];
            let value = vec![b'v'; size];
            cache.set(now, &number.to_le_bytes(), &value[..]).unwrap();
            counted(&cache);
        }
        let fewest = counted(&cache);
        assert!(fewest + 20 < all);
        for number in 0..400_u32 {
            cache.delete(now, &number.to_le_bytes());
            counted(&cache);
        }
        while cache.maintain(now, 8) == 8 {}
        assert_eq!(
            counted(&cache),
            all,
            "all but the one that the index begins with"
        );
        for share in 1..40 {
            if cache.set_memory(memory / 40 * share).is_ok() {
                while cache.maintain(now, 8) == 8 {}
                assert!(counted(&cache) < all);
            }
        }
        cache.set_memory(memory).unwrap();
        assert_eq!(counted(&cache), all);
    }
}

#[test]
fn an_overwritten_item_keeps_its_chunks_if_they_suffice() {
    let mut config = Config::new(MEMORY);
    (config.page_size, config.slab_sizes) = (1024, [64, 1024].into());
    let mut cache = Cache::new(config).unwrap();
    let now = Instant::from_secs(1);
    let mut places = |size, flags| {
        let bytes = vec![size as u8; size];
        let value = Value::from(&bytes[..]).flags(flags);
        cache.set(now, "key", value).unwrap();
        cache.check();
        assert_eq!(cache.get(now, "key").unwrap().value, bytes[..]);
        let item = cache.items().next().unwrap();
        let chunks = cache.chunks(item.position);
        chunks.map(|chunk| chunk.position).collect::<Vec<_>>()
    };
    // A head and the key take 31 bytes, flags 4, and each further chunk 8.
    for (chunks, least, most) in [(2, 38, 89), (2, 998, 1049), (3, 2010, 2065)] {
        let before = places(least, 0);
        assert_eq!(before.len(), chunks, "{least}");
        assert_eq!(places(most, 0), before);
        assert_eq!(places(least, 1), before);
        assert_ne!(places(most + 1, 0), before);
        assert_ne!(places(most, 1), before);
    }
}

#[test]
fn any_number_is_a_position_or_none() {
    let (cache, _) = busy(Policy::Lru);
    let all = 0..(2 * MEMORY / 16) as u32;
    let found = all.filter(|&position| cache.inspect(position).is_some());
    assert_eq!(found.count(), cache.len());
    for position in (0..32).map(|bit| 1 << bit).chain([u32::MAX, u32::MAX / 2]) {
        assert_eq!(
            cache.inspect(position).is_some(),
            cache.chunks(position).count() > 0
        );
    }
}

#[test]
fn pages_come_due_no_later_than_their_items_and_the_next_end_is_the_earliest() {
    let (cache, now) = busy(Policy::Lru);
    let due: HashMap<_, _> = cache.pages().map(|page| (page.number, page.due)).collect();
    let mut ends = Vec::new();
    for item in cache.items() {
        let Some(end) = item.item.expires_at else {
            continue;
        };
        ends.push(end);
        let page = cache.chunks(item.position).next().unwrap().page;
        let due = due[&page].expect("its page is in the wheel");
        assert!(due.at <= end && due.level < 4 && due.slot < 64);
    }
    ends.sort_unstable();
    let next = ends.iter().find(|&&end| end > now).copied();
    assert_eq!(cache.next_expiry(now), next);
    assert_eq!(cache.next_expiry(*ends.last().unwrap()), None);
    let later = now + Duration::from_secs(100);
    let mut cache = cache;
    while cache.maintain(later, 100) == 100 {}
    assert_eq!(cache.next_expiry(now), None);
    assert!(cache.pages().all(|page| page.due.is_none()));
    // A slot of each level begins when the cache hears of time first, a step of 20 ms after 1000 s.
    let millis = later.as_millis() - 1_000_020;
    let slots = [0, 6, 12, 18].map(|shift| (millis >> shift) % 64);
    assert_eq!(cache.wheel_hands().map(u64::from), slots);
}

#[test]
fn removals_say_who_and_why() {
    let mut config = Config::new(MEMORY);
    config.max_items = Some(3);
    let mut cache = Cache::new(config).unwrap();
    let brief = |text| Value::from(text).expire(Expiry::After(Duration::from_secs(5)));
    cache.set(Instant::from_secs(0), "unseen", "x").unwrap();
    cache.set(Instant::from_secs(0), "unseen too", "x").unwrap();
    cache.set(Instant::from_secs(0), "c", "x").unwrap();
    cache.set(Instant::from_secs(0), "d", "x").unwrap();
    assert_eq!(cache.removal_log().len(), 0, "off at first");

    cache.removal_log_mut().set_limit(3).unwrap();
    cache
        .set(Instant::from_secs(1), "asked", brief("12"))
        .unwrap();
    cache.delete(Instant::from_secs(1), "d");
    cache
        .set(Instant::from_secs(2), "unasked", brief("123"))
        .unwrap();
    assert!(cache.get(Instant::from_secs(6), "asked").is_none());
    cache.maintain(Instant::from_secs(9), 100);
    let seen: Vec<_> = cache
        .removal_log()
        .iter()
        .map(|r| (r.reason, r.key, r.value_len))
        .collect();
    assert_eq!(
        seen,
        [
            (RemovalReason::ItemLimit, &b"unseen too"[..], 1),
            (RemovalReason::ExpiredAsked, b"asked", 2),
            (RemovalReason::ExpiredUnasked, b"unasked", 3),
        ]
    );
    let last = cache.removal_log().iter().last().unwrap();
    let off = Instant::from_secs(2).since(last.last_used);
    assert!(off < Duration::from_secs(1), "to the second");
    assert_eq!(last.expires_at, Some(Instant::from_secs(7)));

    for step in 0..4_u32 {
        cache
            .set(Instant::from_secs(10), &step.to_le_bytes()[..], "x")
            .unwrap();
    }
    assert_eq!(
        (cache.removal_log().len(), cache.removal_log().missed()),
        (3, 2)
    );
    cache.removal_log_mut().clear();
    assert_eq!(
        (cache.removal_log().len(), cache.removal_log().missed()),
        (0, 0)
    );
    cache.removal_log_mut().set_limit(0).unwrap();
    cache.set(Instant::from_secs(10), "last", "x").unwrap();
    assert_eq!(
        (cache.removal_log().len(), cache.removal_log().missed()),
        (0, 0),
        "off again"
    );
    assert!(cache.removal_log_mut().set_limit(usize::MAX).is_err());
}

#[test]
fn a_full_memory_evicts_for_memory() {
    let mut cache = Cache::new(Config::new(MEMORY)).unwrap();
    cache.removal_log_mut().set_limit(1000).unwrap();
    for step in 0..300_u32 {
        cache
            .set(Instant::from_secs(0), &step.to_le_bytes()[..], &[0; 1000])
            .unwrap();
    }
    let gone = cache
        .removal_log()
        .iter()
        .map(|r| u32::from_le_bytes(r.key.try_into().unwrap()));
    let gone: Vec<_> = gone.collect();
    assert_eq!(gone.len() as u64, cache.stats().evictions);
    assert_eq!(
        gone,
        (0..gone.len() as u32).collect::<Vec<_>>(),
        "the oldest first"
    );
    assert!(
        cache
            .removal_log()
            .iter()
            .all(|r| r.reason == RemovalReason::Memory && !r.fetched)
    );
}

/// What a map says about each chunk: page and number, its item, the part in use, whether it goes on
/// from another; and about each item.
type Chunks = HashMap<(u32, u32), (u32, u32, bool)>;
type Items = HashMap<u32, Vec<u32>>;

fn decode(map: MemoryMap) -> (Chunks, Items) {
    let numbers = map.into_numbers();
    let (head, rest) = numbers.split_at(3);
    let (pages, rest) = rest.split_at(head[0] as usize);
    let (items, chunks) = rest.split_at(head[1] as usize);
    assert_eq!(chunks.len(), head[2] as usize);
    let items: Vec<_> = items.chunks_exact(MemoryMap::ITEM).collect();
    let mut decoded = Chunks::new();
    for page in pages.chunks_exact(MemoryMap::PAGE) {
        let touched = if page[0] == 4 { page[2] } else { 0 };
        for number in 0..touched {
            let chunk = chunks[(page[4] + number) as usize];
            let Some(item) = (chunk & 0x7F_FFFF).checked_sub(1) else {
                continue;
            };
            let is_continuation = chunk >> 31 == 1;
            let position = items[item as usize][0];
            let what = (position, chunk >> 23 & 0xFF, is_continuation);
            decoded.insert((page[6], number), what);
        }
    }
    let items = items.iter().map(|item| (item[0], item.to_vec())).collect();
    (decoded, items)
}

#[test]
fn a_map_made_page_by_page_shows_what_a_map_of_the_whole_shows() {
    let sizes: [&[usize]; 4] = [
        &[64, 128, 256, 1024, 4096],
        &[4096],
        &[32, 48, 4096],
        &[512],
    ];
    for (sizes, compact) in sizes
        .into_iter()
        .flat_map(|sizes| [(sizes, true), (sizes, false)])
    {
        let mut config = Config::new(4 << 20);
        config.slab_sizes = sizes.into();
        config.compact = compact;
        let mut cache = Cache::new(config).expect("the configuration is right");
        let bytes = vec![b'v'; 70_000];
        let now = Instant::from_secs(1000);
        for step in 0..600_u64 {
            let len = (step * step * 7 % 900 + (step % 50 / 49) * step * 110) as usize;
            let key = format!("key{}", step * 7 % 500);
            let value = value(step * 13, &bytes[..len + 1]);
            cache
                .set(now, key.as_bytes(), value)
                .expect("there is room");
        }
        let whole = MemoryMap::whole(&cache, now, usize::MAX);
        let mut paged = MemoryMap::default();
        for page in 0..cache.page_count() {
            paged.add_page(&cache, page, now);
        }
        let (whole, paged) = (decode(whole), decode(paged));
        assert_eq!(whole.1.len(), cache.len());
        assert_eq!(whole.1, paged.1, "items, {sizes:?}");
        assert_eq!(whole.0, paged.0, "chunks, {sizes:?}");
        assert!(whole.0.len() > cache.len(), "some items are split");
    }
}

#[test]
fn a_map_has_no_page_that_the_cache_does_not_have() {
    let (cache, now) = busy(Policy::Lru);
    let mut map = MemoryMap::default();
    for page in [cache.page_count(), u32::MAX] {
        map.add_page(&cache, page, now);
    }
    assert_eq!(map, MemoryMap::default());
    map.add_page(&cache, cache.page_count() - 1, now);
    assert_eq!(map.into_numbers()[0] as usize, MemoryMap::PAGE);
}
