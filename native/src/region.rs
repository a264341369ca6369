//! The memory that is lent to a cache: mapped pages of the operating system.

use std::io;

use dynamidb_core::Memory;
use memmap2::MmapMut;

/// From this size on huge pages are asked for: a quarter of the time of a lookup in a large cache
/// is spent on translating addresses of small ones.
const HUGE_PAGES_FROM: usize = 4 << 20;

/// Zeroed memory that belongs to nobody else. Pages are resident once they are written.
#[derive(Debug)]
pub(crate) struct Region {
    map: MmapMut,
}

impl Region {
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(len)?;
        #[cfg(target_os = "linux")]
        if len >= HUGE_PAGES_FROM
            && let Err(error) = map.advise(memmap2::Advice::HugePage)
        {
            tracing::debug!("no huge pages: {error}");
        }
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
}
