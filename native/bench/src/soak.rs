//! A long time under mixed load, with every reply checked: short lives, sizes that shift, clients
//! that come, go and vanish, and never enough memory.
//!
//! A cache may forget, so a miss is never wrong. A hit must be a value that was written to this
//! very key, whole, not older than the last write or deletion that was confirmed before the
//! question, and not past its deadline.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::client::{Client, Findings};
use crate::ledger::Ledger;
use crate::peer::{Kind, Options, Peer};
use crate::report::head;
use crate::wire::Tls;

/// MiB.
const MEMORY: usize = 64;
const CLIENTS: u64 = 8;
const SAMPLE_PERIOD: Duration = Duration::from_millis(250);
/// How often resident memory is looked at, at least, however long that takes.
const SAMPLES_MIN: usize = 32;
/// By how much resident memory may seem to grow from the first quarter to the end, in KiB. A leak
/// of ten bytes per request is far above it within seconds.
const GROWTH_MAX: f64 = 4096.0;
/// What the process may take beside its budget, in KiB, as documented: without TLS and with.
const PROCESS_MAX: [u64; 2] = [10 * 1024, 14 * 1024];
/// What the clients have half sent or not yet taken, in KiB.
const CLIENTS_MAX: u64 = CLIENTS * 512;
/// How long closed connections may take to disappear.
const PATIENCE: Duration = Duration::from_secs(5);

/// Soaks a server on this runtime, by TLS or not; fails if anything was wrong.
pub fn run(server: &Path, seconds: u64, runtime: &str, tls: bool) -> io::Result<()> {
    head(server);
    let known = ["tokio", "async-std"]
        .into_iter()
        .find(|name| *name == runtime);
    let runtime = known.ok_or_else(|| io::Error::other("the runtimes are tokio and async-std"))?;
    let options = Options {
        memory: MEMORY,
        threads: 2,
        pinned: false,
        tls: tls.then(Tls::new).transpose()?,
        ..Options::default()
    };
    let peer = Peer::start(&Kind::DynamiDb(runtime), server, &options)?;
    // It accepts before it has opened all its files, but does not answer before.
    peer.stat("uptime")?;
    let files = peer.files()?;
    let (started, time) = (Instant::now(), Duration::from_secs(seconds));
    let (findings, samples) = load(&peer, time)?;
    let mut faults = findings.faults.clone();
    print(&findings, started.elapsed());
    faults.extend(check_memory(&samples, PROCESS_MAX[usize::from(tls)]));
    settle("connections", 1, || peer.stat("curr_connections"))?;
    settle("kept bytes", 0, || peer.stat("buffered"))?;
    settle("open files", files as u64, || Ok(peer.files()? as u64))?;
    if findings.hits == 0 || peer.stat("evictions")? == 0 {
        faults.push("it was never under pressure".into());
    }
    if tls {
        faults.extend(check_handshakes(&peer)?);
    }
    println!("faults: {}", faults.len());
    match faults.first() {
        None => Ok(()),
        Some(first) => Err(io::Error::other(first.clone())),
    }
}

/// Lets the clients loose; returns what they found, and the resident memory once it was full.
fn load(peer: &Peer, time: Duration) -> io::Result<(Findings, Vec<u64>)> {
    let (ledger, end) = (Ledger::new(), AtomicBool::new(false));
    let started = Instant::now();
    thread::scope(|scope| {
        let (ledger, end) = (&ledger, &end);
        let spawn = |number| {
            let mut client = Client::new(&peer.endpoint, ledger, number, CLIENTS);
            scope.spawn(move || client.run(started, time, end))
        };
        let clients: Vec<_> = (0..CLIENTS).map(spawn).collect();
        let is_done = |samples: usize| {
            let gone = clients.iter().any(thread::ScopedJoinHandle::is_finished);
            gone || (started.elapsed() >= time && samples >= SAMPLES_MIN)
        };
        let samples = sample(peer, is_done);
        end.store(true, Ordering::Relaxed);
        let mut all = Findings::default();
        for client in clients {
            all.add(client.join().expect("a client does not panic")?);
        }
        samples.map(|samples| (all, samples))
    })
}

