//! What has expired: pages in a timing wheel, by the earliest deadline among their items.
//!
//! Items need no link of their own for this: when a page is due its headers are read, what has
//! expired is freed, and the page is filed again by the earliest deadline left. The wheel is
//! hierarchical (Varghese and Lauck, 1987): four levels of 64 slots, the finest of a millisecond
//! each, each other level 64 times as coarse as the one below it. Filing, unlinking and finding the
//! next due page cost the same however many there are.
//!
//! A page is never filed behind the first deadline in it, and slots are as fine as deadlines are:
//! if no page is due, nothing has expired. A page is filed at most once on each level until it is
//! due, and a look that frees nothing was paid for by the change that took the first deadline away.
//! One whose first deadline is further away than the wheel reaches is looked at every 4.6 hours.

use super::arena::{ArenaMut, ArenaRef, Page};
use super::clock::Clock;
use super::page::List;
use crate::digest::Digest;

const LEVELS: usize = 4;
const SLOT_BITS: u32 = 6;
const SLOTS: u32 = 1 << SLOT_BITS;

/// Bits of a word.
const BITS: usize = u32::BITS as usize;
/// How many words have a bit for each slot of a level.
const WORDS: usize = SLOTS as usize / BITS;

/// After how long every slot is where it was: a round of the coarsest level, 4.7 hours.
const ROUND: u64 = 1 << shift(LEVELS);

/// How far ahead of the wheel's time a page is filed at most: 4.6 hours. One with later deadlines
/// is looked at then, and filed again.
const HORIZON: u64 = ROUND - (1 << shift(LEVELS - 1));

/// The wheel. A page is in it exactly while its record says when it is due. Times are milliseconds.
#[derive(Debug)]
pub(crate) struct Expiry {
    /// The first page of each slot, level after level.
    slots: [Page; LEVELS * SLOTS as usize],
    /// Which slots are not empty, a bit each.
    filled: [u32; LEVELS * WORDS],
    /// No page is due before this moment.
    time: u64,
    /// No slot that holds a page begins before this moment.
    next: u64,
    /// Before this moment come pages whose deadlines may be earlier than the wheel's time.
    late_until: u64,
}

/// Level and slot, given the slot's number from the beginning of time, in the byte that the record
/// has for them.
const fn slot_byte(level: usize, number: u32) -> u8 {
    (level as u32 * SLOTS + number % SLOTS) as u8
}

/// Level and slot that such a byte means.
pub(crate) const fn level_and_slot(byte: u8) -> (usize, u32) {
    ((byte as u32 / SLOTS) as usize, byte as u32 % SLOTS)
}

/// How many low bits of a time say where in a slot of this level it is.
const fn shift(level: usize) -> u32 {
    SLOT_BITS * level as u32
}

