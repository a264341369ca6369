//! The policy `density` beside plain lists of what it says: on which level an item is, in which
//! order items would be evicted, and which one is.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use core::time::Duration;

use dynamidb_core::snapshot::{Clocks, LiveSave, Restore};
use dynamidb_core::view::RemovalReason;
use dynamidb_core::{Cache, Config, Instant, LruBump, Policy};

const NOW: Instant = Instant::from_secs(1);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    key: u16,
    size: u64,
    came_again: bool,
    /// The tick at which it was used.
    stamp: u64,
}

impl Entry {
    /// 0 below 256 bytes, then one more for each factor of four, up to 9.
    fn class(&self) -> u32 {
        (0..9)
            .take_while(|&class| self.size >= 256 << (2 * class))
            .count() as u32
    }
}

/// All items, the one that was used last at the end.
#[derive(Clone, Debug)]
struct Model {
    /// To which power size counts, in eighths.
    power: u32,
    tick: u64,
    bytes: u64,
    weight: u64,
    evicted: [u64; 2],
    items: Vec<Entry>,
    /// What was evicted and from which level; `None`: it has come back since.
    ghosts: Vec<Option<(u16, bool)>>,
    welcome: [usize; 2],
    forced: usize,
    /// Ghosts whose place another one took: their hashes share it.
    forgotten: usize,
}

impl Model {
    fn new(cache: &Cache, power: u32) -> Self {
        let capacity = cache.pages().count() * cache.page_size();
        Self {
            power,
            tick: capacity as u64 / 64 + 1,
            bytes: 0,
            weight: 8 * 256,
            evicted: [1, 1],
            items: Vec::new(),
            ghosts: Vec::new(),
            welcome: [0; 2],
            forced: 0,
            forgotten: 0,
        }
    }

    fn now(&self) -> u64 {
        self.bytes / self.tick
    }

    fn age(&self, entry: &Entry) -> u64 {
        (self.now() - entry.stamp) % 256
    }

    fn score(&self, entry: &Entry) -> u128 {
        let age = self.age(entry);
        if age > 128 {
            return u128::MAX - u128::from(256 - age);
        }
        let weight = if entry.came_again { 256 } else { self.weight };
        u128::from(age + 1) * u128::from(weight) * self.weight_of(entry.class())
    }

    /// In parts of 16.
    fn weight_of(&self, class: u32) -> u128 {
        let power = f64::from(self.power * class) / 8.0;
        (16.0 * 4_f64.powf(power)).round() as u128
    }

    /// The next item to evict: of the least recently used items of each level and class the one
    /// with the highest score; of equal ones the one that is new, then the smallest.
    fn victim(&self) -> Option<usize> {
        let mut victim: Option<usize> = None;
        for came_again in [false, true] {
            for class in 0..10 {
                let of_list =
                    |entry: &Entry| entry.came_again == came_again && entry.class() == class;
                let Some(last) = self.items.iter().position(of_list) else {
                    continue;
                };
                let score = |at: usize| self.score(&self.items[at]);
                if victim.is_none_or(|best| score(last) > score(best)) {
                    victim = Some(last);
                }
            }
        }
        victim
    }

    /// All keys in the order in which they would be evicted, the last one first.
    fn order(&self) -> Vec<u16> {
        let mut left = self.clone();
        let victims = std::iter::from_fn(|| Some(left.items.remove(left.victim()?).key));
        let mut order: Vec<u16> = victims.collect();
        order.reverse();
        order
    }

    fn take(&mut self, key: u16) -> Option<Entry> {
        let at = self.items.iter().position(|entry| entry.key == key)?;
        Some(self.items.remove(at))
    }

    /// Evicts this key, if it is the next one.
    fn evict(&mut self, key: u16) -> bool {
        let Some(at) = self.victim().filter(|&at| self.items[at].key == key) else {
            return false;
        };
        let entry = self.items.remove(at);
        self.forced += usize::from(self.age(&entry) > 128);
        self.ghosts.push(Some((key, entry.came_again)));
        self.evicted[usize::from(entry.came_again)] += 1;
        if self.evicted.iter().sum::<u64>() > 8192 {
            self.evicted = self.evicted.map(|count| count / 2);
        }
        true
    }

    fn get(&mut self, key: u16) -> bool {
        let Some(entry) = self.take(key) else {
            return false;
        };
        let (came_again, stamp) = (true, self.now());
        self.items.push(Entry {
            came_again,
            stamp,
            ..entry
        });
        true
    }

