//! The memory that is lent to a cache: mapped pages of the operating system.

use std::io;
use std::ops::Range;

use dynamidb_core::Memory;
use memmap2::{MmapMut, MmapOptions};

/// The size of a huge page, and from which size on they are asked for: a quarter of the time of a
/// lookup in a large cache is spent on translating addresses of small pages.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;
#[cfg(target_os = "linux")]
const HUGE_PAGES_FROM: usize = 4 << 20;

/// Zeroed memory that belongs to nobody else. Pages are resident once they are written.
#[derive(Debug)]
pub(crate) struct Region {
    map: MmapMut,
}

impl Region {
    /// Memory of `len` bytes, with addresses for up to `most` if the system has so many: who asks
    /// for more later gets them without moving.
    pub(crate) fn new(len: usize, most: usize) -> io::Result<Self> {
        let reserve = |len| MmapOptions::new().len(len).no_reserve_swap().map_anon();
        let map = reserve(most).or_else(|_| MmapMut::map_anon(len))?;
        Ok(Self { map })
    }
}

impl Memory for Region {
    fn capacity(&self) -> usize {
        self.map.len()
    }

    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }

    fn extend_to(&mut self, _len: usize) {}

    /// Asks for huge pages within the range: one that reached over its ends would be resident as a
    /// whole.
    fn limit_to(&mut self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        if range.len() >= HUGE_PAGES_FROM {
            let start = range.start.next_multiple_of(HUGE_PAGE);
            let len = (range.end - start) / HUGE_PAGE * HUGE_PAGE;
            let advice = memmap2::Advice::HugePage;
            if let Err(error) = self.map.advise_range(advice, start, len) {
                tracing::debug!("no huge pages: {error}");
            }
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }
}
