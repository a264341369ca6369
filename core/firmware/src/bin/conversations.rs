//! Plays every conversation of the core's tests on a device, and compares the final states with
//! those on the host.
#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core_firmware::board::exit_success;
use dynamidb_core_firmware::{heap, replay};

/// The caches' memory, in a memory region that the startup code does not zero.
// SAFETY: the linker script of this program puts nothing else there.
#[unsafe(link_section = ".cache_memory")]
static mut MEMORY: MaybeUninit<[u8; replay::MEMORY]> = MaybeUninit::uninit();

/// The heap's size: the players keep all requests and replies.
const HEAP: usize = 15 << 20;

#[entry]
fn main() -> ! {
    static mut HEAP_MEMORY: [MaybeUninit<u8>; HEAP] = [MaybeUninit::uninit(); HEAP];
    heap::init(HEAP_MEMORY);
    // SAFETY: this runs once, nothing else refers to this memory, and all of it is written here.
    let memory = unsafe {
        let address = &raw mut MEMORY;
        address.write_bytes(0, 1);
        (*address).assume_init_mut()
    };
    let outcome = replay::play(memory);
    hprintln!("{}", outcome);
    assert_eq!(outcome, env!("REPLAY_OUTCOME"), "differs from the host");
    exit_success()
}
