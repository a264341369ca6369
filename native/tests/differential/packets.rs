//! The same for the binary protocol: packets, valid and broken, beside a client of the text
//! protocol that works on the same keys.
//!
//! Behind every few packets comes a fence, `noop`. What ends a conversation is said alone, and both
//! clients go on with new connections. Numbers of versions differ between servers, so that they are
//! compared by which belong together.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::io::{Read, Write as _};
use std::net::TcpStream;

use fastrand::Rng;

use crate::peers::{Peer, Servers};
use crate::shrink;

const KEYS: [&[u8]; 7] = [
    b"a",
    b"b",
    b"counter",
    b"counter",
    b"with blank",
    b"\0\r\n\xff",
    &[b'k'; 250],
];
/// Those that text can name, too.
const TEXT_KEYS: [&str; 3] = ["a", "b", "counter"];
const EXPTIMES: [u32; 6] = [0, 0, 100, 2_592_000, 2_592_001, u32::MAX];
const NUMBERS: [&[u8]; 8] = [
    b"0",
    b"9",
    b"10",
    b"99",
    b"007",
    b"18446744073709551615",
    b"x",
    b"",
];
const NOOP: u8 = 0x0a;
const FENCE: u32 = 0xfe2ce;
const SEED_OF_TEXT: u64 = 0x7e87;

/// A request; the version in it is filled in for each server.
#[derive(Clone)]
struct Packet {
    bytes: Vec<u8>,
    key: Vec<u8>,
    cas: Cas,
}

#[derive(Clone, Copy)]
enum Cas {
    None,
    /// The last that was told for the key.
    Last,
    /// One that no item has.
    Wrong,
}

/// A reply without its version.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    head: Vec<u8>,
    cas: u64,
    body: Vec<u8>,
}

/// The versions that were told: which of ours goes with one of theirs, and the last of each key.
#[derive(Default)]
struct Versions {
    pairs: HashMap<u64, u64>,
    last: HashMap<Vec<u8>, (u64, u64)>,
}

impl Versions {
    fn belong_together(&mut self, theirs: u64, ours: u64) -> bool {
        if theirs == 0 || ours == 0 {
            return theirs == ours;
        }
        *self.pairs.entry(theirs).or_insert(ours) == ours
    }
}

/// One server's two clients.
struct Clients {
    packets: Peer,
    text: Peer,
}

/// Plays one session; returns how many packets there were, or what differs.
pub(crate) fn play(servers: &Servers, seed: u64) -> Result<u64, String> {
    let mut rng = Rng::with_seed(seed);
    let connect = || {
        let patience = crate::support::PATIENCE;
        let (packets, text) = (servers.connect(patience), servers.connect(patience));
        let clients = |packets, text| Clients { packets, text };
        (clients(packets.0, text.0), clients(packets.1, text.1))
    };
    let (mut theirs, mut ours) = connect();
    let mut versions = Versions::default();
    let mut count = 0;
    let mut log = String::new();
    let flush = Packet::new(0x08, b"", b"", b"");
    exchange(
        &mut theirs,
        &mut ours,
        &[flush],
        &mut versions,
        &mut log,
        &mut rng,
    )?;
    for _ in 0..rng.usize(5..60) {
        match rng.u8(..16) {
            0 => {
                let bytes = last_words(&mut rng);
                let _ = writeln!(log, ">> {}", shrink::escaped(&bytes));
                let heard = [&mut theirs, &mut ours].map(|clients| {
                    clients.packets.say(&bytes, 1, &mut rng);
                    clients.packets.say_no_more();
                    rest(&mut clients.packets.socket)
                });
                count += 1;
                if heard[0] != heard[1] {
                    return Err(format!(
                        "seed {seed}: {}",
                        report(&log, &heard[0], &heard[1])
                    ));
                }
                (theirs, ours) = connect();
            }
            1..4 => {
                let mut rng = Rng::with_seed(rng.u64(..) ^ SEED_OF_TEXT);
                text(&mut theirs, &mut ours, &mut versions, &mut log, &mut rng)
                    .map_err(|error| format!("seed {seed}: {error}"))?;
                count += 1;
            }
            // Apart, because a number of memcached's is padded only if no reply holds it.
            kind => {
                let make = if kind < 7 { arithmetic } else { packet };
                let packets: Vec<_> = (0..rng.usize(1..12)).map(|_| make(&mut rng)).collect();
                count += packets.len() as u64;
                exchange(
                    &mut theirs,
                    &mut ours,
                    &packets,
                    &mut versions,
                    &mut log,
                    &mut rng,
                )
                .map_err(|error| format!("seed {seed}: {error}"))?;
            }
        }
    }
    Ok(count)
}

