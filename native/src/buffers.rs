//! Where bytes are while they are worked on, and where they wait.
//!
//! The buffers that are read into and replied from belong to the thread and serve one connection
//! after the other, each for the length of a poll. What a connection cannot get rid of by then it
//! keeps for as long as there is any: a copy of little, and the buffer itself if it is much.

use std::cell::RefCell;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is read at once.
const READ_SIZE: usize = 64 * 1024;
/// The room for one connection's input. It grows for a request that is larger.
const RECEIVED_SIZE: usize = 128 * 1024;
/// How much more than this a connection keeps by taking the thread's buffer along: making another
/// is cheaper than the copy.
const COPIED_MAX: usize = 32 * 1024;
/// How many buffers that came back wait to be taken along again.
const SPARE_MAX: usize = 4;
/// What a thread keeps of a buffer after a large request or reply.
const USED_MAX: usize = 2 << 20;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::new(Buffers::new());
}

/// Threads that have buffers.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many buffers there are that requests are read into, and how many bytes each has.
pub(crate) fn count_and_size() -> (usize, usize) {
    (THREADS.load(Ordering::Relaxed), RECEIVED_SIZE)
}

/// The buffers of a thread.
pub(crate) struct Buffers {
    pub(crate) received: Received,
    pub(crate) output: Vec<u8>,
    spare: Vec<Received>,
}

impl Buffers {
    fn new() -> Self {
        THREADS.fetch_add(1, Ordering::Relaxed);
        Self {
            received: Received::with_room(),
            output: Vec::with_capacity(READ_SIZE),
            spare: Vec::new(),
        }
    }

    /// Lends them, empty: a connection that has failed or panicked may have left something behind.
    pub(crate) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.received.clear();
            buffers.output.clear();
            buffers.output.shrink_to(USED_MAX);
            work(buffers)
        })
    }

    /// Goes on with what a connection has kept.
    pub(crate) fn resume(&mut self, kept: &mut Received) {
        if kept.size() < RECEIVED_SIZE {
            self.received.push(kept.bytes());
        } else {
            mem::swap(&mut self.received, kept);
            if self.spare.len() < SPARE_MAX && kept.size() == RECEIVED_SIZE {
                self.spare.push(mem::take(kept));
            }
        }
        *kept = Received::default();
    }

    /// Lets a connection keep what it has not used.
    pub(crate) fn suspend(&mut self, kept: &mut Received) {
        if self.received.len() > COPIED_MAX {
            let next = self.spare.pop().unwrap_or_else(Received::with_room);
            *kept = mem::replace(&mut self.received, next);
        } else if !self.received.is_empty() {
            *kept = Received::copy(self.received.bytes());
            self.received.clear();
        }
    }

    /// Lets a connection keep the output, but for what was sent of it.
    pub(crate) fn keep_output(&mut self, sent: usize, kept: &mut Kept) {
        let rest = &self.output[sent..];
        *kept = if rest.len() > COPIED_MAX {
            Kept {
                bytes: mem::take(&mut self.output),
                start: sent,
            }
        } else {
            Kept {
                bytes: rest.to_vec(),
                start: 0,
            }
        };
    }
}

/// What has been received and is not used.
#[derive(Default)]
pub(crate) struct Received {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Received {
    fn with_room() -> Self {
        Self {
            bytes: vec![0; RECEIVED_SIZE],
            start: 0,
            end: 0,
        }
    }

    fn copy(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            start: 0,
            end: bytes.len(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.end == self.start
    }

    /// How much memory it takes up.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether more can be received without making room for it.
    pub(crate) const fn has_room(&self) -> bool {
        self.end < self.bytes.len()
    }

    /// Where the next bytes are read to. There is always room.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if !self.has_room() {
            self.make_room();
        }
        let end = self.bytes.len().min(self.end + READ_SIZE);
        &mut self.bytes[self.end..end]
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.len());
        } else {
            self.bytes.resize(2 * self.bytes.len(), 0);
        }
    }

    /// Takes in what was read to the [`room`](Self::room).
    pub(crate) const fn grow(&mut self, count: usize) {
        self.end += count;
    }

    /// Drops the first bytes.
    pub(crate) const fn pop(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.end..][..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    fn clear(&mut self) {
        if self.bytes.len() > USED_MAX {
            *self = Self::with_room();
        }
        (self.start, self.end) = (0, 0);
    }
}

