//! `lru_crawler metadump`, `lru_crawler mgdump` and `stats cachedump`: lists of items.

use std::io::Write;

use base64ct::{Base64, Encoding};
use dynamidb_core::Key;
use dynamidb_core::view::ItemView;

use super::scan::Scan;
use super::{Answer, BAD_LINE, Task, number, tuning};
use crate::server::clock::Wall;
use crate::shards::View;

/// A list that is being sent.
#[derive(Debug)]
pub(crate) struct Dump {
    scan: Scan,
    form: Form,
    /// The slab classes whose items are listed, a bit for each.
    classes: u64,
    /// How many more items are listed.
    left: usize,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Metadata,
    Keys,
    Cachedump,
}

impl Dump {
    /// `metadump <classes>`: a line for each item that says everything but its value.
    pub(super) fn metadata(view: &View<'_>, which: &[u8]) -> Answer {
        let refusal = "ERROR metadump not allowed\r\n";
        Self::begin(view, which, Form::Metadata, refusal)
    }

    /// `mgdump <classes>`: a line for each item that would get it.
    pub(super) fn keys(view: &View<'_>, which: &[u8]) -> Answer {
        Self::begin(view, which, Form::Keys, "ERROR key dump not allowed\r\n")
    }

    fn begin(view: &View<'_>, which: &[u8], form: Form, refusal: &'static str) -> Answer {
        if view.host().settings.options.memcached.disable_dumping {
            return Answer::Reply(refusal);
        }
        match tuning::classes(view, which) {
            Ok(classes) => {
                let dump = Self {
                    scan: Scan::default(),
                    form,
                    classes,
                    left: usize::MAX,
                };
                Answer::Begun("OK\r\n", Task::Dump(dump))
            }
            Err(refusal) => Answer::Reply(refusal),
        }
    }

    /// `cachedump <class> <limit>`: up to so many items of one slab class, all of them if 0.
    pub(super) fn cachedump(view: &View<'_>, words: &[&[u8]]) -> Answer {
        if view.host().settings.options.memcached.disable_dumping {
            return Answer::Reply("CLIENT_ERROR stats cachedump not allowed\r\n");
        }
        let &[class, limit, ..] = words else {
            return Answer::Reply("CLIENT_ERROR bad command line\r\n");
        };
        let (class, limit) = match (number::<u32>(class), number::<u32>(limit)) {
            (Some(class @ ..64), Some(limit)) => (class, limit),
            (Some(_), Some(_)) => return Answer::Reply("CLIENT_ERROR Illegal slab id\r\n"),
            _ => return Answer::Reply(BAD_LINE),
        };
        let dump = Self {
            scan: Scan::default(),
            form: Form::Cachedump,
            classes: 1 << class,
            left: match limit {
                0 => usize::MAX,
                limit => limit as usize,
            },
        };
        Answer::Begun("", Task::Dump(dump))
    }

    /// Lists some more items; `false` if that was all.
    pub(super) fn resume(&mut self, view: &mut View<'_>, output: &mut Vec<u8>) -> bool {
        let Self {
            scan,
            form,
            classes,
            left,
        } = self;
        let wall = view.host().clock.wall();
        let goes_on = scan.step(view, |item| {
            if *classes >> (item.class + 1) & 1 == 1 && *left > 0 {
                *left -= 1;
                form.line(item, &wall, output);
            }
        });
        if goes_on && self.left > 0 {
            return true;
        }
        output.extend_from_slice(self.form.end().as_bytes());
        false
    }
}

impl Form {
    fn line(self, view: &ItemView<'_>, wall: &Wall, output: &mut Vec<u8>) {
        let item = &view.item;
        let ends = item.expires_at.map(|end| wall.second(end));
        // Writing to a `Vec` does not fail.
        let _ = match self {
            Self::Metadata => {
                output.extend_from_slice(b"key=");
                push_encoded(output, view.key);
                let ends = ends.map_or(-1, |second| second.cast_signed());
                let used = wall.date(item.last_used).as_secs();
                let fetched = if item.fetched { "yes" } else { "no" };
                let class = view.class + 1;
                let (size, cas, flags) = (view.size, item.cas, item.flags);
                write!(output, " exp={ends} la={used} cas={cas} fetch={fetched}")
                    .and_then(|()| writeln!(output, " cls={class} size={size} flags={flags} "))
            }
            Self::Keys => {
                output.extend_from_slice(b"mg ");
                push_key(output, view);
                output.write_all(b"\r\n")
            }
            Self::Cachedump => {
                output.extend_from_slice(b"ITEM ");
                push_key(output, view);
                let (size, ends) = (item.value.len(), ends.unwrap_or(0));
                write!(output, " [{size} b; {ends} s]\r\n")
            }
        };
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Metadata | Self::Cachedump => super::END,
            Self::Keys => "EN\r\n",
        }
    }
}

/// Appends a key as a meta command names it: one that was stored in base64 in the same way.
fn push_key(output: &mut Vec<u8>, view: &ItemView<'_>) {
    if !view.base64 {
        output.extend_from_slice(view.key);
        return;
    }
    let mut buffer = [0; Key::LEN_MAX.div_ceil(3) * 4];
    // It fits: no key is longer than the limit.
    let text = Base64::encode(view.key, &mut buffer).unwrap_or_default();
    output.extend_from_slice(text.as_bytes());
    output.extend_from_slice(b" b");
}

/// Appends a key as it is written in a URI, so that nothing in it can be taken for something else.
pub(crate) fn push_encoded(output: &mut Vec<u8>, key: &[u8]) {
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
    fn keys_are_encoded_as_in_a_uri() {
        let encoded = |key: &[u8]| {
            let mut output = Vec::new();
            push_encoded(&mut output, key);
            String::from_utf8(output).unwrap()
        };
        assert_eq!(encoded(b"az-AZ_09.~"), "az-AZ_09.~");
        assert_eq!(encoded(b"a b%,#\n\xff"), "a%20b%25%2C%23%0A%FF");
    }
}
