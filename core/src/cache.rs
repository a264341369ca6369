//! Scaffold: the public API over a naive map, until the storage engine below it stands.

use alloc::vec::Vec;
use core::marker::PhantomData;

use hashbrown::HashMap;

use crate::{Bytes, Config, ConfigError, Error, Expiry, Hasher, Instant, Item, Key, Memory, Outcome, SlabStats, Stats, Value};

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    flags: u32,
    cas: u64,
    deadline: Option<Instant>,
    used: u64,
}

/// A cache.
#[derive(Debug)]
pub struct Cache<M = Vec<u8>> {
    map: HashMap<Vec<u8>, Entry>,
    config: Config,
    stats: Stats,
    counter: u64,
    flush_at: Option<Instant>,
    memory: PhantomData<M>,
}

impl Cache<Vec<u8>> {
    /// Makes a cache.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_memory(config, Vec::new())
    }
}

impl<M: Memory> Cache<M> {
    /// Makes a cache in lent memory; `config.memory` is ignored.
    pub fn with_memory(config: Config, _memory: M) -> Result<Self, ConfigError> {
        let stats = Stats { limit_maxbytes: config.memory as u64, ..Stats::default() };
        Ok(Self { map: HashMap::new(), config, stats, counter: 0, flush_at: None, memory: PhantomData })
    }

    /// The function that hashes this cache's keys.
    pub fn hasher(&self) -> Hasher {
        Hasher::new(self.config.hash_seed)
    }

    /// Brings what lookups of `keys` will need nearer to the processor. Changes nothing.
    pub fn look_ahead(&self, _keys: &[Key<'_>]) {}

    fn live(&mut self, now: Instant, key: &[u8]) -> bool {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            self.map.clear();
        }
        let dead = self.map.get(key).is_some_and(|e| e.deadline.is_some_and(|d| d <= now));
        if dead {
            self.map.remove(key);
            self.stats.get_expired += 1;
        }
        self.map.contains_key(key)
    }

    fn bump(&mut self, key: &[u8]) -> Item<'_> {
        self.counter += 1;
        let e = self.map.get_mut(key).expect("the caller found it");
        e.used = self.counter;
        Item { value: Bytes::whole(&e.value), flags: e.flags, cas: e.cas, expires_at: e.deadline }
    }

