//! The index alone, where room is scarce.

use alloc::vec;
use alloc::vec::Vec;

use super::super::arena::Arena;
use super::*;

/// An index of items that are nothing but a number and a hash, in pages of eight buckets.
struct World {
    geometry: Geometry,
    memory: Vec<u8>,
    slabs: Slabs,
    index: Index,
    hashes: Vec<u64>,
}

impl ItemHasher for Vec<u64> {
    fn hash_item(&self, _: ArenaRef<'_>, item: ChunkRef) -> u64 {
        self[item.within(0) as usize]
    }
}

impl World {
    fn new(pages: u32) -> Self {
        let geometry = Geometry::new(4096, 512);
        let mut memory = vec![0xFF; geometry.end_of(pages)];
        let mut slabs = Slabs::new(pages, &[512]);
        let arena = &mut Arena::new(&mut memory[..], geometry);
        let mut index = Index::unmade(1000);
        index.start(arena, &mut slabs).unwrap();
        let hashes = vec![0];
        Self {
            geometry,
            memory,
            slabs,
            index,
            hashes,
        }
    }

    fn view(&self) -> ArenaRef<'_> {
        Arena::new(&self.memory, self.geometry)
    }

    /// The arena and the parts that work on it.
    fn open(&mut self) -> (ArenaMut<'_>, &mut Slabs, &mut Index, &Vec<u64>) {
        let arena = Arena::new(&mut self.memory[..], self.geometry);
        (arena, &mut self.slabs, &mut self.index, &self.hashes)
    }

    /// The hash of an item in the group of number 0, at this many thousandths of its buckets.
    fn hash(thousandths: u64) -> u64 {
        let fraction = (thousandths << 19) / 1000;
        let (quarter, half, rest) = (fraction >> 17, fraction >> 16 & 1, fraction & 0xFFFF);
        (quarter << 16 | rest) << MEMBER_SHIFT | half
    }

    /// A new item of this hash, if there is a place for it.
    fn insert(&mut self, hash: u64) -> Option<ChunkRef> {
        let item = ChunkRef::from_word(self.hashes.len() as u32);
        let (mut arena, slabs, index, _) = self.open();
        index.insert(&mut arena, slabs, hash, item).ok()?;
        self.hashes.push(hash);
        Some(item)
    }

    fn remove(&mut self, item: ChunkRef) {
        let hash = self.hashes[item.within(0) as usize];
        let (mut arena, slabs, index, _) = self.open();
        index.remove(&mut arena, slabs, hash, item);
    }

    /// Makes it grow or shrink; says whether it did.
    fn resize(&mut self, grow: bool) -> bool {
        let before = self.index.buckets();
        let (mut arena, slabs, index, hashes) = self.open();
        if grow {
            index.grow(&mut arena, slabs, hashes);
        } else {
            index.shrink(&mut arena, slabs, hashes);
        }
        let after = self.index.buckets();
        assert!(after == before || after == if grow { before + 1 } else { before - 1 });
        after != before
    }

    /// All is in order, and these are the items.
    fn check(&self, items: &[ChunkRef]) {
        let arena = self.view();
        let found = self.index.items(arena);
        let mut found: Vec<_> = found.map(|(_, item)| item).collect();
        let mut items = items.to_vec();
        found.sort_unstable();
        items.sort_unstable();
        assert_eq!(found, items);
        for &item in &items {
            let hash = self.hashes.hash_item(arena, item);
            let first = self.index.first_bucket(arena, hash);
            assert!(locate(arena, first, hash, item).is_some());
        }
        self.index.check(arena, &self.hashes);
    }

    /// Takes a page that nobody uses.
    fn take_page(&mut self) -> Option<Page> {
        let (mut arena, slabs, ..) = self.open();
        slabs.take_page(&mut arena, 0, 512)
    }

    /// Takes all pages and overflow buckets but this many of these.
    fn leave(&mut self, overflow_buckets: usize) {
        let class = self.slabs.index_class();
        let (mut arena, slabs, ..) = self.open();
        // Two pages of overflow buckets with one in use each, then all other pages.
        let alloc = |_| slabs.alloc(&mut arena, class, Page::NONE).unwrap();
        let chunks: Vec<_> = (0..9).map(alloc).collect();
        for &chunk in &chunks[1..8] {
            slabs.free(&mut arena, chunk);
        }
        while slabs.take_page(&mut arena, 0, 512).is_some() {}
        while slabs.available(&arena.geometry, class) > overflow_buckets {
            let _ = slabs.alloc(&mut arena, class, Page::NONE);
        }
        assert_eq!(slabs.available(&arena.geometry, class), overflow_buckets);
    }
}

