//! The binary protocol: conversations whole, byte by byte and cut at random, what packets that are
//! wrong can do, and what a host sees of packets.

// A test that cannot go on says why by panicking.
#![allow(clippy::unwrap_used)]

mod conversations;

use std::collections::BTreeMap;
use std::mem;

use conversations::{Conversation, Host, core_host};
use dynamidb_core::{Action, Cache, Config, Credentials, Event, Instant, Key, Keyspace, Lookup};
use dynamidb_core::{PacketField, PacketFields, Protocol, Session, SessionConfig};

/// How often each conversation is cut at random.
const SEEDS: u64 = 10;
const NOW: Instant = Instant::from_secs(1_700_000_000);

/// How much of what is said arrives next.
type Piece = Box<dyn FnMut(&[u8]) -> usize>;

/// How a conversation is cut, by name.
fn cuts() -> Vec<(String, Piece)> {
    let random = |seed| -> (String, Piece) {
        let mut random = fastrand::Rng::with_seed(seed);
        let longest = [8, 100, 5000][seed as usize % 3];
        let piece = move |_: &[u8]| random.usize(1..=longest);
        (format!("cut at random, seed {seed}"), Box::new(piece))
    };
    let whole: (String, Piece) = ("whole".into(), Box::new(<[u8]>::len));
    let bytes: (String, Piece) = ("byte by byte".into(), Box::new(|_| 1));
    [whole, bytes]
        .into_iter()
        .chain((1..=SEEDS).map(random))
        .collect()
}

#[test]
fn conversations_go_as_written_however_they_are_cut() {
    for conversation in
        conversations::all_binary().filter(|conversation| !conversation.settings.sasl)
    {
        let cache = || Cache::new(conversation.settings.config()).unwrap();
        let digests = cuts()
            .into_iter()
            .map(|(how, mut piece)| core_host::play(&conversation, cache(), &how, &mut piece));
        let digests: Vec<_> = digests.collect();
        let same = digests.iter().all(|digest| *digest == digests[0]);
        assert!(same, "{}: {digests:?}", conversation.name);
    }
}

#[test]
fn packets_go_as_written_with_replies_in_buffers_of_fixed_size() {
    for conversation in
        conversations::all_binary().filter(|conversation| !conversation.settings.sasl)
    {
        let cache = Cache::new(conversation.settings.config()).unwrap();
        let how = "replies in a fixed buffer";
        core_host::play_fixed(&conversation, cache, how, &mut <[u8]>::len);
    }
}

/// Text is spoken as before by sessions that could speak packets as well.
#[test]
fn text_conversations_go_as_written_where_packets_are_spoken() {
    for conversation in conversations::all() {
        let cache = Cache::new(conversation.settings.config()).unwrap();
        core_host::play(&conversation, cache, "whole", &mut <[u8]>::len);
    }
}

#[test]
fn clients_sign_in_as_written_however_it_is_cut() {
    for conversation in
        conversations::all_binary().filter(|conversation| conversation.settings.sasl)
    {
        for (how, piece) in cuts() {
            let cache = Cache::new(conversation.settings.config()).unwrap();
            conversation.play(&mut Accounts::new(&conversation, cache, piece), &how);
        }
    }
}

/// A host with one user.
struct Accounts {
    keyspace: OneUser,
    session: SessionConfig,
    piece: Piece,
    clients: BTreeMap<char, (Session, Vec<u8>, Vec<u8>)>,
}

struct OneUser(Cache);

impl Keyspace for OneUser {
    type Memory = Vec<u8>;

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        &mut self.0
    }
}

impl dynamidb_core::Host for OneUser {
    fn authenticate(&mut self, credentials: Option<Credentials<'_>>) -> bool {
        // A host that lets in whoever shows nothing does not get away with it.
        credentials.is_none_or(|shown| (shown.user, shown.password) == (b"ada", b"lovelace"))
    }
}

impl Accounts {
    fn new(conversation: &Conversation, cache: Cache, piece: Piece) -> Self {
        Self {
            keyspace: OneUser(cache),
            session: conversation.settings.session(),
            piece,
            clients: BTreeMap::new(),
        }
    }

    fn client(&mut self, name: char) -> &mut (Session, Vec<u8>, Vec<u8>) {
        let session = || Session::new(self.session.clone());
        let client = self.clients.entry(name);
        client.or_insert_with(|| (session(), Vec::new(), Vec::new()))
    }
}

