//! memcached's meta commands: how each is spelled.
//!
//! A line is a verb, a key, for `ms` a size, and then flags in any order: one letter each, some
//! with an argument glued to it. All commands take all flags and ignore those that do not concern
//! them. What a reply shows comes in the order of the request, so the flags are kept as they were
//! written.

use base64ct::{Base64, Encoding};

use super::line::{self, Line, Tokens};
use super::request::{Parsed, Request, Skip, is_too_large};
use super::{SessionConfig, classic, reply};
use crate::{Expiry, Key};

/// As many words as a line may have: verb, key, perhaps a size, and flags.
const WORDS_MAX: usize = 20;

/// The longest opaque token, with its letter.
const OPAQUE_MAX: usize = 32;

const TOO_MANY: &[u8] = b"CLIENT_ERROR options flags are too long\r\n";
const DUPLICATE: &[u8] = b"CLIENT_ERROR duplicate flag\r\n";
const INVALID: &[u8] = b"CLIENT_ERROR invalid flag\r\n";
const BAD_NUMBER: &[u8] = b"CLIENT_ERROR bad token in command line format\r\n";
const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta value\r\n";
const BAD_INITIAL: &[u8] = b"CLIENT_ERROR invalid numeric initial value\r\n";
const BAD_BASE64: &[u8] = b"CLIENT_ERROR error decoding key\r\n";
const OPAQUE_TOO_LONG: &[u8] = b"CLIENT_ERROR opaque token too long\r\n";
const BAD_SET_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ms M token\r\n";
const BAD_ARITHMETIC_MODE: &[u8] = b"CLIENT_ERROR invalid mode for ma M token\r\n";
/// What `ma` says to every line that cannot be understood.
const BAD_ARITHMETIC: &[u8] = b"CLIENT_ERROR invalid or duplicate flag\r\n";

/// A meta request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meta<'i> {
    pub(super) command: Command<'i>,
    /// The key as it was written, which may be base64.
    pub(super) key: &'i [u8],
    pub(super) flags: Flags<'i>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Command<'i> {
    Get,
    /// Without a value: it is too large, and the state says what is to be skipped.
    Set(Option<&'i [u8]>),
    Delete,
    Arithmetic,
    Debug,
}

/// The flags of a request: which there are, and their arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags<'i> {
    /// As they were written.
    pub(super) text: &'i [u8],
    letters: Letters,
    /// The first letter of `M`'s argument.
    pub(super) mode: Option<u8>,
    pub(super) client_flags: u32,
    ttl: i32,
    vivify: i32,
    recache: i32,
    compare: u64,
    /// 0 without `E`.
    pub(super) cas: u64,
    pub(super) delta: u64,
    pub(super) initial: u64,
    /// Whether `T` comes before `N`, and before `R`: what comes last counts.
    pub(super) touches_before_vivify: bool,
    pub(super) touches_before_recache: bool,
    /// Whether clients see 0 instead of each cas.
    pub(super) hides_cas: bool,
}

/// A set of letters.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Letters(u64);

impl Letters {
    pub(super) const fn of(letters: &[u8]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < letters.len() {
            set |= Self::bit(letters[at]);
            at += 1;
        }
        Self(set)
    }

    /// `letter` is at least `A` and less than 64 after it.
    const fn bit(letter: u8) -> u64 {
        1 << (letter.wrapping_sub(b'A') & 63)
    }

    pub(super) const fn has(self, letter: u8) -> bool {
        self.0 & Self::bit(letter) != 0
    }

    pub(super) const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    const fn add(&mut self, letter: u8) {
        self.0 |= Self::bit(letter);
    }
}

const KNOWN: Letters = Letters::of(b"bcfhklqstuvxCDEFIJLMNOPRT");

