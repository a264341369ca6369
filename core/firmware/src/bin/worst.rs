//! How many instructions one call takes at most, in a cache of 16 KiB that is full all the time:
//! sizes change, items expire, pages change hands, the index grows and shrinks. The emulator counts
//! an instruction as a nanosecond (`board`), so the timer tells instructions.
#![no_std]
#![no_main]

extern crate alloc;

use core::mem::MaybeUninit;
use core::time::Duration;

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use dynamidb_core::{Cache, Expiry, Instant, Value};
use dynamidb_core_firmware::board::{give_heap, succeed};
use dynamidb_core_firmware::readings;

/// The board's timer counts at 25 MHz: one count is 40 ns, which are 40 instructions.
const INSTRUCTIONS_PER_COUNT: u32 = 40;
const RELOAD: u32 = 0x00FF_FFFF;
const STEPS: u32 = 30_000;

/// The calls, and the most that one of each kind took.
const CALLS: [&str; 6] = [
    "to get",
    "to set a reading",
    "to set a record of 400 bytes",
    "to increment",
    "to delete",
    "for one step of upkeep",
];

struct Watch {
    most: [u32; CALLS.len()],
}

impl Watch {
    fn time<R>(&mut self, call: usize, work: impl FnOnce() -> R) {
        let before = SYST::get_current();
        let result = work();
        let counts = before.wrapping_sub(SYST::get_current()) & RELOAD;
        self.most[call] = self.most[call].max(counts * INSTRUCTIONS_PER_COUNT);
        drop(result);
    }
}

#[entry]
fn main() -> ! {
    static mut LENT: [u8; readings::MEMORY] = [0; readings::MEMORY];
    static mut HEAP_MEMORY: [MaybeUninit<u8>; 1024] = [MaybeUninit::uninit(); 1024];
    give_heap(HEAP_MEMORY);
    let mut timer = Peripherals::take().expect("nobody has taken them").SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(RELOAD);
    timer.clear_current();
    timer.enable_counter();

    let mut cache =
        Cache::with_memory(readings::config(), &mut LENT[..]).expect("a configuration that works");
    let mut watch = Watch {
        most: [0; CALLS.len()],
    };
    watch.time(0, ten_thousand_instructions);
    let counted = core::mem::take(&mut watch.most[0]);
    assert!(
        (10_000..10_200).contains(&counted),
        "{counted} instructions"
    );
    churn(&mut cache, &mut watch);
    let stats = cache.stats();
    assert!(stats.evictions > 1000 && stats.reclaimed > 1000 && stats.get_hits > 1000);
    for (call, most) in CALLS.iter().zip(watch.most) {
        hprintln!("{:>8} instructions at most {}", most, call);
    }
    succeed()
}

/// To see that the emulator counts as is thought here.
fn ten_thousand_instructions() {
    // SAFETY: they do nothing.
    unsafe { core::arch::asm!(".rept 10000", "nop", ".endr") }
}

fn churn(cache: &mut Cache<&mut [u8]>, watch: &mut Watch) {
    let (record, mut random, mut millis) = ([7_u8; 400], 1_u32, 0);
    for step in 0..STEPS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let dice = random >> 8;
        // Now and then nothing happens for a while, so that much expires at once.
        millis += if step % 2000 == 0 {
            30_000
        } else {
            u64::from(dice % 8)
        };
        let now = Instant::from_millis(millis);
        let mut key = *b"reading/........";
        key[8..12].copy_from_slice(&(dice % 500).to_be_bytes());
        let lasts = Expiry::After(Duration::from_millis(u64::from(dice % 20_000)));
        // Times of many records alternate with times of none.
        match dice / 16 % 8 {
            0..2 => watch.time(0, || cache.get(now, &key).is_some()),
            2..5 => {
                let value = Value::from(b"0000000000000021").expire(lasts);
                watch.time(1, || cache.set(now, &key, value));
            }
            5 if step / 1000 % 2 == 0 => {
                let len = (dice / 128 % 400) as usize;
                let value = Value::from(&record[..len]).expire(lasts);
                watch.time(2, || cache.set(now, &key, value));
            }
            5 => watch.time(3, || cache.increment(now, &key, 1)),
            6 => watch.time(4, || cache.delete(now, &key)),
            _ => watch.time(5, || cache.tick(now, 1)),
        }
    }
    cache.check();
}
