//! The order of use: a list of items of all sizes, the most recently used first.
//!
//! The links lie in the items' headers; this holds only the two ends. In the lazy form an item in
//! the newest quarter, which is marked as recent, is not moved when it is used: half of the writes,
//! for a few more misses.
//!
//! Moving an item to the front, its promotion, writes to its two neighbours, which are anywhere in
//! the memory. So promotions are deferred and the neighbours prefetched, and some promotions at a
//! time are done when the neighbours have come. Whoever changes the list or asks for its order has
//! all of them done before: the order is exact.

use core::ops::Range;

use super::arena::{ArenaMut, ArenaRef, ChunkRef};
use super::handle::ItemHandle;
use super::header::{ItemHeader, LruBits};

/// How many promotions are deferred at most. Half of them are done then, so that the neighbours of
/// each have had time to come.
const PENDING_MAX: usize = 16;

/// The items as they are linked, from both ends.
#[derive(Clone, Debug)]
struct Linked<'m> {
    arena: ArenaRef<'m>,
    newest: ChunkRef,
    oldest: ChunkRef,
    /// How many there are from the one to the other.
    len: usize,
}

impl Iterator for Linked<'_> {
    type Item = ChunkRef;

    fn next(&mut self) -> Option<ChunkRef> {
        self.len = self.len.checked_sub(1)?;
        let item = self.newest;
        self.newest = self.arena.header(item).older();
        Some(item)
    }
}

impl DoubleEndedIterator for Linked<'_> {
    fn next_back(&mut self) -> Option<ChunkRef> {
        self.len = self.len.checked_sub(1)?;
        let item = self.oldest;
        self.oldest = self.arena.header(item).newer();
        Some(item)
    }
}

/// The items in the order of use, from both ends.
#[derive(Clone, Debug)]
pub(crate) struct Items<'m> {
    pending: &'m [ChunkRef],
    /// Which of the pending promotions are left.
    left: Range<usize>,
    linked: Linked<'m>,
}

impl Items<'_> {
    /// The item of a pending promotion, unless it is promoted again by a later one.
    fn promoted(&self, at: usize) -> Option<ChunkRef> {
        let (item, later) = self.pending.get(at..)?.split_first()?;
        (!later.contains(item)).then_some(*item)
    }
}

impl Iterator for Items<'_> {
    type Item = ChunkRef;

    fn next(&mut self) -> Option<ChunkRef> {
        while let Some(at) = self.left.next_back() {
            if let Some(item) = self.promoted(at) {
                return Some(item);
            }
        }
        let pending = self.pending;
        self.linked.find(|item| !pending.contains(item))
    }
}

impl DoubleEndedIterator for Items<'_> {
    fn next_back(&mut self) -> Option<ChunkRef> {
        let pending = self.pending;
        if let Some(item) = self.linked.rfind(|item| !pending.contains(item)) {
            return Some(item);
        }
        while let Some(at) = self.left.next() {
            if let Some(item) = self.promoted(at) {
                return Some(item);
            }
        }
        None
    }
}

/// The items from the most to the least recently used.
#[derive(Debug)]
pub(crate) struct Lru {
    newest: ChunkRef,
    oldest: ChunkRef,
    len: usize,
    /// Bytes of all headers, keys and values.
    bytes: u64,
    lazy: bool,
    /// The last of the newest quarter, and how many are in it.
    recent_oldest: ChunkRef,
    recent_len: usize,
    /// Items whose promotion is deferred, in the order of their uses.
    pending: [ChunkRef; PENDING_MAX],
    pending_len: usize,
}

impl Lru {
    pub(crate) const fn new(lazy: bool) -> Self {
        Self {
            newest: ChunkRef::NONE,
            oldest: ChunkRef::NONE,
            len: 0,
            bytes: 0,
            lazy,
            recent_oldest: ChunkRef::NONE,
            recent_len: 0,
            pending: [ChunkRef::NONE; PENDING_MAX],
            pending_len: 0,
        }
    }