/// The request that begins with this line. `None` means that more bytes are needed.
pub(super) fn parse<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    let command = match line.verb {
        b"mg" => Command::Get,
        b"md" => Command::Delete,
        b"ma" => Command::Arithmetic,
        b"me" => Command::Debug,
        _ => return set(config, line),
    };
    let mut words = line.arguments();
    let request = match words.next() {
        None => Request::Reply(reply::BAD_LINE),
        Some(key) => match meta(config, command, key, words, &line) {
            Ok(meta) => Request::Meta(meta),
            Err(refusal) => Request::Reply(refusal),
        },
    };
    Some(Parsed::classic(line.len, request))
}

/// `ms <key> <size> <flags>*`, then the value.
fn set<'i>(config: &SessionConfig, line: Line<'i>) -> Option<Parsed<'i>> {
    let mut words = line.arguments();
    let (key, size) = (words.next(), words.next());
    let (Some(key), Some(size)) = (key, size.and_then(classic::value_size)) else {
        return Some(Parsed::close(line.len, reply::BAD_LINE));
    };
    let skip = |reply| {
        let (block, line_too, own) = (size + 2, false, false);
        let skip = Skip {
            block,
            line: line_too,
            reply,
            own,
        };
        Parsed::skip(line.len, skip)
    };
    let meta = match meta(config, Command::Set(None), key, words, &line) {
        Ok(meta) => meta,
        Err(refusal) => return Some(skip(refusal)),
    };
    if is_too_large(config, &line, meta.key_len(), size) {
        let request = Request::Meta(meta);
        return Some(Parsed {
            request,
            ..skip(reply::TOO_LARGE)
        });
    }
    let block = line.rest().get(..size as usize + 2)?;
    let request = match block.strip_suffix(b"\r\n") {
        Some(value) => Request::Meta(Meta {
            command: Command::Set(Some(value)),
            ..meta
        }),
        None => Request::Reply(reply::BAD_CHUNK),
    };
    Some(Parsed::classic(line.len + block.len(), request))
}

/// What a line asks for; `words` are those that follow the key and the size. `Err` is a refusal.
fn meta<'i>(
    config: &SessionConfig,
    command: Command<'i>,
    key: &'i [u8],
    words: Tokens<'i>,
    line: &Line<'i>,
) -> Result<Meta<'i>, &'static [u8]> {
    let flags = match command {
        _ if !line::is_key(key) => Err(reply::BAD_LINE),
        Command::Debug => Flags::of_debug(words, key),
        _ if line.arguments().nth(WORDS_MAX - 1).is_some() => Err(TOO_MANY),
        _ => Flags::parse(words.rest(), key),
    };
    let mut flags = match (command, flags) {
        (_, Ok(flags)) => flags,
        (Command::Arithmetic, Err(reply)) if reply != OPAQUE_TOO_LONG => {
            return Err(BAD_ARITHMETIC);
        }
        (_, Err(reply)) => return Err(reply),
    };
    match (command, flags.mode) {
        (Command::Set(_), Some(mode)) if !b"SEAPR".contains(&mode) => return Err(BAD_SET_MODE),
        (Command::Arithmetic, Some(mode)) if !b"ID+-".contains(&mode) => {
            return Err(BAD_ARITHMETIC_MODE);
        }
        _ => {}
    }
    if !config.cas_enabled {
        // No item has this one.
        (flags.hides_cas, flags.compare) = (true, 0);
    }
    Ok(Meta {
        command,
        key,
        flags,
    })
}

impl<'i> Meta<'i> {
    /// The key itself. One that was written as base64 is decoded into the buffer.
    pub(super) fn key_bytes<'k>(&self, buffer: &'k mut [u8; Key::LEN_MAX]) -> &'k [u8]
    where
        'i: 'k,
    {
        if !self.flags.is_base64() {
            return self.key;
        }
        // It was decoded before.
        Base64::decode(self.key, buffer).unwrap_or_default()
    }

    /// How many bytes the key itself has.
    fn key_len(&self) -> usize {
        self.key_bytes(&mut [0; Key::LEN_MAX]).len()
    }
}

