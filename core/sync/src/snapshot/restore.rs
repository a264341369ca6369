//! A file becomes the items of all shards.
//!
//! One thread reads: it takes some blocks, a wave, and verifies them, while others store the items
//! of the wave before. Each of those has some of the shards to itself and passes over the items of
//! the others, so every shard gets its items in the order of the file.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::thread;

use dynamidb_core::snapshot::{Block, Clocks, END_SIZE, Part, ReadError, Reader, Record};
use dynamidb_core::snapshot::{Restored, Sorting};
use dynamidb_core::{Instant, Key};

use super::RestoreError;
use crate::region::Shard;
use crate::shards::Shards;

/// What is read ahead, but for a larger block: enough for a thread to be worth its start.
const WAVE: usize = 4 << 20;
/// The most threads that store: the one that reads keeps no more of them busy.
const THREADS_MAX: usize = 4;
/// How many items of a shard are stored under one lock, and prefetched together so that their waits
/// for memory overlap.
const BATCH: usize = 16;

impl Shards {
    /// Stores the items of a snapshot, whatever number of shards it was saved from. Meant for the
    /// start: up to four threads store while this one reads, and what was not saved in order is
    /// sorted at the end, under a lock for each shard.
    ///
    /// Besides what is stored, this needs 8 MiB, or twice the largest block of the snapshot.
    ///
    /// # Errors
    /// [`RestoreError`]; what was stored before stays.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::Clocks;
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::{Growth, Shards};
    ///
    /// let clocks = Clocks::new(Instant::from_secs(0));
    /// let shards = Shards::with_count(&Config::new(64 << 20), 8, Growth::default())?;
    /// shards.for_each(|shard| shard.set(clocks.now, "key", "value").unwrap());
    /// let mut file = Vec::new();
    /// shards.save(clocks, &mut file)?;
    /// let shards = Shards::with_count(&Config::new(64 << 20), 1, Growth::default())?;
    /// assert_eq!(shards.restore(clocks, &file[..])?.stored, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restore(&self, clocks: Clocks, input: impl Read) -> Result<Restored, RestoreError> {
        let restored = self.restore_from(&mut Input::new(clocks, input), clocks.now);
        self.for_each(|shard| shard.reserve(0));
        restored
    }

    fn restore_from<R: Read>(
        &self,
        input: &mut Input<R>,
        now: Instant,
    ) -> Result<Restored, RestoreError> {
        let [mut one, mut other] = [Vec::new(), Vec::new()];
        let mut wave = input.wave(&mut one)?;
        if let Some(items) = input.items {
            // Hashes deal them out evenly.
            self.for_each(|shard| shard.reserve(items / self.len()));
        }
        let mut lanes = self.lanes(input.in_order);
        while !wave.is_empty() {
            let store = |lane: &mut Lane| lane.store(self, now, &wave);
            let next = with_threads(&mut lanes, store, || input.wave(&mut other))??;
            drop(wave);
            let store = |lane: &mut Lane| lane.store(self, now, &next);
            wave = with_threads(&mut lanes, store, || input.wave(&mut one))??;
        }
        input.reader.clone().finish()?;
        if !input.in_order {
            with_threads(&mut lanes, |lane| lane.sort(self), || ())?;
        }
        let mut restored = Restored::default();
        lanes.iter().for_each(|lane| restored.add(&lane.restored));
        Ok(restored)
    }

    /// The shards, dealt out to as many threads as are worth having.
    fn lanes(&self, in_order: bool) -> Vec<Lane> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = processors.min(THREADS_MAX).min(self.len());
        let begin = |number| self.len() * number / count;
        let lanes = (0..count).map(|number| Lane::new(begin(number)..begin(number + 1), in_order));
        lanes.collect()
    }
}

/// Gives each lane a thread, does something else meanwhile, and waits for all of them.
fn with_threads<R>(
    lanes: &mut [Lane],
    work: impl Fn(&mut Lane) + Copy + Send,
    meanwhile: impl FnOnce() -> R,
) -> io::Result<R> {
    thread::scope(|scope| {
        for lane in lanes {
            let thread = thread::Builder::new().name("restore".into());
            thread.spawn_scoped(scope, move || work(lane))?;
        }
        Ok(meanwhile())
    })
}

/// The shards that one thread stores in.
struct Lane {
    shards: Range<usize>,
    /// For each of them, if the items come in no order.
    sorting: Vec<Sorting>,
    last_cas: Option<u64>,
    restored: Restored,
}

/// An item, and its key with the hash.
type Entry<'w> = (Key<'w>, Record<'w>);

