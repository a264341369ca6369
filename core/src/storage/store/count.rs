//! What happens to items, counted in all and by slab class.

use super::super::arena::ChunkRef;
use super::super::class::{CLASSES, Class};
use super::super::deadline::Deadline;
use super::super::handle::ItemHandle;
use super::super::header::ItemHeader;
use super::super::monitor::{self, Counted};
use super::super::plan::Plan;
use super::{Parts, Store, StoreMut, Write};
use crate::{ClassStats, Stats};

/// How many of the least recently used items are looked at for the oldest of each class.
const OLDEST_MAX: usize = 1000;

impl Parts {
    /// Counts in a class alone.
    pub(crate) fn count_in(&mut self, class: Counted, count: impl Fn(&mut Stats)) {
        self.monitor.count(class, |class| count(&mut class.counted));
    }

    /// Counts a store for which memory was too full.
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

    /// Counts the bytes of an item that was stored, removed or changed.
    #[inline]
    pub(super) fn count_bytes(&mut self, class: Counted, after: u64, before: u64) {
        let count = |class: &mut ClassStats| {
            class.mem_requested = (class.mem_requested + after).saturating_sub(before);
        };
        self.monitor.count(class, count);
    }

    /// The class in which an item would be listed that is not written.
    pub(crate) fn class_of_new(&self, write: &Write<'_>, value_len: usize) -> Counted {
        if !monitor::ON {
            return Counted::new(Class(0));
        }
        let layout = write.layout(value_len, self.cas.like(write.attrs.cas));
        Counted::new(Plan::new(&self.slabs, layout.sizes()).first())
    }

    /// Counts an item that expires before it is written, as if it had been and had expired since.
    pub(crate) fn skip(&mut self, write: &Write<'_>) -> Counted {
        self.monitor.expire(write.key.hash);
        self.class_of_new(write, write.value_len(None))
    }

    /// For how many seconds an item has not been used; 0 if its header does not say.
    fn idle_time(&self, header: &ItemHeader) -> u64 {
        match header.is_compact() {
            true => 0,
            false => {
                let clock = self.clock;
                let now = clock.used_at(clock.second());
                now.since(clock.used_at(header.last_use())).as_secs()
            }
        }
    }
}

impl StoreMut<'_> {
    /// Counts what happens to an item: in all, and in the class in which it is listed.
    #[inline]
    pub(crate) fn count(&mut self, item: ChunkRef, count: impl Fn(&mut Stats)) {
        count(&mut self.parts.stats);
        let class = self.counted_class(item);
        self.parts.count_in(class, count);
    }

    /// Counts an eviction.
    pub(super) fn count_eviction(&mut self, &ItemHandle { item, header }: &ItemHandle) {
        let unfetched = u64::from(!header.fetched());
        let new = u64::from(header.lru_bits().is_new());
        self.count(item, |stats| {
            stats.evictions += 1;
            stats.evicted_new += new;
            stats.evicted_unfetched += unfetched;
        });
        let (class, idle) = (self.counted_class(item), self.parts.idle_time(&header));
        self.parts.monitor.count(class, |class| {
            class.evicted_nonzero += u64::from(header.deadline() != Deadline::NEVER);
            class.evicted_time = idle;
        });
    }

    /// The class in which an item is listed.
    #[inline]
    pub(crate) fn counted_class(&self, item: ChunkRef) -> Counted {
        let page = self.arena.geometry.page_of(item);
        self.parts.slabs.counted_class(page)
    }
}

impl<'s> Store<'s> {
    /// Bytes of header, key and value of all items; with their waste where it is not counted apart.
    #[cfg(feature = "insight")]
    pub(crate) fn item_bytes(self) -> u64 {
        if monitor::ON {
            let classes = self.parts.monitor.classes().iter();
            return classes.map(|class| class.mem_requested).sum();
        }
        self.parts.slabs.bytes_used() as u64
    }

    /// What was counted of each class, and how old its oldest item is.
    ///
    /// That item is looked for among the least recently used ones. If it is not there, it is at
    /// most as old as the last that was looked at.
    pub(crate) fn class_stats(self) -> impl Iterator<Item = ClassStats> + 's {
        let Self { arena, parts } = self;
        let mut ages = [None; CLASSES];
        let mut most = 0;
        for list in parts.eviction.lists(arena) {
            let mut last = 0;
            for item in list.rev().take(OLDEST_MAX) {
                last = parts.idle_time(&arena.header(item));
                let class = usize::from(self.class(item));
                if let Some(age) = ages.get_mut(class) {
                    *age = Some(last).max(*age);
                }
            }
            most = last.max(most);
        }
        let classes = parts.monitor.classes().iter().zip(parts.slabs.stats());
        classes.zip(ages).map(move |((counted, slab), age)| {
            let age = if slab.items > 0 {
                age.unwrap_or(most)
            } else {
                0
            };
            ClassStats { age, ..*counted }
        })
    }
}
