use super::super::arena::{ArenaMut, Geometry};
use super::super::chunk::Kind;
use super::*;

const ITEM: ChunkRef = ChunkRef::from_word(1);

const GEOMETRY: Geometry = Geometry::new(0, 512);

fn arena(memory: &mut [u8]) -> ArenaMut<'_> {
    Arena::new(memory, GEOMETRY)
}

const DEADLINE_BEFORE: Deadline = Deadline::from_bits((3 << 32) | 0x1234_5678);

/// Headers of every kind.
fn layouts() -> impl Iterator<Item = ItemLayout> {
    let longest = (1 << 24) - 1;
    let cases = [(false, 0), (false, u32::MAX), (true, 0), (true, 5)];
    cases.into_iter().flat_map(move |(split, client_flags)| {
        let sizes = [
            (0, COMPACT_VALUE_END),
            (0, COMPACT_VALUE_END - 1),
            (1, longest),
            (u64::MAX, longest),
        ];
        sizes.map(|(cas, value_len)| ItemLayout {
            key_len: 3,
            value_len,
            client_flags,
            deadline: DEADLINE_BEFORE,
            cas,
            item_flags: ItemFlags::STALE.and(ItemFlags::BASE64),
            split,
            in_place: false,
        })
    })
}

/// Whether an item with this layout has a compact header.
fn is_compact(layout: &ItemLayout) -> bool {
    layout.cas == 0 && layout.client_flags == 0 && layout.value_len < COMPACT_VALUE_END
}

fn kept(header: &ItemHeader) -> (u32, Deadline) {
    (header.client_flags(), header.deadline())
}

#[test]
fn a_header_says_what_was_written() {
    let mut memory = [0xFF; 64];
    let arena = &mut arena(&mut memory);
    let next_chunk = ChunkRef::from_word(77);
    for layout in layouts() {
        layout.write(arena, ITEM, next_chunk, 1234);
        let (header, view) = (arena.header(ITEM), arena.view());
        let next = if layout.split {
            next_chunk
        } else {
            ChunkRef::NONE
        };
        assert_eq!(header.next(), next);
        assert_eq!(arena.chunk(ITEM).kind(), Kind::Header);
        assert_eq!(arena.chunk(ITEM).next(), next);
        let used = if is_compact(&layout) { 0 } else { 1234 };
        assert_eq!((header.last_use(), header.fetched()), (used, false));
        assert_eq!(kept(&header), (layout.client_flags, layout.deadline));
        assert_eq!(header.flags(), layout.item_flags);
        assert_eq!(header.value_len(), layout.value_len);
        assert_eq!(header.cas(view, ITEM), layout.cas);
        assert_eq!(header.value_offset(), layout.value_offset());
        let words = usize::from(layout.split)
            + usize::from(layout.client_flags != 0)
            + usize::from(layout.cas > 1);
        let fixed = if is_compact(&layout) { 16 } else { 24 };
        assert_eq!(header.value_offset(), fixed + 4 * words + 3);
        assert_eq!(header.key(view, ITEM).len(), 3);
    }
}

#[test]
fn a_header_keeps_the_rest_of_it_when_a_part_changes() {
    let mut memory = [0xFF; 64];
    let arena = &mut arena(&mut memory);
    for layout in layouts() {
        let compact = is_compact(&layout);
        layout.write(arena, ITEM, ChunkRef::from_word(77), 1234);
        let links = (ChunkRef::from_word(5), ChunkRef::from_word(6));
        let mut place = arena.header_mut(ITEM);
        place.set_newer(links.0);
        place.set_older(links.1);
        let header = arena.header(ITEM);
        assert_eq!((header.newer(), header.older()), links);
        let mut place = arena.header_mut(ITEM);
        place.set_links(&header, links.1, links.0);
        let header = arena.header(ITEM);
        arena.header_mut(ITEM).record_use(&header, 99);
        let header = arena.header(ITEM);
        assert_eq!((header.newer(), header.older()), (links.1, links.0));
        let used = if compact { 0 } else { 99 };
        assert_eq!((header.last_use(), header.fetched()), (used, true));
        assert_eq!(kept(&header), (layout.client_flags, layout.deadline));
        if !compact {
            arena.header_mut(ITEM).set_stamp(0xA5);
            assert_eq!(arena.header(ITEM).last_use(), 0xA5 << STAMP_SHIFT | 99);
            assert_eq!(arena.header(ITEM).stamp(), 0xA5);
            assert_eq!(arena.header(ITEM).next(), header.next());
            arena.header_mut(ITEM).set_stamp(0);
        }
        let deadline = Deadline::from_bits(0x2_8765_4321);
        arena.header_mut(ITEM).set_deadline(deadline);
        let header = arena.header(ITEM);
        assert_eq!(kept(&header), (layout.client_flags, deadline));
        assert_eq!(header.last_use(), used);
        let fetched = layout.item_flags.and(ItemFlags::FETCHED);
        assert_eq!(header.flags(), fetched);
        arena.header_mut(ITEM).set_flags(ItemFlags::WON);
        assert_eq!(arena.header(ITEM).flags(), ItemFlags::WON);
        assert_eq!(header.cas(arena.view(), ITEM), layout.cas);
        assert_eq!(arena.set_cas(ITEM, 1 << 40), layout.cas > 1);
        assert!(arena.set_cas(ITEM, 0));
        assert_eq!(arena.set_cas(ITEM, 7), !compact);
        let header = arena.header(ITEM);
        let cas = header.cas(arena.view(), ITEM);
        assert_eq!(cas, if compact { 0 } else { 7 });
        assert_eq!(header.value_len(), layout.value_len);
        assert_eq!(kept(&header), (layout.client_flags, deadline));
    }
}

#[test]
fn lru_bits_are_set_apart_and_told_apart() {
    let mut memory = [0xFF; 64];
    let arena = &mut arena(&mut memory);
    let told = |arena: &ArenaMut<'_>| {
        let header = arena.header(ITEM);
        let (recent, queued) = (LruBits::RECENT, LruBits::IN_SMALL_QUEUE);
        let told = (header.has(recent), header.has(queued));
        (told, header.lru_bits().bits())
    };
    let (recent, queued) = (LruBits::RECENT.bits(), LruBits::IN_SMALL_QUEUE.bits());
    assert_eq!(told(arena), ((true, true), recent | queued));
    arena.header_mut(ITEM).set_lru_bit(LruBits::RECENT, false);
    assert_eq!(told(arena), ((false, true), queued));
    let mut header = arena.header_mut(ITEM);
    header.set_lru_bit(LruBits::IN_SMALL_QUEUE, false);
    assert_eq!(told(arena), ((false, false), 0));
    arena.header_mut(ITEM).set_lru_bit(LruBits::RECENT, true);
    assert_eq!(told(arena), ((true, false), recent));
    let rest = arena.word(arena.geometry.at(ITEM) + OLDER) | LruBits::ALL.bits();
    assert_eq!(rest, u32::MAX, "nothing else has changed");
}
