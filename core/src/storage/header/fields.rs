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
            deadline: Deadline::from_millis(0x1_2345_6789),
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

    #[test]
    fn the_fields_of_every_kind_of_head_are_named_and_valued() {
        let first = |kind, split, flags, link| {
            [
                ("kind", kind),
                ("split", split),
                ("has flags", flags),
                link,
                ("fetched", 0),
                ("stale", 1),
                ("won", 0),
                ("base64", 1),
                ("newer", 0x555),
                ("queued", 0),
                ("young", 1),
                ("deadline, high", 1),
                ("older", 0x666),
            ]
        };
        let sizes = [("value size", 0x0A_BCDE), ("key size", 0xAB)];
        let (next, used) = (("next chunk", 0x777), ("last use", 0x0123_4567));
        let (low, middle) = (("deadline, low", 0x0345_6789), ("deadline, middle", 2));
        let deadline = ("deadline", 0x2345_6789);
        let (cas, high, flags) = (("cas", 0x0FED_CBA9), ("cas, high", 5), ("flags", 9));
        let large = 0x5_0FED_CBA9;
        type Fields = Vec<(&'static str, u32)>;
        let cases: [(Meta, [(&str, u32); 13], Fields); 9] = [
            (
                meta(false, 0, 0),
                first(2, 0, 0, low),
                [&[middle], &sizes[..]].concat(),
            ),
            (
                meta(true, 0, 0),
                first(2, 1, 0, next),
                [&sizes[..], &[deadline]].concat(),
            ),
            (
                meta(false, 0, large & 0xFFFF_FFFF),
                first(1, 0, 0, used),
                [&sizes[..], &[deadline, cas]].concat(),
            ),
            (
                meta(true, 0, large & 0xFFFF_FFFF),
                first(1, 1, 0, next),
                [&sizes[..], &[deadline, cas, used]].concat(),
            ),
            (
                meta(false, 9, large & 0xFFFF_FFFF),
                first(1, 0, 1, used),
                [&sizes[..], &[deadline, cas, flags]].concat(),
            ),
            (
                meta(true, 9, large & 0xFFFF_FFFF),
                first(1, 1, 1, next),
                [&sizes[..], &[deadline, cas, used, flags]].concat(),
            ),
            (
                meta(false, 0, large),
                first(3, 0, 0, used),
                [&sizes[..], &[deadline, cas, high]].concat(),
            ),
            (
                meta(true, 0, large),
                first(3, 1, 0, next),
                [&sizes[..], &[deadline, cas, used, high]].concat(),
            ),
            (
                meta(true, 9, large),
                first(3, 1, 1, next),
                [&sizes[..], &[deadline, cas, used, flags, high]].concat(),
            ),
        ];
        for (meta, first, rest) in cases {
            let expected = [&first[..], &rest].concat();
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
