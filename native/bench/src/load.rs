//! The load: one thread, many connections, each with this many requests under way.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::peer::Peer;
use crate::replies::Replies;
use crate::report::histogram;
use crate::wire::Wire;
use crate::workload::{Requests, Workload};

/// What is read at once.
const READ_SIZE: usize = 256 * 1024;
/// How long nothing may come before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// How fast requests are made.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The next one as soon as a reply comes.
    Closed,
    /// So many in a second, whether the server keeps up or not.
    Open(f64),
}

/// What came of it, in the time that counts.
#[derive(Debug)]
pub struct Outcome {
    pub requests: u64,
    pub time: Duration,
    /// The server's processor time.
    pub cpu: Duration,
    /// From when a request was due to when its reply was complete, in nanoseconds.
    pub latencies: Histogram<u64>,
}

impl Outcome {
    /// The server's processor time per request, in microseconds.
    pub fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests as f64
    }

    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

/// Warms up for a fifth of the time, then measures.
pub fn run(peer: &Peer, workload: &Workload, pace: Pace, time: Duration) -> io::Result<Outcome> {
    let mut load = Load::connect(peer, workload)?;
    load.go_on(pace, time / 5)?;
    load.complete = 0;
    load.latencies.reset();
    let (cpu, started) = (peer.cpu_time()?, Instant::now());
    load.go_on(pace, time)?;
    let outcome = Outcome {
        requests: load.complete,
        time: started.elapsed(),
        cpu: peer.cpu_time()? - cpu,
        latencies: load.latencies.clone(),
    };
    load.check(workload)?;
    Ok(outcome)
}

/// Stores every key once.
pub fn fill(peer: &Peer, workload: &Workload) -> io::Result<()> {
    fill_range(peer, workload, 0..workload.keys)
}

/// Stores the keys with these numbers, on one connection, a batch at a time.
pub fn fill_range(peer: &Peer, workload: &Workload, keys: std::ops::Range<u32>) -> io::Result<()> {
    let mut socket = peer.endpoint.connect()?;
    let mut requests = Requests::new(workload, peer.dialect(workload), 0);
    let mut replies = Replies::new(peer.dialect(workload));
    let (mut out, mut bytes) = (Vec::new(), vec![0; READ_SIZE]);
    // By TLS memcached forgets what it has decrypted and has no room for until more arrives.
    let size = if workload.tls { 8 } else { 256 } * 1024;
    let batch = (size / (workload.value_len + 64)).clamp(1, 256);
    let mut next = keys.start;
    while next < keys.end {
        let end = keys.end.min(next + batch as u32);
        out.clear();
        (next..end).for_each(|number| requests.push_set(number, &mut out));
        socket.write_all(&out)?;
        let mut waiting = (end - next) as usize;
        while waiting > 0 {
            let read = socket.read(&mut bytes)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            waiting -= replies.take(&bytes[..read]);
        }
        next = end;
    }
    replies.error.map_or(Ok(()), |line| Err(refused(&line)))
}

fn refused(line: &str) -> io::Error {
    io::Error::other(format!("the server answered {line}"))
}

struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    requests: Requests,
    /// Closed loop: how many requests a connection has under way.
    pipeline: usize,
    bytes: Vec<u8>,
    complete: u64,
    latencies: Histogram<u64>,
    /// Open loop: when the next request is due, and on which connection.
    due: Instant,
    turn: usize,
}

struct Connection {
    socket: Wire<TcpStream>,
    replies: Replies,
    /// When each request that is under way was due.
    due: VecDeque<Instant>,
    out: Vec<u8>,
    /// How much of `out` is sent.
    sent: usize,
}

