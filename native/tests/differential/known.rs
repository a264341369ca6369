//! Every difference that is known, by its name and with its reason. There are two kinds: where the
//! memcached at hand, 1.6.18, is older than the one that we follow, 1.6.45; and where we differ
//! from both on purpose.

use crate::peers::{End, Heard};
use crate::replies::{self, words};

/// A difference between what memcached and we say.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// Whether both servers hold the same after it, so that what follows can be compared.
    pub(crate) in_step: bool,
    /// Whether it explains what was heard after this was said: theirs, ours.
    explains: fn(&Said<'_>, &[&[u8]], &[&[u8]]) -> bool,
}

const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format";
const BAD_DELETE: &[u8] = b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";
const BAD_EXPTIME: &[u8] = b"CLIENT_ERROR invalid exptime argument";
const BAD_DELTA: &[u8] = b"CLIENT_ERROR invalid numeric delta argument";
const TOO_LARGE: &[u8] = b"SERVER_ERROR object too large for cache";
const NOT_FOUND: &[u8] = b"NOT_FOUND";
const NO_NUMBER: &[u8] = b"CLIENT_ERROR cannot increment or decrement non-numeric value";
const ERROR: &[u8] = b"ERROR";
const INVALID_FLAG: &[u8] = b"CLIENT_ERROR invalid flag";
const INVALID_OR_DUPLICATE_FLAG: &[u8] = b"CLIENT_ERROR invalid or duplicate flag";
const NEWER: &str = "memcached 1.6.45 answers as we do, 1.6.18 does not";

pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "a line with too few words is a bad line",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            let short = said.line.len() < 3 || said.stores() || said.words.len() < said.words_min();
            short
                && differ(theirs, ours, |theirs, ours| {
                    ours == BAD_LINE && (theirs == ERROR || said.verb().starts_with(b"gat"))
                })
        },
    },
    Known {
        name: "the block of a refused store is passed over",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            let refusals = theirs.strip_suffix(&[ERROR]);
            said.stores()
                && (refusals == Some(ours) || theirs == [ERROR, ERROR])
                && matches!(ours, [] | [BAD_LINE])
        },
    },
    Known {
        name: "words behind the last one are ignored",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            said.words.len() > said.words_max()
                && matches!(theirs, [ERROR | BAD_DELETE])
                && ours.len() <= 1
        },
    },
    Known {
        name: "words behind the last one of a store are ignored",
        reason: NEWER,
        in_step: false,
        explains: |said, theirs, _| {
            said.stores() && said.words.len() > said.words_max() && matches!(theirs, [ERROR, ..])
        },
    },
    Known {
        name: "numbers are decimal, without plus, and have a limited length",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            said.numbers().any(is_lax)
                && matches!(ours, [BAD_LINE | BAD_EXPTIME | BAD_DELTA])
                && theirs.len() == 1
                && theirs != ours
        },
    },
    Known {
        name: "noreply silences more refusals",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| said.noreply() && ours.is_empty() && theirs.len() == 1,
    },
    Known {
        name: "a space in front of a command makes it unknown",
        reason: NEWER,
        in_step: true,
        explains: |said, _, ours| {
            said.line.starts_with(b" ") && (ours == [ERROR] || said.noreply() && ours.is_empty())
        },
    },
    Known {
        name: "HTTP alone is no request",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            said.words.len() == 1
                && said.verb().starts_with(b"HTTP/")
                && theirs == [CLOSED]
                && ours == [ERROR, CLOSED]
        },
    },
    Known {
        name: "a large number is not refused for a minus somewhere behind the value",
        reason: NEWER,
        in_step: false,
        explains: |said, theirs, ours| {
            said.calculates()
                && first_differ(theirs, ours, |theirs, ours| {
                    theirs == NO_NUMBER && is_sum(ours)
                })
        },
    },
    Known {
        name: "a value is no number if it is longer than any, or blank",
        reason: "memcached blanks out the rest of a long one, and reads on behind a blank one",
        in_step: false,
        explains: |said, theirs, ours| {
            said.calculates()
                && first_differ(theirs, ours, |theirs, ours| {
                    is_sum(theirs) && ours == NO_NUMBER
                })
        },
    },
    Known {
        name: "what is wrong with a meta command is told in other words",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            let refusals = theirs.strip_suffix(&[ERROR]).unwrap_or(theirs);
            said.is_meta()
                && matches!((refusals, ours), ([theirs], [ours]) if
                theirs.starts_with(b"CLIENT_ERROR ") && ours.starts_with(b"CLIENT_ERROR "))
        },
    },
    Known {
        name: "meta commands know more flags",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            said.is_meta()
                && ours.len() == 1
                && matches!(theirs, [INVALID_FLAG | INVALID_OR_DUPLICATE_FLAG])
        },
    },
    Known {
        name: "me tells the time that is left, not the time since the end",
        reason: NEWER,
        in_step: true,
        explains: |said, theirs, ours| {
            let expiry = |line: &[u8]| words(line).nth(2).map(<[u8]>::to_vec);
            match (theirs, ours) {
                ([theirs], [ours]) if said.verb() == b"me" => {
                    let theirs = expiry(theirs).unwrap_or_default();
                    theirs.starts_with(b"exp=-") && expiry(ours) != Some(theirs)
                }
                _ => false,
            }
        },
    },
    Known {
        name: "T holds also if ma makes a number longer",
        reason: "memcached gives the time to the item that the longer one replaces",
        in_step: false,
        explains: |said, theirs, ours| {
            said.bytes.starts_with(b"set a 0 0 2\r\n99\r\nma a T")
                && theirs
                    .last_chunk::<2>()
                    .is_some_and(|last| last[0] == b"HD t-1")
                && ours
                    .last_chunk::<2>()
                    .is_some_and(|last| last[0].starts_with(b"HD t"))
        },
    },
    Known {
        name: "what mg or arithmetic makes remembers that its key was base64",
        reason: "memcached tells the client a key that it cannot have sent in this way",
        in_step: true,
        explains: |said, theirs, ours| {
            let meta = |line: &[u8]| line.starts_with(b"m");
            said.bytes.split(|&b| b == b'\n').any(meta)
                && lines_differ(theirs, ours)
                && plain_words(theirs) == plain_words(ours)
        },
    },
    Known {
        name: "bget is no command",
        reason: "no document and no client knows this other name of get",
        in_step: true,
        explains: |said, _, ours| said.verb() == b"bget" && ours == [ERROR],
    },
    Known {
        name: "a line that begins with Host: ends the conversation",
        reason: "it can only come from a browser that was made to send it",
        in_step: true,
        explains: |said, theirs, ours| {
            said.verb() == b"Host:" && theirs.first() == Some(&ERROR) && ours == [CLOSED]
        },
    },
    Known {
        name: "a verb with a capital letter is ours",
        reason: "memcached has none, so that its clients cannot notice",
        in_step: true,
        explains: |said, theirs, _| {
            said.verb().iter().any(u8::is_ascii_uppercase) && theirs.first() == Some(&ERROR)
        },
    },
    Known {
        name: "control characters in keys are refused",
        reason: "a key must not be able to disturb a log or a terminal",
        in_step: true,
        explains: |said, _, ours| {
            said.line.iter().any(u8::is_ascii_control)
                && matches!(ours, [] | [ERROR | BAD_LINE | BAD_EXPTIME | BAD_DELTA])
        },
    },
    Known {
        name: "a store whose size cannot be told ends the conversation",
        reason: "nobody can say where its value ends, and no value may be run as a command",
        in_step: false,
        explains: |said, _, ours| {
            let at = if said.verb() == b"ms" { 2 } else { 4 };
            let size = said
                .words
                .get(at)
                .and_then(|size| str::from_utf8(size).ok());
            let size = size.filter(|size| !size.starts_with('+'));
            let size = size.and_then(|size| size.parse::<i32>().ok());
            (said.stores() || said.verb() == b"ms")
                && size.is_none_or(|size| !(0..i32::MAX - 1).contains(&size))
                && ours == [BAD_LINE, CLOSED]
        },
    },
    Known {
        name: "flags that do not fit 32 bits are refused",
        reason: "memcached cuts them off",
        in_step: false,
        explains: |said, theirs, ours| {
            said.stores()
                && is_wide(said.words[2])
                && theirs.first() == Some(&&b"STORED"[..])
                && ours.first() == Some(&BAD_LINE)
        },
    },
    Known {
        name: "an exptime that does not fit 32 bits is never",
        reason: "memcached cuts it off, so that it means anything",
        in_step: false,
        explains: |said, theirs, ours| {
            said.stores() && is_wide(said.words[3]) && ours.len() == theirs.len() + 1
        },
    },
    Known {
        name: "Unix times go on to 2106",
        reason: "memcached ends in 2038, and a later time is over at once",
        in_step: false,
        explains: |said, theirs, ours| {
            said.stores() && is_after_2038(said.words[3]) && ours.len() == theirs.len() + 1
        },
    },
    Known {
        name: "an item may be as large as the limit says, head not counted",
        reason: "the limit is of what the client stores",
        in_step: true,
        explains: |said, theirs, ours| {
            said.stores()
                && said.bytes.len() > (1 << 20) - 40
                && matches!(theirs, [TOO_LARGE, NOT_FOUND] | [NOT_FOUND])
                && matches!(ours, [b"STORED" | b"NOT_STORED", _] | [b"DELETED"])
        },
    },
    Known {
        name: "a flush that waits leaves what was flushed before alone",
        reason: "memcached serves it again",
        in_step: false,
        explains: |said, theirs, ours| {
            said.verb() == b"flush_all"
                && theirs.len() > 3
                && ours == [&b"OK"[..], b"OK", b"END", CLOSED]
        },
    },
];

