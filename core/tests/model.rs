//! The cache against a model that any reader can check: a list of items in the order of use.
//!
//! Whatever the memory, an eviction must take the least recently used item, so what the cache holds
//! is always the front of the model's list. Under every policy nothing is evicted while an expired
//! item or an unused page is there, and what was just stored is there. Every run is made from a
//! seed, which a failure prints. All runs together do more than ten million operations;
//! `MODEL_OPERATIONS` sets how many each does.

#[path = "model/conditional.rs"]
mod conditional;
#[path = "model/evictions.rs"]
mod evictions;
#[path = "model/flush.rs"]
mod flush;

use core::time::Duration;

use dynamidb_core::view::PageUse;
use dynamidb_core::{
    Cache, Cas, CasOutcome, Config, ConfigError, Error, Expiry, Instant, LruBump, Policy, Value,
};
use hashbrown::HashSet;

/// SplitMix64 (Steele, Lea and Flood, 2014): enough randomness for a test, from one number.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[derive(Clone, Debug, Default)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
    flags: u32,
    deadline: Option<Instant>,
    stale: bool,
    won: bool,
    base64: bool,
}

/// The items, most recently used first.
#[derive(Default)]
struct Model {
    items: Vec<Entry>,
    /// Whether the first of them has just come there.
    has_new: bool,
}

impl Model {
    fn take(&mut self, now: Instant, key: &[u8]) -> Option<Entry> {
        let at = self.items.iter().position(|entry| entry.key == key)?;
        let entry = self.items.remove(at);
        entry
            .deadline
            .is_none_or(|deadline| deadline > now)
            .then_some(entry)
    }

    fn put(&mut self, now: Instant, entry: Entry) {
        let past = entry.deadline.is_some_and(|deadline| deadline <= now);
        self.items.retain(|other| other.key != entry.key);
        if !past {
            self.items.insert(0, entry);
            self.has_new = true;
        }
    }
}

struct Run {
    random: Random,
    cache: Cache,
    model: Model,
    now: Instant,
    keys: u64,
    value_len_max: u64,
    memory: usize,
    memory_max: usize,
    item_size_wanted: usize,
    item_size_max: usize,
    max_items: usize,
    evictions: u64,
    /// Whether the order of eviction is the exact LRU's.
    exact: bool,
    /// Whether items have no cas but what they are given.
    compact: bool,
}

/// More items than ever go in one step.
const REMOVALS_MAX: usize = 10_000;

/// Whatever the features, the fields of `Cache` take nothing of this memory.
fn cache(config: &Config) -> Result<Cache, ConfigError> {
    Cache::with_memory(config.clone(), Vec::with_capacity(config.memory))
}

impl Run {
    fn new(seed: u64, config: &Config, keys: u64, value_len_max: u64) -> Self {
        let mut cache = cache(config).expect("a configuration that works");
        let log = cache.removal_log_mut();
        log.set_limit(REMOVALS_MAX).expect("memory for it");
        let item_size_max = cache.item_size_max();
        Self {
            random: Random(seed),
            cache,
            model: Model::default(),
            now: Instant::from_millis(1_700_000_000_000),
            keys,
            value_len_max,
            memory: config.memory,
            memory_max: config.memory,
            item_size_wanted: config.item_size_max,
            item_size_max,
            max_items: config.max_items.unwrap_or(usize::MAX),
            evictions: 0,
            exact: config.policy == Policy::Lru && config.lru_bump == LruBump::Strict,
            compact: config.compact,
        }
    }

    fn key(&mut self) -> Vec<u8> {
        let mut number = self.random.below(self.keys);
        let len = 1 + (number.wrapping_mul(0x9E37_79B9) >> 7) % 250;
        let len = if number.is_multiple_of(7) {
            len
        } else {
            1 + len % 24
        };
        let mut key = vec![b'k'; (len as usize).max(3)];
        for byte in &mut key[..3] {
            *byte = (number % 251) as u8;
            number /= 251;
        }
        key
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = match self.random.below(16) {
            0 => self.random.below(self.value_len_max + 1),
            1..=3 => self.random.below(self.value_len_max.min(700) + 1),
            _ => self.random.below(self.value_len_max.min(120) + 1),
        };
        let start = self.random.next();
        (0..len)
            .map(|at| (start.wrapping_add(at * 7) >> 3) as u8)
            .collect()
    }