/// Says packets and a fence to both, and compares the replies.
fn exchange(
    theirs: &mut Clients,
    ours: &mut Clients,
    packets: &[Packet],
    versions: &mut Versions,
    log: &mut String,
    rng: &mut Rng,
) -> Result<(), String> {
    let mut fence = Packet::new(NOOP, b"", b"", b"").bytes;
    fence[12..16].copy_from_slice(&FENCE.to_be_bytes());
    let said = |which: fn((u64, u64)) -> u64| {
        let rendered = packets.iter().map(|packet| packet.render(versions, which));
        rendered.chain([fence.clone()]).collect::<Vec<_>>().concat()
    };
    let (to_them, to_us) = (said(|(theirs, _)| theirs), said(|(_, ours)| ours));
    for packet in packets {
        packet.show(log);
    }
    let pieces = *rng.choice(&[1, 1, 2, 5, 20]).unwrap();
    theirs.packets.say(&to_them, pieces, rng);
    ours.packets.say(&to_us, pieces, rng);
    let heard = (replies(&mut theirs.packets), replies(&mut ours.packets));
    let same = heard.0.len() == heard.1.len()
        && heard.0.iter().zip(&heard.1).all(|(theirs, ours)| {
            let together = versions.belong_together(theirs.cas, ours.cas);
            together && (&theirs.head, &theirs.body) == (&ours.head, &ours.body)
        });
    if !same {
        return Err(report(log, &heard.0, &heard.1));
    }
    // An answer names its request by the opaque, whose last byte is the number of the packet's key.
    for (theirs, ours) in heard.0.iter().zip(&heard.1) {
        let key = KEYS.get(usize::from(theirs.head[15]));
        if let Some(key) = key.filter(|_| theirs.cas != 0) {
            versions.last.insert(key.to_vec(), (theirs.cas, ours.cas));
        }
    }
    Ok(())
}

/// A line of text about one of the keys, said to both.
fn text(
    theirs: &mut Clients,
    ours: &mut Clients,
    versions: &mut Versions,
    log: &mut String,
    rng: &mut Rng,
) -> Result<(), String> {
    let number = rng.u32(..200);
    // A value longer than any number is one to memcached and none to us.
    let key = match number % 8 {
        1 => "a",
        2 => "counter",
        _ => TEXT_KEYS[rng.usize(..TEXT_KEYS.len())],
    };
    let (before, ours_before) = versions.last.get(key.as_bytes()).copied().unwrap_or((1, 1));
    let line = |version: u64| match number % 8 {
        0 => format!("set {key} {number} 0 3\r\n{number:03}\r\n"),
        1 => format!("append {key} 0 0 1\r\n7\r\n"),
        2 => format!("incr {key} {number}\r\n"),
        3 => format!("cas {key} 0 0 2 {version}\r\n42\r\n"),
        4 => format!("touch {key} 100\r\n"),
        5 => format!("delete {key}\r\n"),
        6 => format!("get {key} absent\r\n"),
        _ => format!("mg {key} s f v\r\n"),
    };
    let _ = writeln!(log, "t>> {}", line(ours_before).escape_default());
    let all = |version| format!("{}gets {key}\r\nmn\r\n", line(version));
    theirs.text.say(all(before).as_bytes(), 1, rng);
    ours.text.say(all(ours_before).as_bytes(), 1, rng);
    let mut heard = [&mut theirs.text, &mut ours.text].map(|peer| {
        let bytes = peer.hear(1).swap_remove(0).bytes;
        String::from_utf8_lossy(&bytes).into_owned()
    });
    // The version stands at the end of the last line `VALUE`.
    let told = heard.each_mut().map(|text| {
        let line = text
            .rfind("VALUE ")
            .filter(|_| text.matches("VALUE ").count() > 0)?;
        let end = line + text[line..].find("\r\n")?;
        let words: Vec<_> = text[line..end].split(' ').collect();
        let version = words.get(4)?.parse().ok()?;
        let start = end - words[4].len();
        text.replace_range(start..end, "version");
        Some(version)
    });
    let together = match told {
        [Some(theirs), Some(ours)] => {
            versions.last.insert(key.into(), (theirs, ours));
            versions.belong_together(theirs, ours)
        }
        [theirs, ours] => theirs == ours,
    };
    if together && heard[0] == heard[1] {
        return Ok(());
    }
    Err(report(log, &heard[0], &heard[1]))
}

