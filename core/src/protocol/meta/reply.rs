//! Replies to meta requests: a code, the fields that the request's flags ask for, in their order,
//! and `W`, `Z`, `X`.

use base64ct::{Base64, Encoding};

use super::super::{Output, reply};
use super::MetaCommand;
use super::flags::{Flags, Letters, flags};
use super::request::MetaRequest;
use crate::number::Digits;
use crate::view::ItemView;
use crate::{Bytes, Cas, Expiry, GetOutcome, Instant, Key};

/// The flags that each kind of reply answers. `T` and `N` change the deadline that a later `t`
/// shows.
pub(super) const OF_NOTHING: Letters = Letters::of(b"kO");
pub(super) const OF_ITEM: Letters = Letters::of(b"cfhklstONT");
pub(super) const OF_STORE: Letters = Letters::of(b"cksO");
pub(super) const OF_NUMBER: Letters = Letters::of(b"cktONT");

/// The code of the expected outcome.
pub(super) const DONE: &[u8] = b"HD";

/// The longest key in base64.
const BASE64_MAX: usize = Key::LEN_MAX.div_ceil(3) * 4;

/// What the flags can ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyFields<'f> {
    /// The key as the request has it, or the one that is stored.
    pub(super) key: &'f [u8],
    /// Whether the key must still be encoded in base64.
    pub(super) encode: bool,
    /// Whether the reply shows it in base64.
    pub(super) base64: bool,
    /// Whether the request made the item.
    pub(super) created: bool,
    pub(super) cas: Option<Cas>,
    pub(super) size: u64,
    /// The item's deadline; at first, the one before the request.
    pub(super) ends: Option<Instant>,
    pub(super) client_flags: u32,
    pub(super) last_used: Instant,
    pub(super) fetched: bool,
}

impl<'f> ReplyFields<'f> {
    /// What is known from the request.
    pub(super) const fn of(meta: &MetaRequest<'f>) -> Self {
        Self {
            key: meta.key,
            encode: false,
            base64: meta.flags.is_base64(),
            created: false,
            cas: None,
            size: 0,
            ends: None,
            client_flags: 0,
            last_used: Instant::from_millis(0),
            fetched: false,
        }
    }

    /// What is known of an item.
    pub(super) const fn of_fetched(key: &'f [u8], fetched: &GetOutcome<'_>) -> Self {
        let item = &fetched.item;
        Self {
            key,
            encode: fetched.base64,
            base64: fetched.base64,
            created: fetched.created,
            cas: item.cas,
            size: item.value.len() as u64,
            ends: item.expires_at,
            client_flags: item.flags,
            last_used: item.last_used,
            fetched: item.fetched,
        }
    }
}

/// The reply to one request.
pub(super) struct MetaReply<'r, 'i, O> {
    pub(super) output: &'r mut O,
    pub(super) now: Instant,
    /// How far `now` is ahead of the wall clock, if the request has dates.
    pub(super) lead: i64,
    pub(super) asked: &'r Flags<'i>,
}

impl<O: Output> MetaReply<'_, '_, O> {
    /// One line, and no more.
    pub(super) fn line(&mut self, code: &[u8], letters: Letters, fields: &ReplyFields<'_>) {
        self.output.extend_from_slice(code);
        self.flags(letters, fields);
        self.output.extend_from_slice(b"\r\n");
    }

    /// The outcome of the request; with `q` nothing if it is the expected one.
    pub(super) fn outcome(&mut self, code: &[u8], letters: Letters, fields: &ReplyFields<'_>) {
        if code != DONE || !self.asked.has(b'q') {
            self.line(code, letters, fields);
        }
    }

    /// An item that was found or created.
    pub(super) fn item(&mut self, key: &[u8], fetched: &GetOutcome<'_>) {
        let value = &fetched.item.value;
        let has_value = self.asked.has(b'v') && !self.is_known(fetched.item.cas);
        if has_value {
            self.output.extend_from_slice(b"VA ");
            reply::number(self.output, value.len() as u64);
        } else {
            self.output.extend_from_slice(DONE);
        }
        self.flags(OF_ITEM, &ReplyFields::of_fetched(key, fetched));
        let lease: [(bool, &[u8]); 3] = [
            (fetched.won, b" Z"),
            (fetched.stale, b" X"),
            (fetched.win, b" W"),
        ];
        for (_, letter) in lease.iter().filter(|(is_so, _)| *is_so) {
            self.output.extend_from_slice(letter);
        }
        self.output.extend_from_slice(b"\r\n");
        if has_value {
            bytes(self.output, value);
            self.output.extend_from_slice(b"\r\n");
        }
    }

    /// Whether the client already has the value with this cas.
    fn is_known(&self, cas: Option<Cas>) -> bool {
        self.asked.has(b'C') && self.asked.arguments().compare == Some(Cas::number(cas))
    }