    fn expiry(&mut self) -> (Expiry, Option<Instant>) {
        let expiry = match self.random.below(8) {
            0..=3 => Expiry::Never,
            4 => Expiry::After(Duration::from_millis(self.random.below(2000))),
            5 => Expiry::After(Duration::from_millis(self.random.below(100_000))),
            6 => Expiry::After(Duration::from_secs(self.random.below(30 * 86400))),
            _ => Expiry::At(Instant::from_millis(self.now.as_millis().saturating_sub(1))),
        };
        (expiry, expiry.deadline(self.now))
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(match self.random.below(200) {
            0 => self.random.below(60_000),
            1..=9 => self.random.below(300),
            _ => 0,
        });
        let key = self.key();
        match self.random.below(31) {
            0..=7 => self.get(&key),
            8..=13 => self.set(&key),
            14 => self.conditional(&key, false),
            15 => self.conditional(&key, true),
            16 => self.compare_and_swap(&key),
            17 | 18 => self.join(&key),
            19 => self.arithmetic(&key),
            20 | 21 => self.touch(&key),
            22 | 23 => self.delete(&key),
            24 => self.peek(&key),
            25..=29 => self.with_options(&key),
            _ => self.rare(),
        }
        self.follow_evictions(&key);
    }

    fn get(&mut self, key: &[u8]) {
        let entry = self.model.take(self.now, key);
        let item = self.cache.get(self.now, key);
        same(item, entry.as_ref());
        if let Some(entry) = entry {
            self.model.put(self.now, entry);
        }
    }

    fn peek(&mut self, key: &[u8]) {
        let entry = self.model.items.iter().find(|entry| entry.key == key);
        let entry = entry.filter(|entry| entry.deadline.is_none_or(|end| end > self.now));
        same(self.cache.peek(self.now, key), entry);
    }

