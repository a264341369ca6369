//! The DynamiDB cache for JavaScript: the server's core, compiled to WebAssembly.
//!
//! A [`Playground`] is one cache and the clients that talk to it. Like the core, it reads no clock
//! and draws no random number: the page passes both in, so what happened can be replayed.
//! Everything else is the core's; this crate only turns its types into those that JavaScript has.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use dynamidb_core::{Cache, Config, Instant, Session, SessionConfig};
use wasm_bindgen::prelude::*;

/// How many items [`Playground::tick`] looks at, so that a call never holds up the page.
const UPKEEP_LIMIT: usize = 1000;

/// Which verbs the clients of a playground may use.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Dialect {
    /// A verb with a capital letter is DynamiDB's, one in small letters memcached's.
    Auto,
    /// All verbs are DynamiDB's, in any case.
    DynamiDb,
    /// All verbs are memcached's.
    Memcached,
}

/// The limits of a playground. Every field may be changed before it is made.
#[wasm_bindgen]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The budget in bytes.
    pub memory: u32,
    /// How many items there may be at most, if there is a limit besides memory.
    #[wasm_bindgen(js_name = maxItems)]
    pub max_items: Option<u32>,
    /// The largest item, in bytes of key and value together.
    #[wasm_bindgen(js_name = itemSizeMax)]
    pub item_size_max: u32,
    /// Which verbs clients may use.
    pub dialect: Dialect,
}

#[wasm_bindgen]
impl Settings {
    /// The core's defaults for a budget of `memory` bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(memory: u32) -> Self {
        let item_size_max = Config::ITEM_SIZE_MAX as u32;
        Self {
            memory,
            max_items: None,
            item_size_max,
            dialect: Dialect::Auto,
        }
    }
}

/// A cache and the clients connected to it.
///
/// In JavaScript:
/// ```js
/// const seed = crypto.getRandomValues(new Uint8Array(16));
/// const playground = new Playground(new Settings(1 << 20), seed);
/// const session = playground.open();
/// const line = new TextEncoder().encode("GET greeting\r\n");
/// const reply = playground.send(session, Date.now(), line); // the bytes of "END\r\n"
/// ```
#[wasm_bindgen]
#[derive(Debug)]
pub struct Playground {
    cache: Cache,
    session_config: SessionConfig,
    /// By number. A number is not used again, so that it always means the same client.
    clients: BTreeMap<u32, Client>,
    opened: u32,
}

/// One connection: what it has said that is not a whole request yet.
#[derive(Debug)]
struct Client {
    session: Session,
    input: Vec<u8>,
}

#[wasm_bindgen]
impl Playground {
    /// An empty cache with these limits. The `seed`, 16 random bytes, keys the hash function.
    ///
    /// # Errors
    /// A seed of another length, or limits that the cache cannot work with.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &Settings, seed: &[u8]) -> Result<Self, JsError> {
        let seed = seed
            .try_into()
            .map_err(|_| JsError::new("the seed must be 16 bytes"))?;
        let mut config = Config::new(settings.memory as usize);
        config.max_items = settings.max_items.map(|max| max as usize);
        config.item_size_max = settings.item_size_max as usize;
        config.hash_seed = u128::from_le_bytes(seed);

        let mut session_config = SessionConfig::default();
        session_config.item_size_max = config.item_size_max;
        session_config.dialect = match settings.dialect {
            Dialect::Auto => dynamidb_core::Dialect::Auto,
            Dialect::DynamiDb => dynamidb_core::Dialect::DynamiDb,
            Dialect::Memcached => dynamidb_core::Dialect::Memcached,
        };
        Ok(Self {
            cache: Cache::new(config)?,
            session_config,
            clients: BTreeMap::new(),
            opened: 0,
        })
    }

    /// Connects a client and returns its number.
    pub fn open(&mut self) -> u32 {
        let number = self.opened;
        self.opened += 1;
        let session = Session::new(self.session_config.clone());
        let input = Vec::new();
        self.clients.insert(number, Client { session, input });
        number
    }

    /// Disconnects a client. What it had sent of an unfinished request is forgotten.
    pub fn close(&mut self, session: u32) {
        self.clients.remove(&session);
    }

    /// Whether `session` is connected: opened, and ended neither by [`close`](Self::close) nor by
    /// what it said.
    #[wasm_bindgen(js_name = isOpen)]
    pub fn is_open(&self, session: u32) -> bool {
        let client = self.clients.get(&session);
        client.is_some_and(|client| !client.session.is_closed())
    }

    /// How many bytes the client has sent of a request that is not complete yet.
    pub fn pending(&self, session: u32) -> u32 {
        let client = self.clients.get(&session);
        client.map_or(0, |client| client.input.len() as u32)
    }

    /// Receives `bytes` from a client at the time `now`, in milliseconds since the Unix epoch, and
    /// returns what the server answers. The bytes of a client that is not connected are ignored.
    pub fn send(&mut self, session: u32, now: f64, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        if let Some(client) = self.clients.get_mut(&session) {
            client.input.extend_from_slice(bytes);
            client.process(instant(now), &mut self.cache, &mut output);
        }
        output
    }

    /// Gives back a bounded number of expired items, and returns how many. Call it now and then.
    pub fn tick(&mut self, now: f64) -> u32 {
        self.cache.tick(instant(now), UPKEEP_LIMIT) as u32
    }

    /// How many items the cache holds.
    #[wasm_bindgen(getter)]
    pub fn items(&self) -> u32 {
        self.cache.len() as u32
    }
}

impl Client {
    /// Has the session act on every request that is complete, and keeps what is left for later.
    fn process(&mut self, now: Instant, cache: &mut Cache, output: &mut Vec<u8>) {
        let mut used = 0;
        while !self.session.is_closed() {
            // A session pauses when the output is full, so it gets an empty one each time.
            let mut reply = Vec::new();
            let done = self
                .session
                .process(now, &self.input[used..], cache, &mut reply);
            output.append(&mut reply);
            if done == 0 {
                self.input.drain(..used);
                return;
            }
            used += done;
        }
        self.input.clear();
    }
}

/// JavaScript's milliseconds are a `number`, because `BigInt` does not mix with other numbers.
fn instant(now: f64) -> Instant {
    Instant::from_millis(now as u64)
}
