//! Replies in a buffer of fixed size, as in a program without a heap: a request waits until its
//! reply fits, and is refused if it never does.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

use dynamidb_core::{AdminCommand, AdminOutcome, Cache, Config, FixedOutput, Host, Instant, Key};
use dynamidb_core::{Keyspace, Output, Session, SessionConfig};

const NOW: Instant = Instant::from_secs(1);
const TOO_SMALL: &str = "SERVER_ERROR out of memory writing response\r\n";
/// The least buffer that serves anything.
const SIZE_MIN: usize = 80;

type DeviceCache<'m> = Cache<&'m mut [u8]>;

/// A cache with values of 1, 100 and 1000 bytes.
fn cache(memory: &mut [u8]) -> DeviceCache<'_> {
    let mut cache = Cache::with_memory(Config::new(memory.len()), memory).unwrap();
    for (key, len) in [("small", 1), ("middle", 100), ("large", 1000)] {
        cache.set(NOW, key, &[b'v'; 1000][..len]).unwrap();
    }
    cache
}

/// What a client hears in a buffer of this size that is sent whenever the session stops, and how
/// much of it came at once.
fn converse(size: usize, host: &mut impl Host, said: &str) -> (String, Vec<usize>, Session) {
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut heard, mut sent) = (said.as_bytes(), String::new(), Vec::new());
    let mut buffer = vec![0; size];
    loop {
        let mut output = FixedOutput::new(&mut buffer);
        let used = session.process(NOW, input, host, &mut output);
        input = &input[used..];
        heard += str::from_utf8(output.as_bytes()).unwrap();
        if !output.is_empty() {
            sent.push(output.len());
        } else if used == 0 && !session.is_busy() {
            return (heard, sent, session);
        }
    }
}

/// The same with a reply that has no bound.
fn unbounded(host: &mut impl Host, said: &str) -> String {
    converse(1 << 16, host, said).0
}

#[test]
fn a_request_waits_until_its_reply_fits_and_counts_once() {
    let (mut memory, mut same) = ([0; 16 << 10], [0; 16 << 10]);
    let (mut cache, mut other) = (cache(&mut memory), cache(&mut same));
    let said = "get middle\r\nget middle\r\ngat 0 middle small\r\nmg middle v\r\ngets middle\r\n";
    let (heard, sent, session) = converse(250, &mut cache, said);
    assert_eq!(heard, unbounded(&mut other, said));
    assert!(sent.len() > 3 && !session.is_closed(), "{sent:?}");
    assert_eq!(cache.stats(), other.stats());
    assert_eq!(cache.digest(), other.digest());
}

#[test]
fn every_size_of_the_buffer_gives_whole_replies() {
    let mut said = "get small middle\r\nset n 0 0 1\r\n5\r\nincr n 3\r\ntouch small 5\r\n\
        version\r\nget absent\r\nwhat\r\ndelete small noreply\r\n"
        .to_owned();
    if cfg!(feature = "meta") {
        said += "mg middle k v t s f O12345\r\nme middle\r\nms n 2 c\r\n12\r\nma n v\r\n\
            md n q\r\nmn\r\n";
    }
    let mut memory = [0; 16 << 10];
    let expected = unbounded(&mut cache(&mut memory), &said);
    for size in 400..1200 {
        let (heard, _, session) = converse(size, &mut cache(&mut memory), &said);
        assert_eq!(heard, expected, "{size}");
        assert!(!session.is_closed(), "{size}: {heard}");
    }
}

#[test]
fn a_reply_that_never_fits_is_refused_without_effect() {
    let mut memory = [0; 16 << 10];
    let mut cache = cache(&mut memory);
    let before = (cache.stats(), cache.digest());
    for request in [
        "get large\r\n",
        "gat 9 large\r\n",
        "mg large v N5 T9\r\n",
        "stats\r\n",
    ] {
        if request.starts_with("mg") && !cfg!(feature = "meta") {
            continue;
        }
        let (heard, _, session) = converse(300, &mut cache, &format!("{request}get absent\r\n"));
        assert_eq!(heard, format!("{TOO_SMALL}END\r\n"), "{request}");
        assert!(!session.is_closed());
    }
    cache.reset_stats();
    assert_eq!(cache.digest(), before.1);
    assert!(cache.contains_key(NOW, "large"));
}

#[test]
fn a_report_waits_until_the_output_is_empty() {
    let (mut memory, mut same) = ([0; 16 << 10], [0; 16 << 10]);
    let said = "get middle\r\nstats\r\nget middle\r\nHELP\r\nversion\r\n";
    let expected = unbounded(&mut cache(&mut same), said);
    let (heard, sent, session) = converse(1000, &mut cache(&mut memory), said);
    assert_eq!(heard, expected);
    assert!(sent.len() > 1 && !session.is_closed(), "{sent:?}");
}

