//! Conversations: what clients say, what they must hear, and when the clock moves. They are text
//! files that a person can read and every host of the core can play: the core alone, the server
//! behind its socket, the page.
//!
//! ```text
//! # A comment. The settings above the first title hold for the whole file, those below a title
//! # for that conversation only.
//! max_items: 3
//!
//! == a title, and a new cache
//! > set k 0 60 5                        says this line and CRLF
//! >> hello\r\n                          says exactly this
//! < STORED                              must hear this line and CRLF
//! << STORED\r\n                         must hear exactly this
//! @ +60s                                the clock moves (-1s, +500ms)
//! ! silence                             nothing else has been heard
//! b> get k                              another client, one letter
//! b< END
//! b> quit
//! b! closed                             its connection is closed
//! ```
//!
//! In both directions `\r \n \t \0 \s` (a space) `\\ \{ \xHH` stand for one byte and `{ab*3}` for
//! `ababab`. A `{name}` that is heard first takes the number found there; then it stands for it.
//! What must be heard may also have `{*}` for the rest of a line, and a line `...` for any lines.
//!
//! `=> get k` and `<= get value=x` are packets of the binary protocol: see `packets.rs`.
//!
//! In a Markdown file every block that is marked as `conversation` is one.

// Each host of the core uses its part of this. Devices do, too: nothing here needs `std`.
#![allow(dead_code)]

extern crate alloc;

pub(crate) mod core_host;
pub(crate) mod packets;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::iter;
use core::mem;
use core::str;

use dynamidb_core::{Config, Dialect, Protocol, SessionConfig};

/// Every conversation file: its name and its text.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("arithmetic.txt", include_str!("arithmetic.txt")),
    ("blocks.txt", include_str!("blocks.txt")),
    ("commands.txt", include_str!("commands.txt")),
    ("dialects.txt", include_str!("dialects.txt")),
    ("dynamidb.txt", include_str!("dynamidb.txt")),
    ("expiry.txt", include_str!("expiry.txt")),
    ("flush_prefix.txt", include_str!("flush_prefix.txt")),
    ("lru.txt", include_str!("lru.txt")),
    ("meta_arithmetic.txt", include_str!("meta_arithmetic.txt")),
    ("meta_base64.txt", include_str!("meta_base64.txt")),
    ("meta_get.txt", include_str!("meta_get.txt")),
    ("meta_set.txt", include_str!("meta_set.txt")),
    ("noreply.txt", include_str!("noreply.txt")),
    ("protocol.md", include_str!("../../docs/protocol.md")),
    ("retrieval.txt", include_str!("retrieval.txt")),
    ("stats.txt", include_str!("stats.txt")),
    ("storage.txt", include_str!("storage.txt")),
];

/// Those in the binary protocol, for hosts that speak it.
pub(crate) const BINARY_FILES: &[(&str, &str)] = &[
    ("binary.txt", include_str!("binary.txt")),
    ("sasl.txt", include_str!("sasl.txt")),
];

/// The time at which every conversation begins, in milliseconds since 1970.
pub(crate) const START_MILLIS: u64 = 1_700_000_000_000;

/// What plays a conversation: it has clients, which have connections to one cache, and a clock.
pub(crate) trait Host {
    /// Lets a client say this. The first time it is mentioned it connects.
    fn say(&mut self, client: char, bytes: &[u8]);
    /// All that a client has heard since it was last asked. A host that has to wait for replies
    /// waits until `enough` is true of them, or until nothing more can be expected.
    fn hear(&mut self, client: char, enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8>;
    /// Whether the other side has closed this client's connection.
    fn is_closed(&mut self, client: char) -> bool;
    /// Moves the clock.
    fn wait(&mut self, millis: i64);
}

/// What the host has to be set up with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) dialect: Dialect,
    pub(crate) protocol: Protocol,
    /// Whether clients have to sign in, as `ada` with `lovelace`.
    pub(crate) sasl: bool,
    pub(crate) memory: usize,
    pub(crate) max_items: Option<usize>,
    pub(crate) item_size_max: usize,
    pub(crate) output_max: usize,
    pub(crate) flush_enabled: bool,
    pub(crate) cas_enabled: bool,
    /// Whether the outcome may depend on how the bytes are cut: memcached's rule for long lines.
    pub(crate) whole: bool,
}

