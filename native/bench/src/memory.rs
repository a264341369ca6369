//! How many items a gigabyte holds, what the process takes then and for each item, and what a
//! silent client takes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::load::fill_range;
use crate::peer::{Kind, Options, Peer};
use crate::report::head;
use crate::sizes::social;
use crate::wire::Tls;
use crate::workload::Workload;

/// The sizes of a server that is started without `-m`.
const FIVE: &str = "--slab-sizes 64,128,256,1024,4096";
/// How often it is asked whether something was evicted.
const STEP: u32 = 10_000;
const IDLE: usize = 10_000;
/// How many items are stored, and how many at once, where the growth of the process is measured.
const ITEMS: u32 = 2_000_000;
const BATCH: u32 = 200;

/// Which lengths the keys and values have.
#[derive(Clone, Copy, Debug)]
enum Sizes {
    Equal(usize, usize),
    Social,
}

impl Sizes {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Equal(16, 64), "16 + 64 B"),
        (Self::Equal(16, 300), "16 + 300 B"),
        (Self::Social, "a social network's, mean 336 B"),
    ];

    fn of(self, number: u32) -> (usize, usize) {
        match self {
            Self::Equal(key, value) => (key, value),
            Self::Social => {
                let mut random = SmallRng::seed_from_u64(number.into());
                social(random.random(), random.random())
            }
        }
    }
}

/// Prints all tables.
pub fn print(server: &Path) -> io::Result<()> {
    head(server);
    println!("| `-m 1024`, items of 16 + 64 B | items at the first eviction | RSS, MiB |");
    println!("|---|---|---|");
    let installed = Kind::all();
    for (kind, more, note) in [
        (Kind::DynamiDb("tokio"), "", "slab sizes by default"),
        (Kind::DynamiDb("tokio"), FIVE, "five slab sizes"),
        (Kind::Memcached, "", ""),
    ] {
        if !installed.contains(&kind) {
            continue;
        }
        let options = Options {
            pinned: false,
            more: more.into(),
            ..Options::default()
        };
        let peer = Peer::start(&kind, server, &options)?;
        let items = items_until_eviction(&peer)?;
        let resident = peer.resident()? / 1024;
        println!("| {} {note} | {items} | {resident} |", kind.name());
    }
    println!();
    growth(server, &installed)?;
    println!();
    println!("| {IDLE} silent connections, after a get each | RSS per connection, bytes |");
    println!("|---|---|");
    let tls = Tls::new()?;
    for kind in installed.iter().filter(|kind| **kind != Kind::Redis) {
        println!("| {} | {} |", kind.name(), idle(kind, server, None)?);
        let by_tls = idle(kind, server, Some(tls.clone()))?;
        println!("| {}, TLS 1.3 | {by_tls} |", kind.name());
    }
    Ok(())
}

/// By how much the process grows for each item, above key and value.
fn growth(server: &Path, installed: &[Kind]) -> io::Result<()> {
    let kinds = [
        (Kind::DynamiDb("tokio"), ""),
        (Kind::DynamiDb("tokio"), "-C"),
        (Kind::Memcached, ""),
        (Kind::Memcached, "-C"),
    ];
    let kinds = kinds.iter().filter(|(kind, _)| installed.contains(kind));
    let names: Vec<_> = kinds
        .clone()
        .map(|(kind, more)| format!("{} {more}", kind.name()).trim().to_owned())
        .collect();
    println!(
        "| `-m 1024`, {ITEMS} items | {} |",
        names.join(", above key and value | ")
    );
    println!("|{}", "---|".repeat(names.len() + 1));
    for (sizes, name) in Sizes::ALL {
        let mut cells = Vec::new();
        for (kind, more) in kinds.clone() {
            let options = Options {
                pinned: false,
                threads: thread::available_parallelism()?.get(),
                more: (*more).into(),
                ..Options::default()
            };
            let peer = Peer::start(kind, server, &options)?;
            let before = peer.resident()?;
            let payload = store(&peer, sizes)?;
            let grown = (peer.resident()? - before) * 1024;
            let (held, evicted) = (peer.stat("curr_items")?, peer.stat("evictions")?);
            if (held, evicted) != (ITEMS.into(), 0) {
                return Err(io::Error::other(format!("{held} items, {evicted} evicted")));
            }
            let above = grown as f64 - payload as f64;
            cells.push(format!(
                "{:.1} B, {:.1} %",
                above / f64::from(ITEMS),
                100.0 * above / payload as f64
            ));
        }
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// Stores all items; returns the bytes of their keys and values.
fn store(peer: &Peer, sizes: Sizes) -> io::Result<u64> {
    let mut socket = BufReader::new(peer.endpoint.connect()?);
    let (value, mut payload) = (vec![b'v'; 4096], 0);
    let (mut out, mut line) = (Vec::new(), String::new());
    for first in (0..ITEMS).step_by(BATCH as usize) {
        out.clear();
        for number in first..first + BATCH {
            let (key_len, value_len) = sizes.of(number);
            writeln!(out, "set {number:0key_len$} 0 0 {value_len}\r")?;
            out.extend_from_slice(&value[..value_len]);
            out.extend_from_slice(b"\r\n");
            payload += (key_len + value_len) as u64;
        }
        socket.get_mut().write_all(&out)?;
        for _ in 0..BATCH {
            line.clear();
            socket.read_line(&mut line)?;
            if line != "STORED\r\n" {
                return Err(io::Error::other(format!("a set is answered by {line}")));
            }
        }
    }
    Ok(payload)
}

fn items_until_eviction(peer: &Peer) -> io::Result<u64> {
    let mut next = 0;
    while peer.stat("evictions")? == 0 {
        fill_range(peer, &Workload::GET, next..next + STEP)?;
        next += STEP;
    }
    peer.stat("curr_items")
}

/// Bytes of resident memory for each connection that has asked once and says nothing more.
fn idle(kind: &Kind, server: &Path, tls: Option<Arc<Tls>>) -> io::Result<u64> {
    let options = Options {
        memory: 64,
        pinned: false,
        tls,
        ..Options::default()
    };
    let peer = Peer::start(kind, server, &options)?;
    let connect = |_| {
        let mut socket = peer.endpoint.connect()?;
        socket.write_all(b"get nothing\r\n")?;
        let mut line = String::new();
        BufReader::with_capacity(64, &mut socket).read_line(&mut line)?;
        io::Result::Ok(socket)
    };
    let _warm = (0..100).map(connect).collect::<io::Result<Vec<_>>>()?;
    let before = peer.resident()?;
    let _clients = (0..IDLE).map(connect).collect::<io::Result<Vec<_>>>()?;
    Ok((peer.resident()? - before) * 1024 / IDLE as u64)
}