    /// Stores an item that was not there: one that was evicted lately comes again.
    fn insert(&mut self, key: u16, size: u64, came_again: bool) {
        let lately = self.items.len();
        let ghosts = self.ghosts.iter_mut().rev().take(lately);
        let ghost = { ghosts }.find(|ghost| ghost.is_some_and(|(ghost, _)| ghost == key));
        let level = ghost.and_then(Option::take).map(|(_, level)| level);
        assert!(
            level.is_some() || !came_again,
            "{key} was not evicted lately"
        );
        self.forgotten += usize::from(level.is_some() && !came_again);
        if let Some(level) = level.filter(|_| came_again) {
            self.welcome[usize::from(level)] += 1;
            let all: u64 = self.evicted.iter().sum();
            let rarity = all / (self.evicted[usize::from(level)] + all / 50 + 1);
            let step = (self.weight * rarity.clamp(1, 16) / 256).max(1);
            let weight = match level {
                true => self.weight + step,
                false => self.weight - step,
            };
            self.weight = weight.clamp(4 * 256, 32 * 256);
        }
        self.bytes += if came_again { size } else { size / 8 };
        let stamp = self.now();
        self.items.push(Entry {
            key,
            size,
            came_again,
            stamp,
        });
    }
}

struct Run {
    cache: Cache,
    model: Model,
}

impl Run {
    fn new(mut config: Config, power: u32) -> Self {
        config.policy = match power {
            3 => Policy::Density,
            _ => Policy::DensityFull,
        };
        let mut cache = Cache::new(config).unwrap();
        cache.removal_log_mut().set_limit(10_000).unwrap();
        let model = Model::new(&cache, power);
        Self { cache, model }
    }

    fn get(&mut self, key: u16) {
        let found = self.cache.get(NOW, &key.to_le_bytes()).is_some();
        assert_eq!(found, self.model.get(key), "{key}");
    }

    fn delete(&mut self, key: u16) {
        let found = self.cache.delete(NOW, &key.to_le_bytes());
        assert_eq!(found, self.model.take(key).is_some(), "{key}");
    }

    /// Stores a value: what is evicted meanwhile is next in the model, each time. That is before
    /// the item is in a list, or, when the index grows, after that, but never the item.
    fn set(&mut self, key: u16, len: usize) {
        let bytes = key.to_le_bytes();
        self.cache.set(NOW, &bytes, &vec![b'v'; len][..]).unwrap();
        let view = self
            .cache
            .view_of(&bytes)
            .expect("what was just stored is there");
        let (size, came_again) = (view.size as u64, !view.queued);
        let old = self.model.take(key);
        let mut evicted: Vec<u16> = Vec::new();
        for removal in self.cache.removal_log().iter() {
            let reason = removal.reason;
            assert!(matches!(
                reason,
                RemovalReason::Memory | RemovalReason::ItemLimit
            ));
            evicted.push(u16::from_le_bytes(removal.key.try_into().unwrap()));
        }
        self.cache.removal_log_mut().clear();
        let mut evicted = evicted.into_iter().peekable();
        while evicted.next_if(|&key| self.model.evict(key)).is_some() {}
        match old {
            Some(old) => {
                assert_eq!(old.came_again, came_again, "{key} is on another level");
                let stamp = self.model.now();
                self.model.items.push(Entry { size, stamp, ..old });
            }
            None => self.model.insert(key, size, came_again),
        }
        for other in evicted {
            assert!(
                self.model.evict(other),
                "{other} is evicted before its turn"
            );
        }
    }

    fn compare(&self) {
        let items = self.cache.items().map(|view| {
            let key = u16::from_le_bytes(view.key.try_into().unwrap());
            (key, !view.queued, view.young)
        });
        let level = |key: u16| {
            let entry = self.model.items.iter().find(|entry| entry.key == key);
            entry.unwrap().came_again
        };
        let expected = self.model.order().into_iter();
        let expected: Vec<_> = expected.map(|key| (key, level(key), false)).collect();
        assert_eq!(items.collect::<Vec<_>>(), expected);
        let backwards = self.cache.items().rev().map(|view| view.key.to_vec());
        let backwards: Vec<_> = backwards.collect();
        let keys = expected
            .iter()
            .rev()
            .map(|(key, ..)| key.to_le_bytes().to_vec());
        assert_eq!(backwards, keys.collect::<Vec<_>>(), "from the other end");
    }
}

fn config(memory: usize, max_items: Option<usize>) -> Config {
    let mut config = Config::new(memory);
    config.max_items = max_items;
    config
}

