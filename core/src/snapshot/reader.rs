//! The bytes of a snapshot become items again.

use core::fmt;
use core::time::Duration;

use super::format::{self, BLOCK_HEADER, BLOCK_SIZE_MAX, BadHeader, BlockHeader, FileHeader};
use super::format::{END_SIZE, HEADER_SIZE};
use super::record::{Clocks, Record};
use crate::Instant;

/// Why a file is no snapshot that can be read.
///
/// # Examples
/// ```
/// use dynamidb_core::Instant;
/// use dynamidb_core::snapshot::{Clocks, ReadError, Reader};
///
/// let mut reader = Reader::new(Clocks::new(Instant::from_secs(0)));
/// assert_eq!(reader.next(&[b'x'; 100]).unwrap_err(), ReadError::Foreign);
/// assert_eq!(reader.finish(), Err(ReadError::Truncated));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReadError {
    /// It does not begin as a snapshot does.
    Foreign,
    /// It has a later version, this one, than can be read. Use a newer reader.
    Newer(u16),
    /// A checksum is wrong, or what it covers makes no sense, or there are bytes after the end.
    Corrupted,
    /// The end is missing.
    Truncated,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no snapshot"),
            Self::Newer(version) => {
                let known = format::VERSION;
                write!(
                    f,
                    "its version is {version}, and {known} is the latest known"
                )
            }
            Self::Corrupted => f.write_str("it is corrupted"),
            Self::Truncated => f.write_str("its end is missing"),
        }
    }
}

impl core::error::Error for ReadError {}

/// A part of a snapshot.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Part<'i> {
    /// More bytes are wanted: this many, with those that were given.
    Wanted(usize),
    /// The header.
    Header(Header),
    /// Items.
    Block(Block<'i>),
    /// The end; holds how many items there are in all blocks.
    End(u64),
}

/// What the header of a snapshot says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Whether the items come in the order of use.
    pub in_order: bool,
    /// What the wall clock showed at the save, as the time since 1970.
    pub saved_at: Option<Instant>,
    /// How much time has passed since, as far as the clocks know.
    pub away: Duration,
    /// About how many items there are, if that was known at the beginning. Nothing has checked it.
    pub items: Option<usize>,
}

/// Reads a snapshot.
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::{Block, Clocks, Header, Part, Reader, Record};
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let clocks = Clocks::new(Instant::from_secs(0));
/// cache.set(clocks.now, "key", "value")?;
/// let (mut buffer, mut file) = ([0; 4096], Vec::new());
/// let mut save = cache.save(clocks);
/// while let piece @ [_, ..] = save.next(&mut buffer)? {
///     file.extend_from_slice(piece);
/// }
///
/// let mut reader = Reader::new(clocks);
/// let (mut rest, mut keys) = (&file[..], Vec::new());
/// loop {
///     let (used, part): (usize, Part) = reader.next(rest)?;
///     rest = &rest[used..];
///     match part {
///         Part::Header(header) => assert!(Header::is_of_now(&header)),
///         Part::Block(block) => {
///             let block: Block = block;
///             assert_eq!((block.len(), block.is_empty(), block.last_cas()), (1, false, 1));
///             keys.extend(block.records().map(|record: Record| record.key.to_vec()));
///         }
///         // The whole file is there, so it is its end that is missing.
///         _ => break,
///     }
/// }
/// assert_eq!(reader.finish()?, 1);
/// assert_eq!(keys, [b"key"]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    unix: Option<Instant>,
    header: Option<Header>,
    /// How many blocks and items there were.
    blocks: u64,
    items: u64,
    last_cas: u64,
    is_complete: bool,
}

impl Header {
    /// Whether no time has passed since the save, as far as the clocks know.
    #[must_use]
    pub const fn is_of_now(&self) -> bool {
        self.away.is_zero()
    }
}

impl Reader {
    /// A reader whose host has these clocks.
    #[must_use]
    pub const fn new(clocks: Clocks) -> Self {
        Self {
            unix: clocks.unix,
            header: None,
            blocks: 0,
            items: 0,
            last_cas: 0,
            is_complete: false,
        }
    }

