//! The memory of a cache as numbered pages, and positions in it.
//!
//! All that a cache keeps lies in one slice of bytes, the arena. Its pages are numbered from 0;
//! every `page_size / 32` pages form an extent whose first page holds the 32-byte records of all
//! pages in it. So page 0 is never anybody's memory, which makes position 0 free to mean "none",
//! and memory that was never used is never touched, records included.

use core::ops::{Add, Deref, Range};

use super::prefetch::prefetch;

/// A place in the arena where a chunk begins, counted in 16 bytes. It fits 28 bits, which leaves
/// four for whoever stores it, and reaches 4 GiB.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct ChunkRef(u32);

impl ChunkRef {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const BITS: u32 = 28;
    const MASK: u32 = (1 << Self::BITS) - 1;

    /// The reference in the low bits of a word; the four high bits are somebody else's.
    pub(crate) const fn from_word(word: u32) -> Self {
        Self(word & Self::MASK)
    }

    /// The word with this reference in its low bits and its high bits kept.
    pub(crate) const fn within(self, word: u32) -> u32 {
        (word & !Self::MASK) | self.0
    }

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The chunk that begins `bytes` later; all sizes of chunks are multiples of 16.
    pub(crate) const fn after(self, bytes: usize) -> Self {
        Self(self.0 + (bytes >> Geometry::GRANULE_SHIFT) as u32)
    }

    /// How many bytes before this chunk an earlier one begins.
    pub(crate) const fn since(self, earlier: Self) -> usize {
        ((self.0 - earlier.0) as usize) << Geometry::GRANULE_SHIFT
    }
}

/// Number of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Page(pub(crate) u32);

impl Page {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// A position in the arena, in bytes from its start.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Offset(usize);

impl Offset {
    /// Where the arena begins.
    pub(crate) const START: Self = Self(0);

    /// How many bytes lie between an earlier position and this one.
    pub(crate) const fn since(self, earlier: Self) -> usize {
        self.0 - earlier.0
    }

    #[inline]
    const fn range(self, len: usize) -> Range<usize> {
        self.0..self.0 + len
    }
}

impl Add<usize> for Offset {
    type Output = Self;

    #[inline]
    fn add(self, len: usize) -> Self {
        Self(self.0 + len)
    }
}

const RECORD_SHIFT: u32 = 5;

/// Where pages, records and chunks lie. Two numbers and no more, so that it stays in registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Where page 0 begins: on a cache line, behind the index map. Not a `usize`, so that the
    /// compiler knows that no sum with it overflows.
    base: u32,
    page_shift: u32,
}

impl Geometry {
    /// Cache lines, and the alignment of page 0.
    pub(crate) const LINE: usize = 64;

    /// Bytes of the record of a page.
    pub(crate) const RECORD: usize = 1 << RECORD_SHIFT;

    /// Chunks begin at multiples of this.
    pub(crate) const GRANULE: usize = 1 << Self::GRANULE_SHIFT;
    const GRANULE_SHIFT: u32 = 4;

    /// The most memory that a reference reaches, which may be more than there are addresses.
    pub(crate) const MEMORY_MAX: u64 = (Self::GRANULE as u64) << ChunkRef::BITS;

    pub(crate) const fn new(base: usize, page_size: usize) -> Self {
        Self {
            base: base as u32,
            page_shift: page_size.trailing_zeros(),
        }
    }

    /// How many cache lines a page has, as a shift.
    #[inline]
    const fn lines_shift(&self) -> u32 {
        self.page_shift - Self::LINE.trailing_zeros()
    }

    /// Which page, and which line of it, the n-th line is where lines fill pages one by one.
    #[inline]
    pub(crate) const fn split_line(&self, number: u32) -> (u32, u32) {
        let page = number >> self.lines_shift();
        (page, number - (page << self.lines_shift()))
    }

    /// The first cache line of a page, counted from page 0.
    pub(crate) const fn first_line(&self, page: Page) -> u32 {
        page.0 << self.lines_shift()
    }

    /// The page that begins with this line.
    pub(crate) const fn page_of_line(&self, line: u32) -> Page {
        Page(line >> self.lines_shift())
    }

    /// Where a cache line begins.
    #[inline]
    pub(crate) const fn line_at(&self, line: u32) -> Offset {
        Offset(self.base() + line as usize * Self::LINE)
    }