    /// The result of an arithmetic command.
    pub(super) fn number(&mut self, number: u64, fields: &ReplyFields<'_>) {
        if !self.asked.has(b'v') {
            return self.line(DONE, OF_NUMBER, fields);
        }
        let digits = Digits::new(number);
        let digits = digits.as_bytes();
        self.output.extend_from_slice(b"VA ");
        reply::number(self.output, digits.len() as u64);
        self.flags(OF_NUMBER, fields);
        self.output.extend_from_slice(b"\r\n");
        self.output.extend_from_slice(digits);
        self.output.extend_from_slice(b"\r\n");
    }

    /// The fields that the flags ask for, if this kind of reply has them.
    fn flags(&mut self, letters: Letters, fields: &ReplyFields<'_>) {
        if !self.asked.any(letters) {
            return;
        }
        let mut ends = fields.ends;
        for (letter, argument) in flags(self.asked.text) {
            match letter {
                letter if !letters.has(letter) => {}
                b'T' => ends = self.ends(self.asked.arguments().touch),
                b'N' if fields.created => ends = self.ends(self.asked.arguments().vivify),
                b'N' => {}
                letter => {
                    self.output.extend_from_slice(&[b' ', letter]);
                    match letter {
                        b'O' => self.output.extend_from_slice(argument),
                        b'k' => self.key(fields),
                        _ => self.field(letter, ends, fields),
                    }
                }
            }
        }
    }

    /// The deadline of an item with this expiry.
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    fn ends(&self, expiry: Option<Expiry>) -> Option<Instant> {
        let end = expiry?.deadline(self.now)?;
        match expiry {
            Some(Expiry::At(_)) => Some(end.shifted(self.lead)),
            _ => Some(end),
        }
    }

    fn field(&mut self, letter: u8, ends: Option<Instant>, fields: &ReplyFields<'_>) {
        let number = match letter {
            b'c' if self.asked.hides_cas => 0,
            b'c' => Cas::number(fields.cas),
            b'f' => u64::from(fields.client_flags),
            b'h' => u64::from(fields.fetched),
            b'l' => self.now.whole_seconds_since(fields.last_used),
            b's' => fields.size,
            // Only `t` is left.
            _ => match ends {
                Some(end) => end.seconds_since(self.now),
                None => return self.output.extend_from_slice(b"-1"),
            },
        };
        reply::number(self.output, number);
    }

    fn key(&mut self, fields: &ReplyFields<'_>) {
        if fields.encode {
            base64(self.output, fields.key);
        } else {
            self.output.extend_from_slice(fields.key);
        }
        if fields.base64 {
            self.output.extend_from_slice(b" b");
        }
    }
}

/// The most bytes of the reply to a request, its value not counted.
pub(in crate::protocol) fn reply_max(request: &MetaRequest<'_>) -> usize {
    // The key at most once, in base64 if it was written so or is stored so.
    let key = request.key.len().div_ceil(3) * 4 + 8;
    let fields: usize = match request.command {
        MetaCommand::Debug => DEBUG_FIELDS_MAX,
        _ => flags(request.flags.text)
            .map(|(_, argument)| FIELD_MAX + argument.len())
            .sum(),
    };
    OTHER_MAX + key + fields
}

/// Whether the reply has the item's value in it.
pub(in crate::protocol) fn shows_value(request: &MetaRequest<'_>) -> bool {
    matches!(request.command, MetaCommand::Get) && request.flags.has(b'v')
}

/// A field: a space, a letter and a number.
const FIELD_MAX: usize = 22;
/// All fields of `me`: five numbers with their names, and `fetch`.
const DEBUG_FIELDS_MAX: usize = 140;
/// Everything else: the code, the number of an arithmetic command, what leases add, and the ends of
/// lines; or an error.
const OTHER_MAX: usize = 80;

/// The reply to `me`.
pub(super) fn debug(output: &mut impl Output, now: Instant, view: &ItemView<'_>) {
    output.extend_from_slice(b"ME ");
    if view.base64 {
        base64(output, view.key);
    } else {
        output.extend_from_slice(view.key);
    }
    output.extend_from_slice(b" exp=");
    match view.item.expires_at {
        Some(end) => reply::number(output, end.seconds_since(now)),
        None => output.extend_from_slice(b"-1"),
    }
    let unused = now.whole_seconds_since(view.item.last_used);
    for (name, value) in [(" la=", unused), (" cas=", Cas::number(view.item.cas))] {
        output.extend_from_slice(name.as_bytes());
        reply::number(output, value);
    }
    let fetched: &[u8] = match view.item.fetched {
        true => b" fetch=yes",
        false => b" fetch=no",
    };
    output.extend_from_slice(fetched);
    for (name, value) in [
        (" cls=", u64::from(view.class) + 1),
        (" size=", view.size as u64),
    ] {
        output.extend_from_slice(name.as_bytes());
        reply::number(output, value);
    }
    output.extend_from_slice(b"\r\n");
}

fn base64(output: &mut impl Output, bytes: &[u8]) {
    let mut buffer = [0; BASE64_MAX];
    // It fits, because keys are no longer than their limit.
    let text = Base64::encode(bytes, &mut buffer).unwrap_or_default();
    output.extend_from_slice(text.as_bytes());
}

/// A value's bytes, where it does not matter to be quick about the call.
#[inline(never)]
fn bytes(output: &mut impl Output, value: &Bytes<'_>) {
    value.append_to(output);
}
