//! A client of the soak: writes to its own keys, reads everybody's, and comes and goes.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::ledger::{HEAD_LEN, Head, KEYS, Ledger};
use crate::report::histogram;
use crate::wire::{Endpoint, Wire};

/// Sizes of values; they change in turn, so that memory has to follow.
const SIZES: [Range<u64>; 4] = [32..200, 1000..4000, 10_000..60_000, 32..100_000];
/// How often the sizes change in all.
const SHIFTS: u128 = 8;
/// How many batches a connection lives for, on average.
const BATCHES: f64 = 200.0;
/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As many faults are told of.
const FAULTS_MAX: usize = 20;

/// What clients have seen.
pub struct Findings {
    pub reads: u64,
    pub hits: u64,
    pub writes: u64,
    pub connections: u64,
    pub faults: Vec<String>,
    pub latencies: Histogram<u64>,
}

impl Default for Findings {
    fn default() -> Self {
        Self {
            reads: 0,
            hits: 0,
            writes: 0,
            connections: 0,
            faults: Vec::new(),
            latencies: histogram(),
        }
    }
}

impl Findings {
    pub fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.hits += other.hits;
        self.writes += other.writes;
        self.connections += other.connections;
        self.faults.extend(other.faults);
        self.latencies += other.latencies;
    }
}

type Socket = BufReader<Wire<TcpStream>>;

pub struct Client<'l> {
    endpoint: &'l Endpoint,
    ledger: &'l Ledger,
    number: u64,
    clients: u64,
    random: SmallRng,
    findings: Findings,
}

impl<'l> Client<'l> {
    pub fn new(endpoint: &'l Endpoint, ledger: &'l Ledger, number: u64, clients: u64) -> Self {
        Self {
            endpoint,
            ledger,
            number,
            clients,
            random: SmallRng::seed_from_u64(number),
            findings: Findings::default(),
        }
    }

    /// Goes on for this time, or until it is to end or has found faults enough.
    pub fn run(
        &mut self,
        started: Instant,
        time: Duration,
        end: &AtomicBool,
    ) -> io::Result<Findings> {
        while !end.load(Ordering::Relaxed) && self.findings.faults.len() < FAULTS_MAX {
            let mut socket = BufReader::new(self.endpoint.connect()?);
            let plain = socket.get_ref().socket();
            plain.set_read_timeout(Some(PATIENCE))?;
            plain.set_write_timeout(Some(PATIENCE))?;
            self.findings.connections += 1;
            while !self.random.random_bool(1.0 / BATCHES) && !end.load(Ordering::Relaxed) {
                let phase = started.elapsed().as_millis() * SHIFTS / time.as_millis().max(1);
                let sizes = SIZES[phase as usize % SIZES.len()].clone();
                let asked = Instant::now();
                if self.random.random_bool(0.3) {
                    self.write_batch(&mut socket, started, &sizes)?;
                } else {
                    self.read_batch(&mut socket, started)?;
                }
                let took = u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
                self.findings.latencies.saturating_record(took);
            }
            self.leave(socket)?;
        }
        Ok(std::mem::take(&mut self.findings))
    }

    /// Stores and deletes a few of its own keys.
    fn write_batch(
        &mut self,
        socket: &mut Socket,
        started: Instant,
        sizes: &Range<u64>,
    ) -> io::Result<()> {
        let mut out = Vec::new();
        let mut sent = Vec::new();
        for _ in 0..self.random.random_range(1..=16) {
            let key = self.random.random_range(0..KEYS / self.clients) * self.clients + self.number;
            let version = self.ledger.send(key);
            let deletes = self.random.random_bool(0.1);
            sent.push((key, version, deletes));
            if deletes {
                write!(out, "delete {key}\r\n")?;
                continue;
            }
            // A third does not live long.
            let seconds = self.random.random_range(0..6_u64).saturating_sub(3);
            let now = started.elapsed().as_millis() as u64;
            let head = Head {
                key,
                version,
                deadline: if seconds > 0 { now + seconds * 1000 } else { 0 },
                len: self.random.random_range(sizes.clone()).max(HEAD_LEN as u64),
            };
            write!(out, "set {key} 0 {seconds} {}\r\n", head.len)?;
            out.extend_from_slice(&head.value());
            out.extend_from_slice(b"\r\n");
        }
        socket.get_mut().write_all(&out)?;
        for (key, version, deletes) in sent {
            self.findings.writes += 1;
            match &*line(socket)? {
                "STORED" if !deletes => {}
                "DELETED" | "NOT_FOUND" if deletes => {}
                other => self
                    .findings
                    .faults
                    .push(format!("a write is answered by {other}")),
            }
            self.ledger.confirm(key, version);
        }
        Ok(())
    }

    /// Reads a few keys, in one request or several.
    fn read_batch(&mut self, socket: &mut Socket, started: Instant) -> io::Result<()> {
        let mut out = Vec::new();
        let mut requests = Vec::new();
        let at = started.elapsed().as_millis() as u64;
        for _ in 0..self.random.random_range(1..=16) {
            let count = if self.random.random_bool(0.2) { 20 } else { 1 };
            let keys: Vec<_> = (0..count)
                .map(|_| self.random.random_range(0..KEYS))
                .collect();
            write!(out, "get")?;
            for key in &keys {
                write!(out, " {key}")?;
            }
            write!(out, "\r\n")?;
            requests.push(
                keys.into_iter()
                    .map(|key| (key, self.ledger.oldest(key)))
                    .collect(),
            );
        }
        socket.get_mut().write_all(&out)?;
        for keys in requests {
            self.hear_values(socket, keys, at)?;
        }
        Ok(())
    }

    /// Checks the reply to one `get`: hits come in the order of the keys.
    fn hear_values(
        &mut self,
        socket: &mut Socket,
        keys: Vec<(u64, u64)>,
        asked_at: u64,
    ) -> io::Result<()> {
        self.findings.reads += keys.len() as u64;
        let mut keys = keys.into_iter();
        loop {
            let head = line(socket)?;
            if head == "END" {
                return Ok(());
            }
            let words: Vec<_> = head.split(' ').collect();
            let ["VALUE", key, "0", len] = &*words else {
                return Err(io::Error::other(format!("a get is answered by {head}")));
            };
            let len = len.parse::<usize>().map_err(io::Error::other)?;
            let mut value = vec![0; len + 2];
            socket.read_exact(&mut value)?;
            let asked = keys.find(|(asked, _)| asked.to_string() == *key);
            let checked = match asked {
                Some((key, oldest)) => self.ledger.check(key, oldest, asked_at, &value[..len]),
                None => Err(format!("key {key} was not asked for")),
            };
            self.findings.hits += 1;
            self.findings.faults.extend(checked.err());
        }
    }

    /// Most say nothing more; some vanish in the middle of a value, which must leave nothing.
    fn leave(&mut self, mut socket: Socket) -> io::Result<()> {
        if self.random.random_bool(0.3) {
            let key = self.number;
            let half = format!("set {key} 0 0 100000\r\n{}", "half".repeat(1000));
            socket.get_mut().write_all(half.as_bytes())?;
        }
        Ok(())
    }
}

/// The next line, without its end.
fn line(socket: &mut Socket) -> io::Result<String> {
    let mut line = String::new();
    if socket.read_line(&mut line)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