fn report(log: &str, theirs: &dyn Debug, ours: &dyn Debug) -> String {
    format!("said:\n{log}memcached: {theirs:?}\nwe:        {ours:?}")
}

impl Packet {
    fn new(opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Self {
        let mut bytes = vec![0x80, opcode];
        bytes.extend((key.len() as u16).to_be_bytes());
        bytes.extend([extras.len() as u8, 0, 0, 0]);
        bytes.extend(((extras.len() + key.len() + value.len()) as u32).to_be_bytes());
        bytes.extend([0; 12]);
        let number = KEYS.iter().position(|known| *known == key);
        bytes[15] = number.unwrap_or(KEYS.len()) as u8;
        Self {
            bytes: [&bytes, extras, key, value].concat(),
            key: key.to_vec(),
            cas: Cas::None,
        }
    }

    /// As conversations write it.
    fn show(&self, log: &mut String) {
        let (key, value) = self.bytes[24..].split_at(usize::from(self.bytes[4]) + self.key.len());
        let (extras, key) = key.split_at(usize::from(self.bytes[4]));
        let cas = match self.cas {
            Cas::None => "0",
            Cas::Last => "{last}",
            Cas::Wrong => "0x2000000000000000",
        };
        let [extras, key, value] = [extras, key, value].map(shrink::escaped);
        let opcode = self.bytes[1];
        let _ = writeln!(
            log,
            "=> noop opcode={opcode:#04x} extras={extras} key={key} value={value} cas={cas}"
        );
    }

    fn render(&self, versions: &Versions, which: fn((u64, u64)) -> u64) -> Vec<u8> {
        let last = versions.last.get(&self.key).copied();
        let cas = match self.cas {
            Cas::None => 0,
            Cas::Last => which(last.unwrap_or((1 << 60, 1 << 60))),
            Cas::Wrong => 1 << 61,
        };
        let mut bytes = self.bytes.clone();
        bytes[16..24].copy_from_slice(&cas.to_be_bytes());
        bytes
    }
}

/// A request that memcached serves or refuses and goes on.
fn packet(rng: &mut Rng) -> Packet {
    let key = KEYS[rng.usize(..KEYS.len())];
    let exptime = EXPTIMES[rng.usize(..EXPTIMES.len())].to_be_bytes();
    let value = match rng.u8(..12) {
        0 => vec![0x80; rng.usize(..3000)],
        1 => b"flush_all\r\n\x80\x08".to_vec(),
        2 => vec![b'L'; (1 << 20) + rng.usize(..10)],
        _ => NUMBERS[rng.usize(..NUMBERS.len())].to_vec(),
    };
    // Longer than any number, a value is one to memcached and none to us.
    let value = match key {
        b"counter" if value.len() > 20 => b"5".to_vec(),
        _ => value,
    };
    let loud = |opcodes: &[u8], rng: &mut Rng| opcodes[rng.usize(..opcodes.len())];
    let packet = match rng.u8(..17) {
        0..4 => Packet::new(loud(&[0x00, 0x09, 0x0c, 0x0d], rng), b"", key, b""),
        4 => Packet::new(
            loud(&[0x1c, 0x1d, 0x1e, 0x23, 0x24], rng),
            &exptime,
            key,
            b"",
        ),
        5..10 => {
            let flags = rng.choice([0, 7, u32::MAX]).unwrap_or(0).to_be_bytes();
            let opcode = loud(&[1, 1, 2, 3, 0x11, 0x12, 0x13], rng);
            Packet::new(opcode, &[flags, exptime].concat(), key, &value)
        }
        10..12 if key != b"counter" => {
            let opcode = loud(&[0x0e, 0x0f, 0x19, 0x1a], rng);
            Packet::new(opcode, b"", key, &value[..value.len().min(50)])
        }
        12..14 => Packet::new(loud(&[4, 0x14], rng), b"", key, b""),
        14 => Packet::new(loud(&[0x08, 0x18, NOOP, NOOP, NOOP], rng), b"", b"", b""),
        // Unknown: behind a key memcached would lose its place.
        15 => Packet::new(loud(&[0x1f, 0x25, 0x31, 0x7f, 0xff], rng), b"", b"", &value),
        _ => Packet::new(0x10, b"", b"nonsense", b""),
    };
    varied(packet, rng)
}

/// A request that calculates.
fn arithmetic(rng: &mut Rng) -> Packet {
    let delta = rng.choice([0, 1, 5, 1000, u64::MAX]).unwrap_or(1);
    let initial = rng.choice([0, 10, u64::MAX]).unwrap_or(0);
    let exptime: u32 = rng.choice([0, 100, u32::MAX]).unwrap_or(0);
    let numbers = [delta.to_be_bytes(), initial.to_be_bytes()].concat();
    let extras = [numbers, exptime.to_be_bytes().to_vec()].concat();
    let opcode = rng.choice([5, 6, 0x15, 0x16]).unwrap_or(5);
    varied(Packet::new(opcode, &extras, b"counter", b""), rng)
}

/// The same with any version, and with any of what nobody looks at.
fn varied(mut packet: Packet, rng: &mut Rng) -> Packet {
    packet.bytes[5] = rng.u8(..3);
    packet.bytes[7] = rng.u8(..3);
    packet.cas = match rng.u8(..8) {
        0 => Cas::Last,
        1 => Cas::Wrong,
        _ => Cas::None,
    };
    packet
}

/// What ends a conversation, with something before it or not.
fn last_words(rng: &mut Rng) -> Vec<u8> {
    let long = [b'k'; 251];
    let mut bytes = match rng.u8(..9) {
        0 => Packet::new(0x07, b"", b"", b"").bytes,
        1 => Packet::new(0x17, b"", b"", b"").bytes,
        2 => Packet::new(0x00, b"", b"", b"").bytes,
        3 => Packet::new(0x0c, b"1234", b"a", b"").bytes,
        4 => Packet::new(0x01, b"1234", b"a", b"v").bytes,
        5 => Packet::new(0x01, &[0; 8], &long, b"v").bytes,
        6 => Packet::new(0x04, b"", b"a", b"v").bytes,
        7 => Packet::new(0x05, &[0; 8], b"a", b"").bytes,
        _ => Packet::new(0x0a, b"", b"a", b"").bytes,
    };
    if rng.bool() {
        bytes.extend(Packet::new(0x11, &[0; 8], b"a", b"not done").bytes);
    }
    bytes
}

/// All replies up to the fence.
fn replies(peer: &mut Peer) -> Vec<Reply> {
    let mut replies = Vec::new();
    loop {
        let mut header = [0; 24];
        if peer.socket.read_exact(&mut header).is_err() {
            return replies;
        }
        let body_len = u32::from_be_bytes(header[8..12].try_into().unwrap());
        let mut body = vec![0; body_len as usize];
        if peer.socket.read_exact(&mut body).is_err() {
            return replies;
        }
        let is_fence = header[1] == NOOP && header[12..16] == FENCE.to_be_bytes();
        let cas = u64::from_be_bytes(header[16..].try_into().unwrap());
        let head = header[..16].to_vec();
        replies.push(Reply { head, cas, body });
        if is_fence {
            return replies;
        }
    }
}

/// Everything up to the end of the connection.
fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let _ = socket.flush();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    rest
}
