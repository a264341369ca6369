//! What tests of races between threads have in common.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Ends other threads, also if this one panics.
pub(crate) struct SetOnDrop<'b>(pub(crate) &'b AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Where two threads wait for each other, to go on at the same moment.
#[derive(Default)]
pub(crate) struct MeetingPoint(AtomicUsize);

impl MeetingPoint {
    /// Waits until the other thread calls this with the same number: 1, then 2, and so on.
    pub(crate) fn meet(&self, number: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut spins = 0_u32;
        while self.0.load(Ordering::SeqCst) < 2 * number {
            spins += 1;
            if spins.is_multiple_of(10_000) {
                thread::yield_now();
            }
        }
    }
}
