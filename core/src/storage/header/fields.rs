//! The fields of an item header by name, for those who look inside.

use super::super::arena::{ArenaRef, ChunkRef};
use super::super::chunk::{LINK, SPLIT};
use super::{CAS, CLIENT_FLAGS, DEADLINE, DEADLINE_HIGH, HEADER, ItemHeader, KINDS};
use super::{ItemFlags, LENGTHS, LruBits, NEWER, OLDER, SECONDS, STAMPED_SECONDS};
use crate::view::Field;

const ALL: u32 = u32::MAX;

impl ItemHeader {
    /// Every field there is in the header of this item, in the order of its bytes; `stamped`: of a
    /// cache with the policy `density`.
    pub(crate) fn fields(
        self,
        arena: ArenaRef<'_>,
        item: ChunkRef,
        stamped: bool,
    ) -> impl Iterator<Item = Field> + use<> {
        let at = arena.geometry.at(item);
        let (split, compact) = (self.is_split(), self.is_compact());
        let has_flags = self.words[LINK / 4] & CLIENT_FLAGS != 0;
        let (low, value) = match compact {
            true => ("deadline, low", SECONDS & !0xFF),
            false => ("last use", !0xFF),
        };
        let link = if split { "next chunk" } else { low };
        let (second, stamp) = if stamped {
            (STAMPED_SECONDS, SECONDS & !STAMPED_SECONDS)
        } else {
            (SECONDS, 0)
        };
        let low_bits = if split { SECONDS } else { second };
        let (queued, young) = if stamped {
            ("by density", "came again")
        } else {
            ("queued", "young")
        };
        let (folded, has_cas) = (compact && !split, !compact);
        let fields = [
            Some(("kind", LINK, KINDS)),
            Some(("split", LINK, SPLIT)),
            Some(("has flags", LINK, CLIENT_FLAGS)),
            Some((link, LINK, low_bits)),
            (stamped && !split).then_some(("stamp", LINK, stamp)),
            Some(("fetched", NEWER, ItemFlags::FETCHED.0)),
            Some(("stale", NEWER, ItemFlags::STALE.0)),
            Some(("won", NEWER, ItemFlags::WON.0)),
            Some(("base64", NEWER, ItemFlags::BASE64.0)),
            Some(("newer", NEWER, SECONDS)),
            Some((queued, OLDER, LruBits::IN_SMALL_QUEUE.bits())),
            Some((young, OLDER, LruBits::RECENT.bits())),
            Some(("deadline, high", OLDER, DEADLINE_HIGH)),
            Some(("older", OLDER, SECONDS)),
            folded.then_some(("deadline, middle", LENGTHS, !SECONDS)),
            Some(("value size", LENGTHS, value)),
            Some(("key size", LENGTHS, 0xFF)),
            (!folded).then_some(("deadline", DEADLINE, ALL)),
            has_cas.then_some(("cas", CAS, ALL)),
            (split && has_cas).then_some(("last use", HEADER, second)),
            (stamped && split).then_some(("stamp", HEADER, stamp)),
            has_flags.then_some(("flags", HEADER + 4 * usize::from(split), ALL)),
            self.is_wide()
                .then_some(("cas, high", self.size() - 4, ALL)),
        ];
        let fields = fields.map(|field| {
            field.map(|(name, offset, mask): (_, _, u32)| Field {
                name,
                at: offset,
                mask,
                value: (arena.word(at + offset) & mask) >> mask.trailing_zeros(),
            })
        });
        fields.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::super::super::arena::{Arena, Geometry};
    use super::super::super::deadline::Deadline;
    use super::super::ItemLayout;
    use super::*;

    fn layout(split: bool, flags: u32, cas: u64) -> ItemLayout {
        ItemLayout {
            key_len: 0xAB,
            value_len: 0x0A_BCDE,
            client_flags: flags,
            deadline: Deadline::new(0x1_2345_6789, 0),
            cas,
            item_flags: ItemFlags::STALE.and(ItemFlags::BASE64),
            split,
            in_place: false,
        }
    }

    /// Each field and what it is, of the header that this makes.
    fn fields(layout: &ItemLayout, stamped: bool) -> Vec<Field> {
        let mut memory = [0; 64];
        let geometry = Geometry::new(0, 512);
        let arena = &mut Arena::new(&mut memory[..], geometry);
        let item = ChunkRef::from_word(1);
        layout.write(arena, item, ChunkRef::from_word(0x777), 0x0123_4567);
        let mut header = arena.header_mut(item);
        header.set_newer(ChunkRef::from_word(0x555));
        header.set_older(ChunkRef::from_word(0x666));
        header.set_lru_bit(LruBits::RECENT, true);
        let fields = arena.header(item).fields(arena.view(), item, stamped);
        fields.collect()
    }

    const CAS_LOW: u64 = 0x0FED_CBA9;
    const CAS_WIDE: u64 = 5 << 32 | CAS_LOW;

    type Names = &'static [&'static str];