    /// Forgets all items.
    pub(crate) const fn clear(&mut self) {
        (self.newest, self.oldest) = (ChunkRef::NONE, ChunkRef::NONE);
        (self.len, self.bytes) = (0, 0);
        (self.recent_oldest, self.recent_len) = (ChunkRef::NONE, 0);
        self.pending_len = 0;
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The items, the most recently used first.
    pub(crate) fn items<'m>(&'m self, arena: ArenaRef<'m>) -> Items<'m> {
        let pending = self.pending.get(..self.pending_len).unwrap_or(&[]);
        Items {
            pending,
            left: 0..pending.len(),
            linked: Linked {
                arena,
                newest: self.newest,
                oldest: self.oldest,
                len: self.len,
            },
        }
    }

    /// The least recently used item.
    pub(crate) fn oldest(&mut self, arena: &mut ArenaMut<'_>) -> ChunkRef {
        self.flush_pending(arena);
        self.oldest
    }

    /// The end of the list as it is linked, whatever is pending.
    pub(crate) const fn linked_last(&self) -> ChunkRef {
        self.oldest
    }

    /// Adds an item as the most recently used.
    pub(crate) fn push(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        self.flush_pending(arena);
        self.bytes += arena.header(item).size_in_all();
        self.link(arena, item);
    }

    fn link(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        let mut header = arena.header_mut(item);
        header.set_newer(ChunkRef::NONE);
        header.set_older(self.newest);
        match self.newest {
            ChunkRef::NONE => self.oldest = item,
            newest => arena.header_mut(newest).set_newer(item),
        }
        self.newest = item;
        self.len += 1;
        if self.lazy {
            self.mark_recent(arena, item);
        }
    }

    /// Takes an item out.
    pub(crate) fn unlink(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        self.flush_pending(arena);
        let header = arena.header(item);
        self.bytes -= header.size_in_all();
        self.cut(arena, item, &header);
    }

    fn cut(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef, header: &ItemHeader) {
        let (newer, older) = (header.newer(), header.older());
        match newer {
            ChunkRef::NONE => self.newest = older,
            newer => arena.header_mut(newer).set_older(older),
        }
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => arena.header_mut(older).set_newer(newer),
        }
        self.len -= 1;
        if header.has(LruBits::RECENT) {
            self.recent_len -= 1;
            if self.recent_oldest == item {
                self.recent_oldest = newer;
            }
        }
    }

    /// Makes an item the most recently used, and records that it is read in this second.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn bump(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle, second: u32) {
        let ItemHandle { item, header } = found;
        arena.header_mut(*item).record_use(header, second);
        self.defer_promotion(arena, found);
    }

    /// Makes an item the most recently used, and writes nothing to its header for now.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    pub(crate) fn defer_promotion(&mut self, arena: &mut ArenaMut<'_>, found: &ItemHandle) {
        let &ItemHandle { item, ref header } = found;
        if !(header.has(LruBits::RECENT) || self.lazy && self.will_be_recent(item)) {
            arena.prefetch(arena.geometry.at(header.newer()));
            arena.prefetch(arena.geometry.at(header.older()));
            if self.is_full() {
                self.flush_half(&mut arena.reborrow());
            }
            self.pending[self.pending_len % PENDING_MAX] = item;
            self.pending_len += 1;
        }
    }

    /// Whether a promotion is pending that will make an item recent.
    #[cold]
    fn will_be_recent(&self, item: ChunkRef) -> bool {
        let pending = self.pending.get(..self.pending_len);
        pending.is_some_and(|pending| pending.contains(&item))
    }

    /// Whether promotions have to be done before the next one can be deferred. That is better done
    /// while something else is waited for.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.pending_len == PENDING_MAX
    }

    /// Does half of the promotions, if the list of them [is full](Self::is_full).
    pub(crate) fn flush_half(&mut self, arena: &mut ArenaMut<'_>) {
        self.flush(arena, PENDING_MAX / 2);
    }

    /// Does all promotions that are pending.
    #[inline]
    pub(crate) fn flush_pending(&mut self, arena: &mut ArenaMut<'_>) {
        if self.pending_len > 0 {
            self.flush(arena, self.pending_len);
        }
    }

    /// Does the first `count` of them.
    #[inline(never)]
    fn flush(&mut self, arena: &mut ArenaMut<'_>, count: usize) {
        let pending = self.pending;
        for &item in pending.iter().take(count) {
            let header = arena.header(item);
            if item == self.newest || header.has(LruBits::RECENT) {
                continue;
            }
            if self.lazy {
                self.cut(arena, item, &header);
                self.link(arena, item);
            } else {
                self.promote(arena, item, &header);
            }
        }
        self.pending_len -= count;
        let left = pending.iter().skip(count).take(self.pending_len);
        for (to, from) in self.pending.iter_mut().zip(left) {
            *to = *from;
        }
    }

    /// Moves an item, which is not the newest, to the front of a list that is not lazy.
    fn promote(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef, header: &ItemHeader) {
        let (newer, older) = (header.newer(), header.older());
        arena.header_mut(newer).set_older(older);
        match older {
            ChunkRef::NONE => self.oldest = newer,
            older => arena.header_mut(older).set_newer(newer),
        }
        let mut place = arena.header_mut(item);
        place.set_links(header, ChunkRef::NONE, self.newest);
        arena.header_mut(self.newest).set_newer(item);
        self.newest = item;
    }

    /// Counts an item that was rewritten in place and has this size now.
    pub(crate) const fn resize(&mut self, before: &ItemHeader, after: u64) {
        self.bytes = self.bytes - before.size_in_all() + after;
    }

    /// Redirects everything that refers to an item to where it was copied. Promotions that are
    /// pending would go on referring to where it was: they have to be [done](Self::flush_pending)
    /// before anything moves.
    pub(crate) fn moved(&mut self, arena: &mut ArenaMut<'_>, from: ChunkRef, to: ChunkRef) {
        debug_assert_eq!(self.pending_len, 0, "promotions pending of items that move");
        link_moved(arena, to, &mut self.newest, &mut self.oldest);
        if self.recent_oldest == from {
            self.recent_oldest = to;
        }
    }

    /// Sorts the items by a number, those with the lowest first; equal ones stay as they are.
    pub(crate) fn sort(&mut self, arena: &mut ArenaMut<'_>, number: impl Fn(&ItemHeader) -> u32) {
        self.flush_pending(arena);
        self.newest = sort_links(arena, self.newest, number);
        self.link_back(arena);
    }

    /// Makes the links towards the newest item, and the end of the list, what the links the other
    /// way say. No item is recent then.
    fn link_back(&mut self, arena: &mut ArenaMut<'_>) {
        let (mut newer, mut item) = (ChunkRef::NONE, self.newest);
        while !item.is_none() {
            let mut header = arena.header_mut(item);
            header.set_newer(newer);
            header.set_lru_bit(LruBits::RECENT, false);
            newer = item;
            item = arena.header(item).older();
        }
        self.oldest = newer;
        (self.recent_oldest, self.recent_len) = (ChunkRef::NONE, 0);
    }

    /// Marks the newest item as recent, and no longer those that are not in the newest quarter.
    fn mark_recent(&mut self, arena: &mut ArenaMut<'_>, item: ChunkRef) {
        arena.header_mut(item).set_lru_bit(LruBits::RECENT, true);
        self.recent_len += 1;
        if self.recent_oldest.is_none() {
            self.recent_oldest = item;
        }
        while self.recent_len > 1 && self.recent_len > self.len / 4 {
            let last = self.recent_oldest;
            arena.header_mut(last).set_lru_bit(LruBits::RECENT, false);
            self.recent_oldest = arena.header(last).newer();
            self.recent_len -= 1;
        }
    }

    /// Panics if the recent items are not the newest ones. For tests.
    pub(crate) fn check(&self, arena: ArenaRef<'_>) {
        let (mut item, mut len, mut bytes, mut recent) = (self.newest, 0, 0, 0);
        while !item.is_none() {
            let header = arena.header(item);
            assert_eq!(
                header.has(LruBits::RECENT),
                len < self.recent_len,
                "recent items come first"
            );
            recent += usize::from(header.has(LruBits::RECENT));
            (len, bytes) = (len + 1, bytes + header.size_in_all());
            assert!(
                len != self.recent_len || self.recent_oldest == item,
                "end of the recent items"
            );
            item = header.older();
        }
        assert_eq!(
            (len, bytes, recent),
            (self.len, self.bytes, self.recent_len),
            "sums of the list"
        );
    }
}

