//! Replies in packets.

use super::super::Output;
use super::header::{Echo, Lengths, Status};
use crate::{Cas, Item};

impl Echo {
    /// A packet of parts that are there: a status, a key, a value.
    pub(super) fn packet(
        self,
        output: &mut impl Output,
        status: Status,
        cas: u64,
        key: &[u8],
        value: &[u8],
    ) {
        let lengths = Lengths {
            extras: 0,
            key: key.len(),
            value: value.len(),
        };
        let header = self.reply(status, lengths, cas);
        output.extend_from_slice(header.as_flattened());
        output.extend_from_slice(key);
        output.extend_from_slice(value);
    }

    /// That it was done, and the item's cas if it has one.
    pub(super) fn done(self, output: &mut impl Output, cas: u64) {
        let header = self.reply(Status::Ok, Lengths::default(), cas);
        output.extend_from_slice(header.as_flattened());
    }

    /// A status and its text.
    pub(super) fn refusal(self, output: &mut impl Output, status: Status) {
        self.packet(output, status, 0, &[], status.text());
    }

    /// A found item; `key` is empty where only the value is asked for.
    #[inline]
    pub(super) fn item(self, output: &mut impl Output, key: &[u8], item: &Item<'_>) {
        let lengths = Lengths {
            extras: 4,
            key: key.len(),
            value: item.value.len(),
        };
        // One growth instead of several.
        output.reserve(64 + key.len() + item.value.len());
        self.flags(output, lengths, item);
        output.extend_from_slice(key);
        item.value.append_to(output);
    }

    /// An item without its value.
    pub(super) fn touched(self, output: &mut impl Output, item: &Item<'_>) {
        let lengths = Lengths {
            extras: 4,
            ..Lengths::default()
        };
        self.flags(output, lengths, item);
    }

    fn flags(self, output: &mut impl Output, lengths: Lengths, item: &Item<'_>) {
        let header = self.reply(Status::Ok, lengths, Cas::number(item.cas));
        output.extend_from_slice(header.as_flattened());
        output.extend_from_slice(&item.flags.to_be_bytes());
    }
}
