//! What a second thread is worth. Two threads and the load share two processors here, so that what
//! two threads could answer is worked out from what a request costs: a saturated server answers its
//! number of threads divided by the processor time of a request.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::load::{Pace, fill, run};
use crate::peer::{Kind, Options, Peer};
use crate::report::{head, median};
use crate::workload::Workload;

/// How long each measurement takes.
const TIME: Duration = Duration::from_millis(1500);

/// Prints a row for each workload and runtime.
pub fn print(server: &Path, rounds: usize) -> io::Result<()> {
    head(server);
    println!("| two threads instead of one | one, CPU µs | two, CPU µs | times the throughput |");
    println!("|---|---|---|---|");
    let get = Workload::GET;
    let rows = [
        ("get", get),
        (
            "pipeline of 16, get",
            Workload {
                pipeline: 16,
                ..get
            },
        ),
        ("set", Workload { sets: 1.0, ..get }),
    ];
    for kind in Kind::all().iter().filter(|kind| **kind != Kind::Redis) {
        let start = |threads| {
            let options = Options {
                threads,
                pinned: false,
                ..Options::default()
            };
            Peer::start(kind, server, &options)
        };
        let (one, two) = (start(1)?, start(2)?);
        fill(&one, &get)?;
        fill(&two, &get)?;
        for (name, workload) in rows {
            let mut costs = [Vec::new(), Vec::new()];
            for _ in 0..rounds {
                for (peer, costs) in [&one, &two].into_iter().zip(&mut costs) {
                    costs.push(run(peer, &workload, Pace::Closed, TIME)?.cost());
                }
            }
            let [one, two] = costs.map(median);
            let times = 2.0 * one / two;
            println!(
                "| {}, {name} | {one:.2} | {two:.2} | {times:.2} |",
                kind.name()
            );
        }
    }
    Ok(())
}
