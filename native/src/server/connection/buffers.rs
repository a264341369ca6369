//! Where bytes are during a turn, and how a connection keeps some between turns.
//!
//! A worker has a [`Slot`] for each connection of a turn: a small buffer that requests are read
//! into, or a large one from a pool for a connection that sends much. Replies are appended to a
//! `Vec` beside it. What a connection cannot finish within its turn it keeps, in memory of at most
//! twice the size: a copy, or the buffer itself if it is large and at least half full.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Size of a slot's small input buffer.
pub(crate) const SMALL: usize = 16 * 1024;
/// Initial size of a large input buffer, and the most that is read with one system call. It grows
/// for a request that is larger.
pub(crate) const LARGE: usize = 128 * 1024;
/// Up to this size a copy is always cheaper than allocating another buffer for the worker.
const COPIED_MAX: usize = 32 * 1024;
/// How many unused large buffers a worker keeps.
const POOL_MAX: usize = 4;
/// The capacity that a worker keeps of an output buffer after a turn.
pub(crate) const OUTPUT_KEPT: usize = 64 * 1024;

/// The slots of all workers.
static SLOTS: AtomicUsize = AtomicUsize::new(0);

/// How many small input buffers there are, and the size of each.
pub(crate) fn count_and_size() -> (usize, usize) {
    (SLOTS.load(Ordering::Relaxed), SMALL)
}

/// Whether `len` bytes are kept by a copy rather than together with their buffer.
const fn is_copied(len: usize, buffer_size: usize) -> bool {
    len <= COPIED_MAX || len < buffer_size / 2
}

/// The input of one connection during a turn.
pub(crate) struct Slot {
    small: Input,
    large: Option<Input>,
    pub(crate) batched: Option<BatchedRead>,
}

/// A read that a worker has done for several connections at once. The bytes are in the slot.
#[derive(Clone, Copy)]
pub(crate) struct BatchedRead {
    pub(crate) outcome: nix::Result<usize>,
    /// How many bytes there was space for.
    pub(crate) size: usize,
}

impl BatchedRead {
    /// How many bytes it has read.
    pub(crate) fn len(self) -> usize {
        self.outcome.unwrap_or(0)
    }
}

impl Slot {
    pub(crate) fn new() -> Self {
        SLOTS.fetch_add(1, Ordering::Relaxed);
        Self {
            small: Input::with_size(SMALL),
            large: None,
            batched: None,
        }
    }

    pub(crate) fn input(&self) -> &Input {
        self.large.as_ref().unwrap_or(&self.small)
    }

    pub(crate) fn input_mut(&mut self) -> &mut Input {
        self.large.as_mut().unwrap_or(&mut self.small)
    }

    /// Where the next bytes are read to: never empty, at most what one read takes.
    pub(crate) fn unfilled(&mut self, pool: &mut InputPool) -> &mut [u8] {
        if self.input().is_full() {
            self.enlarge(pool);
        }
        self.input_mut().unfilled()
    }

    /// Where a batched read puts up to `size` bytes, in a slot that is empty.
    pub(crate) fn batch_buffer(&mut self, size: usize) -> &mut [u8] {
        let unfilled = self.small.unfilled();
        let size = size.min(unfilled.len());
        &mut unfilled[..size]
    }

    /// Appends bytes that were not read to [`unfilled`](Self::unfilled).
    #[cfg(feature = "tls")]
    pub(crate) fn push(&mut self, mut bytes: &[u8], pool: &mut InputPool) {
        while !bytes.is_empty() {
            let unfilled = self.unfilled(pool);
            let len = unfilled.len().min(bytes.len());
            unfilled[..len].copy_from_slice(&bytes[..len]);
            self.input_mut().advance(len);
            bytes = &bytes[len..];
        }
    }

    /// Empties the slot for the next connection.
    pub(crate) fn clear(&mut self, pool: &mut InputPool) {
        self.small.clear();
        self.batched = None;
        if let Some(large) = self.large.take() {
            pool.put(large);
        }
    }

