//! Lines that people type, and the values that belong to them.

use dynamidb_core::help::{COMMANDS, CommandHelp};

/// What follows a line.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Value {
    /// The next command.
    None,
    /// A value of this size, as it is.
    Sized(u64),
    /// A value whose size is missing at this place of the line.
    Unsized(usize),
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| *byte == b' ');
    words.filter(|word| !word.is_empty())
}

/// The entry of a line's verb. To a server, one with a capital letter is DynamiDB's, however the
/// others are written.
pub(super) fn command_of(line: &[u8]) -> Option<&'static CommandHelp> {
    let verb = words(line).next()?;
    let is_own = verb.iter().any(u8::is_ascii_uppercase);
    COMMANDS.iter().find(|command| {
        let known = command.verb.as_bytes();
        known == verb || is_own && known == verb.to_ascii_uppercase()
    })
}

/// Whether a value follows a line. The size may be left out, if all numbers before it are there.
pub(super) fn value_of(line: &[u8]) -> Value {
    let Some(index) = command_of(line).and_then(|command| command.value_size) else {
        return Value::None;
    };
    let number = |word: &[u8]| str::from_utf8(word).ok()?.parse::<u64>().ok();
    let words: Vec<_> = words(line).skip(1).collect();
    // The first word is the key.
    let numbers_before = words.iter().skip(1).take(index - 1);
    let word = words.get(index);
    // Whatever else is wrong with the line, a server waits for a value with a size.
    if let Some(size) = word.copied().and_then(number) {
        return Value::Sized(size);
    }
    let is_wrong_size = word.copied().is_some_and(is_number);
    let is_cut = words.len() < index;
    match is_wrong_size || is_cut || !numbers_before.copied().all(is_number) {
        true => Value::None,
        false => Value::Unsized(index),
    }
}

/// Whether it begins as a number does, right or wrong.
fn is_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    digits.first().is_some_and(u8::is_ascii_digit)
}

/// The line with a size before the word of this index.
pub(super) fn with_size(line: &[u8], index: usize, size: usize) -> Vec<u8> {
    let size = size.to_string();
    let mut all: Vec<_> = words(line).collect();
    // The verb is no argument.
    all.insert((index + 1).min(all.len()), size.as_bytes());
    all.join(&b' ')
}

/// A text with escapes as bytes: `\n`, `\r`, `\t`, `\0`, `\\` and `\x` with two digits. Any other
/// backslash stands for itself.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        let hex = hex.and_then(|digits| str::from_utf8(digits).ok());
        let hex = hex.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let hex = hex.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let named = match after.first() {
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'0') => Some(b'\0'),
            Some(b'\\') => Some(b'\\'),
            _ => None,
        };
        let (byte, len) = match (byte, hex, named) {
            (b'\\', Some(hex), _) => (hex, 4),
            (b'\\', None, Some(named)) => (named, 2),
            (byte, ..) => (byte, 1),
        };
        bytes.push(byte);
        rest = &rest[len..];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_follows_a_store_whether_its_size_is_there_or_not() {
        for (line, value) in [
            ("SET k 30 5", Value::Sized(5)),
            ("SET  k  30  0", Value::Sized(0)),
            ("Set k 30 5", Value::Sized(5)),
            ("seT k 30", Value::Unsized(2)),
            ("SET k 30", Value::Unsized(2)),
            ("set k 0 30 6 noreply", Value::Sized(6)),
            ("set k 0 -1", Value::Unsized(3)),
            ("set k 0 30 noreply", Value::Unsized(3)),
            ("cas k 0 0 7 1", Value::Sized(7)),
            ("ms k 2 T30", Value::Sized(2)),
            ("ms k T30", Value::Unsized(1)),
            // Refused, but not before the value has come.
            ("set k x 0 5", Value::Sized(5)),
            ("set k 0 x 5", Value::Sized(5)),
            ("SET k hello 5", Value::Sized(5)),
            ("ms k", Value::Unsized(1)),
            // The server says what is wrong.
            ("SET k", Value::None),
            ("SET k hello", Value::None),
            ("SET k hello world", Value::None),
            ("set k 0", Value::None),
            ("set k 0 0 5x", Value::None),
            ("set k 0 0 -5", Value::None),
            ("ms", Value::None),
            ("Mset k 0 5", Value::None),
            ("get k", Value::None),
            ("", Value::None),
        ] {
            assert_eq!(value_of(line.as_bytes()), value, "{line}");
        }
    }

    #[test]
    fn a_missing_size_is_put_in_its_place() {
        for (line, index, whole) in [
            ("SET k 30", 2, "SET k 30 5"),
            ("set k 0 30 noreply", 3, "set k 0 30 5 noreply"),
            ("ms k", 1, "ms k 5"),
            ("ms k T30 F1", 1, "ms k 5 T30 F1"),
        ] {
            assert_eq!(with_size(line.as_bytes(), index, 5), whole.as_bytes());
        }
    }

    #[test]
    fn escapes_are_bytes_and_other_backslashes_stay() {
        for (text, bytes) in [
            (r"a\x00\xffb", &b"a\0\xffb"[..]),
            (r"\r\n\t\0\\", b"\r\n\t\0\\"),
            (r"c:\dir\x", br"c:\dir\x"),
            (r"\xg0\x1", br"\xg0\x1"),
            (r"\x+1", br"\x+1"),
            ("ö", "ö".as_bytes()),
            ("\\", b"\\"),
        ] {
            assert_eq!(unescape(text.as_bytes()), bytes, "{text}");
        }
    }
}