    /// The part at the front of the input, and how many bytes it has. It has none if more are
    /// wanted: call it again with those bytes and the ones that follow.
    ///
    /// A block is verified before it is returned: its checksum is right, and it is made of whole
    /// items.
    ///
    /// # Errors
    /// [`ReadError`]; the reader is of no use then.
    pub fn next<'i>(&mut self, input: &'i [u8]) -> Result<(usize, Part<'i>), ReadError> {
        if self.is_complete {
            return match input {
                [] => Ok((0, Part::Wanted(1))),
                _ => Err(ReadError::Corrupted),
            };
        }
        match self.header {
            None => self.read_header(input),
            Some(header) => self.read_block(input, header),
        }
    }

    fn read_header<'i>(&mut self, input: &'i [u8]) -> Result<(usize, Part<'i>), ReadError> {
        let Some(bytes) = input.first_chunk() else {
            return Ok((0, Part::Wanted(HEADER_SIZE)));
        };
        let header = FileHeader::decode(bytes).map_err(|error| match error {
            BadHeader::Magic => ReadError::Foreign,
            BadHeader::Version(version) => ReadError::Newer(version),
            BadHeader::Checksum => ReadError::Corrupted,
        })?;
        let saved_at = Some(header.saved_at).filter(|&millis| millis != 0);
        let saved_at = saved_at.map(Instant::from_millis);
        let away = self.unix.zip(saved_at).map(|(now, then)| now.since(then));
        let header = Header {
            in_order: header.in_order,
            saved_at,
            away: away.unwrap_or_default(),
            items: usize::try_from(header.items)
                .ok()
                .filter(|&items| items > 0),
        };
        self.header = Some(header);
        Ok((HEADER_SIZE, Part::Header(header)))
    }

    fn read_block<'i>(
        &mut self,
        input: &'i [u8],
        header: Header,
    ) -> Result<(usize, Part<'i>), ReadError> {
        let Some(bytes) = input.first_chunk() else {
            // No block is shorter than the end.
            return Ok((0, Part::Wanted(END_SIZE)));
        };
        let fields = BlockHeader::decode(bytes).ok_or(ReadError::Corrupted)?;
        let size = BLOCK_HEADER.saturating_add(fields.len);
        if size > BLOCK_SIZE_MAX {
            return Err(ReadError::Corrupted);
        }
        let Some(block) = input.get(..size) else {
            return Ok((0, Part::Wanted(size)));
        };
        let payload = &block[BLOCK_HEADER..];
        self.blocks += 1;
        if !fields.fits(self.blocks, block) {
            return Err(ReadError::Corrupted);
        }
        if fields.items == 0 {
            let count = format::decode_count(payload).filter(|&count| count == self.items);
            let count = count.ok_or(ReadError::Corrupted)?;
            self.is_complete = true;
            return Ok((size, Part::End(count)));
        }
        if !is_whole(payload, fields.items) {
            return Err(ReadError::Corrupted);
        }
        self.items += u64::from(fields.items);
        self.last_cas = self.last_cas.max(fields.last_cas);
        let block = Block {
            payload,
            items: fields.items,
            last_cas: self.last_cas,
            away: header.away,
        };
        Ok((size, Part::Block(block)))
    }

    /// Whether the end was read.
    pub(super) const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// How many items the snapshot had.
    ///
    /// # Errors
    /// [`ReadError::Truncated`] if there is more to come.
    pub const fn finish(self) -> Result<u64, ReadError> {
        if !self.is_complete {
            return Err(ReadError::Truncated);
        }
        Ok(self.items)
    }
}

/// Whether a payload is this number of items and nothing else.
fn is_whole(mut payload: &[u8], items: u32) -> bool {
    (0..items).all(|_| format::decode_item(&mut payload).is_some()) && payload.is_empty()
}

/// Items of a snapshot.
#[derive(Clone, Copy)]
pub struct Block<'i> {
    payload: &'i [u8],
    items: u32,
    last_cas: u64,
    away: Duration,
}

impl<'i> Block<'i> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.items as usize
    }

    /// Whether there are none: no block is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The last `cas` that the caches had given by then, 0 if they gave none:
    /// [`Cache::resume_cas`](crate::Cache::resume_cas) goes on from it.
    #[must_use]
    pub const fn last_cas(&self) -> u64 {
        self.last_cas
    }

    /// The items, as they are now: with the time that has passed since the save.
    pub fn records(&self) -> impl Iterator<Item = Record<'i>> + use<'i> {
        let Self { payload, away, .. } = *self;
        let mut payload = payload;
        core::iter::from_fn(move || format::decode_item(&mut payload)).map(move |record| Record {
            expires_in: record.expires_in.map(|time| time.saturating_sub(away)),
            idle: record
                .idle
                .saturating_add(Duration::from_secs(away.as_secs())),
            ..record
        })
    }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (items, size) = (self.items, self.payload.len());
        f.debug_struct("Block")
            .field("items", &items)
            .field("size", &size)
            .finish_non_exhaustive()
    }
}
