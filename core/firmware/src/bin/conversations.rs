//! Plays every conversation of the core's tests on a device: the cache in memory that is lent to
//! it, requests arriving in pieces as from a serial line.
#![no_std]
#![no_main]

#[path = "../../../tests/conversations/mod.rs"]
mod conversations;

use core::mem::MaybeUninit;

use conversations::core_host;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::Cache;
use dynamidb_core_firmware::{give_heap, stack_used, succeed};

/// What the largest cache of a conversation takes.
const LENT: usize = 4 << 20;

/// In a memory of its own, which nobody sets to zero when the device is switched on.
// SAFETY: the linker script of this program puts nothing else there.
#[unsafe(link_section = ".lent")]
static mut MEMORY: MaybeUninit<[u8; LENT]> = MaybeUninit::uninit();

/// For the players, who keep all that was said and heard.
const HEAP: usize = 15 << 20;

/// How many bytes arrive at once, in turn.
const PIECES: [usize; 4] = [1, 7, 64, 1000];

#[entry]
fn main() -> ! {
    static mut HEAP_MEMORY: [MaybeUninit<u8>; HEAP] = [MaybeUninit::uninit(); HEAP];
    give_heap(HEAP_MEMORY);
    // SAFETY: this runs once, and nobody else mentions this memory, all of which is written here.
    let lent = unsafe {
        let memory = &raw mut MEMORY;
        memory.write_bytes(0, 1);
        (*memory).assume_init_mut()
    };
    let mut played = 0;
    for conversation in conversations::all() {
        let settings = &conversation.settings;
        let memory = &mut lent[..settings.memory];
        let cache = Cache::with_memory(settings.config(), memory).expect("possible settings");
        let whole = settings.whole;
        let mut pieces = PIECES.iter().cycle();
        let mut piece = |bytes: &[u8]| match pieces.next() {
            Some(&piece) if !whole => piece,
            _ => bytes.len(),
        };
        core_host::play(&conversation, cache, "on a device", &mut piece);
        played += 1;
    }
    assert!(played > 0, "there are conversations");
    hprintln!("{} conversations, {} bytes of stack", played, stack_used());
    succeed()
}
