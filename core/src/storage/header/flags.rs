//! The bits that an item header has beside its references.

use super::SECONDS;

/// What is known about an item for those who ask for it: a set of these.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ItemFlags(pub(super) u32);

impl ItemFlags {
    pub(crate) const NONE: Self = Self(0);
    /// It was read since it was stored.
    pub(crate) const FETCHED: Self = Self(1 << 28);
    /// It was declared out of date.
    pub(crate) const STALE: Self = Self(1 << 29);
    /// Somebody was told to renew it.
    pub(crate) const WON: Self = Self(1 << 30);
    /// Its key was given in base64.
    pub(crate) const BASE64: Self = Self(1 << 31);

    /// Those in the high bits of a word.
    pub(super) const fn from_word(word: u32) -> Self {
        Self(word & !SECONDS)
    }

    pub(crate) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    /// These and those.
    #[must_use]
    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are among `others`.
    #[must_use]
    pub(crate) const fn only(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0 >> 28
    }
}

/// Where the order of use has an item: a set of these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct LruBits(pub(super) u32);

impl LruBits {
    /// It is in the newest quarter of a lazy list.
    pub(crate) const RECENT: Self = Self(1 << 30);
    /// It is not in the LRU: it waits in the small queue in front of that, or is in a list of the
    /// policy `density`.
    pub(crate) const IN_SMALL_QUEUE: Self = Self(1 << 31);
    /// In a list of `density`, which has no recent items: it is not new.
    pub(crate) const CAME_AGAIN: Self = Self::RECENT;

    pub(super) const ALL: Self = Self(Self::RECENT.0 | Self::IN_SMALL_QUEUE.0);

    /// Those in the high bits of a word.
    pub(super) const fn from_word(word: u32) -> Self {
        Self(word & Self::ALL.0)
    }

    pub(crate) const fn has(self, bit: Self) -> bool {
        self.0 & bit.0 != 0
    }

    /// Whether it is new: in the small queue, or on the lower level of `density`.
    pub(crate) const fn is_new(self) -> bool {
        self.0 == Self::IN_SMALL_QUEUE.0
    }

    /// Whether it is in the newest quarter of a lazy list.
    pub(crate) const fn is_recent(self) -> bool {
        self.0 == Self::RECENT.0
    }

    /// As bits of the word that has them.
    pub(crate) const fn bits(self) -> u32 {
        self.0
    }
}
