//! A sensor hub that lends 16 of its 32 KiB to a cache, with a timer that counts for a clock. It
//! does what the host did when this was built, must come to the same outcome, and then waits for a
//! reading to expire.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::ToString;
use core::mem::MaybeUninit;
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Expiry, Memory, Value};
use dynamidb_core_firmware::{
    give_heap, heap_used, now, readings, stack_used, start_ticks, succeed,
};

const HEAP: usize = 512;
/// What a cache may take besides what is lent to it.
const OWN_MAX: usize = 4096;

#[entry]
fn main() -> ! {
    static mut LENT: [u8; readings::MEMORY] = [0; readings::MEMORY];
    static mut HEAP_MEMORY: [MaybeUninit<u8>; HEAP] = [MaybeUninit::uninit(); HEAP];
    give_heap(HEAP_MEMORY);
    let mut peripherals = Peripherals::take().expect("nobody has taken them");
    start_ticks(&mut peripherals.SYST);

    let cache = Cache::with_memory(readings::config(), &mut LENT[..]);
    let mut cache = cache.expect("a configuration that works");
    let own = size_of_val(&cache) + heap_used();
    hprintln!("{} bytes lent, {} besides", readings::MEMORY, own);
    assert!(own <= OWN_MAX, "more than {OWN_MAX} bytes");

    let outcome = readings::play(&mut cache);
    hprintln!("{}", outcome);
    assert_eq!(outcome.to_string(), env!("OUTCOME"), "as on the host");
    assert_eq!(
        own,
        size_of_val(&cache) + heap_used(),
        "something was allocated"
    );

    cache.clear();
    expire(&mut cache);
    hprintln!("{} bytes of stack", stack_used());
    succeed()
}

/// Stores a reading and waits until it is gone.
fn expire<M: Memory>(cache: &mut Cache<M>) {
    let ends = now() + Duration::from_millis(20);
    let brief = Value::from("21.5").expire(Expiry::At(ends));
    cache.set(now(), "brief", brief).expect("there is room");
    let mut reads = 0;
    while cache.get(now(), "brief").is_some() {
        reads += 1;
    }
    let end = now();
    assert!(
        reads > 0 && end >= ends,
        "gone before its time: {reads} reads"
    );
    assert!(
        end.since(ends) < Duration::from_secs(1),
        "served past its time"
    );
    assert!(cache.is_empty(), "its memory is back");
}
