//! Packets of the binary protocol, as a person writes them in a conversation.
//!
//! ```text
//! => set k value=hello flags=7          sends this request
//! <= set cas={c}                        must hear this reply
//! => get k opaque=9
//! <= get value=hello flags=7 cas={c} opaque=9
//! => get absent
//! <= get not_found
//! ```
//!
//! Requests name opcode and key, replies opcode and status, unless that is `ok`. Then come fields:
//! `key` and `value` with the escapes of other lines, the numbers `flags exptime delta initial
//! delay number cas opaque`, and for packets that are wrong `magic opcode type bucket extras
//! key_len extras_len body_len`. What is not mentioned is 0 or empty; a refusal has its text.

use super::Piece;
use super::alloc::vec;
use super::alloc::vec::Vec;

pub(crate) const OPCODES: [(&str, u8); 36] = [
    ("get", 0x00),
    ("set", 0x01),
    ("add", 0x02),
    ("replace", 0x03),
    ("delete", 0x04),
    ("incr", 0x05),
    ("decr", 0x06),
    ("quit", 0x07),
    ("flush", 0x08),
    ("getq", 0x09),
    ("noop", 0x0a),
    ("version", 0x0b),
    ("getk", 0x0c),
    ("getkq", 0x0d),
    ("append", 0x0e),
    ("prepend", 0x0f),
    ("stat", 0x10),
    ("setq", 0x11),
    ("addq", 0x12),
    ("replaceq", 0x13),
    ("deleteq", 0x14),
    ("incrq", 0x15),
    ("decrq", 0x16),
    ("quitq", 0x17),
    ("flushq", 0x18),
    ("appendq", 0x19),
    ("prependq", 0x1a),
    ("verbosity", 0x1b),
    ("touch", 0x1c),
    ("gat", 0x1d),
    ("gatq", 0x1e),
    ("sasl_list", 0x20),
    ("sasl_auth", 0x21),
    ("sasl_step", 0x22),
    ("gatk", 0x23),
    ("gatkq", 0x24),
];

const STATUSES: [(&str, u16, &str); 11] = [
    ("ok", 0x00, ""),
    ("not_found", 0x01, "Not found"),
    ("exists", 0x02, "Data exists for key."),
    ("too_large", 0x03, "Too large."),
    ("invalid", 0x04, "Invalid arguments"),
    ("not_stored", 0x05, "Not stored."),
    (
        "not_a_number",
        0x06,
        "Non-numeric server-side value for incr or decr",
    ),
    ("auth_failure", 0x20, "Auth failure."),
    ("auth_continue", 0x21, ""),
    ("unknown", 0x81, "Unknown command"),
    ("out_of_memory", 0x82, "Out of memory"),
];

/// What a line says of a packet.
struct Fields<'l>(Vec<(&'l str, &'l str)>);

impl<'l> Fields<'l> {
    /// The fields, and the word without a name if there is one.
    fn read(words: impl Iterator<Item = &'l str>) -> (Self, Option<&'l str>) {
        let (mut fields, mut bare) = (Vec::new(), None);
        for word in words {
            match word.split_once('=') {
                Some(field) => fields.push(field),
                None => bare = Some(word),
            }
        }
        (Self(fields), bare)
    }

