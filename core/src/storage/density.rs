//! The policy `density`: the item that costs the most memory for the longest time is evicted.
//!
//! Items are in lists by size class and by level: new ones, and those that came again, because they
//! were read or were stored again soon after they were evicted. In each list the least recently
//! used item is last. Of the last items of all lists the one with the highest score is evicted: age
//! times size, and for a new one times a weight that is learned. Whenever an item is stored again
//! soon after its eviction, its level was evicted too early, and the weight changes by a little.
//!
//! Ages count in bytes, not in seconds: 64 ticks are a capacity of bytes that came again. New bytes
//! count an eighth, so that a scan hardly makes other items older. An item that was not used for
//! two capacities is evicted first whatever its size: otherwise small items that nobody uses any
//! more would stay for ever once large ones come.
//!
//! A stamp has eight bits. An item that nothing had to be evicted for in four capacities seems to
//! be younger than it is; it stays for two more at most.

use super::arena::{ArenaMut, ArenaRef, ChunkRef};
use super::handle::ItemHandle;
use super::header::{ItemHeader, LruBits};
use super::lru::{link_moved, sort_links};
use crate::config::SizeWeight;
use crate::digest::Digest;

/// Size classes, each for items of four times the size: 64 B, 256 B, ..., 16 MiB.
const CLASSES: usize = 10;
const SMALLEST_SHIFT: u32 = 6;

/// Whether there is any of this; without the feature it takes no room.
pub(crate) const ON: bool = cfg!(feature = "density");

/// The lists: new items by size class, then those that came again.
const LISTS: usize = if ON { 2 * CLASSES } else { 0 };

/// Ticks in a capacity of bytes that came again.
const TICKS: u64 = 64;

/// An item that was not used for more ticks is evicted first: two capacities.
const AGE_MAX: u8 = 128;

/// New bytes count one part in this many.
const NEW_SHARE: u64 = 8;

/// What a size class adds to a score, in parts of 16, if size has a part of its weight: its power
/// of 3/8. With 1/2 fewer requests miss by half a percent, and more bytes by two.
const PARTIAL_WEIGHTS: [u16; CLASSES] = [16, 27, 45, 76, 128, 215, 362, 609, 1024, 1722];

/// The weight of new items, in parts of 256: where it begins, and its bounds.
const WEIGHT_START: u32 = 8 << 8;
const WEIGHT_RANGE: core::ops::RangeInclusive<u32> = 4 << 8..=32 << 8;

/// Evictions by level are counted up to this sum; then half of them are forgotten.
const EVICTED_MAX: u32 = 8192;

/// Items of one level and size class, in the order of use.
#[derive(Clone, Copy, Debug)]
struct List {
    newest: ChunkRef,
    oldest: ChunkRef,
    len: u32,
    /// The stamp of the oldest item, so that a search for a victim reads no header.
    stamp: u8,
}

impl List {
    const EMPTY: Self = Self {
        newest: ChunkRef::NONE,
        oldest: ChunkRef::NONE,
        len: 0,
        stamp: 0,
    };

    fn link(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef, stamp: u8) {
        let mut header = arena.header_mut(item);
        header.set_newer(ChunkRef::NONE);
        header.set_older(self.newest);
        header.set_stamp(stamp);
        if self.newest.is_none() {
            (self.oldest, self.stamp) = (item, stamp);
        } else {
            arena.header_mut(self.newest).set_newer(item);
        }
        self.newest = item;
        self.len += 1;
    }

    fn unlink(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        let header = arena.header(item);
        let (newer, older) = (header.newer(), header.older());
        match newer {
            ChunkRef::NONE => self.newest = older,
            newer => arena.header_mut(newer).set_older(older),
        }
        if older.is_none() {
            self.oldest = newer;
            if !newer.is_none() {
                self.stamp = arena.header(newer).stamp();
            }
        } else {
            arena.header_mut(older).set_newer(newer);
        }
        self.len -= 1;
    }

    fn moved(&mut self, arena: &mut ArenaMut<'_>, to: ChunkRef) {
        link_moved(arena, to, &mut self.newest, &mut self.oldest);
    }
}

