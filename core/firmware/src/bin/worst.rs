//! The worst case of each call in instructions, in a full cache of 16 KiB: sizes change, items
//! expire, pages move between slab sizes, the index grows and shrinks. In the emulator an
//! instruction takes a nanosecond (`board`), so the timer counts instructions.
#![no_std]
#![no_main]

use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Expiry, Instant, Value};
use dynamidb_core_firmware::board::exit_success;
use dynamidb_core_firmware::readings;

/// The board's timer counts at 25 MHz: one count is 40 ns, which are 40 instructions.
const INSTRUCTIONS_PER_COUNT: u32 = 40;
const RELOAD: u32 = 0x00FF_FFFF;
const STEPS: u32 = 30_000;

/// The kinds of calls.
const CALLS: [&str; 6] = [
    "to get",
    "to set a reading",
    "to set a record of 400 bytes",
    "to increment",
    "to delete",
    "for one maintenance step",
];

struct Stopwatch {
    /// The most instructions of one call, by kind.
    worst: [u32; CALLS.len()],
}

impl Stopwatch {
    fn time<R>(&mut self, call: usize, work: impl FnOnce() -> R) {
        let before = SYST::get_current();
        let result = work();
        let counts = before.wrapping_sub(SYST::get_current()) & RELOAD;
        self.worst[call] = self.worst[call].max(counts * INSTRUCTIONS_PER_COUNT);
        drop(result);
    }
}

#[entry]
fn main() -> ! {
    static mut CACHE_MEMORY: [u8; readings::MEMORY] = [0; readings::MEMORY];
    let mut timer = Peripherals::take().expect("they are taken only here").SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(RELOAD);
    timer.clear_current();
    timer.enable_counter();

    let mut cache = Cache::with_memory(readings::config(), &mut CACHE_MEMORY[..])
        .expect("the configuration is valid");
    let mut stopwatch = Stopwatch {
        worst: [0; CALLS.len()],
    };
    stopwatch.time(0, ten_thousand_instructions);
    let counted = core::mem::take(&mut stopwatch.worst[0]);
    assert!(
        (10_000..10_200).contains(&counted),
        "{counted} instructions"
    );
    churn(&mut cache, &mut stopwatch);
    let stats = cache.stats();
    assert!(stats.evictions > 1000 && stats.reclaimed > 1000 && stats.get_hits > 1000);
    for (call, worst) in CALLS.iter().zip(stopwatch.worst) {
        hprintln!("{:>8} instructions at most {}", worst, call);
    }
    exit_success()
}

/// Checks that the emulator counts instructions as expected.
fn ten_thousand_instructions() {
    // SAFETY: they do nothing.
    unsafe { core::arch::asm!(".rept 10000", "nop", ".endr") }
}

fn churn(cache: &mut Cache<&mut [u8]>, stopwatch: &mut Stopwatch) {
    let (record, mut random, mut millis) = ([7_u8; 400], 1_u32, 0);
    for step in 0..STEPS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let dice = random >> 8;
        // Now and then the clock advances a lot, so that many items expire at once.
        millis += if step % 2000 == 0 {
            30_000
        } else {
            u64::from(dice % 8)
        };
        let now = Instant::from_millis(millis);
        let mut key = *b"reading/........";
        key[8..12].copy_from_slice(&(dice % 500).to_be_bytes());
        let expiry = Expiry::After(Duration::from_millis(u64::from(dice % 20_000)));
        // Phases with many records alternate with phases without any.
        match dice / 16 % 8 {
            0..2 => stopwatch.time(0, || cache.get(now, &key).is_some()),
            2..5 => {
                let value = Value::from(b"0000000000000021").expire(expiry);
                stopwatch.time(1, || cache.set(now, &key, value));
            }
            5 if step / 1000 % 2 == 0 => {
                let len = (dice / 128 % 400) as usize;
                let value = Value::from(&record[..len]).expire(expiry);
                stopwatch.time(2, || cache.set(now, &key, value));
            }
            5 => stopwatch.time(3, || cache.increment(now, &key, 1)),
            6 => stopwatch.time(4, || cache.delete(now, &key)),
            _ => stopwatch.time(5, || cache.maintain(now, 1)),
        }
    }
    cache.check();
}
