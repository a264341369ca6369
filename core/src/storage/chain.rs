//! Where the bytes of a value lie: in the head, and then in a chain of continuations.

use core::ops::Range;

use super::arena::{ChunkRef, Geometry};
use super::header::{self, CONTINUATION, Meta};
use super::page;

/// The places of a value's pieces, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    geometry: Geometry,
    /// The piece that comes next lies there, if it is the first.
    first: Option<(usize, usize)>,
    next: ChunkRef,
    left: usize,
}

impl Chain {
    /// The value of the item with this head.
    #[inline]
    pub(crate) fn new(memory: &[u8], geometry: &Geometry, item: ChunkRef, meta: &Meta) -> Self {
        let at = geometry.at(item);
        let start = at + meta.value_offset();
        let (end, next) = if meta.split {
            let size = page::chunk_size(memory, geometry, geometry.page_of(item));
            (start + meta.value_len.min(at + size - start), header::next(memory, at))
        } else {
            (start + meta.value_len, ChunkRef::NONE)
        };
        Self { geometry: *geometry, first: Some((start, end)), next, left: meta.value_len }
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.left
    }

    /// The place of the next piece.
    #[inline]
    pub(crate) fn next(&mut self, memory: &[u8]) -> Option<Range<usize>> {
        if let Some((start, end)) = self.first.take() {
            self.left -= end - start;
            return Some(start..end);
        }
        if self.left == 0 || self.next.is_none() {
            return None;
        }
        let at = self.geometry.at(self.next);
        let size = page::chunk_size(memory, &self.geometry, self.geometry.page_of(self.next));
        let len = self.left.min(size - CONTINUATION);
        self.next = header::next(memory, at);
        self.left -= len;
        Some(at + CONTINUATION..at + CONTINUATION + len)
    }
}

/// Fills the pieces of a value one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    chain: Chain,
    piece: Range<usize>,
}

impl Writer {
    pub(crate) const fn new(chain: Chain) -> Self {
        Self { chain, piece: 0..0 }
    }

    /// Writes bytes that come from outside.
    pub(crate) fn write(&mut self, memory: &mut [u8], mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(place) = self.room(memory, bytes.len()) else { return };
            let (now, later) = bytes.split_at(place.len());
            memory[place].copy_from_slice(now);
            bytes = later;
        }
    }

    /// Writes bytes that lie in the memory already.
    pub(crate) fn copy(&mut self, memory: &mut [u8], mut from: Range<usize>) {
        while !from.is_empty() {
            let Some(place) = self.room(memory, from.len()) else { return };
            memory.copy_within(from.start..from.start + place.len(), place.start);
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
