//! Latency at a rate that every server can hold, counted from when a request was due: a server that
//! pauses is charged for all who had to wait.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::load::{Pace, fill, run};
use crate::peer::{Kind, Options, Peer, pin_load};
use crate::report::{head, median, turns};
use crate::workload::Workload;

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(2);

/// Prints a row for each server.
pub fn print(server: &Path, rounds: usize) -> io::Result<()> {
    pin_load()?;
    head(server);
    let start = |kind| Peer::start(kind, server, &Options::default());
    let peers = Kind::all()
        .iter()
        .map(start)
        .collect::<io::Result<Vec<_>>>()?;
    for peer in &peers {
        fill(peer, &Workload::GET)?;
    }
    // Without memcached, half of DynamiDB's own peak.
    let yardstick = peers.iter().find(|peer| peer.kind == Kind::Memcached);
    let yardstick = yardstick.unwrap_or(&peers[0]);
    let peaks = (0..3).map(|_| run(yardstick, &Workload::GET, Pace::Closed, TIME));
    let peaks = peaks.collect::<io::Result<Vec<_>>>()?;
    let rate = median(peaks.iter().map(|outcome| outcome.rate())) / 2.0;

    let mut all = vec![Vec::new(); peers.len()];
    for index in turns(rounds, peers.len()) {
        let outcome = run(&peers[index], &Workload::GET, Pace::Open(rate), TIME)?;
        let at = |quantile| outcome.latencies.value_at_quantile(quantile) as f64 / 1000.0;
        all[index].push([at(0.5), at(0.99), at(0.999), outcome.cost()]);
    }
    println!("| {rate:.0} gets/s, µs | p50 | p99 | p99.9 | server CPU per request |");
    println!("|---|---|---|---|---|");
    for (peer, rounds) in peers.iter().zip(&all) {
        let [p50, p99, p999, cost] =
            [0, 1, 2, 3].map(|column| median(rounds.iter().map(|round| round[column])));
        let name = peer.kind.name();
        println!("| {name} | {p50:.0} | {p99:.0} | {p999:.0} | {cost:.2} |");
    }
    Ok(())
}
