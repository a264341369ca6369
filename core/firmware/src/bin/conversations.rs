//! Plays every conversation of the core's tests on a device, and compares the states they lead to
//! with those on the host.
#![no_std]
#![no_main]

use core::mem::MaybeUninit;

use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core_firmware::board::{give_heap, succeed};
use dynamidb_core_firmware::talk;

/// In a memory of its own, which nobody sets to zero when the device is switched on.
// SAFETY: the linker script of this program puts nothing else there.
#[unsafe(link_section = ".lent")]
static mut MEMORY: MaybeUninit<[u8; talk::MEMORY]> = MaybeUninit::uninit();

/// For the players, who keep all that was said and heard.
const HEAP: usize = 15 << 20;

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
    let talk = talk::play(lent);
    hprintln!("{}", talk);
    assert_eq!(talk, env!("TALK"), "as on the host");
    succeed()
}
