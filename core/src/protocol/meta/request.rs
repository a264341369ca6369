//! A meta request, with everything checked that can be checked without the cache.

use base64ct::{Base64, Encoding};

use super::MetaCommand;
use super::flags::Flags;
use crate::Key;

/// A meta request.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct MetaRequest<'i> {
    pub(super) command: MetaCommand,
    /// The value of `ms`; `None` if it is too large, and skipped.
    pub(super) value: Option<&'i [u8]>,
    /// The key as it was written, which may be base64.
    pub(super) key: &'i [u8],
    pub(super) flags: Flags<'i>,
}

impl<'i> MetaRequest<'i> {
    /// The key as it was written.
    pub(in crate::protocol) const fn key(&self) -> &'i [u8] {
        self.key
    }

    /// Whether it was written as base64.
    pub(in crate::protocol) const fn is_base64(&self) -> bool {
        self.flags.is_base64()
    }

    /// The verb of the command.
    pub(in crate::protocol) const fn verb(&self) -> &'static str {
        match self.command {
            MetaCommand::Get => "mg",
            MetaCommand::Set => "ms",
            MetaCommand::Delete => "md",
            MetaCommand::Arithmetic => "ma",
            MetaCommand::Debug => "me",
        }
    }

    /// Whether it would change an item: any but `me`, and `mg` that neither creates an item nor
    /// gives one another deadline nor takes the right to renew it.
    pub(in crate::protocol) fn writes(&self) -> bool {
        match self.command {
            MetaCommand::Get => b"NTRE".iter().any(|&flag| self.flags.has(flag)),
            MetaCommand::Debug => false,
            MetaCommand::Set | MetaCommand::Delete | MetaCommand::Arithmetic => true,
        }
    }

    /// The key itself. One that was written as base64 is decoded into the buffer.
    pub(in crate::protocol) fn key_bytes<'k>(&self, buffer: &'k mut [u8; Key::LEN_MAX]) -> &'k [u8]
    where
        'i: 'k,
    {
        if !self.is_base64() {
            return self.key;
        }
        // It was decoded before.
        Base64::decode(self.key, buffer).unwrap_or_default()
    }

    /// How many bytes the key itself has.
    pub(super) fn key_len(&self) -> usize {
        self.key_bytes(&mut [0; Key::LEN_MAX]).len()
    }
}