/// Sizes of all classes that fit, small ones more often.
fn len(random: &mut fastrand::Rng, len_max: usize) -> usize {
    match random.u8(..) {
        0..=3 => random.usize(0..len_max),
        4..=60 => random.usize(0..len_max.min(4000)),
        _ => random.usize(0..400),
    }
}

fn run(config: Config, power: u32, len_max: usize, keys: u16, steps: u32) -> Run {
    let mut run = Run::new(config, power);
    let mut random = fastrand::Rng::with_seed(9);
    for step in 0..steps {
        // Few keys are asked for often, and some scans come between.
        let key = match step / 300 % 3 {
            0 => random.u16(0..keys),
            _ => (random.f32().powi(3) * f32::from(keys)) as u16,
        };
        match random.u8(..) {
            0..=9 => run.delete(key),
            10..=150 => run.get(key),
            _ => run.set(key, len(&mut random, len_max)),
        }
        if step % 16 == 0 {
            run.compare();
            run.cache.check();
        }
    }
    run.cache.check();
    run
}

/// Items came again from each level. Where there are many small ones in little memory, many of them
/// are forgotten, because as many hashes share the places of the table.
fn assert_busy(run: &Run) {
    let Model {
        welcome, forgotten, ..
    } = run.model;
    assert!(welcome.iter().all(|&count| count > 100), "{welcome:?}");
    assert!(
        forgotten < welcome[0] + welcome[1],
        "{forgotten}, {welcome:?}"
    );
    assert_ne!(run.model.weight, 8 * 256, "nothing was learned");
}

#[test]
fn items_are_evicted_as_the_policy_says_when_there_are_too_many() {
    for power in [3, 8] {
        let config = config(1 << 20, Some(80));
        assert_busy(&run(config, power, 4000, 200, 20_000));
    }
}

#[test]
fn items_are_evicted_as_the_policy_says_when_memory_is_full() {
    for power in [3, 8] {
        let run = run(config(256 << 10, None), power, 60_000, 600, 20_000);
        assert_busy(&run);
    }
}

/// Old small items go when two capacities of others came again, whatever their sizes.
#[test]
fn small_items_that_nobody_uses_make_room_for_large_ones() {
    for power in [3, 8] {
        let mut run = Run::new(config(1 << 20, None), power);
        let small = 0..1000_u16;
        for _ in 0..2 {
            for key in small.clone() {
                run.set(key, 60);
                run.get(key);
            }
        }
        // Not all of them fit, so each comes again soon after it was evicted.
        for round in 0..40_u16 {
            for key in 2000..2020 {
                run.set(key, 70_000 + usize::from(round));
                run.get(key);
            }
        }
        let left = small.filter(|key| run.cache.peek(NOW, &key.to_le_bytes()).is_some());
        assert_eq!(left.count(), 0);
        assert!(run.model.forced > 100);
        run.compare();
    }
}

/// A stamp has eight bits, so an item that was not used for longer seems younger. Nothing else
/// depends on that.
#[test]
fn an_item_may_be_older_than_its_stamp_can_say() {
    let mut run = Run::new(config(1 << 20, None), 3);
    for key in 0..100 {
        run.set(key, 300);
        for _ in 0..6 {
            run.set(1000, 60_000);
            run.delete(1000);
        }
    }
    assert!(run.model.now() > 256);
    run.compare();
    for key in 2000..6000 {
        run.set(key, 300);
    }
    assert!(run.model.ghosts.contains(&Some((0, false))));
    run.compare();
    run.cache.check();
}

/// A scan of two capacities of keys that come once evicts hardly anything that came again.
#[test]
fn a_scan_leaves_what_came_again() {
    let mut run = Run::new(config(1 << 20, None), 3);
    for key in 0..2000 {
        run.set(key, 200);
        run.get(key);
    }
    for key in 10_000..20_000 {
        run.set(key, 200);
    }
    let there = |key: &u16| run.cache.peek(NOW, &key.to_le_bytes()).is_some();
    let left = (0..2000).filter(there).count();
    assert!(left > 1900, "{left} of 2000");
}

#[test]
fn evictions_are_counted_by_level() {
    let mut run = Run::new(config(1 << 20, Some(2)), 3);
    run.set(1, 10);
    run.get(1);
    run.set(2, 10);
    run.set(3, 10);
    let evictions = |run: &Run| {
        let stats = run.cache.stats();
        (stats.evictions, stats.evicted_new)
    };
    assert_eq!(evictions(&run), (1, 1));
    run.get(3);
    run.set(4, 10);
    assert_eq!(evictions(&run), (2, 1));
}

