//! What all chunks begin with, and what those that are no item headers have besides.
//!
//! ```text
//! item header, see header.rs
//!  0  word  kind (2), split, ..     next chunk, if split
//!
//! continuation chunk, 8 bytes
//!  0  word  kind 0, split           next chunk
//!  4  word  owner                   header of the item; none while it is written
//!
//! free chunk
//!  0  word  kind 0      4  word  number of the next free chunk of this page
//! ```

use core::ops::{Deref, DerefMut};

use super::arena::{Arena, ArenaMut, ChunkRef};
use super::arena::{set_word, word};

pub(super) const LINK: usize = 0;
const OWNER: usize = 4;
const NEXT_FREE: usize = 4;

/// Bytes of a continuation chunk before its piece of the value.
pub(crate) const CONTINUATION: usize = 8;

pub(super) const SPLIT: u32 = 1 << 29;

/// What a chunk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Free,
    Header,
    Continuation,
}

/// The beginning of a chunk, to read, and to write if its bytes are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<B>(B);

impl<B: Deref<Target = [u8]>> Arena<B> {
    #[inline]
    pub(crate) fn chunk(&self, chunk: ChunkRef) -> Chunk<&[u8; CONTINUATION]> {
        Chunk(self.array(self.geometry.at(chunk)))
    }
}

impl ArenaMut<'_> {
    #[inline]
    pub(crate) fn chunk_mut(&mut self, chunk: ChunkRef) -> Chunk<&mut [u8; CONTINUATION]> {
        Chunk(self.array_mut(self.geometry.at(chunk)))
    }
}

impl<B: Deref<Target = [u8; CONTINUATION]>> Chunk<B> {
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match word(&*self.0, LINK) / SPLIT {
            0 => Kind::Free,
            1 => Kind::Continuation,
            _ => Kind::Header,
        }
    }

    /// The chunk in which the item goes on, of a header or a continuation chunk.
    #[inline]
    pub(crate) fn next(&self) -> ChunkRef {
        let link = word(&*self.0, LINK);
        if link & SPLIT != 0 {
            ChunkRef::from_word(link)
        } else {
            ChunkRef::NONE
        }
    }

    /// The header of the item that a continuation chunk belongs to.
    pub(crate) fn owner(&self) -> ChunkRef {
        ChunkRef::from_word(word(&*self.0, OWNER))
    }

    /// Whether it is a continuation chunk of an item that is being written.
    pub(crate) fn is_pending(&self) -> bool {
        self.kind() == Kind::Continuation && self.owner().is_none()
    }

    pub(crate) fn next_free(&self) -> u32 {
        word(&*self.0, NEXT_FREE)
    }
}

impl<B: DerefMut<Target = [u8; CONTINUATION]>> Chunk<B> {
    pub(crate) fn set_next(&mut self, next: ChunkRef) {
        let link = word(&*self.0, LINK);
        set_word(&mut *self.0, LINK, next.within(link));
    }

    pub(crate) fn set_owner(&mut self, owner: ChunkRef) {
        set_word(&mut *self.0, OWNER, owner.within(0));
    }

    /// Makes it a continuation chunk without an owner: its item is being written.
    pub(crate) fn write_pending(&mut self) {
        set_word(&mut *self.0, LINK, SPLIT);
        set_word(&mut *self.0, OWNER, 0);
    }

    pub(crate) fn write_free(&mut self, next_free: u32) {
        set_word(&mut *self.0, LINK, 0);
        set_word(&mut *self.0, NEXT_FREE, next_free);
    }
}
