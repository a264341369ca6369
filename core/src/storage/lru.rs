//! Who was used last, and so who goes first: a list of items of all sizes.
//!
//! The links lie in the items' heads; this holds only the two ends. In the lazy form an item in the
//! newest quarter, which is marked as young, is not moved when it is used: half of the writes, for
//! a few more misses.
//!
//! Moving an item writes to its two neighbours, which are anywhere in the memory. So uses are first
//! noted and the neighbours asked for, and entered in the list some at a time, when they have come.
//! Whoever changes the list or asks for its order has them entered before: the order is exact.

use super::arena::{ChunkRef, Geometry};
use super::header::{self, Head, Mark};
use super::prefetch::prefetch;

/// How many uses are noted at most. Half of them are entered then, so that the neighbours of each
/// have had time to come.
const NOTED: usize = 16;

/// The items as they are linked, from both ends.
struct Listed<'m> {
    memory: &'m [u8],
    geometry: &'m Geometry,
    newest: ChunkRef,
    oldest: ChunkRef,
    /// How many there are from the one to the other.
    len: usize,
}

impl Listed<'_> {
    fn head(&self, item: ChunkRef) -> Head {
        Head::read(self.memory, self.geometry.at(item))
    }
}

impl Iterator for Listed<'_> {
    type Item = ChunkRef;

    fn next(&mut self) -> Option<ChunkRef> {
        self.len = self.len.checked_sub(1)?;
        let item = self.newest;
        self.newest = self.head(item).older();
        Some(item)
    }
}

impl DoubleEndedIterator for Listed<'_> {
    fn next_back(&mut self) -> Option<ChunkRef> {
        self.len = self.len.checked_sub(1)?;
        let item = self.oldest;
        self.oldest = self.head(item).newer();
        Some(item)
    }
}

/// The items from the most to the least recently used.
#[derive(Debug)]
pub(crate) struct Lru {
    newest: ChunkRef,
    oldest: ChunkRef,
    len: usize,
    /// Bytes of all heads, keys and values.
    bytes: u64,
    lazy: bool,
    /// The last of the newest quarter, and how many are in it.
    young_oldest: ChunkRef,
    young_len: usize,
    /// Items that were used since the list was last changed, in the order of their uses.
    noted: [ChunkRef; NOTED],
    noted_len: usize,
}

impl Lru {
    pub(crate) const fn new(lazy: bool) -> Self {
        Self {
            newest: ChunkRef::NONE,
            oldest: ChunkRef::NONE,
            len: 0,
            bytes: 0,
            lazy,
            young_oldest: ChunkRef::NONE,
            young_len: 0,
            noted: [ChunkRef::NONE; NOTED],
            noted_len: 0,
        }
    }

