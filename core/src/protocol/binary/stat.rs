//! `stat`: the text of `stats`, a packet for each line.

use alloc::vec::Vec;

use super::super::line::{Line, first_word};
use super::super::{AdminCommand, AdminOutcome, Host, Output, reply, stats};
use super::header::{Echo, Status};
use crate::Key;

const STATS: &[u8] = b"stats ";
const RESET: &[u8] = b"reset";
/// What asks for the counts of all prefixes: one statistic, whose value is all lines of text.
const DUMP: &[u8] = b"detail dump";
const DUMP_NAME: &[u8] = b"detailed";

/// Answers, or begins to.
pub(super) fn answer<H: Host>(
    echo: Echo,
    name: &[u8],
    host: &mut H,
    output: &mut impl Output,
) -> AdminOutcome {
    let mut text = Vec::new();
    let outcome = in_text(name, host, &mut text);
    if name.starts_with(DUMP) && text.ends_with(reply::END) {
        echo.packet(output, Status::Ok, 0, DUMP_NAME, &text);
        echo.done(output, 0);
    } else {
        into_packets(echo, &text, output);
    }
    outcome
}

/// Goes on with an answer.
pub(super) fn resume<H: Host>(echo: Echo, host: &mut H, output: &mut impl Output) -> AdminOutcome {
    let mut text = Vec::new();
    let outcome = host.resume(&mut text);
    into_packets(echo, &text, output);
    outcome
}

fn in_text<H: Host>(name: &[u8], host: &mut H, text: &mut Vec<u8>) -> AdminOutcome {
    if name.is_empty() {
        stats::report(host, text);
    } else if name.starts_with(RESET) && !host.allows_writes() {
        text.extend_from_slice(reply::READ_ONLY);
    } else if name.starts_with(RESET) {
        host.reset_stats();
        text.extend_from_slice(reply::RESET);
    } else if let Some(words) = words(name) {
        let mut buffer = [0; STATS.len() + Key::LEN_MAX];
        for (to, from) in buffer.iter_mut().zip(STATS.iter().chain(words)) {
            *to = *from;
        }
        let line = buffer.get(..STATS.len() + words.len()).unwrap_or_default();
        // A line that is all of its input, in which nothing ends it.
        let line = Line {
            text: line,
            verb: first_word(line),
            len: line.len(),
            input: line,
        };
        return host.command(&AdminCommand::new(line), text);
    } else {
        text.extend_from_slice(reply::ERROR);
    }
    AdminOutcome::Done
}

/// What is asked for, in the words of the text protocol. As in memcached, some names count by how
/// they begin; all others have to be whole, where text takes them cut short.
fn words(name: &[u8]) -> Option<&[u8]> {
    const BEGINNINGS: [&[u8]; 4] = [b"settings", b"detail on", b"detail off", DUMP];
    const WHOLE: [&[u8]; 5] = [b"items", b"slabs", b"sizes", b"conns", b"cachedump"];
    let begins = BEGINNINGS.into_iter().find(|word| name.starts_with(word));
    begins.or_else(|| WHOLE.contains(&first_word(name)).then_some(name))
}

/// Puts lines of text into packets: a name and a value each, and an empty one for the end.
fn into_packets(echo: Echo, text: &[u8], output: &mut impl Output) {
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line {
            reply::END | reply::OK | reply::RESET => echo.done(output, 0),
            reply::ERROR => echo.refusal(output, Status::NotFound),
            _ if line.starts_with(b"CLIENT_ERROR") => {
                echo.refusal(output, Status::InvalidArguments);
            }
            _ => {
                let line = line.strip_suffix(b"\r\n").unwrap_or(line);
                let (_, statistic) = parts(line);
                let (name, value) = parts(statistic);
                echo.packet(output, Status::Ok, 0, name, value);
            }
        }
    }
}

/// The first word, and what comes behind the space after it.
fn parts(text: &[u8]) -> (&[u8], &[u8]) {
    let word = first_word(text);
    (word, text.get(word.len() + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_memcached_does() {
        for (name, expected) in [
            ("settings", Some("settings")),
            ("settingsXYZ", Some("settings")),
            ("setting", None),
            ("detail on", Some("detail on")),
            ("detail off now", Some("detail off")),
            ("detail", None),
            ("detail nope", None),
            ("items", Some("items")),
            ("item", None),
            ("items ", Some("items ")),
            ("itemsX", None),
            ("cachedump 1 0", Some("cachedump 1 0")),
        ] {
            let words = words(name.as_bytes());
            assert_eq!(words, expected.map(str::as_bytes), "{name}");
        }
    }
}
