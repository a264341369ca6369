//! Board support for the programs on devices: a clock that counts ticks, a measurement of the
//! stack, and semihosting output. A panic or a fault ends the program with an error.

use core::cell::Cell;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{ExceptionFrame, STACK_PAINT_VALUE, exception};
use cortex_m_semihosting::{debug, hprintln};
use dynamidb_core::{Instant, Ticks32};

/// Counted by the timer's interrupt. There is one writer, so a load and a store are enough.
static TICKS: AtomicU32 = AtomicU32::new(0);

/// Processor cycles per tick.
const CYCLES_PER_TICK: u32 = 16_000;

/// Starts the clock.
pub fn start_ticks(timer: &mut SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CYCLES_PER_TICK - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

#[exception]
fn SysTick() {
    TICKS.store(
        TICKS.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

/// How often the timer has ticked.
pub fn ticks() -> u32 {
    TICKS.load(Ordering::Relaxed)
}

/// The time as it was when it was last asked for: how often the ticks have wrapped.
static CLOCK: Mutex<Cell<Ticks32>> = Mutex::new(Cell::new(Ticks32::new(0)));

/// The time on a device: a tick counts as a millisecond since it was switched on. Somebody has to
/// ask at least once in 49.7 days.
pub fn now() -> Instant {
    interrupt::free(|section| {
        let clock = CLOCK.borrow(section);
        let mut ticks = clock.get();
        let now = ticks.at(self::ticks());
        clock.set(ticks);
        now
    })
}

/// The most bytes of stack that were in use since the last call.
///
/// # Panics
/// If not a word is left: then the stack has most likely overflowed.
pub fn stack_used() -> usize {
    unsafe extern "C" {
        static mut _stack_end: u32;
        static _stack_start: u32;
    }
    let (end, start) = (&raw mut _stack_end, &raw const _stack_start);
    // SAFETY: the linker's symbols enclose the stack, which was painted before `main` began.
    let is_painted = |word| unsafe { end.add(word).read_volatile() } == STACK_PAINT_VALUE;
    let words = (start.addr() - end.addr()) / size_of::<u32>();
    let untouched = (0..words).take_while(|&word| is_painted(word)).count();
    assert!(untouched > 0, "the stack is full");
    let deepest = (cortex_m::register::msp::read() as usize - end.addr()) / size_of::<u32>();
    for word in untouched..deepest - STACK_MARGIN {
        // SAFETY: nothing is stored below the stack pointer, and an interrupt has ended before
        // this continues.
        unsafe { end.add(word).write_volatile(STACK_PAINT_VALUE) }
    }
    (words - untouched) * size_of::<u32>()
}

/// Words below the stack pointer that the compiler may use.
const STACK_MARGIN: usize = 64;

/// Reports success to the host, and ends the emulation.
pub fn exit_success() -> ! {
    debug::exit(debug::EXIT_SUCCESS);
    halt()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    debug::exit(debug::EXIT_FAILURE);
    halt()
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    hprintln!("a fault: {:#?}", frame);
    debug::exit(debug::EXIT_FAILURE);
    halt()
}

fn halt() -> ! {
    loop {
        cortex_m::asm::wfi();
    }
}
