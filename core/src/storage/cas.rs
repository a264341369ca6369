//! Which `cas` the next item gets: a count within 32 bits, in steps of as many caches as serve one
//! keyspace, so that no two of them give the same.

use core::num::NonZero;

/// The count of one cache.
#[derive(Debug)]
pub(crate) struct Cas {
    last: u32,
    /// If there is none, so is no cas: 0 is given for ever.
    step: Option<NonZero<u32>>,
}

impl Cas {
    pub(crate) const NONE: Self = Self {
        last: 0,
        step: None,
    };

    /// The counter of one shard of `shard_count`, begun near any number: after 0 comes the first
    /// there is.
    pub(crate) fn new(start: u32, shard: u16, shard_count: u16) -> Self {
        let step = NonZero::new(shard_count.into()).unwrap_or(NonZero::<u32>::MIN);
        let shard = u32::from(shard) % step;
        // Rounded down twice, so that it cannot overflow.
        let last = (start - start % step).saturating_sub(step.get()) + shard;
        let step = Some(step);
        Self { last, step }
    }

    /// Whether any is given.
    pub(crate) const fn is_counted(&self) -> bool {
        self.step.is_some()
    }

    /// Goes on from a number that another count gave last: the next one is greater, unless the
    /// count begins again.
    pub(crate) fn resume(&mut self, after: u32) {
        if let Some(step) = self.step {
            let (own, begun) = (self.last % step, after - after % step);
            let last = begun.checked_add(own);
            self.last = last.unwrap_or_else(|| begun - step.get() + own);
        }
    }

    /// The last that was given; before that, what comes before the first.
    pub(crate) const fn last(&self) -> u32 {
        self.last
    }

    /// One that takes as much room as the one that is wanted, or, if that is 0, as the next.
    pub(crate) const fn like(&self, wanted: u64) -> u64 {
        match self.step {
            Some(_) if wanted == 0 => 1,
            _ => wanted,
        }
    }

    /// The one that is wanted; if that is 0, the next.
    pub(crate) fn next(&mut self, wanted: u64) -> u64 {
        if wanted != 0 {
            return wanted;
        }
        let Self { last, step } = *self;
        let Some(step) = step else {
            return 0;
        };
        let next = last.checked_add(step.get());
        self.last = next.unwrap_or_else(|| last % step + step.get());
        self.last.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_never_give_the_same_nor_0() {
        for start in [0, 1, 7, 1 << 20, u32::MAX - 9, u32::MAX] {
            let mut given = alloc::vec::Vec::new();
            for shard in 0..5 {
                let mut cas = Cas::new(start, shard, 5);
                given.extend((0..10).map(|_| cas.next(0)));
            }
            given.sort_unstable();
            given.dedup();
            assert_eq!(given.len(), 50, "from {start}");
            assert!(given[0] > 0 && given[49] <= u32::MAX.into());
        }
    }

    #[test]
    fn one_shard_counts_from_1_and_gives_what_is_wanted() {
        let mut cas = Cas::new(0, 0, 1);
        let given = [0, 0, 1 << 40, 0, 7, 0].map(|wanted| cas.next(wanted));
        assert_eq!(given, [1, 2, 1 << 40, 3, 7, 4]);
    }

    #[test]
    fn a_resumed_count_gives_greater_numbers_of_its_own_shard() {
        for after in [0, 1, 4, 5, 6, 7, 1 << 20, u32::MAX - 10] {
            for shard in 0..5 {
                let mut cas = Cas::new(1 << 30, shard, 5);
                cas.resume(after);
                let next = cas.next(0);
                assert!(next > u64::from(after), "{next} after {after}");
                assert_eq!(next % 5, u64::from(shard));
            }
        }
    }

    #[test]
    fn a_count_that_is_resumed_at_its_end_begins_again() {
        for after in u32::MAX - 9..=u32::MAX {
            for shard in 0..5 {
                let mut cas = Cas::new(0, shard, 5);
                cas.resume(after);
                let next = [cas.next(0), cas.next(0)];
                assert!(
                    next.iter()
                        .all(|&next| next % 5 == u64::from(shard) && next > 0)
                );
                assert!(next[0] > u64::from(after) || next[0] < 10, "{next:?}");
            }
        }
    }

    #[test]
    fn none_is_given_but_what_is_wanted() {
        let mut cas = Cas::NONE;
        assert_eq!([0, 7, 0].map(|wanted| cas.next(wanted)), [0, 7, 0]);
        assert_eq!(cas.last(), 0);
    }

    #[test]
    fn no_shards_are_one() {
        let mut cas = Cas::new(3, 9, 0);
        let first = cas.next(0);
        assert_eq!(cas.next(0), first + 1);
    }
}
