//! Keys as the protocol writes them.

use base64ct::{Base64, Encoding};

/// The longest key of a line.
pub(super) const KEY_MAX: usize = 250;

/// Appends a key as a word of a meta command, in base64 if it has blanks or control characters;
/// the flag `b` follows then. `false`, and nothing, if it is too long for a line.
pub(super) fn push_key(line: &mut Vec<u8>, key: &[u8]) -> bool {
    let is_plain = key.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
    if is_plain && key.len() <= KEY_MAX {
        line.extend_from_slice(key);
        return true;
    }
    let mut buffer = [0; KEY_MAX];
    let Ok(encoded) = Base64::encode(key, &mut buffer) else {
        return false;
    };
    line.extend_from_slice(encoded.as_bytes());
    line.extend_from_slice(b" b");
    true
}

/// The key that a reply has in base64.
pub(super) fn decode_base64(word: &[u8]) -> Option<Vec<u8>> {
    let key = Base64::decode(word, &mut [0; KEY_MAX]).ok()?.to_vec();
    Some(key)
}

/// The key that a list of items has in percent-encoding.
pub(super) fn decode_percent(word: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            key.push(byte);
            continue;
        }
        let digits = str::from_utf8(rest.split_off(..2)?).ok()?;
        key.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(key: &[u8]) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        push_key(&mut line, key).then_some(line)
    }

    #[test]
    fn keys_that_a_line_cannot_have_are_in_base64() {
        assert_eq!(pushed(b"key"), Some(b"key".into()));
        assert_eq!(pushed("ö".as_bytes()), Some("ö".into()));
        assert_eq!(pushed(b"a b"), Some(b"YSBi b".into()));
        assert_eq!(pushed(b"\x7f"), Some(b"fw== b".into()));
        assert_eq!(decode_base64(b"YSBi"), Some(b"a b".into()));
        assert_eq!(decode_base64(b"YSB"), None);
        assert!(pushed(&[b'a'; 250]).is_some());
        assert_eq!(pushed(&[b'a'; 251]), None);
        assert!(pushed(&[b' '; 186]).is_some());
        assert_eq!(pushed(&[b' '; 187]), None);
    }

    #[test]
    fn percent_signs_are_followed_by_two_digits() {
        assert_eq!(decode_percent(b"a%20b%25%fF"), Some(b"a b%\xff".into()));
        for wrong in [&b"%"[..], b"%2", b"%2g", b"%\xc3\xb6"] {
            assert_eq!(decode_percent(wrong), None);
        }
    }
}
