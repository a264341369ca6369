//! The text of replies.

use super::Output;
use crate::number::Digits;
use crate::{Bytes, Cas, Error, SetMode, SetOutcome};

pub(super) const NONE: &[u8] = b"";
pub(super) const OK: &[u8] = b"OK\r\n";
pub(super) const END: &[u8] = b"END\r\n";
pub(super) const BYE: &[u8] = b"BYE\r\n";
pub(super) const ERROR: &[u8] = b"ERROR\r\n";
pub(super) const RESET: &[u8] = b"RESET\r\n";
pub(super) const DELETED: &[u8] = b"DELETED\r\n";
pub(super) const TOUCHED: &[u8] = b"TOUCHED\r\n";
const NOT_STORED: &[u8] = b"NOT_STORED\r\n";
pub(super) const NOT_FOUND: &[u8] = b"NOT_FOUND\r\n";
pub(super) const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";
pub(super) const BAD_CHUNK: &[u8] = b"CLIENT_ERROR bad data chunk\r\n";
pub(super) const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument\r\n";
pub(super) const FLUSH_DISABLED: &[u8] = b"CLIENT_ERROR flush_all not allowed\r\n";
#[cfg(feature = "flush-prefix")]
pub(super) const FLUSH_PREFIX_DISABLED: &[u8] = b"CLIENT_ERROR flush_prefix not allowed\r\n";
pub(super) const READ_ONLY: &[u8] = b"CLIENT_ERROR this user may only read\r\n";
pub(super) const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta argument\r\n";
/// The reply to a request is larger than the output; memcached has the beginning of it, too.
pub(super) const OUTPUT_TOO_SMALL: &[u8] = b"SERVER_ERROR out of memory writing response\r\n";
pub(super) const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache\r\n";

/// The fields between key and size in a `VALUE` line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// Nothing: DynamiDB's.
    Bare,
    /// The client's flags.
    Flags,
    /// The client's flags, and `cas` after the size.
    FlagsAndCas,
}

/// One found item. It gets no [`Item`](crate::Item): then nothing is found out about the item that
/// the reply does not say.
pub(super) fn value(
    output: &mut impl Output,
    key: &[u8],
    value: &Bytes<'_>,
    flags: u32,
    cas: Option<Cas>,
    form: Form,
) {
    // Three numbers of up to 20 digits and the fixed letters; one growth instead of several.
    output.reserve(80 + key.len() + value.len());
    output.extend_from_slice(b"VALUE ");
    output.extend_from_slice(key);
    if form != Form::Bare {
        output.push(b' ');
        number(output, u64::from(flags));
    }
    output.push(b' ');
    number(output, value.len() as u64);
    if form == Form::FlagsAndCas {
        output.push(b' ');
        number(output, Cas::number(cas));
    }
    output.extend_from_slice(b"\r\n");
    value.append_to(output);
    output.extend_from_slice(b"\r\n");
}

/// A number and the end of the line.
pub(super) fn number_line(output: &mut (impl Output + ?Sized), value: u64) {
    number(output, value);
    output.extend_from_slice(b"\r\n");
}

/// A number. A short one is put together in a register: bytes that are written one by one and then
/// copied together would have to be waited for.
pub(super) fn number(output: &mut (impl Output + ?Sized), value: u64) {
    const LEN_MAX: usize = size_of::<u64>();
    // The flags of most items are 0.
    if value < 10 {
        return output.push(b'0' + value as u8);
    }
    if cfg!(not(target_pointer_width = "64")) || value >= 10_u64.pow(LEN_MAX as u32) {
        return output.extend_from_slice(Digits::new(value).as_bytes());
    }
    let (mut rest, mut text, mut len) = (value as u32, 0_u64, 0);
    loop {
        text = text << 8 | u64::from(b'0') | u64::from(rest % 10);
        rest /= 10;
        len += 1;
        if rest == 0 {
            break;
        }
    }
    output.extend_from_word(text.to_le_bytes(), len);
}

/// The reply to a store. One value that is too large was refused before; here it is the old and the
/// new one together.
pub(super) const fn store(result: Result<SetOutcome, Error>, mode: SetMode) -> &'static [u8] {
    match result {
        Ok(SetOutcome::Stored { .. }) => b"STORED\r\n",
        Ok(SetOutcome::NotStored) => NOT_STORED,
        Ok(SetOutcome::Exists) => b"EXISTS\r\n",
        Ok(SetOutcome::NotFound) => NOT_FOUND,
        Err(Error::ValueTooLarge) if mode.joins() => NOT_STORED,
        Err(refused) => error(refused),
    }
}

pub(super) const fn error(error: Error) -> &'static [u8] {
    match error {
        Error::KeyLength => BAD_LINE,
        Error::ValueTooLarge => TOO_LARGE,
        // No request loads what is missing, so that none meets `Expired`.
        Error::OutOfMemory | Error::Expired => b"SERVER_ERROR out of memory storing object\r\n",
        Error::NotANumber => b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        #[cfg(feature = "flush-prefix")]
        Error::TooManyFlushes => b"SERVER_ERROR too many flushes by prefix are under way\r\n",
    }
}

pub(super) fn help(output: &mut impl Output, lines: &[(&[u8], &[u8])]) {
    for (_, line) in lines {
        output.extend_from_slice(line);
    }
    output.extend_from_slice(END);
}

pub(super) fn version(output: &mut impl Output, version: &str) {
    output.extend_from_slice(b"VERSION ");
    output.extend_from_slice(version.as_bytes());
    output.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_number_of_any_length_is_written_behind_what_is_there() {
        let powers = (0..20).map(|exponent| 10_u64.pow(exponent));
        let numbers = powers.flat_map(|power| [power - 1, power, power / 7 * 3]);
        for value in numbers.chain([u64::MAX]) {
            let mut output = b"VALUE ".to_vec();
            number(&mut output, value);
            assert_eq!(output, ["VALUE ", &value.to_string()].concat().as_bytes());
        }
    }
}
