//! Who was used last, and so who goes first: one list over items of all sizes.
//!
//! The links lie in the items' heads; this holds only the two ends.

use super::arena::{ChunkRef, Geometry};
use super::header::{self, Head};

/// The items from the most to the least recently used.
#[derive(Debug)]
pub(crate) struct Lru {
    newest: ChunkRef,
    oldest: ChunkRef,
    len: usize,
}

impl Lru {
    pub(crate) const fn new() -> Self {
        Self {
            newest: ChunkRef::NONE,
            oldest: ChunkRef::NONE,
            len: 0,
        }
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
    #[inline]
    pub(crate) fn push(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        let at = geometry.at(item);
        header::set_newer(memory, at, ChunkRef::NONE);
        header::set_older(memory, at, self.newest);
        match self.newest {
            ChunkRef::NONE => self.oldest = item,
            newest => header::set_newer(memory, geometry.at(newest), item),
        }
        self.newest = item;
        self.len += 1;
    }

    /// Takes an item out.
    #[inline]
    pub(crate) fn unlink(&mut self, memory: &mut [u8], geometry: &Geometry, head: &Head) {
        let (newer, older) = (head.newer(), head.older());
        match newer {
            ChunkRef::NONE => self.newest = older,
            newer => header::set_older(memory, geometry.at(newer), older),
        }
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => header::set_newer(memory, geometry.at(older), newer),
        }
        self.len -= 1;
    }

    /// Makes an item the most recently used, and notes that it was read in this second.
    #[inline]
    pub(crate) fn bump(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
        second: u32,
    ) {
        let at = geometry.at(item);
        let (newer, older) = (head.newer(), head.older());
        if newer.is_none() {
            head.write_use(memory, at, (newer, older), second);
            return;
        }
        head.write_use(memory, at, (ChunkRef::NONE, self.newest), second);
        header::set_older(memory, geometry.at(newer), older);
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => header::set_newer(memory, geometry.at(older), newer),
        }
        header::set_newer(memory, geometry.at(self.newest), item);
        self.newest = item;
    }

    /// Lets the neighbours of an item that was copied from elsewhere point to its new place.
    pub(crate) fn moved(&mut self, memory: &mut [u8], geometry: &Geometry, to: ChunkRef) {
        let head = Head::read(memory, geometry.at(to));
        let (newer, older) = (head.newer(), head.older());
        match newer {
            ChunkRef::NONE => self.newest = to,
            newer => header::set_older(memory, geometry.at(newer), to),
        }
        match older {
            ChunkRef::NONE => self.oldest = to,
            older => header::set_newer(memory, geometry.at(older), to),
        }
    }
}
