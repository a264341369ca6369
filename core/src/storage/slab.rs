//! Slab classes: which page belongs to which chunk size, and which chunks are free.
//!
//! A page belongs to one class for as long as one of its chunks is in use; an empty page goes back
//! to all. Pages are small, so memory follows the sizes that are asked for.

use core::num::NonZero;

use super::arena::{ArenaMut, ArenaRef, ChunkRef, Geometry, Page};
use super::class::{CLASSES, Class};
use super::monitor::{Counted, PageClasses};
use super::page::{self, List};
use crate::SlabStats;
use crate::digest::Digest;

#[derive(Clone, Copy, Debug)]
struct Chunks {
    /// In units of 16 bytes, which all sizes are multiples of.
    units: NonZero<u16>,
    per_page: NonZero<u16>,
    /// Items whose first chunk is of this class.
    items: u32,
    pages: u32,
    free: u32,
    /// First page with a free chunk.
    partial: Page,
}

impl Chunks {
    const EMPTY: Self = Self {
        units: NonZero::<u16>::MIN,
        per_page: NonZero::<u16>::MIN,
        items: 0,
        pages: 0,
        free: 0,
        partial: Page::NONE,
    };

    const fn size(&self) -> u32 {
        self.units.get() as u32 * UNIT
    }

    /// How many chunks there are.
    const fn count(&self) -> u32 {
        self.pages * self.per_page.get() as u32
    }
}

/// All sizes of chunks are multiples of it.
const UNIT: u32 = 16;

/// How many pages are looked at to find one that is cheap to empty.
const CANDIDATES: usize = 16;

/// All slab classes and the pages that nobody uses.
#[derive(Debug)]
pub(crate) struct Slabs {
    /// The classes in order of size, then one that is the index's own.
    classes: [Chunks; CLASSES],
    count: u8,
    page_classes: PageClasses,
    free_page: Page,
    free_pages: u32,
    /// Pages from this one on were never used.
    high_water: u32,
    /// The budget ends before this page. Pages behind it that were used before may still be, until
    /// they are withdrawn.
    limit: u32,
}

impl Slabs {
    /// `sizes` ascend and end with the page size.
    pub(crate) fn new(pages: u32, sizes: &[usize]) -> Self {
        let mut classes = [Chunks::EMPTY; CLASSES];
        let page_size = sizes.last().copied().unwrap_or_default() as u32;
        for (class, &size) in classes
            .iter_mut()
            .zip(sizes.iter().chain(&[Geometry::LINE]))
        {
            let units = NonZero::new((size / UNIT as usize) as u16);
            class.units = units.unwrap_or(NonZero::<u16>::MIN);
            let per_page = page_size / UNIT / NonZero::from(class.units);
            class.per_page = NonZero::new(per_page as u16).unwrap_or(NonZero::<u16>::MIN);
        }
        let count = sizes.len() as u8;
        Self {
            classes,
            count,
            page_classes: PageClasses::new(pages),
            free_page: Page::NONE,
            free_pages: 0,
            high_water: 0,
            limit: pages,
        }
    }

    /// Forgets everything, in no time: all pages count as never used.
    pub(crate) fn clear(&mut self) {
        for class in &mut self.classes {
            *class = Chunks {
                items: 0,
                pages: 0,
                free: 0,
                partial: Page::NONE,
                ..*class
            };
        }
        (self.free_page, self.free_pages, self.high_water) = (Page::NONE, 0, 0);
    }

    /// Lets the budget end before this page.
    pub(crate) const fn set_limit(&mut self, pages: u32) {
        self.limit = pages;
    }

    /// How many pages may be used.
    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many pages nobody uses, those that will hold records not counted.
    pub(crate) const fn unused_pages(&self) -> usize {
        // It is not 0; telling the compiler so spares a panic.
        let extent = match (self.page_size() / Geometry::RECORD) as u32 {
            0 => 1,
            extent => extent,
        };
        let ahead = self.limit.saturating_sub(self.high_water);
        let records = self
            .limit
            .div_ceil(extent)
            .saturating_sub(self.high_water.div_ceil(extent));
        (self.free_pages + ahead - records) as usize
    }

