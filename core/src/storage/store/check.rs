//! Whether all structures agree with each other. For tests: it walks everything, and panics.

use super::super::arena::ChunkRef;
use super::super::chain::Chain;
use super::super::deadline::Deadline;
use super::super::header::{self, Kind};
use super::super::page;
use super::{Found, Store, hash_of};
use crate::Config;

impl Store {
    /// Panics if any structure disagrees with another.
    pub(crate) fn check(&self, memory: &[u8]) {
        let geometry = self.geometry();
        self.slabs.check(memory, self.index.pages(&self.slabs));
        let floor = self.clock.floor();
        self.expiry
            .check(memory, geometry, self.slabs.fresh(), floor);
        let hasher = &self.hasher;
        let overflows = self.index.check(memory, geometry, |memory, item| {
            hash_of(hasher, geometry, memory, item)
        });
        self.eviction.check(memory, geometry);
        assert_eq!(self.index.len(), self.len(), "items in index and list");
        let (mut items, mut chunks) = (0, 0);
        let mut by_class = [0; Config::SLAB_SIZES_MAX + 1];
        let mut bytes = by_class;
        for found in self.items(memory) {
            chunks += self.check_item(memory, &found);
            items += 1;
            let class = usize::from(self.class(memory, found.item));
            by_class[class] += 1;
            bytes[class] += found.head.size_in_all() as usize;
        }
        for (class, counted) in self.slabs.stats().zip(by_class) {
            assert_eq!(class.items, counted, "items that begin in a class");
        }
        for (class, counted) in self.monitor.classes().iter().zip(bytes) {
            assert_eq!(class.mem_requested, counted as u64, "bytes of a class");
        }
        assert_eq!(items, self.len(), "items in the lists");
        let used = self.slabs.stats().map(|class| class.used_chunks).sum();
        assert_eq!(chunks, used, "chunks of items");
        let used = self.slabs.used(self.slabs.index_class());
        assert_eq!(overflows, used, "overflow buckets");
    }

    /// Counts the chunks of an item.
    fn check_item(&self, memory: &[u8], &Found { item, head }: &Found) -> usize {
        let geometry = self.geometry();
        assert_eq!(header::kind(memory, geometry.at(item)), Kind::Head);
        let key = head.key(memory, geometry.at(item));
        let found = self.find(memory, self.hasher.hash(&key.into()), key);
        let found = found.map(|found| found.item);
        assert_eq!(found, Some(item), "an item not found");
        let mut chain = Chain::new(memory, geometry, item, &head);
        while chain.next(memory).is_some() {}
        assert_eq!(chain.len(), 0, "a value with bytes missing");
        let deadline = head.deadline().millis(self.clock.floor());
        if deadline != Deadline::NO_TIME {
            let due = page::due(memory, geometry, geometry.page_of(item));
            assert!(
                due.is_some_and(|due| self.expiry.is_in_time(due, deadline)),
                "a deadline not filed"
            );
            assert!(self.clock.has_bound(deadline), "a deadline out of bounds");
        }
        let continuations = core::iter::successors(Some(head.next()), |&chunk| {
            Some(header::next(memory, geometry.at(chunk)))
        });
        let continuations = continuations.take_while(|chunk| !chunk.is_none());
        let owned = |chunk: ChunkRef| self.check_continuation(memory, item, chunk);
        1 + continuations.inspect(|&chunk| owned(chunk)).count()
    }

    fn check_continuation(&self, memory: &[u8], item: ChunkRef, chunk: ChunkRef) {
        let at = self.geometry().at(chunk);
        assert_eq!(header::kind(memory, at), Kind::Continuation);
        let owner = header::owner(memory, at);
        assert_eq!(owner, item, "a continuation of another item");
    }
}
