//! A sensor hub with a cache in 16 of its 32 KiB, and a timer as its clock. It does the same work
//! as the build script on the host, checks that the outcome is the same, and then waits for a
//! reading to expire. It has no heap: the program has no `#[global_allocator]`.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::mem::MaybeUninit;
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Expiry, FixedOutput, Memory, Session, SessionConfig, Value};
use dynamidb_core_firmware::board::{exit_success, now, stack_used, start_ticks};
use dynamidb_core_firmware::readings;
use heapless::{Deque, String, Vec};

/// The buffers of the serial line, in bytes.
const LINE: usize = 64;
const REPLIES: usize = 128;

#[entry]
fn main() -> ! {
    static mut CACHE_MEMORY: [u8; readings::MEMORY] = [0; readings::MEMORY];
    static mut PLACE: MaybeUninit<DeviceCache> = MaybeUninit::uninit();
    let mut peripherals = Peripherals::take().expect("they are taken only here");
    start_ticks(&mut peripherals.SYST);

    let cache = make(PLACE, CACHE_MEMORY);
    let overhead = size_of_val(cache);
    hprintln!("{:>8} bytes besides the caller-provided memory", overhead);
    hprintln!("{:>8} bytes of stack to make the cache", stack_used());

    let outcome = readings::play(cache);
    hprintln!("{:>8} bytes of stack to use it", stack_used());
    let mut text = String::<256>::new();
    write!(text, "{outcome}").expect("it is shorter");
    assert_eq!(text, env!("READINGS_OUTCOME"), "differs from the host");

    cache.clear();
    expire(cache);
    stack_used();
    serve(cache);
    hprintln!("{:>8} bytes of stack to serve a client", stack_used());
    hprintln!("{}", outcome);
    exit_success()
}

type DeviceCache = Cache<&'static mut [u8]>;

/// Not inlined, so that the stack that only making a cache needs is released.
#[inline(never)]
fn make(
    place: &'static mut MaybeUninit<DeviceCache>,
    memory: &'static mut [u8],
) -> &'static mut DeviceCache {
    Cache::init(place, &readings::config(), memory).expect("the configuration is valid")
}

/// Stores a reading and waits until it has expired.
fn expire<M: Memory>(cache: &mut Cache<M>) {
    let deadline = now() + Duration::from_millis(20);
    let brief = Value::from("21.5").expire(Expiry::At(deadline));
    cache
        .set(now(), "brief", brief)
        .expect("there is enough memory");
    let mut reads = 0;
    while cache.get(now(), "brief").is_some() {
        reads += 1;
    }
    let end = now();
    assert!(
        reads > 0 && end >= deadline,
        "expired too early: {reads} reads"
    );
    assert!(
        end.since(deadline) < Duration::from_secs(1),
        "served after its deadline"
    );
    assert!(cache.is_empty(), "its memory is reclaimed");
}

/// Serves a client on a serial line, from which a few bytes arrive at a time.
fn serve<M: Memory>(cache: &mut Cache<M>) {
    let mut config = SessionConfig::default();
    config.item_size_max = 16;
    let mut session = Session::new(config);
    let mut line = Deque::<u8, LINE>::new();
    let mut replies = Vec::<u8, 256>::new();
    let requests = b"set pressure 7 60 4\r\n1013\r\nincr pressure 2\r\nSET x 1 17\n";
    let rest = b"too large to be kept\nget x pressure\r\n";
    for byte in requests.iter().chain(rest) {
        line.push_back(*byte).expect("processed bytes are removed");
        // A device processes what has arrived since the last call; here, three bytes at a time.
        if line.len().is_multiple_of(3) {
            receive(cache, &mut session, &mut line, &mut replies);
        }
    }
    receive(cache, &mut session, &mut line, &mut replies);
    let expected = "STORED\r\n1015\r\nSERVER_ERROR object too large for cache\r\n\
        VALUE pressure 7 4\r\n1015\r\nEND\r\n";
    assert_eq!(expected, str::from_utf8(&replies).expect("text"));
    assert!(line.is_empty(), "every request was complete");
}

fn receive<M: Memory>(
    cache: &mut Cache<M>,
    session: &mut Session,
    line: &mut Deque<u8, LINE>,
    sent: &mut Vec<u8, 256>,
) {
    let mut buffer = [0; REPLIES];
    let mut replies = FixedOutput::new(&mut buffer);
    loop {
        let input = line.make_contiguous();
        let used = session.process(now(), input, cache, &mut replies);
        for _ in 0..used {
            line.pop_front();
        }
        if used == 0 && replies.as_bytes().is_empty() {
            return;
        }
        sent.extend_from_slice(replies.as_bytes())
            .expect("the replies are short");
        replies.clear();
    }
}
