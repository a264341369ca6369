//! Command lines and their pieces: tokens between spaces, and strict decimal numbers.

use crate::Key;
use crate::number::digits;

/// A line may be this long, without its LF, before its LF has arrived.
pub(super) const LINE_MAX: usize = 2048;

/// The largest size that a value can be announced with. More is no size at all: nothing is skipped.
const SIZE_MAX: u64 = i32::MAX as u64 - 2;

/// As many tokens of a line as memcached looks at; a `noreply` beyond them is not seen.
const TOKENS_MAX: usize = 23;

/// A line at the front of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'i> {
    /// Its text, without the LF or CRLF that ends it.
    pub(super) text: &'i [u8],
    /// The first word of the text. A line that begins with a space has an empty one.
    pub(super) verb: &'i [u8],
    /// How many bytes it takes in the input, with its end.
    pub(super) len: usize,
    /// All of the input, from the line on.
    pub(super) input: &'i [u8],
}

impl<'i> Line<'i> {
    /// The line whose LF is at `end`.
    pub(super) fn new(input: &'i [u8], end: usize) -> Self {
        let text = input.get(..end).unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Self {
            text,
            verb: first_word(text),
            len: end + 1,
            input,
        }
    }

    /// What has arrived after it.
    pub(super) fn rest(&self) -> &'i [u8] {
        self.input.get(self.len..).unwrap_or_default()
    }

    /// The words after the verb.
    pub(super) fn arguments(&self) -> Tokens<'i> {
        Tokens {
            rest: self.text.get(self.verb.len()..).unwrap_or_default(),
        }
    }

    /// Whether its last word asks for silence.
    pub(super) fn noreply(&self) -> bool {
        self.last_argument() == Some(b"noreply") && self.arguments().nth(TOKENS_MAX - 1).is_none()
    }

    /// Whether it is one that a browser sends. Such a line must never reach a verb like `GET` or
    /// `DELETE`: any web page could make the browser of its visitor command the visitor's cache.
    pub(super) fn is_http(&self) -> bool {
        self.verb == b"Host:"
            || self
                .last_argument()
                .is_some_and(|version| version.starts_with(b"HTTP/"))
    }

    fn last_argument(&self) -> Option<&'i [u8]> {
        let arguments = self.arguments().rest;
        arguments
            .rsplit(|&b| b == b' ')
            .find(|token| !token.is_empty())
    }
}

/// The bytes before the first space.
pub(super) fn first_word(text: &[u8]) -> &[u8] {
    let len = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
    text.get(..len).unwrap_or_default()
}

/// The tokens of a line. Only spaces separate them, runs of spaces count as one.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'i> {
    rest: &'i [u8],
}

impl<'i> Tokens<'i> {
    pub(super) const fn new(text: &'i [u8]) -> Self {
        Self { rest: text }
    }

    /// Whether only spaces are left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.iter().all(|&b| b == b' ')
    }

    /// What has not been handed out yet, spaces included.
    pub(super) const fn rest(&self) -> &'i [u8] {
        self.rest
    }
}

impl<'i> Iterator for Tokens<'i> {
    type Item = &'i [u8];

    // Tokens are short, so that a plain loop is quicker than the ready-made searches.
    #[cfg_attr(target_pointer_width = "64", inline)]
    fn next(&mut self) -> Option<&'i [u8]> {
        let rest = self.rest;
        let mut start = 0;
        while rest.get(start) == Some(&b' ') {
            start += 1;
        }
        let mut end = start;
        while rest.get(end).is_some_and(|&b| b != b' ') {
            end += 1;
        }
        self.rest = rest.get(end..)?;
        rest.get(start..end).filter(|token| !token.is_empty())
    }
}

/// How many bytes come before the first blank or control character, one of which ends every key. A
/// machine word of them is looked at together: where a byte is too small, a subtraction borrows
/// into its highest bit (Mycroft, 1987), and only bytes behind that one may be found wrongly.
#[inline]
pub(super) fn word_len(text: &[u8]) -> usize {
    const ONES: usize = usize::MAX / 0xFF;
    const BYTES: usize = size_of::<usize>();
    let (words, rest) = text.as_chunks::<BYTES>();
    for (at, &word) in words.iter().enumerate() {
        let word = usize::from_le_bytes(word);
        let blank = word.wrapping_sub((b' ' as usize + 1) * ONES) & !word;
        let delete = word ^ (0x7F * ONES);
        let ends = (blank | delete.wrapping_sub(ONES) & !delete) & (0x80 * ONES);
        if ends != 0 {
            return BYTES * at + ends.trailing_zeros() as usize / 8;
        }
    }
    let end = rest.iter().position(|&b| b <= b' ' || b == 0x7F);
    BYTES * words.len() + end.unwrap_or(rest.len())
}

/// `bytes` without the spaces at its front.
pub(super) fn trim_spaces(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&b| b != b' ').unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Whether a token can be a key: not too long and free of control characters.
pub(super) fn is_key(token: &[u8]) -> bool {
    token.len() <= Key::LEN_MAX && !has_control(token)
}

/// Whether there is a control character, which a log or a terminal might act on.
pub(super) fn has_control(token: &[u8]) -> bool {
    // Folding instead of stopping at the first lets the compiler look at many bytes at once.
    token
        .iter()
        .fold(false, |found, b| found | b.is_ascii_control())
}

