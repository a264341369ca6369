//! A cache, its clients and its clock.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use dynamidb_core::{Cache, Cas, ConfigError, Instant, MemoryMap, PrefixStats, Session};
use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::feed::{FEED_MAX, Feed};
use crate::host::PageHost;
use crate::insight::{Advice, FACTORS, HotKeys};
use crate::limits::{ADVANCE_MAX, CLIENTS, TIME_MAX};
use crate::load::RunningLoad;
use crate::record::Record;
use crate::settings::sentence;
use crate::snapshot::{self, NONE};
use crate::text::hexadecimal;
use crate::{Load, Settings};

/// Maintenance runs at multiples of this, in milliseconds of the cache's time. It does not depend
/// on how often the page calls, so that a session can be replayed.
const MAINTAIN_INTERVAL: u64 = 250;
/// The most maintenance steps each time, so that no call blocks the page for long.
const MAINTAIN_LIMIT: usize = 1000;
/// How many prefixes `stats detail` counts, beside the cache's budget.
const PREFIXES_MAX: usize = 100;
/// The capacity of the removal log.
const REMOVALS_MAX: usize = 200;

/// A cache, its clients and its clock.
///
/// In JavaScript:
/// ```js
/// const seed = crypto.getRandomValues(new Uint8Array(16));
/// const playground = new Playground(new Settings(1 << 20), seed, Date.now());
/// const line = new TextEncoder().encode("GET greeting\r\n");
/// const reply = playground.send(0, line); // the bytes of "END\r\n"
/// playground.advance(1000); // a second passes
/// ```
#[wasm_bindgen]
pub struct Playground {
    cache: Cache,
    settings: Settings,
    verbosity: u32,
    prefixes: PrefixStats,
    counts_prefixes: bool,
    clients: [Option<Client>; CLIENTS],
    /// The keys that the last message used.
    touched: Vec<Vec<u8>>,
    started_at: u64,
    now: u64,
    load: Option<RunningLoad>,
    feed: Feed,
    record: Record,
}

