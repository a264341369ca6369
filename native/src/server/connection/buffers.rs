//! Where bytes are while they are processed, and where they wait.
//!
//! A worker has a [`Slot`] for each connection of a turn: a small buffer that requests are read
//! into. A connection that sends much gets a large one. Replies are appended to a `Vec` beside it.
//! What a connection cannot finish within its turn it keeps: a copy of little, and the buffer
//! itself if it is much.

use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The small input buffer of a slot.
pub(crate) const SMALL: usize = 16 * 1024;
/// A large input buffer, as it begins: it grows for a request that is larger.
const LARGE: usize = 128 * 1024;
/// What is read with one system call at most.
const READ_MAX: usize = 64 * 1024;
/// How much a connection keeps by a copy. More than this it keeps by taking the large buffer along:
/// making another one is cheaper than the copy.
const COPIED_MAX: usize = 32 * 1024;
/// How many large buffers a worker has in reserve.
const SPARE_MAX: usize = 4;
/// What a worker keeps of an output buffer after its turn.
pub(crate) const OUTPUT_KEPT: usize = 64 * 1024;

/// All slots of all workers.
static SLOTS: AtomicUsize = AtomicUsize::new(0);

/// How many buffers there are that requests are read into, and how many bytes each has.
pub(crate) fn count_and_size() -> (usize, usize) {
    (SLOTS.load(Ordering::Relaxed), SMALL)
}

/// Where one connection's input is during a turn.
pub(crate) struct Slot {
    small: Input,
    large: Option<Input>,
}

impl Slot {
    pub(crate) fn new() -> Self {
        SLOTS.fetch_add(1, Ordering::Relaxed);
        Self {
            small: Input::with_room(SMALL),
            large: None,
        }
    }

    pub(crate) fn input(&self) -> &Input {
        self.large.as_ref().unwrap_or(&self.small)
    }

    pub(crate) fn input_mut(&mut self) -> &mut Input {
        self.large.as_mut().unwrap_or(&mut self.small)
    }

    /// Where the next bytes are read to: never empty, and not more than one read takes.
    pub(crate) fn room(&mut self, spare: &mut Spare) -> &mut [u8] {
        if !self.input().has_room() {
            self.enlarge(spare);
        }
        self.input_mut().room()
    }

    /// Empties it for the next connection.
    pub(crate) fn clear(&mut self, spare: &mut Spare) {
        self.small.clear();
        if let Some(large) = self.large.take() {
            spare.put(large);
        }
    }

    /// Gives it a large input buffer, with what is in the small one.
    pub(crate) fn enlarge(&mut self, spare: &mut Spare) {
        if self.large.is_none() {
            let mut large = spare.take();
            large.push(self.small.bytes());
            self.small.clear();
            self.large = Some(large);
        }
    }

    /// Goes on with what a connection has kept.
    pub(crate) fn resume(&mut self, kept: &mut Input, spare: &mut Spare) {
        let kept = mem::take(kept);
        if kept.size() >= LARGE {
            self.large = Some(kept);
            return;
        }
        if kept.len() >= SMALL {
            self.enlarge(spare);
        }
        self.input_mut().push(kept.bytes());
    }

