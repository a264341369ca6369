//! The panic handler and the allocator that the library needs in a program without Rust. Neither is
//! ever called.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

/// A cache in caller-provided memory allocates nothing, so there is nothing to allocate from.
struct NoHeap;

// SAFETY: it never returns memory.
unsafe impl GlobalAlloc for NoHeap {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static NO_HEAP: NoHeap = NoHeap;

/// On a device, waits for the watchdog: nothing else can be relied on.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[cfg(not(target_os = "none"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}
