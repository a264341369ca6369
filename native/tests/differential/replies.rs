//! What a server says, reply by reply, and when two servers have said the same: all but the time
//! that has passed and the numbers that they made up themselves.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

/// A line, and the block that it announces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reply<'r> {
    pub(crate) line: &'r [u8],
    pub(crate) block: &'r [u8],
}

impl Reply<'_> {
    /// The reply to `mn`.
    pub(crate) fn is_fence(&self) -> bool {
        self.line == b"MN"
    }
}

/// The first reply in `bytes` and how many bytes it takes; `None` if it is not all there.
pub(crate) fn first(bytes: &[u8]) -> Option<(Reply<'_>, usize)> {
    let end = bytes.iter().position(|&b| b == b'\n')?;
    let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    let (reply, len) = match block_size(line) {
        Some(size) => {
            let block = bytes.get(end + 1..end + 1 + size + 2)?;
            (Reply { line, block }, end + 1 + block.len())
        }
        None => (Reply { line, block: b"" }, end + 1),
    };
    Some((reply, len))
}

/// All replies in `bytes`; an incomplete one at the end counts as a line.
pub(crate) fn all(mut bytes: &[u8]) -> Vec<Reply<'_>> {
    let mut replies = Vec::new();
    while let Some((reply, len)) = first(bytes) {
        replies.push(reply);
        bytes = &bytes[len..];
    }
    if !bytes.is_empty() {
        let (line, block) = (bytes, &b""[..]);
        replies.push(Reply { line, block });
    }
    replies
}

fn block_size(line: &[u8]) -> Option<usize> {
    let mut words = words(line);
    let size = match words.next()? {
        b"VALUE" => words.nth(2)?,
        b"VA" => words.next()?,
        _ => return None,
    };
    str::from_utf8(size).ok()?.parse().ok()
}

pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b' ').filter(|word| !word.is_empty())
}

/// Seconds that two servers may disagree by on a time that they tell.
const SECONDS: u64 = 3;

/// A deadline further away than all that we keep; to us it is never.
const AGES: i64 = 8 * 365 * 24 * 60 * 60;
const BELOW_ZERO: i64 = u32::MAX as i64 - AGES;

/// The versions of items: each server has its own numbers, but they must be equal, and greater,
/// where the other's are.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// For each key, which number of ours goes with one of theirs.
    pairs: HashMap<Vec<u8>, BTreeMap<u64, u64>>,
    last: HashMap<Vec<u8>, (u64, u64)>,
}

impl Versions {
    /// The numbers that were last told for a key, theirs and ours; if none was, some of no item.
    pub(crate) fn last(&self, key: &[u8]) -> (u64, u64) {
        self.last.get(key).copied().unwrap_or((u64::MAX, u64::MAX))
    }

    /// Whether these two can stand for the same version of this key's item.
    fn agree(&mut self, key: &[u8], theirs: u64, ours: u64) -> bool {
        let pairs = self.pairs.entry(key.to_vec()).or_default();
        pairs.entry(theirs).or_insert(ours);
        let below = pairs.range(..theirs).next_back();
        let above = pairs.range(theirs + 1..).next();
        let agree = pairs[&theirs] == ours
            && below.is_none_or(|(_, &below)| below < ours)
            && above.is_none_or(|(_, &above)| ours < above);
        self.last.insert(key.to_vec(), (theirs, ours));
        agree
    }
}

/// Whether `theirs` and `ours` are the same answer to a request whose key is `key`.
pub(crate) fn same(theirs: &[u8], ours: &[u8], key: &[u8], versions: &mut Versions) -> bool {
    let (theirs, ours) = (all(theirs), all(ours));
    let pairs = theirs.iter().zip(&ours);
    let mut same = theirs.len() == ours.len();
    // All are looked at, so that all versions are learned.
    for (theirs, ours) in pairs {
        same &= theirs.block == ours.block && same_line(theirs.line, ours.line, key, versions);
    }
    same
}

fn same_line(theirs: &[u8], ours: &[u8], key: &[u8], versions: &mut Versions) -> bool {
    let (theirs, ours): (Vec<_>, Vec<_>) = (words(theirs).collect(), words(ours).collect());
    let code = theirs.first().copied().unwrap_or_default();
    let key = match code {
        b"VALUE" => theirs.get(1).copied().unwrap_or_default(),
        _ => key,
    };
    theirs.len() == ours.len()
        && theirs.iter().zip(&ours).enumerate().all(|(at, words)| {
            let (&theirs, &ours) = words;
            theirs == ours
                || match kind(code, at, theirs) {
                    Kind::Exact => false,
                    Kind::Ignored => true,
                    Kind::Time(prefix) => numbers(prefix, theirs, ours)
                        .is_some_and(|(theirs, ours)| same_time(theirs, ours)),
                    Kind::Version(prefix) => numbers(prefix, theirs, ours)
                        .is_some_and(|(theirs, ours)| versions.agree(key, theirs, ours)),
                }
        })
}

