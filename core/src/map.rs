//! A cache's memory as numbers, for programs that draw it: all of it, or a sample of its pages.

use alloc::vec::Vec;

use crate::view::{ItemView, PageUse, PageView};
use crate::{Cache, Instant, Memory};

/// In the number of a chunk: the flag of a continuation chunk, and the first bit of its fill level.
const CONTINUATION: u32 = 1 << 31;
const FILL_SHIFT: u32 = 23;
/// The most items of a map: the low bits of a chunk's number, in which 0 is none.
const ITEMS_MAX: usize = (1 << FILL_SHIFT) - 1;

/// The pages, items and chunks of a cache as numbers, for programs that draw it.
///
/// [`MemoryMap::whole`] shows all pages; [`add_page`](Self::add_page) makes a map of some of them,
/// in bounded time each, so that a lock need not be held from one to the next.
///
/// For each page, seven numbers: its usage (0 unused, 1 records, 2 index, 3 overflow of the index,
/// 4 items), chunk size, chunks ever used, chunks in use, the number of its first chunk in this
/// map, milliseconds until it is searched for expired items, and its number.
///
/// For each item, eight: position; bytes of its value; of its key; flags (1 queued, 2 recent, 4
/// fetched, 8 expired); seconds since its last use; milliseconds until it expires; bytes of its
/// chunks; number of its chunks.
///
/// For each chunk that was ever used in a page of items, one: in the low 23 bits its item, counted
/// from 1, or 0; then eight bits for the part of it that is in use, of 255; the highest bit marks a
/// continuation chunk.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, MemoryMap};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let now = Instant::from_secs(0);
/// cache.set(now, "key", "value")?;
/// let whole = MemoryMap::whole(&cache, now, 1000).into_numbers();
///
/// // The first two pages have no items: records, and the index.
/// let mut sample = MemoryMap::default();
/// sample.add_page(&cache, 2, now);
/// assert_eq!(sample.items()[..3], [cache.view_of("key").unwrap().position, 5, 3]);
/// let sample = sample.into_numbers();
/// assert_eq!(sample[..3], [7, 8, 1]); // one page, one item, one chunk
/// assert!(whole.ends_with(&sample[3 + 7..]));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MemoryMap {
    pages: Vec<u32>,
    items: Vec<u32>,
    chunks: Vec<u32>,
}

impl MemoryMap {
    /// Means "none" in an array of numbers.
    pub const NONE: u32 = u32::MAX;
    /// The numbers per page.
    pub const PAGE: usize = 7;
    /// The numbers per item.
    pub const ITEM: usize = 8;

    /// The pages up to the last one in use, and all items, the most recently used first. If there
    /// are more items than `limit`, it has half of them from each end of the order and no chunks.
    #[must_use]
    pub fn whole<M: Memory>(cache: &Cache<M>, now: Instant, limit: usize) -> Self {
        let mut map = Self::default();
        let (mut chunks, mut end) = (0, 0);
        for page in cache.pages() {
            map.page(&page, chunks, now);
            if page.usage != PageUse::Unused {
                end = map.pages.len();
            }
            if page.usage == PageUse::Items {
                chunks += page.begun;
            }
        }
        map.pages.truncate(end);
        let is_whole = cache.len() <= limit.min(ITEMS_MAX);
        let (newest, oldest) = if is_whole {
            map.chunks = alloc::vec![0; chunks];
            (limit, 0)
        } else {
            (limit - limit / 2, limit / 2)
        };
        for (at, item) in cache.items().take(newest).enumerate() {
            let (size, count) = map.chunks_of(cache, &item, at);
            map.item(&item, size, count, now);
        }
        let middle = map.items.len();
        for item in cache.items().rev().take(oldest) {
            let (size, count) = map.chunks_of(cache, &item, 0);
            map.item(&item, size, count, now);
        }
        // The oldest come last.
        let oldest = &mut map.items[middle..];
        oldest.reverse();
        for item in oldest.chunks_exact_mut(Self::ITEM) {
            item.reverse();
        }
        map
    }

