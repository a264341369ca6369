//! The fields of a head by name, for whoever wants to see them.

use super::{CAS, DEADLINE, DEADLINE_HIGH, FLAGS, HEAD, Head, KINDS};
use super::{LENGTHS, LINK, Mark, NEWER, Notes, OLDER, SECONDS, word};
use crate::view::Field;

const ALL: u32 = u32::MAX;

impl Head {
    /// Every field there is in this head, which is at `at`, in the order of its bytes.
    pub(crate) fn fields(self, memory: &[u8], at: usize) -> impl Iterator<Item = Field> + use<> {
        let (split, compact) = (self.is_split(), self.is_compact());
        let has_flags = self.words[LINK / 4] & FLAGS != 0;
        let (low, value) = match compact {
            true => ("deadline, low", SECONDS & !0xFF),
            false => ("last use", !0xFF),
        };
        let link = if split { "next chunk" } else { low };
        let (folded, has_cas) = (compact && !split, !compact);
        let fields = [
            Some(("kind", LINK, KINDS)),
            Some(("split", LINK, super::SPLIT)),
            Some(("has flags", LINK, FLAGS)),
            Some((link, LINK, SECONDS)),
            Some(("fetched", NEWER, Notes::FETCHED.0)),
            Some(("stale", NEWER, Notes::STALE.0)),
            Some(("won", NEWER, Notes::WON.0)),
            Some(("base64", NEWER, Notes::BASE64.0)),
            Some(("newer", NEWER, SECONDS)),
            Some(("queued", OLDER, Mark::Queued as u32)),
            Some(("young", OLDER, Mark::Young as u32)),
            Some(("deadline, high", OLDER, DEADLINE_HIGH)),
            Some(("older", OLDER, SECONDS)),
            folded.then_some(("deadline, middle", LENGTHS, !SECONDS)),
            Some(("value size", LENGTHS, value)),
            Some(("key size", LENGTHS, 0xFF)),
            (!folded).then_some(("deadline", DEADLINE, ALL)),
            has_cas.then_some(("cas", CAS, ALL)),
            (split && has_cas).then_some(("last use", HEAD, SECONDS)),
            has_flags.then_some(("flags", HEAD + 4 * usize::from(split), ALL)),
            self.is_wide()
                .then_some(("cas, high", self.size() - 4, ALL)),
        ];
        let fields = fields.map(|field| {
            field.map(|(name, offset, mask): (_, _, u32)| Field {
                name,
                at: offset,
                mask,
                value: (word(memory, at + offset) & mask) >> mask.trailing_zeros(),
            })
        });
        fields.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::super::super::arena::ChunkRef;
    use super::super::{Deadline, MARKS, Meta, set_mark, set_newer, set_older};
    use super::*;

    fn meta(split: bool, flags: u32, cas: u64) -> Meta {
        Meta {
            key_len: 0xAB,
            value_len: 0x0A_BCDE,
            flags,
            deadline: Deadline::new(0x1_2345_6789, 0),
            cas,
            notes: Notes::STALE.and(Notes::BASE64),
            split,
            over: false,
        }
    }

    /// Each field and what it is, of the head that this makes.
    fn fields(meta: &Meta) -> Vec<Field> {
        let mut memory = [0; 64];
        meta.write(&mut memory, 8, ChunkRef::from_word(0x777), 0x0123_4567);
        set_newer(&mut memory, 8, ChunkRef::from_word(0x555));
        set_older(&mut memory, 8, ChunkRef::from_word(0x666));
        set_mark(&mut memory, 8, Mark::Young, true);
        Head::read(&memory, 8).fields(&memory, 8).collect()
    }

    const CAS_LOW: u64 = 0x0FED_CBA9;
    const CAS_WIDE: u64 = 5 << 32 | CAS_LOW;

    type Names = &'static [&'static str];

    /// Kinds of heads, and what their fields are besides those that every head has: the one in the
    /// first word, and those behind it.
    const KINDS_OF_HEADS: [(bool, u32, u64, u32, &str, Names); 9] = [
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
    fn the_fields_of_every_kind_of_head_are_named_and_valued() {
        for (split, flags, cas, kind, link, rest) in KINDS_OF_HEADS {
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
            let meta = meta(split, flags, cas);
            let fields = fields(&meta).into_iter();
            let fields: Vec<_> = fields.map(|field| (field.name, field.value)).collect();
            assert_eq!(fields, expected, "{meta:?}");
        }
    }

    /// The fields are all bits of the head, each once, in the order of its bytes. In a split head
    /// some are nobody's: a second of use has 28 bits of a word, and so have compact lengths.
    #[test]
    fn the_fields_cover_the_head() {
        for split in [false, true] {
            for flags in [0, 1, u32::MAX] {
                for cas in [0, 1, u64::MAX] {
                    let meta = meta(split, flags, cas);
                    let mut words = [0_u32; 10];
                    let mut before = 0;
                    for field in fields(&meta) {
                        assert!(field.at >= before && field.at % 4 == 0);
                        before = field.at;
                        let word = &mut words[field.at / 4];
                        assert_eq!(*word & field.mask, 0, "{} twice", field.name);
                        *word |= field.mask;
                    }
                    let size = meta.size() / 4;
                    let compact = flags == 0 && cas == 0;
                    let short = split.then_some(if compact { LENGTHS } else { HEAD });
                    let all = |(at, word): (usize, &u32)| {
                        *word == if short == Some(4 * at) { SECONDS } else { ALL }
                    };
                    assert!(
                        words[..size].iter().enumerate().all(all),
                        "{words:x?} {meta:?}"
                    );
                    assert!(
                        words[size..].iter().all(|&word| word == 0),
                        "{words:x?} {meta:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn marks_are_set_apart_and_told_apart() {
        let mut memory = [0xFF; 64];
        let marks = |memory: &[u8]| {
            let head = Head::read(memory, 4);
            let told = (head.has(Mark::Young), head.has(Mark::Queued));
            (told, head.marks())
        };
        let (young, queued) = (Mark::Young as u32, Mark::Queued as u32);
        assert_eq!(marks(&memory), ((true, true), young | queued));
        set_mark(&mut memory, 4, Mark::Young, false);
        assert_eq!(marks(&memory), ((false, true), queued));
        set_mark(&mut memory, 4, Mark::Queued, false);
        assert_eq!(marks(&memory), ((false, false), 0));
        set_mark(&mut memory, 4, Mark::Young, true);
        assert_eq!(marks(&memory), ((true, false), young));
        let rest = word(&memory, 4 + OLDER) | MARKS;
        assert_eq!(rest, u32::MAX, "nothing else has changed");
    }
}