/// A header has no bits for the stamp if it is compact.
#[test]
fn items_are_never_compact_and_the_order_is_never_lazy() {
    let mut config = config(64 << 10, None);
    (config.compact, config.lru_bump) = (true, LruBump::Lazy);
    let mut run = Run::new(config, 2);
    run.set(1, 10);
    run.get(1);
    let view = run.cache.items().next().unwrap();
    assert_eq!((view.item.cas.is_some(), view.young), (true, false));
    assert_eq!(view.size, 24 + 2 + 10);
}

/// Twenty bits of seconds are left beside the stamp: nine days, and three for a clock that steps
/// back.
#[test]
fn the_time_of_the_last_use_is_known_for_nine_days() {
    let mut run = Run::new(config(64 << 10, None), 3);
    let day = |days: u64| Instant::from_secs(86_400 * days);
    run.cache.set(day(100), "key", &[0; 3000]).unwrap();
    run.cache.set(day(100), "small", "value").unwrap();
    for key in ["key", "small"] {
        let mut last_used = |now| {
            run.cache.maintain(now, 1);
            run.cache.peek(now, key).unwrap().last_used
        };
        assert_eq!(last_used(day(100)), day(100));
        assert_eq!(last_used(day(109)), day(100));
        assert_ne!(last_used(day(113)), day(100));
        // Nor does a step back make it one of the future.
        assert_eq!(last_used(day(109)), day(100));
        assert_eq!(last_used(day(98)), day(100));
    }
}

/// The fields of a header with a stamp, unsplit and split.
#[test]
fn the_fields_of_a_header_show_stamp_and_level() {
    let mut run = Run::new(config(64 << 10, None), 3);
    for (key, len, at) in [(1, 10, 0), (2, 3000, 24)] {
        run.set(key, len);
        run.get(key);
        let position = run.cache.view_of(&key.to_le_bytes()).unwrap().position;
        let field = |name| {
            let mut fields = run.cache.fields(position);
            fields.find(|field| field.name == name).expect(name)
        };
        assert_eq!((field("stamp").at, field("stamp").mask), (at, 0xFF << 20));
        assert_eq!(
            (field("last use").at, field("last use").mask),
            (at, 0xF_FFFF)
        );
        assert_eq!(
            (field("by density").value, field("came again").value),
            (1, 1)
        );
    }
}

#[test]
fn a_file_in_no_order_brings_the_order_of_use_back() {
    let mut config = Config::new(1 << 20);
    config.policy = Policy::Density;
    let mut cache = Cache::new(config.clone()).unwrap();
    let at = |second: u64| NOW + Duration::from_secs(second);
    let size = |number: u64| [20, 1000][usize::from(number.is_multiple_of(3))];
    for number in 0..1200 {
        let value = vec![0; size(number)];
        cache
            .set(at(number), &number.to_le_bytes(), &value[..])
            .unwrap();
        // Some come again, and are younger than those that were stored after them.
        if let (0, Some(again)) = (number % 5, number.checked_sub(30)) {
            cache.get(at(number), &again.to_le_bytes()).unwrap();
        }
    }
    let now = at(1200);
    let (mut file, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    let mut save = LiveSave::new(Clocks::new(now), 1);
    while save.cache().is_some() {
        file.extend_from_slice(save.next(now, &cache, &mut buffer).unwrap());
    }
    let mut restored = Cache::new(config).unwrap();
    let (mut restore, mut rest) = (Restore::new(Clocks::new(now)), &file[..]);
    while let used @ 1.. = restore.feed(now, &mut restored, rest).unwrap() {
        rest = &rest[used..];
    }
    restored.check();
    assert_eq!(restore.finish().unwrap().stored, 1200);
    // The seconds of the items of one size and level, in the order in which they are evicted.
    let lists = |cache: &Cache| {
        let mut lists = [const { Vec::new() }; 4];
        for view in cache.items() {
            let is_large = view.item.value.len() > 20;
            let list = usize::from(is_large) + 2 * usize::from(view.queued);
            lists[list].push(view.item.last_used);
        }
        lists
    };
    assert!(lists(&restored).iter().all(|list| list.len() > 20));
    assert_eq!(lists(&restored), lists(&cache));
    // Between the lists too: what was used longest ago is evicted first.
    let first = |cache: &Cache| cache.items().next_back().map(|view| view.key.to_vec());
    assert_eq!(first(&restored), first(&cache));
}
