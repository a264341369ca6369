//! Where bytes are while they are worked on, and where they wait.
//!
//! The buffers that are read into and replied from belong to the thread and serve one connection
//! after the other, each for the length of a poll. What a connection cannot get rid of by then it
//! keeps in memory of its own, for as long as there is any.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is read at once.
const READ_SIZE: usize = 64 * 1024;
/// Up to which size a request that comes in several reads is put together without moving it.
const RECEIVED_MAX: usize = 256 * 1024;
/// What a thread keeps of its output buffer after a large reply.
const OUTPUT_KEPT: usize = 2 << 20;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers::new());
}

/// Threads that have buffers.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many buffers there are that requests are read into, and how many bytes each has.
pub(crate) fn count_and_size() -> (usize, usize) {
    (THREADS.load(Ordering::Relaxed), RECEIVED_MAX)
}

/// The buffers of a thread.
pub(crate) struct Buffers {
    pub(crate) received: Received,
    pub(crate) output: Vec<u8>,
}

impl Buffers {
    fn new() -> Self {
        THREADS.fetch_add(1, Ordering::Relaxed);
        Self {
            received: Received {
                bytes: vec![0; RECEIVED_MAX].into(),
                len: 0,
            },
            output: Vec::with_capacity(READ_SIZE),
        }
    }

    /// Lends them, empty: a connection that has failed or panicked may have left something behind.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.received.len = 0;
            buffers.output.clear();
            buffers.output.shrink_to(OUTPUT_KEPT);
            work(buffers)
        })
    }
}

/// What has been received during a poll and is not used.
pub(crate) struct Received {
    bytes: Box<[u8]>,
    len: usize,
}

impl Received {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn has_room(&self) -> bool {
        self.len < RECEIVED_MAX
    }

    /// Where the next bytes are read to.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let end = RECEIVED_MAX.min(self.len + READ_SIZE);
        &mut self.bytes[self.len..end]
    }

    /// Takes in what was read to the [`room`](Self::room).
    pub(crate) const fn grow(&mut self, count: usize) {
        self.len += count;
    }

    /// Drops the first bytes.
    pub(crate) fn pop(&mut self, count: usize) {
        if count < self.len {
            self.bytes.copy_within(count..self.len, 0);
        }
        self.len -= count;
    }

    /// Moves everything.
    pub(crate) fn move_to(&mut self, kept: &mut Kept) {
        kept.push(self.bytes());
        self.len = 0;
    }
}

/// A queue of bytes that takes up memory in proportion to what is in it, and none when empty.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
    /// Where the queue begins in `bytes`.
    start: usize,
}

impl Kept {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How much memory it takes up.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops the first bytes.
    pub(crate) fn pop(&mut self, count: usize) {
        self.start += count;
        // Moving at most what was dropped keeps the sum of all moves below the sum of all drops.
        if self.start >= self.bytes().len() {
            self.bytes.drain(..self.start);
            self.bytes.shrink_to_fit();
            self.start = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_there_until_it_is_popped() {
        let mut kept = Kept::default();
        let (mut pushed, mut popped) = (0_u8, 0_u8);
        for round in 0..60 {
            for _ in 0..round % 7 {
                kept.push(&[pushed]);
                pushed += 1;
            }
            let count = (round % 5).min(kept.bytes().len());
            kept.pop(count);
            popped += count as u8;
            assert!(kept.bytes().iter().copied().eq(popped..pushed));
            assert_eq!(kept.is_empty(), popped == pushed);
        }
    }

    #[test]
    fn memory_follows_what_is_kept() {
        let mut kept = Kept::default();
        assert_eq!(kept.size(), 0);
        kept.push(&[0; 1000]);
        assert_eq!(kept.size(), 1000);
        for _ in 0..100 {
            kept.push(&[0; 10]);
        }
        assert!(kept.size() <= 4000);
        for left in (1..2000).rev() {
            kept.pop(1);
            assert!(kept.size() <= 2 * left + 2 || kept.size() <= 4000 && left > 1000);
        }
        kept.pop(1);
        assert_eq!(kept.size(), 0);
    }
}
