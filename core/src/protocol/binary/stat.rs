//! `stat`: the text of `stats`, a packet for each line.

use alloc::vec::Vec;

use super::super::line::{Line, first_word};
use super::super::{AdminCommand, AdminOutcome, Host, reply, stats};
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
    output: &mut Vec<u8>,
) -> AdminOutcome {
    let start = output.len();
    let outcome = in_text(name, host, output);
    if name.starts_with(DUMP) && output.ends_with(reply::END) {
        let text = take_text(output, start);
        echo.packet(output, Status::Ok, 0, DUMP_NAME, &text);
        echo.done(output, 0);
    } else {
        into_packets(echo, output, start);
    }
    outcome
}

/// Goes on with an answer.
pub(super) fn resume<H: Host>(echo: Echo, host: &mut H, output: &mut Vec<u8>) -> AdminOutcome {
    let start = output.len();
    let outcome = host.resume(output);
    into_packets(echo, output, start);
    outcome
}

fn in_text<H: Host>(name: &[u8], host: &mut H, output: &mut Vec<u8>) -> AdminOutcome {
    if name.is_empty() {
        stats::report(host, output);
    } else if name.starts_with(RESET) && !host.allows_writes() {
        output.extend_from_slice(reply::READ_ONLY);
    } else if name.starts_with(RESET) {
        host.reset_stats();
        output.extend_from_slice(reply::RESET);
    } else if let Some(words) = words(name) {
        let mut buffer = [0; STATS.len() + Key::LEN_MAX];
        for (to, from) in buffer.iter_mut().zip(STATS.iter().chain(words)) {
            *to = *from;
        }
        let text = buffer.get(..STATS.len() + words.len()).unwrap_or_default();
        // A line that is all of its input, in which nothing ends it.
        let line = Line {
            text,
            verb: first_word(text),
            len: text.len(),
            input: text,
        };
        return host.command(&AdminCommand::new(line), output);
    } else {
        output.extend_from_slice(reply::ERROR);
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

/// Puts the lines of text from `start` on into packets: a name and a value each, and an empty one
/// for the end.
fn into_packets(echo: Echo, output: &mut Vec<u8>, start: usize) {
    let text = take_text(output, start);
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

/// What stands from there on, which packets will take the place of.
fn take_text(output: &mut Vec<u8>, start: usize) -> Vec<u8> {
    let mut text = Vec::new();
    text.extend_from_slice(output.get(start..).unwrap_or_default());
    output.truncate(start);
    text
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
