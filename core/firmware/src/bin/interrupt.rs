//! A cache that an interrupt shares with the main loop, behind a critical section: the interrupt
//! stores readings while the main loop reads and counts. The clock is a counter
//! of 32 bits that is about to wrap.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::hprintln;
use critical_section::Mutex;
use dynamidb_core::{Cache, Config, Expiry, Instant, Ticks32};
use dynamidb_core_firmware::board::{exit_success, start_ticks, ticks};

const MEMORY: usize = 8 * 1024;
/// How many readings the interrupt stores.
const READINGS: u32 = 500;
/// What the counter shows at the start: it wraps a tenth of a second later.
const START: u32 = u32::MAX - 100;

/// What the critical section protects: the cache, and the time as it was last asked for.
struct Shared {
    cache: Cache<&'static mut [u8]>,
    clock: Ticks32,
    stored: u32,
}

static SHARED: Mutex<RefCell<Option<Shared>>> = Mutex::new(RefCell::new(None));

/// Does something with the cache, at the time that it is then.
fn with_cache<R>(
    work: impl FnOnce(&mut Cache<&'static mut [u8]>, Instant, &mut u32) -> R,
) -> Option<R> {
    critical_section::with(|section| {
        let mut shared = SHARED.borrow_ref_mut(section);
        let Shared {
            cache,
            clock,
            stored,
        } = shared.as_mut()?;
        let now = clock.at(START.wrapping_add(ticks()));
        Some(work(cache, now, stored))
    })
}

/// As the interrupt of a sensor. The main loop causes it, also in the middle of its work.
#[exception]
fn PendSV() {
    with_cache(|cache, now, stored| {
        let brief = Expiry::After(Duration::from_millis(50));
        let reading = (stored.to_le_bytes(), brief);
        let key = [b's', (*stored % 64) as u8];
        cache
            .set(now, &key, &reading)
            .expect("items can be evicted");
        // Both count in the same item, so that a lost update shows.
        count(cache, now);
        *stored += 1;
    });
}

fn count(cache: &mut Cache<&'static mut [u8]>, now: Instant) {
    if cache.increment(now, "count", 1) == Ok(None) {
        cache.set(now, "count", "1").expect("items can be evicted");
    }
}

#[entry]
fn main() -> ! {
    static mut CACHE_MEMORY: [u8; MEMORY] = [0; MEMORY];
    let config = Config::new(MEMORY)
        .with_slab_sizes([64])
        .with_page_size(512);
    let cache = Cache::with_memory(config, &mut CACHE_MEMORY[..]);
    let shared = Shared {
        cache: cache.expect("the configuration is valid"),
        clock: Ticks32::new(START),
        stored: 0,
    };
    critical_section::with(|section| SHARED.replace(section, Some(shared)));
    let mut peripherals = Peripherals::take().expect("they are taken only here");
    start_ticks(&mut peripherals.SYST);

    let (mut counted, mut hits) = (0_u32, 0_u32);
    let mut stored = 0;
    while stored < READINGS {
        SCB::set_pendsv();
        let key = [b's', (counted % 64) as u8];
        let done = with_cache(|cache, now, stored| {
            // This one waits until the critical section ends.
            SCB::set_pendsv();
            count(cache, now);
            let found = cache.get(now, &key).map(|item| item.value.len() == 4);
            cache.maintain(now, 1);
            (*stored, found)
        });
        let (so_far, found) = done.expect("it was made");
        stored = so_far;
        counted += 1;
        assert!(found.unwrap_or(true), "half a reading");
        hits += u32::from(found.is_some());
    }
    let number = with_cache(|cache, now, stored| {
        cache.check();
        let number = cache
            .get(now, "count")?
            .value
            .copy_to(&mut [0; 20])
            .map(parse);
        number.map(|number| (number, *stored, now))
    });
    let (number, stored, now) = number.flatten().expect("it is used all the time");
    assert_eq!(number, counted + stored, "an update was lost");
    assert!(
        hits > 0 && now >= Instant::from_millis(START.into()),
        "{hits} hits at {now:?}"
    );
    hprintln!(
        "{} readings stored by an interrupt, {} by the main loop",
        stored,
        counted
    );

    // The readings expire behind the end of the counter.
    let end = Instant::from_millis(u64::from(START)) + Duration::from_millis(500);
    while with_cache(|_, now, _| now < end) == Some(true) {}
    let left = with_cache(|cache, now, _| (cache.contains_key(now, b"s\0"), now));
    let (left, now) = left.expect("it was made");
    assert!(
        !left && now.as_millis() > u64::from(u32::MAX),
        "served late at {now:?}"
    );
    exit_success()
}

/// A decimal number.
fn parse(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |sum, digit| 10 * sum + u32::from(digit - b'0'))
}
