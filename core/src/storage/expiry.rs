//! What has expired: pages in a timing wheel, by the earliest deadline among their items.
//!
//! Items need no link of their own for this: when a page comes due its heads are read, what is over
//! is freed, and the page is filed again by the earliest deadline left. The wheel is hierarchical
//! (Varghese and Lauck, 1987): four levels of 64 slots, each level 64 times as coarse as the one
//! below it. Filing, unlinking and finding the next due page cost the same however many there are.

use super::arena::{Geometry, Page};
use super::page::{self, List};
use crate::digest::Digest;

const LEVELS: usize = 4;
const SLOT_BITS: u32 = 6;
const SLOTS: u32 = 1 << SLOT_BITS;

/// One unit of the wheel is 2^8 = 256 milliseconds.
const UNIT_SHIFT: u32 = 8;

/// The unit at whose beginning a deadline, in milliseconds, has passed.
pub(crate) fn unit(deadline: u64) -> u32 {
    u32::try_from((deadline >> UNIT_SHIFT) + 1).unwrap_or(u32::MAX)
}

/// The unit that has begun at this time, in milliseconds.
pub(crate) fn current(now: u64) -> u32 {
    u32::try_from(now >> UNIT_SHIFT).unwrap_or(u32::MAX)
}

/// When a unit begins, in milliseconds.
pub(crate) const fn begins(unit: u32) -> u64 {
    (unit as u64) << UNIT_SHIFT
}

/// The wheel. A page is in it exactly while its record has a due unit.
#[derive(Debug)]
pub(crate) struct Expiry {
    slots: [[Page; SLOTS as usize]; LEVELS],
    /// Which slots are not empty, a bit each.
    filled: [u64; LEVELS],
    /// Everything up to this slot number, counted from the beginning of time, was emptied.
    cursors: [u32; LEVELS],
}

/// Level and slot in the byte that the record has for them.
const fn slot_byte(level: usize, slot: u32) -> u8 {
    (level as u32 * SLOTS + slot) as u8
}

/// Level and slot that such a byte means.
pub(crate) const fn level_and_slot(byte: u8) -> (usize, u32) {
    ((byte as u32 / SLOTS) as usize, byte as u32 % SLOTS)
}