/// A decimal number, the whole token: digits, perhaps behind a `+`.
pub(super) fn number<T: TryFrom<u64>>(token: &[u8]) -> Option<T> {
    let text = token.strip_prefix(b"+").unwrap_or(token);
    T::try_from(digits(text)?).ok()
}

/// The same, or digits behind a `-`.
pub(super) fn signed<T: TryFrom<i64>>(token: &[u8]) -> Option<T> {
    let number = match token.strip_prefix(b"-") {
        Some(text) => 0_i64.checked_sub_unsigned(digits(text)?)?,
        None => number(token)?,
    };
    T::try_from(number).ok()
}

/// Whether a number has no `+`, and no more characters than memcached reads for its type.
fn is_strict(token: &[u8], len_max: usize) -> bool {
    token.len() <= len_max && token.first() != Some(&b'+')
}

/// A strict number without a sign.
pub(super) fn strict<T: TryFrom<u64>>(token: &[u8], len_max: usize) -> Option<T> {
    number(token).filter(|_| is_strict(token, len_max))
}

/// A strict number, possibly negative, of as many characters as 32 bits need at most. Its caller
/// decides which numbers are too large.
pub(super) fn strict_signed(token: &[u8]) -> Option<i64> {
    signed(token).filter(|_| is_strict(token, 11))
}

/// A strict number of 64 bits.
pub(super) fn strict_u64(token: &[u8]) -> Option<u64> {
    strict(token, 22)
}

/// The size that a value is announced with.
pub(super) fn value_size(word: &[u8]) -> Option<u64> {
    let size = u64::try_from(strict_signed(word)?).ok()?;
    (size <= SIZE_MAX).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spaces_separate_tokens() {
        let tokens: alloc::vec::Vec<_> = Tokens::new(b"  a\tb   c  ").collect();
        assert_eq!(tokens, [&b"a\tb"[..], b"c"]);
        assert_eq!(Tokens::new(b"   ").next(), None);
    }

    #[test]
    fn a_word_ends_at_the_first_blank_or_control_character_wherever_that_is() {
        for len in 0..20 {
            let mut text = [b'k'; 20];
            assert_eq!(word_len(&text[..len]), len);
            for end in 0..=u8::MAX {
                text[len] = end;
                let ends = end <= b' ' || end == 0x7F;
                assert_eq!(
                    word_len(&text),
                    if ends { len } else { 20 },
                    "{end} at {len}"
                );
            }
            // Bytes behind the end that look like others beside it.
            text[len..].fill(0x7F);
            assert_eq!(word_len(&text), len);
        }
        let high = [0x80, 0xA0, 0xA1, 0xFF, 0x21, 0x7E, 0x80, 0xFF, 0x1F];
        assert_eq!(word_len(&high), 8);
    }

    #[test]
    fn a_line_ends_with_lf_and_at_most_one_cr() {
        let line = Line::new(b"get a\r\r\nrest", 7);
        assert_eq!(
            (line.text, line.verb, line.rest()),
            (&b"get a\r"[..], &b"get"[..], &b"rest"[..])
        );
    }

    #[test]
    fn noreply_is_the_last_token_among_those_looked_at() {
        let noreply = |text: &[u8]| Line::new(&[text, b"\n"].concat(), text.len()).noreply();
        assert!(noreply(b"delete k noreply  "));
        assert!(!noreply(b"delete noreply k"));
        assert!(!noreply(b"delete knoreply"));
        assert!(
            noreply(&[b"set", &b" x".repeat(21)[..], b" noreply"].concat()),
            "the 23rd token"
        );
        assert!(
            !noreply(&[b"set", &b" x".repeat(22)[..], b" noreply"].concat()),
            "the 24th token"
        );
    }

    #[test]
    fn numbers_are_whole_tokens_within_their_range() {
        assert_eq!(strict_signed(b"-2147483648"), Some(i32::MIN.into()));
        assert_eq!(strict_signed(b"00000000012"), Some(12));
        for bad in [
            &b"000000000012"[..],
            b"+1",
            b"1x",
            b"1.5",
            b"",
            b"-",
            b" 1",
            b"\xff",
        ] {
            assert_eq!(strict_signed(bad), None, "{bad:?}");
        }
        assert_eq!(strict_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(strict_u64(b"0018446744073709551615"), Some(u64::MAX));
        for bad in [
            &b"18446744073709551616"[..],
            b"00018446744073709551615",
            b"-1",
            b"-0",
            b"+1",
        ] {
            assert_eq!(strict_u64(bad), None, "{bad:?}");
        }
        assert_eq!(number::<u32>(b"+5"), Some(5));
        assert_eq!(signed(b"-9223372036854775808"), Some(i64::MIN));
        for bad in [
            &b"-9223372036854775809"[..],
            b"9223372036854775808",
            b"+-1",
            b"-+1",
            b"+",
        ] {
            assert_eq!(signed::<i64>(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn control_characters_are_0_to_31_and_127() {
        for byte in 0..=255 {
            assert_eq!(
                has_control(&[b'k', byte]),
                byte < 32 || byte == 127,
                "{byte}"
            );
        }
    }
}