    /// Kinds of headers, and what their fields are besides those that every header has: the one in
    /// the first word, and those behind it.
    const KINDS_OF_HEADERS: [(bool, u32, u64, u32, &str, Names); 9] = [
        (
            false,
            0,
            0,
            2,
            "deadline, low",
            &["deadline, middle", "value size", "key size"],
        ),
        (
            true,
            0,
            0,
            2,
            "next chunk",
            &["value size", "key size", "deadline"],
        ),
        (
            false,
            0,
            CAS_LOW,
            1,
            "last use",
            &["value size", "key size", "deadline", "cas"],
        ),
        (
            true,
            0,
            CAS_LOW,
            1,
            "next chunk",
            &["value size", "key size", "deadline", "cas", "last use"],
        ),
        (
            false,
            9,
            CAS_LOW,
            1,
            "last use",
            &["value size", "key size", "deadline", "cas", "flags"],
        ),
        (
            true,
            9,
            CAS_LOW,
            1,
            "next chunk",
            &[
                "value size",
                "key size",
                "deadline",
                "cas",
                "last use",
                "flags",
            ],
        ),
        (
            false,
            0,
            CAS_WIDE,
            3,
            "last use",
            &["value size", "key size", "deadline", "cas", "cas, high"],
        ),
        (
            true,
            0,
            CAS_WIDE,
            3,
            "next chunk",
            &[
                "value size",
                "key size",
                "deadline",
                "cas",
                "last use",
                "cas, high",
            ],
        ),
        (
            true,
            9,
            CAS_WIDE,
            3,
            "next chunk",
            &[
                "value size",
                "key size",
                "deadline",
                "cas",
                "last use",
                "flags",
                "cas, high",
            ],
        ),
    ];

    /// What the field of this name is, as `fields` writes it.
    fn value(name: &str) -> u32 {
        match name {
            "next chunk" => 0x777,
            "last use" => 0x0123_4567,
            "deadline, low" => 0x0345_6789,
            "deadline, middle" => 2,
            "deadline" => 0x2345_6789,
            "value size" => 0x0A_BCDE,
            "key size" => 0xAB,
            "cas" => CAS_LOW as u32,
            "cas, high" => 5,
            "flags" => 9,
            other => panic!("no field is called {other}"),
        }
    }

    #[test]
    fn the_fields_of_every_kind_of_header_are_named_and_valued() {
        for (split, flags, cas, kind, link, rest) in KINDS_OF_HEADERS {
            let first = [
                ("kind", kind),
                ("split", split.into()),
                ("has flags", u32::from(flags != 0)),
                (link, value(link)),
                ("fetched", 0),
                ("stale", 1),
                ("won", 0),
                ("base64", 1),
                ("newer", 0x555),
                ("queued", 0),
                ("young", 1),
                ("deadline, high", 1),
                ("older", 0x666),
            ];
            let rest = rest.iter().map(|&name| (name, value(name)));
            let expected: Vec<_> = first.into_iter().chain(rest).collect();
            let layout = layout(split, flags, cas);
            let fields = fields(&layout, false).into_iter();
            let fields: Vec<_> = fields.map(|field| (field.name, field.value)).collect();
            assert_eq!(fields, expected, "{layout:?}");
        }
    }

    /// The fields are all bits of the header, each once, in the order of its bytes. In a split
    /// header some are nobody's: a second of use has 28 bits of a word, and so have compact
    /// lengths.
    #[test]
    fn the_fields_cover_the_header() {
        for split in [false, true] {
            for flags in [0, 1, u32::MAX] {
                for (cas, stamped) in [(0, false), (1, false), (1, true), (u64::MAX, true)] {
                    let layout = layout(split, flags, cas);
                    let mut words = [0_u32; 10];
                    let mut before = 0;
                    for field in fields(&layout, stamped) {
                        assert!(field.at >= before && field.at % 4 == 0);
                        before = field.at;
                        let word = &mut words[field.at / 4];
                        assert_eq!(*word & field.mask, 0, "{} twice", field.name);
                        *word |= field.mask;
                    }
                    let size = layout.size() / 4;
                    let compact = flags == 0 && cas == 0;
                    let short = split.then_some(if compact { LENGTHS } else { HEADER });
                    let all = |(at, word): (usize, &u32)| {
                        *word == if short == Some(4 * at) { SECONDS } else { ALL }
                    };
                    assert!(
                        words[..size].iter().enumerate().all(all),
                        "{words:x?} {layout:?}"
                    );
                    assert!(
                        words[size..].iter().all(|&word| word == 0),
                        "{words:x?} {layout:?}"
                    );
                }
            }
        }
    }
}
