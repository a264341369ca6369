//! Packets as people read them: field by field, each with its name, its place and what it says. For
//! views of a conversation; sessions do not use it.

use core::fmt;

use super::FIRST_BYTE;
use super::header::{Header, LEN, RESPONSE, Status};
use super::opcode::{Command, Opcode};
use crate::SetMode;

/// The names of opcodes, in their order.
const NAMES: [&str; 37] = [
    "get",
    "set",
    "add",
    "replace",
    "delete",
    "incr",
    "decr",
    "quit",
    "flush",
    "getq",
    "noop",
    "version",
    "getk",
    "getkq",
    "append",
    "prepend",
    "stat",
    "setq",
    "addq",
    "replaceq",
    "deleteq",
    "incrq",
    "decrq",
    "quitq",
    "flushq",
    "appendq",
    "prependq",
    "verbosity",
    "touch",
    "gat",
    "gatq",
    UNKNOWN,
    "sasl_list",
    "sasl_auth",
    "sasl_step",
    "gatk",
    "gatkq",
];
const UNKNOWN: &str = "unknown";

/// The header of a request: names and lengths. In a reply the status is in the place of the bucket.
const REQUEST: [(&str, usize); 9] = [
    ("magic", 1),
    ("opcode", 1),
    ("key length", 2),
    ("extras length", 1),
    ("data type", 1),
    ("virtual bucket", 2),
    ("body length", 4),
    ("opaque", 4),
    ("cas", 8),
];
const STATUS: &str = "status";

/// A field of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PacketField<'p> {
    /// Where it begins, in bytes from the beginning of what was given to [`PacketFields::new`].
    pub start: usize,
    /// What it is: a field of the header, one of the extras, `key` or `value`; `incomplete` if its
    /// end is missing, and `no packet` where a packet should begin and does not.
    pub name: &'static str,
    /// What it says.
    pub value: PacketValue<'p>,
    /// Its bytes.
    pub bytes: &'p [u8],
}

/// What a field of a packet says. It is displayed as a person would write it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PacketValue<'p> {
    /// A number.
    Number(u64),
    /// A number that has a name, such as an opcode.
    Named(u64, &'static str),
    /// Bytes of any kind, such as a key.
    Bytes(&'p [u8]),
}

impl fmt::Display for PacketValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Named(number, name) => write!(f, "{number:#04x} {name}"),
            Self::Bytes(bytes) => write!(f, "{}", bytes.escape_ascii()),
        }
    }
}

/// The fields of packets of the binary protocol, requests or replies, one packet after the other.
/// They cover all bytes, whatever those are.
///
/// ```
/// use dynamidb_core::{PacketFields, PacketValue};
///
/// let get = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, b'k'];
/// let shown: Vec<_> = PacketFields::new(&get)
///     .map(|field| format!("{} {} {}", field.start, field.name, field.value))
///     .collect();
/// assert_eq!(shown[..3], ["0 magic 0x80 request", "1 opcode 0x00 get", "2 key length 1"]);
/// assert_eq!(shown[7..], ["12 opaque 7", "16 cas 0", "24 key k"]);
/// let opcode = PacketFields::new(&get).nth(1).unwrap();
/// assert_eq!(opcode.value, PacketValue::Named(0, "get"));
/// ```
#[derive(Clone, Debug)]
pub struct PacketFields<'p> {
    /// What is not shown yet.
    rest: &'p [u8],
    start: usize,
    /// The packet that is being shown.
    packet: Option<Packet>,
    /// How many of its fields were shown.
    shown: usize,
}

/// What the header of a packet says of its parts.
#[derive(Clone, Copy, Debug)]
struct Packet {
    is_reply: bool,
    command: Option<Command>,
    extras: &'static [(&'static str, usize)],
    extras_len: usize,
    key_len: usize,
    value_len: usize,
}

impl<'p> PacketFields<'p> {
    /// The fields in these bytes.
    #[must_use]
    pub const fn new(bytes: &'p [u8]) -> Self {
        Self {
            rest: bytes,
            start: 0,
            packet: None,
            shown: 0,
        }
    }

