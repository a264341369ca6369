//! The bytes of a snapshot: only this file knows where each of them is. The table is in
//! `snapshot.rs`.

use core::time::Duration;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline};

use super::record::{Entry, Record};
use crate::{Cas, Key};

/// The version of the format that is written; all up to it are read.
pub const VERSION: u16 = 1;

/// Bytes of the header.
pub const HEADER_SIZE: usize = 32;

/// Bytes of the last block.
pub const END_SIZE: usize = BLOCK_HEADER + 8;

/// The largest block that is written or read: an item of 16 MiB fits.
pub const BLOCK_SIZE_MAX: usize = (16 << 20) + BLOCK_HEADER + ITEM_HEADER_MAX + Key::LEN_MAX;

/// How large a buffer has to be for a cache with items of up to this size.
///
/// # Examples
/// ```
/// use dynamidb_core::snapshot::{BLOCK_SIZE_MAX, END_SIZE, HEADER_SIZE, buffer_size};
///
/// assert!(buffer_size(0) >= HEADER_SIZE.max(END_SIZE));
/// assert!(buffer_size(16 << 20) <= BLOCK_SIZE_MAX);
/// ```
#[must_use]
pub const fn buffer_size(item_size_max: usize) -> usize {
    BLOCK_HEADER + ITEM_HEADER_MAX + item_size_max
}

pub(super) const BLOCK_HEADER: usize = 24;
const ITEM_HEADER: usize = 10;
const ITEM_HEADER_MAX: usize = ITEM_HEADER + 4 + 8 + 8;

const MAGIC: [u8; 8] = *b"\x89DynDB\r\n";
const IN_ORDER: u16 = 1;

const HAS_FLAGS: u8 = 1 << 0;
const EXPIRES: u8 = 1 << 1;
const HAS_CAS: u8 = 1 << 2;
const FETCHED: u8 = 1 << 3;
const STALE: u8 = 1 << 4;
const WON: u8 = 1 << 5;
const BASE64: u8 = 1 << 6;
const QUEUED: u8 = 1 << 7;

/// What the header of a file says besides its version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileHeader {
    pub(super) in_order: bool,
    /// About how many items there are, or 0.
    pub(super) items: u32,
    /// Milliseconds since 1970, or 0.
    pub(super) saved_at: u64,
}

/// Why a header is none.
#[derive(Debug)]
pub(super) enum BadHeader {
    Magic,
    Version(u16),
    Checksum,
}

impl FileHeader {
    pub(super) fn encode(self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let mut output = Output(&mut bytes);
        output.put(&MAGIC);
        output.put(&VERSION.to_le_bytes());
        output.put(&if self.in_order { IN_ORDER } else { 0 }.to_le_bytes());
        output.put(&self.items.to_le_bytes());
        output.put(&self.saved_at.to_le_bytes());
        let sum = checksum(0, &bytes[..HEADER_SIZE - 8]);
        bytes[HEADER_SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The version comes first: a later one may have another header.
    pub(super) fn decode(bytes: &[u8; HEADER_SIZE]) -> Result<Self, BadHeader> {
        let (covered, sum) = bytes.split_at(HEADER_SIZE - 8);
        let mut input = Input(covered);
        if input.take() != Some(MAGIC) {
            return Err(BadHeader::Magic);
        }
        let version = input.u16().unwrap_or_default();
        if version > VERSION {
            return Err(BadHeader::Version(version));
        }
        if sum != checksum(0, covered).to_le_bytes() {
            return Err(BadHeader::Checksum);
        }
        let in_order = input.u16().is_some_and(|bits| bits & IN_ORDER != 0);
        let items = input.u32().unwrap_or_default();
        let saved_at = input.u64().unwrap_or_default();
        Ok(Self {
            in_order,
            items,
            saved_at,
        })
    }
}

/// The fields of a block's header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BlockHeader {
    sum: u64,
    pub(super) len: usize,
    pub(super) items: u32,
    pub(super) last_cas: u64,
}

impl BlockHeader {
    pub(super) fn decode(bytes: &[u8; BLOCK_HEADER]) -> Option<Self> {
        let mut input = Input(bytes);
        Some(Self {
            sum: input.u64()?,
            len: usize::try_from(input.u32()?).ok()?,
            items: input.u32()?,
            last_cas: input.u64()?,
        })
    }

