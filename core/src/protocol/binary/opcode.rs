//! Opcodes: what each asks for, and which lengths its packet may have.

use super::header::Header;
use crate::SetMode;

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Command {
    /// `touches`: the item gets another exptime.
    Get {
        touches: bool,
        with_key: bool,
    },
    Touch,
    Store(SetMode),
    Delete,
    Arithmetic {
        decrement: bool,
    },
    Flush,
    Noop,
    Version,
    Quit,
    Stat,
    SaslList,
    SaslAuth,
    SaslStep,
}

/// An opcode that has a meaning. Those that are quiet mean the same as a loud one, but are answered
/// only if there is something to tell: an item, or what went wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opcode {
    pub(super) command: Command,
    pub(super) quiet: bool,
}

impl Opcode {
    pub(super) const fn of(byte: u8) -> Option<Self> {
        const fn get(touches: bool, with_key: bool) -> Command {
            Command::Get { touches, with_key }
        }
        const COUNT_UP: Command = Command::Arithmetic { decrement: false };
        const COUNT_DOWN: Command = Command::Arithmetic { decrement: true };
        let (command, quiet) = match byte {
            0x00 => (get(false, false), false),
            0x01 => (Command::Store(SetMode::Set), false),
            0x02 => (Command::Store(SetMode::Add), false),
            0x03 => (Command::Store(SetMode::Replace), false),
            0x04 => (Command::Delete, false),
            0x05 => (COUNT_UP, false),
            0x06 => (COUNT_DOWN, false),
            0x07 => (Command::Quit, false),
            0x08 => (Command::Flush, false),
            0x09 => (get(false, false), true),
            0x0a => (Command::Noop, false),
            0x0b => (Command::Version, false),
            0x0c => (get(false, true), false),
            0x0d => (get(false, true), true),
            0x0e => (Command::Store(SetMode::Append), false),
            0x0f => (Command::Store(SetMode::Prepend), false),
            0x10 => (Command::Stat, false),
            0x11 => (Command::Store(SetMode::Set), true),
            0x12 => (Command::Store(SetMode::Add), true),
            0x13 => (Command::Store(SetMode::Replace), true),
            0x14 => (Command::Delete, true),
            0x15 => (COUNT_UP, true),
            0x16 => (COUNT_DOWN, true),
            0x17 => (Command::Quit, true),
            0x18 => (Command::Flush, true),
            0x19 => (Command::Store(SetMode::Append), true),
            0x1a => (Command::Store(SetMode::Prepend), true),
            0x1c => (Command::Touch, false),
            0x1d => (get(true, false), false),
            0x1e => (get(true, false), true),
            0x20 => (Command::SaslList, false),
            0x21 => (Command::SaslAuth, false),
            0x22 => (Command::SaslStep, false),
            0x23 => (get(true, true), false),
            0x24 => (get(true, true), true),
            _ => return None,
        };
        Some(Self { command, quiet })
    }
}

impl Command {
    /// Whether it signs a client in.
    pub(super) const fn is_sasl(self) -> bool {
        matches!(self, Self::SaslList | Self::SaslAuth | Self::SaslStep)
    }

    /// Whether a packet of these lengths can ask for it. The body is as long as extras and key at
    /// least.
    pub(super) const fn fits(self, header: &Header) -> bool {
        let (extras, key) = (header.extras_len, header.key_len);
        let has_value = header.body_len as usize > header.front_len();
        match self {
            Self::Get { touches: false, .. } | Self::Delete => extras == 0 && key > 0 && !has_value,
            Self::Get { touches: true, .. } | Self::Touch => extras == 4 && key > 0 && !has_value,
            Self::Store(SetMode::Append | SetMode::Prepend) => extras == 0 && key > 0,
            Self::Store(_) => extras == 8 && key > 0,
            Self::Arithmetic { .. } => extras == 20 && key > 0 && !has_value,
            Self::Flush => (extras == 0 || extras == 4) && key == 0 && !has_value,
            Self::Noop | Self::Version | Self::Quit | Self::SaslList => {
                extras == 0 && key == 0 && !has_value
            }
            Self::Stat => extras == 0 && !has_value,
            Self::SaslAuth | Self::SaslStep => extras == 0 && key > 0,
        }
    }
}