    pub(crate) const fn page_size(&self) -> usize {
        1 << self.page_shift
    }

    #[inline]
    const fn base(&self) -> usize {
        self.base as usize
    }

    /// The end of the first `pages` pages, in bytes from the start of the memory.
    pub(crate) const fn end_of(&self, pages: u32) -> usize {
        self.base() + ((pages as usize) << self.page_shift)
    }

    /// Where a chunk begins.
    #[inline]
    pub(crate) const fn at(&self, chunk: ChunkRef) -> Offset {
        Offset(self.base() + ((chunk.0 as usize) << Self::GRANULE_SHIFT))
    }

    /// The chunk that begins there.
    pub(crate) const fn chunk_at(&self, at: Offset) -> ChunkRef {
        ChunkRef(((at.0 - self.base()) >> Self::GRANULE_SHIFT) as u32)
    }

    /// The page that holds this chunk.
    #[inline]
    pub(crate) const fn page_of(&self, chunk: ChunkRef) -> Page {
        Page(chunk.0 >> (self.page_shift - Self::GRANULE_SHIFT))
    }

    /// The chunk at the beginning of a page.
    #[inline]
    pub(crate) const fn first_chunk(&self, page: Page) -> ChunkRef {
        ChunkRef(page.0 << (self.page_shift - Self::GRANULE_SHIFT))
    }

    /// Where a page begins.
    #[inline]
    pub(crate) const fn page_at(&self, page: Page) -> Offset {
        Offset(self.base() + ((page.0 as usize) << self.page_shift))
    }

    pub(crate) const fn extent_mask(&self) -> u32 {
        (1 << (self.page_shift - RECORD_SHIFT)) - 1
    }

    /// Whether this page holds records and nothing else.
    pub(crate) const fn holds_records(&self, page: Page) -> bool {
        page.0 & self.extent_mask() == 0
    }

    /// Where the record of a page begins.
    #[inline]
    pub(crate) const fn record_at(&self, page: Page) -> Offset {
        let first = self.page_at(Page(page.0 & !self.extent_mask()));
        Offset(first.0 + (((page.0 & self.extent_mask()) as usize) << RECORD_SHIFT))
    }
}

/// The bytes of a cache, and where pages and chunks lie in them. The files that know the layout of
/// something in it make views of that: page records, buckets, item headers, chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arena<B> {
    bytes: B,
    pub(crate) geometry: Geometry,
}

/// An arena to read.
pub(crate) type ArenaRef<'m> = Arena<&'m [u8]>;

/// An arena to write.
pub(crate) type ArenaMut<'m> = Arena<&'m mut [u8]>;

impl<B: Deref<Target = [u8]>> Arena<B> {
    #[inline]
    pub(crate) const fn new(bytes: B, geometry: Geometry) -> Self {
        Self { bytes, geometry }
    }

    /// The same arena, to read.
    #[inline]
    pub(crate) fn view(&self) -> ArenaRef<'_> {
        Arena::new(&self.bytes, self.geometry)
    }

    /// `N` bytes at `at`.
    #[inline]
    pub(crate) fn array<const N: usize>(&self, at: Offset) -> &[u8; N] {
        let bytes = self.bytes.get(at.range(N)).and_then(<[u8]>::first_chunk);
        bytes.unwrap_or_else(|| beyond())
    }

    /// The little-endian word at `at`.
    #[inline]
    pub(crate) fn word(&self, at: Offset) -> u32 {
        u32::from_le_bytes(*self.array(at))
    }

    /// Asks for the cache line of the byte at `at`.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn prefetch(&self, at: Offset) {
        prefetch(&self.bytes, at.0);
    }
}

impl<'m> ArenaRef<'m> {
    /// `len` bytes at `at`.
    #[inline]
    pub(crate) fn slice(self, at: Offset, len: usize) -> &'m [u8] {
        self.bytes.get(at.range(len)).unwrap_or_else(|| beyond())
    }
}

