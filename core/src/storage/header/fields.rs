//! The fields of a head by name, for whoever wants to see them.

use super::{CAS, DEADLINE_HIGH, FLAGS, HEAD, Head, LENGTHS, LINK, NEWER, OLDER, SECONDS, SPLIT};
use super::{Mark, Notes};
use crate::view::Field;

const KIND: u32 = 0b11 << 30;
const DEADLINE: usize = 12;
const ALL: u32 = u32::MAX;

impl Head {
    /// Every field there is in this head, which is at `at`, in the order of its bytes.
    pub(crate) fn fields(self, memory: &[u8], at: usize) -> impl Iterator<Item = Field> + use<> {
        let split = self.is_split();
        let has_flags = self.words[LINK / 4] & FLAGS != 0;
        let link = if split { "next chunk" } else { "last use" };
        let cas_high = (self.cas(memory, at) >> 32) as u32;
        let fields = [
            Some(("kind", LINK, KIND)),
            Some(("split", LINK, SPLIT)),
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
            Some(("deadline", DEADLINE, ALL)),
            Some(("value size", LENGTHS, ALL << 8)),
            Some(("key size", LENGTHS, 0xFF)),
            Some(("cas", CAS, ALL)),
            split.then_some(("last use", HEAD, SECONDS)),
            has_flags.then_some(("flags", HEAD + 4 * usize::from(split), ALL)),
            self.is_wide()
                .then_some(("cas, high", self.size() - 4, ALL)),
        ];
        fields.into_iter().flatten().map(move |(name, at, mask)| {
            // The last word of a wide head is not among those that were read.
            let word = if name == "cas, high" {
                cas_high
            } else {
                self.words[at / 4]
            };
            Field {
                name,
                at,
                mask,
                value: (word & mask) >> mask.trailing_zeros(),
            }
        })
    }
}
