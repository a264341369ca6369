//! Huge pages that shards are about to use for the first time, for a thread that has the system
//! clear them before.
//!
//! The first touch of a huge page takes as long as clearing it: some hundred microseconds, and
//! several milliseconds in a virtual machine whose host has to find the memory. A request would
//! wait for that, and so would all that need the lock of its shard.

use crate::primitives::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::primitives::{Event, Listener as _};

/// As many as there are shards at most.
const REGIONS_MAX: usize = 64;

/// For each shard the address of the next huge page, once its use is near.
#[derive(Debug)]
pub(crate) struct Ahead {
    /// 0 for none.
    pages: [AtomicUsize; REGIONS_MAX],
    ended: AtomicBool,
    event: Event,
}

impl Ahead {
    pub(crate) fn new() -> Self {
        Self {
            pages: std::array::from_fn(|_| AtomicUsize::new(0)),
            ended: AtomicBool::new(false),
            event: Event::default(),
        }
    }

    /// Asks for the page at this address. If the one before was not taken yet, that is too late for
    /// it.
    #[cfg(any(target_os = "linux", test))]
    #[cold]
    pub(crate) fn want(&self, index: usize, address: usize) {
        self.pages[index % REGIONS_MAX].store(address, Ordering::Relaxed);
        self.event.notify(1);
    }

    /// The address of a page that is wanted, once there is one; `None` after the end.
    pub(crate) fn next(&self) -> Option<usize> {
        loop {
            // Before it looks, so that nothing can come in between.
            let listener = self.event.listen();
            if self.ended.load(Ordering::Acquire) {
                return None;
            }
            match self.take() {
                Some(address) => return Some(address),
                None => listener.wait(),
            }
        }
    }

    /// The address of a page that is wanted, if there is one.
    pub(crate) fn take(&self) -> Option<usize> {
        // Most are 0: only what is wanted is written.
        let mut pages = self.pages.iter();
        pages.find_map(|page| {
            let is_wanted = page.load(Ordering::Relaxed) != 0;
            let address = is_wanted.then(|| page.swap(0, Ordering::Relaxed))?;
            (address != 0).then_some(address)
        })
    }

    /// Nobody waits in [`next`](Self::next) from now on.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.event.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_all_shards_are_handed_out_once_until_the_end() {
        let ahead = Ahead::new();
        for index in [0, 7, 63] {
            ahead.want(index, index + 1);
            ahead.want(index, index + 2);
        }
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| std::iter::from_fn(|| ahead.next()).collect::<Vec<_>>());
            while ahead
                .pages
                .iter()
                .any(|page| page.load(Ordering::Relaxed) != 0)
            {
                std::thread::yield_now();
            }
            ahead.end();
            assert_eq!(waiting.join().unwrap(), [2, 9, 65]);
        });
        assert_eq!((ahead.take(), ahead.next()), (None, None));
    }
}
