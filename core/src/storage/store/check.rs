//! Whether all structures agree with each other. For tests: it walks everything, and panics.

use super::super::arena::ChunkRef;
use super::super::chain::Chain;
use super::super::chunk::Kind;
use super::super::deadline::Deadline;
use super::super::handle::ItemHandle;
use super::Store;
use crate::Config;

impl Store<'_> {
    /// Panics if any structure disagrees with another.
    pub(crate) fn check(self) {
        let Self { arena, parts } = self;
        parts.slabs.check(arena, parts.index.pages(&arena.geometry));
        let high_water = parts.slabs.high_water();
        parts.expiry.check(arena, high_water, parts.clock.floor());
        self.check_marks();
        let overflows = parts.index.check(arena, &parts.hasher);
        parts.eviction.check(arena);
        assert_eq!(parts.index.len(), parts.len(), "items in index and list");
        let (mut items, mut chunks) = (0, 0);
        let mut by_class = [0; Config::SLAB_SIZES_MAX + 1];
        let mut bytes = by_class;
        for found in self.items() {
            chunks += self.check_item(&found);
            items += 1;
            let class = usize::from(self.class(found.item));
            by_class[class] += 1;
            bytes[class] += found.header.size_in_all() as usize;
        }
        for (class, counted) in parts.slabs.stats().zip(by_class) {
            assert_eq!(class.items, counted, "items that begin in a class");
        }
        for (class, counted) in parts.monitor.classes().iter().zip(bytes) {
            assert_eq!(class.mem_requested, counted as u64, "bytes of a class");
        }
        assert_eq!(items, parts.len(), "items in the lists");
        let used = parts.slabs.stats().map(|class| class.used_chunks).sum();
        assert_eq!(chunks, used, "chunks of items");
        let used = parts.slabs.used(parts.slabs.index_class());
        assert_eq!(overflows, used, "overflow buckets");
    }

    /// No bucket misses more than the flushes that are under way, and those that the sweep has
    /// passed miss only what began since.
    fn check_marks(self) {
        let Self { arena, parts } = self;
        let (index, flushes) = (&parts.index, &parts.flushes);
        let mut cursor = Some(0);
        while let Some(here) = cursor {
            let (numbers, next) = index.group_buckets(here);
            let passed = next.is_some_and(|next| next <= flushes.cursor());
            for number in numbers {
                let missed = flushes.missed(arena.bucket(index.at(arena, number)).mark());
                assert!(missed <= flushes.missed_max(passed), "a bucket not swept");
            }
            cursor = next;
        }
    }

    /// Counts the chunks of an item.
    fn check_item(self, found: &ItemHandle) -> usize {
        let Self { arena, parts } = self;
        let &ItemHandle { item, ref header } = found;
        assert_eq!(arena.chunk(item).kind(), Kind::Header);
        let key = parts.hasher.hashed(&found.key(arena).into());
        let same = self.find(&key).map(|found| found.item);
        assert_eq!(same, Some(item), "an item not found");
        let mut chain = Chain::new(arena, found);
        while chain.next(arena).is_some() {}
        assert_eq!(chain.len(), 0, "a value with bytes missing");
        let deadline = header.deadline().millis(parts.clock.floor());
        if deadline != Deadline::NO_TIME {
            let due = arena.page(arena.geometry.page_of(item)).due();
            assert!(
                due.is_some_and(|due| parts.expiry.is_in_time(due, deadline)),
                "a deadline not scheduled"
            );
            assert!(parts.clock.has_bound(deadline), "a deadline out of bounds");
        }
        let next = |&chunk: &ChunkRef| Some(arena.chunk(chunk).next());
        let continuations = core::iter::successors(Some(header.next()), next);
        let continuations = continuations.take_while(|chunk| !chunk.is_none());
        1 + continuations
            .inspect(|&chunk| {
                let chunk = arena.chunk(chunk);
                assert_eq!(chunk.kind(), Kind::Continuation);
                assert_eq!(chunk.owner(), item, "a continuation chunk of another item");
            })
            .count()
    }
}