    fn value<'v>(&mut self, bytes: &'v [u8]) -> (Value<'v>, Option<Instant>) {
        let (expiry, deadline) = self.expiry();
        let flags = if self.random.below(4) == 0 {
            self.random.next() as u32
        } else {
            0
        };
        (Value::from(bytes).flags(flags).expire(expiry), deadline)
    }

    fn set(&mut self, key: &[u8]) {
        let bytes = self.bytes();
        let (value, deadline) = self.value(&bytes);
        let result = self.cache.set(self.now, key, value);
        if key.len() + bytes.len() > self.item_size_max {
            assert_eq!(result, Err(Error::ValueTooLarge));
            self.model.take(self.now, key);
            return;
        }
        assert_eq!(result, Ok(()), "a store was refused");
        let flags = value.flags;
        self.model.put(
            self.now,
            Entry {
                key: key.to_vec(),
                value: bytes,
                flags,
                deadline,
                ..Entry::default()
            },
        );
    }

    fn conditional(&mut self, key: &[u8], wants_old: bool) {
        let bytes = self.bytes();
        let (value, deadline) = self.value(&bytes);
        let old = self.model.take(self.now, key);
        let result = if wants_old {
            self.cache.replace(self.now, key, value)
        } else {
            self.cache.add(self.now, key, value)
        };
        let flags = value.flags;
        let entry = Entry {
            key: key.to_vec(),
            value: bytes,
            flags,
            deadline,
            ..Entry::default()
        };
        let too_large = key.len() + entry.value.len() > self.item_size_max;
        if old.is_some() != wants_old {
            assert_eq!(result, Ok(false));
        } else if too_large {
            assert_eq!(result, Err(Error::ValueTooLarge));
            if let Some(old) = old {
                // It was not used, so it stays where it was: the order is read back below.
                self.model.items.push(old);
                self.reorder();
            }
            return;
        } else {
            assert_eq!(result, Ok(true));
            self.model.put(self.now, entry);
            return;
        }
        if let Some(old) = old {
            self.model.put(self.now, old);
        }
    }

    fn compare_and_swap(&mut self, key: &[u8]) {
        let cas = self.cas(key);
        let bytes = self.bytes();
        let wrong = self.random.below(2) == 0;
        let given = cas.unwrap_or(7).wrapping_add(u64::from(wrong));
        // The items of a compact cache have none.
        let Some(given) = Cas::new(given) else { return };
        let result = self
            .cache
            .compare_and_swap(self.now, key, &bytes[..], given);
        match (cas, wrong) {
            (None, _) => assert_eq!(result, Ok(CasOutcome::NotFound)),
            (Some(0), _) | (_, true) => assert_eq!(result, Ok(CasOutcome::Exists)),
            _ if key.len() + bytes.len() > self.item_size_max => {
                assert_eq!(result, Err(Error::ValueTooLarge));
            }
            _ => {
                assert_eq!(result, Ok(CasOutcome::Stored));
                let entry = Entry {
                    key: key.to_vec(),
                    value: bytes,
                    ..Entry::default()
                };
                self.model.put(self.now, entry);
            }
        }
    }

    fn join(&mut self, key: &[u8]) {
        let bytes = self.bytes();
        let front = self.random.below(2) == 0;
        let result = if front {
            self.cache.prepend(self.now, key, &bytes)
        } else {
            self.cache.append(self.now, key, &bytes)
        };
        let at = self.model.items.iter().position(|entry| entry.key == key);
        let live = |at: &usize| {
            self.model.items[*at]
                .deadline
                .is_none_or(|end| end > self.now)
        };
        let Some(at) = at.filter(live) else {
            return assert_eq!(result, Ok(false));
        };
        if key.len() + self.model.items[at].value.len() + bytes.len() > self.item_size_max {
            return assert_eq!(result, Err(Error::ValueTooLarge));
        }
        assert_eq!(result, Ok(true));
        let mut entry = self.model.items.remove(at);
        let old = entry.value;
        entry.value = if front {
            [bytes, old].concat()
        } else {
            [old, bytes].concat()
        };
        (entry.stale, entry.won) = (false, false);
        self.model.put(self.now, entry);
    }

    fn arithmetic(&mut self, key: &[u8]) {
        if self.random.below(2) == 0 {
            let text = self.random.below(1000).to_string();
            assert_eq!(self.cache.set(self.now, key, text.as_str()), Ok(()));
            let value = text.into_bytes();
            self.model.put(
                self.now,
                Entry {
                    key: key.to_vec(),
                    value,
                    ..Entry::default()
                },
            );
            self.follow_evictions(key);
        }
        let delta = self.random.below(2000);
        let up = self.random.below(2) == 0;
        let result = if up {
            self.cache.increment(self.now, key, delta)
        } else {
            self.cache.decrement(self.now, key, delta)
        };
        let number = |value: &[u8]| {
            let text = core::str::from_utf8(value).ok()?.trim();
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse::<u64>().ok())?
        };
        match result {
            Ok(None) => assert!(self.model.take(self.now, key).is_none()),
            Ok(Some(result)) => {
                let mut entry = self.model.take(self.now, key).expect("the cache found it");
                if let Some(old) = number(&entry.value) {
                    let expected = if up {
                        old.wrapping_add(delta)
                    } else {
                        old.saturating_sub(delta)
                    };
                    assert_eq!(result, expected);
                }
                let width = entry.value.len();
                entry.value = format!("{result:<width$}").into_bytes();
                let same = entry.value.len() == width;
                (entry.stale, entry.won) = (entry.stale && same, entry.won && same);
                self.model.put(self.now, entry);
            }
            Err(error) => assert_eq!(error, Error::NotANumber),
        }
    }

    fn touch(&mut self, key: &[u8]) {
        let (expiry, deadline) = self.expiry();
        let entry = self.model.take(self.now, key);
        assert_eq!(self.cache.touch(self.now, key, expiry), entry.is_some());
        if let Some(entry) = entry {
            self.model.put(self.now, Entry { deadline, ..entry });
        }
    }

    fn delete(&mut self, key: &[u8]) {
        let entry = self.model.take(self.now, key);
        assert_eq!(self.cache.delete(self.now, key), entry.is_some());
    }

    fn rare(&mut self) {
        match self.random.below(250) {
            0 => {
                self.cache.clear();
                self.model.items.clear();
            }
            1 => {
                self.now += Duration::from_millis(1);
                self.cache.flush_at(self.now);
                self.model.items.clear();
                self.cache.maintain(self.now, 0);
            }
            2..=100 => {
                let limit = self.random.below(8) as usize;
                self.cache.maintain(self.now, limit + 1);
            }
            101..=110 => {
                let now = self.now;
                while self.cache.maintain(now, 64) == 64 {}
                let over = |entry: &Entry| entry.deadline.is_some_and(|end| end <= now);
                self.model.items.retain(|entry| !over(entry));
                self.within_memory();
            }
            111..=120 => self.resize(),
            121..=150 => self.flush_prefix(),
            _ => {}
        }
    }

    /// Gives the cache another budget, up to the one that it was made with.
    fn resize(&mut self) {
        let memory = match self.random.below(3) {
            0 => self.memory_max,
            _ => self.memory_max / 8 + self.random.below(self.memory_max as u64) as usize,
        };
        match self.cache.set_memory(memory) {
            Ok(()) => {
                self.memory = memory;
                self.item_size_max = self.cache.item_size_max();
                // Less than a quarter only of a few pages.
                let quarter = self.item_size_wanted.min(memory / 4);
                assert!((quarter / 4..=quarter).contains(&self.item_size_max));
            }
            Err(ConfigError::MemoryTooSmall(least)) => assert!(memory < least),
            Err(error) => {
                assert_eq!(error, ConfigError::MemoryTooLarge(self.memory_max as u64));
                assert!(memory > self.memory_max);
            }
        }
    }

    /// Once nothing is left to do, all pages that anybody uses are within the budget.
    fn within_memory(&self) {
        let used = self
            .cache
            .pages()
            .filter(|page| page.usage != PageUse::Unused);
        assert!(
            used.count() * self.cache.page_size() <= self.memory,
            "over the budget"
        );
    }

    /// What the cache holds is the front of the model's list, expired items aside.
    fn compare(&mut self) {
        let now = self.now;
        self.model
            .items
            .retain(|entry| entry.deadline.is_none_or(|end| end > now));
        let live = self
            .cache
            .items()
            .filter(|view| view.item.expires_at.is_none_or(|end| end > now));
        if !self.exact {
            let kept: HashSet<&[u8]> = live.map(|view| view.key).collect();
            self.model
                .items
                .retain(|entry| kept.contains(&entry.key[..]));
            assert_eq!(
                kept.len(),
                self.model.items.len(),
                "an item that nobody stored"
            );
            return;
        }
        let mut count = 0;
        for view in live {
            let entry = &self.model.items[count];
            assert_eq!(entry.key, view.key, "not the order of use");
            let marks = (view.stale, view.won, view.base64);
            assert_eq!(marks, (entry.stale, entry.won, entry.base64));
            same(Some(view.item), Some(entry));
            count += 1;
        }
        self.model.items.truncate(count);
    }

    /// No more items than allowed.
    fn within_limits(&self) {
        assert!(
            self.cache.len() <= self.max_items,
            "more items than allowed"
        );
    }

    /// Puts the model's items into the cache's order.
    fn reorder(&mut self) {
        let order: Vec<Vec<u8>> = self.cache.iter().map(|(key, _)| key.to_vec()).collect();
        let place = |entry: &Entry| order.iter().position(|key| *key == entry.key);
        self.model
            .items
            .sort_by_key(|entry| place(entry).unwrap_or(usize::MAX));
    }
}

