//! The caches, all spoken to in the same way: 16-byte keys, 64-byte values, `get` copies the value.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use dynamidb_core::{Cache, Config, Instant, Key, Memory};
use dynamidb_sync::{Growth, Shards};
use memmap2::{Advice, MmapMut, MmapOptions};

use crate::mix;

pub const KEY: usize = 16;
pub const VALUE: usize = 64;

pub fn key(number: u64) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..8].copy_from_slice(&mix(number).to_le_bytes());
    key[8..].copy_from_slice(&number.to_le_bytes());
    key
}

pub fn value(number: u64) -> [u8; VALUE] {
    let mut value = [0; VALUE];
    value[..8].copy_from_slice(&number.to_le_bytes());
    value
}

/// A cache that holds at most as many items as it was made for.
pub trait Engine {
    const NAME: &'static str;
    fn new(items: usize) -> Self;
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool;
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]);
    /// Does what was put off.
    fn finish(&mut self) {}
    /// Sixteen at a time, for who can do better then.
    fn get_batch(&mut self, keys: &[[u8; KEY]; 16], output: &mut [u8; VALUE]) -> usize {
        keys.iter().filter(|key| self.get(key, output)).count()
    }
}

/// Memory mapped from the system, with huge pages.
pub struct Huge(MmapMut);

impl Huge {
    pub fn new(size: usize) -> Self {
        let map = MmapOptions::new()
            .len(size)
            .map_anon()
            .expect("memory to map");
        map.advise(Advice::HugePage).expect("huge pages");
        Self(map)
    }
}

impl Memory for Huge {
    fn capacity(&self) -> usize {
        self.0.len()
    }
    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.0
    }
    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
    fn extend_to(&mut self, _len: usize) {}
}

pub struct DynamiDb(pub Cache<Huge>);

const NOW: Instant = Instant::from_secs(1);

impl Engine for DynamiDb {
    const NAME: &'static str = "dynamidb, huge";

    fn new(items: usize) -> Self {
        let config = config(items);
        let memory = Huge::new(config.memory);
        Self(Cache::with_memory(config, memory).expect("a configuration that works"))
    }

    #[inline]
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let item = self.0.get(NOW, key);
        item.is_some_and(|item| item.value.copy_to(output).is_some())
    }

    #[inline]
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0
            .set(NOW, key, value)
            .expect("a store is never refused");
    }

    #[inline]
    fn get_batch(&mut self, keys: &[[u8; KEY]; 16], output: &mut [u8; VALUE]) -> usize {
        let hasher = *self.0.hasher();
        let keys: [Key<'_>; 16] = core::array::from_fn(|at| hasher.key(&keys[at]));
        self.0.prefetch(&keys);
        let mut hits = 0;
        for key in keys {
            let item = self.0.get(NOW, key);
            hits += usize::from(item.is_some_and(|item| item.value.copy_to(output).is_some()));
        }
        hits
    }
}

/// The same in its own memory, in the system's ordinary pages.
pub struct OrdinaryPages(Cache);

impl Engine for OrdinaryPages {
    const NAME: &'static str = "dynamidb";

    fn new(items: usize) -> Self {
        Self(Cache::new(config(items)).expect("a configuration that works"))
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let item = self.0.get(NOW, key);
        item.is_some_and(|item| item.value.copy_to(output).is_some())
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0
            .set(NOW, key, value)
            .expect("a store is never refused");
    }
}

/// The same as a server has it: a shard in huge pages, which a thread has cleared before they are
/// used.
pub struct Populated(Arc<Shards>, Option<JoinHandle<()>>);

impl Engine for Populated {
    const NAME: &'static str = "sync, populated";

    fn new(items: usize) -> Self {
        let shards = Shards::with_count(&config(items), 1, Growth::default());
        let shards = Arc::new(shards.expect("a configuration that works"));
        let populated = Arc::clone(&shards);
        let thread = thread::spawn(move || while populated.populate() {});
        Self(shards, Some(thread))
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let mut shard = self.0.lock(0);
        let item = shard.get(NOW, key);
        item.is_some_and(|item| item.value.copy_to(output).is_some())
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        let stored = self.0.lock(0).set(NOW, key, value);
        stored.expect("a store is never refused");
    }
}

