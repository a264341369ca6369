//! A heap, for the programs that need one besides the cache.

use core::mem::MaybeUninit;

use embedded_alloc::LlffHeap;

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();

/// Initializes the heap.
pub fn init(memory: &'static mut [MaybeUninit<u8>]) {
    // SAFETY: nothing else can access this memory any more.
    unsafe { HEAP.init(memory.as_mut_ptr().addr(), memory.len()) }
}
