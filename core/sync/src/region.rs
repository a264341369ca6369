//! The memory of a shard: mapped pages of the operating system.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use dynamidb_core::{Cache, ConfigError, Memory};
#[cfg(target_os = "linux")]
use memmap2::UncheckedAdvice;
use memmap2::{MmapMut, MmapOptions};

use crate::ahead::Ahead;

/// The size of a huge page, and from which size on they are asked for: a quarter of the time of a
/// lookup in a large cache is spent on translating addresses of small pages.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 << 20;
#[cfg(target_os = "linux")]
const HUGE_PAGES_FROM: usize = 4 << 20;

/// So many bytes before a huge page is used it is cleared. They should last as long as that takes.
#[cfg(target_os = "linux")]
const AHEAD: usize = HUGE_PAGE / 2;
/// None is cleared before a region has grown by this: an idle process stays small.
#[cfg(target_os = "linux")]
const QUIET: usize = 256 << 10;

/// What is copied at a time: a piece without a byte in it was never used, and stays so.
const PIECE: usize = 4096;
/// What is given back to the system at once, so that not every page takes a call of it. It begins
/// at a multiple of this, which is the largest page of the systems with Linux: where pages are that
/// large the system would else clear all of the page in which it begins, items included.
const RELEASED_MIN: usize = 64 << 10;
/// What must be left for the rest of the process when memory is mapped where it is scarce: buffers
/// of clients, stacks, the allocator's own. A budget that leaves less is refused, because a process
/// that gets no memory for a buffer is at its end.
const LEFT_MIN: usize = 320 << 20;

/// A cache in mapped memory: one shard.
///
/// # Examples
/// ```
/// use dynamidb_core::Config;
/// use dynamidb_sync::{Region, Shard};
///
/// let shard: Shard = Shard::with_memory(Config::new(1 << 20), Region::new(1 << 20, false)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Shard = Cache<Region>;

/// The memory of a shard: zeroed, mapped for it alone. Pages are resident once they are written.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Memory};
/// use dynamidb_sync::Region;
///
/// let region = Region::new(1 << 20, true)?;
/// let mut cache = Cache::with_memory(Config::new(region.capacity()), region)?;
/// cache.set(Instant::from_secs(0), "key", "value")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Region {
    map: MmapMut,
    most: usize,
    /// What may be resident ends here.
    touched: usize,
    /// Where huge pages are asked for, and where dumps end.
    #[cfg(target_os = "linux")]
    advised: (Range<usize>, usize),
    /// From where on the next huge page is wanted, and where that is.
    #[cfg(target_os = "linux")]
    wanted_from: usize,
    #[cfg(target_os = "linux")]
    next_huge: usize,
    /// No huge page is asked for before this is in use. 0 until there is a limit.
    #[cfg(target_os = "linux")]
    quiet_until: usize,
    /// No huge page was asked for from here on.
    #[cfg(target_os = "linux")]
    asked_end: usize,
    /// Who hears of huge pages that are wanted, and as which shard.
    #[cfg(target_os = "linux")]
    ahead: Option<(Arc<Ahead>, usize)>,
}

impl Region {
    /// Memory that can become `most` bytes. If that many addresses may be set aside it is there at
    /// once and never moves; if not, or if there are none, it is mapped as it is reserved.
    ///
    /// # Errors
    /// The system has no memory to map.
    pub fn new(most: usize, set_aside: bool) -> io::Result<Self> {
        let map = match set_aside {
            true => map(most).or_else(|_| map(0))?,
            false => map(0)?,
        };
        Ok(Self {
            map,
            most,
            touched: 0,
            #[cfg(target_os = "linux")]
            advised: (0..0, 0),
            #[cfg(target_os = "linux")]
            wanted_from: usize::MAX,
            #[cfg(target_os = "linux")]
            next_huge: 0,
            #[cfg(target_os = "linux")]
            quiet_until: 0,
            #[cfg(target_os = "linux")]
            asked_end: 0,
            #[cfg(target_os = "linux")]
            ahead: None,
        })
    }