    /// Forgets all items.
    pub(crate) const fn clear(&mut self) {
        (self.newest, self.oldest) = (ChunkRef::NONE, ChunkRef::NONE);
        (self.len, self.bytes) = (0, 0);
        (self.young_oldest, self.young_len) = (ChunkRef::NONE, 0);
        self.noted_len = 0;
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The items, the most recently used first.
    pub(crate) fn items<'m>(
        &'m self,
        memory: &'m [u8],
        geometry: &'m Geometry,
    ) -> impl DoubleEndedIterator<Item = ChunkRef> + 'm {
        let noted = self.noted.get(..self.noted_len).unwrap_or(&[]);
        let last_uses = noted.iter().enumerate().rev();
        let last_uses =
            last_uses.filter(|&(at, item)| !noted.iter().skip(at + 1).any(|later| later == item));
        let listed = Listed {
            memory,
            geometry,
            newest: self.newest,
            oldest: self.oldest,
            len: self.len,
        };
        let others = listed.filter(|item| !noted.contains(item));
        last_uses.map(|(_, &item)| item).chain(others)
    }

    /// The least recently used item.
    pub(crate) fn oldest(&mut self, memory: &mut [u8], geometry: &Geometry) -> ChunkRef {
        self.enter_noted(memory, geometry);
        self.oldest
    }

    /// The end of the list, without the uses that are noted.
    pub(crate) const fn last(&self) -> ChunkRef {
        self.oldest
    }

    /// Adds an item as the most recently used.
    pub(crate) fn push(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        self.enter_noted(memory, geometry);
        self.bytes += Head::read(memory, geometry.at(item)).size_in_all();
        self.link(memory, geometry, item);
    }

    fn link(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        let at = geometry.at(item);
        header::set_newer(memory, at, ChunkRef::NONE);
        header::set_older(memory, at, self.newest);
        match self.newest {
            ChunkRef::NONE => self.oldest = item,
            newest => header::set_newer(memory, geometry.at(newest), item),
        }
        self.newest = item;
        self.len += 1;
        if self.lazy {
            self.grow_young(memory, geometry, item);
        }
    }

    /// Takes an item out.
    pub(crate) fn unlink(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        self.enter_noted(memory, geometry);
        let head = Head::read(memory, geometry.at(item));
        self.bytes -= head.size_in_all();
        self.cut(memory, geometry, item, &head);
    }

    fn cut(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef, head: &Head) {
        let (newer, older) = (head.newer(), head.older());
        match newer {
            ChunkRef::NONE => self.newest = older,
            newer => header::set_older(memory, geometry.at(newer), older),
        }
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => header::set_newer(memory, geometry.at(older), newer),
        }
        self.len -= 1;
        if head.has(Mark::Young) {
            self.young_len -= 1;
            if self.young_oldest == item {
                self.young_oldest = newer;
            }
        }
    }

    /// Makes an item the most recently used, and notes that it was read in this second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
        second: u32,
    ) {
        head.write_use(memory, geometry.at(item), second);
        self.note(memory, geometry, item, head);
    }

    /// Makes an item the most recently used, and writes nothing to its head for now.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn note(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
    ) {
        if !(head.has(Mark::Young) || self.lazy && self.will_be_young(item)) {
            prefetch(memory, geometry.at(head.newer()));
            prefetch(memory, geometry.at(head.older()));
            if self.is_full() {
                self.enter_half(memory, geometry);
            }
            self.noted[self.noted_len % NOTED] = item;
            self.noted_len += 1;
        }
    }

    /// Whether a use is noted that will make an item young.
    #[cold]
    fn will_be_young(&self, item: ChunkRef) -> bool {
        let noted = self.noted.get(..self.noted_len);
        noted.is_some_and(|noted| noted.contains(&item))
    }

    /// Whether uses have to be entered before the next one can be noted. That is better done while
    /// something else is waited for.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.noted_len == NOTED
    }

    /// Enters half of the uses, if there are [so many](Self::is_full).
    pub(crate) fn enter_half(&mut self, memory: &mut [u8], geometry: &Geometry) {
        self.enter(memory, geometry, NOTED / 2);
    }

    /// Moves the items that were used to the front.
    #[inline]
    pub(crate) fn enter_noted(&mut self, memory: &mut [u8], geometry: &Geometry) {
        if self.noted_len > 0 {
            self.enter(memory, geometry, self.noted_len);
        }
    }

    /// Moves the first `count` of them to the front.
    #[inline(never)]
    fn enter(&mut self, memory: &mut [u8], geometry: &Geometry, count: usize) {
        let noted = self.noted;
        for &item in noted.iter().take(count) {
            let head = Head::read(memory, geometry.at(item));
            if item == self.newest || head.has(Mark::Young) {
                continue;
            }
            if self.lazy {
                self.cut(memory, geometry, item, &head);
                self.link(memory, geometry, item);
            } else {
                self.bring_forward(memory, geometry, item, &head);
            }
        }
        self.noted_len -= count;
        let left = noted.iter().skip(count).take(self.noted_len);
        for (to, from) in self.noted.iter_mut().zip(left) {
            *to = *from;
        }
    }

    /// Moves an item, which is not the newest, to the front of a list that is not lazy.
    fn bring_forward(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        item: ChunkRef,
        head: &Head,
    ) {
        let (newer, older) = (head.newer(), head.older());
        header::set_older(memory, geometry.at(newer), older);
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => header::set_newer(memory, geometry.at(older), newer),
        }
        head.write_links(memory, geometry.at(item), (ChunkRef::NONE, self.newest));
        header::set_newer(memory, geometry.at(self.newest), item);
        self.newest = item;
    }

    /// Counts an item that was written over and has so many bytes now.
    pub(crate) const fn resize(&mut self, before: &Head, after: u64) {
        self.bytes = self.bytes - before.size_in_all() + after;
    }

    /// Lets everything that pointed to an item point to where it was copied. Uses that are only
    /// noted would go on pointing to where it was: they have to be
    /// [entered](Self::enter_noted) before anything moves.
    pub(crate) fn moved(
        &mut self,
        memory: &mut [u8],
        geometry: &Geometry,
        from: ChunkRef,
        to: ChunkRef,
    ) {
        debug_assert_eq!(self.noted_len, 0, "uses noted of items that move");
        let head = Head::read(memory, geometry.at(to));
        match head.newer() {
            ChunkRef::NONE => self.newest = to,
            newer => header::set_older(memory, geometry.at(newer), to),
        }
        match head.older() {
            ChunkRef::NONE => self.oldest = to,
            older => header::set_newer(memory, geometry.at(older), to),
        }
        if self.young_oldest == from {
            self.young_oldest = to;
        }
    }

    /// Marks the newest item as young, and no longer those that are not in the newest quarter.
    fn grow_young(&mut self, memory: &mut [u8], geometry: &Geometry, item: ChunkRef) {
        header::set_mark(memory, geometry.at(item), Mark::Young, true);
        self.young_len += 1;
        if self.young_oldest.is_none() {
            self.young_oldest = item;
        }
        while self.young_len > 1 && self.young_len > self.len / 4 {
            let at = geometry.at(self.young_oldest);
            header::set_mark(memory, at, Mark::Young, false);
            self.young_oldest = Head::read(memory, at).newer();
            self.young_len -= 1;
        }
    }

    /// Panics if the young items are not the newest ones. For tests.
    pub(crate) fn check(&self, memory: &[u8], geometry: &Geometry) {
        let (mut item, mut len, mut bytes, mut young) = (self.newest, 0, 0, 0);
        while !item.is_none() {
            let head = Head::read(memory, geometry.at(item));
            assert_eq!(
                head.has(Mark::Young),
                len < self.young_len,
                "young items come first"
            );
            young += usize::from(head.has(Mark::Young));
            (len, bytes) = (len + 1, bytes + head.size_in_all());
            assert!(
                len != self.young_len || self.young_oldest == item,
                "end of the young items"
            );
            item = head.older();
        }
        assert_eq!(
            (len, bytes, young),
            (self.len, self.bytes, self.young_len),
            "sums of the list"
        );
    }
}