/// Links the neighbours of an item that has moved to it, or the ends of its list.
pub(super) fn link_moved(
    arena: &mut ArenaMut<'_>,
    to: ChunkRef,
    newest: &mut ChunkRef,
    oldest: &mut ChunkRef,
) {
    let header = arena.header(to);
    match header.newer() {
        ChunkRef::NONE => *newest = to,
        newer => arena.header_mut(newer).set_older(to),
    }
    match header.older() {
        ChunkRef::NONE => *oldest = to,
        older => arena.header_mut(older).set_newer(to),
    }
}

/// How many bits a round of sorting looks at: it keeps two references for each of their values. A
/// round takes a cache miss for each item, a device has neither caches nor 16 KiB of stack.
const SORT_BITS: u32 = if cfg!(target_os = "none") { 6 } else { 11 };

/// Sorts the items from this one on by a number, those with the lowest first; equal ones stay as
/// they are. In rounds of some bits each, so that nothing is allocated. Returns the first one. The
/// links towards newer items are not brought up to date.
pub(super) fn sort_links(
    arena: &mut ArenaMut<'_>,
    mut newest: ChunkRef,
    number: impl Fn(&ItemHeader) -> u32,
) -> ChunkRef {
    let (mut shift, mut more) = (0, true);
    while more && shift < u32::BITS {
        more = false;
        let mut lists = [(ChunkRef::NONE, ChunkRef::NONE); 1 << SORT_BITS];
        let mut item = newest;
        while !item.is_none() {
            let header = arena.header(item);
            let rest = number(&header) >> shift;
            more |= rest >> SORT_BITS != 0;
            let (first, last) = &mut lists[rest as usize % (1 << SORT_BITS)];
            match *last {
                ChunkRef::NONE => *first = item,
                last => arena.header_mut(last).set_older(item),
            }
            *last = item;
            item = header.older();
        }
        newest = ChunkRef::NONE;
        let mut before = ChunkRef::NONE;
        for (first, last) in lists.into_iter().filter(|(first, _)| !first.is_none()) {
            match before {
                ChunkRef::NONE => newest = first,
                before => arena.header_mut(before).set_older(first),
            }
            arena.header_mut(last).set_older(ChunkRef::NONE);
            before = last;
        }
        shift += SORT_BITS;
    }
    newest
}