impl Lane {
    fn new(shards: Range<usize>, in_order: bool) -> Self {
        let sorted = if in_order { 0 } else { shards.len() };
        Self {
            sorting: vec![Sorting::default(); sorted],
            shards,
            last_cas: None,
            restored: Restored::default(),
        }
    }

    /// Stores the items of a wave that are of these shards.
    fn store(&mut self, all: &Shards, now: Instant, wave: &[Block<'_>]) {
        let mut batches = vec![Vec::with_capacity(BATCH); self.shards.len()];
        for block in wave {
            if self.last_cas.replace(block.last_cas()) != Some(block.last_cas()) {
                self.store_batches(all, now, &mut batches);
                for index in self.shards.clone() {
                    all.lock(index).resume_cas(block.last_cas());
                }
            }
            for record in block.records() {
                let key = all.key(record.key);
                let number = all.index_of(&key).wrapping_sub(self.shards.start);
                let Some(batch) = batches.get_mut(number) else {
                    continue;
                };
                batch.push((key, record));
                if batch.len() == BATCH {
                    self.store_batch(all, now, number, batch);
                }
            }
        }
        self.store_batches(all, now, &mut batches);
    }

    fn store_batches(&mut self, all: &Shards, now: Instant, batches: &mut [Vec<Entry<'_>>]) {
        for (number, batch) in batches.iter_mut().enumerate() {
            self.store_batch(all, now, number, batch);
        }
    }

    fn store_batch(
        &mut self,
        all: &Shards,
        now: Instant,
        number: usize,
        batch: &mut Vec<Entry<'_>>,
    ) {
        let mut shard = all.lock(self.shards.start + number);
        Shard::prefetch_all(batch.iter().map(|(key, _)| (&*shard, key)));
        for (key, record) in batch.drain(..) {
            shard = all.with_room(&key, shard, now, record.value.len(), false);
            self.restored.count(shard.restore_as(now, key, &record));
            if let Some(sorting) = self.sorting.get_mut(number) {
                sorting.stored(&mut shard);
            }
        }
    }

    /// Brings the items of these shards into order.
    fn sort(&mut self, all: &Shards) {
        for (index, sorting) in self.shards.clone().zip(self.sorting.drain(..)) {
            sorting.finish(&mut all.lock(index));
        }
    }
}

/// A snapshot that is read.
struct Input<R> {
    input: R,
    reader: Reader,
    /// The first bytes of the next part, up to [`END_SIZE`]: what its size is known by.
    begun: Vec<u8>,
    in_order: bool,
    items: Option<usize>,
}

impl<R: Read> Input<R> {
    fn new(clocks: Clocks, input: R) -> Self {
        Self {
            input,
            reader: Reader::new(clocks),
            begun: Vec::new(),
            in_order: true,
            items: None,
        }
    }

    /// The next blocks, verified; none after the last one.
    fn wave<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<Vec<Block<'b>>, RestoreError> {
        let first = self.block_size()?.unwrap_or_default();
        buffer.resize(buffer.len().max(WAVE).max(first), 0);
        let (mut free, mut blocks) = (&mut buffer[..], Vec::new());
        while let Some(size) = self.block_size()? {
            let Some(bytes) = free.split_off_mut(..size) else {
                break;
            };
            self.fill(bytes)?;
            if let (_, Part::Block(block)) = self.reader.next(bytes)? {
                blocks.push(block);
            }
        }
        Ok(blocks)
    }

    /// The size of the next block; `None` at the end of the input.
    fn block_size(&mut self) -> Result<Option<usize>, RestoreError> {
        loop {
            let (used, wanted) = match self.reader.next(&self.begun)? {
                (_, Part::Wanted(size)) if size > END_SIZE => return Ok(Some(size)),
                (_, Part::Wanted(size)) => (0, size),
                (used, Part::Header(header)) => {
                    (self.in_order, self.items) = (header.in_order, header.items);
                    (used, 0)
                }
                // The end: no block with items is that short.
                (used, _) => (used, 0),
            };
            self.begun.drain(..used);
            let missing = wanted.saturating_sub(self.begun.len());
            let mut more = self.input.by_ref().take(missing as u64);
            if more.read_to_end(&mut self.begun)? < missing {
                return Ok(None);
            }
        }
    }

    /// Reads a part of which the first bytes are there.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RestoreError> {
        let (begun, rest) = bytes.split_at_mut(self.begun.len());
        begun.copy_from_slice(&self.begun);
        self.begun.clear();
        self.input
            .read_exact(rest)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => ReadError::Truncated.into(),
                _ => error.into(),
            })
    }
}
