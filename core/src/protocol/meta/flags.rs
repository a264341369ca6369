//! The flags of a meta request: a set of letters, some directly followed by an argument.

use super::super::line::{self, Tokens};
use super::super::{exptime, reply};
use crate::{Cas, Expiry};

const BAD_NUMBER: &[u8] = b"CLIENT_ERROR bad token in command line format\r\n";
const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta value\r\n";
const BAD_INITIAL: &[u8] = b"CLIENT_ERROR invalid numeric initial value\r\n";

/// Those with an argument that must be valid.
pub(super) const ARGUED: Letters = Letters::of(b"CDEFJMNORTb");

/// The flags of a request, known to be valid.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags<'i> {
    /// As they were written.
    pub(super) text: &'i [u8],
    pub(super) letters: Letters,
    /// Whether clients see 0 instead of each cas.
    pub(super) hides_cas: bool,
}

/// The arguments of flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments {
    pub(super) touch: Option<Expiry>,
    pub(super) vivify: Option<Expiry>,
    pub(super) recache: Option<Expiry>,
    pub(super) compare: Option<u64>,
    /// The argument of `E`.
    pub(super) cas: Option<Cas>,
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

    pub(super) const fn add(&mut self, letter: u8) {
        self.0 |= Self::bit(letter);
    }
}

impl<'i> Flags<'i> {
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

    /// The arguments.
    pub(super) fn arguments(&self) -> Arguments {
        let mut arguments = Arguments::NONE;
        if self.any(ARGUED) {
            for (letter, argument) in flags(self.text) {
                // They were checked before.
                let _ = arguments.take(letter, argument);
            }
            if self.hides_cas && arguments.compare.is_some() {
                // No item has 0.
                arguments.compare = Some(0);
            }
        }
        arguments
    }
}

/// The letters of flags, each with its argument.
pub(super) fn flags(text: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    Tokens::new(text).filter_map(|token| token.split_first().map(|(&letter, rest)| (letter, rest)))
}

impl Arguments {
    pub(super) const NONE: Self = Self {
        touch: None,
        vivify: None,
        recache: None,
        compare: None,
        cas: None,
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

    /// Makes all dates later by this many milliseconds.
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
    pub(super) fn take(&mut self, letter: u8, text: &[u8]) -> Result<(), &'static [u8]> {
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
            b'E' => self.cas = Cas::new(line::strict_u64(text).ok_or(BAD_NUMBER)?),
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
    exptime::parse_strict(text).ok_or(BAD_NUMBER)
}