    /// The same memory, which says as this shard which huge page it will use next.
    #[cfg(target_os = "linux")]
    pub(crate) fn announcing(self, ahead: &Arc<Ahead>, index: usize) -> Self {
        Self {
            ahead: Some((Arc::clone(ahead), index)),
            ..self
        }
    }

    /// No other system is told about huge pages.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn announcing(self, _ahead: &Arc<Ahead>, _index: usize) -> Self {
        self
    }
}

/// Whether this many bytes more can be mapped, and enough is left then. Found out by doing it.
pub(crate) fn has_room(len: usize) -> bool {
    let mapped = map(len);
    mapped.is_ok() && MmapMut::map_anon(LEFT_MIN).is_ok()
}

fn map(len: usize) -> io::Result<MmapMut> {
    MmapOptions::new().len(len).no_reserve_swap().map_anon()
}

impl Memory for Region {
    fn capacity(&self) -> usize {
        self.most
    }

    fn bytes(&self) -> &[u8] {
        &self.map
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Moves what is used into a larger mapping, if addresses were not set aside. Both are there
    /// for a moment; remapping would avoid that, but not without `unsafe`, and not where a part of
    /// the mapping has huge pages.
    fn reserve(&mut self, len: usize) -> Result<(), ConfigError> {
        if len <= self.map.len() {
            return Ok(());
        }
        if !has_room(len) {
            return Err(ConfigError::OutOfMemory);
        }
        let mut larger = map(len).map_err(|_| ConfigError::OutOfMemory)?;
        for (to, from) in larger.chunks_mut(PIECE).zip(self.map.chunks(PIECE)) {
            if from.iter().any(|&byte| byte != 0) {
                to[..from.len()].copy_from_slice(from);
            }
        }
        self.map = larger;
        #[cfg(target_os = "linux")]
        {
            self.advised = (0..0, 0);
            self.wanted_from = usize::MAX;
            self.asked_end = 0;
        }
        Ok(())
    }

    fn extend_to(&mut self, len: usize) {
        debug_assert!(len <= self.map.len(), "it was reserved");
        self.touched = self.touched.max(len);
        #[cfg(target_os = "linux")]
        if len > self.wanted_from {
            self.want_next();
        }
    }

    /// Gives the end back to the system, so that what other shards get instead does not come on
    /// top. Small pieces wait until there are more.
    fn release(&mut self, len: usize) {
        let start = len.next_multiple_of(RELEASED_MIN);
        if start + RELEASED_MIN <= self.touched {
            #[cfg(target_os = "linux")]
            discard(&mut self.map, start..self.touched.max(self.asked_end));
            self.touched = start;
            #[cfg(target_os = "linux")]
            self.want_from(start);
        }
    }

    /// Asks for huge pages within the range: one that reached over its ends would be resident as a
    /// whole. What lies behind it is in no core file.
    fn limit_to(&mut self, range: Range<usize>) {
        #[cfg(target_os = "linux")]
        self.advise(&range);
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }
}

#[cfg(target_os = "linux")]
impl Region {
    /// Nothing but a comparison unless the range ends in another huge page than before.
    fn advise(&mut self, range: &Range<usize>) {
        let huge = if range.len() >= HUGE_PAGES_FROM {
            range.start.next_multiple_of(HUGE_PAGE)..range.end / HUGE_PAGE * HUGE_PAGE
        } else {
            0..0
        };
        let end = range.end.next_multiple_of(HUGE_PAGE).min(self.map.len());
        let before = std::mem::replace(&mut self.advised, (huge.clone(), end));
        if before == self.advised {
            return;
        }
        let advise = |advice, range: Range<usize>| {
            let advised = match range.len() {
                0 => Ok(()),
                len => self.map.advise_range(advice, range.start, len),
            };
            if let Err(error) = advised {
                tracing::debug!("{advice:?} is not taken: {error}");
            }
        };
        if huge.end < before.0.end {
            let start = huge.end.max(before.0.start);
            advise(memmap2::Advice::NoHugePage, start..before.0.end);
        }
        advise(memmap2::Advice::HugePage, huge);
        advise(memmap2::Advice::DoDump, 0..end);
        advise(memmap2::Advice::DontDump, end..self.map.len());
        let unwanted = self
            .touched
            .max(self.advised.0.end)
            .next_multiple_of(RELEASED_MIN);
        if unwanted < self.asked_end {
            discard(&mut self.map, unwanted..self.asked_end);
        }
        if self.quiet_until == 0 {
            self.quiet_until = self.touched + QUIET;
        }
        self.want_from(self.touched);
    }