impl Expiry {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [[Page::NONE; SLOTS as usize]; LEVELS],
            filled: [0; LEVELS],
            cursors: [0; LEVELS],
        }
    }

    /// Forgets all pages.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            cursors: self.cursors,
            ..Self::new()
        };
    }

    /// Makes sure that the page comes due at `unit` or before.
    #[inline]
    pub(crate) fn note(&mut self, memory: &mut [u8], geometry: &Geometry, page: Page, unit: u32) {
        match page::due(memory, geometry, page) {
            Some(due) if due <= unit => return,
            Some(_) => self.unlink(memory, geometry, page),
            None => {}
        }
        self.file(memory, geometry, page, unit);
    }

    fn file(&mut self, memory: &mut [u8], geometry: &Geometry, page: Page, unit: u32) {
        page::set_due(memory, geometry, page, Some(unit));
        let (level, slot) = self.place(unit);
        page::set_slot(memory, geometry, page, slot_byte(level, slot));
        self.filled[level] |= 1 << slot;
        let first = &mut self.slots[level][slot as usize];
        List::Wheel.push(memory, geometry, first, page);
    }

    fn place(&self, unit: u32) -> (usize, u32) {
        for level in 0..LEVELS {
            let cursor = self.cursors[level];
            let number = unit >> (SLOT_BITS * level as u32);
            if number.saturating_sub(cursor) < SLOTS {
                return (level, number.max(cursor.saturating_add(1)) % SLOTS);
            }
        }
        (
            LEVELS - 1,
            self.cursors[LEVELS - 1].wrapping_add(SLOTS - 1) % SLOTS,
        )
    }

    /// Takes a page out.
    pub(crate) fn unlink(&mut self, memory: &mut [u8], geometry: &Geometry, page: Page) {
        let (level, slot) = level_and_slot(page::slot(memory, geometry, page));
        let first = &mut self.slots[level][slot as usize];
        List::Wheel.unlink(memory, geometry, first, page);
        if first.is_none() {
            self.filled[level] &= !(1 << slot);
        }
        page::set_due(memory, geometry, page, None);
    }

    /// Takes out the next page that was filed for the unit `current` or before, or whose turn it is
    /// to be filed at a finer level. The caller looks at it and files it again.
    pub(crate) fn pop(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        current: u32,
    ) -> Option<Page> {
        for level in 0..LEVELS {
            let end = current >> (SLOT_BITS * level as u32);
            if let Some(number) = self.next_filled(level, end) {
                self.cursors[level] = number - 1;
                let page = self.slots[level][(number % SLOTS) as usize];
                self.unlink(memory, geometry, page);
                return Some(page);
            }
            self.cursors[level] = self.cursors[level].max(end);
        }
        None
    }

    /// The number of the first slot behind the cursor, up to `end`, that holds a page.
    fn next_filled(&self, level: usize, end: u32) -> Option<u32> {
        let first = self.cursors[level].checked_add(1)?;
        let ahead = self.filled[level].rotate_right(first % SLOTS);
        let number = first.checked_add(ahead.trailing_zeros())?;
        (ahead != 0 && number <= end).then_some(number)
    }

    /// For each level, the slot that was emptied last.
    pub(crate) fn hands(&self) -> [u8; LEVELS] {
        self.cursors.map(|cursor| (cursor % SLOTS) as u8)
    }

    /// Adds where time is, and which page comes after which.
    pub(crate) fn digest(&self, memory: &[u8], geometry: &Geometry, digest: &mut Digest) {
        for (level, cursor) in self.cursors.into_iter().enumerate() {
            digest.number(u64::from(cursor));
            digest.number(self.filled[level]);
            for &first in &self.slots[level] {
                for page in List::Wheel.pages(memory, geometry, first) {
                    digest.number(u64::from(page.0));
                }
            }
        }
    }

    /// Panics if a page with a due unit is not in its slot, or another one is. For tests.
    pub(crate) fn check(&self, memory: &[u8], geometry: &Geometry, fresh: u32) {
        let mut filed = 0;
        for (level, slots) in self.slots.iter().enumerate() {
            for (slot, &first) in (0..).zip(slots) {
                let is_filled = self.filled[level] & 1 << slot != 0;
                assert_eq!(is_filled, !first.is_none(), "bit of a slot");
                for page in List::Wheel.pages(memory, geometry, first) {
                    assert!(page::due(memory, geometry, page).is_some(), "never due");
                    let byte = page::slot(memory, geometry, page);
                    assert_eq!(byte, slot_byte(level, slot), "slot of a page");
                    filed += 1;
                }
            }
        }
        let pages = (0..fresh).map(Page);
        let pages = pages.filter(|&page| !geometry.holds_records(page));
        let due = pages.filter(|&page| page::due(memory, geometry, page).is_some());
        assert_eq!(due.count(), filed, "pages in the wheel");
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use super::*;

    fn pages(count: u32) -> (vec::Vec<u8>, Geometry) {
        let geometry = Geometry::new(0, 4096, count);
        (vec![0; geometry.end_of(count)], geometry)
    }

    #[test]
    fn every_page_comes_once_at_its_unit_or_one_later() {
        let (mut memory, geometry) = pages(100);
        let mut wheel = Expiry::new();
        let unit_of = |page: u32| page * page * 97 + 1;
        for page in 1..100 {
            wheel.note(&mut memory, &geometry, Page(page), unit_of(page));
        }
        let mut came = 0;
        for now in 0..unit_of(99) + 2 {
            while let Some(page) = wheel.pop(&mut memory, &geometry, now) {
                let unit = unit_of(page.0);
                if unit <= now {
                    assert!(
                        now <= unit + 1,
                        "page {} of unit {unit} came at {now}",
                        page.0
                    );
                    came += 1;
                } else {
                    wheel.note(&mut memory, &geometry, page, unit);
                }
            }
        }
        assert_eq!(came, 99);
    }

    #[test]
    fn a_long_sleep_loses_nothing() {
        let (mut memory, geometry) = pages(100);
        let mut wheel = Expiry::new();
        for page in 1..100 {
            wheel.note(&mut memory, &geometry, Page(page), page << 16);
        }
        let came = core::iter::from_fn(|| wheel.pop(&mut memory, &geometry, u32::MAX)).count();
        assert_eq!(came, 99);
        wheel.note(&mut memory, &geometry, Page(5), 1);
        assert_eq!(
            wheel.pop(&mut memory, &geometry, u32::MAX),
            None,
            "the end of time"
        );
    }

    #[test]
    fn the_earliest_unit_counts() {
        let (mut memory, geometry) = pages(10);
        let mut wheel = Expiry::new();
        wheel.note(&mut memory, &geometry, Page(3), 500);
        wheel.note(&mut memory, &geometry, Page(3), 7);
        wheel.note(&mut memory, &geometry, Page(3), 9);
        assert_eq!(page::due(&memory, &geometry, Page(3)), Some(7));
        assert_eq!(wheel.pop(&mut memory, &geometry, 6), None);
        assert_eq!(wheel.pop(&mut memory, &geometry, 7), Some(Page(3)));
        assert_eq!(page::due(&memory, &geometry, Page(3)), None);
    }
}
