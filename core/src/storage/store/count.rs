//! What happens to items, counted in all and by slab class.

use super::super::arena::ChunkRef;
use super::super::deadline::Deadline;
use super::super::header::Head;
use super::super::monitor::{self, Counted};
use super::super::plan::Plan;
use super::super::slab::{CLASSES, Class};
use super::{Found, Store, Write};
use crate::{ClassStats, Stats};

/// How many of the least recently used items are looked at for the oldest of each class.
const OLDEST_MAX: usize = 1000;

impl Store {
    /// Counts what happens to an item: in all, and in the class in which it is listed.
    #[inline]
    pub(crate) fn count(&mut self, item: ChunkRef, count: impl Fn(&mut Stats)) {
        count(&mut self.stats);
        let class = self.counted_class(item);
        self.count_in(class, count);
    }

    /// Counts in a class alone.
    pub(crate) fn count_in(&mut self, class: Counted, count: impl Fn(&mut Stats)) {
        self.monitor.count(class, |class| count(&mut class.counted));
    }

    /// Counts a store for which there was no room.
    pub(crate) fn count_no_memory(&mut self, write: &Write<'_>, value_len: usize) {
        self.stats.store_no_memory += 1;
        let class = self.class_of_new(write, value_len);
        self.count_in(class, |stats| stats.store_no_memory += 1);
    }

    /// Counts a lookup that found nothing, if the key has expired.
    #[inline]
    pub(crate) fn count_missing(&mut self, hash: u64) {
        if self.monitor.take_expired(hash) {
            self.stats.get_expired += 1;
        }
    }

    /// Counts the bytes of an item that has come, gone or changed.
    #[inline]
    pub(super) fn count_bytes(&mut self, class: Counted, after: u64, before: u64) {
        let count = |class: &mut ClassStats| {
            class.mem_requested = (class.mem_requested + after).saturating_sub(before);
        };
        self.monitor.count(class, count);
    }

    /// Counts an eviction.
    pub(super) fn count_eviction(&mut self, &Found { item, head }: &Found) {
        let unfetched = u64::from(!head.fetched());
        self.count(item, |stats| {
            stats.evictions += 1;
            stats.evicted_unfetched += unfetched;
        });
        let (class, idle) = (self.counted_class(item), self.idle_time(&head));
        self.monitor.count(class, |class| {
            class.evicted_nonzero += u64::from(head.deadline() != Deadline::NEVER);
            class.evicted_time = idle;
        });
    }

    /// The class in which an item is listed.
    #[inline]
    pub(crate) fn counted_class(&self, item: ChunkRef) -> Counted {
        self.slabs.counted_class(self.geometry().page_of(item))
    }

    /// The class in which an item would be listed that is not written.
    pub(crate) fn class_of_new(&self, write: &Write<'_>, value_len: usize) -> Counted {
        if !monitor::ON {
            return Counted::new(Class(0));
        }
        let meta = write.meta(value_len, self.cas.like(write.facts.cas));
        Counted::new(Plan::new(&self.slabs, meta.sizes()).head())
    }

    /// Counts an item that ends before it is written, as if it had been and had expired since.
    pub(crate) fn skip(&mut self, write: &Write<'_>) -> Counted {
        self.monitor.expire(write.hash);
        self.class_of_new(write, write.value_len(None))
    }

    /// What was counted of each class, and how old its oldest item is.
    ///
    /// That item is looked for among the least recently used ones. If it is not there, it is at
    /// most as old as the last that was looked at.
    pub(crate) fn class_stats<'m>(
        &'m self,
        memory: &'m [u8],
    ) -> impl Iterator<Item = ClassStats> + 'm {
        let mut ages = [None; CLASSES];
        let mut most = 0;
        for list in self.eviction.lists(memory, self.geometry()) {
            let mut last = 0;
            for item in list.rev().take(OLDEST_MAX) {
                last = self.idle_time(&self.read(memory, item).head);
                let class = usize::from(self.class(memory, item));
                if let Some(age) = ages.get_mut(class) {
                    *age = Some(last).max(*age);
                }
            }
            most = last.max(most);
        }
        let classes = self.monitor.classes().iter().zip(self.slabs.stats());
        classes.zip(ages).map(move |((counted, slab), age)| {
            let age = if slab.items > 0 {
                age.unwrap_or(most)
            } else {
                0
            };
            ClassStats { age, ..*counted }
        })
    }

    /// For how many seconds an item has not been used; 0 if its head does not say.
    fn idle_time(&self, head: &Head) -> u64 {
        match head.is_compact() {
            true => 0,
            false => {
                let clock = self.clock;
                let now = clock.used_at(clock.second());
                now.since(clock.used_at(head.last_use())).as_secs()
            }
        }
    }
}
