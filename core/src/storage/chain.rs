//! Where the bytes of a value lie: in the chunk of the header, and then in a chain of continuation
//! chunks.

use super::arena::{ArenaMut, ArenaRef, ChunkRef, Geometry, Offset};
use super::chunk::CONTINUATION;
use super::handle::ItemHandle;

/// How much of the next chunk is prefetched while a piece is copied. The rest follows by itself:
/// processors notice that memory is read in order.
const AHEAD: usize = 4 * Geometry::LINE;

/// How much of an item is prefetched before its header has come.
pub(crate) const BEGINNING: usize = 3 * Geometry::LINE;

/// A value, where it lies.
#[derive(Clone, Debug)]
pub(crate) enum StoredValue<'m> {
    Whole(&'m [u8]),
    Split(Pieces<'m>),
}

/// A piece of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) at: Offset,
    pub(crate) len: usize,
}

impl Piece {
    const EMPTY: Self = Self {
        at: Offset::START,
        len: 0,
    };

    const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes off up to `len` bytes at the front.
    fn split_off(&mut self, len: usize) -> Self {
        let front = Self {
            at: self.at,
            len: len.min(self.len),
        };
        self.at = self.at + front.len;
        self.len -= front.len;
        front
    }
}

/// The pieces of a value, in order; none of them is empty.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// The piece behind the header; empty when it has been taken.
    first: Piece,
    /// The chunk of the piece after it.
    next: ChunkRef,
    left: usize,
}

impl Chain {
    /// The value of an item.
    #[inline(never)]
    pub(crate) fn new(arena: ArenaRef<'_>, found: &ItemHandle) -> Self {
        let &ItemHandle { item, ref header } = found;
        let (offset, left) = (header.value_offset(), header.value_len());
        let (mut len, next) = (left, header.next());
        if !next.is_none() {
            fetch(arena, next);
            len = len.min(chunk_size(arena, item) - offset);
        }
        let at = arena.geometry.at(item) + offset;
        let first = Piece { at, len };
        Self { first, next, left }
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.left
    }

    /// The next piece.
    #[inline]
    pub(crate) fn next(&mut self, arena: ArenaRef<'_>) -> Option<Piece> {
        if !self.first.is_empty() {
            self.left -= self.first.len;
            return Some(core::mem::replace(&mut self.first, Piece::EMPTY));
        }
        (!self.next.is_none()).then(|| self.follow(arena))
    }

    fn follow(&mut self, arena: ArenaRef<'_>) -> Piece {
        let chunk = self.next;
        let len = self.left.min(chunk_size(arena, chunk) - CONTINUATION);
        self.next = arena.chunk(chunk).next();
        if !self.next.is_none() {
            fetch(arena, self.next);
        }
        self.left -= len;
        let at = arena.geometry.at(chunk) + CONTINUATION;
        Piece { at, len }
    }
}

/// The bytes of a value that is split over chunks.
#[derive(Clone, Debug)]
pub(crate) struct Pieces<'m> {
    arena: ArenaRef<'m>,
    chain: Chain,
}

impl<'m> Pieces<'m> {
    pub(crate) fn new(arena: ArenaRef<'m>, found: &ItemHandle) -> Self {
        let chain = Chain::new(arena, found);
        Self { arena, chain }
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.chain.len()
    }
}

impl<'m> Iterator for Pieces<'m> {
    type Item = &'m [u8];

    fn next(&mut self) -> Option<&'m [u8]> {
        let piece = self.chain.next(self.arena)?;
        Some(self.arena.slice(piece.at, piece.len))
    }
}

fn chunk_size(arena: ArenaRef<'_>, chunk: ChunkRef) -> usize {
    arena.page(arena.geometry.page_of(chunk)).chunk_size()
}

/// Prefetches an item behind its [`BEGINNING`], up to a bound: its header says how long it is.
#[inline]
pub(crate) fn prefetch_rest(arena: ArenaRef<'_>, found: &ItemHandle) {
    let &ItemHandle { item, ref header } = found;
    let (geometry, next) = (arena.geometry, header.next());
    let mut end = header.size_in_all() as usize;
    if !next.is_none() {
        arena.prefetch(geometry.record_at(geometry.page_of(item)));
        fetch(arena, next);
        end = AHEAD;
    }
    for line in (BEGINNING..end.min(2 * AHEAD)).step_by(Geometry::LINE) {
        arena.prefetch(geometry.at(item) + line);
    }
}

/// Prefetches the beginning of a chunk and the record of its page.
fn fetch(arena: ArenaRef<'_>, chunk: ChunkRef) {
    let geometry = arena.geometry;
    arena.prefetch(geometry.record_at(geometry.page_of(chunk)));
    for line in (0..AHEAD).step_by(Geometry::LINE) {
        arena.prefetch(geometry.at(chunk) + line);
    }
}

/// Fills the pieces of a value one after the other.
#[derive(Debug)]
pub(crate) struct Writer {
    chain: Chain,
    piece: Piece,
}

impl Writer {
    pub(crate) const fn new(chain: Chain) -> Self {
        let piece = Piece::EMPTY;
        Self { chain, piece }
    }

    /// Writes bytes that come from outside.
    pub(crate) fn write(&mut self, arena: &mut ArenaMut<'_>, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(place) = self.place(arena.view(), bytes.len()) else {
                return;
            };
            let now = bytes.split_off(..place.len).unwrap_or_default();
            arena.write(place.at, now);
        }
    }

    /// Writes bytes that lie in the arena already.
    pub(crate) fn copy(&mut self, arena: &mut ArenaMut<'_>, mut from: Piece) {
        while !from.is_empty() {
            let Some(place) = self.place(arena.view(), from.len) else {
                return;
            };
            let from = from.split_off(place.len);
            arena.copy(from.at, place.at, place.len);
        }
    }

    /// The place of up to `len` more bytes.
    fn place(&mut self, arena: ArenaRef<'_>, len: usize) -> Option<Piece> {
        while self.piece.is_empty() {
            self.piece = self.chain.next(arena)?;
        }
        Some(self.piece.split_off(len))
    }
}
