//! Percent-encoding of keys, for log lines and lists of items.

use dynamidb_core::Output;

/// Appends a key as it is written in a URI, so that it has neither blanks nor control characters.
pub(crate) fn push_percent_encoded(output: &mut dyn Output, key: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in key {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            output.push(byte);
        } else {
            let digit = |half: u8| DIGITS[usize::from(half)];
            output.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_unreserved_characters_are_encoded() {
        let encoded = |key: &[u8]| {
            let mut output = Vec::new();
            push_percent_encoded(&mut output, key);
            String::from_utf8(output).unwrap()
        };
        assert_eq!(encoded(b"az-AZ_09.~"), "az-AZ_09.~");
        assert_eq!(encoded(b"a b%,#\n\xff"), "a%20b%25%2C%23%0A%FF");
    }
}