    /// Whether this is the header of the block with this number.
    pub(super) fn fits(&self, number: u64, block: &[u8]) -> bool {
        block.get(8..).map(|covered| checksum(number, covered)) == Some(self.sum)
    }
}

/// Writes the header of a block whose payload is in place already.
pub(super) fn seal(block: &mut [u8], number: u64, items: u32, last_cas: u64) {
    let Some((header, payload)) = block.split_first_chunk_mut::<BLOCK_HEADER>() else {
        return;
    };
    // A block has at most `BLOCK_SIZE_MAX` bytes.
    let len = payload.len() as u32;
    let mut output = Output(&mut header[8..]);
    output.put(&len.to_le_bytes());
    output.put(&items.to_le_bytes());
    output.put(&last_cas.to_le_bytes());
    let sum = checksum(number, &block[8..]);
    block[..8].copy_from_slice(&sum.to_le_bytes());
}

/// Bytes of an item in a block.
pub(super) fn item_size(entry: &Entry<'_>) -> usize {
    let Record {
        flags,
        expires_in,
        cas,
        key,
        ..
    } = entry.record;
    let optional = 4 * usize::from(flags != 0)
        + 8 * usize::from(expires_in.is_some())
        + 8 * usize::from(cas.is_some());
    (ITEM_HEADER + optional + key.len()).saturating_add(entry.value.len())
}

/// Writes an item into as many bytes as it has.
pub(super) fn encode_item(entry: &Entry<'_>, bytes: &mut [u8]) {
    let record = &entry.record;
    let bits = [
        (record.flags != 0, HAS_FLAGS),
        (record.expires_in.is_some(), EXPIRES),
        (record.cas.is_some(), HAS_CAS),
        (record.fetched, FETCHED),
        (record.stale, STALE),
        (record.won, WON),
        (record.base64, BASE64),
        (record.queued, QUEUED),
    ];
    let bits = bits.iter().filter(|(is_set, _)| *is_set);
    let bits = bits.fold(0, |bits, (_, bit)| bits | bit);
    let mut output = Output(bytes);
    output.put(&[bits, record.key.len() as u8]);
    output.put(&(entry.value.len() as u32).to_le_bytes());
    let idle = u32::try_from(record.idle.as_secs()).unwrap_or(u32::MAX);
    output.put(&idle.to_le_bytes());
    if record.flags != 0 {
        output.put(&record.flags.to_le_bytes());
    }
    if let Some(time) = record.expires_in {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        output.put(&millis.to_le_bytes());
    }
    if let Some(cas) = record.cas {
        output.put(&cas.get().to_le_bytes());
    }
    output.put(record.key);
    entry.value.pieces().for_each(|piece| output.put(piece));
}

/// Takes an item off the front of a payload; `None` if there is no whole one.
pub(super) fn decode_item<'i>(payload: &mut &'i [u8]) -> Option<Record<'i>> {
    let mut input = Input(payload);
    let [bits, key_len] = input.take()?;
    let value_len = usize::try_from(input.u32()?).ok()?;
    let idle = Duration::from_secs(input.u32()?.into());
    let has = |bit| bits & bit != 0;
    let flags = if has(HAS_FLAGS) { input.u32()? } else { 0 };
    let expires_in = match has(EXPIRES) {
        true => Some(Duration::from_millis(input.u64()?)),
        false => None,
    };
    let cas = if has(HAS_CAS) { input.u64()? } else { 0 };
    let key = input.bytes(key_len.into())?;
    let value = input.bytes(value_len)?;
    let is_key = (1..=Key::LEN_MAX).contains(&key.len());
    *payload = input.0;
    is_key.then_some(Record {
        key,
        value,
        flags,
        cas: Cas::new(cas),
        expires_in,
        idle,
        fetched: has(FETCHED),
        stale: has(STALE),
        won: has(WON),
        base64: has(BASE64),
        queued: has(QUEUED),
    })
}

/// The number at the front of a payload, if that is all there is.
pub(super) fn decode_count(payload: &[u8]) -> Option<u64> {
    let mut input = Input(payload);
    let count = input.u64()?;
    input.0.is_empty().then_some(count)
}

/// The same function as for keys, so that a device has it once.
fn checksum(number: u64, bytes: &[u8]) -> u64 {
    rapidhash_v3_nano_inline::<true, true>(bytes, &RapidSecrets::seed(number))
}

/// Bytes that are filled from the front. Whoever makes one has counted them.
struct Output<'o>(&'o mut [u8]);

impl Output<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.0.split_off_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

/// Bytes that are taken from the front.
struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    fn bytes(&mut self, len: usize) -> Option<&'i [u8]> {
        self.0.split_off(..len)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}