    /// Switches to a large buffer, with what is in the small one.
    pub(crate) fn enlarge(&mut self, pool: &mut InputPool) {
        if self.large.is_none() {
            let mut large = pool.take();
            large.push(self.small.bytes());
            self.small.clear();
            self.large = Some(large);
        }
    }

    /// Continues with the input that a connection has kept.
    pub(crate) fn resume(&mut self, kept: &mut Input, pool: &mut InputPool) {
        let kept = mem::take(kept);
        if kept.size() >= LARGE {
            self.large = Some(kept);
            return;
        }
        if kept.len() >= SMALL {
            self.enlarge(pool);
        }
        self.input_mut().push(kept.bytes());
    }

    /// The input that is not processed, for a connection to keep.
    pub(crate) fn suspend(&mut self) -> Input {
        match self
            .large
            .take_if(|large| !is_copied(large.len(), large.size()))
        {
            Some(large) => large,
            None => Input::copy(self.input().bytes()),
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        SLOTS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Unused large input buffers of a worker.
#[derive(Default)]
pub(crate) struct InputPool {
    inputs: Vec<Input>,
}

impl InputPool {
    pub(crate) fn take(&mut self) -> Input {
        let pooled = self.inputs.pop();
        pooled.unwrap_or_else(|| Input::with_size(LARGE))
    }

    pub(crate) fn put(&mut self, mut input: Input) {
        if self.inputs.len() < POOL_MAX && input.size() == LARGE {
            input.clear();
            self.inputs.push(input);
        }
    }
}

/// Bytes that were received and are not processed.
#[derive(Default)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    fn with_size(size: usize) -> Self {
        Self {
            bytes: vec![0; size],
            start: 0,
            end: 0,
        }
    }

    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            start: 0,
            end: bytes.len(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    #[cfg(feature = "tls")]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.end == self.start
    }

    /// Bytes of memory that it takes.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether the next bytes need the buffer to be compacted or to grow.
    const fn is_full(&self) -> bool {
        self.end == self.bytes.len()
    }

    pub(crate) fn unfilled(&mut self) -> &mut [u8] {
        if self.is_full() {
            self.make_space();
        }
        let end = self.bytes.len().min(self.end + LARGE);
        &mut self.bytes[self.end..end]
    }

    fn make_space(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.len());
        } else {
            self.bytes.resize(2 * self.bytes.len(), 0);
        }
    }

    /// Appends the first `count` bytes of [`unfilled`](Self::unfilled), which were read there.
    pub(crate) const fn advance(&mut self, count: usize) {
        self.end += count;
    }

    /// Drops the first bytes.
    pub(crate) const fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.end..][..bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

/// Replies that the socket has not taken, in memory that is freed when all are sent.
#[derive(Default)]
pub(crate) struct UnsentOutput {
    bytes: Vec<u8>,
    start: usize,
}

impl UnsentOutput {
    /// What is left of an output of which the first `sent` bytes were sent.
    pub(crate) fn rest_of(output: &mut Vec<u8>, sent: usize) -> Self {
        let rest = &output[sent..];
        if is_copied(rest.len(), output.capacity()) {
            Self {
                bytes: rest.to_vec(),
                start: 0,
            }
        } else {
            Self {
                bytes: mem::take(output),
                start: sent,
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of memory that it takes.
    pub(crate) const fn size(&self) -> usize {
        self.bytes.capacity()
    }

    /// Drops the first bytes.
    pub(crate) fn consume(&mut self, count: usize) {
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
    fn receive(slot: &mut Slot, pool: &mut InputPool, mut next: u64, count: usize) {
        let mut left = count;
        while left > 0 {
            let space = slot.unfilled(pool);
            assert!(!space.is_empty() && space.len() <= LARGE);
            let len = space.len().min(left);
            for byte in &mut space[..len] {
                *byte = next as u8;
                next += 1;
            }
            slot.input_mut().advance(len);
            left -= len;
        }
    }

    #[test]
    fn slots_are_counted_while_they_are_there() {
        // More than all other tests have at a time.
        let many = 2000;
        let slots: Vec<_> = (0..many).map(|_| Slot::new()).collect();
        let (count, size) = count_and_size();
        assert!(count >= many && size == SMALL);
        drop(slots);
        assert!(count_and_size().0 < many);
    }

    #[test]
    fn received_bytes_are_kept_until_they_are_consumed() {
        let (mut slot, mut pool) = (Slot::new(), InputPool::default());
        let (mut next, mut used) = (0, 0);
        for round in 0..3000_u64 {
            let count = (round * 7919 % 3000) as usize;
            receive(&mut slot, &mut pool, next, count);
            next += count as u64;
            let count = ((round * 6007 % 3100) as usize).min(slot.input().len());
            slot.input_mut().consume(count);
            used += count as u64;
            let expected = (used..next).map(|number| number as u8);
            assert!(slot.input().bytes().iter().copied().eq(expected));
        }
        assert!(slot.input().size() <= 2 * LARGE);
    }

    #[test]
    fn a_connection_resumes_with_the_input_it_kept_in_at_most_twice_its_size() {
        let sizes = [
            1,
            SMALL - 1,
            SMALL,
            COPIED_MAX,
            COPIED_MAX + 1,
            LARGE / 2 - 1,
            LARGE / 2,
            LARGE,
            LARGE + 1,
            1 << 21,
        ];
        for size in sizes {
            let (mut slot, mut pool) = (Slot::new(), InputPool::default());
            receive(&mut slot, &mut pool, 0, size + 10);
            slot.input_mut().consume(10);
            let mut kept = slot.suspend();
            slot.clear(&mut pool);
            assert_eq!(kept.len(), size);
            assert!(kept.size() <= 2 * size.max(8), "{size}: {}", kept.size());
            assert!(slot.input().is_empty(), "another connection sees nothing");
            receive(&mut slot, &mut pool, 77, 1000);
            slot.clear(&mut pool);
            slot.resume(&mut kept, &mut pool);
            assert_eq!((kept.len(), kept.size()), (0, 0));
            receive(&mut slot, &mut pool, size as u64 + 10, 100);
            let expected = (10..size + 110).map(|number| number as u8);
            assert!(slot.input().bytes().iter().copied().eq(expected), "{size}");
            slot.input_mut().consume(size + 100);
            assert!(slot.suspend().is_empty());
        }
    }

    #[test]
    fn the_pool_keeps_a_few_large_buffers_that_have_not_grown() {
        let mut pool = InputPool::default();
        let mut slots: Vec<_> = (0..=POOL_MAX).map(|_| Slot::new()).collect();
        slots.iter_mut().for_each(|slot| slot.enlarge(&mut pool));
        slots.iter_mut().for_each(|slot| slot.clear(&mut pool));
        assert_eq!(pool.inputs.len(), POOL_MAX);
        assert!(slots.iter().all(|slot| slot.large.is_none()));
        pool.inputs.clear();
        receive(&mut slots[0], &mut pool, 0, LARGE + 1);
        slots[0].clear(&mut pool);
        assert!(pool.inputs.is_empty(), "it had grown");
    }

    #[test]
    fn kept_output_takes_at_most_twice_its_size() {
        for (len, sent) in [
            (10, 3),
            (COPIED_MAX + 3, 3),
            (100_000, 0),
            (100_000, 99_999),
            (1 << 20, (1 << 20) - COPIED_MAX - 1),
            (1 << 20, (1 << 19) - 1),
            (1 << 20, (1 << 19) + 1),
        ] {
            let mut output = (0..len).map(|number| number as u8).collect();
            let mut kept = UnsentOutput::rest_of(&mut output, sent);
            let expected = (sent..len).map(|number| number as u8);
            assert!(kept.bytes().iter().copied().eq(expected));
            assert!(kept.size() <= 2 * (len - sent).max(8), "{len} {sent}");
            kept.consume(len - sent - 1);
            assert_eq!(kept.bytes(), [(len - 1) as u8]);
            kept.consume(1);
            assert!(kept.is_empty() && kept.size() == 0);
        }
    }
}