    /// The last page that was ever used, if the budget ends before it.
    pub(crate) fn excess(&self) -> Option<Page> {
        (self.high_water > self.limit).then(|| Page(self.high_water - 1))
    }

    /// Makes the last page that was ever used one that was not; `false` if somebody uses it.
    pub(crate) fn withdraw(&mut self, arena: &mut ArenaMut<'_>) -> bool {
        let page = Page(self.high_water - 1);
        if !arena.geometry.holds_records(page) {
            if arena.page(page).class() != page::UNUSED {
                return false;
            }
            List::Slab.unlink(arena, &mut self.free_page, page);
            self.free_pages -= 1;
        }
        self.high_water = page.0;
        true
    }

    const fn page_size(&self) -> usize {
        self.size(self.page_class())
    }

    /// The class of the index's overflow buckets.
    pub(crate) const fn index_class(&self) -> Class {
        Class(self.count)
    }

    /// The class whose chunk is a whole page.
    pub(crate) const fn page_class(&self) -> Class {
        Class(self.count - 1)
    }

    /// What is counted of a class. No class has a number beyond the last one; telling the compiler
    /// so spares a check.
    const fn class(&self, class: Class) -> &Chunks {
        &self.classes[class.0 as usize % CLASSES]
    }

    const fn class_mut(&mut self, class: Class) -> &mut Chunks {
        &mut self.classes[class.0 as usize % CLASSES]
    }

    /// The classes that items use, in order of size.
    fn of_items(&self) -> &[Chunks] {
        self.classes.get(..usize::from(self.count)).unwrap_or(&[])
    }

    pub(crate) const fn size(&self, class: Class) -> usize {
        self.class(class).size() as usize
    }

    /// What a chunk of this class takes of its page, the unused end of the page included.
    pub(crate) fn cost(&self, class: Class) -> usize {
        self.page_size() / NonZero::from(self.class(class).per_page)
    }

    /// The class of a page of items, to count in.
    #[inline]
    pub(crate) fn counted_class(&self, page: Page) -> Counted {
        self.page_classes.get(page)
    }

    /// The smallest class whose chunk has at least `size` bytes.
    #[inline]
    pub(crate) fn fitting(&self, size: usize) -> Option<Class> {
        self.of_items()
            .iter()
            .position(|class| class.size() as usize >= size)
            .map(|at| Class(at as u8))
    }

    /// The page up to which memory was ever used.
    pub(crate) const fn high_water(&self) -> u32 {
        self.high_water
    }

    /// The pages that were ever used, but for those that hold records.
    pub(crate) fn touched_pages(&self, geometry: &Geometry) -> impl Iterator<Item = Page> + use<> {
        let geometry = *geometry;
        (0..self.high_water)
            .map(Page)
            .filter(move |&page| !geometry.holds_records(page))
    }

    /// Whether a page can be taken.
    pub(crate) fn has_page(&self, geometry: &Geometry) -> bool {
        self.free_pages > 0 || self.untouched_page(geometry).is_some()
    }

    /// How many chunks of this class can be had without taking a page away from anybody.
    pub(crate) fn available(&self, geometry: &Geometry, class: Class) -> usize {
        let class = self.class(class);
        let page = if self.has_page(geometry) {
            class.per_page.get()
        } else {
            0
        };
        class.free as usize + usize::from(page)
    }

    fn untouched_page(&self, geometry: &Geometry) -> Option<Page> {
        let page = Page(self.high_water);
        let page = if geometry.holds_records(page) {
            Page(page.0 + 1)
        } else {
            page
        };
        Some(page).filter(|page| page.0 < self.limit)
    }

    /// Takes a page for `class`, if there is one that nobody uses.
    pub(crate) fn take_page(
        &mut self,
        arena: &mut ArenaMut<'_>,
        class: u8,
        size: usize,
    ) -> Option<Page> {
        let page = if self.free_page.is_none() {
            let page = self.untouched_page(&arena.geometry)?;
            self.high_water = page.0 + 1;
            page
        } else {
            let page = self.free_page;
            List::Slab.unlink(arena, &mut self.free_page, page);
            self.free_pages -= 1;
            page
        };
        arena.page_mut(page).write(class, size);
        self.page_classes.set(page, class);
        Some(page)
    }

