//! memcached's binary protocol: packets in the place of lines.
//!
//! A packet is a header of 24 bytes and a body: extras, key and value, whose lengths the header
//! tells. [`parse`] finds the first request, [`execute`] carries it out by the same operations of
//! the cache as the text commands, `reply` writes the packets of the answer. What decides how the
//! conversation goes on is in [`control`]: `stat` puts the text of `stats` into packets, `sasl`
//! signs clients in.
//!
//! Without the feature `binary` a packet is a line of text that means nothing.

#[cfg(feature = "binary")]
mod control;
#[cfg(not(feature = "binary"))]
mod disabled;
#[cfg(feature = "binary")]
mod execute;
#[cfg(feature = "binary")]
mod fields;
#[cfg(feature = "binary")]
mod header;
#[cfg(feature = "binary")]
mod opcode;
#[cfg(feature = "binary")]
mod parse;
#[cfg(feature = "binary")]
mod reply;
#[cfg(feature = "binary")]
mod request;
#[cfg(feature = "binary")]
mod sasl;
#[cfg(feature = "binary")]
mod stat;
#[cfg(feature = "binary")]
mod state;

#[cfg(not(feature = "binary"))]
pub(super) use self::disabled::{
    BinaryControl, BinaryRequest, Login, PacketSkip, PendingStat, after_refusal, control, execute,
    initial_state, parse, refuse, refuse_for_size, resume, shows_value, skip,
};
#[cfg(feature = "binary")]
pub(super) use self::{
    control::{after_refusal, control, resume, skip},
    execute::{execute, refuse, refuse_for_size, shows_value},
    parse::{initial_state, parse},
    request::{BinaryControl, BinaryRequest},
    state::{Login, PacketSkip, PendingStat},
};

#[cfg(feature = "binary")]
pub use self::fields::{PacketField, PacketFields, PacketValue};

/// The first byte of every request, and of a connection that speaks this protocol.
pub(super) const FIRST_BYTE: u8 = 0x80;
