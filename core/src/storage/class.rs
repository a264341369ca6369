//! The number of a slab class.

use crate::Config;

/// How many classes there can be: those of items, one for what is as large as a page, and one that
/// is the index's own.
pub(crate) const CLASSES: usize = Config::SLAB_SIZES_MAX + 2;

/// A slab class: an index into the list of chunk sizes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Class(pub(crate) u8);
