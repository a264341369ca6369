//! Decimal numbers in values, as memcached reads and writes them for `incr` and `decr`.

use crate::Bytes;

/// The most digits that 64 bits can have, and the longest value taken for a number.
const DIGITS_MAX: usize = 20;

/// The number at the beginning of a value: blanks, digits, then the end or another blank. `None` if
/// there is none, it is negative, or it does not fit 64 bits.
pub(crate) fn parse(value: &Bytes<'_>) -> Option<u64> {
    if value.len() > DIGITS_MAX {
        None
    } else {
        parse_bytes(value.pieces().flatten().copied())
    }
}

fn parse_bytes(bytes: impl Iterator<Item = u8>) -> Option<u64> {
    let mut bytes = bytes.skip_while(u8::is_ascii_whitespace).peekable();
    let mut number = None;
    bytes.next_if(|&byte| byte == b'+');
    while let Some(digit) = bytes.next_if(u8::is_ascii_digit) {
        let before: u64 = number.unwrap_or(0);
        number = Some(
            before
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?,
        );
    }
    number.filter(|_| bytes.next().is_none_or(|byte| byte.is_ascii_whitespace()))
}

/// A number as digits, followed by spaces up to a length: a number never makes its value shorter.
pub(crate) struct Padded {
    bytes: [u8; DIGITS_MAX],
    len: usize,
}

impl Padded {
    pub(crate) fn new(mut number: u64, len_min: usize) -> Self {
        let mut reversed = [0; DIGITS_MAX];
        let mut digits = 0;
        while digits == 0 || number > 0 {
            reversed[digits] = b'0' + (number % 10) as u8;
            number /= 10;
            digits += 1;
        }
        let mut bytes = [b' '; DIGITS_MAX];
        for (to, from) in bytes.iter_mut().zip(reversed[..digits].iter().rev()) {
            *to = *from;
        }
        Self {
            bytes,
            len: digits.max(len_min.min(DIGITS_MAX)),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
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
            assert_eq!(parse_bytes(text.iter().copied()), number, "{text:?}");
        }
    }

    #[test]
    fn numbers_keep_the_length_of_the_value() {
        assert_eq!(Padded::new(9, 2).as_bytes(), b"9 ");
        assert_eq!(Padded::new(10, 1).as_bytes(), b"10");
        assert_eq!(Padded::new(0, 0).as_bytes(), b"0");
        assert_eq!(
            Padded::new(u64::MAX, 20).as_bytes(),
            b"18446744073709551615"
        );
    }
}