impl Settings {
    fn new() -> Self {
        let session = SessionConfig::default();
        Self {
            dialect: session.dialect,
            protocol: session.protocol,
            sasl: false,
            memory: 4 << 20,
            max_items: None,
            item_size_max: session.item_size_max,
            output_max: session.output_max,
            flush_enabled: true,
            cas_enabled: true,
            whole: false,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        match name {
            "dialect" => {
                self.dialect = match value {
                    "auto" => Dialect::Auto,
                    "dynamidb" => Dialect::DynamiDb,
                    "memcached" => Dialect::Memcached,
                    other => panic!("no dialect {other:?}"),
                }
            }
            "protocol" => {
                self.protocol = match value {
                    "auto" => Protocol::Auto,
                    "ascii" => Protocol::Text,
                    "binary" => Protocol::Binary,
                    other => panic!("no protocol {other:?}"),
                }
            }
            "sasl" => self.sasl = value == "true",
            "memory" => self.memory = number(value),
            "max_items" => self.max_items = Some(number(value)),
            "item_size_max" => self.item_size_max = number(value),
            "output_max" => self.output_max = number(value),
            "flush_enabled" => self.flush_enabled = value == "true",
            "cas_enabled" => self.cas_enabled = value == "true",
            "whole" => self.whole = value == "true",
            other => panic!("no setting {other:?}"),
        }
    }

    /// The cache's limits.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(self.memory);
        config.max_items = self.max_items;
        config.item_size_max = self.item_size_max;
        config
    }

    /// The sessions' limits.
    pub(crate) fn session(&self) -> SessionConfig {
        let mut config = SessionConfig::default();
        config.dialect = self.dialect;
        config.protocol = self.protocol;
        config.sasl = self.sasl;
        config.item_size_max = self.item_size_max;
        config.output_max = self.output_max;
        config.flush_enabled = self.flush_enabled;
        config.cas_enabled = self.cas_enabled;
        config
    }
}

fn number(value: &str) -> usize {
    value
        .parse()
        .unwrap_or_else(|_| panic!("{value:?} is no number"))
}

/// One conversation, on a separate cache.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// File, line and title.
    pub(crate) name: String,
    pub(crate) settings: Settings,
    events: Vec<(usize, Event)>,
}

#[derive(Debug)]
enum Event {
    Say(char, Vec<Piece>),
    Hear(char, Vec<Piece>),
    Silence(char),
    Closed(char),
    Wait(i64),
}

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Number(String),
    /// The same number as a packet has it.
    Cas(String),
    RestOfLine,
    Lines,
}

/// All conversations of all files.
pub(crate) fn all() -> impl Iterator<Item = Conversation> {
    FILES.iter().flat_map(|(name, text)| parse(name, text))
}

/// All conversations in the binary protocol.
pub(crate) fn all_binary() -> impl Iterator<Item = Conversation> {
    BINARY_FILES
        .iter()
        .flat_map(|(name, text)| parse(name, text))
}

/// The conversations of one file.
pub(crate) fn parse(file: &str, text: &str) -> Vec<Conversation> {
    let mut common = Settings::new();
    let mut conversations: Vec<Conversation> = Vec::new();
    let markdown;
    let text = match file.strip_suffix(".md") {
        Some(_) => {
            markdown = blocks(text);
            &markdown
        }
        None => text,
    };
    for (number, line) in iter::zip(1.., text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("== ") {
            let name = format!("{file}:{number}: {title}");
            conversations.push(Conversation {
                name,
                settings: common.clone(),
                events: Vec::new(),
            });
            continue;
        }
        let current = conversations.last_mut();
        let settings = current.map_or(&mut common, |conversation| &mut conversation.settings);
        match line.split_once(": ") {
            Some((name, value)) if name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
                settings.set(name, value);
            }
            _ => {
                let event = event(line).unwrap_or_else(|| panic!("{file}:{number}: {line:?}"));
                let conversation = conversations
                    .last_mut()
                    .expect("a title comes before what is said");
                conversation.push(number, event);
            }
        }
    }
    conversations
}