    /// Adds a page, and the items with chunks in it. It looks at as many items as the page has
    /// chunks, 128 at most in a page of 4 KiB, and at no more than five chunks of each. An item in
    /// two pages is twice in the map, because it may have changed from one to the next. Adds
    /// nothing if there is no such page.
    pub fn add_page<M: Memory>(&mut self, cache: &Cache<M>, page: u32, now: Instant) {
        let Some(page) = cache.page(page) else {
            return;
        };
        self.page(&page, self.chunks.len(), now);
        if page.usage != PageUse::Items {
            return;
        }
        let first = self.items.len();
        for chunk in cache.chunks_in(page.number) {
            let Some(chunk) = chunk else {
                self.chunks.push(0);
                continue;
            };
            let mut here = self.items[first..].chunks_exact(Self::ITEM);
            let known = here.position(|item| item[0] == chunk.item.position);
            let at = match known {
                Some(known) => first / Self::ITEM + known,
                None => self.items.len() / Self::ITEM,
            };
            if at >= ITEMS_MAX {
                self.chunks.push(0);
                continue;
            }
            if known.is_none() {
                self.item(&chunk.item, chunk.item_chunks_size, chunk.item_chunks, now);
            }
            let number = number(at, chunk.filled, page.chunk_size, chunk.is_continuation);
            self.chunks.push(number);
        }
    }

    /// The numbers of the items so far.
    #[must_use]
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// All of it as one array: how many numbers there are for pages, for items and for chunks, and
    /// then these.
    #[must_use]
    pub fn into_numbers(self) -> Vec<u32> {
        let parts = [self.pages, self.items, self.chunks];
        let mut numbers: Vec<_> = parts.iter().map(|part| part.len() as u32).collect();
        for part in parts {
            numbers.extend_from_slice(&part);
        }
        numbers
    }

    fn page(&mut self, page: &PageView, first_chunk: usize, now: Instant) {
        self.pages.extend_from_slice(&[
            match page.usage {
                PageUse::Unused => 0,
                PageUse::Records => 1,
                PageUse::Index => 2,
                PageUse::Overflow => 3,
                PageUse::Items => 4,
            },
            page.chunk_size as u32,
            page.begun as u32,
            page.used as u32,
            first_chunk as u32,
            until(page.due.map(|due| due.at), now),
            page.number,
        ]);
    }

    fn item(&mut self, item: &ItemView<'_>, size: usize, count: usize, now: Instant) {
        let left = until(item.item.expires_at, now);
        self.items.extend_from_slice(&[
            item.position,
            item.item.value.len() as u32,
            item.key.len() as u32,
            u32::from(item.queued)
                | u32::from(item.young) << 1
                | u32::from(item.item.fetched) << 2
                | u32::from(left == 0) << 3,
            now.since(item.item.last_used).as_secs() as u32,
            left,
            size as u32,
            count as u32,
        ]);
    }

    /// Notes the chunks of the item with this number, if the map has chunks; returns the bytes in
    /// them and how many there are.
    fn chunks_of<M: Memory>(
        &mut self,
        cache: &Cache<M>,
        item: &ItemView<'_>,
        at: usize,
    ) -> (usize, usize) {
        let (mut size, mut count) = (0, 0);
        for chunk in cache.chunks(item.position) {
            let first = self.pages.get(chunk.page as usize * Self::PAGE + 4);
            let place = first.map(|&first| first as usize + chunk.number);
            let filled = chunk.head + chunk.key + chunk.value;
            if let Some(place) = place.and_then(|place| self.chunks.get_mut(place)) {
                *place = number(at, filled, chunk.bytes.len(), count > 0);
            }
            size += chunk.bytes.len();
            count += 1;
        }
        (size, count)
    }
}

/// The number of a chunk.
fn number(item: usize, filled: usize, size: usize, is_continuation: bool) -> u32 {
    let filled = (255 * filled).checked_div(size).unwrap_or(0);
    let flag = if is_continuation { CONTINUATION } else { 0 };
    flag | (filled as u32) << FILL_SHIFT | (item as u32 + 1)
}

/// Milliseconds until `at`; 0 if it has passed, `NONE` if there is no such time.
fn until(at: Option<Instant>, now: Instant) -> u32 {
    let most = u128::from(MemoryMap::NONE - 1);
    at.map_or(MemoryMap::NONE, |at| {
        at.since(now).as_millis().min(most) as u32
    })
}
