//! A request as the cache sees it, and what the cache says of itself.

/// What was done with a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// It was asked for; the item that was found.
    Read(Option<AccessedItem>),
    /// An item was stored under it.
    Store(AccessedItem),
    Delete,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AccessedItem {
    /// Bytes of header, key and value.
    pub(crate) size: u64,
    /// When it expires, in the unit of the time that is passed beside it.
    pub(crate) deadline: u32,
}

impl AccessedItem {
    /// The deadline of an item that does not expire.
    pub(crate) const NEVER: u32 = u32::MAX;
}

/// How full a cache is, and what it has counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Reads and hits.
    pub(crate) counted: (u64, u64),
    /// Whether anything was ever evicted.
    pub(crate) is_full: bool,
    /// Bytes of header, key and value of all items.
    pub(crate) bytes: u64,
    pub(crate) items: u64,
}
