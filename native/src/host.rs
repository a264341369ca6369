//! What the server counts about itself, under memcached's names.

use std::cell::Cell;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::clock::Clock;
use crate::incident::Incident;

/// The process, its limits and its connections.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) clock: Clock,
    pub(crate) version: String,
    pub(crate) threads: usize,
    pub(crate) max_connections: usize,
    /// Connections open now.
    pub(crate) connections: AtomicUsize,
    /// Connections ever served.
    pub(crate) total_connections: AtomicU64,
    /// A connection was turned away.
    pub(crate) rejected: Incident,
    /// A connection was hung up on because nothing moved.
    pub(crate) stalled: Incident,
    /// A connection was hung up on because of [`Host::BUFFERED_MAX`].
    pub(crate) overfull: Incident,
    /// The system had no connection for us.
    pub(crate) out_of_files: Incident,
    /// Times a connection made way for others with more to do.
    pub(crate) yields: AtomicU64,
    /// Whether connections are accepted now.
    pub(crate) accepting: AtomicBool,
    /// Bytes kept for all connections together: half-sent requests and replies not yet taken.
    pub(crate) buffered: AtomicUsize,
    traffic: [Traffic; STRIPES],
}

/// Byte counts have cache lines of their own for each of so many threads, so that threads do not
/// wait for each other to count.
const STRIPES: usize = 8;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
}

impl Host {
    /// The most that is kept for all connections together, in bytes. Who needs more than is left
    /// is hung up on: clients that send halves of large values must not use up the machine.
    pub(crate) const BUFFERED_MAX: usize = 256 << 20;

    pub(crate) fn new(version: String, threads: usize, max_connections: usize) -> Self {
        Self {
            clock: Clock::start(),
            version,
            threads,
            max_connections,
            connections: AtomicUsize::new(0),
            total_connections: AtomicU64::new(0),
            rejected: Incident::new(
                "rejected_connections",
                "a client was turned away: there are as many as --max-connections allows",
            ),
            stalled: Incident::new(
                "stalled_connections",
                "a client was hung up on: nothing moved for as long as --stall-timeout allows",
            ),
            overfull: Incident::new(
                "overfull_connections",
                "a client was hung up on: too much is kept for half-sent requests and slow readers",
            ),
            out_of_files: Incident::new(
                "listen_disabled_num",
                "no client can be accepted for a while: out of file descriptors or memory",
            ),
            yields: AtomicU64::new(0),
            accepting: AtomicBool::new(true),
            buffered: AtomicUsize::new(0),
            traffic: Default::default(),
        }
    }

    /// Takes one of the places for connections, if one is free.
    pub(crate) fn admit(&self) -> bool {
        let free = |open| (open < self.max_connections).then_some(open + 1);
        let admitted = self
            .connections
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .is_ok();
        if admitted {
            count(&self.total_connections, 1);
        } else {
            self.rejected.happened(self.clock.now());
        }
        admitted
    }

    /// Gives the place back.
    pub(crate) fn dismiss(&self) {
        self.connections.fetch_sub(1, Ordering::Release);
    }

    pub(crate) fn count_traffic(&self, read: usize, written: usize) {
        let traffic = &self.traffic[stripe()];
        count(&traffic.read, read as u64);
        count(&traffic.written, written as u64);
    }

    /// Tells everything.
    pub(crate) fn report(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        report("pid", &std::process::id());
        report("uptime", &self.clock.uptime());
        report("time", &self.clock.now().as_secs());
        report("version", &self.version);
        report("pointer_size", &usize::BITS);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            report("rusage_user", &seconds(usage.user_time()));
            report("rusage_system", &seconds(usage.system_time()));
        }
        report("max_connections", &self.max_connections);
        report(
            "curr_connections",
            &self.connections.load(Ordering::Relaxed),
        );
        report(
            "total_connections",
            &self.total_connections.load(Ordering::Relaxed),
        );
        for incident in [
            &self.rejected,
            &self.stalled,
            &self.overfull,
            &self.out_of_files,
        ] {
            report(incident.name, &incident.count());
        }
        report("conn_yields", &self.yields.load(Ordering::Relaxed));
        let sum = |of: fn(&Traffic) -> &AtomicU64| {
            self.traffic
                .iter()
                .map(|traffic| of(traffic).load(Ordering::Relaxed))
                .sum::<u64>()
        };
        report("bytes_read", &sum(|traffic| &traffic.read));
        report("bytes_written", &sum(|traffic| &traffic.written));
        report("buffered", &self.buffered.load(Ordering::Relaxed));
        report(
            "accepting_conns",
            &u8::from(self.accepting.load(Ordering::Relaxed)),
        );
        report("threads", &self.threads);
    }
}

/// Adds to a counter that nothing else depends on.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// The calling thread's place among the stripes.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
    }
    STRIPE.get()
}

fn seconds(time: TimeVal) -> String {
    format!("{}.{:06}", time.tv_sec(), time.tv_usec())
}
