//! Plays every conversation against the core: whole, byte by byte, and cut at random. The replies
//! and the state they lead to must be the same.

mod conversations;

use conversations::{BINARY_FILES, Conversation, FILES, core_host};
use dynamidb_core::Cache;

/// How often each conversation is cut at random.
const SEEDS: u64 = 10;

#[test]
fn conversations_go_as_written() {
    for conversation in conversations::all() {
        whole(&conversation);
    }
}

#[test]
fn conversations_go_the_same_byte_by_byte() {
    for conversation in conversations::all().filter(|conversation| !conversation.settings.whole) {
        let digest = play(&conversation, "byte by byte", &mut |_| 1);
        assert_eq!(digest, whole(&conversation), "{}", conversation.name);
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
            let digest = play(&conversation, &how, &mut |_| {
                let longest = *random.choice(&[8, 100, 5000]).unwrap();
                random.usize(1..=longest)
            });
            assert_eq!(digest, whole(&conversation), "{}, {how}", conversation.name);
        }
    }
}

#[test]
fn conversations_go_the_same_with_replies_in_buffers_of_fixed_size() {
    for conversation in conversations::all() {
        let cache = Cache::new(conversation.settings.config()).unwrap();
        let how = "replies in a fixed buffer";
        let digest = core_host::play_fixed(&conversation, cache, how, &mut <[u8]>::len);
        assert_eq!(digest, whole(&conversation), "{}", conversation.name);
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
    let played = FILES.iter().chain(BINARY_FILES).map(|(name, _)| *name);
    let mut played: Vec<_> = played.filter(|name| name.ends_with(".txt")).collect();
    played.sort_unstable();
    assert_eq!(
        played, found,
        "the lists in conversations/mod.rs must be complete"
    );
}

fn whole(conversation: &Conversation) -> u64 {
    play(conversation, "whole", &mut |bytes| bytes.len())
}

fn play(conversation: &Conversation, how: &str, piece: &mut dyn FnMut(&[u8]) -> usize) -> u64 {
    let config = conversation.settings.config();
    let cache = Cache::new(config).expect("the settings are possible");
    core_host::play(conversation, cache, how, piece)
}
