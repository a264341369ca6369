//! Plays every conversation against the core: whole, byte by byte, and cut at random. The replies
//! must be the same.

mod conversations;

use std::collections::HashMap;

use conversations::{Conversation, FILES, Host, START_MILLIS, Settings};
use dynamidb_core::{Cache, Instant, Session};

/// How often each conversation is cut at random.
const SEEDS: u64 = 10;

#[test]
fn conversations_go_as_written() {
    for conversation in conversations::all() {
        play(&conversation, "whole", &mut |bytes| bytes.len());
    }
}

#[test]
fn conversations_go_the_same_byte_by_byte() {
    for conversation in conversations::all().filter(|conversation| !conversation.settings.whole) {
        play(&conversation, "byte by byte", &mut |_| 1);
    }
}

#[test]
fn conversations_go_the_same_in_random_pieces() {
    for seed in 1..=SEEDS {
        for conversation in conversations::all().filter(|conversation| !conversation.settings.whole)
        {
            let mut random = fastrand::Rng::with_seed(seed);
            // Short pieces cut words and line ends, long ones hold several requests.
            let how = format!("cut at random, seed {seed}");
            play(&conversation, &how, &mut |_| {
                let longest = *random.choice(&[8, 100, 5000]).unwrap();
                random.usize(1..=longest)
            });
        }
    }
}

#[test]
fn every_file_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conversations");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".txt"))
        .collect();
    found.sort();
    let played: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        played, found,
        "the list in conversations/mod.rs must be complete and sorted"
    );
}

fn play(conversation: &Conversation, how: &str, piece: &mut dyn FnMut(&[u8]) -> usize) {
    let settings = conversation.settings.clone();
    let cache = Cache::new(settings.config()).expect("the settings are possible");
    let mut core = Core {
        cache,
        settings,
        clients: HashMap::new(),
        millis: START_MILLIS,
        piece,
    };
    conversation.play(&mut core, how);
    core.cache.check();
}

/// The core alone, with a buffer in each direction per client.
struct Core<'p> {
    cache: Cache,
    settings: Settings,
    clients: HashMap<char, Client>,
    millis: u64,
    /// How many of these bytes arrive next.
    piece: &'p mut dyn FnMut(&[u8]) -> usize,
}

struct Client {
    session: Session,
    input: Vec<u8>,
    heard: Vec<u8>,
}

impl Core<'_> {
    fn client(&mut self, name: char) -> &mut Client {
        self.clients.entry(name).or_insert_with(|| Client {
            session: Session::new(self.settings.session()),
            input: Vec::new(),
            heard: Vec::new(),
        })
    }
}

impl Host for Core<'_> {
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
            client.process(now, &self.settings, &mut self.cache);
        }
    }

    fn hear(&mut self, name: char, _enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        std::mem::take(&mut self.client(name).heard)
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
    fn process(&mut self, now: Instant, settings: &Settings, cache: &mut Cache) {
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
}
