//! Tasks of embassy that share a cache: an interrupt hands readings to the task that stores them,
//! and another task reads. Tasks of one executor switch only where they wait, so a `RefCell` that
//! is not borrowed across an `await` is all the lock they need.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Config, Expiry};
use dynamidb_core_firmware::board::{exit_success, now, start_ticks};
use embassy_executor::{Executor, task};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;

const MEMORY: usize = 4096;
/// How many readings are stored: many more than fit.
const READINGS: u32 = 1000;

type DeviceCache = RefCell<Cache<&'static mut [u8]>>;

/// Readings on their way from the interrupt to the task that stores them.
static RECEIVED: Channel<CriticalSectionRawMutex, u32, 4> = Channel::new();
/// The last reading that was stored.
static STORED: Signal<CriticalSectionRawMutex, u32> = Signal::new();

/// As the interrupt of a sensor. It does not use the cache, so it never has to wait for it.
#[exception]
fn PendSV() {
    static READING: AtomicU32 = AtomicU32::new(0);
    // There is one writer, so a load and a store are enough.
    let reading = READING.load(Ordering::Relaxed);
    READING.store(reading + 1, Ordering::Relaxed);
    RECEIVED.try_send(reading).expect("it is read in time");
}

#[task]
async fn store(cache: &'static DeviceCache) {
    loop {
        let reading = RECEIVED.receive().await;
        let value = (
            reading.to_le_bytes(),
            Expiry::After(Duration::from_secs(60)),
        );
        let mut cache = cache.borrow_mut();
        let now = now();
        cache
            .set(now, &key(reading), &value)
            .expect("items can be evicted");
        cache.maintain(now, 1);
        STORED.signal(reading);
    }
}

#[task]
async fn read(cache: &'static DeviceCache) {
    for expected in 0..READINGS {
        SCB::set_pendsv();
        assert_eq!(STORED.wait().await, expected, "a reading was lost");
        let mut cache = cache.borrow_mut();
        let item = cache
            .get(now(), &key(expected))
            .expect("it was just stored");
        assert_eq!(item.value.to_array(), Some(expected.to_le_bytes()));
    }
    let cache = cache.borrow();
    cache.check();
    let (held, evicted) = (cache.len(), cache.stats().evictions);
    assert!(
        evicted > 0 && held as u64 + evicted == u64::from(READINGS),
        "{held} held, {evicted} evicted"
    );
    hprintln!("{} readings held, {} evicted", held, evicted);
    exit_success()
}

fn key(reading: u32) -> [u8; 5] {
    let [a, b, c, d] = reading.to_le_bytes();
    [b'r', a, b, c, d]
}

#[entry]
fn main() -> ! {
    static mut CACHE_MEMORY: [u8; MEMORY] = [0; MEMORY];
    static mut CACHE: MaybeUninit<DeviceCache> = MaybeUninit::uninit();
    static mut EXECUTOR: MaybeUninit<Executor> = MaybeUninit::uninit();
    let mut peripherals = Peripherals::take().expect("they are taken only here");
    start_ticks(&mut peripherals.SYST);

    let config = Config::new(MEMORY)
        .with_slab_sizes([64])
        .with_page_size(512);
    let cache = Cache::with_memory(config, &mut CACHE_MEMORY[..]);
    let cache: &DeviceCache = CACHE.write(RefCell::new(cache.expect("the configuration is valid")));
    EXECUTOR.write(Executor::new()).run(|spawner| {
        spawner.spawn(store(cache).expect("it is spawned once"));
        spawner.spawn(read(cache).expect("it is spawned once"));
    })
}