#[test]
fn a_value_that_never_fits_closes_the_session_between_two_keys() {
    let mut memory = [0; 16 << 10];
    for said in [
        "get small large\r\nget small\r\n",
        "get large small\r\nget small\r\n",
    ] {
        let (heard, _, session) = converse(300, &mut cache(&mut memory), said);
        assert!(
            heard.ends_with(TOO_SMALL) && !heard.contains("END"),
            "{heard}"
        );
        assert!(session.is_closed_by_error());
    }
}

#[test]
fn a_value_takes_its_size_and_no_less() {
    let mut memory = [0; 16 << 10];
    // What the line may have is reserved: the largest numbers and the end.
    let needed = SIZE_MIN + "middle".len() + 100;
    let said = "get middle\r\n";
    for (size, fits) in [(needed - 1, false), (needed, true), (needed + 1, true)] {
        let (heard, ..) = converse(size, &mut cache(&mut memory), said);
        assert_eq!(heard != TOO_SMALL, fits, "{size}");
    }
}

#[test]
fn less_than_80_bytes_serve_nothing() {
    let mut memory = [0; 16 << 10];
    for (size, serves) in [
        (0, false),
        (SIZE_MIN - 1, false),
        (SIZE_MIN, true),
        (SIZE_MIN + 1, true),
    ] {
        let (heard, _, session) = converse(size, &mut cache(&mut memory), "get absent\r\n");
        assert_eq!(
            (heard == "END\r\n", session.is_closed_by_error()),
            (serves, !serves),
            "{size}"
        );
    }
}

#[test]
fn output_min_fits_the_largest_item_with_every_field() {
    let mut memory = [0; 64 << 10];
    let mut cache = Cache::with_memory(Config::new(64 << 10), &mut memory[..]).unwrap();
    let key = "k".repeat(Key::LEN_MAX);
    let item_size_max = 2000;
    let value = "v".repeat(item_size_max - key.len());
    let config = SessionConfig::default().with_item_size_max(item_size_max);
    let mut session = Session::new(config);
    let mut buffer = vec![0; session.output_min()];
    let mut said = format!(
        "set {key} 4294967295 4294967 {}\r\n{value}\r\ngets {key}\r\n",
        value.len()
    );
    if cfg!(feature = "meta") {
        said += &format!("mg {key} c f h k l s t v O{}\r\n", "o".repeat(30));
    }
    let mut heard = Vec::new();
    let mut input = said.as_bytes();
    while !input.is_empty() {
        let mut output = FixedOutput::new(&mut buffer);
        let used = session.process(NOW, input, &mut cache, &mut output);
        input = &input[used..];
        heard.extend_from_slice(output.as_bytes());
    }
    let heard = String::from_utf8(heard).unwrap();
    assert!(!heard.contains("ERROR") && !session.is_closed(), "{heard}");
    assert_eq!(
        heard.matches(&value).count(),
        if cfg!(feature = "meta") { 2 } else { 1 }
    );
}

/// A host whose answer has as many bytes as the client asks for.
struct Talker<'m>(DeviceCache<'m>);

impl<'m> Keyspace for Talker<'m> {
    type Memory = &'m mut [u8];

    fn cache_at(&mut self, _index: usize) -> &mut DeviceCache<'m> {
        &mut self.0
    }
}

impl Host for Talker<'_> {
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        let len = command
            .words()
            .next()
            .and_then(|word| str::from_utf8(word).ok()?.parse().ok());
        output.extend_from_slice(b"before\r\n");
        output.extend_from_slice(&vec![b'.'; len.unwrap()]);
        match command.verb() {
            b"more" => AdminOutcome::Pending,
            _ => AdminOutcome::Done,
        }
    }

    fn resume(&mut self, output: &mut dyn Output) -> AdminOutcome {
        output.extend_from_slice(&[b'.'; 100]);
        AdminOutcome::Done
    }
}

#[test]
fn a_host_that_writes_more_than_is_available_ends_the_session() {
    let mut memory = [0; 16 << 10];
    let mut host = Talker(cache(&mut memory));
    for (said, rest) in [
        (
            "say 92\r\nget absent\r\n",
            Some(format!("before\r\n{}END\r\n", ".".repeat(92))),
        ),
        ("say 93\r\nget absent\r\n", None),
        (
            "more 20\r\nget absent\r\n",
            Some(format!("before\r\n{}END\r\n", ".".repeat(120))),
        ),
    ] {
        let (heard, _, session) = converse(100, &mut host, said);
        assert_eq!(heard, rest.as_deref().unwrap_or(TOO_SMALL), "{said}");
        assert_eq!(session.is_closed_by_error(), rest.is_none());
    }
}

