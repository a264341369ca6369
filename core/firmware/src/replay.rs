//! Plays the conversations of the core's tests in caller-provided memory, with requests that arrive
//! in pieces, as from a serial line.

use alloc::format;
use alloc::string::String;

use conversations::core_host;
use dynamidb_core::Cache;

#[path = "../../tests/conversations/mod.rs"]
mod conversations;

/// The memory of the largest cache of a conversation, in bytes.
pub const MEMORY: usize = 4 << 20;

/// The sizes of the pieces, in turn.
const PIECES: [usize; 4] = [1, 7, 64, 1000];

/// Plays all conversations, and returns their number and a digest of their final states.
///
/// # Panics
/// If a reply is not the expected one.
pub fn play(memory: &mut [u8]) -> String {
    let (mut played, mut digests) = (0, 0_u64);
    for conversation in conversations::all() {
        let settings = &conversation.settings;
        let cache_memory = &mut memory[..settings.memory];
        let cache =
            Cache::with_memory(settings.config(), cache_memory).expect("the settings are valid");
        let whole = settings.whole;
        let mut pieces = PIECES.iter().cycle();
        let mut piece = |bytes: &[u8]| match pieces.next() {
            Some(&piece) if !whole => piece,
            _ => bytes.len(),
        };
        let digest = core_host::play(&conversation, cache, "on a device", &mut piece);
        digests = digests.rotate_left(1) ^ digest;
        played += 1;
    }
    format!("{played} conversations, digests {digests:016x}")
}
