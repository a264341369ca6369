//! Items in the order of use become a file.

use core::fmt;
use core::iter::Peekable;

use super::record::{Clocks, Entry};
use super::writer::{BufferTooSmall, Writer, copy_piece};
use crate::view::ItemView;

/// How many items one call looks at, so that it is bounded whatever their size.
const ITEMS_MAX: usize = 4096;

/// Which piece comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Header,
    Items,
    Nothing,
}

/// A snapshot of items that do not change meanwhile, in the order in which they come:
/// [`Cache::save`](crate::Cache::save) makes one of a cache.
pub struct Save<I: Iterator> {
    writer: Writer,
    items: Peekable<I>,
    last_cas: u64,
    next: Next,
}

impl<'c, I: Iterator<Item = ItemView<'c>>> Save<I> {
    /// A snapshot of these items, the least recently used first. `last_cas` is the highest
    /// [`Cache::last_cas`](crate::Cache::last_cas) of the caches that they are in.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::snapshot::{Clocks, Save};
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "user/1", "anna")?;
    /// cache.set(now, "page/1", "<html>")?;
    /// let users = cache.saved_items(now).filter(|item| item.key.starts_with(b"user/"));
    /// let mut save = Save::new(Clocks::new(now), users, cache.last_cas());
    /// let mut buffer = [0; 512];
    /// while !save.next(&mut buffer)?.is_empty() {}
    /// assert_eq!(save.items(), 1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn new(clocks: Clocks, items: I, last_cas: u64) -> Self {
        Self {
            writer: Writer::new(clocks),
            items: items.peekable(),
            last_cas,
            next: Next::Header,
        }
    }

    /// Says about how many items there are: see [`Writer::expect`].
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::snapshot::{Clocks, Save};
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let cache = Cache::new(Config::new(64 * 1024))?;
    /// # let now = Instant::from_secs(0);
    /// let items = cache.saved_items(now);
    /// let save = Save::new(Clocks::new(now), items, cache.last_cas()).expect(cache.len());
    /// # let _ = save;
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn expect(mut self, items: usize) -> Self {
        self.writer.set_expected(items);
        self
    }

    /// Makes the next piece of the file in the buffer; an empty one is the end. Copies at most as
    /// many bytes as the buffer has, and looks at 4096 items at most.
    ///
    /// # Errors
    /// [`BufferTooSmall`] says how large a buffer has to be for the next item. Nothing is lost:
    /// call it again with a larger one. [`buffer_size`](super::buffer_size) says what is enough.
    pub fn next<'b>(&mut self, buffer: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        if self.next == Next::Nothing {
            return Ok(&[]);
        }
        if self.next == Next::Header {
            let piece = copy_piece(&self.writer.header(), buffer)?;
            self.next = Next::Items;
            return Ok(piece);
        }
        if self.items.peek().is_none() {
            let piece = copy_piece(&self.writer.end(), buffer)?;
            self.next = Next::Nothing;
            return Ok(piece);
        }
        let mut block = self.writer.block(buffer);
        for _ in 0..ITEMS_MAX {
            let Some(item) = self.items.peek() else {
                break;
            };
            let entry = Entry::of_item(item.clone(), self.writer.start());
            match block.push_entry(&entry) {
                Err(error) if block.is_empty() => return Err(error),
                Err(_) => break,
                Ok(()) => self.items.next(),
            };
        }
        Ok(self.writer.seal(block, self.last_cas))
    }

    /// How many items the pieces so far have.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.writer.items()
    }
}

impl<I: Iterator> fmt::Debug for Save<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.writer.items();
        f.debug_struct("Save").field("items", &items).finish()
    }
}
