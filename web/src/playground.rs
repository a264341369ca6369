//! A cache, the clients connected to it, and its time.

use core::fmt;

use dynamidb_core::{Cache, ConfigError, Instant, Session, SessionConfig};
use wasm_bindgen::prelude::*;

use crate::client::Client;
use crate::load::Running;
use crate::look::{self, NONE};
use crate::record::Record;
use crate::{Load, Settings};

/// Upkeep happens at the multiples of this, in milliseconds of the cache's time: never because of
/// how often the page calls, so that what was done can be replayed.
const UPKEEP_INTERVAL: u64 = 250;
/// How many steps of upkeep there are at most each time, so that no call holds up the page.
const UPKEEP_LIMIT: usize = 1000;
/// The longest time that passes at once, in milliseconds: a day.
pub(crate) const ADVANCE_MAX: u64 = 86_400_000;
/// The latest moment that there is, in milliseconds since the Unix epoch: JavaScript's numbers are
/// exact up to here.
pub(crate) const TIME_MAX: u64 = 1 << 53;
/// How many clients there may be: A to Z.
pub(crate) const CLIENTS: usize = 26;
/// How many removed items are kept for the page to ask about.
const REMOVALS_MAX: usize = 200;

/// A cache, its clients and its time.
///
/// In JavaScript:
/// ```js
/// const seed = crypto.getRandomValues(new Uint8Array(16));
/// const playground = new Playground(new Settings(1 << 20), seed, Date.now());
/// const line = new TextEncoder().encode("GET greeting\r\n");
/// const reply = playground.say(0, line); // the bytes of "END\r\n"
/// playground.advance(1000); // a second passes
/// ```
#[wasm_bindgen]
pub struct Playground {
    cache: Cache,
    session_config: SessionConfig,
    clients: [Option<Client>; CLIENTS],
    /// The keys that the last message was about.
    touched: Vec<Vec<u8>>,
    began: u64,
    now: u64,
    load: Option<Running>,
    record: Record,
}

