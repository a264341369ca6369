//! How an item is written: over one whose chunks it can have, or into other chunks.

use super::super::arena::{ChunkRef, Page};
use super::super::chain::{Chain, Writer};
use super::super::class::Class;
use super::super::deadline::Deadline;
use super::super::handle::ItemHandle;
use super::super::header::{ItemFlags, ItemLayout};
use super::super::monitor::Counted;
use super::super::plan::Plan;
use super::{Parts, StoreMut};
use crate::key::HashedKey;

/// How often the index may ask for a page in one operation before it goes on without.
const INDEX_PAGE_STEPS: usize = 512;

/// What is kept with a value besides the client's flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ItemAttrs {
    pub(crate) deadline: Deadline,
    /// The cas that it gets; 0 is the next.
    pub(crate) cas: u64,
    pub(crate) flags: ItemFlags,
}

impl ItemAttrs {
    pub(crate) const fn new(deadline: Deadline, cas: u64, flags: ItemFlags) -> Self {
        Self {
            deadline,
            cas,
            flags,
        }
    }
}

/// What is to be written: an item's key, its attributes, and where its bytes come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'w> {
    pub(crate) key: HashedKey<'w>,
    pub(crate) client_flags: u32,
    pub(crate) attrs: ItemAttrs,
    /// The value, in two parts.
    pub(crate) front: &'w [u8],
    pub(crate) back: &'w [u8],
    /// Whether the value of the item that is there now comes between the two.
    pub(crate) join: bool,
}

impl<'w> Write<'w> {
    /// A whole value.
    pub(crate) const fn new(
        key: &HashedKey<'w>,
        client_flags: u32,
        attrs: ItemAttrs,
        value: &'w [u8],
    ) -> Self {
        Self {
            key: *key,
            client_flags,
            attrs,
            front: value,
            back: &[],
            join: false,
        }
    }

    /// Bytes of the value that replaces this item's.
    pub(crate) fn value_len(&self, old: Option<&ItemHandle>) -> usize {
        let joined = old.filter(|_| self.join);
        let joined = joined.map_or(0, |old| old.header.value_len());
        self.front.len() + joined + self.back.len()
    }

    /// The header of the item, before it is known whether it is split.
    pub(super) const fn layout(&self, value_len: usize, cas: u64) -> ItemLayout {
        ItemLayout {
            key_len: self.key.bytes.len(),
            value_len,
            client_flags: self.client_flags,
            deadline: self.attrs.deadline,
            cas,
            item_flags: self.attrs.flags,
            split: false,
            in_place: false,
        }
    }
}

/// An item that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    pub(crate) cas: u64,
    /// The class in which it is listed.
    pub(crate) class: Counted,
}

