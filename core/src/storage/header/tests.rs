use super::super::arena::{ArenaMut, Geometry};
use super::super::chunk::Kind;
use super::*;

const ITEM: ChunkRef = ChunkRef::from_word(1);

const GEOMETRY: Geometry = Geometry::new(0, 512);

fn arena(memory: &mut [u8]) -> ArenaMut<'_> {
    Arena::new(memory, GEOMETRY)
}

#[test]
fn a_header_says_what_was_written() {
    let mut memory = [0xFF; 64];
    let arena = &mut arena(&mut memory);
    let next_chunk = ChunkRef::from_word(77);
    let cases = [(false, 0), (false, u32::MAX), (true, 0), (true, 5)];
    let longest = (1 << 24) - 1;
    let cases = cases.into_iter().flat_map(|case| {
        let compact = [
            (case, 0, COMPACT_VALUE_END),
            (case, 0, COMPACT_VALUE_END - 1),
        ];
        let others = [(case, 1, longest), (case, u64::MAX, longest)];
        compact.into_iter().chain(others)
    });
    for ((split, client_flags), cas, value_len) in cases {
        let compact = value_len < COMPACT_VALUE_END && client_flags == 0;
        let item_flags = ItemFlags::STALE.and(ItemFlags::BASE64);
        let deadline = Deadline::from_bits((3 << 32) | 0x1234_5678);
        let layout = ItemLayout {
            key_len: 3,
            value_len,
            client_flags,
            deadline,
            cas,
            item_flags,
            split,
            in_place: false,
        };
        layout.write(arena, ITEM, next_chunk, 1234);
        let links = (ChunkRef::from_word(5), ChunkRef::from_word(6));
        let mut place = arena.header_mut(ITEM);
        place.set_newer(links.0);
        place.set_older(links.1);
        let header = arena.header(ITEM);
        assert_eq!((header.newer(), header.older()), links);
        let next = if split { next_chunk } else { ChunkRef::NONE };
        assert_eq!(header.next(), next);
        let used = |second| if compact { 0 } else { second };
        assert_eq!((header.last_use(), header.fetched()), (used(1234), false));
        let kept = |header: &ItemHeader| (header.client_flags(), header.deadline());
        assert_eq!(kept(&header), (client_flags, deadline));
        let mut place = arena.header_mut(ITEM);
        place.set_links(&header, links.1, links.0);
        let header = arena.header(ITEM);
        arena.header_mut(ITEM).record_use(&header, 99);
        let header = arena.header(ITEM);
        assert_eq!((header.newer(), header.older()), (links.1, links.0));
        assert_eq!((header.last_use(), header.fetched()), (used(99), true));
        assert_eq!(kept(&header), (client_flags, deadline));
        let other = Deadline::from_bits(0x2_8765_4321);
        arena.header_mut(ITEM).set_deadline(other);
        let header = arena.header(ITEM);
        assert_eq!(kept(&header), (client_flags, other));
        assert_eq!(header.last_use(), used(99));
        assert_eq!(header.flags(), item_flags.and(ItemFlags::FETCHED));
        let view = arena.view();
        assert_eq!(
            (header.value_len(), header.cas(view, ITEM)),
            (value_len, cas)
        );
        assert_eq!(header.value_offset(), layout.value_offset());
        let words = 4 * (usize::from(split) + usize::from(client_flags != 0));
        let fixed = if compact { 16 } else { 24 };
        assert!(header.value_offset() - 3 - words == fixed + 4 * usize::from(cas > 1));
        assert_eq!(header.key(view, ITEM).len(), 3);
        assert_eq!(arena.chunk(ITEM).kind(), Kind::Header);
        assert_eq!(arena.chunk(ITEM).next(), header.next());
        assert_eq!(arena.set_cas(ITEM, 1 << 40), cas > 1);
        assert!(arena.set_cas(ITEM, 0));
        assert_eq!(arena.set_cas(ITEM, 7), !compact);
        let header = arena.header(ITEM);
        let cas = header.cas(arena.view(), ITEM);
        assert_eq!(cas, if compact { 0 } else { 7 });
        assert_eq!((header.value_len(), header.deadline()), (value_len, other));
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
