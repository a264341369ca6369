//! What a library needs that is linked into a program without Rust: where a panic and an
//! allocation end. Neither happens.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

/// A cache in lent memory allocates nothing, so there is nothing to allocate from.
struct NoHeap;

// SAFETY: no memory is ever handed out.
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