    /// Gives a page back to all.
    pub(crate) fn give_page(&mut self, arena: &mut ArenaMut<'_>, page: Page) {
        arena.page_mut(page).write(page::UNUSED, 0);
        List::Slab.push(arena, &mut self.free_page, page);
        self.free_pages += 1;
    }

    /// A chunk of this class, not from the page `avoid`. `None`: there is neither a free chunk nor
    /// a page that nobody uses.
    pub(crate) fn alloc(
        &mut self,
        arena: &mut ArenaMut<'_>,
        class: Class,
        avoid: Page,
    ) -> Option<ChunkRef> {
        let mut page = self.class(class).partial;
        if page == avoid && !page.is_none() {
            page = arena.page(page).next(List::Slab);
        }
        if page.is_none() {
            page = self.take_page(arena, class.0, self.size(class))?;
            let chunks = self.class_mut(class);
            chunks.pages += 1;
            chunks.free += u32::from(chunks.per_page.get());
            List::Slab.push(arena, &mut chunks.partial, page);
        }
        let chunks = self.class_mut(class);
        chunks.free -= 1;
        let mut record = arena.page_mut(page);
        let used = record.used() + 1;
        record.set_used(used);
        if used == usize::from(chunks.per_page.get()) {
            List::Slab.unlink(arena, &mut chunks.partial, page);
        }
        Some(take_chunk(arena, page, chunks.size() as usize))
    }

    /// Gives a chunk back. Returns its page if that became empty: it is nobody's then.
    pub(crate) fn free(&mut self, arena: &mut ArenaMut<'_>, chunk: ChunkRef) -> Option<Page> {
        let page = arena.geometry.page_of(chunk);
        let record = arena.page(page);
        let (chunks, used) = (self.class_mut(Class(record.class())), record.used());
        let was_full = used == usize::from(chunks.per_page.get());
        if used == 1 {
            if !was_full {
                List::Slab.unlink(arena, &mut chunks.partial, page);
            }
            chunks.pages -= 1;
            chunks.free -= u32::from(chunks.per_page.get()) - 1;
            self.give_page(arena, page);
            return Some(page);
        }
        let offset = chunk.since(arena.geometry.first_chunk(page)) as u32;
        let next_free = arena.page(page).free();
        arena.chunk_mut(chunk).write_free(next_free);
        let mut record = arena.page_mut(page);
        record.set_free(offset / UNIT / NonZero::from(chunks.units) + 1);
        record.set_used(used - 1);
        chunks.free += 1;
        if was_full {
            List::Slab.push(arena, &mut chunks.partial, page);
        }
        None
    }

    /// A page worth emptying: its chunks in use fit into other pages of its class, and among a few
    /// such pages it has the fewest.
    pub(crate) fn sparse_page(&self, arena: ArenaRef<'_>) -> Option<Page> {
        let movable = self.of_items().iter().filter(|c| c.per_page.get() > 1);
        let spare = movable.filter(|c| {
            let per_page = c.per_page.get();
            c.free >= u32::from(per_page + per_page.div_ceil(4))
        });
        let class = spare.max_by_key(|c| c.free / NonZero::from(c.per_page))?;
        let pages = List::Slab.pages(arena, class.partial);
        let pages = pages.take(CANDIDATES);
        pages.min_by_key(|&page| arena.page(page).used())
    }

    /// How many pages a class has.
    pub(crate) const fn pages(&self, class: Class) -> usize {
        self.class(class).pages as usize
    }

    /// Bytes of all chunks that items use.
    pub(crate) fn bytes_used(&self) -> usize {
        let classes = self.of_items().iter();
        classes
            .map(|c| ((c.count() - c.free) * c.size()) as usize)
            .sum()
    }

