//! What the server costs beside its peers, and whether it stays right under load for long.
//!
//! The figure of merit is the processor time of the server per request, from the scheduler's clock:
//! it says how many servers one has to buy, and other work on the machine disturbs it least. The
//! server has the first processor and the load the second.

mod belady;
mod chart;
mod client;
mod figures;
mod latency;
mod ledger;
mod load;
mod memory;
mod misses;
mod packet;
mod peer;
mod replies;
mod report;
mod responder;
#[path = "../../../core/bench/src/sizes.rs"]
mod sizes;
mod soak;
mod table;
mod threads;
mod wire;
mod workload;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Puts the server under load, beside whichever of memcached and redis are installed
#[derive(Parser)]
struct Arguments {
    /// The server's binary, built with the feature async-std
    #[arg(long, default_value = "target/release/dynamidb")]
    server: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Processor time per request, as a ratio to memcached's
    Table {
        /// Rounds; the medians are printed
        #[arg(long, default_value_t = 6)]
        rounds: usize,
        /// Also write the figures to this file, as JSON
        #[arg(long)]
        json: Option<PathBuf>,
        /// Only rows whose name has one of these words in it
        rows: Vec<String>,
    },
    /// Compare two JSON files of the table: each figure of the second as a ratio to the first
    Compare {
        /// The figures before
        before: PathBuf,
        /// The figures after
        after: PathBuf,
    },
    /// Draw a JSON file of the table as an SVG picture, on standard output
    Chart {
        /// What `table --json` wrote
        figures: PathBuf,
    },
    /// Latencies at half of memcached's peak, from when each request was due
    Latency {
        /// Rounds; the medians are printed
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Items held in 1 GiB, resident memory, and what an idle connection takes
    Memory,
    /// The miss ratio with little and much memory
    Misses,
    /// What two threads do beside one
    Threads {
        /// Rounds; the medians are printed
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Mixed load with every reply checked; fails if anything is wrong, or grows
    Soak {
        /// How long
        #[arg(long, env = "SOAK_SECONDS", default_value_t = 600)]
        seconds: u64,
        /// Which of the runtimes that the server was built with
        #[arg(long, default_value = "tokio")]
        runtime: String,
        /// By TLS, with sessions that are resumed
        #[arg(long)]
        tls: bool,
    },
    /// Answers every line on a port with the same item: what the kernel and tokio cost
    Respond {
        /// The port on 127.0.0.1
        port: u16,
        /// The size of the value
        value_len: usize,
        /// How many values a reply has
        values: usize,
    },
}

fn main() -> ExitCode {
    let Arguments { server, what } = Arguments::parse();
    let outcome = match what {
        What::Table { rounds, json, rows } => table::print(&server, rounds, json.as_deref(), &rows),
        What::Compare { before, after } => figures::compare(&before, &after),
        What::Chart { figures } => chart::print(&figures),
        What::Latency { rounds } => latency::print(&server, rounds),
        What::Memory => memory::print(&server),
        What::Misses => misses::print(&server),
        What::Threads { rounds } => threads::print(&server, rounds),
        What::Soak {
            seconds,
            runtime,
            tls,
        } => soak::run(&server, seconds, &runtime, tls),
        What::Respond {
            port,
            value_len,
            values,
        } => responder::run(port, value_len, values),
    };
    outcome.map_or_else(fail, |()| ExitCode::SUCCESS)
}

fn fail(error: io::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}