/// The lists, and what decides between them. What it does is not inlined: an item of the LRU passes
/// by it, and that must cost nothing.
#[derive(Debug)]
pub(crate) struct Density {
    lists: [List; LISTS],
    len: usize,
    size_weight: SizeWeight,
    /// Bytes in a tick.
    tick: u64,
    /// Bytes since the last tick.
    passed: u64,
    now: u8,
    new_weight: u32,
    /// Evictions of new items and of others.
    evicted: [u32; 2],
}

impl Density {
    pub(crate) const fn new(size_weight: SizeWeight, capacity: u64) -> Self {
        let mut density = Self {
            lists: [List::EMPTY; LISTS],
            len: 0,
            size_weight,
            tick: 0,
            passed: 0,
            now: 0,
            new_weight: WEIGHT_START,
            evicted: [1; 2],
        };
        density.set_capacity(capacity);
        density
    }

    /// Counts ages by another budget from now on. Ages before stay what they are.
    pub(crate) const fn set_capacity(&mut self, bytes: u64) {
        self.tick = bytes / TICKS + 1;
    }

    /// Forgets all items.
    pub(crate) const fn clear(&mut self) {
        (self.lists, self.len) = ([List::EMPTY; LISTS], 0);
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Which list an item of such a size is in, or will be.
    const fn index(came_again: bool, size: u64) -> usize {
        let class = (size | 1).ilog2().saturating_sub(SMALLEST_SHIFT) as usize / 2;
        let class = if class < CLASSES { class } else { CLASSES - 1 };
        CLASSES * came_again as usize + class
    }

    fn list_of(&mut self, header: &ItemHeader) -> &mut List {
        let came_again = header.has(LruBits::CAME_AGAIN);
        let index = Self::index(came_again, header.size_in_all());
        &mut self.lists[index]
    }

    /// Adds an item that was not there before, or that takes the place of one of this level.
    pub(crate) fn push(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef, came_again: bool) {
        debug_assert!(!arena.header(item).is_compact(), "no bits for a stamp");
        let mut header = arena.header_mut(item);
        header.set_lru_bit(LruBits::IN_SMALL_QUEUE, true);
        header.set_lru_bit(LruBits::CAME_AGAIN, came_again);
        let header = arena.header(item);
        let now = self.now;
        self.list_of(&header).link(arena, item, now);
        self.len += 1;
    }

    /// Lets ages grow by an item of such a size that is stored.
    pub(crate) const fn advance(&mut self, size: u64, came_again: bool) {
        self.passed += if came_again { size } else { size / NEW_SHARE };
        if self.passed >= self.tick {
            self.now = self.now.wrapping_add((self.passed / self.tick) as u8);
            self.passed %= self.tick;
        }
    }

    /// Takes an item out.
    #[inline(never)]
    pub(crate) fn unlink(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle) {
        self.list_of(&found.header).unlink(arena, found.item);
        self.len -= 1;
    }

    /// Records that an item is used in this second: it came again.
    #[inline(never)]
    pub(crate) fn bump(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle, second: u32) {
        let &ItemHandle { item, ref header } = found;
        self.list_of(header).unlink(arena, item);
        arena.header_mut(item).record_use(header, second);
        // Links have changed since the header was read.
        arena
            .header_mut(item)
            .set_lru_bit(LruBits::CAME_AGAIN, true);
        let to = Self::index(true, header.size_in_all());
        self.lists[to].link(arena, item, self.now);
    }

    /// Makes an item that was rewritten in place the most recently used one of its level.
    #[inline(never)]
    pub(crate) fn replaced(&mut self, arena: &mut ArenaMut<'_>, before: &ItemHandle) {
        self.list_of(&before.header).unlink(arena, before.item);
        let (header, now) = (arena.header(before.item), self.now);
        self.list_of(&header).link(arena, before.item, now);
    }

    /// Redirects everything that refers to an item to where it was copied.
    #[inline(never)]
    pub(crate) fn moved(&mut self, arena: &mut ArenaMut<'_>, to: ChunkRef) {
        let header = arena.header(to);
        self.list_of(&header).moved(arena, to);
    }

    /// How much an item with this stamp, of the list with this index, is to be evicted; at least 1.
    fn score(&self, index: usize, stamp: u8) -> u64 {
        let age = self.now.wrapping_sub(stamp);
        if age > AGE_MAX {
            return u64::MAX - u64::from(u8::MAX - age);
        }
        let (came_again, class) = (index >= CLASSES, index % CLASSES);
        let weight = if came_again { 1 << 8 } else { self.new_weight };
        let of_size = match self.size_weight {
            SizeWeight::Partial => PARTIAL_WEIGHTS[class].into(),
            SizeWeight::Full => 16 << (2 * class),
        };
        (u64::from(age) + 1) * u64::from(weight) * of_size
    }

    /// The item to evict next, but for this one.
    #[inline(never)]
    pub(crate) fn victim(&self, arena: ArenaRef<'_>, pinned: ChunkRef) -> Option<ChunkRef> {
        let (mut victim, mut highest) = (None, 0);
        for (index, list) in self.lists.iter().enumerate() {
            let (mut last, mut stamp) = (list.oldest, list.stamp);
            if last == pinned && !last.is_none() {
                last = arena.header(last).newer();
                stamp = last.stamp_in(arena);
            }
            if last.is_none() {
                continue;
            }
            let score = self.score(index, stamp);
            if score > highest {
                (victim, highest) = (Some(last), score);
            }
        }
        victim
    }

    /// The last item of the list that an item with this header was in.
    pub(crate) fn linked_last(&self, header: &ItemHeader) -> ChunkRef {
        let came_again = header.has(LruBits::CAME_AGAIN);
        self.lists[Self::index(came_again, header.size_in_all())].oldest
    }

    /// Counts an eviction from this level.
    pub(crate) fn count_eviction(&mut self, came_again: bool) {
        self.evicted[usize::from(came_again)] += 1;
        let [new, others] = &mut self.evicted;
        if *new + *others > EVICTED_MAX {
            (*new, *others) = (*new / 2, *others / 2);
        }
    }

    /// Learns that an item was evicted from this level too early: it is stored again.
    ///
    /// The rarer evictions from a level are, the more one of them says.
    pub(crate) fn learn(&mut self, came_again: bool) {
        let [new, others] = self.evicted;
        let all = new + others;
        let of_level = if came_again { others } else { new };
        let share = (all / (of_level + all / 50 + 1)).clamp(1, 16);
        let step = (self.new_weight * share / 256).max(1);
        let weight = if came_again {
            self.new_weight + step
        } else {
            self.new_weight - step
        };
        self.new_weight = weight.clamp(*WEIGHT_RANGE.start(), *WEIGHT_RANGE.end());
    }

    /// Sorts each list by a number, and gives the stamps that there are to the items of all lists
    /// in the order of their numbers: the lowest is the most recently used.
    #[inline(never)]
    pub(crate) fn sort(&mut self, arena: &mut ArenaMut<'_>, number: impl Fn(&ItemHeader) -> u32) {
        let now = self.now;
        let age = |header: &ItemHeader| now.wrapping_sub(header.stamp());
        let mut items_by_age = [0_u32; 1 << u8::BITS];
        let mut left = self.lists;
        for list in &mut left {
            let mut item = list.newest;
            while !item.is_none() {
                let header = arena.header(item);
                items_by_age[usize::from(age(&header))] += 1;
                item = header.older();
            }
            list.newest = sort_links(arena, list.newest, &number);
        }
        self.lists = left.map(|list| List {
            oldest: ChunkRef::NONE,
            ..list
        });
        let ages = (0..=u8::MAX).zip(items_by_age);
        for new_age in ages.flat_map(|(age, items)| (0..items).map(move |_| age)) {
            let heads = left.iter().map(|list| list.newest).enumerate();
            let heads = heads.filter(|(_, item)| !item.is_none());
            let newest = heads.min_by_key(|&(_, item)| {
                let header = arena.header(item);
                (number(&header), age(&header))
            });
            let Some((index, item)) = newest else {
                return;
            };
            left[index].newest = arena.header(item).older();
            let list = &mut self.lists[index];
            let mut header = arena.header_mut(item);
            header.set_newer(list.oldest);
            (list.oldest, list.stamp) = (item, now.wrapping_sub(new_age));
            header.set_stamp(list.stamp);
        }
    }

    /// Adds everything that decides what is evicted, but for the items.
    pub(crate) fn digest(&self, digest: &mut Digest) {
        for list in &self.lists {
            digest.number(u64::from(list.len));
        }
        let [new, others] = self.evicted.map(u64::from);
        let weight = u64::from(self.new_weight);
        let now = u64::from(self.now);
        for number in [self.tick, self.passed, now, weight, new, others] {
            digest.number(number);
        }
    }

    /// Panics if a list is not as its items say. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>) {
        let mut items = 0;
        for (index, list) in self.lists.iter().enumerate() {
            let (mut item, mut newer, mut len) = (list.newest, ChunkRef::NONE, 0);
            while !item.is_none() {
                let header = arena.header(item);
                let came_again = header.has(LruBits::CAME_AGAIN);
                let place = Self::index(came_again, header.size_in_all());
                assert_eq!(place, index, "an item in the list of others");
                assert!(header.has(LruBits::IN_SMALL_QUEUE), "an item of the LRU");
                assert_eq!(header.newer(), newer, "links of a list");
                (newer, item, len) = (item, header.older(), len + 1);
            }
            assert_eq!((newer, len), (list.oldest, list.len), "end of a list");
            if !newer.is_none() {
                assert_eq!(list.stamp, newer.stamp_in(arena), "stamp of the oldest");
            }
            items += len as usize;
        }
        assert_eq!(items, self.len, "items in all lists");
        assert!(
            WEIGHT_RANGE.contains(&self.new_weight),
            "weight of new items"
        );
    }
}

