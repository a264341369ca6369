//! Decimal numbers: how they are read and written, in values as memcached does it for `incr` and
//! `decr`.

use core::num::NonZero;

/// The most digits that 64 bits can have, and the longest value taken for a number.
pub(crate) const DIGITS_MAX: usize = 20;

/// The number at the beginning of a value: blanks, digits, then the end or another blank. `None` if
/// there is none, it is negative, or it does not fit 64 bits.
pub(crate) fn parse(value: &[u8]) -> Option<u64> {
    let text = value.trim_ascii_start();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let end = text.iter().position(u8::is_ascii_whitespace);
    digits(text.get(..end.unwrap_or(text.len()))?)
}

/// The number that these digits are.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number
            .checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))?;
    }
    (!text.is_empty()).then_some(number)
}

/// A number as digits.
pub(crate) struct Digits {
    bytes: [u8; 32],
    start: usize,
}

impl Digits {
    #[inline]
    pub(crate) const fn new(mut number: u64) -> Self {
        let (mut bytes, mut start) = ([0; 32], 32);
        loop {
            let (rest, digit) = divide(number, TEN);
            // There are fewer digits than bytes; telling the compiler so spares a check.
            start -= 1;
            bytes[start % 32] = b'0' + digit as u8;
            number = rest;
            if number == 0 {
                return Self { bytes, start };
            }
        }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// The spaces that follow a number of `digits` digits in place of one of `len` bytes: a number
/// never makes its value shorter.
pub(crate) fn padding(digits: usize, len: usize) -> &'static [u8] {
    const SPACES: &[u8] = &[b' '; DIGITS_MAX];
    SPACES.get(..len.saturating_sub(digits)).unwrap_or(SPACES)
}

const TEN: NonZero<u16> = NonZero::new(10).unwrap();
const THOUSAND: NonZero<u16> = NonZero::new(1000).unwrap();

/// The second that a millisecond is in.
#[inline]
pub(crate) const fn second(millis: u64) -> u64 {
    second_and_rest(millis).0
}

/// The same, and how many milliseconds are left.
pub(crate) const fn second_and_rest(millis: u64) -> (u64, u16) {
    divide(millis, THOUSAND)
}

/// Quotient and remainder.
#[cfg(target_pointer_width = "64")]
#[inline]
const fn divide(number: u64, by: NonZero<u16>) -> (u64, u16) {
    let by = by.get() as u64;
    (number / by, (number % by) as u16)
}

#[cfg(not(target_pointer_width = "64"))]
use self::long_divide as divide;

/// Quotient and remainder, by long division: where registers have 32 bits, dividing 64 would be a
/// large function, which nothing else needs.
#[cfg(any(test, not(target_pointer_width = "64")))]
#[inline(never)]
const fn long_divide(number: u64, by: NonZero<u16>) -> (u64, u16) {
    let by = by.get() as u32;
    let (mut quotient, mut rest, mut shift) = (0, 0, u64::BITS);
    while shift > 0 {
        shift -= 16;
        let part = rest << 16 | (number >> shift) as u32 & 0xFFFF;
        quotient = quotient << 16 | (part / by) as u64;
        rest = part % by;
    }
    (quotient, rest as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_memcached_does() {
        let cases: [(&[u8], Option<u64>); 11] = [
            (b"0", Some(0)),
            (b"0009", Some(9)),
            (b"  5", Some(5)),
            (b"5 ab", Some(5)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"", None),
            (b" ", None),
            (b"-1", None),
            (b"5x", None),
            (b"x", None),
        ];
        for (text, number) in cases {
            assert_eq!(parse(text), number, "{text:?}");
        }
    }

    #[test]
    fn long_division_divides() {
        let powers = (0..64).map(|shift| 1 << shift);
        let numbers = powers.flat_map(|power: u64| [power - 1, power, power + 1, power / 3 * 2]);
        for number in numbers.chain([u64::MAX - 1, u64::MAX, 10_000_000_000_000_000_000]) {
            for by in [1, 2, 7, 10, 1000, u16::MAX] {
                let (quotient, rest) = (number / u64::from(by), number % u64::from(by));
                let by = NonZero::new(by).unwrap();
                assert_eq!(long_divide(number, by), (quotient, rest as u16));
            }
        }
    }

    #[test]
    fn numbers_keep_the_length_of_the_value() {
        for (number, digits) in [
            (0, &b"0"[..]),
            (9, b"9"),
            (10, b"10"),
            (u64::MAX, b"18446744073709551615"),
        ] {
            assert_eq!(Digits::new(number).as_bytes(), digits);
        }
        assert_eq!(padding(1, 3), b"  ");
        assert_eq!((padding(2, 1), padding(20, 20)), (&b""[..], &b""[..]));
    }
}
