//! The list of chunk sizes, kept in place so that making a cache needs no allocator.

use core::fmt;
use core::ops::Deref;

/// The slab sizes of a [`Config`](crate::Config), in bytes. Made from an array, a slice, or an
/// iterator; read as a slice.
///
/// A list that is longer than [`Config::SLAB_SIZES_MAX`](crate::Config::SLAB_SIZES_MAX) can be
/// made, but no cache from it.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, SlabSizes};
///
/// let mut config = Config::new(64 * 1024);
/// assert_eq!(config.slab_sizes[..], [64, 128, 256, 1024]);
/// config.slab_sizes = [32, 64, 1024].into();
/// config.slab_sizes = config.slab_sizes.iter().map(|size| 2 * size).collect();
/// assert_eq!(config.slab_sizes, SlabSizes::from([64, 128, 2048]));
/// ```
#[derive(Clone, Copy)]
pub struct SlabSizes {
    sizes: [usize; Self::CAPACITY],
    len: usize,
}

impl SlabSizes {
    pub(crate) const LEN_MAX: usize = 62;
    /// One more than there may be, so that a list which is too long shows, and so that the page
    /// size can follow the longest.
    const CAPACITY: usize = Self::LEN_MAX + 1;

    /// For each number of chunks per page the largest size that fits so often, from 32 bytes up to
    /// the page: 9 sizes for a page of 512 bytes, 30 for 4096. Less of a page's end is wasted than
    /// by sizes that grow by a factor, and most items fit in one chunk: social-network items of
    /// 336 bytes in the mean take 15 % above key and value, with the default sizes 23 %.
    ///
    /// Pages above 16 KiB have more such sizes than a cache may.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::SlabSizes;
    ///
    /// let sizes = SlabSizes::page_fractions(512);
    /// assert_eq!(sizes[..], [32, 48, 64, 80, 96, 128, 160, 256, 512]);
    /// ```
    #[must_use]
    pub fn page_fractions(page_size: usize) -> Self {
        let most = page_size / 32;
        let sizes = (1..=most).rev().map(|chunks| page_size / chunks / 16 * 16);
        let mut previous = 0;
        sizes
            .filter(|&size| core::mem::replace(&mut previous, size) != size)
            .collect()
    }
}

impl FromIterator<usize> for SlabSizes {
    fn from_iter<I: IntoIterator<Item = usize>>(iter: I) -> Self {
        let (mut sizes, mut len) = ([0; Self::CAPACITY], 0);
        for (place, size) in sizes.iter_mut().zip(iter) {
            *place = size;
            len += 1;
        }
        Self { sizes, len }
    }
}

impl From<&[usize]> for SlabSizes {
    fn from(sizes: &[usize]) -> Self {
        sizes.iter().copied().collect()
    }
}

impl<const N: usize> From<[usize; N]> for SlabSizes {
    fn from(sizes: [usize; N]) -> Self {
        sizes.into_iter().collect()
    }
}

impl Deref for SlabSizes {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        self.sizes.get(..self.len).unwrap_or(&self.sizes)
    }
}

impl PartialEq for SlabSizes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SlabSizes {}

impl fmt::Debug for SlabSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_one_size_more_than_there_may_be() {
        let list = |len| (0..len).collect::<SlabSizes>();
        assert_eq!(list(0).len(), 0);
        assert_eq!(list(62).last(), Some(&61));
        assert_eq!(list(63).len(), 63);
        assert_eq!(list(64).len(), 63);
    }

    #[test]
    fn page_fractions_are_as_many_as_a_cache_may_have_up_to_16_kib() {
        let count = |page_size| SlabSizes::page_fractions(page_size).len();
        assert_eq!([512, 4096, 16_384].map(count), [9, 30, 62]);
        assert_eq!(count(32_768), SlabSizes::CAPACITY);
        for page_shift in 9..=14 {
            let sizes = SlabSizes::page_fractions(1 << page_shift);
            let mut config = crate::Config::new(1 << 22);
            (config.page_size, config.slab_sizes) = (1 << page_shift, sizes);
            assert!(crate::Cache::new(config).is_ok(), "{sizes:?}");
        }
    }

    #[test]
    fn sizes_behind_the_end_make_no_difference() {
        let long: SlabSizes = (0..10).collect();
        let short: SlabSizes = (0..3).collect();
        assert_eq!(SlabSizes::from(&long[..3]), short);
        assert_ne!(long, short);
    }
}