    fn text(&self, name: &str) -> Option<&'l str> {
        let field = self.0.iter().find(|(field, _)| *field == name);
        field.map(|(_, text)| *text)
    }

    /// Bytes with escapes and runs.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let pieces = super::pieces(self.text(name)?)?;
        match <[Piece; 1]>::try_from(pieces) {
            Ok([Piece::Bytes(bytes)]) => Some(bytes),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        Some(number.unwrap_or_else(|_| panic!("{name}={text} is no number")))
    }

    /// That number, or 0, in its lowest bytes.
    fn word<const N: usize>(&self, name: &str) -> [u8; N] {
        let bytes = self.number(name).unwrap_or(0).to_be_bytes();
        bytes[8 - N..].try_into().expect("a number has eight bytes")
    }

    /// A name of a cas, or the number.
    fn cas(&self) -> Piece {
        let text = self.text("cas").unwrap_or("0");
        match text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            Some(name) => Piece::Cas(name.into()),
            None => Piece::Bytes(self.word::<8>("cas").into()),
        }
    }

    fn packet(
        &self,
        start: [u8; 2],
        middle: [u8; 3],
        extras: &[u8],
        key: &[u8],
        value: &[u8],
    ) -> Vec<Piece> {
        let len = |name, len: usize| self.number(name).unwrap_or(len as u64);
        let key_len = len("key_len", key.len()) as u16;
        let extras_len = len("extras_len", extras.len()) as u8;
        let body_len = len("body_len", extras.len() + key.len() + value.len()) as u32;
        let mut head = start.to_vec();
        head.extend(key_len.to_be_bytes());
        head.push(extras_len);
        head.extend(middle);
        head.extend(body_len.to_be_bytes());
        head.extend(self.word::<4>("opaque"));
        vec![
            Piece::Bytes(head),
            self.cas(),
            Piece::Bytes([extras, key, value].concat()),
        ]
    }
}

/// The request that a line stands for.
pub(super) fn request(text: &str) -> Option<Vec<Piece>> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let (mut fields, key) = Fields::read(words);
    fields.0.extend(key.map(|key| ("key", key)));
    let mut extras = Vec::new();
    match name.strip_suffix('q').unwrap_or(name) {
        "set" | "add" | "replace" => {
            extras.extend(fields.word::<4>("flags"));
            extras.extend(fields.word::<4>("exptime"));
        }
        "incr" | "decr" => {
            extras.extend(fields.number("delta").unwrap_or(1).to_be_bytes());
            extras.extend(fields.word::<8>("initial"));
            extras.extend(fields.word::<4>("exptime"));
        }
        "touch" | "gat" | "gatk" => extras.extend(fields.word::<4>("exptime")),
        "flush" if fields.text("delay").is_some() => extras.extend(fields.word::<4>("delay")),
        _ => {}
    }
    let extras = fields.bytes("extras").unwrap_or(extras);
    let key = fields.bytes("key").unwrap_or_default();
    let value = fields.bytes("value").unwrap_or_default();
    let magic = fields.number("magic").unwrap_or(0x80) as u8;
    let start = [magic, opcode(&fields, name)?];
    let [kind] = fields.word::<1>("type");
    let [bucket, bucket2] = fields.word::<2>("bucket");
    Some(fields.packet(start, [kind, bucket, bucket2], &extras, &key, &value))
}

/// The reply that a line stands for.
pub(super) fn reply(text: &str) -> Option<Vec<Piece>> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let (fields, status) = Fields::read(words);
    let status = status.unwrap_or("ok");
    let &(_, status, meaning) = STATUSES.iter().find(|(name, ..)| *name == status)?;
    let extras = match fields.text("flags") {
        Some(_) => fields.word::<4>("flags").to_vec(),
        None => Vec::new(),
    };
    let number = fields.number("number").map(|number| number.to_be_bytes());
    let key = fields.bytes("key").unwrap_or_default();
    let value = fields.bytes("value").or_else(|| number.map(Vec::from));
    // A key that was asked for takes the place of the text.
    let meaning = if key.is_empty() { meaning } else { "" };
    let value = value.unwrap_or_else(|| meaning.as_bytes().to_vec());
    let [status, status2] = status.to_be_bytes();
    let start = [0x81, opcode(&fields, name)?];
    Some(fields.packet(start, [0, status, status2], &extras, &key, &value))
}

fn opcode(fields: &Fields<'_>, name: &str) -> Option<u8> {
    let known = OPCODES.iter().find(|(known, _)| *known == name);
    let opcode = fields.number("opcode").map(|opcode| opcode as u8);
    opcode.or_else(|| known.map(|(_, opcode)| *opcode))
}
