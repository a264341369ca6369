//! Who was used last, and so who goes first: one list over items of all sizes.
//!
//! The links lie in the items' heads; this holds only the two ends.

use super::arena::{ChunkRef, Geometry};
use super::header;

/// The items from the most to the least recently used.
#[derive(Debug)]
pub(crate) struct Lru {
    newest: ChunkRef,
    oldest: ChunkRef,
    len: usize,
}

impl Lru {
    pub(crate) const fn new() -> Self {
        Self { newest: ChunkRef::NONE, oldest: ChunkRef::NONE, len: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn newest(&self) -> ChunkRef {
        self.newest
    }

    pub(crate) const fn oldest(&self) -> ChunkRef {
        self.oldest
    }

    /// Adds an item as the most recently used.
    pub(crate) fn push(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        let at = geometry.at(item);
        header::set_newer(memory, at, ChunkRef::NONE);
        header::set_older(memory, at, self.newest);
        if self.newest.is_none() {
            self.oldest = item;
        } else {
            header::set_newer(memory, geometry.at(self.newest), item);
        }
        self.newest = item;
        self.len += 1;
    }

    /// Takes an item out.
    pub(crate) fn unlink(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        let at = geometry.at(item);
        let (newer, older) = (header::newer(memory, at), header::older(memory, at));
        self.join(memory, geometry, newer, older);
        self.len -= 1;
    }

    /// Makes an item the most recently used.
    #[inline]
    pub(crate) fn bump(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        if self.newest != item {
            self.unlink(memory, geometry, item);
            self.push(memory, geometry, item);
        }
    }

    /// Lets the neighbours of an item that was copied from elsewhere point to its new place.
    pub(crate) fn moved(&mut self, memory: &mut [u8], geometry: &Geometry, to: ChunkRef) {
        let at = geometry.at(to);
        let (newer, older) = (header::newer(memory, at), header::older(memory, at));
        match newer {
            ChunkRef::NONE => self.newest = to,
            newer => header::set_older(memory, geometry.at(newer), to),
        }
        match older {
            ChunkRef::NONE => self.oldest = to,
            older => header::set_newer(memory, geometry.at(older), to),
        }
    }

    fn join(&mut self, memory: &mut [u8], geometry: &Geometry, newer: ChunkRef, older: ChunkRef) {
        match newer {
            ChunkRef::NONE => self.newest = older,
            newer => header::set_older(memory, geometry.at(newer), older),
        }
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => header::set_newer(memory, geometry.at(older), newer),
        }
    }
}
