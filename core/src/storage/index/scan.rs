//! Walks over all items by way of the index.

use super::super::arena::{ArenaRef, ChunkRef};
use super::{Index, ItemHasher, numbers};

impl Index {
    /// Every item, in the order of buckets.
    pub(crate) fn items<'m>(
        &'m self,
        arena: ArenaRef<'m>,
    ) -> impl Iterator<Item = (u32, ChunkRef)> + 'm {
        (0..self.buckets()).flat_map(move |number| {
            let items = self.bucket_items(arena, number);
            items.map(move |item| (number, item))
        })
    }

    /// The items of the group at this cursor, and the next cursor, if there is one.
    ///
    /// A cursor is a number of 32 bits read backwards, so that the two groups which a group
    /// becomes, or those that become one, are neighbours: no group before this one ever becomes one
    /// after.
    pub(crate) fn group<'m>(
        &'m self,
        arena: ArenaRef<'m>,
        cursor: u32,
    ) -> (impl Iterator<Item = ChunkRef> + 'm, Option<u32>) {
        let (numbers, next) = self.group_buckets(cursor);
        let items = numbers.flat_map(move |number| self.bucket_items(arena, number));
        (items, next)
    }

    /// The numbers of the buckets at this cursor, and the next cursor, if there is one.
    pub(crate) fn group_buckets(
        &self,
        cursor: u32,
    ) -> (impl Iterator<Item = u32> + Clone + use<>, Option<u32>) {
        let group = cursor.reverse_bits() & (self.groups - 1);
        let members = self.members + u32::from(group < self.split);
        // All cursors, divided by a power of two.
        let next = group.reverse_bits().checked_add(u32::MAX / self.groups);
        let next = next.and_then(|last| last.checked_add(1));
        (numbers(members, self.groups, group), next)
    }

    fn bucket_items<'m>(
        &'m self,
        arena: ArenaRef<'m>,
        number: u32,
    ) -> impl Iterator<Item = ChunkRef> + 'm {
        let chain = arena.bucket_chain(self.at(arena, number));
        chain.flat_map(move |at| arena.bucket_items(at))
    }

    /// Panics if an item is not in the bucket of its hash, or the count is wrong; counts the
    /// overflow buckets. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>, hasher: &impl ItemHasher) -> usize {
        let mut items = 0;
        for (number, item) in self.items(arena) {
            assert_eq!(
                self.bucket_of(hasher.hash_item(arena, item)),
                number,
                "an item in a wrong bucket"
            );
            items += 1;
        }
        assert_eq!(items, self.items, "items in the index");
        let firsts = (0..self.buckets()).map(|number| self.at(arena, number));
        let chains = firsts.map(|first| arena.bucket_chain(first));
        chains.map(|chain| chain.count() - 1).sum()
    }
}
