//! `get`, `gets`, `gat`, `gats`: how they are spelled, and their keys, as those of `GET`, which are
//! used up one by one so that a line may be of any length and its reply need not be made at once.

use super::super::exptime;
use super::super::line::{self, LINE_MAX, Line, Tokens};
use super::super::parsed::{Parsed, Skip, State};
use super::super::reply::{self, Form};
use super::super::request::{Request, Retrieval};
use crate::Key;

/// A `get` of one key as nearly all clients write it; `None`: it is something else, or incomplete.
#[inline]
pub(super) fn parse_plain(input: &[u8]) -> Option<Parsed<'_>> {
    let text = input.strip_prefix(b"get ")?;
    let len = line::word_len(text.get(..Key::LEN_MAX).unwrap_or(text));
    let (key, end) = match text.split_at_checked(len)? {
        ([], _) => return None,
        (key, [b'\r', b'\n', ..]) => (key, 2),
        (key, [b'\n', ..]) => (key, 1),
        _ => return None,
    };
    let retrieval = Retrieval {
        form: Form::Flags,
        touch: None,
    };
    let len = b"get ".len() + key.len() + end;
    Some(Parsed::classic(len, get(retrieval, key, true)))
}

/// `get <key>+`, `gets <key>+`, `gat <exptime> <key>+`, `gats <exptime> <key>+`.
pub(super) fn parse<'i>(form: Form, touches: bool, line: Line<'i>) -> Option<Parsed<'i>> {
    let refuse = |reply| Some(Parsed::classic(line.len, Request::Reply(reply)));
    let mut words = line.arguments();
    let head = head(form, touches, &mut words);
    let keys = line.text.len() - words.rest().len();
    if words.is_empty() {
        return refuse(reply::BAD_LINE);
    }
    let Some(retrieval) = head else {
        return refuse(reply::BAD_EXPTIME);
    };
    // All keys are checked before the first is answered, so that a bad one is all of the reply.
    if !are_keys(words.rest()) {
        return refuse(reply::BAD_LINE);
    }
    key_at(retrieval, line.input, keys)
}

/// Whether all words of a line can be keys.
fn are_keys(mut words: &[u8]) -> bool {
    loop {
        words = line::trim_spaces(words);
        let len = line::word_len(words);
        words = match words.get(len..) {
            Some(rest @ [b' ', ..]) if len <= Key::LEN_MAX => rest,
            Some([]) => return len <= Key::LEN_MAX,
            _ => return false,
        };
    }
}

/// The same for a line longer than [`LINE_MAX`], whose end may not have arrived.
pub(super) fn parse_long<'i>(
    form: Form,
    touches: bool,
    input: &'i [u8],
    verb_len: usize,
) -> Option<Parsed<'i>> {
    let mut words = Tokens::new(input.get(verb_len..LINE_MAX).unwrap_or_default());
    match head(form, touches, &mut words) {
        // Only if something follows it is certain that the exptime was all there.
        Some(retrieval) if !words.rest().is_empty() => {
            key_at(retrieval, input, LINE_MAX - words.rest().len())
        }
        _ => Some(skip_line(LINE_MAX, reply::BAD_EXPTIME)),
    }
}

/// The words before the keys; `None` if they are invalid.
fn head(form: Form, touches: bool, words: &mut Tokens<'_>) -> Option<Retrieval> {
    let touch = match touches {
        true => Some(exptime::parse_strict(words.next()?)?),
        false => None,
    };
    Some(Retrieval { form, touch })
}

/// The first of the keys that begin there.
pub(super) fn key_at<'i>(retrieval: Retrieval, input: &'i [u8], at: usize) -> Option<Parsed<'i>> {
    let mut parsed = next_key(retrieval, input.get(at..)?)?;
    parsed.len += at;
    Some(parsed)
}

/// The next key, or the end of the line.
pub(super) fn next_key<'i>(retrieval: Retrieval, input: &'i [u8]) -> Option<Parsed<'i>> {
    let keys = line::trim_spaces(input);
    let spaces = input.len() - keys.len();
    let len = line::word_len(keys);
    let (key, after) = keys.split_at_checked(len).unwrap_or((keys, &[]));
    let end = match after {
        [b' ', ..] => line_end(after),
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => return half_or_bad_key(retrieval, input, spaces),
    };
    let len = spaces + key.len();
    if key.len() > Key::LEN_MAX {
        return Some(skip_line(len, reply::BAD_LINE));
    }
    Some(match end {
        Some(end) => {
            let request = match key {
                [] => Request::Reply(reply::END),
                key => get(retrieval, key, true),
            };
            Parsed::retrieved(len + end, retrieval, request)
        }
        None => more(retrieval, len, get(retrieval, key, false)),
    })
}

/// Input that holds a control character before the end of its first key, or no end of it.
#[cold]
fn half_or_bad_key<'i>(retrieval: Retrieval, input: &'i [u8], spaces: usize) -> Option<Parsed<'i>> {
    let mut keys = input.iter().skip(spaces);
    match keys.position(|b| matches!(b, b' ' | b'\n')) {
        Some(len) => Some(skip_line(spaces + len, reply::BAD_LINE)),
        None => half_key(retrieval, input, spaces),
    }
}

/// Input that holds neither a whole key nor the end of the line.
fn half_key<'i>(retrieval: Retrieval, input: &'i [u8], spaces: usize) -> Option<Parsed<'i>> {
    // One more than a key may have: a CR that belongs to the end of the line.
    if input.len() - spaces > Key::LEN_MAX + 1 {
        return Some(skip_line(input.len(), reply::BAD_LINE));
    }
    (spaces > 0).then_some(more(retrieval, spaces, Request::Reply(reply::NONE)))
}

/// How many bytes there are up to the end of the line, if nothing but spaces comes before it.
fn line_end(bytes: &[u8]) -> Option<usize> {
    let after = line::trim_spaces(bytes);
    let end = match after {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    Some(bytes.len() - after.len() + end)
}

/// One key of a retrieval.
pub(super) const fn get<'i>(retrieval: Retrieval, key: &'i [u8], last: bool) -> Request<'i> {
    Request::Get {
        key,
        retrieval,
        last,
    }
}

/// A request that does not end the line.
const fn more<'i>(retrieval: Retrieval, len: usize, request: Request<'i>) -> Parsed<'i> {
    let next = State::Keys(retrieval);
    Parsed { request, len, next }
}

/// A refusal of the rest of a line of which some keys may have been answered.
const fn skip_line<'i>(len: usize, reply: &'static [u8]) -> Parsed<'i> {
    let skip = Skip {
        block: 0,
        line: true,
        reply,
        dynamidb: false,
    };
    Parsed::skip(len, skip)
}
