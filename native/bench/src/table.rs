//! Processor time per request, workload by workload, as ratios to memcached's.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::figures::{self, Figures};
use crate::load::{Pace, fill, run};
use crate::peer::{Kind, Options, Peer, pin_load};
use crate::report::{head, median, turns, where_and_what};
use crate::wire::Tls;
use crate::workload::Workload;

/// How long each measurement takes.
const TIME: Duration = Duration::from_millis(1500);

/// A row: its name and its load.
type Row = (&'static str, Workload);

/// Rows that share their items and servers.
fn groups() -> [Vec<Row>; 4] {
    let get = Workload::GET;
    let packets = Workload {
        packets: true,
        ..get
    };
    let tls = Workload { tls: true, ..get };
    let large = |keys, value_len, sets| Workload {
        keys,
        value_len,
        sets,
        ..get
    };
    [
        vec![
            ("get, no pipelining", get),
            (
                "90 % get 10 % set, Zipf 0.99",
                Workload {
                    zipf: Some(0.99),
                    sets: 0.1,
                    ..get
                },
            ),
            ("set, no pipelining", Workload { sets: 1.0, ..get }),
            (
                "pipeline of 16, get",
                Workload {
                    pipeline: 16,
                    ..get
                },
            ),
            (
                "pipeline of 16, set",
                Workload {
                    pipeline: 16,
                    sets: 1.0,
                    ..get
                },
            ),
            (
                "multi-get of 100",
                Workload {
                    keys_per_get: 100,
                    ..get
                },
            ),
            (
                "multi-get of 16",
                Workload {
                    keys_per_get: 16,
                    ..get
                },
            ),
            ("packets, get", packets),
            (
                "packets, set",
                Workload {
                    sets: 1.0,
                    ..packets
                },
            ),
            (
                "packets, 16 getkq and noop",
                Workload {
                    keys_per_get: 16,
                    ..packets
                },
            ),
            (
                "packets, 100 getkq and noop",
                Workload {
                    keys_per_get: 100,
                    ..packets
                },
            ),
            (
                "1,000 connections, get",
                Workload {
                    connections: 1000,
                    ..get
                },
            ),
        ],
        vec![
            ("4 KiB values, get", large(100_000, 4096, 0.0)),
            ("4 KiB values, set", large(100_000, 4096, 1.0)),
        ],
        vec![
            ("100 KiB values, get", large(4000, 102_400, 0.0)),
            ("100 KiB values, set", large(4000, 102_400, 1.0)),
        ],
        vec![
            ("TLS, get", tls),
            ("TLS, set", Workload { sets: 1.0, ..tls }),
            (
                "TLS, pipeline of 16, get",
                Workload {
                    pipeline: 16,
                    ..tls
                },
            ),
        ],
    ]
}

/// Prints the table, or those rows that one of the words is in, and writes the figures to a file if
/// one is given.
pub fn print(
    server: &Path,
    rounds: usize,
    json: Option<&Path>,
    words: &[String],
) -> io::Result<()> {
    let mut figures = Figures {
        measured: where_and_what(server),
        rows: Vec::new(),
    };
    pin_load()?;
    head(server);
    let mut kinds = Kind::all();
    kinds.insert(1, Kind::Plain);
    print!("| server CPU per request | memcached, µs |");
    let columns = kinds
        .iter()
        .map(Kind::name)
        .filter(|name| *name != "memcached");
    let columns: Vec<_> = columns.chain(["responder"]).collect();
    println!(" {} | requests/s | spread |", columns.join(" | "));
    println!("|---|---|{}---|---|", "---|".repeat(columns.len()));
    let wanted = |(name, _): &Row| words.is_empty() || words.iter().any(|w| name.contains(&**w));
    for group in groups() {
        let rows: Vec<_> = group.into_iter().filter(wanted).collect();
        let Some((_, first)) = rows.first() else {
            continue;
        };
        let options = Options {
            tls: first.tls.then(Tls::new).transpose()?,
            ..Options::default()
        };
        // It may have been built without.
        let speaks = |kind: &&Kind| !first.tls || **kind != Kind::Redis;
        let start = |kind| Peer::start(kind, server, &options);
        let peers = kinds.iter().filter(speaks).map(start);
        let peers = peers.collect::<io::Result<Vec<_>>>()?;
        for peer in &peers {
            fill(peer, first)?;
        }
        for (name, workload) in rows {
            let responder = Kind::Responder(workload.value_len, workload.keys_per_get);
            let responder = Peer::start(&responder, server, &Options::default())?;
            let mut takers: Vec<_> = peers.iter().collect();
            if workload.packets {
                takers.retain(|peer| peer.kind != Kind::Redis);
            } else if workload.sets == 0.0 && !workload.tls {
                takers.push(&responder);
            }
            let measured = measure(&takers, &workload, rounds)?;
            print_row(name, &columns, &measured);
            figures.rows.push(row(name, &measured));
        }
    }
    json.map_or(Ok(()), |file| figures.write(file))
}

fn row(name: &str, measured: &[Measured]) -> figures::Row {
    let costs = measured
        .iter()
        .map(|m| (m.name.to_owned(), median(m.costs.iter().copied())));
    figures::Row {
        workload: name.to_owned(),
        microseconds: costs.collect(),
    }
}

/// Costs and rates of each server in each round.
struct Measured {
    name: &'static str,
    costs: Vec<f64>,
    rates: Vec<f64>,
}

/// Rounds go there and back, so that a machine that gets slower treats all alike.
fn measure(peers: &[&Peer], workload: &Workload, rounds: usize) -> io::Result<Vec<Measured>> {
    let empty = |peer: &&Peer| Measured {
        name: peer.kind.name(),
        costs: Vec::new(),
        rates: Vec::new(),
    };
    let mut all: Vec<_> = peers.iter().map(empty).collect();
    for index in turns(rounds, peers.len()) {
        let outcome = run(peers[index], workload, Pace::Closed, TIME)?;
        all[index].costs.push(outcome.cost());
        all[index].rates.push(outcome.rate());
    }
    Ok(all)
}

/// Without memcached the figures are microseconds instead of ratios to its.
fn print_row(name: &str, columns: &[&str], measured: &[Measured]) {
    let cost = |measured: &Measured| median(measured.costs.iter().copied());
    let of = |server| measured.iter().find(|m| m.name == server).map(cost);
    let memcached = of("memcached");
    print!(
        "| {name} | {} |",
        memcached.map_or("-".into(), |cost| format!("{cost:.2}"))
    );
    for server in columns {
        match of(server) {
            Some(cost) => print!(" {:.2} |", cost / memcached.unwrap_or(1.0)),
            None => print!(" - |"),
        }
    }
    let first = &measured[0];
    let highest = first.costs.iter().copied().fold(f64::MIN, f64::max);
    let lowest = first.costs.iter().copied().fold(f64::MAX, f64::min);
    println!(
        " {:.0} | {:.0} % |",
        median(first.rates.iter().copied()),
        (highest - lowest) / cost(first) * 100.0,
    );
}