/// The blocks of a Markdown file, each with a title; all other lines are empty.
fn blocks(text: &str) -> String {
    let (mut lines, mut inside) = (String::new(), false);
    for line in text.lines() {
        match line {
            "```conversation" => {
                inside = true;
                lines.push_str("== an example");
            }
            "```" => inside = false,
            _ if inside => lines.push_str(line),
            _ => {}
        }
        lines.push('\n');
    }
    lines
}

fn event(line: &str) -> Option<Event> {
    let named = line.starts_with(|c: char| c.is_ascii_lowercase());
    let client = if named { line.chars().next()? } else { 'a' };
    let line = &line[usize::from(named)..];
    let (sign, text) = line.split_once(' ').unwrap_or((line, ""));
    Some(match (sign, text) {
        (">", _) => Event::Say(client, pieces(&format!("{text}\\r\\n"))?),
        (">>", _) => Event::Say(client, pieces(text)?),
        ("<", "...") => Event::Hear(client, vec![Piece::Lines]),
        ("<<", _) => Event::Hear(client, pieces(text)?),
        ("<", _) => Event::Hear(client, pieces(&format!("{text}\\r\\n"))?),
        ("=>", _) => Event::Say(client, packets::request(text)?),
        ("<=", _) => Event::Hear(client, packets::reply(text)?),
        ("!", "silence") => Event::Silence(client),
        ("!", "closed") => Event::Closed(client),
        ("@", _) => Event::Wait(match text.strip_suffix("ms") {
            Some(millis) => millis.parse().ok()?,
            None => text.strip_suffix('s')?.parse::<i64>().ok()? * 1000,
        }),
        _ => return None,
    })
}

fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match first {
            b'\\' => escape(after, &mut bytes)?,
            b'{' => {
                let end = after.iter().position(|&b| b == b'}')?;
                let inner = str::from_utf8(&after[..end]).ok()?;
                let run = inner.rsplit_once('*').filter(|(text, _)| !text.is_empty());
                if let Some((text, count)) = run {
                    bytes.extend(unescape(text)?.repeat(count.parse().ok()?));
                } else {
                    pieces.push(Piece::Bytes(mem::take(&mut bytes)));
                    let rest_of_line = inner == "*";
                    pieces.push(if rest_of_line {
                        Piece::RestOfLine
                    } else {
                        Piece::Number(inner.into())
                    });
                }
                &after[end + 1..]
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    pieces.push(Piece::Bytes(bytes));
    Some(pieces)
}

/// Text without braces.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'\\' => rest = escape(after, &mut bytes)?,
            _ => bytes.push(*first),
        }
    }
    Some(bytes)
}

/// Reads what follows a backslash; returns what follows that.
fn escape<'t>(text: &'t [u8], bytes: &mut Vec<u8>) -> Option<&'t [u8]> {
    let (&letter, rest) = text.split_first()?;
    bytes.push(match letter {
        b'r' => b'\r',
        b'n' => b'\n',
        b't' => b'\t',
        b's' => b' ',
        b'0' => 0,
        b'\\' | b'{' => letter,
        b'x' => {
            let (digits, rest) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
            return Some(rest);
        }
        _ => return None,
    });
    Some(rest)
}

impl Conversation {
    /// Adds an event; what one client says or hears without a break is one event.
    fn push(&mut self, line: usize, event: Event) {
        match (self.events.last_mut(), event) {
            (Some((_, Event::Say(before, pieces))), Event::Say(client, more))
                if *before == client =>
            {
                pieces.extend(more);
            }
            (Some((_, Event::Hear(before, pieces))), Event::Hear(client, more))
                if *before == client =>
            {
                pieces.extend(more);
            }
            (_, event) => self.events.push((line, event)),
        }
    }

    /// Whether the clock moves in it.
    pub(crate) fn moves_clock(&self) -> bool {
        self.events
            .iter()
            .any(|(_, event)| matches!(event, Event::Wait(_)))
    }