/// A packet without extras, key or value but this key.
#[cfg(feature = "binary")]
fn packet(opcode: u8, key: &[u8]) -> Vec<u8> {
    let len = u8::try_from(key.len()).unwrap();
    let mut packet = [0; 24];
    (packet[0], packet[1], packet[3], packet[11]) = (0x80, opcode, len, len);
    [&packet, key].concat()
}

/// As [`converse`], in packets: each reply's opcode and status.
#[cfg(feature = "binary")]
fn converse_in_packets(
    size: usize,
    host: &mut impl Host,
    said: &[u8],
) -> (Vec<(u8, u8)>, Vec<usize>, Session) {
    let mut session = Session::new(SessionConfig::default());
    let (mut input, mut heard, mut sent) = (said, Vec::new(), Vec::new());
    let mut buffer = vec![0; size];
    loop {
        let mut output = FixedOutput::new(&mut buffer);
        let used = session.process(NOW, input, host, &mut output);
        input = &input[used..];
        heard.extend_from_slice(output.as_bytes());
        if !output.is_empty() {
            sent.push(output.len());
        } else if used == 0 && !session.is_busy() {
            break;
        }
    }
    let (mut rest, mut replies) = (&heard[..], Vec::new());
    while let [0x81, opcode, ..] = *rest {
        let len = u32::from_be_bytes(rest[8..12].try_into().unwrap());
        replies.push((opcode, rest[7]));
        rest = &rest[24 + len as usize..];
    }
    assert!(rest.is_empty(), "{}", rest.escape_ascii());
    (replies, sent, session)
}

#[cfg(feature = "binary")]
#[test]
fn statistics_in_packets_wait_until_the_output_is_empty() {
    let (mut memory, mut same) = ([0; 16 << 10], [0; 16 << 10]);
    let said = [packet(0, b"middle"), packet(16, b""), packet(0, b"middle")].concat();
    let (expected, sent, _) = converse_in_packets(1 << 16, &mut cache(&mut same), &said);
    let item = 24 + 4 + 100;
    let statistics = sent[0] - 2 * item;
    for (size, waits) in [
        (statistics + item - 1, true),
        (statistics + item, false),
        (statistics + item + 1, false),
    ] {
        let (replies, sent, session) = converse_in_packets(size, &mut cache(&mut memory), &said);
        assert_eq!(replies, expected, "{size}");
        assert_eq!(sent[0] == item, waits, "{size} {sent:?}");
        assert!(!session.is_closed());
    }
}

#[cfg(feature = "binary")]
#[test]
fn statistics_in_packets_that_never_fit_are_refused_in_a_packet() {
    const OUT_OF_MEMORY: u8 = 0x82;
    let mut memory = [0; 16 << 10];
    let said = [packet(16, b""), packet(10, b"")].concat();
    let (replies, _, session) = converse_in_packets(300, &mut cache(&mut memory), &said);
    assert_eq!(replies, [(16, OUT_OF_MEMORY), (10, 0)]);
    assert!(!session.is_closed());
    // What a host has said is not asked for again.
    for name in [&b"items 500"[..], b"slabs 60"] {
        let said = [packet(16, name), packet(10, b"")].concat();
        let mut host = Lister(cache(&mut memory));
        let (replies, _, session) = converse_in_packets(300, &mut host, &said);
        assert_eq!(replies.last(), Some(&(16, OUT_OF_MEMORY)));
        assert!(session.is_closed_by_error());
    }
}

/// A host that lists at once, or in a second piece, one thing for each ten bytes that the client
/// asks for.
#[cfg(feature = "binary")]
struct Lister<'m>(DeviceCache<'m>);

#[cfg(feature = "binary")]
impl<'m> Keyspace for Lister<'m> {
    type Memory = &'m mut [u8];

    fn cache_at(&mut self, _index: usize) -> &mut DeviceCache<'m> {
        &mut self.0
    }
}

#[cfg(feature = "binary")]
impl Host for Lister<'_> {
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        let is_later = command.words().any(|word| word == b"slabs");
        output.extend_from_slice(b"STAT a 1\r\n");
        if is_later {
            return AdminOutcome::Pending;
        }
        self.resume(output)
    }

    fn resume(&mut self, output: &mut dyn Output) -> AdminOutcome {
        (0..50).for_each(|_| output.extend_from_slice(b"STAT a 1\r\n"));
        output.extend_from_slice(b"END\r\n");
        AdminOutcome::Done
    }
}
