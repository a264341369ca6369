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
/// What `ma` says to every line that cannot be understood, but for these reasons.
const BAD_ARITHMETIC: &[u8] = b"CLIENT_ERROR invalid or duplicate flag\r\n";
const OWN_OF_ARITHMETIC: [&[u8]; 2] = [OPAQUE_TOO_LONG, BAD_ARITHMETIC_MODE];

/// A meta request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meta<'i> {
    pub(super) command: Command,
    /// What `ms` stores; without it the value is too large, and the state says what is to be
    /// skipped.
    pub(super) value: Option<&'i [u8]>,
    /// The key as it was written, which may be base64.
    pub(super) key: &'i [u8],
    pub(super) flags: Flags<'i>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Command {
    Get,
    Set,
    Delete,
    Arithmetic,
    Debug,
}

/// The flags of a request, which are known to be right.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags<'i> {
    /// As they were written.
    pub(super) text: &'i [u8],
    letters: Letters,
    /// Whether clients see 0 instead of each cas.
    pub(super) hides_cas: bool,
}

/// What stands behind the letters of flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments {
    pub(super) touch: Option<Expiry>,
    pub(super) vivify: Option<Expiry>,
    pub(super) recache: Option<Expiry>,
    pub(super) compare: Option<u64>,
    /// 0 without `E`.
    pub(super) cas: u64,
    pub(super) client_flags: u32,
    pub(super) delta: u64,
    pub(super) initial: u64,
    /// The first letter of `M`'s argument.
    pub(super) mode: Option<u8>,
    /// Whether `T` comes before `N`, and before `R`: what comes last counts.
    pub(super) touches_before_vivify: bool,
    pub(super) touches_before_recache: bool,
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
/// Those with an argument that has to be right.
const ARGUED: Letters = Letters::of(b"CDEFJMNORTb");

/// The request that begins with this line. `None` means that more bytes are needed.
pub(super) fn parse<'i>(
    config: &SessionConfig,
    command: Command,
    line: Line<'i>,
) -> Option<Parsed<'i>> {
    if let Command::Set = command {
        return set(config, line);
    }
    let mut words = line.arguments();
    let request = match words.next() {
        None => Request::Reply(reply::BAD_LINE),
        Some(key) => match meta(config, command, key, words) {
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
    let meta = match meta(config, Command::Set, key, words) {
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
            value: Some(value),
            ..meta
        }),
        None => Request::Reply(reply::BAD_CHUNK),
    };
    Some(Parsed::classic(line.len + block.len(), request))
}

