//! One bucket more or one less, and the items of one group spread over the buckets it then has.

use super::super::arena::{ArenaMut, ArenaRef};
use super::super::bucket::SLOTS;
use super::super::page;
use super::super::slab::Slabs;
use super::slot::{Slot, chain_len, vacate};
use super::{Index, ItemHasher, LOAD, MEMBERS_MAX, MEMBERS_MIN, map_at, numbers, set_page};

impl Index {
    /// Whether there are more items than the buckets are meant for.
    pub(crate) const fn is_crowded(&self) -> bool {
        !self.is_meant_for(self.items)
    }

    /// Whether there are buckets for this many items.
    pub(crate) const fn is_meant_for(&self, items: usize) -> bool {
        items <= self.buckets() as usize * LOAD
    }

    /// Whether there are far fewer items than the buckets are meant for.
    pub(crate) const fn is_sparse(&self) -> bool {
        self.items < self.sparse_below
    }

    /// Lets the index stay as large as it is until it grows, or shrink as usual.
    pub(crate) const fn keep(&mut self, keep: bool) {
        let buckets = self.buckets();
        self.sparse_below = match keep || buckets <= MEMBERS_MIN {
            true => 0,
            false => buckets as usize * LOAD / 2,
        };
    }

    /// Whether the next [`grow`](Self::grow) needs a page that nobody uses.
    pub(crate) fn needs_page(&self, arena: ArenaRef<'_>, slabs: &Slabs) -> bool {
        let (_, line) = arena.geometry.split_line(self.buckets());
        line == 0 || !self.can_spread(arena, slabs, self.members)
    }

    /// The buckets whose items the next [`grow`](Self::grow) spreads.
    pub(crate) fn next_grown(&self) -> impl Iterator<Item = u32> + Clone + use<> {
        numbers(self.members, self.groups, self.split)
    }

    /// The buckets whose items the next [`shrink`](Self::shrink) gathers.
    pub(crate) fn next_shrunk(&self) -> impl Iterator<Item = u32> + Clone + use<> {
        let before = self.before();
        let (groups, members, split) = before.unwrap_or((self.groups, 0, 0));
        numbers(members + 1, groups, split)
    }

    /// Adds one bucket and spreads the items of one group over it. Does nothing where there is no
    /// room: the index then works on with longer chains.
    pub(crate) fn grow(
        &mut self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        hasher: &impl ItemHasher,
    ) {
        let (group, bucket) = (self.split, self.buckets());
        let (number, line) = arena.geometry.split_line(bucket);
        if line == 0 {
            if number >= self.map_len {
                return;
            }
            let Some(page) = slabs.take_page(arena, page::INDEX, 0) else {
                return;
            };
            set_page(arena, number, page);
        }
        if !self.can_spread(arena.view(), slabs, self.members) {
            self.give_back(arena, slabs);
            return;
        }
        self.clear_bucket(arena, bucket);
        self.copy_mark(arena, group, bucket);
        self.split += 1;
        self.spread(arena, slabs, group, hasher);
        if self.split == self.groups {
            (self.members, self.split) = (self.members + 1, 0);
        }
        if self.members == MEMBERS_MAX {
            (self.groups, self.members) = (self.groups * 2, MEMBERS_MIN);
        }
        self.keep(false);
    }

    /// Removes one bucket and gathers its items in the others of its group.
    pub(crate) fn shrink(
        &mut self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        hasher: &impl ItemHasher,
    ) {
        let now = (self.groups, self.members, self.split);
        let Some(before) = self.before() else {
            return;
        };
        (self.groups, self.members, self.split) = before;
        if !self.can_spread(arena.view(), slabs, self.members + 1) {
            (self.groups, self.members, self.split) = now;
            return;
        }
        self.spread(arena, slabs, self.split, hasher);
        self.give_back(arena, slabs);
        self.keep(false);
    }

    /// Groups, members and split, before the last bucket was added; `None` if it is one of the
    /// first.
    fn before(&self) -> Option<(u32, u32, u32)> {
        let (mut groups, mut members, mut split) = (self.groups, self.members, self.split);
        if split == 0 {
            if members == MEMBERS_MIN {
                if groups == 1 {
                    return None;
                }
                (groups, members) = (groups / 2, MEMBERS_MAX);
            }
            (members, split) = (members - 1, groups);
        }
        Some((groups, members, split - 1))
    }

    /// Gives the last page back if no bucket is in it.
    fn give_back(&self, arena: &mut ArenaMut<'_>, slabs: &mut Slabs) {
        let (page, line) = arena.geometry.split_line(self.buckets());
        if line == 0 {
            let first_line = arena.word(map_at(page));
            slabs.give_page(arena, arena.geometry.page_of_line(first_line));
        }
    }

    /// Whether there are overflow buckets enough for any way in which the items of the group whose
    /// turn it is may fall. It has this many buckets.
    fn can_spread(&self, arena: ArenaRef<'_>, slabs: &Slabs, members: u32) -> bool {
        let numbers = (0..members).map(|member| member * self.groups + self.split);
        let chains = numbers.map(|number| self.at(arena, number));
        let items: usize = chains.map(|first| chain_len(arena, first)).sum();
        slabs.available(&arena.geometry, slabs.index_class())
            >= items / SLOTS + MEMBERS_MAX as usize
    }

    /// Puts each item of a group, and of the bucket it just gained or is about to lose, where it
    /// belongs now.
    fn spread(
        &self,
        arena: &mut ArenaMut<'_>,
        slabs: &mut Slabs,
        group: u32,
        hasher: &impl ItemHasher,
    ) {
        let members = self.members + 1;
        for member in 0..members {
            let number = member * self.groups + group;
            let first = self.at(arena.view(), number);
            let mut at = Some(Slot {
                bucket: first,
                number: 0,
            });
            while let Some(here) = at {
                let bucket = arena.bucket(here.bucket);
                if here.number == bucket.len() {
                    let next = bucket.next(&arena.geometry);
                    at = next.map(|bucket| Slot { bucket, number: 0 });
                    continue;
                }
                let item = bucket.item(here.number);
                let hash = hasher.hash_item(arena.view(), item);
                if self.bucket_of(hash) == number {
                    at = Some(Slot {
                        number: here.number + 1,
                        ..here
                    });
                    continue;
                }
                let placed = self.place(arena, slabs, hash, item);
                debug_assert!(placed.is_ok(), "the room for this was counted before");
                let emptied = vacate(arena, slabs, first, here);
                at = if emptied == Some(here.bucket) {
                    None
                } else {
                    Some(here)
                };
            }
        }
    }
}