impl ArenaMut<'_> {
    /// The same arena, for a call that is seldom made: this one stays in registers, because nobody
    /// has its address.
    #[inline]
    pub(crate) fn reborrow(&mut self) -> ArenaMut<'_> {
        Arena::new(self.bytes, self.geometry)
    }

    /// `N` bytes at `at`, to write.
    #[inline]
    pub(crate) fn array_mut<const N: usize>(&mut self, at: Offset) -> &mut [u8; N] {
        let bytes = self.bytes.get_mut(at.range(N));
        let bytes = bytes.and_then(<[u8]>::first_chunk_mut);
        bytes.unwrap_or_else(|| beyond())
    }

    /// Writes a little-endian word at `at`.
    #[inline]
    pub(crate) fn set_word(&mut self, at: Offset, word: u32) {
        *self.array_mut(at) = word.to_le_bytes();
    }

    /// `len` bytes at `at`, to write.
    #[inline]
    pub(crate) fn slice_mut(&mut self, at: Offset, len: usize) -> &mut [u8] {
        let bytes = self.bytes.get_mut(at.range(len));
        bytes.unwrap_or_else(|| beyond())
    }

    /// Writes bytes at `at`.
    #[inline]
    pub(crate) fn write(&mut self, at: Offset, bytes: &[u8]) {
        self.slice_mut(at, bytes.len()).copy_from_slice(bytes);
    }

    /// Copies `len` bytes to where they do not overlap those that are copied.
    pub(crate) fn copy(&mut self, from: Offset, to: Offset, len: usize) {
        let Some((low, high)) = self.bytes.split_at_mut_checked(from.0.max(to.0)) else {
            beyond()
        };
        let (low_at, source_is_low) = (from.0.min(to.0), from < to);
        let (Some(low), Some(high)) = (low.get_mut(low_at..low_at + len), high.get_mut(..len))
        else {
            beyond()
        };
        if source_is_low {
            high.copy_from_slice(low);
        } else {
            low.copy_from_slice(high);
        }
    }
}

/// The little-endian word at `at`, in a record of fixed size.
#[inline]
pub(crate) fn word(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(part(record, at))
}

/// Writes a little-endian word at `at`.
#[inline]
pub(crate) fn set_word(record: &mut [u8], at: usize, word: u32) {
    *part_mut(record, at) = word.to_le_bytes();
}

/// The little-endian half word at `at`.
#[inline]
pub(crate) fn half(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(part(record, at))
}

/// Writes a little-endian half word at `at`.
#[inline]
pub(crate) fn set_half(record: &mut [u8], at: usize, half: u16) {
    *part_mut(record, at) = half.to_le_bytes();
}

/// `N` bytes of a record.
#[inline]
pub(crate) fn part<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    let bytes = record.get(at..at + N).and_then(<[u8]>::first_chunk);
    *bytes.unwrap_or_else(|| beyond())
}

/// `N` bytes of a record, to write.
#[inline]
pub(crate) fn part_mut<const N: usize>(record: &mut [u8], at: usize) -> &mut [u8; N] {
    let bytes = record.get_mut(at..at + N);
    let bytes = bytes.and_then(<[u8]>::first_chunk_mut);
    bytes.unwrap_or_else(|| beyond())
}

/// Every position comes from what the cache itself has written. One that is not in the memory means
/// that somebody else has written there, and that nothing in it can be trusted any more.
#[cold]
#[inline(never)]
fn beyond() -> ! {
    panic!("somebody else has written to the memory of the cache")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_an_extent_fill_its_first_page() {
        for page_size in [512, 1024, 4096, 65536] {
            let geometry = Geometry::new(64, page_size);
            let extent = (page_size / 32) as u32;
            assert!(geometry.holds_records(Page(0)) && geometry.holds_records(Page(extent)));
            assert!(!geometry.holds_records(Page(1)) && !geometry.holds_records(Page(extent - 1)));
            let last = geometry.record_at(Page(2 * extent - 1));
            assert_eq!(last + 32, geometry.page_at(Page(extent + 1)));
        }
    }

    #[test]
    fn a_chunk_is_found_from_its_position_and_knows_its_page() {
        let geometry = Geometry::new(128, 4096);
        let at = geometry.page_at(Page(7)) + 3 * 64;
        let chunk = geometry.chunk_at(at);
        assert_eq!((geometry.at(chunk), geometry.page_of(chunk)), (at, Page(7)));
        assert_eq!(ChunkRef::from_word(chunk.within(0xF000_0000)), chunk);
        assert_eq!(chunk.within(0xF000_0000) >> 28, 0xF);
    }
}
