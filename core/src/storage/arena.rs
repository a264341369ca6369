//! The lent bytes as numbered pages, and positions in them.
//!
//! All that a cache keeps lies in one slice of bytes. Its pages are numbered from 0; every
//! `page_size / 32` pages form an extent whose first page holds the 32-byte records of all pages in
//! it. So page 0 is never anybody's memory, which makes position 0 free to mean "none", and memory
//! that was never used is never touched, records included.

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

const RECORD_SHIFT: u32 = 5;

/// Where pages, records and chunks lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Where page 0 begins: on a cache line, behind the index map. Not a `usize`, so that the
    /// compiler knows that no sum with it overflows.
    base: u32,
    page_shift: u32,
    /// Cache lines of a page, less one.
    line_mask: u32,
    pages: u32,
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

    pub(crate) const fn new(base: usize, page_size: usize, pages: u32) -> Self {
        Self {
            base: base as u32,
            page_shift: page_size.trailing_zeros(),
            line_mask: (page_size / Self::LINE) as u32 - 1,
            pages,
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
        (number >> self.lines_shift(), number & self.line_mask)
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
    pub(crate) const fn line_at(&self, line: u32) -> usize {
        self.base() + line as usize * Self::LINE
    }

    pub(crate) const fn page_size(&self) -> usize {
        1 << self.page_shift
    }

    #[inline]
    const fn base(&self) -> usize {
        self.base as usize
    }

    /// How many pages there are room for; how many may be used is up to the slabs.
    pub(crate) const fn pages(&self) -> u32 {
        self.pages
    }

    /// The end of the first `pages` pages, in bytes from the start of the memory.
    pub(crate) fn end_of(&self, pages: u32) -> usize {
        self.base() + ((pages.min(self.pages) as usize) << self.page_shift)
    }

    /// Where a chunk begins.
    #[inline]
    pub(crate) const fn at(&self, chunk: ChunkRef) -> usize {
        self.base() + ((chunk.0 as usize) << Self::GRANULE_SHIFT)
    }

    /// The chunk that begins there.
    pub(crate) const fn chunk_at(&self, at: usize) -> ChunkRef {
        ChunkRef(((at - self.base()) >> Self::GRANULE_SHIFT) as u32)
    }

    /// The page that holds this chunk.
    #[inline]
    pub(crate) const fn page_of(&self, chunk: ChunkRef) -> Page {
        Page(chunk.0 >> (self.page_shift - Self::GRANULE_SHIFT))
    }

    /// Where a page begins.
    #[inline]
    pub(crate) const fn page_at(&self, page: Page) -> usize {
        self.base() + ((page.0 as usize) << self.page_shift)
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
    pub(crate) const fn record_at(&self, page: Page) -> usize {
        let first = Page(page.0 & !self.extent_mask());
        self.page_at(first) + (((page.0 & self.extent_mask()) as usize) << RECORD_SHIFT)
    }
}

/// The little-endian word at `at`.
#[inline]
pub(crate) fn word(memory: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(memory, at))
}

/// Writes a little-endian word at `at`.
#[inline]
pub(crate) fn set_word(memory: &mut [u8], at: usize, word: u32) {
    *array_mut(memory, at) = word.to_le_bytes();
}

/// The little-endian half word at `at`.
#[inline]
pub(crate) fn half(memory: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(memory, at))
}

/// Writes a little-endian half word at `at`.
#[inline]
pub(crate) fn set_half(memory: &mut [u8], at: usize, half: u16) {
    *array_mut(memory, at) = half.to_le_bytes();
}

/// `N` bytes at `at`.
#[inline]
pub(crate) fn array<const N: usize>(memory: &[u8], at: usize) -> [u8; N] {
    *array_ref(memory, at)
}

/// `N` bytes at `at`, where they are.
#[inline]
pub(crate) fn array_ref<const N: usize>(memory: &[u8], at: usize) -> &[u8; N] {
    let bytes = memory.get(at..at + N).and_then(<[u8]>::first_chunk);
    bytes.unwrap_or_else(|| beyond())
}

/// `N` bytes at `at`, to write.
#[inline]
pub(crate) fn array_mut<const N: usize>(memory: &mut [u8], at: usize) -> &mut [u8; N] {
    let bytes = memory.get_mut(at..at + N).and_then(<[u8]>::first_chunk_mut);
    bytes.unwrap_or_else(|| beyond())
}

/// `len` bytes at `at`.
#[inline]
pub(crate) fn slice(memory: &[u8], at: usize, len: usize) -> &[u8] {
    memory.get(at..at + len).unwrap_or_else(|| beyond())
}

/// `len` bytes at `at`, to write.
#[inline]
pub(crate) fn slice_mut(memory: &mut [u8], at: usize, len: usize) -> &mut [u8] {
    memory.get_mut(at..at + len).unwrap_or_else(|| beyond())
}

/// Writes bytes at `at`.
#[inline]
pub(crate) fn write(memory: &mut [u8], at: usize, bytes: &[u8]) {
    slice_mut(memory, at, bytes.len()).copy_from_slice(bytes);
}

/// Copies `len` bytes to a place that does not overlap theirs.
pub(crate) fn copy(memory: &mut [u8], from: usize, to: usize, len: usize) {
    let Some((low, high)) = memory.split_at_mut_checked(from.max(to)) else {
        beyond()
    };
    if from < to {
        write(high, 0, slice(low, from, len));
    } else {
        write(low, to, slice(high, 0, len));
    }
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
            let geometry = Geometry::new(64, page_size, 1 << 16);
            let extent = (page_size / 32) as u32;
            assert!(geometry.holds_records(Page(0)) && geometry.holds_records(Page(extent)));
            assert!(!geometry.holds_records(Page(1)) && !geometry.holds_records(Page(extent - 1)));
            let last = geometry.record_at(Page(2 * extent - 1));
            assert_eq!(last + 32, geometry.page_at(Page(extent + 1)));
        }
    }

    #[test]
    fn a_chunk_is_found_from_its_position_and_knows_its_page() {
        let geometry = Geometry::new(128, 4096, 100);
        let at = geometry.page_at(Page(7)) + 3 * 64;
        let chunk = geometry.chunk_at(at);
        assert_eq!((geometry.at(chunk), geometry.page_of(chunk)), (at, Page(7)));
        assert_eq!(ChunkRef::from_word(chunk.within(0xF000_0000)), chunk);
        assert_eq!(chunk.within(0xF000_0000) >> 28, 0xF);
    }
}