impl fmt::Debug for Playground {
    /// Without the clients' input, and without the seed, which is in the record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playground")
            .field("cache", &self.cache)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Playground {
    /// Makes an empty cache. The `seed` keys the hash function, `now` is the time in milliseconds
    /// since the Unix epoch.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is invalid.
    pub fn with_settings(settings: &Settings, seed: u128, now: u64) -> Result<Self, ConfigError> {
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(settings.memory as usize)
            .map_err(|_| ConfigError::OutOfMemory)?;
        // Not `Cache::new`, which subtracts the size of its fields: that depends on the platform.
        let mut cache = Cache::with_memory(settings.config(seed), memory)?;
        cache
            .removal_log_mut()
            .set_limit(REMOVALS_MAX)
            .map_err(|_| ConfigError::OutOfMemory)?;
        let now = now.min(TIME_MAX);
        Ok(Self {
            cache,
            settings: settings.clone(),
            verbosity: 0,
            prefixes: PrefixStats::new(PrefixStats::DELIMITER, PREFIXES_MAX),
            counts_prefixes: false,
            clients: [const { None }; CLIENTS],
            touched: Vec::new(),
            started_at: now,
            now,
            load: None,
            feed: Feed::default(),
            record: Record::new(settings, seed, now),
        })
    }

    fn client(&self, number: u32) -> Option<&Client> {
        self.clients.get(number as usize)?.as_ref()
    }

    pub(crate) fn instant(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Advances the clock to `end`, with the maintenance that is due until then.
    fn advance_to(&mut self, end: u64) {
        loop {
            let next = (self.now / MAINTAIN_INTERVAL + 1) * MAINTAIN_INTERVAL;
            if next > end {
                break;
            }
            self.now = next;
            self.cache.maintain(self.instant(), MAINTAIN_LIMIT);
        }
        self.now = end.max(self.now);
    }
}

#[wasm_bindgen]
impl Playground {
    /// Makes an empty cache. The settings have the form of [`defaults`](Self::defaults), `now` is
    /// in milliseconds since the Unix epoch. The `seed`, 16 random bytes, keys the hash function.
    ///
    /// # Errors
    /// A seed of another length, or invalid settings.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &[u32], seed: &[u8], now: f64) -> Result<Self, JsError> {
        let invalid = || JsError::new("the settings or the seed are malformed");
        let settings = Settings::from_numbers(settings).ok_or_else(invalid)?;
        let seed = seed.try_into().map_err(|_| invalid())?;
        Self::with_settings(&settings, u128::from_le_bytes(seed), now as u64)
            .map_err(|error| JsError::new(&sentence(error)))
    }

    /// The core's settings for a budget of `memory` bytes, as numbers: memory, item limit
    /// (`u32::MAX`: none), largest item, policy (0 LRU, 1 S3LRU, 2 density), dialect (0 both, 1
    /// DynamiDB's, 2 memcached's), then the slab sizes.
    pub fn defaults(memory: u32) -> Vec<u32> {
        Settings::new(memory).numbers()
    }

    /// The default load, as numbers: keys, skew, smallest value, largest value, reads, ttl, rate,
    /// seed, first key, scan.
    #[wasm_bindgen(js_name = defaultLoad)]
    pub fn default_load() -> Vec<u32> {
        Load::new().numbers()
    }

    /// Sends `bytes` as a client, and returns the server's reply. A client that is not connected
    /// connects first. Clients have the numbers 0 to 25; others get no reply.
    pub fn send(&mut self, client: u32, bytes: &[u8]) -> Vec<u8> {
        self.touched.clear();
        let (is_connected, now) = (self.is_connected(client), self.instant());
        let Some(slot) = self.clients.get_mut(client as usize) else {
            return Vec::new();
        };
        let before = slot.take().filter(|_| is_connected);
        let session = || Client::new(Session::new(self.settings.session_config()), now);
        let mut connected = before.unwrap_or_else(session);
        self.record.send(client, bytes);
        connected.input.extend_from_slice(bytes);
        let mut host = PageHost {
            now,
            cache: &mut self.cache,
            touched: &mut self.touched,
            settings: &self.settings,
            verbosity: &mut self.verbosity,
            prefixes: &mut self.prefixes,
            counts_prefixes: &mut self.counts_prefixes,
            others: &self.clients,
            client: client as usize,
        };
        let reply = connected.process(now, &mut host);
        if let Some(slot) = self.clients.get_mut(client as usize) {
            *slot = Some(connected);
        }
        reply
    }

    /// Closes the client's connection. An incomplete request is discarded.
    pub fn disconnect(&mut self, client: u32) {
        if let Some(slot) = self.clients.get_mut(client as usize) {
            self.record.disconnect(client);
            *slot = None;
        }
    }

    /// Whether the client is connected: it has sent something, and neither it nor the server has
    /// closed the connection since.
    #[wasm_bindgen(js_name = isConnected)]
    pub fn is_connected(&self, client: u32) -> bool {
        let client = self.client(client);
        client.is_some_and(|client| !client.session.is_closed())
    }

    /// The bytes of the client's incomplete request.
    pub fn pending(&self, client: u32) -> u32 {
        let client = self.client(client);
        client.map_or(0, |client| client.input.len() as u32)
    }

    /// The time, in milliseconds since the Unix epoch.
    #[wasm_bindgen(getter)]
    pub fn now(&self) -> f64 {
        self.now as f64
    }

    /// The time since the cache was made, in milliseconds.
    #[wasm_bindgen(getter)]
    pub fn age(&self) -> f64 {
        self.now as f64 - self.started_at as f64
    }

    /// Advances the clock, at most by a day, with the maintenance that is due until then.
    pub fn advance(&mut self, millis: f64) {
        let millis = (millis as u64).min(ADVANCE_MAX);
        let end = (self.now + millis).min(TIME_MAX);
        self.record.wait(end - self.now);
        self.advance_to(end);
    }

    /// Sets the clock, in milliseconds since the Unix epoch, without maintenance.
    #[wasm_bindgen(js_name = setClock)]
    pub fn set_clock(&mut self, now: f64) {
        self.now = (now as u64).min(TIME_MAX);
        self.record.set_clock(self.now);
    }

    /// When the next item expires; nothing if none does.
    #[wasm_bindgen(js_name = nextExpiry)]
    pub fn next_expiry(&self) -> Option<f64> {
        let next = self.cache.next_expiry(self.instant());
        next.map(|at| at.as_millis() as f64)
    }

    /// Starts a load with these numbers. With `lines`, its keys are the lines of that text.
    ///
    /// # Errors
    /// Numbers that are out of range.
    #[wasm_bindgen(js_name = startLoad)]
    pub fn start_load(&mut self, load: &[u32], lines: Option<Vec<u8>>) -> Result<(), JsError> {
        let load = Load::from_numbers(load).map_err(|message| JsError::new(&message))?;
        self.begin_load(&load, lines);
        Ok(())
    }

    /// Continues the load and returns the number of operations done: fewer than `operations` only
    /// at the end of the key file. The clock advances at the load's rate.
    #[wasm_bindgen(js_name = runLoad)]
    pub fn run_load(&mut self, operations: u32) -> u32 {
        let Some(mut load) = self.load.take() else {
            return 0;
        };
        let mut done = 0;
        while done < operations {
            self.advance_to(load.next_due().clamp(self.now, TIME_MAX));
            // Only the last ones can be seen: noting the others would cost more than doing them.
            let is_seen = operations - done <= FEED_MAX as u32;
            let removals = if is_seen {
                self.cache.removal_log().len()
            } else {
                0
            };
            let (now, feed) = (self.instant(), &mut self.feed);
            let is_done = !load.step(now, &mut self.cache, |key, outcome, cache| {
                if is_seen {
                    feed.add(key, outcome, cache, removals);
                }
            });
            if is_done {
                break;
            }
            done += 1;
        }
        self.record.run_load(done.into());
        self.load = Some(load);
        done
    }

    /// The state digest, in hexadecimal: the same wherever the same operations were done.
    pub fn digest(&self) -> String {
        hexadecimal(self.cache.digest().into(), 16)
    }

    /// The session as the text of a scenario; nothing if it cannot be recorded, because it was too
    /// long or a load used a file.
    pub fn record(&self) -> Option<String> {
        self.record.text()
    }

    /// Counters: items, bytes of their chunks, bytes of the index, the budget, lookups, hits,
    /// stores, evictions, evicted and never read, expired and reclaimed, expired and never read,
    /// rejected for their size, rejected for lack of memory, pages, and bytes of each page.
    pub fn stats(&self) -> Vec<f64> {
        let stats = self.cache.stats();
        let counters = [
            stats.curr_items,
            stats.bytes,
            stats.hash_bytes,
            stats.limit_maxbytes,
            stats.cmd_get,
            stats.get_hits,
            stats.cmd_set,
            stats.evictions,
            stats.evicted_unfetched,
            stats.reclaimed,
            stats.expired_unfetched,
            stats.store_too_large,
            stats.store_no_memory,
            self.cache.page_count().into(),
            self.cache.page_size() as u64,
        ];
        counters.into_iter().map(|counter| counter as f64).collect()
    }

    /// The pages, items and chunks; if there are more items than `limit`, the newest and the oldest
    /// `limit / 2`. The first three numbers are the lengths of the three parts.
    ///
    /// See [`MemoryMap`] for the numbers.
    pub fn snapshot(&self, limit: u32) -> Vec<u32> {
        MemoryMap::whole(&self.cache, self.instant(), limit as usize).into_numbers()
    }

    /// The timing wheel: how many pages wait in each of its 4 times 64 slots; then, for each
    /// level, the slot in which its time is; then, for each page, its slot (`u32::MAX`: none).
    pub fn wheel(&self) -> Vec<u32> {
        snapshot::wheel(&self.cache)
    }

    /// The key of the item at a position; empty if there is no item.
    #[wasm_bindgen(js_name = keyAt)]
    pub fn key_at(&self, position: u32) -> Vec<u8> {
        let item = self.cache.inspect(position);
        item.map_or_else(Vec::new, |item| item.key.to_vec())
    }

    /// The position of the item with this key; nothing if there is none.
    pub fn locate(&self, key: &[u8]) -> Option<u32> {
        self.cache.view_of(key).map(|item| item.position)
    }

    /// The item at a position: client flags, cas, second of the last use, whether it was read, when
    /// it expires in milliseconds (-1: never). Empty if there is no item.
    pub fn inspect(&self, position: u32) -> Vec<f64> {
        let Some(view) = self.cache.inspect(position) else {
            return Vec::new();
        };
        let item = view.item;
        vec![
            item.flags.into(),
            item.cas.map_or(0, Cas::get) as f64,
            item.last_used.as_secs() as f64,
            item.fetched.into(),
            item.expires_at.map_or(-1.0, |at| at.as_millis() as f64),
        ]
    }

    /// For each chunk of the item at a position, seven numbers: position, page, number within the
    /// page, size, then the bytes of overhead, key and value in it.
    pub fn chunks(&self, position: u32) -> Vec<u32> {
        snapshot::chunks(&self.cache, position)
    }

    /// The bytes of these chunks, concatenated.
    #[wasm_bindgen(js_name = chunkBytes)]
    pub fn chunk_bytes(&self, position: u32) -> Vec<u8> {
        joined(self.cache.chunks(position).map(|chunk| chunk.bytes))
    }

    /// The names of the fields in the header of the item at a position.
    #[wasm_bindgen(js_name = fieldNames)]
    pub fn field_names(&self, position: u32) -> Vec<String> {
        let fields = self.cache.fields(position);
        fields.map(|field| field.name.to_owned()).collect()
    }

    /// For each of these fields, three numbers: the byte offset of its word, the mask of its bits
    /// in the word, and its value.
    pub fn fields(&self, position: u32) -> Vec<u32> {
        let mut numbers = Vec::new();
        for field in self.cache.fields(position) {
            numbers.extend_from_slice(&[field.at as u32, field.mask, field.value]);
        }
        numbers
    }

    /// The positions of the items whose keys the last message used, in its order; `u32::MAX` for a
    /// key without an item.
    pub fn touched(&self) -> Vec<u32> {
        let positions = self
            .touched
            .iter()
            .map(|key| self.locate(key).unwrap_or(NONE));
        positions.collect()
    }

    /// The last requests of the load since the last [`clear_feed`](Self::clear_feed), the oldest
    /// first: for each, five numbers: what became of it (0 hit, 1 missed and stored, 2 stored, 3
    /// rejected), the position of its item (`u32::MAX`: gone), bytes of the stored value, bytes of
    /// its key, bytes of the key of the item that was evicted for it.
    pub fn feed(&self) -> Vec<u32> {
        self.feed.numbers(|key| self.locate(key).unwrap_or(NONE))
    }

    /// These keys, concatenated.
    #[wasm_bindgen(js_name = feedKeys)]
    pub fn feed_keys(&self) -> Vec<u8> {
        self.feed.keys()
    }

    /// Clears the list of requests.
    #[wasm_bindgen(js_name = clearFeed)]
    pub fn clear_feed(&mut self) {
        self.feed.clear();
    }

    /// The removal log: for each item that was evicted or reclaimed since the last
    /// [`clear_removals`](Self::clear_removals), eight numbers: reason (0 memory, 1 item limit, 2
    /// expired, found by a request, 3 expired, found by maintenance), position, bytes of its value,
    /// seconds since its last use, milliseconds until it would have expired, whether it was ever
    /// read, whether it was queued, bytes of its key.
    pub fn removals(&self) -> Vec<u32> {
        snapshot::removals(&self.cache, self.instant())
    }

    /// The keys of these items, concatenated.
    #[wasm_bindgen(js_name = removalKeys)]
    pub fn removal_keys(&self) -> Vec<u8> {
        joined(self.cache.removal_log().iter().map(|removal| removal.key))
    }

    /// The keys that were asked for most in the last minute, as far as samples tell, the hottest
    /// first: how many requests were sampled, then for each key four numbers: how many of these
    /// were for it at most, by how many that may be too many, how many were reads, bytes of the
    /// key.
    #[wasm_bindgen(js_name = hotKeys)]
    pub fn hot_keys(&self) -> Vec<u32> {
        let hot = HotKeys::of(&self.cache, self.instant());
        let mut numbers = vec![hot.samples as u32];
        for key in &hot.keys {
            numbers.extend_from_slice(&[key.samples, key.error, key.reads, key.key.len() as u32]);
        }
        numbers
    }

    /// The bytes of these keys, concatenated.
    #[wasm_bindgen(js_name = hotKeyBytes)]
    pub fn hot_key_bytes(&self) -> Vec<u8> {
        let hot = HotKeys::of(&self.cache, self.instant());
        joined(hot.keys.iter().map(|key| key.key))
    }

    /// The hit ratio with other memory: for each of 1/4, 1/2, 1, 2 and 4 times of it three numbers:
    /// that factor, hits per read, and by how much that may be wrong. Empty until enough is known.
    pub fn advice(&self) -> Vec<f64> {
        let mut numbers = Vec::new();
        let Some(advice) = Advice::of(&self.cache) else {
            return numbers;
        };
        for (factor, _) in FACTORS {
            if let Some(predicted) = advice.curve.predict(factor) {
                numbers.extend_from_slice(&[factor, predicted.hit_ratio, predicted.margin]);
            }
        }
        numbers
    }

    /// What this means, in a sentence.
    #[wasm_bindgen(js_name = adviceText)]
    pub fn advice_text(&self) -> String {
        let advice = Advice::of(&self.cache);
        advice.map_or_else(String::new, |advice| advice.sentence(self.settings.policy))
    }

    /// Clears the removal log, and returns the number of removals that did not fit.
    #[wasm_bindgen(js_name = clearRemovals)]
    pub fn clear_removals(&mut self) -> f64 {
        let missed = self.cache.removal_log().missed();
        self.cache.removal_log_mut().clear();
        missed as f64
    }
}

impl Playground {
    /// Starts a load; see [`start_load`](Self::start_load).
    pub fn begin_load(&mut self, load: &Load, lines: Option<Vec<u8>>) {
        let running = RunningLoad::new(load, lines, self.now);
        self.record.start_load(load, running.has_key_file());
        self.load = Some(running);
    }

    /// The cache, for what is not in the record of the session: that ends with it.
    #[cfg(feature = "full")]
    pub(crate) const fn cache_mut(&mut self) -> &mut Cache {
        self.record.give_up();
        &mut self.cache
    }

    /// The cache itself.
    #[must_use]
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }
}

/// These bytes one after the other.
fn joined<'b>(parts: impl Iterator<Item = &'b [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    parts.for_each(|part| bytes.extend_from_slice(part));
    bytes
}
