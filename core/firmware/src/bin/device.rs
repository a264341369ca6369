//! A sensor hub that lends 16 of its 32 KiB to a cache, with a timer that counts for a clock. It
//! does what the host did when this was built, must come to the same outcome, and then waits for a
//! reading to expire.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Expiry, Memory, Session, SessionConfig, Value};
use dynamidb_core_firmware::board::{give_heap, heap_used, now, stack_used, start_ticks, succeed};
use dynamidb_core_firmware::readings;
use heapless::Deque;

/// For what a cache allocates when it is made, and for replies.
const HEAP: usize = 1024;
/// How many bytes of a serial line can wait.
const LINE: usize = 64;

#[entry]
fn main() -> ! {
    static mut LENT: [u8; readings::MEMORY] = [0; readings::MEMORY];
    static mut HEAP_MEMORY: [MaybeUninit<u8>; HEAP] = [MaybeUninit::uninit(); HEAP];
    give_heap(HEAP_MEMORY);
    let mut peripherals = Peripherals::take().expect("nobody has taken them");
    start_ticks(&mut peripherals.SYST);

    let mut cache = make(LENT);
    let own = size_of_val(&cache) + heap_used();
    hprintln!("{:>8} bytes besides the memory that is lent", own);
    hprintln!("{:>8} bytes of stack to make the cache", stack_used());

    let outcome = readings::play(&mut cache);
    hprintln!("{:>8} bytes of stack to use it", stack_used());
    assert_eq!(outcome.to_string(), env!("OUTCOME"), "as on the host");
    assert_eq!(
        own,
        size_of_val(&cache) + heap_used(),
        "something was allocated"
    );

    cache.clear();
    expire(&mut cache);
    stack_used();
    serve(&mut cache);
    hprintln!("{:>8} bytes of stack to serve a client", stack_used());
    hprintln!("{}", outcome);
    succeed()
}

/// Apart, so that the stack which is only needed to make a cache is free again.
#[inline(never)]
fn make(lent: &'static mut [u8]) -> Cache<&'static mut [u8]> {
    Cache::with_memory(readings::config(), lent).expect("a configuration that works")
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

/// Answers a client on a serial line, which brings a few bytes at a time.
fn serve<M: Memory>(cache: &mut Cache<M>) {
    let mut config = SessionConfig::default();
    config.item_size_max = 16;
    let mut session = Session::new(config);
    let mut line = Deque::<u8, LINE>::new();
    let mut replies = Vec::new();
    let requests = b"set pressure 7 60 4\r\n1013\r\nincr pressure 2\r\nSET x 1 17\n";
    let rest = b"too large to be kept\nget x pressure\r\n";
    for byte in requests.iter().chain(rest) {
        line.push_back(*byte).expect("what was used is gone");
        // Whatever was read by the time somebody looks; here, three bytes more each time.
        if line.len().is_multiple_of(3) {
            receive(cache, &mut session, &mut line, &mut replies);
        }
    }
    receive(cache, &mut session, &mut line, &mut replies);
    let must = "STORED\r\n1015\r\nSERVER_ERROR object too large for cache\r\n\
        VALUE pressure 7 4\r\n1015\r\nEND\r\n";
    assert_eq!(must, str::from_utf8(&replies).expect("text"));
    assert!(line.is_empty(), "every request was complete");
}

fn receive<M: Memory>(
    cache: &mut Cache<M>,
    session: &mut Session,
    line: &mut Deque<u8, LINE>,
    replies: &mut Vec<u8>,
) {
    let input = line.make_contiguous();
    let used = session.process(now(), input, cache, replies);
    for _ in 0..used {
        line.pop_front();
    }
}
