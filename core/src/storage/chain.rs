//! Where the bytes of a value lie: in the head, and then in a chain of continuations.

use core::ops::Range;

use super::arena::{self, ChunkRef, Geometry};
use super::header::{self, CONTINUATION, Head};
use super::page;
use super::prefetch::prefetch;

/// How much of the next chunk is asked for while a piece is copied. The rest follows by itself:
/// processors notice that memory is read in order.
const AHEAD: usize = 4 * Geometry::LINE;

/// The places of a value's pieces, in order; none of them is empty.
#[derive(Clone, Debug)]
pub(crate) struct Chain<'g> {
    geometry: &'g Geometry,
    /// The piece in the head; empty when it has been taken.
    first: Range<usize>,
    /// The chunk of the piece after it.
    next: ChunkRef,
    left: usize,
}

impl<'g> Chain<'g> {
    /// The value of the item with this head.
    #[inline(never)]
    pub(crate) fn new(memory: &[u8], geometry: &'g Geometry, item: ChunkRef, head: &Head) -> Self {
        let at = geometry.at(item);
        let start = at + head.value_offset();
        let mut end = start + head.value_len();
        let next = head.next();
        if !next.is_none() {
            fetch(memory, geometry, next);
            end = end.min(at + page::chunk_size(memory, geometry, geometry.page_of(item)));
        }
        Self {
            geometry,
            first: start..end,
            next,
            left: head.value_len(),
        }
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.left
    }

    /// The place of the next piece.
    #[inline]
    pub(crate) fn next(&mut self, memory: &[u8]) -> Option<Range<usize>> {
        if !self.first.is_empty() {
            self.left -= self.first.len();
            return Some(core::mem::take(&mut self.first));
        }
        (!self.next.is_none()).then(|| self.follow(memory))
    }

    /// The next piece.
    pub(crate) fn piece<'m>(&mut self, memory: &'m [u8]) -> Option<&'m [u8]> {
        let place = self.next(memory)?;
        Some(arena::slice(memory, place.start, place.len()))
    }

    fn follow(&mut self, memory: &[u8]) -> Range<usize> {
        let at = self.geometry.at(self.next);
        let size = page::chunk_size(memory, self.geometry, self.geometry.page_of(self.next));
        let len = self.left.min(size - CONTINUATION);
        self.next = header::next(memory, at);
        if !self.next.is_none() {
            fetch(memory, self.geometry, self.next);
        }
        self.left -= len;
        at + CONTINUATION..at + CONTINUATION + len
    }
}

/// Asks for the beginning of a chunk and the record of its page.
fn fetch(memory: &[u8], geometry: &Geometry, chunk: ChunkRef) {
    let at = geometry.at(chunk);
    prefetch(memory, geometry.record_at(geometry.page_of(chunk)));
    for line in (0..AHEAD).step_by(Geometry::LINE) {
        prefetch(memory, at + line);
    }
}

/// Fills the pieces of a value one after the other.
#[derive(Debug)]
pub(crate) struct Writer<'g> {
    chain: Chain<'g>,
    piece: Range<usize>,
}

impl<'g> Writer<'g> {
    pub(crate) const fn new(chain: Chain<'g>) -> Self {
        Self { chain, piece: 0..0 }
    }

    /// Writes bytes that come from outside.
    pub(crate) fn write(&mut self, memory: &mut [u8], mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(place) = self.room(memory, bytes.len()) else {
                return;
            };
            let now = bytes.split_off(..place.len()).unwrap_or_default();
            arena::write(memory, place.start, now);
        }
    }

    /// Writes bytes that lie in the memory already.
    pub(crate) fn copy(&mut self, memory: &mut [u8], mut from: Range<usize>) {
        while !from.is_empty() {
            let Some(place) = self.room(memory, from.len()) else {
                return;
            };
            arena::copy(memory, from.start, place.start, place.len());
            from.start += place.len();
        }
    }

    /// The place of up to `len` more bytes.
    fn room(&mut self, memory: &[u8], len: usize) -> Option<Range<usize>> {
        while self.piece.is_empty() {
            self.piece = self.chain.next(memory)?;
        }
        let place = self.piece.start..self.piece.end.min(self.piece.start + len);
        self.piece.start = place.end;
        Some(place)
    }
}