fn same(item: Option<dynamidb_core::Item<'_>>, entry: Option<&Entry>) {
    assert_eq!(
        item.is_some(),
        entry.is_some(),
        "{item:?} instead of {entry:?}"
    );
    if let (Some(item), Some(entry)) = (item, entry) {
        assert_eq!(item.value.to_vec(), entry.value, "a wrong value");
        assert_eq!(item.flags, entry.flags);
        assert_eq!(item.expires_at, entry.deadline);
    }
}

/// Prints the seed if the test ends by a panic.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed: {}", self.0);
        }
    }
}

fn operations(default: u64) -> u64 {
    let text = std::env::var("MODEL_OPERATIONS").ok();
    text.map_or(default, |text| {
        text.parse().expect("MODEL_OPERATIONS is a number")
    })
}

fn run(config: &Config, keys: u64, value_len_max: u64, operations: u64, check_every: u64) {
    for seed in 0..8 {
        let _seed = Seed(seed);
        let mut run = Run::new(seed, config, keys, value_len_max);
        for step in 0..operations / 8 {
            run.step();
            if step % check_every == 0 {
                run.cache.check();
                run.compare();
                run.within_limits();
            }
        }
        run.cache.check();
        run.compare();
    }
}

#[test]
fn a_tiny_cache_with_every_step_checked() {
    let mut config = Config::new(16 * 1024);
    config.flush_prefix_max = 3;
    run(&config, 300, 3000, operations(40_000), 1);
}