impl Host for Accounts {
    fn say(&mut self, name: char, mut bytes: &[u8]) {
        self.client(name);
        let (session, input, heard) = self.clients.get_mut(&name).unwrap();
        while !bytes.is_empty() {
            let room = session.input_max() - input.len();
            let len = (self.piece)(bytes).clamp(1, bytes.len().min(room));
            input.extend_from_slice(&bytes[..len]);
            bytes = &bytes[len..];
            while let used @ 1.. = session.process(NOW, input, &mut self.keyspace, heard) {
                input.drain(..used);
            }
        }
    }

    fn hear(&mut self, name: char, _enough: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
        mem::take(&mut self.client(name).2)
    }

    fn is_closed(&mut self, name: char) -> bool {
        self.client(name).0.is_closed()
    }

    fn wait(&mut self, _millis: i64) {
        unreachable!("nobody waits in these conversations");
    }
}

/// A request: opcode, extras, key, value.
fn packet(opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, opcode];
    packet.extend((key.len() as u16).to_be_bytes());
    packet.extend([extras.len() as u8, 0, 0, 0]);
    packet.extend(((extras.len() + key.len() + value.len()) as u32).to_be_bytes());
    packet.extend([0; 12]);
    [&packet, extras, key, value].concat()
}

/// Packets of which some are wrong, and some bytes that are none.
fn random_packets(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = vec![];
    for _ in 0..random.usize(1..40) {
        let opcode = match random.u8(0..10) {
            0 => random.u8(..),
            _ => random.u8(..0x25),
        };
        let extras_len = [0, 4, 8, 20][match opcode {
            0x01..=0x03 | 0x11..=0x13 => 2,
            0x05 | 0x06 | 0x15 | 0x16 => 3,
            0x1c..=0x1e | 0x23 | 0x24 => 1,
            _ => 0,
        }];
        let extras: Vec<u8> = (0..extras_len).map(|_| random.u8(..3)).collect();
        let key = &b"abcde"[random.usize(..5)..];
        let key = if matches!(opcode, 7 | 8 | 10 | 11) {
            b""
        } else {
            key
        };
        let value = match opcode {
            0x01..=0x03 | 0x0e | 0x0f | 0x11..=0x13 | 0x19 | 0x1a => random.usize(..700),
            _ => 0,
        };
        let start = bytes.len();
        bytes.extend(packet(opcode, &extras, key, &vec![b'7'; value]));
        if random.u8(..20) == 0 {
            // Any byte of the header may be another.
            let at = start + random.usize(..24);
            bytes[at] = random.u8(..);
        }
    }
    bytes
}

#[test]
fn random_packets_lead_to_the_same_however_they_are_cut_and_within_the_limits() {
    for seed in 0..2000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let said = random_packets(&mut random);
        let mut outcomes = [usize::MAX, 1, random.usize(2..200)].map(|piece| {
            let mut config = Config::new(64 * 1024);
            config.item_size_max = 600;
            let mut cache = Cache::new(config).unwrap();
            let mut config = SessionConfig::default();
            (config.item_size_max, config.output_max) = (600, 1000);
            let mut session = Session::new(config);
            let (mut input, mut heard) = (Vec::new(), Vec::new());
            let mut rest = &said[..];
            while !rest.is_empty() && !session.is_closed() {
                let room = session.input_max() - input.len();
                assert!(room > 0, "seed {seed}: it asks for more than it says");
                let (piece, behind) = rest.split_at(piece.min(rest.len()).min(room));
                rest = behind;
                input.extend_from_slice(piece);
                loop {
                    let mut output = Vec::new();
                    let used = session.process(NOW, &input, &mut cache, &mut output);
                    assert!(output.len() < 6000, "seed {seed}: {} bytes", output.len());
                    heard.extend(output);
                    input.drain(..used);
                    if used == 0 {
                        break;
                    }
                }
            }
            cache.check();
            (heard, session.is_closed(), cache.digest())
        });
        let last = outcomes[2].clone();
        outcomes.iter_mut().for_each(|outcome| {
            assert!(*outcome == last, "seed {seed}");
        });
    }
}

/// Counts what it is told.
struct Witness {
    cache: Cache,
    batches: Vec<usize>,
    events: Vec<(Vec<u8>, &'static str, Lookup, Action)>,
    watches: bool,
}

impl Witness {
    fn hear(requests: &[u8], watches: bool) -> Self {
        let mut witness = Self {
            cache: Cache::new(Config::new(1 << 20)).unwrap(),
            batches: Vec::new(),
            events: Vec::new(),
            watches,
        };
        let mut session = Session::new(SessionConfig::default());
        let used = session.process(NOW, requests, &mut witness, &mut Vec::new());
        assert_eq!(used, requests.len());
        witness
    }
}

impl Keyspace for Witness {
    type Memory = Vec<u8>;

    fn cache_at(&mut self, _index: usize) -> &mut Cache {
        &mut self.cache
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        self.batches.push(keys.len());
    }
}

impl dynamidb_core::Host for Witness {
    fn wants_events(&self) -> bool {
        self.watches
    }