/// The resident memory, time and again from the first eviction on: a slow machine takes long until
/// the cache is full.
fn sample(peer: &Peer, is_done: impl Fn(usize) -> bool) -> io::Result<Vec<u64>> {
    let mut samples = Vec::new();
    while !is_done(samples.len()) {
        thread::sleep(SAMPLE_PERIOD);
        if !samples.is_empty() || peer.stat("evictions")? > 0 {
            samples.push(peer.resident()?);
        }
    }
    Ok(samples)
}

/// What is wrong with the handshakes: after the first ones, clients resume sessions.
fn check_handshakes(peer: &Peer) -> io::Result<Vec<String>> {
    let [full, resumed, failed] = [
        peer.stat("ssl_new_sessions")?,
        peer.stat("tls_resumed_sessions")?,
        peer.stat("ssl_handshake_errors")?,
    ];
    println!("handshakes: {full} full, {resumed} resumed, {failed} failed");
    let mut faults = Vec::new();
    if resumed < full {
        faults.push(format!("only {resumed} sessions were resumed"));
    }
    if failed > 0 {
        faults.push(format!("{failed} handshakes failed"));
    }
    Ok(faults)
}

/// Waits until a number has come back to what it was at the beginning.
fn settle(what: &str, to: u64, get: impl Fn() -> io::Result<u64>) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = get()?;
        if now <= to {
            println!("{what} in the end: {now}");
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("{what}: {now} are left of {to}")));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// What is wrong with the resident memory, if anything. The process itself may take this many KiB.
fn check_memory(samples: &[u64], process_max: u64) -> Vec<String> {
    let steady = &samples[samples.len() / 4..];
    let growth = slope(steady) * steady.len() as f64;
    let highest = samples.iter().copied().max().unwrap_or(0);
    let minutes = SAMPLE_PERIOD.as_secs_f64() * steady.len() as f64 / 60.0;
    println!(
        "RSS: {} MiB at most, {:+.0} KiB per minute after the first quarter",
        highest / 1024,
        growth / minutes,
    );
    let mut faults = Vec::new();
    if samples.len() < SAMPLES_MIN {
        faults.push("too few samples of the resident memory".into());
    }
    if growth > GROWTH_MAX {
        faults.push(format!("resident memory grows: {growth:.0} KiB"));
    }
    let most = MEMORY as u64 * 1024 + process_max + CLIENTS_MAX;
    if highest > most {
        faults.push(format!("{highest} KiB are resident, more than {most}"));
    }
    faults
}

/// By how much the samples grow from one to the next: the line of least squares.
fn slope(samples: &[u64]) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().sum::<u64>() as f64 / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (index, &sample) in samples.iter().enumerate() {
        let x = index as f64 - middle;
        above += x * (sample as f64 - mean);
        below += x * x;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

fn print(findings: &Findings, time: Duration) {
    let Findings {
        reads,
        hits,
        writes,
        connections,
        ..
    } = findings;
    println!(
        "{:.0} s: {reads} reads, {hits} hits, all checked; {writes} writes; {connections} clients",
        time.as_secs_f64(),
    );
    print_latencies(&findings.latencies);
}

/// A bar for each power of two of microseconds.
fn print_latencies(latencies: &Histogram<u64>) {
    println!("time until all replies of a batch are there:");
    let total = latencies.len().max(1) as f64;
    for step in latencies.iter_log(1000, 2.0) {
        let count = step.count_since_last_iteration();
        let share = count as f64 / total;
        if count > 0 {
            let bar = "#".repeat((share * 50.0).ceil() as usize);
            let below = step.value_iterated_to() / 1000;
            println!("  up to {below:>8} us {:>7.3} %  {bar}", share * 100.0);
        }
    }
    let at = |quantile| latencies.value_at_quantile(quantile) / 1000;
    println!(
        "  p50 {} us, p99 {} us, p99.9 {} us",
        at(0.5),
        at(0.99),
        at(0.999)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_is_seen_and_noise_is_not() {
        let level: Vec<u64> = (0..100).map(|n| 70_000 + n * 7919 % 300).collect();
        assert!(check_memory(&level, PROCESS_MAX[0]).is_empty());
        let leak: Vec<u64> = (0..100).map(|n| 60_000 + n * 100).collect();
        assert_eq!(check_memory(&leak, PROCESS_MAX[0]).len(), 1);
        let too_much = vec![90_000; 100];
        assert_eq!(check_memory(&too_much, PROCESS_MAX[0]).len(), 1);
        assert!(!check_memory(&[], PROCESS_MAX[0]).is_empty());
    }
}