#[test]
fn small_pages() {
    run(
        &Config::new(64 << 10),
        400,
        20_000,
        operations(1_600_000),
        500,
    );
}

#[test]
fn the_default_page_size() {
    run(
        &Config::new(300 << 10),
        1000,
        80_000,
        operations(1_600_000),
        500,
    );
}

#[test]
fn fine_slab_sizes() {
    let mut config = Config::new(256 * 1024);
    config.slab_sizes = [48, 80, 112, 160, 240, 352, 512, 800, 1200, 2032, 4096].into();
    run(&config, 2000, 5_000, operations(1_600_000), 500);
}

#[test]
fn the_least_memory() {
    for page_size in [512, 1024] {
        let mut config = Config::new(0);
        config.page_size = page_size;
        let sizes = config.slab_sizes.iter().copied();
        config.slab_sizes = sizes.filter(|&size| size <= page_size).collect();
        let Err(ConfigError::MemoryTooSmall(least)) = cache(&config) else {
            panic!("no memory is too little");
        };
        config.memory = least;
        run(&config, 300, 2000, operations(40_000), 1);
    }
}

#[test]
fn the_smallest_chunks_in_the_smallest_pages() {
    let mut config = Config::new(32 * 1024);
    config.page_size = 512;
    config.slab_sizes = [32, 48, 64, 112, 512].into();
    run(&config, 1500, 400, operations(100_000), 10);
    config.slab_sizes = [32].into();
    run(&config, 1500, 400, operations(100_000), 10);
}

#[test]
fn the_largest_pages_with_the_smallest_chunks() {
    let mut config = Config::new(17 << 16);
    config.page_size = 1 << 16;
    config.slab_sizes = [32, 64, 4096, 32768].into();
    run(&config, 8000, 270_000, operations(100_000), 500);
}

#[test]
fn few_items_allowed() {
    let mut config = Config::new(1 << 20);
    for (max_items, keys) in [(50, 120), (2, 4), (1, 3)] {
        config.max_items = Some(max_items);
        run(&config, keys, 5_000, operations(100_000), 10);
    }
}

/// Many items in little memory, so that the index has many buckets, under many seeds of the hash.
#[test]
fn other_hashes() {
    for seed in 0..16 {
        let mut config = Config::new(96 * 1024);
        config.hash_seed = seed << 60 | seed;
        config.slab_sizes = [48, 1024].into();
        run(&config, 2500, 60, operations(32_000), 100);
    }
}

#[test]
fn an_admission_queue_in_front() {
    let mut config = Config::new(64 * 1024);
    config.policy = Policy::S3Lru;
    run(&config, 400, 20_000, operations(1_600_000), 500);
}

/// Sizes that leave much unused, so that room for pages of the index is made again and again.
#[test]
fn an_admission_queue_in_front_of_few_small_pages() {
    let mut config = Config::new(16 * 1024);
    config.policy = Policy::S3Lru;
    config.page_size = 512;
    config.slab_sizes = [32, 96, 256].into();
    for bump in [LruBump::Strict, LruBump::Lazy] {
        config.lru_bump = bump;
        run(&config, 300, 2500, operations(1_600_000), 500);
    }
}

#[test]
fn a_lazy_order_of_use() {
    let mut config = Config::new(64 * 1024);
    config.lru_bump = LruBump::Lazy;
    run(&config, 400, 20_000, operations(1_600_000), 500);
    config.policy = Policy::S3Lru;
    run(&config, 400, 20_000, operations(1_600_000), 500);
}

#[test]
fn items_without_cas() {
    let mut config = Config::new(64 * 1024);
    config.compact = true;
    run(&config, 400, 20_000, operations(400_000), 500);
    config.slab_sizes = [32, 48, 1024].into();
    config.policy = Policy::S3Lru;
    run(&config, 1500, 60, operations(400_000), 100);
    let mut config = Config::new(9 << 20);
    config.compact = true;
    run(&config, 100, 2 << 20, operations(16_000), 500);
}