impl ChunkRef {
    /// The stamp of the item whose header is there; 0 if there is none.
    fn stamp_in(self, arena: ArenaRef<'_>) -> u8 {
        match self {
            Self::NONE => 0,
            item => arena.header(item).stamp(),
        }
    }
}

/// All items in the order in which they would be evicted if nothing else happened, the last one
/// first. Without the feature it takes no room either.
#[derive(Clone, Debug)]
pub(crate) struct Items<'m> {
    of: [(&'m Density, ArenaRef<'m>); ON as usize],
    /// What is left of each list. Stamps are read from the headers.
    left: [List; LISTS],
}

impl<'m> Items<'m> {
    pub(crate) fn new(density: &'m [Density; ON as usize], arena: ArenaRef<'m>) -> Self {
        Self {
            of: density.each_ref().map(|density| (density, arena)),
            left: density
                .first()
                .map_or([List::EMPTY; LISTS], |density| density.lists),
        }
    }

    /// The score of the item at one end of each list, with the index of that.
    fn scores(&self, end: impl Fn(&List) -> ChunkRef) -> impl Iterator<Item = (u64, usize)> {
        let left = self.left.iter().enumerate();
        left.filter(|(_, list)| list.len > 0)
            .filter_map(move |(index, list)| {
                let &(density, arena) = self.of.first()?;
                Some((density.score(index, end(list).stamp_in(arena)), index))
            })
    }
}

impl Iterator for Items<'_> {
    type Item = ChunkRef;

    fn next(&mut self) -> Option<ChunkRef> {
        let scores = self.scores(|list| list.newest);
        let (_, index) = scores.min_by_key(|&(score, index)| (score, LISTS - index))?;
        let (&(_, arena), list) = (self.of.first()?, &mut self.left[index]);
        let item = list.newest;
        (list.newest, list.len) = (arena.header(item).older(), list.len - 1);
        Some(item)
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<ChunkRef> {
        let scores = self.scores(|list| list.oldest);
        let (_, index) = scores.max_by_key(|&(score, index)| (score, LISTS - index))?;
        let (&(_, arena), list) = (self.of.first()?, &mut self.left[index]);
        let item = list.oldest;
        (list.oldest, list.len) = (arena.header(item).newer(), list.len - 1);
        Some(item)
    }
}