impl<'i> Flags<'i> {
    /// `Err` is a refusal.
    fn parse(text: &'i [u8], key: &[u8]) -> Result<Self, &'static [u8]> {
        let mut flags = Self {
            text,
            delta: 1,
            ..Self::default()
        };
        // Of several wrong arguments the last one is told, but those of `F` and `O` give way.
        let mut wrong: Option<&'static [u8]> = None;
        for token in Tokens::new(text) {
            let letter = token[0];
            if !matches!(letter, b'A'..=b'z') || !KNOWN.has(letter) || flags.has(letter) {
                return Err(flags.refusal(letter));
            }
            flags.letters.add(letter);
            if let Err(reply) = flags.argument(letter, &token[1..], key) {
                wrong = match letter {
                    b'F' | b'O' => wrong.or(Some(reply)),
                    _ => Some(reply),
                };
            }
        }
        wrong.map_or(Ok(flags), Err)
    }

    /// Of `me`: what a key is written in is all it cares about, and, as in memcached, only if
    /// another word follows.
    fn of_debug(mut words: Tokens<'i>, key: &[u8]) -> Result<Self, &'static [u8]> {
        let mut flags = Self::default();
        if words.next() == Some(b"b") && !words.is_empty() {
            flags.letters.add(b'b');
            flags.argument(b'b', &[], key)?;
        }
        Ok(flags)
    }

    /// Why a letter cannot come next.
    #[cold]
    fn refusal(&self, letter: u8) -> &'static [u8] {
        let odd = |token: &[u8]| !matches!(token[0], b'A'..=b'z' | b'0'..=b'9');
        if Tokens::new(self.text).any(odd) {
            reply::BAD_LINE
        } else if letter.is_ascii_digit() || !KNOWN.has(letter) {
            INVALID
        } else {
            DUPLICATE
        }
    }

    fn argument(&mut self, letter: u8, text: &[u8], key: &[u8]) -> Result<(), &'static [u8]> {
        match letter {
            b'T' => self.ttl = line::strict_i32(text).ok_or(BAD_NUMBER)?,
            b'N' => {
                self.vivify = line::strict_i32(text).ok_or(BAD_NUMBER)?;
                self.touches_before_vivify = self.has(b'T');
            }
            b'R' => {
                self.recache = line::strict_i32(text).ok_or(BAD_NUMBER)?;
                self.touches_before_recache = self.has(b'T');
            }
            b'C' => self.compare = line::strict_u64(text).ok_or(BAD_NUMBER)?,
            b'E' => self.cas = line::strict_u64(text).ok_or(BAD_NUMBER)?,
            b'F' => self.client_flags = line::strict(text, 11).ok_or(reply::BAD_LINE)?,
            b'D' => self.delta = line::strict_u64(text).ok_or(BAD_DELTA)?,
            b'J' => self.initial = line::strict_u64(text).ok_or(BAD_INITIAL)?,
            b'M' => self.mode = Some(text.first().copied().unwrap_or_default()),
            b'O' if text.len() >= OPAQUE_MAX => return Err(OPAQUE_TOO_LONG),
            b'b' => {
                let mut buffer = [0; Key::LEN_MAX];
                Base64::decode(key, &mut buffer).map_err(|_| BAD_BASE64)?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) const fn has(&self, letter: u8) -> bool {
        self.letters.has(letter)
    }

    /// Whether there is one of these.
    pub(super) const fn any(&self, letters: Letters) -> bool {
        self.letters.meets(letters)
    }

    pub(super) const fn is_base64(&self) -> bool {
        self.has(b'b')
    }

    pub(super) fn touch(&self) -> Option<Expiry> {
        self.has(b'T').then(|| classic::expiry(self.ttl.into()))
    }

    pub(super) fn vivify(&self) -> Option<Expiry> {
        self.has(b'N').then(|| classic::expiry(self.vivify.into()))
    }

    pub(super) fn recache(&self) -> Option<Expiry> {
        self.has(b'R').then(|| classic::expiry(self.recache.into()))
    }

    pub(super) fn compare(&self) -> Option<u64> {
        self.has(b'C').then_some(self.compare)
    }
}
