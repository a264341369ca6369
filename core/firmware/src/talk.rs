//! The conversations of the core's tests, in memory that is lent, requests arriving in pieces as
//! from a serial line.

use alloc::format;
use alloc::string::String;

use conversations::core_host;
use dynamidb_core::Cache;

#[path = "../../tests/conversations/mod.rs"]
mod conversations;

/// What the largest cache of a conversation takes.
pub const MEMORY: usize = 4 << 20;

/// How many bytes arrive at once, in turn.
const PIECES: [usize; 4] = [1, 7, 64, 1000];

/// Plays all of them and says how many there were, and to which states they led.
///
/// # Panics
/// If something else is heard than must be.
pub fn play(memory: &mut [u8]) -> String {
    let (mut played, mut digests) = (0, 0_u64);
    for conversation in conversations::all() {
        let settings = &conversation.settings;
        let lent = &mut memory[..settings.memory];
        let cache = Cache::with_memory(settings.config(), lent).expect("possible settings");
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