fn same_time(theirs: i64, ours: i64) -> bool {
    match ours {
        -1 => theirs > AGES,
        // They count on below zero, and take that for a number without a sign.
        0 if theirs > BELOW_ZERO => true,
        _ => theirs >= 0 && theirs.abs_diff(ours) <= SECONDS,
    }
}

/// How a word of a reply is compared.
enum Kind {
    Exact,
    Ignored,
    /// After this many bytes, seconds.
    Time(usize),
    /// After this many bytes, the number of a version.
    Version(usize),
}

fn kind(code: &[u8], at: usize, word: &[u8]) -> Kind {
    match (code, at, word) {
        (b"VALUE", 4, _) => Kind::Version(0),
        (b"HD" | b"VA" | b"EN" | b"NF" | b"NS" | b"EX", 1.., [b'c', ..]) => Kind::Version(1),
        (b"HD" | b"VA", 1.., [b't' | b'l', ..]) => Kind::Time(1),
        (b"ME", 2.., [b'e', b'x', b'p', b'=', ..]) => Kind::Time(4),
        (b"ME", 2.., [b'l', b'a', b'=', ..]) => Kind::Time(3),
        (b"ME", 2.., [b'c', b'a', b's', b'=', ..]) => Kind::Version(4),
        // Where an item lies and what it takes is each server's own affair.
        (b"ME", 2.., [b'c', b'l', b's', b'=', ..] | [b's', b'i', b'z', b'e', b'=', ..]) => {
            Kind::Ignored
        }
        _ => Kind::Exact,
    }
}

fn numbers<T: FromStr>(prefix: usize, theirs: &[u8], ours: &[u8]) -> Option<(T, T)> {
    let number = |word: &[u8]| str::from_utf8(&word[prefix..]).ok()?.parse().ok();
    let same_prefix = ours.starts_with(&theirs[..prefix]);
    same_prefix
        .then(|| Some((number(theirs)?, number(ours)?)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_to(versions: &mut Versions, theirs: &str, ours: &str) -> bool {
        same(theirs.as_bytes(), ours.as_bytes(), b"k", versions)
    }

    #[test]
    fn a_block_is_no_line() {
        let bytes = b"VALUE k 0 4\r\nMN\r\n\r\nEND\r\nVA 2 t5\r\nhi\r\nMN\r\nhal";
        let replies = all(bytes);
        let lines: Vec<_> = replies.iter().map(|reply| reply.line).collect();
        assert_eq!(
            lines,
            [&b"VALUE k 0 4"[..], b"END", b"VA 2 t5", b"MN", b"hal"]
        );
        assert_eq!(replies[0].block, b"MN\r\n\r\n");
        assert!(!replies[0].is_fence() && replies[3].is_fence());
        assert_eq!(first(b"VA 2 t5\r\nhi\r"), None);
    }

    #[test]
    fn versions_are_equal_and_greater_where_the_others_are() {
        let value = |version| format!("VALUE k 0 1 {version}\r\nx\r\nEND\r\n");
        let mut versions = Versions::default();
        assert!(same_to(&mut versions, &value(10), &value(3)));
        assert!(same_to(&mut versions, &value(12), &value(7)));
        assert!(same_to(&mut versions, "HD c10\r\n", "HD c3\r\n"));
        assert!(!same_to(&mut versions, &value(10), &value(7)));
        assert!(!same_to(&mut versions, &value(11), &value(7)));
        assert!(!same_to(&mut versions, &value(13), &value(6)));
    }

    #[test]
    fn everything_else_is_exact_but_for_the_time() {
        let mut versions = Versions::default();
        assert!(same_to(&mut versions, "HD t100 kx\r\n", "HD t98 kx\r\n"));
        assert!(!same_to(&mut versions, "HD t100 kx\r\n", "HD t90 kx\r\n"));
        assert!(!same_to(&mut versions, "HD t-1\r\n", "HD t1\r\n"));
        assert!(!same_to(&mut versions, "HD s1 kx\r\n", "HD kx s1\r\n"));
        assert!(!same_to(&mut versions, "STORED\r\n", "NOT_STORED\r\n"));
        assert!(!same_to(&mut versions, "END\r\n", "END\r\nEND\r\n"));
    }
}