/// Stands for the end of the connection among the lines of what was heard.
const CLOSED: &[u8] = b"(closed)";

/// Which of the known differences explains this one.
pub(crate) fn explanation(said: &[u8], theirs: &Heard, ours: &Heard) -> Option<usize> {
    if theirs.end == End::Silence || ours.end == End::Silence {
        return None;
    }
    let (said, theirs, ours) = (Said::new(said), lines(theirs), lines(ours));
    KNOWN
        .iter()
        .position(|known| (known.explains)(&said, &theirs, &ours))
}

/// The lines of what was heard.
fn lines(heard: &Heard) -> Vec<&[u8]> {
    let replies = replies::all(&heard.bytes);
    let closed = (heard.end == End::Closed).then_some(CLOSED);
    replies
        .iter()
        .map(|reply| reply.line)
        .chain(closed)
        .collect()
}

/// Whether there are as many lines, and all those that differ do so like this.
fn differ(theirs: &[&[u8]], ours: &[&[u8]], like: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let mut pairs = theirs.iter().zip(ours);
    theirs.len() == ours.len() && pairs.all(|(theirs, ours)| theirs == ours || like(theirs, ours))
}

fn lines_differ(theirs: &[&[u8]], ours: &[&[u8]]) -> bool {
    let differs = |(theirs, ours)| theirs != ours;
    theirs.len() == ours.len() && theirs.iter().zip(ours).any(differs)
}

/// Whether the first lines that differ, but for those of items, do so like this.
fn first_differ(theirs: &[&[u8]], ours: &[&[u8]], like: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let is_item = |line: &[u8]| line.starts_with(b"VALUE ");
    let mut pairs = theirs.iter().zip(ours);
    let first = pairs.find(|(theirs, ours)| theirs != ours && !(is_item(theirs) && is_item(ours)));
    first.is_some_and(|(theirs, ours)| like(theirs, ours))
}

