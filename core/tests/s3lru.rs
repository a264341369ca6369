//! The policy `s3lru` beside a plain list of what it says: which list an item is in, in which
//! order, and which item is evicted.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use dynamidb_core::{Cache, Config, Instant, Policy};

const NOW: Instant = Instant::from_secs(1);

/// The queue is long if it has more than one part in this many of all bytes.
const QUEUE_SHARE: usize = 10;

/// How many items are admitted at most until one is evicted.
const ADMISSIONS_MAX: usize = 16;

#[derive(Clone, Debug)]
struct Entry {
    key: u16,
    size: usize,
    fetched: bool,
}

/// Both lists, the most recently used first.
#[derive(Debug, Default)]
struct Model {
    lru: Vec<Entry>,
    queue: Vec<Entry>,
    /// What fell out of the queue, the last one last; `None`: it has come back since.
    ghosts: Vec<Option<u16>>,
    admitted: usize,
    welcome: usize,
    /// Ghosts whose place another one took: their hashes share it.
    forgotten: usize,
}

impl Model {
    fn bytes(list: &[Entry]) -> usize {
        list.iter().map(|entry| entry.size).sum()
    }

    fn evict(&mut self) {
        for _ in 0..ADMISSIONS_MAX {
            let queued = Self::bytes(&self.queue);
            let is_long = queued * QUEUE_SHARE > queued + Self::bytes(&self.lru);
            if self.queue.is_empty() || !is_long && !self.lru.is_empty() {
                break;
            }
            let oldest = self.queue.pop().unwrap();
            if !oldest.fetched {
                self.ghosts.push(Some(oldest.key));
                return;
            }
            self.admitted += 1;
            self.lru.insert(0, oldest);
        }
        if self.lru.pop().is_none()
            && let Some(oldest) = self.queue.pop()
        {
            self.ghosts.push(Some(oldest.key));
        }
    }

    fn place(&self, key: u16) -> Option<(bool, usize)> {
        let at = |list: &[Entry]| list.iter().position(|entry| entry.key == key);
        let queued = at(&self.queue).map(|at| (true, at));
        at(&self.lru).map(|at| (false, at)).or(queued)
    }

    fn list(&mut self, queued: bool) -> &mut Vec<Entry> {
        match queued {
            true => &mut self.queue,
            false => &mut self.lru,
        }
    }

    fn get(&mut self, key: u16) -> bool {
        let Some((queued, at)) = self.place(key) else {
            return false;
        };
        self.list(queued)[at].fetched = true;
        if !queued {
            let entry = self.lru.remove(at);
            self.lru.insert(0, entry);
        }
        true
    }

    fn delete(&mut self, key: u16) -> bool {
        let place = self.place(key);
        place.map(|(queued, at)| self.list(queued).remove(at));
        place.is_some()
    }

    /// An item stays in its list when it is written over; in the queue even at its place, if it
    /// takes the same chunks.
    fn set(&mut self, key: u16, size: usize, items_max: usize, is_queued: bool) {
        let entry = Entry {
            key,
            size,
            fetched: false,
        };
        if let Some((queued, at)) = self.place(key) {
            assert_eq!(is_queued, queued, "{key} is in another list");
            let list = self.list(queued);
            let in_place = queued && list[at].size == size;
            list.remove(at);
            list.insert(if in_place { at } else { 0 }, entry);
            return;
        }
        while self.lru.len() + self.queue.len() >= items_max {
            self.evict();
        }
        let ghosts = self.ghosts.iter_mut().rev().take(self.lru.len());
        let ghost = { ghosts }.find(|ghost| **ghost == Some(key));
        let welcome = ghost.and_then(Option::take).is_some();
        assert!(
            is_queued || welcome,
            "{key} did not fall out of the queue lately"
        );
        self.welcome += usize::from(!is_queued);
        self.forgotten += usize::from(is_queued && welcome);
        self.list(is_queued).insert(0, entry);
    }
}

#[test]
fn items_are_queued_admitted_and_evicted_as_the_policy_says() {
    let (items_max, keys) = (60, 150);
    let mut config = Config::new(1 << 20);
    (config.policy, config.max_items) = (Policy::S3Lru, Some(items_max));
    let mut cache = Cache::new(config).unwrap();
    let mut model = Model::default();
    let mut random = fastrand::Rng::with_seed(5);
    let mut queues = [0; 2];
    for step in 0..40_000 {
        // Few keys are asked for often, and some scans come between.
        let key = match step / 200 % 3 {
            0 => random.u16(0..keys),
            _ => (random.f32().powi(3) * f32::from(keys)) as u16,
        };
        let bytes = key.to_le_bytes();
        match random.u8(..) {
            0..=9 => assert_eq!(cache.delete(NOW, &bytes), model.delete(key)),
            10..=120 => assert_eq!(cache.get(NOW, &bytes).is_some(), model.get(key)),
            _ => {
                let value = &[b'v'; 400][..if random.u8(..) < 40 { 400 } else { 20 }];
                cache.set(NOW, &bytes, value).unwrap();
                let view = cache.view_of(&bytes).unwrap();
                model.set(key, view.size, items_max, view.queued);
            }
        }
        let items = cache.items();
        let items = items.map(|item| (item.queued, item.key.to_vec(), item.item.fetched));
        let of = |list: &[Entry], queued| -> Vec<_> {
            let entry = |entry: &Entry| (queued, entry.key.to_le_bytes().to_vec(), entry.fetched);
            list.iter().map(entry).collect()
        };
        let lists = [of(&model.lru, false), of(&model.queue, true)].concat();
        assert_eq!(items.collect::<Vec<_>>(), lists, "{step}");
        let is_long = model.queue.len() * QUEUE_SHARE > items_max;
        queues[usize::from(is_long)] += 1;
    }
    cache.check();
    assert!(queues[0] > 5000 && queues[1] > 5000, "{queues:?}");
    let (welcome, forgotten) = (model.welcome, model.forgotten);
    assert!(model.admitted > 100 && welcome > 100 && forgotten < welcome / 10);
}
