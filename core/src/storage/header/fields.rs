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