impl Drop for Populated {
    fn drop(&mut self) {
        self.0.end_populating();
        if let Some(thread) = self.1.take() {
            thread.join().expect("it does not panic");
        }
    }
}

fn config(items: usize) -> Config {
    let mut config = Config::new(items * 125 + (1 << 20));
    config.slab_sizes = [64, 112, 256, 1024, 4096].into();
    config.max_items = Some(items);
    config.hash_seed = 7;
    config
}

/// As a server with keys and values of any length would use it.
pub struct BoxedLru(lru::LruCache<Box<[u8]>, Box<[u8]>>);

impl Engine for BoxedLru {
    const NAME: &'static str = "lru (boxed)";

    fn new(items: usize) -> Self {
        Self(lru::LruCache::new(items.try_into().expect("not zero")))
    }
    #[inline]
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(&key[..]) else {
            return false;
        };
        output.copy_from_slice(value);
        true
    }
    #[inline]
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.put(
            key.to_vec().into_boxed_slice(),
            value.to_vec().into_boxed_slice(),
        );
    }
}

pub struct SchnelLru(schnellru::LruMap<[u8; KEY], [u8; VALUE]>);

impl Engine for SchnelLru {
    const NAME: &'static str = "schnellru";

    fn new(items: usize) -> Self {
        Self(schnellru::LruMap::new(schnellru::ByLength::new(
            items as u32,
        )))
    }
    #[inline]
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(key) else {
            return false;
        };
        output.copy_from_slice(value);
        true
    }
    #[inline]
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(*key, *value);
    }
}

pub struct QuickCache(quick_cache::unsync::Cache<[u8; KEY], [u8; VALUE]>);

impl Engine for QuickCache {
    const NAME: &'static str = "quick_cache (unsync)";

    fn new(items: usize) -> Self {
        Self(quick_cache::unsync::Cache::new(items))
    }
    #[inline]
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(key) else {
            return false;
        };
        output.copy_from_slice(value);
        true
    }
    #[inline]
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(*key, *value);
    }
}

pub struct Moka(moka::sync::Cache<[u8; KEY], [u8; VALUE]>);

impl Engine for Moka {
    const NAME: &'static str = "moka";

    fn new(items: usize) -> Self {
        Self(moka::sync::Cache::new(items as u64))
    }
    #[inline]
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(key) else {
            return false;
        };
        output.copy_from_slice(&value);
        true
    }
    #[inline]
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(*key, *value);
    }
}

/// As programs with keys and values of any length use the caches for threads.
type Boxed = Box<[u8]>;

pub struct BoxedQuickCache(quick_cache::sync::Cache<Boxed, Boxed>);

impl Engine for BoxedQuickCache {
    const NAME: &'static str = "quick_cache (boxed)";

    fn new(items: usize) -> Self {
        Self(quick_cache::sync::Cache::new(items))
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(&Boxed::from(&key[..])) else {
            return false;
        };
        output.copy_from_slice(&value);
        true
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(key[..].into(), value[..].into());
    }
}

pub struct BoxedMoka(moka::sync::Cache<Boxed, Boxed>);

impl Engine for BoxedMoka {
    const NAME: &'static str = "moka (boxed)";

    fn new(items: usize) -> Self {
        Self(moka::sync::Cache::new(items as u64))
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(&Boxed::from(&key[..])) else {
            return false;
        };
        output.copy_from_slice(&value);
        true
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(key[..].into(), value[..].into());
    }
    fn finish(&mut self) {
        self.0.run_pending_tasks();
    }
}

pub struct BoxedMiniMoka(mini_moka::sync::Cache<Boxed, Boxed>);

impl Engine for BoxedMiniMoka {
    const NAME: &'static str = "mini-moka (boxed)";

    fn new(items: usize) -> Self {
        Self(mini_moka::sync::Cache::new(items as u64))
    }
    fn get(&mut self, key: &[u8; KEY], output: &mut [u8; VALUE]) -> bool {
        let Some(value) = self.0.get(&Boxed::from(&key[..])) else {
            return false;
        };
        output.copy_from_slice(&value);
        true
    }
    fn set(&mut self, key: &[u8; KEY], value: &[u8; VALUE]) {
        self.0.insert(key[..].into(), value[..].into());
    }
    fn finish(&mut self) {
        mini_moka::sync::ConcurrentCacheExt::sync(&self.0);
    }
}
