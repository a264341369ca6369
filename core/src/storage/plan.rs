//! Which chunks an item takes.
//!
//! One chunk, if that is not much larger than the item; else a first one and up to four smaller
//! chunks, so that few slab sizes serve all items well. An item larger than a page has whole pages
//! and a few smaller chunks for the rest. Chunks smaller than a page come early in the chain, so
//! that one of them finds its predecessor in few steps when it moves.

use core::num::NonZero;

use super::chunk::CONTINUATION;
use super::class::Class;
use super::header::Sizes;
use super::slab::Slabs;

/// The most chunks below page size that one item has.
const PARTS: usize = 5;

/// A split must save at least this share of the single chunk: every further chunk costs the reader
/// another cache miss.
const SAVING: usize = 64;

/// How many classes are tried for the first of two chunks, from the largest on.
const FIRSTS: usize = 6;

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
    pub(crate) const fn first(&self) -> Class {
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

    /// The class `single`, or several smaller chunks that together are clearly smaller: the
    /// cheapest two, or up to five of which each is the largest that gets filled.
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
        let (mut taken, mut left) = (0, head + value_len);
        let mut parts = [single; PARTS];
        let firsts = (0..single.0).rev().map(Class).take(FIRSTS);
        for first in firsts.take_while(|&first| slabs.size(first) >= head) {
            let Some(end) = slabs.fitting(left + CONTINUATION - slabs.size(first)) else {
                break;
            };
            let total = slabs.cost(first) + slabs.cost(end);
            if total < least {
                least = total;
                (parts[0], parts[1]) = (first, end);
                best = Self {
                    parts,
                    len: 2,
                    pages: 0,
                };
            }
        }
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

    /// A page for the header, up to four chunks for the rest, and whole pages.
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

    use super::*;

    fn slabs(sizes: &[usize]) -> Slabs {
        Slabs::new(100, sizes)
    }

    fn classes(slabs: &Slabs, key_len: usize, value_len: usize) -> Vec<Class> {
        let (head, value) = (24 + key_len, value_len);
        let plan = Plan::new(slabs, Sizes { head, value });
        assert_eq!(plan.is_split(), plan.rest(slabs.page_class()).count() > 0);
        let rest = plan.rest(slabs.page_class());
        core::iter::once(plan.first()).chain(rest).collect()
    }

    fn chunks(sizes: &[usize], key_len: usize, value_len: usize) -> Vec<usize> {
        let slabs = slabs(sizes);
        let classes = classes(&slabs, key_len, value_len).into_iter();
        classes.map(|class| slabs.size(class)).collect()
    }

    /// Few sizes and many, one alone, powers of two, for the smallest pages and the largest.
    fn lists() -> Vec<Vec<usize>> {
        let few: [&[usize]; 6] = [
            &[64, 128, 256, 1024, 4096],
            &[512],
            &[32, 48, 1024],
            &[96, 4096],
            &[32, 4096, 65536],
            &[48, 80, 112, 160, 240, 352, 512, 800, 1200, 2032, 4096],
        ];
        let mut lists: Vec<_> = few.map(Vec::from).into();
        for page_shift in 9..=16 {
            lists.push((5..=page_shift).map(|shift| 1 << shift).collect());
        }
        for (count, page_size) in [(11, 65536), (30, 4096), (30, 65536), (62, 65536)] {
            let ratio = (page_size as f64 / 32.0).powf(1.0 / f64::from(count - 1));
            let size = |at| 16 * (2.0 * ratio.powi(at)).round() as usize;
            let mut list: Vec<_> = (0..count).map(size).collect();
            list.dedup();
            assert!(list.len() * 5 > count as usize * 4 && list.last() == Some(&page_size));
            lists.push(list);
        }
        lists
    }

    /// Value sizes up to some pages: all of them for small pages, else those about the ends of
    /// pages and some hundreds of each page.
    fn value_lens(page_size: usize) -> impl Iterator<Item = usize> {
        let step = if page_size > 4096 {
            page_size / 128 - 1
        } else {
            1
        };
        let near_ends = (1..5).flat_map(move |pages| {
            let end = pages * page_size;
            (end - 350..end + 50).chain(end + 65..end + 400)
        });
        let small = (0..4096).chain((4096..5 * page_size.max(4096)).step_by(step));
        small.chain(near_ends).chain([1 << 20, (1 << 24) - 1])
    }

    #[test]
    fn every_size_fits_its_chunks_with_the_key_in_the_first() {
        for sizes in lists() {
            let (slabs, page) = (slabs(&sizes), *sizes.last().unwrap());
            for key_len in [1, 20, 250] {
                for value_len in value_lens(page) {
                    let chunks = classes(&slabs, key_len, value_len).into_iter();
                    let chunks: Vec<_> = chunks.map(|class| slabs.size(class)).collect();
                    let split = chunks.len() > 1;
                    let head = 24 + 4 * usize::from(split) + key_len;
                    let room = chunks.iter().sum::<usize>() - CONTINUATION * (chunks.len() - 1);
                    let case = || std::format!("{sizes:?} {key_len} {value_len} {chunks:?}");
                    assert!(room >= head + value_len, "{}", case());
                    assert!(chunks[0] >= head.min(page), "{}", case());
                    assert!(chunks.iter().filter(|&&size| size < page).count() <= PARTS);
                    let least = chunks.iter().min().unwrap();
                    let without = (room + CONTINUATION).saturating_sub(*least);
                    assert!(!split || without < head + value_len, "in vain: {}", case());
                }
            }
        }
    }

    /// The chunks never take more than one end chunk behind the whole pages would, and no end chunk
    /// is left that two smaller ones would clearly be better than.
    #[test]
    fn little_is_wasted_at_the_end_of_any_size() {
        for sizes in lists() {
            let (slabs, page) = (slabs(&sizes), *sizes.last().unwrap());
            let last = slabs.page_class();
            let fit = |size| slabs.fitting(size).unwrap_or(last);
            let total = |classes: &[Class]| classes.iter().map(|&c| slabs.cost(c)).sum::<usize>();
            // The cost of the next smaller chunk and of what is needed then.
            let in_two = |class: Class, left: usize| {
                let smaller = Class(class.0.checked_sub(1)?);
                let rest = (left + CONTINUATION).checked_sub(slabs.size(smaller))?;
                Some(slabs.cost(smaller) + slabs.cost(fit(rest)))
            };
            for key_len in [1, 20, 250] {
                for value_len in value_lens(page) {
                    let chunks = classes(&slabs, key_len, value_len);
                    let case = || {
                        let chunks = chunks.iter().map(|&class| slabs.size(class));
                        let chunks: Vec<_> = chunks.collect();
                        std::format!("{sizes:?} {key_len} {value_len} {chunks:?}")
                    };
                    let whole = 24 + key_len + value_len;
                    if whole <= page {
                        let single = slabs.cost(fit(whole));
                        if chunks.len() > 1 {
                            let saved = single - total(&chunks);
                            assert!(saved >= single / SAVING, "{}", case());
                            continue;
                        }
                        let head_fits =
                            chunks[0].0 > 0 && slabs.size(Class(chunks[0].0 - 1)) >= 28 + key_len;
                        let two = in_two(chunks[0], whole + 4).filter(|_| head_fits);
                        let least = single - single / SAVING;
                        assert!(two.is_none_or(|two| two > least), "{}", case());
                        continue;
                    }
                    let pages = 1 + (whole + 4 - page) / (page - CONTINUATION);
                    let left = (whole + 4 - page) % (page - CONTINUATION);
                    let single = if left > 0 {
                        slabs.cost(fit(left + CONTINUATION))
                    } else {
                        0
                    };
                    let best_end = pages * page + single;
                    assert!(total(&chunks) <= best_end, "{}", case());
                    // All parts but for the last one are filled; it could have been two.
                    let parts: Vec<_> = chunks.iter().filter(|c| slabs.size(**c) < page).collect();
                    assert!(parts.len() < PARTS);
                    if let Some((&&end, filled)) = parts.split_last()
                        && parts.len() < PARTS - 1
                    {
                        let filled = filled.iter().map(|&&c| slabs.size(c) - CONTINUATION);
                        let left = left + CONTINUATION - filled.sum::<usize>();
                        let two = in_two(end, left);
                        assert!(two.is_none_or(|two| two >= slabs.cost(end)), "{}", case());
                    }
                }
            }
        }
    }

    #[test]
    fn two_chunks_that_fit_are_found_where_the_largest_first_one_wastes_much() {
        let mut sizes: Vec<_> = (1..=128).rev().map(|k| 4096 / k / 16 * 16).collect();
        sizes.dedup();
        assert_eq!(sizes.len(), 30);
        // 24 of the header, 4 for the link, 8 of the second chunk.
        assert_eq!(chunks(&sizes, 16, 300), [272, 80]);
        assert_eq!(chunks(&sizes, 16, 64), [112]);
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