impl Load {
    fn connect(peer: &Peer, workload: &Workload) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        for index in 0..workload.connections {
            let (socket, tls) = peer.endpoint.handshake()?;
            socket.set_nonblocking(true)?;
            let mut socket = TcpStream::from_std(socket);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut socket, Token(index), interest)?;
            connections.push(Connection {
                socket: Wire::new(socket, tls),
                replies: Replies::new(peer.dialect(workload)),
                due: VecDeque::new(),
                out: Vec::new(),
                sent: 0,
            });
        }
        Ok(Self {
            poll,
            connections,
            requests: Requests::new(workload, peer.dialect(workload), 42),
            bytes: vec![0; READ_SIZE],
            complete: 0,
            latencies: histogram(),
            due: Instant::now(),
            turn: 0,
            pipeline: workload.pipeline,
        })
    }

    fn go_on(&mut self, pace: Pace, time: Duration) -> io::Result<()> {
        match pace {
            Pace::Closed => self.closed(time),
            Pace::Open(rate) => self.open(rate, time),
        }
    }

    fn closed(&mut self, time: Duration) -> io::Result<()> {
        let now = Instant::now();
        let end = now + time;
        for connection in &mut self.connections {
            while connection.due.len() < self.pipeline {
                connection.ask(&mut self.requests, now);
            }
            connection.send()?;
        }
        let mut events = Events::with_capacity(1024);
        let mut heard = now;
        loop {
            self.poll
                .poll(&mut events, Some(Duration::from_millis(100)))?;
            let now = Instant::now();
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if event.is_readable() {
                    heard = now;
                    let complete = connection.hear(&mut self.bytes, &mut self.latencies)?;
                    self.complete += complete as u64;
                    let due = if complete > 0 { Instant::now() } else { now };
                    for _ in 0..complete {
                        connection.ask(&mut self.requests, due);
                    }
                }
                connection.send()?;
            }
            if now >= end {
                return Ok(());
            }
            if now - heard > PATIENCE {
                return Err(io::Error::other("the server does not answer"));
            }
        }
    }

    fn open(&mut self, rate: f64, time: Duration) -> io::Result<()> {
        let period = Duration::from_secs_f64(1.0 / rate);
        let begin = Instant::now();
        self.due = self.due.max(begin);
        let mut events = Events::with_capacity(1024);
        loop {
            let now = Instant::now();
            if now - begin >= time {
                return Ok(());
            }
            while self.due <= now {
                let turn = self.turn;
                self.turn = (turn + 1) % self.connections.len();
                let connection = &mut self.connections[turn];
                connection.ask(&mut self.requests, self.due);
                connection.send()?;
                self.due += period;
            }
            // Never sleeps: waking up takes longer than what is measured.
            self.poll.poll(&mut events, Some(Duration::ZERO))?;
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if event.is_readable() {
                    let complete = connection.hear(&mut self.bytes, &mut self.latencies)?;
                    self.complete += complete as u64;
                }
                connection.send()?;
            }
        }
    }

    /// Every reply was good, and every get a hit.
    fn check(&mut self, workload: &Workload) -> io::Result<()> {
        for connection in &self.connections {
            if let Some(line) = &connection.replies.error {
                return Err(refused(line));
            }
        }
        let hits: u64 = self.connections.iter().map(|c| c.replies.hits).sum();
        if workload.sets == 0.0 && hits < self.complete * workload.keys_per_get as u64 {
            return Err(io::Error::other("some keys are not there"));
        }
        Ok(())
    }
}

impl Connection {
    fn ask(&mut self, requests: &mut Requests, due: Instant) {
        requests.push(&mut self.out);
        self.due.push_back(due);
    }

    /// Writes as much as the socket takes.
    fn send(&mut self) -> io::Result<()> {
        while self.sent < self.out.len() {
            match self.socket.write(&self.out[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.sent = 0;
        match self.socket.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads what is there; returns how many replies were completed.
    fn hear(&mut self, bytes: &mut [u8], latencies: &mut Histogram<u64>) -> io::Result<usize> {
        let mut complete = 0;
        loop {
            let read = match self.socket.read(bytes) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            complete += self.replies.take(&bytes[..read]);
            if read < bytes.len() && self.socket.is_drained_by_short_reads() {
                break;
            }
        }
        let now = Instant::now();
        for due in self.due.drain(..complete) {
            latencies.saturating_record(u64::try_from((now - due).as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(complete)
    }
}