    /// The huge pages from here on were not asked for.
    fn want_from(&mut self, start: usize) {
        let next = start.next_multiple_of(HUGE_PAGE);
        self.next_huge = next;
        let is_huge = self.advised.0.start <= next && next + HUGE_PAGE <= self.advised.0.end;
        self.wanted_from = match is_huge {
            true => next.saturating_sub(AHEAD).max(self.quiet_until),
            false => usize::MAX,
        };
    }

    /// Asks for the next huge page, unless it is in use.
    #[cold]
    fn want_next(&mut self) {
        let next = self.next_huge;
        if let Some((ahead, index)) = &self.ahead
            && next >= self.touched
        {
            ahead.want(*index, self.map.as_ptr() as usize + next);
            // Kept when it is given back: the thread may come to it only then.
            self.asked_end = self.asked_end.max(next + HUGE_PAGE);
        }
        self.want_from(next.max(self.touched) + 1);
    }
}

/// Has the system clear the huge page at this address, unless something is there already.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the shard's own thread uses the rest of the mapping meanwhile"
)]
pub(crate) fn populate(address: usize) -> io::Result<()> {
    let page = std::ptr::without_provenance_mut(address);
    // SAFETY: this changes no byte, whatever is mapped there or was by then: it only makes the
    // pages resident.
    match unsafe { libc::madvise(page, HUGE_PAGE, libc::MADV_POPULATE_WRITE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// No other system has it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn populate(_address: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Lets the system take back what is resident of a range, which is zero from then on.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "there is no safe call that shrinks what is resident"
)]
fn discard(map: &mut MmapMut, range: Range<usize>) {
    // SAFETY: the mapping is private and anonymous, and nobody else sees it: `map` is borrowed
    // mutably. Its bytes become zero, which is a value of `u8` like any other.
    let discarded =
        unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len()) };
    if let Err(error) = discarded {
        tracing::debug!("memory is not given back: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_keeps_every_byte_and_stays_zero_elsewhere() {
        let mut region = Region::new(64 << 20, false).unwrap();
        assert_eq!(region.capacity(), 64 << 20);
        region.reserve(100_000).unwrap();
        for at in [0, 1, PIECE - 1, PIECE, 50_000, 99_999] {
            region.bytes_mut()[at] = at as u8 | 1;
        }
        for len in [99_999, 100_001, 3 << 20, 64 << 20] {
            region.reserve(len).unwrap();
            assert!(region.bytes().len() >= len.max(100_000));
            let used: Vec<_> = region
                .bytes()
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte != 0)
                .collect();
            let expected = [0, 1, PIECE - 1, PIECE, 50_000, 99_999].map(|at| (at, at as u8 | 1));
            assert_eq!(used.len(), expected.len());
            assert!(
                used.iter()
                    .zip(expected)
                    .all(|(used, at)| (used.0, *used.1) == at)
            );
        }
    }

    /// Whatever the size of the pages of the system that tests it.
    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_released_is_zero_from_the_next_page_of_the_largest_size_on() {
        let mut region = Region::new(1 << 20, true).unwrap();
        region.extend_to(1 << 20);
        region.bytes_mut().fill(7);
        region.release((128 << 10) + 1);
        let (kept, released) = region.bytes().split_at(192 << 10);
        assert!(kept.iter().all(|&byte| byte == 7));
        assert!(released.iter().all(|&byte| byte == 0));
    }

    /// What the system was told about the page at this place of a region: `hg` to use huge pages,
    /// `nh` not to, `dd` to leave it out of a core file.
    #[cfg(target_os = "linux")]
    fn advice(region: &Region, at: usize) -> Vec<String> {
        let address = region.bytes().as_ptr() as usize + at;
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let hex = |number: &str| usize::from_str_radix(number, 16).ok();
        let mut is_inside = false;
        for line in maps.lines() {
            let range = line
                .split(' ')
                .next()
                .and_then(|range| range.split_once('-'));
            if let Some((Some(start), Some(end))) = range.map(|(start, end)| (hex(start), hex(end)))
            {
                is_inside = (start..end).contains(&address);
            } else if is_inside && let Some(flags) = line.strip_prefix("VmFlags:") {
                let told = flags.split_whitespace();
                let told = told.filter(|flag| ["hg", "nh", "dd"].contains(flag));
                return told.map(str::to_string).collect();
            }
        }
        panic!("the region is not mapped");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_used_part_of_a_large_region_has_huge_pages_and_is_in_core_files() {
        let mut region = Region::new(HUGE_PAGES_FROM * 4, true).unwrap();
        // A kernel without huge pages refuses the advice.
        let (huge, small): (&[_], &[_]) =
            match std::fs::exists("/sys/kernel/mm/transparent_hugepage").unwrap() {
                true => (&["hg"], &["nh"]),
                false => (&[], &[]),
            };
        let end = HUGE_PAGES_FROM * 2;
        region.limit_to(0..end);
        assert_eq!(advice(&region, 0), huge);
        assert_eq!(advice(&region, end - 1), huge);
        assert_eq!(advice(&region, end), ["dd"]);
        // A shorter range ends within a huge page.
        region.limit_to(0..end - HUGE_PAGE - 1);
        assert_eq!(advice(&region, end - 2 * HUGE_PAGE - 1), huge);
        assert_eq!(advice(&region, end - 2 * HUGE_PAGE), small);
        assert_eq!(advice(&region, end - 1), [&["dd"], small].concat());
        // Too short for any.
        region.limit_to(0..HUGE_PAGES_FROM - 1);
        assert_eq!(advice(&region, 0), small);
    }

    /// How many KiB of the mapping of this region are resident.
    #[cfg(target_os = "linux")]
    fn resident(region: &Region, range: Range<usize>) -> usize {
        use std::os::unix::fs::FileExt as _;

        let map = std::fs::File::open("/proc/self/pagemap").unwrap();
        let start = (region.bytes().as_ptr() as usize + range.start) / PIECE;
        let mut entries = vec![0; range.len() / PIECE * 8];
        map.read_exact_at(&mut entries, start as u64 * 8).unwrap();
        // The highest bit says that a page is there.
        let entries = entries.chunks(8).filter(|entry| entry[7] & 0x80 != 0);
        entries.count() * PIECE / 1024
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_huge_page_is_asked_for_before_a_region_has_grown() {
        let ahead = Arc::new(Ahead::new());
        let mut region = Region::new(16 << 20, true).unwrap();
        region = region.announcing(&ahead, 0);
        // What a cache sets up takes it close to the next huge page.
        let start = (1 << 20) + PIECE;
        region.extend_to(start);
        region.limit_to(0..8 << 20);
        for (len, is_wanted) in [
            (start, false),
            (start + QUIET, false),
            (start + QUIET + 1, true),
        ] {
            region.extend_to(len);
            assert_eq!(ahead.take().is_some(), is_wanted, "{len}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_huge_page_is_asked_for_once_and_before_it_is_used() {
        let ahead = Arc::new(Ahead::new());
        let mut region = Region::new(16 << 20, true).unwrap();
        region = region.announcing(&ahead, 3);
        let base = region.bytes().as_ptr() as usize;
        let mut wanted = Vec::new();
        for end in [9 << 20, 15 << 20] {
            region.limit_to(0..end);
            for touched in (64 << 10..=end).step_by(64 << 10) {
                region.extend_to(touched);
                if let Some(address) = ahead.take() {
                    let start = address - base;
                    assert!(touched <= start && start - touched <= AHEAD, "{touched}");
                    wanted.push(start >> 20);
                }
            }
        }
        assert_eq!(wanted, [2, 4, 6, 10, 12]);
        // Nothing is asked for behind the end, and again what was given back.
        region.limit_to(0..9 << 20);
        region.release(9 << 20);
        region.extend_to(9 << 20);
        assert_eq!(ahead.take(), None);
        region.release(3 << 20);
        region.extend_to((3 << 20) + 1);
        assert_eq!(ahead.take(), Some(base + (4 << 20)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_page_that_was_populated_ahead_is_released_with_the_end_whatever_the_limit_was() {
        for (limit, is_kept) in [(15 << 20, true), (11 << 20, true), (9 << 20, false)] {
            let ahead = Arc::new(Ahead::new());
            let mut region = Region::new(16 << 20, true).unwrap();
            region = region.announcing(&ahead, 0);
            let populated = region.bytes().as_ptr() as usize + (8 << 20);
            region.limit_to(0..15 << 20);
            let grow = |region: &mut Region| {
                let steps = (64 << 10..=15 << 19).step_by(64 << 10);
                steps.for_each(|touched| region.extend_to(touched));
            };
            grow(&mut region);
            assert_eq!(ahead.take(), Some(populated));
            region.bytes_mut()[8 << 20] = 7;
            region.limit_to(0..limit);
            assert_eq!(region.bytes()[8 << 20] == 7, is_kept, "{limit}");
            region.release(5 << 20);
            assert_eq!(region.bytes()[8 << 20], 0, "{limit}");
            // Populated by a thread that was late.
            region.bytes_mut()[8 << 20] = 7;
            grow(&mut region);
            region.release(5 << 20);
            assert_eq!(region.bytes()[8 << 20], 0, "{limit}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_populated_page_is_resident_and_keeps_every_byte() {
        let mut region = Region::new(16 << 20, true).unwrap();
        region.bytes_mut()[(4 << 20) + 5] = 7;
        let range = 4 << 20..6 << 20;
        match populate(region.bytes().as_ptr() as usize + range.start) {
            Ok(()) => assert_eq!(resident(&region, range.clone()), 2048),
            // Linux before 5.14.
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EINVAL)),
        }
        let bytes = &region.bytes()[range];
        assert_eq!(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 7);
        assert_eq!(bytes[5], 7);
        // Where nothing is mapped, nothing happens.
        populate(1 << 20).unwrap_err();
    }

    #[test]
    fn memory_that_cannot_be_had_is_refused_and_nothing_changes() {
        let mut region = Region::new(usize::MAX >> 1, true).unwrap();
        region.reserve(10_000).unwrap();
        region.bytes_mut()[9_999] = 7;
        assert_eq!(
            region.reserve(usize::MAX >> 1),
            Err(ConfigError::OutOfMemory)
        );
        assert_eq!(region.bytes()[9_999], 7);
    }

    #[test]
    fn memory_with_addresses_set_aside_does_not_move() {
        let mut region = Region::new(1 << 30, true).unwrap();
        let before = region.bytes().as_ptr();
        region.reserve(1 << 30).unwrap();
        assert_eq!(
            (region.bytes().as_ptr(), region.bytes().len()),
            (before, 1 << 30)
        );
    }
}
