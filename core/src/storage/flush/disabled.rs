//! No flush by prefix: none is ever under way, and this takes no memory.

use super::arena::{ArenaRef, Offset};
use crate::Config;
use crate::digest::Digest;

/// Whether there is any of this.
pub(crate) const ON: bool = false;

/// Nothing is kept of a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark;

impl Mark {
    pub(crate) const MASK: u32 = 0;

    pub(crate) const fn from_word(_word: u32) -> Self {
        Self
    }

    pub(crate) const fn within(self, word: u32) -> u32 {
        word
    }
}

#[derive(Debug)]
pub(crate) struct Flushes;

impl Flushes {
    pub(crate) const fn table_size(_config: &Config) -> usize {
        0
    }

    pub(crate) const fn new(_at: Offset, _size: usize) -> Self {
        Self
    }

    #[inline]
    pub(crate) const fn is_active(&self) -> bool {
        false
    }

    pub(crate) const fn clear(&mut self) {}

    pub(crate) const fn mark(&self) -> Mark {
        Mark
    }

    pub(crate) const fn missed(&self, _mark: Mark) -> u32 {
        0
    }

    pub(crate) const fn remove(&self, _arena: ArenaRef<'_>, _key: &[u8], _missed: u32) -> bool {
        false
    }

    pub(crate) const fn cursor(&self) -> u32 {
        0
    }

    pub(crate) const fn advance(&mut self, _next: Option<u32>) {}

    pub(crate) const fn missed_max(&self, _passed: bool) -> u32 {
        0
    }

    pub(crate) const fn digest(&self, _arena: ArenaRef<'_>, _digest: &mut Digest) {}
}