    /// Each class that items use.
    pub(crate) fn stats(&self) -> impl Iterator<Item = SlabStats> + '_ {
        self.of_items().iter().map(|class| SlabStats {
            chunk_size: class.size() as usize,
            pages: class.pages as usize,
            chunks: class.count() as usize,
            used_chunks: (class.count() - class.free) as usize,
            items: class.items as usize,
        })
    }

    /// Counts an item that is there from now on.
    pub(crate) const fn count_item(&mut self, class: Class) {
        self.class_mut(class).items += 1;
    }

    /// Counts an item that is removed.
    pub(crate) const fn discount_item(&mut self, class: Class) {
        self.class_mut(class).items -= 1;
    }

    /// How many chunks of a class are in use.
    pub(crate) const fn used(&self, class: Class) -> usize {
        let chunks = self.class(class);
        (chunks.count() - chunks.free) as usize
    }

    /// Adds which page and which chunk will be taken next.
    pub(crate) fn digest(&self, arena: ArenaRef<'_>, digest: &mut Digest) {
        digest.number(u64::from(self.limit));
        digest.number(u64::from(self.high_water));
        for page in List::Slab.pages(arena, self.free_page) {
            digest.number(u64::from(page.0));
        }
        for class in &self.classes[..=usize::from(self.count)] {
            digest.number(u64::from(class.size()));
            for page in List::Slab.pages(arena, class.partial) {
                digest.number(u64::from(page.0));
                for free in free_chunks(arena, page, class.size() as usize) {
                    digest.number(u64::from(free));
                }
            }
        }
    }

    /// Panics if a record, a list or a count disagrees with another, or if the index has not so
    /// many pages of buckets. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>, index_pages: usize) {
        let (mut unused, mut index) = (0, 0);
        let mut pages = [0; CLASSES];
        let mut free = [0; CLASSES];
        let mut partial = [0; CLASSES];
        for page in self.touched_pages(&arena.geometry) {
            match arena.page(page).class() {
                page::INDEX => index += 1,
                page::UNUSED => unused += 1,
                class => {
                    let class = usize::from(class);
                    let free_here = self.check_page(arena, page);
                    pages[class] += 1;
                    free[class] += free_here;
                    partial[class] += usize::from(free_here > 0);
                }
            }
        }
        assert_eq!(index, index_pages, "pages of buckets");
        assert_eq!(unused, self.free_pages, "unused pages");
        let listed = List::Slab.pages(arena, self.free_page).count();
        assert_eq!(listed, self.free_pages as usize, "list of unused pages");
        for (class, chunks) in self.classes.iter().enumerate() {
            assert_eq!(
                (chunks.pages, chunks.free),
                (pages[class], free[class]),
                "class {class}"
            );
            let listed = List::Slab.pages(arena, chunks.partial).count();
            assert_eq!(listed, partial[class], "pages with a free chunk");
        }
    }

    /// Counts the free chunks of a page.
    fn check_page(&self, arena: ArenaRef<'_>, page: Page) -> u32 {
        let record = arena.page(page);
        let (chunks, used) = (&self.classes[usize::from(record.class())], record.used());
        assert!(used > 0, "an empty page was kept");
        let listed = free_chunks(arena, page, chunks.size() as usize).count();
        assert_eq!(used + listed, record.touched(), "free chunks of a page");
        u32::from(chunks.per_page.get()) - used as u32
    }
}

/// The chunks of a page that were used before and are free now, each number plus one, in the order
/// in which they will be taken.
fn free_chunks(arena: ArenaRef<'_>, page: Page, size: usize) -> impl Iterator<Item = u32> {
    let first_chunk = arena.geometry.first_chunk(page);
    let first = Some(arena.page(page).free());
    let listed = core::iter::successors(first, move |&free| {
        let before = (free as usize).checked_sub(1)?;
        Some(arena.chunk(first_chunk.after(before * size)).next_free())
    });
    listed.take_while(|&free| free != 0)
}

/// The next free chunk of a page that has one.
fn take_chunk(arena: &mut ArenaMut<'_>, page: Page, size: usize) -> ChunkRef {
    let first = arena.geometry.first_chunk(page);
    match arena.page(page).free() {
        0 => {
            let mut record = arena.page_mut(page);
            let touched = record.touched();
            record.set_touched(touched + 1);
            first.after(touched * size)
        }
        free => {
            let chunk = first.after((free as usize - 1) * size);
            let next_free = arena.chunk(chunk).next_free();
            arena.page_mut(page).set_free(next_free);
            chunk
        }
    }
}