impl Expiry {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [Page::NONE; LEVELS * SLOTS as usize],
            filled: [0; LEVELS * WORDS],
            time: Clock::START,
            next: u64::MAX,
            late_until: Clock::START,
        }
    }

    /// Forgets all pages.
    pub(crate) fn clear(&mut self) {
        // In place: a new wheel at the old time would be made on the stack first.
        self.slots.fill(Page::NONE);
        self.filled.fill(0);
    }

    /// Makes sure that the page is due then or before.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn schedule(&mut self, arena: &mut ArenaMut<'_>, page: Page, due: u64) {
        let distance = due.saturating_sub(self.time).min(HORIZON) as u32;
        match arena.page(page).due() {
            Some(due) if self.distance(due) <= distance => return,
            Some(_) => _ = self.unlink(arena, page),
            None => {}
        }
        self.file(arena, page, distance);
    }

    /// How long after the wheel's time a page is due that has this in its record.
    const fn distance(&self, due: u32) -> u32 {
        due.wrapping_sub(self.time as u32) & (ROUND - 1) as u32
    }

    /// The moment that a page with this in its record is due.
    pub(crate) const fn moment(&self, due: u32) -> u64 {
        self.time + self.distance(due) as u64
    }

    /// Files a page that is due so long after the wheel's time.
    fn file(&mut self, arena: &mut ArenaMut<'_>, page: Page, distance: u32) {
        // What matters of a time are its low bits: all are near the wheel's. The level is the
        // finest on which both are in the same round; the coarsest has neither beginning nor end.
        let time = self.time as u32;
        let due = time.wrapping_add(distance);
        let mut level = 0;
        while level < LEVELS - 1 && (due ^ time) >> shift(level + 1) != 0 {
            level += 1;
        }
        let number = due >> shift(level);
        let slot = slot_byte(level, number);
        arena.page_mut(page).set_due(due, slot);
        let begins = (number << shift(level)).wrapping_sub(time);
        self.next = self.next.min(self.time + u64::from(begins));
        let slot = usize::from(slot);
        self.filled[slot / BITS] |= 1 << (slot % BITS);
        List::Wheel.push(arena, &mut self.slots[slot], page);
    }

    /// Takes a page out, and returns what its record said about when it is due.
    pub(crate) fn unlink(&mut self, arena: &mut ArenaMut<'_>, page: Page) -> u32 {
        let (due, slot) = arena.page_mut(page).take_due();
        let slot = usize::from(slot);
        let first = &mut self.slots[slot];
        List::Wheel.unlink(arena, first, page);
        if first.is_none() {
            self.filled[slot / BITS] &= !(1 << (slot % BITS));
        }
        due
    }

    /// Whether a slot that holds a page may have begun by now. If not, there is nothing to
    /// [`pop`](Self::pop).
    #[inline]
    pub(crate) fn has_begun(&mut self, now: u64) -> bool {
        if self.next > now {
            self.time = self.time.max(now);
        }
        self.next <= now
    }

    /// Takes out a page that is due by now, for the caller to look at and to file again.
    /// `Some(None)` if it was a page's turn to be filed at a finer level instead.
    #[inline]
    pub(crate) fn pop(&mut self, arena: &mut ArenaMut<'_>, now: u64) -> Option<Option<Page>> {
        let (distance, slot) = self.next_filled();
        let page = self.slots[usize::from(slot)];
        self.next = match page {
            Page::NONE => u64::MAX,
            _ => self.time + u64::from(distance),
        };
        if !self.has_begun(now) || page.is_none() {
            return None;
        }
        self.time = self.next;
        self.skip_rounds(now);
        let due = self.unlink(arena, page);
        if self.moment(due) <= now {
            return Some(Some(page));
        }
        self.file(arena, page, self.distance(due));
        Some(None)
    }

    /// Lets whole rounds pass of which nothing has been looked at. Every page stays in its slot and
    /// is due by now, as before. Otherwise one with a deadline that is still to come would be
    /// looked at once for each of them.
    fn skip_rounds(&mut self, now: u64) {
        let rounds = ((now - self.time) / ROUND) as u32;
        if rounds > 1 {
            self.time += u64::from(rounds - 1) * ROUND;
            self.late_until = self.time + ROUND;
        }
    }

    /// A moment before which no item that is filed ends, but for those that were stored while time
    /// had stepped back from it; none while pages are late.
    pub(crate) fn passed(&self) -> Option<u64> {
        (self.time >= self.late_until).then_some(self.time)
    }

    /// How long after the wheel's time the first slot begins that holds a page, and which one it
    /// is. The slots in which the wheel's time is come first: they hold what is due now, or is left
    /// to be filed at a finer level.
    fn next_filled(&self) -> (u32, u8) {
        let time = self.time as u32;
        let mut first = (u32::MAX, 0);
        for (level, &[low, high]) in self.filled.as_chunks::<WORDS>().0.iter().enumerate() {
            let filled = u64::from(low) | u64::from(high) << BITS;
            let number = time >> shift(level);
            let ahead = filled.rotate_right(number % SLOTS).trailing_zeros();
            let number = number.wrapping_add(ahead);
            let distance = match ahead {
                0 => 0,
                _ => (number << shift(level)).wrapping_sub(time),
            };
            if filled != 0 && distance < first.0 {
                first = (distance, slot_byte(level, number));
            }
        }
        first
    }

    /// For each level, the slot in which the wheel's time is.
    pub(crate) fn hands(&self) -> [u8; LEVELS] {
        core::array::from_fn(|level| ((self.time >> shift(level)) as u32 % SLOTS) as u8)
    }

    /// Adds where time is, and which page comes after which.
    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        digest.number(self.time);
        digest.number(self.late_until);
        for &filled in &self.filled {
            digest.number(filled.into());
        }
        for &first in &self.slots {
            for page in List::Wheel.pages(arena, first) {
                digest.number(u64::from(page.0));
            }
        }
    }

    /// Whether a page that is due then is looked at as soon as this deadline has passed. For tests.
    pub(crate) fn is_in_time(&self, due: u32, deadline: u64) -> bool {
        let moment = self.moment(due);
        moment <= deadline.max(self.time) || moment < self.late_until
    }

    /// Panics if a page that is due some time is not in its slot, or another one is, or if one may
    /// be due below the floor. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>, high_water: u32, floor: u64) {
        assert!(self.time >= floor, "a floor above the wheel's time");
        let (distance, first) = self.next_filled();
        let is_next = self.next <= self.time.saturating_add(distance.into());
        let is_empty = self.slots[usize::from(first)].is_none();
        assert!(is_next || is_empty, "a slot begins before");
        let mut filed = 0;
        for (slot, &first) in self.slots.iter().enumerate() {
            let is_filled = self.filled[slot / BITS] & 1 << (slot % BITS) != 0;
            assert_eq!(is_filled, !first.is_none(), "bit of a slot");
            for page in List::Wheel.pages(arena, first) {
                let byte = arena.page(page).slot();
                assert_eq!(usize::from(byte), slot, "slot of a page");
                let due = arena.page(page).due().expect("when it is due");
                let (level, _) = level_and_slot(byte);
                assert_eq!(
                    slot_byte(level, due >> shift(level)),
                    byte,
                    "slot of a moment"
                );
                filed += 1;
            }
        }
        let pages = (0..high_water).map(Page);
        let pages = pages.filter(|&page| !arena.geometry.holds_records(page));
        let due = pages.filter(|&page| arena.page(page).due().is_some());
        assert_eq!(due.count(), filed, "pages in the wheel");
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use super::super::arena::{Arena, Geometry};
    use super::*;

    const GEOMETRY: Geometry = Geometry::new(0, 4096);

    const PAGES: u32 = 100;

    fn memory() -> vec::Vec<u8> {
        vec![0; GEOMETRY.end_of(PAGES)]
    }

    fn arena(memory: &mut [u8]) -> ArenaMut<'_> {
        Arena::new(memory, GEOMETRY)
    }

    /// Takes out what is due.
    fn due(wheel: &mut Expiry, arena: &mut ArenaMut<'_>, now: u64) -> vec::Vec<u32> {
        let pops = core::iter::from_fn(|| wheel.pop(arena, now));
        let due = pops.flatten().map(|page| page.0).collect();
        wheel.check(arena.view(), PAGES, Clock::START);
        due
    }

    const START: u64 = Clock::START;

    #[test]
    fn every_page_is_due_once_at_its_millisecond() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        // Over rounds of every level, and over that of the 32 bits that a time is cut to.
        for start in [
            START,
            START + (1 << 12),
            START + (1 << 18) - 40,
            START + (1 << 24) - 40,
            (3 << 32) - 40,
            5 << 40,
        ] {
            let mut wheel = Expiry::new();
            assert_eq!(wheel.pop(arena, start), None);
            let at = |page: u32| start + u64::from(page * page * 97 / 64);
            for page in 1..100 {
                wheel.schedule(arena, Page(page), at(page));
            }
            let mut came = 0;
            for now in start..=at(99) {
                for page in due(&mut wheel, arena, now) {
                    assert_eq!(now, at(page), "page {page}");
                    came += 1;
                }
            }
            assert_eq!(came, 99, "{start}");
        }
    }

    #[test]
    fn a_long_sleep_loses_nothing() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        for now in [
            START + HORIZON,
            START + ROUND,
            START + 2 * ROUND,
            START + 5 * ROUND,
            u64::MAX,
        ] {
            let mut wheel = Expiry::new();
            for page in 1..100 {
                let at = START + (u64::from(page) << 16);
                wheel.schedule(arena, Page(page), at);
            }
            let came = due(&mut wheel, arena, now);
            assert_eq!(came.len(), 99, "{now}");
            wheel.schedule(arena, Page(5), START + 1);
            let came = due(&mut wheel, arena, now);
            assert_eq!(came, [5], "what is late");
        }
    }

    #[test]
    fn a_page_is_filed_at_the_finest_level_whose_round_its_moment_is_in() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        // How far the wheel's time is in its rounds, how long after it, the level, and its slot.
        for (time, after, level, slot) in [
            (0, 0, 0, 0),
            (0, 63, 0, 63),
            (0, 64, 1, 1),
            (0, 64 * 64 - 1, 1, 63),
            (0, 64 * 64, 2, 1),
            (0, (1 << 18) - 1, 2, 63),
            (0, 1 << 18, 3, 1),
            (0, HORIZON, 3, 63),
            (0, HORIZON + 1, 3, 63),
            (0, 1 << 40, 3, 63),
            (40, 23, 0, 63),
            (40, 24, 1, 1),
            (40, 1 << 40, 3, 63),
            ((1 << 18) - 1, 1, 3, 1),
            ((5 << 18) + 7, 1 << 40, 3, 4),
            (ROUND - 1, 1, 3, 0),
        ] {
            let mut wheel = Expiry::new();
            assert!(!wheel.has_begun(START + time));
            wheel.schedule(arena, Page(1), START + time + after);
            let filed = level_and_slot(arena.page(Page(1)).slot());
            assert_eq!(filed, (level, slot), "{after} after {time}");
            wheel.unlink(arena, Page(1));
        }
    }

    #[test]
    fn a_page_behind_the_horizon_is_due_early() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        let mut wheel = Expiry::new();
        wheel.schedule(arena, Page(3), START + HORIZON);
        wheel.schedule(arena, Page(4), 1 << 40);
        let before = START + HORIZON - 1;
        assert_eq!(due(&mut wheel, arena, before), []);
        let mut came = due(&mut wheel, arena, before + 1);
        came.sort_unstable();
        assert_eq!(came, [3, 4]);
    }

    #[test]
    fn a_page_behind_the_horizon_is_looked_at_once_a_round_and_comes_at_its_moment() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        let day = 24 * 3_600_000;
        for start in [START, (3 << 32) - 40, (5 << 40) - 40] {
            for far in [HORIZON + 1, ROUND, 3 * ROUND + 5, 50 * day, 3000 * day] {
                let mut wheel = Expiry::new();
                assert_eq!(due(&mut wheel, arena, start), []);
                let at = start + far;
                wheel.schedule(arena, Page(1), at);
                let (mut now, mut looks) = (start, 0);
                while now < at {
                    now += (HORIZON / 7).min(at - now);
                    for page in due(&mut wheel, arena, now) {
                        looks += 1;
                        if now < at {
                            wheel.schedule(arena, Page(page), at);
                        }
                    }
                    let filed = arena.page(Page(1)).due();
                    assert_eq!(filed.is_some(), now < at, "{start} {far}: at {now}");
                    assert!(wheel.passed().is_some_and(|moment| moment <= now));
                }
                assert!(looks <= far / HORIZON + 1, "{start} {far}: {looks} looks");
            }
        }
    }

    /// However far time jumps, and deadlines are not taken to have passed before they were seen.
    #[test]
    fn a_jump_makes_a_page_with_a_far_deadline_be_looked_at_three_times_at_most() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        for rounds in [1, 2, 3, 1000, 100_000] {
            let mut wheel = Expiry::new();
            let at = |page: u32| START + rounds * ROUND + (u64::from(page) << 10);
            for page in 1..100 {
                wheel.schedule(arena, Page(page), START + 5);
            }
            let now = START + rounds * ROUND;
            let (mut looks, mut seen) = ([0; 100], 0);
            while let Some(step) = wheel.pop(arena, now) {
                let Some(page) = step else { continue };
                looks[page.0 as usize] += 1;
                seen += u32::from(looks[page.0 as usize] == 1);
                assert!(looks[page.0 as usize] <= 3, "{rounds}: too often");
                wheel.schedule(arena, page, at(page.0));
                wheel.check(arena.view(), PAGES, START);
                // Pages are late only if a round was skipped.
                let passed = (rounds < 3).then_some(START + 5);
                assert!(seen == 99 || wheel.passed() == passed, "{rounds}");
            }
            assert_eq!((seen, wheel.passed()), (99, Some(now)), "{rounds}");
            for page in 1..100 {
                let came = due(&mut wheel, arena, at(page));
                assert_eq!(came, [page], "{rounds}");
            }
        }
    }

    #[test]
    fn time_goes_on_while_no_page_is_filed() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        let mut wheel = Expiry::new();
        let after = (1 << 40) + 5;
        for now in [START + 1, START + (1 << 20), 3 << 32, 1 << 40, after] {
            assert_eq!(due(&mut wheel, arena, now), []);
            assert_eq!(wheel.time, now);
        }
        wheel.schedule(arena, Page(3), after + 2);
        assert_eq!(due(&mut wheel, arena, after + 1), []);
        assert_eq!(due(&mut wheel, arena, after + 2), [3]);
    }

    #[test]
    fn the_earliest_moment_counts() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        let mut wheel = Expiry::new();
        for after in [500, 7, 9] {
            wheel.schedule(arena, Page(3), START + after);
        }
        assert_eq!(due(&mut wheel, arena, START + 6), []);
        assert_eq!(due(&mut wheel, arena, START + 7), [3]);
        assert_eq!(arena.page(Page(3)).due(), None);
    }

    #[test]
    fn pages_that_come_due_together_are_due_together() {
        let mut memory = memory();
        let arena = &mut arena(&mut memory);
        let mut wheel = Expiry::new();
        let now = START + 1000;
        assert_eq!(due(&mut wheel, arena, now), []);
        for at in [now, now - 1, 0] {
            wheel.schedule(arena, Page(3), at);
            assert_eq!(due(&mut wheel, arena, now), [3]);
        }
    }
}