    fn on_event(&mut self, event: &Event<'_>) {
        let key = event.key.to_vec();
        self.events
            .push((key, event.verb, event.lookup, event.action));
    }
}

#[test]
fn pipelined_packets_are_prefetched_sixteen_at_a_time() {
    let requests: Vec<u8> = (0..40)
        .flat_map(|_| packet(0x0d, b"", b"key", b""))
        .collect();
    assert_eq!(Witness::hear(&requests, false).batches, [16, 16, 8]);
    // What a client may have next depends on how it signs in, so that nothing is read ahead of it.
    let stat = packet(0x10, b"", b"", b"");
    let requests = [&requests[..5 * 27], &stat, &requests[..4 * 27]].concat();
    assert_eq!(Witness::hear(&requests, false).batches, [6, 4]);
}

#[test]
fn a_watching_host_hears_of_packets_as_of_text() {
    let set = |opcode, cas: u8| {
        let mut set = packet(opcode, &[0; 8], b"k\n", b"1");
        set[23] = cas;
        set
    };
    let incr = |opcode| packet(opcode, &[0; 20], b"k\n", b"");
    let requests = [
        packet(0x09, b"", b"k\n", b""),
        set(0x11, 0),
        set(0x12, 0),
        set(0x01, 99),
        packet(0x0c, b"", b"k\n", b""),
        packet(0x1d, &[0; 4], b"k\n", b""),
        packet(0x1c, &[0; 4], b"k\n", b""),
        incr(0x05),
        incr(0x16),
        packet(0x19, b"", b"k\n", b"2"),
        packet(0x14, b"", b"k\n", b""),
        packet(0x0a, b"", b"", b""),
    ];
    let witness = Witness::hear(&requests.concat(), true);
    let events = witness.events.iter().map(|(key, verb, lookup, action)| {
        assert_eq!(key, b"k\n");
        let found = matches!(lookup, Lookup::Found(_));
        let what = match action {
            Action::Get => "get",
            Action::Change => "change",
            Action::Store { status, .. } => return (*verb, found, status.to_string()),
            Action::Delete { deleted: true } => "deleted",
            _ => "?",
        };
        (*verb, found, what.to_owned())
    });
    let expected = [
        ("get", false, "get"),
        ("set", false, "stored"),
        ("add", true, "not_stored"),
        ("cas", true, "exists"),
        ("get", true, "get"),
        ("gat", true, "get"),
        ("touch", true, "change"),
        ("incr", true, "change"),
        ("decr", true, "change"),
        ("append", true, "stored"),
        ("delete", true, "deleted"),
    ];
    let expected = expected.map(|(verb, found, what)| (verb, found, what.to_owned()));
    assert_eq!(events.collect::<Vec<_>>(), expected);
}

#[test]
fn statistics_are_the_same_as_for_text() {
    let requests = [
        packet(0x00, b"", b"k", b""),
        packet(0x01, &[0; 8], b"k", b"1"),
        packet(0x0c, b"", b"k", b""),
        packet(0x1d, &[0; 4], b"k", b""),
        packet(0x1c, &[0; 4], b"absent", b""),
        packet(0x05, &[0; 20], b"k", b""),
        packet(0x0e, b"", b"k", b"2"),
        packet(0x04, b"", b"k", b""),
        packet(0x08, b"", b"", b""),
    ];
    let text = b"get k\r\nset k 0 0 1\r\n1\r\nget k\r\ngat 0 k\r\ntouch absent 0\r\nincr k 0\r\n\
        append k 0 0 1\r\n2\r\ndelete k\r\nflush_all\r\n";
    let packets = Witness::hear(&requests.concat(), false).cache.stats();
    assert_eq!(packets, Witness::hear(text, false).cache.stats());
    assert_eq!(
        (packets.cmd_get, packets.touch_misses, packets.incr_hits),
        (2, 1, 1)
    );
}

#[test]
fn general_statistics_come_one_in_a_packet_and_end_with_an_empty_one() {
    let mut cache = Cache::new(Config::new(1 << 20)).unwrap();
    let mut session = Session::new(SessionConfig::default());
    let mut output = Vec::new();
    let settings = packet(0x10, b"", b"settings", b"");
    let _ = session.process(NOW, &settings, &mut cache, &mut output);
    assert!(output.ends_with(b"Not found"), "a cache alone has none");
    output.clear();
    let mut stat = packet(0x10, b"", b"", b"");
    stat[12..16].copy_from_slice(b"abcd");
    let _ = session.process(NOW, &stat, &mut cache, &mut output);
    let mut names = Vec::new();
    let mut rest = &output[..];
    while let Some((header, body)) = rest.split_first_chunk::<24>() {
        assert_eq!(
            (header[..2].to_vec(), &header[12..16]),
            (vec![0x81, 0x10], &b"abcd"[..])
        );
        let key_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let body_len = u32::from_be_bytes(header[8..12].try_into().unwrap()) as usize;
        names.push(String::from_utf8(body[..key_len].to_vec()).unwrap());
        let value = std::str::from_utf8(&body[key_len..body_len]).unwrap();
        assert_eq!(value.is_empty(), key_len == 0, "{names:?}");
        rest = &body[body_len..];
    }
    assert!(
        rest.is_empty() && names.contains(&"cmd_get".into()),
        "{names:?}"
    );
    assert_eq!(
        names.iter().position(String::is_empty),
        Some(names.len() - 1)
    );
}

#[test]
fn a_client_that_ends_the_protocol_is_at_fault_and_one_that_quits_is_not() {
    for (said, error) in [(packet(0x07, b"", b"", b""), false), (vec![0x80; 24], true)] {
        let mut config = SessionConfig::default();
        config.protocol = Protocol::Binary;
        let mut session = Session::new(config);
        let mut cache = Cache::new(Config::new(1 << 20)).unwrap();
        let _ = session.process(NOW, &said, &mut cache, &mut Vec::new());
        assert_eq!(
            (session.is_closed(), session.is_closed_by_error()),
            (true, error)
        );
    }
}

/// What is shown of packets, a line for each field.
fn shown(bytes: &[u8]) -> Vec<String> {
    let line = |field: PacketField<'_>| format!("{} {}", field.name, field.value);
    PacketFields::new(bytes).map(line).collect()
}

#[test]
fn packets_are_shown_field_by_field() {
    let incr = b"\x80\x05\0\x01\x14\0\0\x03\0\0\0\x15\0\0\0\x09\0\0\0\0\0\0\0\x02\
        \0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x0a\0\0\x0e\x10n";
    let header = [
        "magic 0x80 request",
        "opcode 0x05 incr",
        "key length 1",
        "extras length 20",
    ];
    assert_eq!(shown(incr)[..4], header);
    let rest = [
        "data type 0",
        "virtual bucket 3",
        "body length 21",
        "opaque 9",
        "cas 2",
    ];
    assert_eq!(shown(incr)[4..9], rest);
    assert_eq!(
        shown(incr)[9..],
        ["delta 5", "initial 10", "expiry 3600", "key n"]
    );

    let count = b"\x81\x05\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x2a";
    assert_eq!(shown(count)[5], "status 0x00 ok");
    assert_eq!(shown(count)[9..], ["value 42"]);

    let hit = b"\x81\x0d\0\x01\x04\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07k\x80\n";
    assert_eq!(shown(hit)[9..], ["flags 7", "key k", "value \\x80\\n"]);

    let two = [&count[..], hit].concat();
    assert_eq!(shown(&two), [shown(count), shown(hit)].concat());
    assert_eq!(
        shown(&two[..two.len() - 1])[20..],
        ["key k", "incomplete \\x80"]
    );
    assert_eq!(shown(b"\x80\x1f"), ["incomplete \\x80\\x1f"]);
    assert_eq!(shown(b"get k\r\n"), ["no packet get k\\r\\n"]);
}

#[test]
fn packets_are_shown_by_the_names_of_the_conversations() {
    for opcode in 0..=u8::MAX {
        let mut header = [0; 24];
        (header[0], header[1]) = (0x80, opcode);
        let known = conversations::packets::OPCODES
            .iter()
            .find(|(_, number)| *number == opcode);
        let name = known.map_or("unknown", |(name, _)| name);
        assert_eq!(shown(&header)[1], format!("opcode {opcode:#04x} {name}"));
    }
}

/// Whatever the bytes are, each is part of one field, in order.
#[test]
fn fields_of_packets_cover_all_bytes() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let len = random.usize(0..120);
        // Small numbers make packets that are nearly right.
        let mut bytes: Vec<u8> = (0..len)
            .map(|_| random.u8(0..=5) * random.u8(0..=1))
            .collect();
        if let Some(first) = bytes.first_mut() {
            *first = [0x80, 0x81, 0x82][random.usize(0..3)];
        }
        if random.bool() {
            bytes
                .iter_mut()
                .skip(8)
                .for_each(|byte| *byte = random.u8(..));
        }
        let mut end = 0;
        for field in PacketFields::new(&bytes) {
            assert_eq!(field.start, end);
            assert!(!field.bytes.is_empty());
            end += field.bytes.len();
        }
        assert_eq!(end, bytes.len());
    }
}