    /// Plays it.
    ///
    /// # Panics
    /// If something else is heard than must be. `how` says how it was played.
    pub(crate) fn play(&self, host: &mut impl Host, how: &str) {
        let mut numbers = BTreeMap::new();
        let mut clients = Vec::new();
        for (line, event) in &self.events {
            let place = format!("{} ({how}), line {line}", self.name);
            match event {
                Event::Say(client, pieces) => {
                    host.say(*client, &text(pieces, &numbers));
                    clients.push(*client);
                }
                Event::Hear(client, pieces) => {
                    let enough = |heard: &[u8]| matches(pieces, heard, &mut numbers.clone());
                    let heard = host.hear(*client, &enough);
                    let right = matches(pieces, &heard, &mut numbers);
                    assert!(
                        right,
                        "{place}: must hear\n{}heard\n{}",
                        shown(&text(pieces, &numbers)),
                        shown(&heard)
                    );
                }
                Event::Silence(client) => assert_silence(host, *client, &place),
                Event::Closed(client) => assert!(host.is_closed(*client), "{place}: not closed"),
                Event::Wait(millis) => host.wait(*millis),
            }
        }
        for client in clients {
            assert_silence(host, client, &format!("{} ({how}), at the end", self.name));
        }
    }
}

fn assert_silence(host: &mut impl Host, client: char, place: &str) {
    let heard = host.hear(client, &|heard| !heard.is_empty());
    assert!(
        heard.is_empty(),
        "{place}: {client} also heard\n{}",
        shown(&heard)
    );
}

/// Bytes for a person: line by line, long lines cut off.
fn shown(bytes: &[u8]) -> String {
    let line = |line: &[u8]| format!("    {:.200}\n", line.escape_ascii().to_string());
    bytes.split_inclusive(|&b| b == b'\n').map(line).collect()
}

/// The bytes that pieces stand for, as far as that is known.
fn text(pieces: &[Piece], numbers: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(known) => bytes.extend_from_slice(known),
            Piece::Number(name) => bytes.extend(numbers.get(name).cloned().unwrap_or_default()),
            Piece::Cas(name) => {
                let digits = numbers
                    .get(name)
                    .and_then(|digits| str::from_utf8(digits).ok());
                let number: u64 = digits.map_or(0, |digits| digits.parse().unwrap_or(0));
                bytes.extend(number.to_be_bytes());
            }
            Piece::RestOfLine | Piece::Lines => bytes.extend_from_slice(b"..."),
        }
    }
    bytes
}

/// Whether `heard` is what pieces stand for. Fills in the numbers that were not known before.
fn matches<'h>(pieces: &[Piece], heard: &'h [u8], numbers: &mut BTreeMap<String, Vec<u8>>) -> bool {
    let Some((first, rest)) = pieces.split_first() else {
        return heard.is_empty();
    };
    match first {
        Piece::Bytes(bytes) => heard
            .strip_prefix(&bytes[..])
            .is_some_and(|heard| matches(rest, heard, numbers)),
        Piece::Number(name) => {
            let digits = heard.iter().take_while(|b| b.is_ascii_digit()).count();
            let known = numbers
                .entry(name.clone())
                .or_insert_with(|| heard[..digits].to_vec());
            digits > 0 && heard[..digits] == known[..] && matches(rest, &heard[digits..], numbers)
        }
        Piece::Cas(name) => {
            let Some((bytes, heard)) = heard.split_first_chunk() else {
                return false;
            };
            let digits = u64::from_be_bytes(*bytes).to_string().into_bytes();
            let known = numbers
                .entry(name.clone())
                .or_insert_with(|| digits.clone());
            digits != b"0" && digits == *known && matches(rest, heard, numbers)
        }
        Piece::RestOfLine => {
            let line = heard
                .iter()
                .position(|&b| b == b'\r')
                .unwrap_or(heard.len());
            any_matches(rest, (0..=line).map(|skipped| &heard[skipped..]), numbers)
        }
        Piece::Lines => {
            let next_line = |heard: &&'h [u8]| {
                heard
                    .iter()
                    .position(|&b| b == b'\n')
                    .map(|end| &heard[end + 1..])
            };
            any_matches(rest, iter::successors(Some(heard), next_line), numbers)
        }
    }
}

/// Whether one of several tails is what pieces stand for.
fn any_matches<'h>(
    pieces: &[Piece],
    mut tails: impl Iterator<Item = &'h [u8]>,
    numbers: &mut BTreeMap<String, Vec<u8>>,
) -> bool {
    tails.any(|heard| {
        let mut found = numbers.clone();
        let right = matches(pieces, heard, &mut found);
        if right {
            *numbers = found;
        }
        right
    })
}