    /// The item, counted as used.
    pub fn get<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> Option<Item<'_>> {
        let key = key.into();
        self.stats.cmd_get += 1;
        if !self.live(now, key.bytes) {
            self.stats.get_misses += 1;
            return None;
        }
        self.stats.get_hits += 1;
        Some(self.bump(key.bytes))
    }

    /// The item, with a new expiry.
    pub fn get_and_touch<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, expiry: Expiry) -> Option<Item<'_>> {
        let key = key.into();
        self.touch(now, key, expiry).then(|| self.bump(key.bytes))
    }

    /// The item, not counted as used.
    pub fn peek<'k>(&self, now: Instant, key: impl Into<Key<'k>>) -> Option<Item<'_>> {
        let e = self.map.get(key.into().bytes).filter(|e| e.deadline.is_none_or(|d| d > now))?;
        Some(Item { value: Bytes::whole(&e.value), flags: e.flags, cas: e.cas, expires_at: e.deadline })
    }

    fn put(&mut self, now: Instant, key: &[u8], value: Vec<u8>, flags: u32, deadline: Option<Instant>) -> Result<(), Error> {
        if key.is_empty() || key.len() > Key::LEN_MAX {
            return Err(Error::KeyLength);
        }
        if key.len() + value.len() > self.config.item_size_max {
            self.stats.store_too_large += 1;
            self.map.remove(key);
            return Err(Error::ValueTooLarge);
        }
        self.counter += 1;
        let used = self.counter;
        self.map.remove(key);
        if deadline.is_none_or(|d| d > now) {
            while self.config.max_items.is_some_and(|max| self.map.len() >= max) {
                let oldest = self.map.iter().min_by_key(|(_, e)| e.used).map(|(k, _)| k.clone());
                self.map.remove(&oldest.expect("not empty"));
                self.stats.evictions += 1;
            }
            self.map.insert(key.to_vec(), Entry { value, flags, cas: used, deadline, used });
        }
        self.stats.total_items += 1;
        Ok(())
    }

    /// Stores a value. An item that cannot be stored still removes the old one.
    pub fn set<'k, 'v>(&mut self, now: Instant, key: impl Into<Key<'k>>, value: impl Into<Value<'v>>) -> Result<(), Error> {
        let (key, value) = (key.into(), value.into());
        self.stats.cmd_set += 1;
        self.live(now, key.bytes);
        self.put(now, key.bytes, value.bytes.to_vec(), value.flags, value.expiry.deadline(now))
    }

    /// Stores a value if there is none.
    pub fn add<'k, 'v>(&mut self, now: Instant, key: impl Into<Key<'k>>, value: impl Into<Value<'v>>) -> Result<Outcome, Error> {
        let key = key.into();
        if self.live(now, key.bytes) {
            self.bump(key.bytes);
            return Ok(Outcome::NotStored);
        }
        self.set(now, key, value).map(|()| Outcome::Stored)
    }

    /// Stores a value if there is one.
    pub fn replace<'k, 'v>(&mut self, now: Instant, key: impl Into<Key<'k>>, value: impl Into<Value<'v>>) -> Result<Outcome, Error> {
        let key = key.into();
        if !self.live(now, key.bytes) {
            return Ok(Outcome::NotStored);
        }
        self.set(now, key, value).map(|()| Outcome::Stored)
    }

    /// Stores a value if the item's `cas` is the given one.
    pub fn compare_and_swap<'k, 'v>(&mut self, now: Instant, key: impl Into<Key<'k>>, value: impl Into<Value<'v>>, cas: u64) -> Result<Outcome, Error> {
        let key = key.into();
        if !self.live(now, key.bytes) {
            self.stats.cas_misses += 1;
            return Ok(Outcome::NotFound);
        }
        if self.map[key.bytes].cas != cas {
            self.stats.cas_badval += 1;
            return Ok(Outcome::Exists);
        }
        self.stats.cas_hits += 1;
        self.set(now, key, value).map(|()| Outcome::Stored)
    }

    /// Adds bytes at the end.
    pub fn append<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, bytes: &[u8]) -> Result<Outcome, Error> {
        self.join(now, key.into(), &[], bytes)
    }

    /// Adds bytes at the front.
    pub fn prepend<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, bytes: &[u8]) -> Result<Outcome, Error> {
        self.join(now, key.into(), bytes, &[])
    }

    fn join(&mut self, now: Instant, key: Key<'_>, front: &[u8], back: &[u8]) -> Result<Outcome, Error> {
        self.stats.cmd_set += 1;
        if !self.live(now, key.bytes) {
            return Ok(Outcome::NotStored);
        }
        let e = &self.map[key.bytes];
        let value = [front, &e.value, back].concat();
        if key.bytes.len() + value.len() > self.config.item_size_max {
            return Ok(Outcome::NotStored);
        }
        let (flags, deadline) = (e.flags, e.deadline);
        self.put(now, key.bytes, value, flags, deadline).map(|()| Outcome::Stored)
    }

    /// Adds to a decimal number, wrapping at 2^64.
    pub fn increment<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, delta: u64) -> Result<Option<u64>, Error> {
        self.arithmetic(now, key.into(), |n| n.wrapping_add(delta))
    }

    /// Subtracts from a decimal number, stopping at 0.
    pub fn decrement<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, delta: u64) -> Result<Option<u64>, Error> {
        self.arithmetic(now, key.into(), |n| n.saturating_sub(delta))
    }

    fn arithmetic(&mut self, now: Instant, key: Key<'_>, f: impl Fn(u64) -> u64) -> Result<Option<u64>, Error> {
        if !self.live(now, key.bytes) {
            return Ok(None);
        }
        let e = &self.map[key.bytes];
        let text = core::str::from_utf8(&e.value).map_err(|_| Error::NotANumber)?.trim();
        let number = f(text.parse().map_err(|_| Error::NotANumber)?);
        let mut value = alloc::format!("{number}").into_bytes();
        while value.len() < e.value.len() {
            value.push(b' ');
        }
        let (flags, deadline) = (e.flags, e.deadline);
        self.put(now, key.bytes, value, flags, deadline)?;
        Ok(Some(number))
    }

    /// Changes when an item ends.
    pub fn touch<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>, expiry: Expiry) -> bool {
        let key = key.into();
        self.stats.cmd_touch += 1;
        if !self.live(now, key.bytes) {
            self.stats.touch_misses += 1;
            return false;
        }
        self.stats.touch_hits += 1;
        self.bump(key.bytes);
        self.map.get_mut(key.bytes).expect("live").deadline = expiry.deadline(now);
        true
    }

    /// Removes an item.
    pub fn delete<'k>(&mut self, now: Instant, key: impl Into<Key<'k>>) -> bool {
        let key = key.into();
        let found = self.live(now, key.bytes);
        self.map.remove(key.bytes);
        if found { self.stats.delete_hits += 1 } else { self.stats.delete_misses += 1 }
        found
    }

    /// Removes everything, at once.
    pub fn clear(&mut self) {
        self.stats.cmd_flush += 1;
        self.flush_at = None;
        self.map.clear();
    }

    /// Removes everything when that moment comes; replaces an earlier such request.
    pub fn clear_at(&mut self, at: Instant) {
        self.stats.cmd_flush += 1;
        self.flush_at = Some(at);
    }

    /// A bounded piece of upkeep; returns the number of items given back.
    pub fn tick(&mut self, now: Instant, limit: usize) -> usize {
        let dead: Vec<_> = self.map.iter().filter(|(_, e)| e.deadline.is_some_and(|d| d <= now)).map(|(k, _)| k.clone()).take(limit).collect();
        for key in &dead {
            self.map.remove(key);
            self.stats.reclaimed += 1;
        }
        dead.len()
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// What happened and what is held.
    pub fn stats(&self) -> Stats {
        Stats { curr_items: self.map.len() as u64, ..self.stats }
    }

    /// Sets the counters of what happened to zero.
    pub fn reset_stats(&mut self) {
        self.stats = Stats { limit_maxbytes: self.stats.limit_maxbytes, ..Stats::default() };
    }

    /// Each slab size.
    pub fn slabs(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.config.slab_sizes.iter().map(|&chunk_size| SlabStats { chunk_size, ..SlabStats::default() })
    }

    /// Keys and items, most recently used first.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Item<'_>)> {
        let mut all: Vec<_> = self.map.iter().collect();
        all.sort_by_key(|(_, e)| core::cmp::Reverse(e.used));
        all.into_iter().map(|(k, e)| (k.as_slice(), Item { value: Bytes::whole(&e.value), flags: e.flags, cas: e.cas, expires_at: e.deadline }))
    }
}