/// Gathering the items of two full buckets takes overflow buckets: two that suffice however the
/// items fall, and eight to spare. Without them nothing is done, and nothing is lost.
#[test]
fn a_group_shrinks_only_if_its_overflow_buckets_are_there() {
    for left in [0, 1, 2, 9, 10, 11] {
        let mut world = World::new(10);
        assert!(world.resize(true));
        let places = [790, 810];
        let hashes = (0..2 * SLOTS).map(|number| World::hash(places[number % 2]));
        let items: Vec<_> = hashes.map(|hash| world.insert(hash).unwrap()).collect();
        world.leave(left);
        assert_eq!(world.resize(false), left >= 10, "{left}");
        world.check(&items);
    }
}

/// Items of four buckets, all of them full, may all fall into few: that many overflow buckets
/// have to be there first.
#[test]
fn a_group_of_full_buckets_grows_only_if_overflow_buckets_are_there() {
    for (left, grows) in [(0, false), (11, false), (12, true), (13, true)] {
        let mut world = World::new(10);
        let hashes = (0..4 * SLOTS).map(|number| World::hash(number as u64 * 1000 / 48));
        let items: Vec<_> = hashes.map(|hash| world.insert(hash).unwrap()).collect();
        world.leave(left);
        assert_eq!(world.resize(true), grows, "{left}");
        world.check(&items);
    }
}

/// Whatever the hashes, while others take pages away and return them: no item is lost, and
/// the index says beforehand whether it can grow without another page.
#[test]
fn no_item_is_lost_however_few_pages_are_free() {
    let (mut grown, mut shrunk, mut refused) = (0, 0, 0);
    for seed in 1..=20_u64 {
        let mut random = seed;
        let mut below = |end: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) % end
        };
        let mut world = World::new(12 + below(40) as u32);
        let (mut items, mut pages): (Vec<ChunkRef>, Vec<Page>) = Default::default();
        for step in 0..4000 {
            match below(16) {
                0..=5 if items.len() < world.index.buckets() as usize * SLOTS => {
                    let hash = (below(1 << 31) << 32) | below(1 << 31);
                    let few_groups = hash & !0x3E | 0x3F << 44;
                    let hash = if below(3) == 0 { few_groups } else { hash };
                    items.extend(world.insert(hash));
                }
                6..=9 if !items.is_empty() => {
                    let item = items.swap_remove(below(items.len() as u64) as usize);
                    world.remove(item);
                }
                10 | 11 => {
                    let needs_page = world.index.needs_page(world.view(), &world.slabs);
                    let before = world.index.pages(&world.geometry);
                    let grew = world.resize(true);
                    let took = world.index.pages(&world.geometry) > before;
                    assert_eq!(needs_page, took || !grew);
                    grown += u32::from(grew);
                    refused += u32::from(!grew);
                }
                12 if items.len() < (world.index.buckets() as usize - 1) * SLOTS => {
                    let shrank = world.resize(false);
                    shrunk += u32::from(shrank);
                }
                13 => pages.extend(world.take_page()),
                14 if !pages.is_empty() => {
                    let page = pages.swap_remove(below(pages.len() as u64) as usize);
                    let (mut arena, slabs, ..) = world.open();
                    slabs.give_page(&mut arena, page);
                }
                _ => {
                    let is_index = |&page: &Page| world.view().page(page).class() == page::INDEX;
                    let page = world.slabs.touched_pages(&world.geometry).find(is_index);
                    let (mut arena, slabs, index, _) = world.open();
                    let had_page = slabs.has_page(&arena.geometry);
                    let moved = index.move_page(&mut arena, slabs, page.unwrap());
                    assert_eq!(moved, had_page);
                }
            }
            if step % 16 == 0 {
                world.check(&items);
            }
        }
    }
    assert!(
        grown > 1000 && shrunk > 1000 && refused > 100,
        "{grown} {shrunk} {refused}"
    );
}
