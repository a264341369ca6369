//! A host that is nothing but the core: it plays conversations wherever the core runs.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::mem;

use dynamidb_core::{Cache, FixedOutput, Instant, Memory, Output, Session};

use super::{Conversation, Host, START_MILLIS, Settings, alloc};

/// More than `stats` and `HELP` take.
const REPORT_MAX: usize = 2048;

/// Plays a conversation on an empty cache and returns the digest of the state it leads to. Of the
/// bytes that a client says, `piece` decides how many arrive next.
pub(crate) fn play<M: Memory>(
    conversation: &Conversation,
    cache: Cache<M>,
    how: &str,
    piece: &mut dyn FnMut(&[u8]) -> usize,
) -> u64 {
    play_with(conversation, cache, how, piece, false)
}

/// The same with replies in buffers of fixed size, which are emptied only when the session waits
/// for that.
pub(crate) fn play_fixed<M: Memory>(
    conversation: &Conversation,
    cache: Cache<M>,
    how: &str,
    piece: &mut dyn FnMut(&[u8]) -> usize,
) -> u64 {
    play_with(conversation, cache, how, piece, true)
}

fn play_with<M: Memory>(
    conversation: &Conversation,
    cache: Cache<M>,
    how: &str,
    piece: &mut dyn FnMut(&[u8]) -> usize,
    fixed: bool,
) -> u64 {
    let mut core = Core {
        cache,
        settings: conversation.settings.clone(),
        clients: BTreeMap::new(),
        millis: START_MILLIS,
        piece,
        fixed,
    };
    conversation.play(&mut core, how);
    core.cache.check();
    core.cache.digest()
}

/// The core alone, with a buffer in each direction per client.
struct Core<'p, M> {
    cache: Cache<M>,
    settings: Settings,
    clients: BTreeMap<char, Client>,
    millis: u64,
    /// How many of these bytes arrive next.
    piece: &'p mut dyn FnMut(&[u8]) -> usize,
    /// Whether replies go into buffers of fixed size.
    fixed: bool,
}

struct Client {
    session: Session,
    input: Vec<u8>,
    heard: Vec<u8>,
}

impl<M: Memory> Core<'_, M> {
    fn client(&mut self, name: char) -> &mut Client {
        self.clients.entry(name).or_insert_with(|| Client {
            session: Session::new(self.settings.session()),
            input: Vec::new(),
            heard: Vec::new(),
        })
    }
}

impl<M: Memory> Host for Core<'_, M> {
    fn say(&mut self, name: char, mut bytes: &[u8]) {
        self.client(name);
        let now = Instant::from_millis(self.millis);
        let client = self.clients.get_mut(&name).expect("made above");
        while !bytes.is_empty() {
            let room = client.session.input_max() - client.input.len();
            assert!(room > 0, "the session asks for more than it says it may");
            let (piece, rest) = bytes.split_at((self.piece)(bytes).clamp(1, bytes.len().min(room)));
            bytes = rest;
            client.input.extend_from_slice(piece);
            if self.fixed {
                client.process_fixed(now, &mut self.cache);
            } else {
                client.process(now, &self.settings, &mut self.cache);
            }
        }
    }

    fn hear(&mut self, name: char, _enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        mem::take(&mut self.client(name).heard)
    }

    fn is_closed(&mut self, name: char) -> bool {
        self.client(name).session.is_closed()
    }

    fn wait(&mut self, millis: i64) {
        self.millis = self
            .millis
            .checked_add_signed(millis)
            .expect("a time after 1970");
    }
}

impl Client {
    /// Lets the session act until it needs more bytes, with a buffer that is sent when it is full.
    fn process<M: Memory>(&mut self, now: Instant, settings: &Settings, cache: &mut Cache<M>) {
        loop {
            let mut output = Vec::new();
            let used = self.session.process(now, &self.input, cache, &mut output);
            let slack = settings.item_size_max + 5000;
            assert!(
                output.len() <= settings.output_max + slack,
                "replies are bounded"
            );
            self.input.drain(..used);
            self.heard.extend_from_slice(&output);
            if used == 0 {
                assert!(output.len() < settings.output_max);
                return;
            }
        }
    }

    /// The same with a buffer of the least size that fits the largest item and any report.
    fn process_fixed<M: Memory>(&mut self, now: Instant, cache: &mut Cache<M>) {
        let mut buffer = vec![0; self.session.output_min().max(REPORT_MAX)];
        let mut output = FixedOutput::new(&mut buffer);
        loop {
            let used = self.session.process(now, &self.input, cache, &mut output);
            self.input.drain(..used);
            if used == 0 {
                self.heard.extend_from_slice(output.as_bytes());
                if output.is_empty() {
                    return;
                }
                output.clear();
            }
        }
    }
}
