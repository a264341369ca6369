//! Numbers as text, without the formatting machinery of the standard library: it would be a tenth
//! of what a visitor of the page downloads.

use alloc::string::String;
use alloc::vec::Vec;

/// The most digits of a number.
const DIGITS: usize = 20;

/// Appends a number in decimal digits.
pub(crate) fn push_number(output: &mut Vec<u8>, number: u64) {
    push_padded(output, number, 1);
}

/// These texts one after the other.
pub(crate) fn joined(parts: &[&str]) -> String {
    let mut text = String::new();
    parts.iter().for_each(|part| text.push_str(part));
    text
}

/// A number in decimal digits.
pub(crate) fn decimal(number: u64) -> String {
    let mut output = Vec::new();
    push_number(&mut output, number);
    String::from_utf8(output).unwrap_or_default()
}

/// A number in at least this many hexadecimal digits.
pub(crate) fn hexadecimal(number: u128, least: usize) -> String {
    let mut text = String::new();
    for place in (0..u128::BITS as usize / 4).rev() {
        let digit = (number >> (4 * place)) as u32 & 15;
        if digit != 0 || !text.is_empty() || place < least {
            text.push(char::from_digit(digit, 16).unwrap_or('0'));
        }
    }
    text
}

/// Appends a number with this many digits behind the point, rounded.
pub(crate) fn push_fraction(output: &mut Vec<u8>, number: f64, places: u32) {
    let unit = 10_u64.pow(places);
    let scaled = (number * unit as f64 + 0.5) as u64;
    push_number(output, scaled / unit);
    if places > 0 {
        output.push(b'.');
        push_padded(output, scaled % unit, places as usize);
    }
}

/// Appends a number with leading zeros up to this many digits.
fn push_padded(output: &mut Vec<u8>, mut number: u64, least: usize) {
    let mut digits = [b'0'; DIGITS];
    let mut start = DIGITS;
    while number > 0 && start > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let start = start.min(DIGITS.saturating_sub(least));
    output.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 7, 10, 4_294_967_296, u64::MAX] {
            let mut output = Vec::new();
            push_number(&mut output, number);
            assert_eq!(String::from_utf8(output), Ok(number.to_string()));
        }
    }

    #[test]
    fn hexadecimal_numbers_are_written_as_the_standard_library_does() {
        for number in [0, 10, 0x1_0000, u128::MAX] {
            assert_eq!(hexadecimal(number, 1), format!("{number:x}"));
            assert_eq!(hexadecimal(number, 16), format!("{number:016x}"));
        }
    }

    #[test]
    fn fractions_are_rounded_to_their_places() {
        for number in [0.0, 0.25, 0.99999, 1.0, 33.333, 0.0456] {
            for places in 0..=4 {
                let mut output = Vec::new();
                push_fraction(&mut output, number, places);
                let expected = format!("{number:.*}", places as usize);
                assert_eq!(String::from_utf8(output), Ok(expected));
            }
        }
    }
}
