//! How many items a gigabyte holds, what the process takes then, and what a silent client takes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use crate::load::fill_range;
use crate::peer::{Kind, Options, Peer};
use crate::report::head;
use crate::wire::Tls;
use crate::workload::Workload;

/// The sizes of a server that is started without `-m`.
const FIVE: &str = "--slab-sizes 64,128,256,1024,4096";
/// How often it is asked whether something was evicted.
const STEP: u32 = 10_000;
const IDLE: usize = 10_000;

/// Prints both tables.
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