    /// Lets a connection keep the input that is not processed.
    pub(crate) fn suspend(&mut self) -> Input {
        if self.input().len() <= COPIED_MAX {
            return Input::copy(self.input().bytes());
        }
        self.large.take().expect("the small buffer is smaller")
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        SLOTS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Large input buffers that wait for their next use.
#[derive(Default)]
pub(crate) struct Spare {
    inputs: Vec<Input>,
}

impl Spare {
    fn take(&mut self) -> Input {
        let spare = self.inputs.pop();
        spare.unwrap_or_else(|| Input::with_room(LARGE))
    }

    fn put(&mut self, mut input: Input) {
        if self.inputs.len() < SPARE_MAX && input.size() == LARGE {
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
    fn with_room(len: usize) -> Self {
        Self {
            bytes: vec![0; len],
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

    /// Whether more can be received without moving or growing.
    const fn has_room(&self) -> bool {
        self.end < self.bytes.len()
    }

    fn room(&mut self) -> &mut [u8] {
        if !self.has_room() {
            self.make_room();
        }
        let end = self.bytes.len().min(self.end + READ_MAX);
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

    const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }
}

/// Replies that the client has not read, in memory that is freed when all are sent.
#[derive(Default)]
pub(crate) struct UnsentOutput {
    bytes: Vec<u8>,
    start: usize,
}

impl UnsentOutput {
    /// What a connection keeps of its output when the first `sent` bytes were sent.
    pub(crate) fn rest_of(output: &mut Vec<u8>, sent: usize) -> Self {
        let rest = &output[sent..];
        if rest.len() > COPIED_MAX {
            Self {
                bytes: mem::take(output),
                start: sent,
            }
        } else {
            Self {
                bytes: rest.to_vec(),
                start: 0,
            }
        }
    }

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
    fn receive(slot: &mut Slot, spare: &mut Spare, mut next: u64, count: usize) {
        let mut left = count;
        while left > 0 {
            let room = slot.room(spare);
            assert!(!room.is_empty() && room.len() <= READ_MAX);
            let len = room.len().min(left);
            for byte in &mut room[..len] {
                *byte = next as u8;
                next += 1;
            }
            slot.input_mut().grow(len);
            left -= len;
        }
    }

    #[test]
    fn received_bytes_stay_until_they_are_processed() {
        let (mut slot, mut spare) = (Slot::new(), Spare::default());
        let (mut next, mut used) = (0, 0);
        for round in 0..3000_u64 {
            let count = (round * 7919 % 3000) as usize;
            receive(&mut slot, &mut spare, next, count);
            next += count as u64;
            let count = ((round * 6007 % 3100) as usize).min(slot.input().len());
            slot.input_mut().pop(count);
            used += count as u64;
            let expected = (used..next).map(|number| number as u8);
            assert!(slot.input().bytes().iter().copied().eq(expected));
        }
        assert!(slot.input().size() <= 2 * LARGE);
    }

    #[test]
    fn a_connection_resumes_where_it_was_suspended() {
        let sizes = [
            1,
            SMALL - 1,
            SMALL,
            COPIED_MAX,
            COPIED_MAX + 1,
            LARGE,
            LARGE + 1,
            1 << 21,
        ];
        for size in sizes {
            let (mut slot, mut spare) = (Slot::new(), Spare::default());
            receive(&mut slot, &mut spare, 0, size + 10);
            slot.input_mut().pop(10);
            let mut kept = slot.suspend();
            slot.clear(&mut spare);
            assert!(
                kept.len() == size && kept.size() < 4 * size.max(8),
                "{size}"
            );
            assert!(slot.input().is_empty(), "another connection sees nothing");
            receive(&mut slot, &mut spare, 77, 1000);
            slot.clear(&mut spare);
            slot.resume(&mut kept, &mut spare);
            assert_eq!((kept.len(), kept.size()), (0, 0));
            receive(&mut slot, &mut spare, size as u64 + 10, 100);
            let expected = (10..size + 110).map(|number| number as u8);
            assert!(slot.input().bytes().iter().copied().eq(expected), "{size}");
            slot.input_mut().pop(size + 100);
            assert!(slot.suspend().is_empty());
        }
    }

    #[test]
    fn a_worker_keeps_a_few_large_buffers_of_the_usual_size() {
        let mut spare = Spare::default();
        let mut slots: Vec<_> = (0..=SPARE_MAX).map(|_| Slot::new()).collect();
        slots.iter_mut().for_each(|slot| slot.enlarge(&mut spare));
        slots.iter_mut().for_each(|slot| slot.clear(&mut spare));
        assert_eq!(spare.inputs.len(), SPARE_MAX);
        assert!(slots.iter().all(|slot| slot.large.is_none()));
        spare.inputs.clear();
        receive(&mut slots[0], &mut spare, 0, LARGE + 1);
        slots[0].clear(&mut spare);
        assert!(spare.inputs.is_empty(), "it had grown");
    }

    #[test]
    fn kept_output_takes_memory_in_proportion_to_it() {
        for (len, sent) in [
            (10, 3),
            (COPIED_MAX + 3, 3),
            (100_000, 0),
            (100_000, 99_999),
        ] {
            let mut output = (0..len).map(|number| number as u8).collect();
            let mut kept = UnsentOutput::rest_of(&mut output, sent);
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