/// What a line asks for; `words` are those that follow the key and the size. `Err` is a refusal.
fn meta<'i>(
    config: &SessionConfig,
    command: Command,
    key: &'i [u8],
    words: Tokens<'i>,
) -> Result<Meta<'i>, &'static [u8]> {
    let before = match command {
        Command::Set => 3,
        _ => 2,
    };
    let flags = match command {
        _ if !line::is_key(key) => Err(reply::BAD_LINE),
        Command::Debug => Flags::of_debug(words, key),
        _ => Flags::check(words.rest(), command, key, WORDS_MAX - before),
    };
    let flags = flags.map_err(|refusal| match command {
        Command::Arithmetic if !OWN_OF_ARITHMETIC.contains(&refusal) => BAD_ARITHMETIC,
        _ => refusal,
    })?;
    let hides_cas = !config.cas_enabled;
    Ok(Meta {
        command,
        value: None,
        key,
        flags: Flags { hides_cas, ..flags },
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
    /// Reads flags, at most so many. `Err` is a refusal.
    fn check(
        text: &'i [u8],
        command: Command,
        key: &[u8],
        max: usize,
    ) -> Result<Self, &'static [u8]> {
        let (mut letters, mut count) = (Letters::default(), 0);
        for (letter, _) in flags(text) {
            count += 1;
            if !matches!(letter, b'A'..=b'z') || !KNOWN.has(letter) || letters.has(letter) {
                return Err(refusal(text, letter, max));
            }
            letters.add(letter);
        }
        if count > max {
            return Err(TOO_MANY);
        }
        if letters.meets(ARGUED) {
            check_arguments(text, command, key)?;
        }
        Ok(Self {
            text,
            letters,
            hides_cas: false,
        })
    }

    /// Of `me`: what a key is written in is all it cares about, and, as in memcached, only if
    /// another word follows.
    fn of_debug(mut words: Tokens<'i>, key: &[u8]) -> Result<Self, &'static [u8]> {
        let mut flags = Self::default();
        if words.next() == Some(b"b") && !words.is_empty() {
            flags.letters.add(b'b');
            Base64::decode(key, &mut [0; Key::LEN_MAX]).map_err(|_| BAD_BASE64)?;
        }
        Ok(flags)
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

    /// What stands behind the letters.
    pub(super) fn arguments(&self) -> Arguments {
        let mut arguments = Arguments::NONE;
        if self.any(ARGUED) {
            for (letter, argument) in flags(self.text) {
                // They were right when they were checked.
                let _ = arguments.take(letter, argument);
            }
            if self.hides_cas && arguments.compare.is_some() {
                // No item has this one.
                arguments.compare = Some(0);
            }
        }
        arguments
    }
}

/// The letters of flags, and what is glued to each.
pub(super) fn flags(text: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    Tokens::new(text).filter_map(|token| token.split_first().map(|(&letter, rest)| (letter, rest)))
}

/// Why a letter cannot come next.
#[cold]
fn refusal(text: &[u8], letter: u8, max: usize) -> &'static [u8] {
    let is_odd = |letter| !matches!(letter, b'A'..=b'z' | b'0'..=b'9');
    if flags(text).nth(max).is_some() {
        TOO_MANY
    } else if flags(text).any(|(letter, _)| is_odd(letter)) {
        reply::BAD_LINE
    } else if letter.is_ascii_digit() || !KNOWN.has(letter) {
        INVALID
    } else {
        DUPLICATE
    }
}

/// Of several wrong arguments the last one is told, but those of `F`, `O` and `M` give way.
fn check_arguments(text: &[u8], command: Command, key: &[u8]) -> Result<(), &'static [u8]> {
    let mut arguments = Arguments::NONE;
    let mut wrong: Option<&'static [u8]> = None;
    for (letter, argument) in flags(text) {
        let taken = match letter {
            b'O' if argument.len() >= OPAQUE_MAX => Err(OPAQUE_TOO_LONG),
            b'b' => match Base64::decode(key, &mut [0; Key::LEN_MAX]) {
                Ok(_) => Ok(()),
                Err(_) => Err(BAD_BASE64),
            },
            _ => arguments.take(letter, argument),
        };
        if let Err(reply) = taken {
            wrong = match letter {
                b'F' | b'O' => wrong.or(Some(reply)),
                _ => Some(reply),
            };
        }
    }
    let bad_mode = match (command, arguments.mode) {
        (Command::Set, Some(mode)) if !b"SEAPR".contains(&mode) => Some(BAD_SET_MODE),
        (Command::Arithmetic, Some(mode)) if !b"ID+-".contains(&mode) => Some(BAD_ARITHMETIC_MODE),
        _ => None,
    };
    wrong.or(bad_mode).map_or(Ok(()), Err)
}

impl Arguments {
    const NONE: Self = Self {
        touch: None,
        vivify: None,
        recache: None,
        compare: None,
        cas: 0,
        client_flags: 0,
        delta: 1,
        initial: 0,
        mode: None,
        touches_before_vivify: false,
        touches_before_recache: false,
    };

    #[inline]
    pub(super) const fn have_dates(&self) -> bool {
        const fn is_date(expiry: Option<Expiry>) -> bool {
            matches!(expiry, Some(Expiry::At(_)))
        }
        is_date(self.touch) || is_date(self.vivify) || is_date(self.recache)
    }

    /// Makes all dates so many milliseconds later.
    #[cold]
    pub(super) fn shift_dates(&mut self, millis: i64) {
        let expiries = [&mut self.touch, &mut self.vivify, &mut self.recache];
        for expiry in expiries.into_iter().flatten() {
            if let Expiry::At(date) = expiry {
                *date = date.shifted(millis);
            }
        }
    }

    /// Reads the argument of a flag. `Err` is a refusal.
    fn take(&mut self, letter: u8, text: &[u8]) -> Result<(), &'static [u8]> {
        match letter {
            b'T' => self.touch = Some(expiry(text)?),
            b'N' => {
                self.vivify = Some(expiry(text)?);
                self.touches_before_vivify = self.touch.is_some();
            }
            b'R' => {
                self.recache = Some(expiry(text)?);
                self.touches_before_recache = self.touch.is_some();
            }
            b'C' => self.compare = Some(line::strict_u64(text).ok_or(BAD_NUMBER)?),
            b'E' => self.cas = line::strict_u64(text).ok_or(BAD_NUMBER)?,
            b'F' => self.client_flags = line::strict(text, 11).ok_or(reply::BAD_LINE)?,
            b'D' => self.delta = line::strict_u64(text).ok_or(BAD_DELTA)?,
            b'J' => self.initial = line::strict_u64(text).ok_or(BAD_INITIAL)?,
            b'M' => self.mode = Some(text.first().copied().unwrap_or_default()),
            _ => {}
        }
        Ok(())
    }
}

fn expiry(text: &[u8]) -> Result<Expiry, &'static [u8]> {
    classic::strict_expiry(text).ok_or(BAD_NUMBER)
}
