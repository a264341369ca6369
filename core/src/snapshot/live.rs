//! A cache that goes on working becomes a file.
//!
//! The save walks over the index in the order of the keys' hashes, which no operation changes. So
//! each key has one moment at which it is met, and all that the save has to remember is where it
//! is: no key comes twice, and none that is there all the while is left out, however the index
//! grows and shrinks and items move, are evicted and stored again meanwhile. The cache itself knows
//! nothing of it.

use core::cmp::Ordering;
use core::fmt;

use super::record::{Clocks, Entry};
use super::writer::{BlockWriter, BufferTooSmall, Writer, copy_piece};
use crate::{Cache, Instant, Key, Memory};

/// How many groups of the index one call looks at: some thousand items.
const GROUPS_MAX: usize = 32;

/// How many items of a group are taken at once. Mostly a group has fewer.
const BATCH: usize = 96;

/// A position among all keys: after this hash, and after this key among those that have it.
struct Position {
    order: u64,
    key: [u8; Key::LEN_MAX],
    key_len: usize,
}

impl Position {
    /// Before all keys from this number on: no key is empty.
    const fn before(order: u64) -> Self {
        Self {
            order,
            key: [0; Key::LEN_MAX],
            key_len: 0,
        }
    }

    fn is_before(&self, order: u64, key: &[u8]) -> bool {
        let own = self.key.get(..self.key_len).unwrap_or_default();
        (self.order, own) < (order, key)
    }

    fn set(&mut self, order: u64, key: &[u8]) {
        self.order = order;
        if let Some(place) = self.key.get_mut(..key.len()) {
            place.copy_from_slice(key);
            self.key_len = key.len();
        }
    }

    /// The cursor of the group in which the next key is.
    const fn cursor(&self) -> u32 {
        (self.order >> 32) as u32
    }
}

/// Where the hash of a key comes: first by the bits that choose its group, read as the cursor of
/// [`Cache::scan`] reads them, then by the others.
const fn order_of(hash: u64) -> u64 {
    ((hash as u32).reverse_bits() as u64) << 32 | hash >> 32
}

/// What the next piece is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Header,
    Items,
    Nothing,
}

/// A snapshot of a cache that may change between any two calls, or of several that serve one
/// keyspace.
///
/// Each item is in it as it was at some moment of the save, and no key is in it twice. What is in
/// the cache all the while is in the snapshot. Its items are in no order: [`Restore`] sorts them by
/// the second of their last use, which the items of a [`compact`](crate::Config::compact) cache do
/// not have.
///
/// [`Restore`]: super::Restore
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::{Clocks, LiveSave};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let (mut buffer, mut file) = ([0; 4096], Vec::new());
/// let mut save = LiveSave::new(Clocks::new(now), 1);
/// while save.cache().is_some() {
///     file.extend_from_slice(save.next(now, &cache, &mut buffer)?);
///     cache.delete(now, "key"); // goes on working
/// }
/// assert_eq!(save.items(), 0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct LiveSave {
    writer: Writer,
    caches: usize,
    cache: usize,
    position: Position,
    next: Next,
}

impl LiveSave {
    /// A snapshot of this number of caches, which all have one [`hash_seed`] and no key in common.
    ///
    /// [`hash_seed`]: crate::Config::hash_seed
    #[must_use]
    pub fn new(clocks: Clocks, caches: usize) -> Self {
        Self {
            writer: Writer::unordered(clocks),
            caches,
            cache: 0,
            position: Position::before(0),
            next: Next::Header,
        }
    }

    /// The number of the cache that [`next`](Self::next) wants, from 0 on; `None` once the file is
    /// complete.
    #[must_use]
    pub fn cache(&self) -> Option<usize> {
        let last = self.caches.saturating_sub(1);
        (self.next != Next::Nothing).then_some(self.cache.min(last))
    }