/// Whether 1.6.18 reads this as a number and 1.6.45 does not.
fn is_lax(word: &[u8]) -> bool {
    word.starts_with(b"+") || word.len() > 9 || word.starts_with(b"-")
}

/// Whether this answers a calculation.
fn is_sum(line: &[u8]) -> bool {
    let number = !line.is_empty() && line.iter().all(u8::is_ascii_digit);
    number || line.starts_with(b"HD") || line.starts_with(b"VA ")
}

/// The words of lines that are no key as the client spelled it, no version and no time.
fn plain_words<'l>(lines: &[&'l [u8]]) -> Vec<&'l [u8]> {
    let varies = |word: &[u8]| matches!(word, [b'k' | b'c' | b't', ..] | b"b");
    let line_words = |line: &'l [u8]| -> Vec<&'l [u8]> {
        match line {
            [b'V', b'A', b'L', ..] => words(line).take(4).collect(),
            [b'M', b'E', ..] => words(line).nth(3).into_iter().collect(),
            _ => words(line).filter(|word| !varies(word)).collect(),
        }
    };
    lines.iter().flat_map(|line| line_words(line)).collect()
}

fn is_wide(word: &[u8]) -> bool {
    str::from_utf8(word).is_ok_and(|word| {
        word.parse::<u64>()
            .is_ok_and(|number| number > u32::MAX.into())
    })
}

fn is_after_2038(word: &[u8]) -> bool {
    let number = str::from_utf8(word).ok().and_then(|word| word.parse().ok());
    number.is_some_and(|number: u32| (1 << 31..=4_292_375_295).contains(&number))
}

/// What was said between two fences.
struct Said<'s> {
    bytes: &'s [u8],
    line: &'s [u8],
    words: Vec<&'s [u8]>,
}

impl<'s> Said<'s> {
    fn new(bytes: &'s [u8]) -> Self {
        let end = bytes
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(bytes.len());
        let line = &bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words = words(line).collect();
        Self { bytes, line, words }
    }

    fn verb(&self) -> &'s [u8] {
        self.words.first().copied().unwrap_or_default()
    }

    fn stores(&self) -> bool {
        let verbs = [
            &b"set"[..],
            b"add",
            b"replace",
            b"append",
            b"prepend",
            b"cas",
        ];
        verbs.contains(&self.verb())
    }

    fn is_meta(&self) -> bool {
        [b"mg", b"ms", b"md", b"ma", b"me"]
            .iter()
            .any(|verb| self.verb() == *verb)
    }

    fn calculates(&self) -> bool {
        let verbs = [&b"incr"[..], b"decr", b"ma"];
        let lines = self.bytes.split(|&b| b == b'\n');
        lines
            .filter_map(|line| words(line).next())
            .any(|verb| verbs.contains(&verb))
    }

    fn noreply(&self) -> bool {
        self.words.last() == Some(&&b"noreply"[..])
    }

    /// The words that should be numbers.
    fn numbers(&self) -> impl Iterator<Item = &'s [u8]> {
        let at = match self.verb() {
            b"touch" | b"incr" | b"decr" => 2,
            b"gat" | b"gats" | b"verbosity" | b"flush_all" => 1,
            _ => usize::MAX,
        };
        self.words.get(at).copied().into_iter()
    }

    /// How many words the command needs.
    fn words_min(&self) -> usize {
        match self.verb() {
            b"get" | b"gets" | b"delete" | b"verbosity" => 2,
            b"gat" | b"gats" | b"incr" | b"decr" | b"touch" => 3,
            _ => 0,
        }
    }

    /// How many it may have.
    fn words_max(&self) -> usize {
        match self.verb() {
            b"set" | b"add" | b"replace" | b"append" | b"prepend" => 6,
            b"cas" => 7,
            b"incr" | b"decr" | b"touch" => 4,
            b"delete" => 2,
            b"verbosity" | b"flush_all" => 3,
            _ => usize::MAX,
        }
    }
}
