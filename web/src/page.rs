//! What a program without the standard library has to bring, for the page alone: the tests have
//! the standard library.

use core::panic::PanicInfo;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Ends the program. The engine does not panic on any input; a message would need the formatting
/// of all values that panics show.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
