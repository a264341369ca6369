//! A snapshot becomes the items of one cache.

use super::reader::{Part, ReadError, Reader};
use super::record::Clocks;
use crate::{Cache, Instant, Memory};

/// How many items of a snapshot became what.
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::Restored;
///
/// let none = Restored::default();
/// assert_eq!((none.stored, none.expired, none.refused), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Restored {
    /// Items that were stored. If memory is full, later ones have evicted earlier ones.
    pub stored: u64,
    /// Items that have expired meanwhile.
    pub expired: u64,
    /// Items that the cache does not take: they are larger than its largest.
    pub refused: u64,
}

/// Stores the items of a snapshot in a cache. What the cache has already stays, unless the snapshot
/// has the same key.
///
/// The cache's index is [reserved](Cache::reserve) for them from the header to the end, or to an
/// error; if the input ends before, call `reserve(0)` or [`clear`](Cache::clear).
///
/// # Examples
/// A file that comes in pieces of any size:
/// ```
/// use dynamidb_core::snapshot::{Clocks, ReadError, Restore};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let clocks = Clocks::new(Instant::from_secs(0));
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// cache.set(clocks.now, "key", "value")?;
/// let (mut buffer, mut file) = ([0; 4096], Vec::new());
/// let mut save = cache.save(clocks);
/// while let piece @ [_, ..] = save.next(&mut buffer)? {
///     file.extend_from_slice(piece);
/// }
/// drop(save); // it borrows the cache
///
/// cache.clear();
/// let mut restore = Restore::new(clocks);
/// let mut input = Vec::new();
/// for piece in file.chunks(10) {
///     input.extend_from_slice(piece);
///     while let used @ 1.. = restore.feed(clocks.now, &mut cache, &input)? {
///         input.drain(..used);
///     }
///     assert!(restore.wanted() > input.len());
/// }
/// assert_eq!(restore.finish()?.stored, 1);
/// assert_eq!(cache.get(clocks.now, "key").unwrap().value, b"value");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Restore {
    reader: Reader,
    /// If the items come in no order.
    sorting: Option<Sorting>,
    wanted: usize,
    restored: Restored,
}

/// Brings the items of a cache into the order of their last use while more are stored in no order:
/// at the end, and once memory is full now and then, so that it keeps those that were used last.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::snapshot::{Record, Sorting};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut config = Config::new(64 * 1024);
/// config.max_items = Some(100);
/// let mut cache = Cache::new(config)?;
/// let now = Instant::from_secs(10_000);
/// let mut sorting = Sorting::default();
/// for number in 0..1000_u64 {
///     let key = number.to_le_bytes();
///     let mut record = Record::new(&key, b"value");
///     record.idle = Duration::from_secs(number * 7 % 1000);
///     cache.restore(now, &record)?;
///     sorting.stored(&mut cache);
/// }
/// sorting.finish(&mut cache);
/// let idle = |item: &dynamidb_core::view::ItemView<'_>| now.since(item.item.last_used);
/// let old = cache.items().filter(|item| idle(item) > Duration::from_secs(150)).count();
/// assert!(old < 10, "{old}");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sorting {
    /// How many items were stored since they were sorted.
    stored: usize,
}

impl Sorting {
    /// Once memory is full: after how many items they are sorted, as a part of all.
    const PERIOD: usize = 16;

    /// Another item was stored.
    pub fn stored<M: Memory>(&mut self, cache: &mut Cache<M>) {
        self.stored += 1;
        if cache.has_evicted() && self.stored * Self::PERIOD > cache.len() {
            cache.sort_by_last_use();
            self.stored = 0;
        }
    }

    /// The last one was stored.
    pub fn finish<M: Memory>(self, cache: &mut Cache<M>) {
        cache.sort_by_last_use();
    }
}

impl Restore {
    /// A host with these clocks begins.
    #[must_use]
    pub const fn new(clocks: Clocks) -> Self {
        Self {
            reader: Reader::new(clocks),
            sorting: None,
            wanted: 0,
            restored: Restored {
                stored: 0,
                expired: 0,
                refused: 0,
            },
        }
    }

    /// Takes a part of the snapshot off the front of the input, stores its items, and returns how
    /// many bytes it had; 0 if more bytes are [`wanted`](Self::wanted). Nothing of a block is
    /// stored before all of it is verified.
    ///
    /// # Errors
    /// [`ReadError`]; what was stored before stays.
    pub fn feed<M: Memory>(
        &mut self,
        now: Instant,
        cache: &mut Cache<M>,
        input: &[u8],
    ) -> Result<usize, ReadError> {
        let (used, part) = self.reader.next(input).inspect_err(|_| cache.reserve(0))?;
        match part {
            Part::Wanted(size) => self.wanted = size,
            Part::Header(header) => {
                self.sorting = (!header.in_order).then(Sorting::default);
                if let Some(items) = header.items {
                    cache.reserve(items);
                }
            }
            Part::Block(block) => {
                cache.resume_cas(block.last_cas());
                for record in block.records() {
                    self.restored.count(cache.restore(now, &record));
                    if let Some(sorting) = &mut self.sorting {
                        sorting.stored(cache);
                    }
                }
            }
            Part::End(_) => {
                if let Some(sorting) = self.sorting.take() {
                    sorting.finish(cache);
                }
                cache.reserve(0);
            }
        }
        Ok(used)
    }

    /// How many bytes the last call of [`feed`](Self::feed) would have needed.
    #[must_use]
    pub const fn wanted(&self) -> usize {
        self.wanted
    }

    /// Whether the end of the snapshot was read.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Instant;
    /// use dynamidb_core::snapshot::{Clocks, Restore, Restored};
    ///
    /// let restore = Restore::new(Clocks::new(Instant::from_secs(0)));
    /// assert!(!restore.is_complete() && restore.restored() == Restored::default());
    /// ```
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.reader.is_complete()
    }

    /// What became of the items so far.
    #[must_use]
    pub const fn restored(&self) -> Restored {
        self.restored
    }

    /// What became of the items.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] if the end of the snapshot is missing.
    pub fn finish(self) -> Result<Restored, ReadError> {
        self.reader.finish().map(|_| self.restored)
    }
}

impl Restored {
    /// Adds what became of other items of the same snapshot.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::Restored;
    ///
    /// let mut all = Restored::default();
    /// all.add(&Restored::default());
    /// assert_eq!(all, Restored::default());
    /// ```
    pub const fn add(&mut self, other: &Self) {
        self.stored += other.stored;
        self.expired += other.expired;
        self.refused += other.refused;
    }

    /// Counts what [`Cache::restore`] has said of an item.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::{Record, Restored};
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let mut restored = Restored::default();
    /// restored.count(cache.restore(Instant::from_secs(0), &Record::new(b"key", b"value")));
    /// assert_eq!(restored.stored, 1);
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub const fn count(&mut self, outcome: Result<bool, crate::Error>) {
        match outcome {
            Ok(true) => self.stored += 1,
            Ok(false) => self.expired += 1,
            Err(_) => self.refused += 1,
        }
    }
}
