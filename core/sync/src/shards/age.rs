//! When the least recently used item of a shard was last used, to a few milliseconds.
//!
//! Items say it to the second, which is too coarse for a cache whose content changes within
//! seconds. Their `cas` says in which order they were stored, and marks of the count say when. So
//! an item near the end of the list that nobody has read since it was stored was last used between
//! two marks.

use dynamidb_core::Instant;

use crate::region::Shard;

/// As many marks are kept at most; then every other one goes. At least a quarter stays between the
/// oldest item and the newest, so that ages are known to a few percent.
const MARKS_MAX: usize = 64;
/// How many items at the end of the list are searched for one that nobody has read.
const ITEMS_MAX: usize = 8;
/// What an item's time of last use is rounded to, less a millisecond.
const SECOND: u64 = 999;

/// Which `cas` was the last one at some moments.
#[derive(Debug, Default)]
pub(super) struct Marks {
    marks: Vec<Mark>,
    /// Milliseconds between two of them, and when the next one is due.
    gap: u64,
    due: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    millis: u64,
    cas: u64,
}

impl Marks {
    /// Marks this moment, unless it is too close to the one before.
    #[inline]
    pub(super) fn mark(&mut self, now: Instant, shard: &Shard) {
        if now.as_millis() >= self.due {
            self.push(now.as_millis(), shard.last_cas());
        }
    }

    #[cold]
    fn push(&mut self, millis: u64, cas: u64) {
        // The clock was set back, or the count has begun again.
        if self
            .marks
            .last()
            .is_some_and(|last| millis < last.millis || cas < last.cas)
        {
            self.marks.clear();
        }
        if self.marks.len() >= MARKS_MAX {
            let mut keep = false;
            self.marks.retain(|_| {
                keep = !keep;
                keep
            });
            self.gap *= 2;
        }
        self.marks.push(Mark { millis, cas });
        self.gap = self.gap.max(1);
        self.due = millis.saturating_add(self.gap);
    }

    /// Forgets the marks before the one that an item with this `cas` was stored after.
    fn forget_before(&mut self, cas: u64) {
        let behind = self.marks.partition_point(|mark| mark.cas < cas);
        self.marks.drain(..behind.saturating_sub(1));
        if self.marks.len() < MARKS_MAX / 4 {
            self.gap = (self.gap / 2).max(1);
        }
    }

    /// When an item was stored at the earliest.
    fn stored_at(&self, cas: u64) -> Option<u64> {
        let behind = self.marks.partition_point(|mark| mark.cas < cas);
        Some(self.marks.get(behind.checked_sub(1)?)?.millis)
    }

    /// When the least recently used item was last used, in milliseconds; `None` if there is none.
    pub(super) fn oldest_use(&mut self, shard: &Shard) -> Option<u64> {
        let mut items = shard.items().rev().map(|view| view.item).take(ITEMS_MAX);
        let oldest = items.next()?;
        let began = oldest.last_used.as_millis();
        let unread = core::iter::once(oldest)
            .chain(items)
            .find(|item| !item.fetched);
        let stored = unread.and_then(|item| {
            let cas = item.cas?.get();
            let at = self.stored_at(cas);
            self.forget_before(cas);
            at
        });
        // A `cas` that a client chose is no count: the second of the last use holds in any case.
        Some(stored.map_or(began, |at| at.clamp(began, began.saturating_add(SECOND))))
    }
}

#[cfg(test)]
mod tests {
    use dynamidb_core::{Cache, Cas, Config};

    use super::*;
    use crate::Region;

    fn shard() -> Shard {
        let region = Region::new(1 << 20, true).unwrap();
        Cache::with_memory(Config::new(1 << 20), region).unwrap()
    }

    #[test]
    fn oldest_use_is_known_to_a_few_percent_of_the_age_at_any_pace() {
        // An item each time this many microseconds have passed: the shard is replaced in a fraction
        // of a second, and in an hour.
        for pace in [5_u64, 50, 1000, 1_000_000] {
            let (mut shard, mut marks) = (shard(), Marks::default());
            let mut micros = 1_000_000_000;
            let mut last = 0;
            for number in 0..40_000_u64 {
                let now = Instant::from_millis(micros / 1000);
                marks.mark(now, &shard);
                shard.set(now, &number.to_le_bytes(), &[0; 64]).unwrap();
                if number % 64 == 0 {
                    last = marks.oldest_use(&shard).unwrap();
                }
                micros += pace;
            }
            let items = shard.len() as u64;
            let expected = (micros - (items + 64) * pace) / 1000;
            let age = items * pace / 1000;
            let error = last.abs_diff(expected);
            assert!(error <= age / 12 + 2, "{pace}: {last} {expected} {age}");
        }
    }

    #[test]
    fn items_that_were_read_or_have_a_cas_of_their_own_are_known_to_the_second() {
        let (mut shard, mut marks) = (shard(), Marks::default());
        let now = |millis| Instant::from_millis(millis);
        assert_eq!(marks.oldest_use(&shard), None);
        marks.mark(now(1500), &shard);
        shard.set(now(1500), "key", "value").unwrap();
        assert_eq!(marks.oldest_use(&shard), Some(1500));
        marks.mark(now(7300), &shard);
        shard.get(now(7300), "key").unwrap();
        let used = shard.items().next().unwrap().item.last_used.as_millis();
        assert_eq!(marks.oldest_use(&shard), Some(used));
        let mut options = dynamidb_core::SetOptions::default();
        options.cas = Cas::new(u64::MAX);
        let stored = shard.set_with(now(9000), "key", "value", &options);
        assert!(stored.unwrap().is_stored());
        let oldest = marks.oldest_use(&shard).unwrap();
        assert!((8000..10_000).contains(&oldest), "{oldest}");
    }

    #[test]
    fn marks_are_made_anew_when_the_clock_or_the_count_goes_back() {
        let mut marks = Marks::default();
        for millis in 0..1000 {
            marks.push(millis, millis);
        }
        assert!(marks.marks.len() <= MARKS_MAX);
        marks.push(500, 2000);
        assert_eq!(marks.marks.len(), 1);
        marks.push(600, 3);
        assert_eq!(marks.marks.len(), 1);
    }
}