/// Bytes that wait to be sent, in memory that is given back when all are.
#[derive(Default)]
pub(crate) struct Kept {
    bytes: Vec<u8>,
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

    /// Drops the first bytes.
    pub(crate) fn pop(&mut self, count: usize) {
        self.start += count;
        if self.start == self.bytes.len() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Receives `count` bytes, counting on from `next`.
    fn receive(received: &mut Received, mut next: u64, count: usize) {
        let mut left = count;
        while left > 0 {
            let room = received.room();
            assert!(!room.is_empty() && room.len() <= READ_SIZE);
            let len = room.len().min(left);
            for byte in &mut room[..len] {
                *byte = next as u8;
                next += 1;
            }
            received.grow(len);
            left -= len;
        }
    }

    #[test]
    fn what_was_received_is_there_until_it_is_used() {
        let mut received = Received::with_room();
        let (mut next, mut used) = (0, 0);
        for round in 0..3000_u64 {
            let count = (round * 7919 % 3000) as usize;
            receive(&mut received, next, count);
            next += count as u64;
            let count = ((round * 6007 % 3100) as usize).min(received.len());
            received.pop(count);
            used += count as u64;
            let expected = (used..next).map(|number| number as u8);
            assert!(received.bytes().iter().copied().eq(expected));
        }
        assert!(received.size() <= 2 * RECEIVED_SIZE);
    }

    #[test]
    fn a_connection_goes_on_where_it_was() {
        let sizes = [
            1,
            COPIED_MAX,
            COPIED_MAX + 1,
            RECEIVED_SIZE,
            RECEIVED_SIZE + 1,
            USED_MAX + 1,
        ];
        for size in sizes {
            let mut kept = Received::default();
            Buffers::with(|buffers| {
                receive(&mut buffers.received, 0, size + 10);
                buffers.received.pop(10);
                buffers.suspend(&mut kept);
            });
            assert!(
                kept.len() == size && kept.size() < 4 * size.max(8),
                "{size}"
            );
            Buffers::with(|buffers| {
                assert_eq!(buffers.received.len(), 0, "another connection sees nothing");
                assert!(buffers.received.size() <= RECEIVED_SIZE);
                receive(&mut buffers.received, 77, 1000);
            });
            Buffers::with(|buffers| {
                buffers.resume(&mut kept);
                receive(&mut buffers.received, size as u64 + 10, 100);
                let expected = (10..size + 110).map(|number| number as u8);
                assert!(buffers.received.bytes().iter().copied().eq(expected));
                buffers.received.pop(size + 100);
                buffers.suspend(&mut kept);
            });
            assert_eq!((kept.len(), kept.size()), (0, 0));
        }
    }

    #[test]
    fn output_waits_in_memory_in_proportion_to_it() {
        for (len, sent) in [
            (10, 3),
            (COPIED_MAX + 3, 3),
            (100_000, 0),
            (100_000, 99_999),
        ] {
            let mut kept = Kept::default();
            Buffers::with(|buffers| {
                buffers.output = (0..len).map(|number| number as u8).collect();
                buffers.keep_output(sent, &mut kept);
            });
            let expected = (sent..len).map(|number| number as u8);
            assert!(kept.bytes().iter().copied().eq(expected));
            assert!(kept.size() < 4 * (len - sent), "{len} {sent}");
            kept.pop(len - sent - 1);
            assert_eq!(kept.bytes(), [(len - 1) as u8]);
            kept.pop(1);
            assert!(kept.is_empty() && kept.size() == 0);
        }
    }
}
