//! Items become blocks of a snapshot.

use core::fmt;

use super::format::{self, BLOCK_HEADER, BLOCK_SIZE_MAX, END_SIZE, FileHeader, HEADER_SIZE};
use super::record::{Clocks, Entry, Record};
use crate::Instant;

/// The buffer has no room for the next piece. Holds how many bytes it needs.
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::{BufferTooSmall, Clocks};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let cache = Cache::new(Config::new(64 * 1024))?;
/// let mut save = cache.save(Clocks::new(Instant::from_secs(0)));
/// assert_eq!(save.next(&mut [0; 31]), Err(BufferTooSmall(32)));
/// assert_eq!(save.next(&mut [0; 32])?.len(), 32);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BufferTooSmall(pub usize);

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the next piece needs a buffer of {} bytes", self.0)
    }
}

impl core::error::Error for BufferTooSmall {}

/// Makes a snapshot of items that are in no cache: the header, then blocks of items, the least
/// recently used first, then the end.
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::{BlockWriter, Clocks, Record, Restore, Writer};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let now = Instant::from_secs(0);
/// let mut writer = Writer::new(Clocks::new(now));
/// let mut file = writer.header().to_vec();
/// let mut buffer = [0; 1024];
/// let mut block: BlockWriter = writer.block(&mut buffer);
/// block.push(&Record::new(b"first", b"1"))?;
/// block.push(&Record::new(b"second", b"2"))?;
/// assert!(!block.is_empty());
/// file.extend_from_slice(writer.seal(block, 0));
/// file.extend_from_slice(&writer.end());
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let mut restore = Restore::new(Clocks::new(now));
/// let mut rest = &file[..];
/// while let used @ 1.. = restore.feed(now, &mut cache, rest)? {
///     rest = &rest[used..];
/// }
/// assert_eq!(restore.finish()?.stored, 2);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Writer {
    header: FileHeader,
    start: Instant,
    blocks: u64,
    items: u64,
}

/// A block that is being filled.
pub struct BlockWriter<'b> {
    buffer: &'b mut [u8],
    len: usize,
    items: u32,
}

impl Writer {
    /// A snapshot whose times count from this moment on.
    #[must_use]
    pub fn new(clocks: Clocks) -> Self {
        Self::with_order(clocks, true)
    }

    /// The same for items that come in no order: [`Restore`](super::Restore) sorts them by
    /// [`Record::idle`].
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Instant;
    /// use dynamidb_core::snapshot::{Clocks, Part, Reader, Writer};
    ///
    /// let clocks = Clocks::new(Instant::from_secs(0));
    /// let header = Writer::unordered(clocks).header();
    /// let (_, part) = Reader::new(clocks).next(&header)?;
    /// assert!(matches!(part, Part::Header(header) if !header.in_order));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn unordered(clocks: Clocks) -> Self {
        Self::with_order(clocks, false)
    }

    fn with_order(clocks: Clocks, in_order: bool) -> Self {
        let saved_at = clocks.unix.map_or(0, Instant::as_millis);
        Self {
            header: FileHeader {
                in_order,
                items: 0,
                saved_at,
            },
            start: clocks.now,
            blocks: 0,
            items: 0,
        }
    }

    /// Says about how many items there will be, so that a [`Restore`](super::Restore) prepares for
    /// them.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Instant;
    /// use dynamidb_core::snapshot::{Clocks, Part, Reader, Writer};
    ///
    /// let clocks = Clocks::new(Instant::from_secs(0));
    /// let header = Writer::new(clocks).expect(1000).header();
    /// let (_, part) = Reader::new(clocks).next(&header)?;
    /// assert!(matches!(part, Part::Header(header) if header.items == Some(1000)));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expect(mut self, items: usize) -> Self {
        self.set_expected(items);
        self
    }

    pub(super) fn set_expected(&mut self, items: usize) {
        self.header.items = u32::try_from(items).unwrap_or(u32::MAX);
    }

    /// The moment from which times count.
    pub(super) const fn start(&self) -> Instant {
        self.start
    }

    /// The first bytes.
    #[must_use]
    pub fn header(&self) -> [u8; HEADER_SIZE] {
        self.header.encode()
    }

    /// Begins a block, which is made in this buffer.
    #[must_use]
    pub fn block<'b>(&self, buffer: &'b mut [u8]) -> BlockWriter<'b> {
        let end = buffer.len().min(BLOCK_SIZE_MAX);
        BlockWriter {
            buffer: &mut buffer[..end],
            len: BLOCK_HEADER,
            items: 0,
        }
    }

    /// Ends a block and returns its bytes; none if it is empty. `last_cas` is
    /// [`Cache::last_cas`](crate::Cache::last_cas), or 0 if there is no cache.
    pub fn seal<'b>(&mut self, block: BlockWriter<'b>, last_cas: u64) -> &'b [u8] {
        let BlockWriter { buffer, len, items } = block;
        if items == 0 {
            return &[];
        }
        self.items += u64::from(items);
        self.blocks += 1;
        let bytes = &mut buffer[..len];
        format::seal(bytes, self.blocks, items, last_cas);
        bytes
    }

    /// The last bytes.
    #[must_use]
    pub fn end(&self) -> [u8; END_SIZE] {
        let mut block = [0; END_SIZE];
        block[BLOCK_HEADER..].copy_from_slice(&self.items.to_le_bytes());
        format::seal(&mut block, self.blocks + 1, 0, 0);
        block
    }

    /// How many items the blocks so far have.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::Instant;
    /// # use dynamidb_core::snapshot::{Clocks, Writer};
    /// assert_eq!(Writer::new(Clocks::new(Instant::from_secs(0))).items(), 0);
    /// ```
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.items
    }
}

impl BlockWriter<'_> {
    /// Whether it has no items yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Adds an item.
    ///
    /// # Errors
    /// [`BufferTooSmall`] if it does not fit: into what is left, or into the whole buffer if the
    /// block is empty.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), BufferTooSmall> {
        self.push_entry(&record.into())
    }

    pub(super) fn push_entry(&mut self, entry: &Entry<'_>) -> Result<(), BufferTooSmall> {
        let end = self.len.saturating_add(format::item_size(entry));
        let place = self.buffer.get_mut(self.len..end);
        let place = place.ok_or(BufferTooSmall(end))?;
        format::encode_item(entry, place);
        self.len = end;
        self.items += 1;
        Ok(())
    }
}

impl fmt::Debug for BlockWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (items, len) = (self.items, self.len);
        f.debug_struct("BlockWriter")
            .field("items", &items)
            .field("len", &len)
            .finish_non_exhaustive()
    }
}

/// Copies a piece of fixed size to the beginning of the buffer.
pub(super) fn copy_piece<'b>(
    piece: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b [u8], BufferTooSmall> {
    let place = buffer.get_mut(..piece.len());
    let place = place.ok_or(BufferTooSmall(piece.len()))?;
    place.copy_from_slice(piece);
    Ok(place)
}
