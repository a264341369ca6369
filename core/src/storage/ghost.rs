//! Which items were evicted lately: hashes without items.
//!
//! A table of words in the cache's own memory, indexed by the hash: sixteen more bits of it, and
//! when it was put there, counted in evictions. A hash that is put where another one is takes its
//! place.

use super::arena::{ArenaMut, ArenaRef, Offset};
use crate::digest::Digest;

/// The table lives as long as its word's sixteen bits of age tell it apart: this many spans.
const SPANS: usize = 4096;

/// The hashes of evicted items.
#[derive(Debug)]
pub(crate) struct Ghosts {
    at: Offset,
    /// A power of two, or 0.
    len: usize,
    /// How many were ever added.
    added: u64,
}

impl Ghosts {
    /// A table of `len` words, a power of two, that begins at `at`.
    pub(crate) fn new(arena: &mut ArenaMut<'_>, at: Offset, len: usize) -> Self {
        arena.slice_mut(at, 4 * len).fill(0);
        Self { at, len, added: 0 }
    }

    fn place(&self, hash: u64) -> Offset {
        self.at + 4 * ((hash >> 16) as usize & (self.len - 1))
    }

    /// How many are added in a span of the table's length, as a shift.
    const fn span_shift(&self) -> u32 {
        ((self.len / SPANS) | 1).ilog2()
    }

    /// When something is added now, in spans of the table's length.
    const fn span(&self) -> u16 {
        (self.added >> self.span_shift()) as u16
    }

    pub(crate) fn add(&mut self, arena: &mut ArenaMut<'_>, hash: u64) {
        if self.len > 0 {
            let entry = (hash as u32) << 16 | u32::from(self.span());
            arena.set_word(self.place(hash), entry);
            self.added += 1;
        }
    }

    /// Whether this hash was among the last `within` that were added; forgets it.
    pub(crate) fn take(&self, arena: &mut ArenaMut<'_>, hash: u64, within: usize) -> bool {
        if self.len == 0 {
            return false;
        }
        let entry = arena.word(self.place(hash));
        let age = u64::from(self.span().wrapping_sub(entry as u16));
        let is_it = entry >> 16 == (hash as u32) & 0xFFFF && entry != 0;
        let found = is_it && age << self.span_shift() <= within as u64;
        if found {
            arena.set_word(self.place(hash), 0);
        }
        found
    }

    /// Adds the table.
    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        digest.number(self.added);
        digest.bytes(arena.slice(self.at, 4 * self.len));
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use super::super::arena::{Arena, Geometry};
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_once() {
        let mut memory = vec![0xFF; 4 << 14];
        let geometry = Geometry::new(0, 512);
        let arena = &mut Arena::new(&mut memory[..], geometry);
        let hash = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut ghosts = Ghosts::new(arena, Offset::START, 1 << 14);
        for number in 1..=200_u64 {
            ghosts.add(arena, hash(number));
        }
        let mut is_known = |number: u64| ghosts.take(arena, hash(number), 100);
        assert!(is_known(150) && is_known(199));
        assert!(!is_known(150), "it was taken");
        assert!(!is_known(50), "too long ago");
        assert!(!is_known(300), "never added");
    }

    #[test]
    fn exactly_so_many_are_remembered_as_are_asked_for() {
        for within in [1, 60, 100] {
            let mut memory = vec![0; 4 << 12];
            let arena = &mut Arena::new(&mut memory[..], Geometry::new(0, 512));
            let hash = |number: u64| number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut ghosts = Ghosts::new(arena, Offset::START, 1 << 12);
            for number in 1..=200_u64 {
                ghosts.add(arena, hash(number));
            }
            let mut is_known = |number: u64| ghosts.take(arena, hash(number), within);
            let known = (1..=200).filter(|&number| is_known(number));
            assert!(known.eq(201 - within as u64..=200), "{within}");
        }
    }
}
