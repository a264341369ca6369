//! Which chunks an item takes.
//!
//! One chunk, if that is not much larger than the item; else a head and up to four smaller chunks,
//! so that few slab sizes serve all items well. An item larger than a page has whole pages and a
//! few smaller chunks for the rest. Chunks smaller than a page come early in the chain, so that one
//! of them finds its predecessor in few steps when it moves.

use core::num::NonZero;

use super::header::{CONTINUATION, Sizes};
use super::slab::{Class, Slabs};

/// The most chunks below page size that one item has.
const PARTS: usize = 5;

/// A split must save at least this share of the single chunk: every further chunk costs the reader
/// another cache miss.
const SAVING: usize = 64;

/// The chunks of one item, in the order of the chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Plan {
    parts: [Class; PARTS],
    len: u8,
    /// Whole pages after the parts.
    pages: usize,
}

impl Plan {
    /// For an item of these sizes.
    pub(crate) fn new(slabs: &Slabs, Sizes { head, value }: Sizes) -> Self {
        match slabs.fitting(head + value) {
            Some(class) => Self::split(slabs, head + 4, value, class),
            None => Self::large(slabs, head + 4 + value),
        }
    }

    pub(crate) const fn is_split(&self) -> bool {
        self.len as usize + self.pages > 1
    }

    /// The class of the first chunk.
    pub(crate) const fn head(&self) -> Class {
        self.parts[0]
    }

    /// The classes of the chunks after the first.
    pub(crate) fn rest(&self, page: Class) -> impl Iterator<Item = Class> + use<> {
        let Self { parts, len, pages } = *self;
        let parts = parts.into_iter().take(len.into()).skip(1);
        parts.chain(core::iter::repeat_n(page, pages))
    }

    fn push(&mut self, class: Class) {
        if let Some(part) = self.parts.get_mut(usize::from(self.len)) {
            *part = class;
            self.len += 1;
        }
    }

    /// The class `single`, or several smaller chunks that together are clearly smaller.
    fn split(slabs: &Slabs, head: usize, value_len: usize, single: Class) -> Self {
        let mut best = Self {
            parts: [single; PARTS],
            len: 1,
            pages: 0,
        };
        let single_cost = slabs.cost(single);
        let mut least = single_cost - single_cost / SAVING + 1;
        if least <= head + value_len + CONTINUATION {
            return best;
        }
        let mut parts = [single; PARTS];
        let (mut taken, mut left) = (0, head + value_len);
        for at in 0..PARTS - 1 {
            let overhead = if at == 0 { 0 } else { CONTINUATION };
            let largest = (0..single.0).rev().map(Class);
            let Some(class) = { largest }.find(|&class| slabs.size(class) < left + overhead) else {
                break;
            };
            if at == 0 && slabs.size(class) < head {
                break;
            }
            parts[at] = class;
            taken += slabs.cost(class);
            left -= slabs.size(class) - overhead;
            let Some(end) = slabs.fitting(left + CONTINUATION) else {
                break;
            };
            let total = taken + slabs.cost(end);
            if total < least {
                least = total;
                parts[at + 1] = end;
                best = Self {
                    parts,
                    len: at as u8 + 2,
                    pages: 0,
                };
            }
        }
        best
    }

    /// A page for the head, up to four chunks for the rest, and whole pages.
    fn large(slabs: &Slabs, size: usize) -> Self {
        let page = slabs.page_class();
        let page_payload = NonZero::new(slabs.size(page) - CONTINUATION);
        let page_payload = page_payload.unwrap_or(NonZero::<usize>::MIN);
        let behind_head = size - slabs.size(page);
        let (mut pages, mut left) = (behind_head / page_payload, behind_head % page_payload);
        let mut plan = Self {
            parts: [page; PARTS],
            len: 1,
            pages: 0,
        };
        while left > 0 {
            let end = slabs.fitting(left + CONTINUATION).unwrap_or(page);
            let smaller = end.0.checked_sub(1).map(Class);
            let last = usize::from(plan.len) == PARTS - 1;
            let class = smaller
                .filter(|_| !last && end != Class(0))
                .filter(|&class| {
                    let rest = (left + CONTINUATION).saturating_sub(slabs.size(class));
                    let rest = slabs.fitting(rest + CONTINUATION).unwrap_or(page);
                    slabs.cost(class) + slabs.cost(rest) < slabs.cost(end)
                });
            let class = class.unwrap_or(end);
            if class == page {
                pages += 1;
                break;
            }
            plan.push(class);
            left = left.saturating_sub(slabs.size(class) - CONTINUATION);
        }
        plan.pages = pages;
        plan
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::super::arena::Geometry;
    use super::*;

    fn chunks(sizes: &[usize], key_len: usize, value_len: usize) -> Vec<usize> {
        let page_size = *sizes.last().unwrap();
        let slabs = Slabs::new(Geometry::new(0, page_size, 100), sizes);
        let (head, value) = (24 + key_len, value_len);
        let plan = Plan::new(&slabs, Sizes { head, value });
        let rest = plan.rest(slabs.page_class()).map(|class| slabs.size(class));
        core::iter::once(slabs.size(plan.head()))
            .chain(rest)
            .collect()
    }

    #[test]
    fn every_size_fits_its_chunks_with_the_key_in_the_first() {
        for sizes in [
            &[64, 128, 256, 1024, 4096][..],
            &[512],
            &[32, 48, 1024],
            &[96, 4096],
        ] {
            for key_len in [1, 20, 250] {
                for value_len in (0..20_000).chain([1 << 20, (1 << 24) - 1]) {
                    let chunks = chunks(sizes, key_len, value_len);
                    let split = chunks.len() > 1;
                    let head = 24 + 4 * usize::from(split) + key_len;
                    let room = chunks.iter().sum::<usize>() - CONTINUATION * (chunks.len() - 1);
                    assert!(room >= head + value_len, "{sizes:?} {key_len} {value_len}");
                    assert!(chunks[0] >= head.min(sizes[sizes.len() - 1]));
                    let page = *sizes.last().unwrap();
                    assert!(chunks.iter().filter(|&&size| size < page).count() <= PARTS);
                }
            }
        }
    }

    #[test]
    fn an_item_that_wastes_most_of_a_chunk_is_split() {
        let sizes = [64, 128, 256, 1024, 4096];
        assert_eq!(chunks(&sizes, 20, 20), [64]);
        assert_eq!(chunks(&sizes, 20, 80), [128]);
        assert_eq!(chunks(&sizes, 20, 350), [256, 128, 64]);
        assert_eq!(chunks(&sizes, 20, 950), [1024]);
        assert_eq!(chunks(&sizes, 20, 5000)[..2], [4096, 1024]);
    }
}