impl fmt::Debug for Playground {
    /// Without what the clients have said, and without the seed, which is in the record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playground")
            .field("cache", &self.cache)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl Playground {
    /// An empty cache. The `seed` keys the hash function, `now` is the time in milliseconds since
    /// the Unix epoch.
    ///
    /// # Errors
    /// [`ConfigError`] says which setting is wrong.
    pub fn make(settings: &Settings, seed: u128, now: u64) -> Result<Self, ConfigError> {
        let mut memory = Vec::new();
        memory
            .try_reserve_exact(settings.memory as usize)
            .map_err(|_| ConfigError::OutOfMemory)?;
        // Not `Cache::new`, which takes off what its fields need: that depends on the platform.
        let mut cache = Cache::with_memory(settings.config(seed), memory)?;
        cache
            .watch_removals(REMOVALS_MAX)
            .map_err(|_| ConfigError::OutOfMemory)?;
        let now = now.min(TIME_MAX);
        Ok(Self {
            cache,
            session_config: settings.session_config(),
            clients: [const { None }; CLIENTS],
            touched: Vec::new(),
            began: now,
            now,
            load: None,
            record: Record::new(settings, seed, now),
        })
    }

    fn client(&self, number: u32) -> Option<&Client> {
        self.clients.get(number as usize)?.as_ref()
    }

    fn instant(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Lets time pass up to that moment, and does the upkeep that falls into it.
    fn advance_to(&mut self, end: u64) {
        loop {
            let next = (self.now / UPKEEP_INTERVAL + 1) * UPKEEP_INTERVAL;
            if next > end {
                break;
            }
            self.now = next;
            self.cache.tick(self.instant(), UPKEEP_LIMIT);
        }
        self.now = end.max(self.now);
    }
}

#[wasm_bindgen]
impl Playground {
    /// An empty cache with these settings, as [`defaults`](Self::defaults) has them, at this time,
    /// in milliseconds since the Unix epoch. The `seed`, 16 random bytes, keys the hash function.
    ///
    /// # Errors
    /// A seed of another length, or settings that the cache cannot work with.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &[u32], seed: &[u8], now: f64) -> Result<Self, JsError> {
        let wrong = || JsError::new("these are no settings");
        let settings = Settings::from_numbers(settings).ok_or_else(wrong)?;
        let seed = seed.try_into().map_err(|_| wrong())?;
        Ok(Self::make(
            &settings,
            u128::from_le_bytes(seed),
            now as u64,
        )?)
    }

    /// The core's settings for a budget of `memory` bytes, as numbers: memory, most items
    /// (`u32::MAX`: no limit), largest item, policy (0 LRU, 1 S3LRU), dialect (0 both, 1
    /// DynamiDB's, 2 memcached's), then the chunk sizes.
    pub fn defaults(memory: u32) -> Vec<u32> {
        Settings::new(memory).numbers()
    }

    /// The numbers of a load to begin with: keys, skew, smallest value, largest value, reads, ttl,
    /// rate, seed.
    #[wasm_bindgen(js_name = exampleLoad)]
    pub fn example_load() -> Vec<u32> {
        Load::new().numbers()
    }

    /// Receives `bytes` from a client and returns what the server answers. A client that is not
    /// connected connects first. Clients have the numbers 0 to 25; there are no others to hear.
    pub fn say(&mut self, client: u32, bytes: &[u8]) -> Vec<u8> {
        self.touched.clear();
        let (is_open, now) = (self.is_open(client), self.instant());
        let Some(place) = self.clients.get_mut(client as usize) else {
            return Vec::new();
        };
        if !is_open {
            *place = None;
        }
        let session = || Client::new(Session::new(self.session_config.clone()));
        let connected = place.get_or_insert_with(session);
        self.record.say(client, bytes);
        connected.input.extend_from_slice(bytes);
        connected.process(now, &mut self.cache, &mut self.touched)
    }

    /// The client's connection ends. What it had sent of an unfinished request is forgotten.
    #[wasm_bindgen(js_name = hangUp)]
    pub fn hang_up(&mut self, client: u32) {
        if let Some(place) = self.clients.get_mut(client as usize) {
            self.record.hang_up(client);
            *place = None;
        }
    }

    /// Whether the client is connected: it has said something, and neither it nor the server has
    /// ended the connection since.
    #[wasm_bindgen(js_name = isOpen)]
    pub fn is_open(&self, client: u32) -> bool {
        let client = self.client(client);
        client.is_some_and(|client| !client.session.is_closed())
    }

    /// How many bytes the client has sent of a request that is not complete yet.
    pub fn pending(&self, client: u32) -> u32 {
        let client = self.client(client);
        client.map_or(0, |client| client.input.len() as u32)
    }

    /// The time, in milliseconds since the Unix epoch.
    #[wasm_bindgen(getter)]
    pub fn now(&self) -> f64 {
        self.now as f64
    }

    /// How long there has been this cache, in milliseconds.
    #[wasm_bindgen(getter)]
    pub fn age(&self) -> f64 {
        self.now as f64 - self.began as f64
    }

    /// Lets so many milliseconds pass, a day at most, with the upkeep that falls into them.
    pub fn advance(&mut self, millis: f64) {
        let millis = (millis as u64).min(ADVANCE_MAX);
        let end = (self.now + millis).min(TIME_MAX);
        self.record.wait(end - self.now);
        self.advance_to(end);
    }

    /// Sets the clock, in milliseconds since the Unix epoch: no upkeep happens on the way.
    pub fn jump(&mut self, now: f64) {
        self.now = (now as u64).min(TIME_MAX);
        self.record.jump(self.now);
    }

    /// When the next item ends; nothing if none does.
    #[wasm_bindgen(js_name = nextExpiry)]
    pub fn next_expiry(&self) -> Option<f64> {
        let next = self.cache.next_expiry(self.instant());
        next.map(|at| at.as_millis() as f64)
    }

    /// Begins a load of these numbers. With `lines`, its keys are the lines of that text.
    ///
    /// # Errors
    /// Numbers that are out of range.
    #[wasm_bindgen(js_name = startLoad)]
    pub fn start_load(&mut self, load: &[u32], lines: Option<Vec<u8>>) -> Result<(), JsError> {
        let load = Load::from_numbers(load).map_err(|problem| JsError::new(&problem))?;
        self.begin_load(&load, lines);
        Ok(())
    }

    /// Goes on with the load and returns how many operations there were: fewer than `operations`
    /// only if the file has come to its end. Time passes at the load's rate.
    #[wasm_bindgen(js_name = runLoad)]
    pub fn run_load(&mut self, operations: u32) -> u32 {
        let Some(mut load) = self.load.take() else {
            return 0;
        };
        let mut done = 0;
        while done < operations {
            self.advance_to(load.due().clamp(self.now, TIME_MAX));
            if !load.step(self.instant(), &mut self.cache) {
                break;
            }
            done += 1;
        }
        self.record.run(done.into());
        self.load = Some(load);
        done
    }

    /// A number for the whole state, in hexadecimal: it is the same wherever the same was done.
    pub fn digest(&self) -> String {
        format!("{:016x}", self.cache.digest())
    }

    /// What was done, as the text of a scenario; nothing if it cannot be written down, because it
    /// was too much or had to do with a file.
    pub fn record(&self) -> Option<String> {
        self.record.text()
    }

    /// Counters: items, bytes of their chunks, bytes of the index, the budget, lookups, hits,
    /// stores, evictions, evicted and never read, expired and given back, expired and never read,
    /// refused for their size, refused for lack of room, pages, and bytes of each.
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
            self.cache.pages().count() as u64,
            self.cache.page_size() as u64,
        ];
        counters.into_iter().map(|counter| counter as f64).collect()
    }

    /// Pages, items and chunks as they are now; if there are more items than `limit`, the newest
    /// half of it and the oldest. Three numbers say how many follow for each.
    ///
    /// Of each page that was ever used, six: what for (0 unused, 1 records, 2 index, 3 overflow of
    /// the index, 4 items), chunk size, chunks begun, chunks in use, the number of its first chunk,
    /// milliseconds until it is looked at for expired items.
    ///
    /// Of each item, the most recently used first, eight: position; bytes of its value; of its key;
    /// marks (1 queued, 2 young, 4 fetched, 8 expired); seconds since its last use; milliseconds
    /// until it ends; bytes of its chunks; how many chunks these are.
    ///
    /// Of each chunk that was ever used in a page of items, one: in the low 23 bits the item that
    /// has it, counted from 1, or 0; then eight bits for how much of it is in use, of 255; the
    /// highest bit says that it is a continuation. None if there are more items than `limit`.
    pub fn look(&self, limit: u32) -> Vec<u32> {
        look::look(&self.cache, self.instant(), limit as usize)
    }

    /// The timing wheel: how many pages wait in each of its 4 times 64 slots; then, for each
    /// level, the slot in which its time is.
    pub fn wheel(&self) -> Vec<u32> {
        look::wheel(&self.cache)
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

    /// What is known of the item at a position: client flags, cas, second of the last use, whether
    /// it was read, milliseconds when it ends (-1: never). Empty if there is no item.
    pub fn inspect(&self, position: u32) -> Vec<f64> {
        let Some(view) = self.cache.inspect(position) else {
            return Vec::new();
        };
        let item = view.item;
        vec![
            item.flags.into(),
            item.cas as f64,
            item.last_used.as_secs() as f64,
            item.fetched.into(),
            item.expires_at.map_or(-1.0, |at| at.as_millis() as f64),
        ]
    }

    /// Of each chunk of the item at a position, seven numbers: position, page, which of the page's
    /// chunks it is, its size, then how much of it is the engine's, key and value.
    pub fn chunks(&self, position: u32) -> Vec<u32> {
        look::chunks(&self.cache, position)
    }

    /// The bytes of these chunks, one after the other.
    #[wasm_bindgen(js_name = chunkBytes)]
    pub fn chunk_bytes(&self, position: u32) -> Vec<u8> {
        let chunks = self.cache.chunks(position);
        chunks.flat_map(|chunk| chunk.bytes).copied().collect()
    }

    /// The names of the fields in the head of the item at a position.
    #[wasm_bindgen(js_name = fieldNames)]
    pub fn field_names(&self, position: u32) -> Vec<String> {
        let fields = self.cache.fields(position);
        fields.map(|field| field.name.to_owned()).collect()
    }

    /// Of each of these fields, three numbers: the byte at which its word begins, which bits of the
    /// word it has, and what they say.
    pub fn fields(&self, position: u32) -> Vec<u32> {
        let fields = self.cache.fields(position);
        fields
            .flat_map(|field| [field.at as u32, field.mask, field.value])
            .collect()
    }

    /// The positions of the items that the last message was about, in its order; `u32::MAX` where
    /// a key has no item.
    pub fn touched(&self) -> Vec<u32> {
        let positions = self
            .touched
            .iter()
            .map(|key| self.locate(key).unwrap_or(NONE));
        positions.collect()
    }

    /// Of each item that went since the last [`forget_removals`](Self::forget_removals) although
    /// nobody asked for that, eight numbers: why (0 memory, 1 number of items, 2 expired and asked
    /// for, 3 expired unasked), position, bytes of its value, seconds since its last use,
    /// milliseconds until it would have ended, whether it was ever read, whether it was queued,
    /// bytes of its key.
    pub fn removals(&self) -> Vec<u32> {
        look::removals(&self.cache, self.instant())
    }

    /// The keys of these items, one after the other.
    #[wasm_bindgen(js_name = removalKeys)]
    pub fn removal_keys(&self) -> Vec<u8> {
        self.cache
            .removals()
            .flat_map(|removal| removal.key)
            .copied()
            .collect()
    }

    /// Begins a new list of removals, and says how many did not fit on the old one.
    #[wasm_bindgen(js_name = forgetRemovals)]
    pub fn forget_removals(&mut self) -> f64 {
        let missed = self.cache.removals_missed();
        self.cache.forget_removals();
        missed as f64
    }
}

impl Playground {
    /// Begins a load; see [`start_load`](Self::start_load).
    pub fn begin_load(&mut self, load: &Load, lines: Option<Vec<u8>>) {
        let load_running = Running::new(load, lines, self.now);
        self.record.load(load, load_running.is_file());
        self.load = Some(load_running);
    }

    /// The cache itself.
    #[must_use]
    pub const fn cache(&self) -> &Cache {
        &self.cache
    }
}