impl StoreMut<'_> {
    /// Writes an item, in place of the one under this key if there is one. What was written is
    /// pinned until [`unpin`](super::Parts::unpin) is called.
    ///
    /// `None`: memory is full and nothing can be evicted; the item that was there is gone, unless
    /// it was to be joined.
    pub(crate) fn write(&mut self, old: Option<&ItemHandle>, write: &Write<'_>) -> Option<Written> {
        let cas = self.parts.cas.next(write.attrs.cas);
        let layout = write.layout(write.value_len(old), cas);
        let before = old.map(|old| old.header);
        if let Some(old) = old.filter(|_| !write.join) {
            if let Some(class) = self.overwrite(old, layout, write) {
                return Some(Written { cas, class });
            }
            self.remove(old, write.key.hash);
        } else if let Some(old) = old {
            self.bump(old);
            self.parts.eviction.pin(old.item);
        }
        let plan = Plan::new(&self.parts.slabs, layout.sizes());
        let layout = ItemLayout {
            split: plan.is_split(),
            ..layout
        };
        let item = self.allocate(&plan)?;
        if !self.insert(write.key.hash, item) {
            self.free_chunks(item);
            return None;
        }
        // What is joined may have moved, or be gone, if space had to be freed.
        let old = if write.join {
            self.view().find_other(&write.key, item)
        } else {
            None
        };
        if write.join && old.is_none() {
            let Self { arena, parts } = self;
            let (index, slabs) = (&mut parts.index, &mut parts.slabs);
            index.remove(arena, slabs, write.key.hash, item);
            self.free_chunks(item);
            return None;
        }
        self.fill(item, &layout, write, old.as_ref());
        self.set_owners(item);
        if let Some(old) = old {
            self.remove(&old, write.key.hash);
        }
        let class = Counted::new(plan.first());
        self.parts.slabs.count_item(plan.first());
        self.parts.count_bytes(class, layout.size_in_all(), 0);
        let (eviction, hash) = (&mut self.parts.eviction, write.key.hash);
        eviction.push(&mut self.arena, item, hash, before.as_ref());
        self.schedule(item, layout.deadline);
        self.fit_index();
        Some(Written { cas, class })
    }

    /// Writes in place of an item whose chunks are those which the new one needs; `None` if they
    /// are not.
    fn overwrite(
        &mut self,
        old: &ItemHandle,
        layout: ItemLayout,
        write: &Write<'_>,
    ) -> Option<Counted> {
        let (before, after) = (old.header.sizes(), layout.sizes());
        let slabs = &self.parts.slabs;
        if before != after && Plan::new(slabs, before) != Plan::new(slabs, after) {
            return None;
        }
        let layout = ItemLayout {
            split: old.header.is_split(),
            in_place: true,
            ..layout
        };
        let size = layout.size_in_all();
        self.parts.eviction.replace(&mut self.arena, old, size);
        self.fill(old.item, &layout, write, None);
        self.parts.eviction.replaced(&mut self.arena, old);
        self.schedule(old.item, layout.deadline);
        let class = self.counted_class(old.item);
        let before = old.header.size_in_all();
        self.parts.count_bytes(class, size, before);
        Some(class)
    }

    /// Writes header, key and value into chunks that are linked already, and pins the item.
    fn fill(
        &mut self,
        item: ChunkRef,
        layout: &ItemLayout,
        write: &Write<'_>,
        old: Option<&ItemHandle>,
    ) {
        self.parts.eviction.pin(item);
        let arena = &mut self.arena;
        let next = if layout.split {
            arena.chunk(item).next()
        } else {
            ChunkRef::NONE
        };
        layout.write(arena, item, next, self.parts.clock.second());
        let key_at = arena.geometry.at(item) + layout.size();
        arena.write(key_at, write.key.bytes);
        if !layout.split && old.is_none() {
            let value_at = key_at + layout.key_len;
            arena.write(value_at, write.front);
            if !write.back.is_empty() {
                arena.write(value_at + write.front.len(), write.back);
            }
            return;
        }
        let written = arena.item(item);
        let mut writer = Writer::new(Chain::new(arena.view(), &written));
        writer.write(arena, write.front);
        if let Some(old) = old {
            let mut chain = Chain::new(arena.view(), old);
            while let Some(piece) = chain.next(arena.view()) {
                writer.copy(arena, piece);
            }
        }
        writer.write(arena, write.back);
    }

    /// Tells the continuation chunks of an item whose they are.
    pub(super) fn set_owners(&mut self, item: ChunkRef) {
        let mut next = self.arena.chunk(item).next();
        while !next.is_none() {
            self.arena.chunk_mut(next).set_owner(item);
            next = self.arena.chunk(next).next();
        }
    }

    /// The chunks of a plan, linked; all are pending, so that none of them is moved.
    fn allocate(&mut self, plan: &Plan) -> Option<ChunkRef> {
        let first = self.allocate_one(plan.first())?;
        let mut last = first;
        for class in plan.rest(self.parts.slabs.page_class()) {
            let Some(chunk) = self.allocate_one(class) else {
                self.free_chunks(first);
                return None;
            };
            self.arena.chunk_mut(last).set_next(chunk);
            last = chunk;
        }
        Some(first)
    }

    fn allocate_one(&mut self, class: Class) -> Option<ChunkRef> {
        loop {
            let slabs = &mut self.parts.slabs;
            if let Some(chunk) = slabs.alloc(&mut self.arena, class, Page::NONE) {
                self.arena.chunk_mut(chunk).write_pending();
                return Some(chunk);
            }
            if !self.free_space() {
                return None;
            }
        }
    }

    /// Puts an item into the index; `false` if memory is full and nothing can be evicted.
    fn insert(&mut self, hash: u64, item: ChunkRef) -> bool {
        loop {
            let Self { arena, parts } = self;
            let (index, slabs) = (&mut parts.index, &mut parts.slabs);
            if index.insert(arena, slabs, hash, item).is_ok() {
                return true;
            }
            if !self.free_space() {
                return false;
            }
        }
    }

    /// Keeps the number of buckets near what the items need: one step.
    fn fit_index(&mut self) {
        if self.parts.index.is_sparse() {
            self.shrink_index();
        }
        if !self.parts.index.is_crowded() {
            return;
        }
        let Parts { index, slabs, .. } = &*self.parts;
        if index.needs_page(self.arena.view(), slabs) {
            let mut steps = 0;
            while !self.parts.slabs.has_page(&self.arena.geometry) && steps < INDEX_PAGE_STEPS {
                if !self.free_space() {
                    break;
                }
                steps += 1;
            }
        }
        self.sweep_before_spread(self.parts.index.next_grown());
        let Self { arena, parts } = self;
        parts.index.grow(arena, &mut parts.slabs, &parts.hasher);
    }

    /// Removes a bucket from the index; `false` if that might take more overflow buckets than there
    /// are.
    #[inline(never)]
    pub(super) fn shrink_index(&mut self) -> bool {
        self.sweep_before_spread(self.parts.index.next_shrunk());
        let Self { arena, parts } = self;
        let before = parts.index.buckets();
        parts.index.shrink(arena, &mut parts.slabs, &parts.hasher);
        parts.index.buckets() < before
    }
}