    /// Makes the next piece of the file in the buffer; it may be empty. Copies at most as many
    /// bytes as the buffer has, and looks at some thousand items at most.
    ///
    /// # Errors
    /// [`BufferTooSmall`] says how large a buffer has to be for the next item. Nothing is lost:
    /// call it again with a larger one. [`buffer_size`](super::buffer_size) says what is enough.
    pub fn next<'b, M: Memory>(
        &mut self,
        now: Instant,
        cache: &Cache<M>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], BufferTooSmall> {
        match self.next {
            Next::Nothing => return Ok(&[]),
            Next::Header => {
                // The others have about as many.
                self.writer
                    .set_expected(cache.len().saturating_mul(self.caches));
                let piece = copy_piece(&self.writer.header(), buffer)?;
                self.next = Next::Items;
                return Ok(piece);
            }
            Next::Items if self.cache >= self.caches => {
                let piece = copy_piece(&self.writer.end(), buffer)?;
                self.next = Next::Nothing;
                return Ok(piece);
            }
            Next::Items => {}
        }
        let mut block = self.writer.block(buffer);
        for _ in 0..GROUPS_MAX {
            match self.write_group(now, cache, &mut block) {
                Err(error) if block.is_empty() => return Err(error),
                Err(_) => break,
                Ok(true) => {}
                Ok(false) => {
                    self.cache += 1;
                    self.position = Position::before(0);
                    break;
                }
            }
        }
        Ok(self.writer.seal(block, cache.last_cas()))
    }

    /// Writes the items of a group that come after the position, and moves it behind them; `false`
    /// after the last group.
    fn write_group<M: Memory>(
        &mut self,
        now: Instant,
        cache: &Cache<M>,
        block: &mut BlockWriter<'_>,
    ) -> Result<bool, BufferTooSmall> {
        let (batch, next) = self.batch(cache);
        for &(order, place) in batch.items() {
            let Some(view) = cache.inspect(place) else {
                continue;
            };
            let key = view.key;
            if let Some(item) = cache.saved_item(now, view) {
                block.push_entry(&Entry::of_item(item, self.writer.start()))?;
            }
            self.position.set(order, key);
        }
        if batch.is_cut {
            // The rest of this group comes next.
            return Ok(true);
        }
        let Some(cursor) = next else {
            return Ok(false);
        };
        self.position = Position::before(u64::from(cursor) << 32);
        Ok(true)
    }

    /// The first items of a group that come after the position, in the order of their hashes.
    fn batch<M: Memory>(&self, cache: &Cache<M>) -> (Batch, Option<u32>) {
        let mut batch = Batch::new();
        let key_at = |place| cache.inspect(place).map_or(&[][..], |view| view.key);
        let (items, next) = cache.scan(self.position.cursor());
        for view in items {
            let order = order_of(cache.hasher().hash(&view.key.into()));
            if self.position.is_before(order, view.key) {
                batch.insert((order, view.position), |(other, place)| {
                    // Only keys with one hash are compared.
                    let keys = || key_at(place).cmp(view.key);
                    other.cmp(&order).then_with(keys)
                });
            }
        }
        (batch, next)
    }

    /// How many items the pieces so far have.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.writer.items()
    }
}

impl fmt::Debug for LiveSave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.writer.items();
        f.debug_struct("LiveSave")
            .field("items", &items)
            .field("cache", &self.cache())
            .finish_non_exhaustive()
    }
}

/// The first items of a group in order: for each, the order of its hash and its position.
struct Batch {
    items: [(u64, u32); BATCH],
    len: usize,
    /// Whether there are more.
    is_cut: bool,
}

impl Batch {
    const fn new() -> Self {
        Self {
            items: [(0, 0); BATCH],
            len: 0,
            is_cut: false,
        }
    }

    fn items(&self) -> &[(u64, u32)] {
        self.items.get(..self.len).unwrap_or_default()
    }

    /// Adds an item; `compare` says how another one is to it. If there is no place, the last one is
    /// left out.
    fn insert(&mut self, item: (u64, u32), compare: impl Fn((u64, u32)) -> Ordering) {
        let at = self
            .items()
            .partition_point(|&other| compare(other) == Ordering::Less);
        if self.len < BATCH {
            self.len += 1;
        } else {
            self.is_cut = true;
        }
        if let Some(moved @ [_, ..]) = self.items.get_mut(at..self.len) {
            moved.rotate_right(1);
            moved[0] = item;
        }
    }
}