    /// The name and length of the next field; `None` if the packet has no more.
    fn next_part(&self, packet: &Packet) -> Option<(&'static str, usize)> {
        if let Some(&(name, len)) = REQUEST.get(self.shown) {
            let is_status = packet.is_reply && name == REQUEST[5].0;
            return Some((if is_status { STATUS } else { name }, len));
        }
        let shown = self.shown - REQUEST.len();
        let body = [("key", packet.key_len), ("value", packet.value_len)];
        let extras = match packet.extras {
            [] => &[("extras", packet.extras_len)][..],
            known => known,
        };
        extras.iter().chain(&body).nth(shown).copied()
    }

    fn take(&mut self, name: &'static str, len: usize) -> PacketField<'p> {
        let (bytes, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        let name = if bytes.len() < len {
            "incomplete"
        } else {
            name
        };
        let value = match self.packet {
            Some(packet) if bytes.len() == len => packet.value(name, bytes),
            _ => PacketValue::Bytes(bytes),
        };
        let start = self.start;
        self.rest = rest;
        self.start += bytes.len();
        PacketField {
            start,
            name,
            value,
            bytes,
        }
    }
}

impl<'p> Iterator for PacketFields<'p> {
    type Item = PacketField<'p>;

    fn next(&mut self) -> Option<PacketField<'p>> {
        while let [first, ..] = *self.rest {
            if self.packet.is_none() {
                if !matches!(first, FIRST_BYTE | RESPONSE) {
                    return Some(self.take("no packet", self.rest.len()));
                }
                self.shown = 0;
                self.packet = Header::read(self.rest).map(|header| Packet::of(&header));
            }
            let Some(packet) = self.packet else {
                return Some(self.take("header", LEN));
            };
            match self.next_part(&packet) {
                None => self.packet = None,
                Some((name, len)) => {
                    self.shown += 1;
                    if len > 0 {
                        return Some(self.take(name, len));
                    }
                }
            }
        }
        None
    }
}

impl Packet {
    fn of(header: &Header) -> Self {
        let is_reply = header.magic == RESPONSE;
        let command = Opcode::of(header.opcode).map(|opcode| opcode.command);
        let known = command.map_or(&[][..], |command| extras(command, is_reply));
        let known_len: usize = known.iter().map(|(_, len)| len).sum();
        let body_len = header.body_len as usize;
        Self {
            is_reply,
            command,
            extras: if known_len == header.extras_len {
                known
            } else {
                &[]
            },
            extras_len: header.extras_len,
            key_len: header.key_len,
            value_len: body_len.saturating_sub(header.front_len()),
        }
    }

    /// What these bytes of a field say.
    fn value<'p>(&self, name: &'static str, bytes: &'p [u8]) -> PacketValue<'p> {
        let is_count = self.is_reply && matches!(self.command, Some(Command::Arithmetic { .. }));
        let is_number = match name {
            "value" => is_count && bytes.len() == 8,
            "key" | "extras" => false,
            _ => true,
        };
        if !is_number {
            return PacketValue::Bytes(bytes);
        }
        let digits = |number, &byte: &u8| number << 8 | u64::from(byte);
        let number = bytes.iter().fold(0, digits);
        match name {
            "magic" if self.is_reply => PacketValue::Named(number, "reply"),
            "magic" => PacketValue::Named(number, "request"),
            "opcode" => {
                let name = NAMES.get(number as usize).copied();
                PacketValue::Named(number, name.unwrap_or(UNKNOWN))
            }
            STATUS => PacketValue::Named(number, Status::name(number)),
            _ => PacketValue::Number(number),
        }
    }
}

/// The extras of a request, or of a reply that says yes.
const fn extras(command: Command, is_reply: bool) -> &'static [(&'static str, usize)] {
    match (command, is_reply) {
        (Command::Get { .. } | Command::Touch, true) => &[("flags", 4)],
        (Command::Get { touches: true, .. } | Command::Touch, false) => &[("expiry", 4)],
        (Command::Store(SetMode::Set | SetMode::Add | SetMode::Replace), false) => {
            &[("flags", 4), ("expiry", 4)]
        }
        (Command::Arithmetic { .. }, false) => &[("delta", 8), ("initial", 8), ("expiry", 4)],
        (Command::Flush, false) => &[("delay", 4)],
        _ => &[],
    }
}
