//! The state that all workers of a server share: its settings, lists and counters, reported under
//! memcached's names.

pub(crate) mod clients;
pub(crate) mod heartbeats;
pub(crate) mod latency;
pub(crate) mod limits;
pub(crate) mod measured;
pub(crate) mod prefixes;
pub(crate) mod rate_limited;
pub(crate) mod saves;
pub(crate) mod settings;
pub(crate) mod slow;
pub(crate) mod watchers;

use std::cell::Cell;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::server::auth::throttle::Throttle;
use crate::server::clock::{Clock, unix_time};
use crate::server::connection::buffers;
use crate::server::connection::foreign::ForeignProtocols;
use crate::server::connection::linger::Rejections;
use crate::server::log;
use crate::server::process::open_files::FILES_RESERVED;
use crate::server::state::clients::{Client, Clients};
use crate::server::state::heartbeats::Heartbeats;
use crate::server::state::latency::{CommandClass, Latency};
use crate::server::state::limits::Limits;
use crate::server::state::measured::Measured;
use crate::server::state::prefixes::Prefixes;
use crate::server::state::rate_limited::RateLimitedEvent;
use crate::server::state::saves::Saves;
use crate::server::state::settings::{Settings, Switches};
use crate::server::state::slow::SlowLog;
use crate::server::state::watchers::Watchers;
use crate::server::stop::Stop;
use crate::server::tls::TlsContext;

/// The shared state of a server.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    switches: Switches,
    pub(crate) clients: Clients,
    pub(crate) watchers: Arc<Watchers>,
    pub(crate) prefixes: Prefixes,
    /// Certificates and counters, if there is TLS.
    pub(crate) tls: Option<Arc<TlsContext>>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) saves: Saves,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) latency: Latency,
    pub(crate) slow: SlowLog,
    /// Open connections.
    pub(crate) connections: AtomicUsize,
    /// Connections accepted so far.
    pub(crate) total_connections: AtomicU64,
    /// A client was rejected: the connection limit was reached.
    pub(crate) rejected: RateLimitedEvent,
    pub(crate) rejections: Rejections,
    /// A client was disconnected: it speaks another protocol.
    pub(crate) foreign: ForeignProtocols,
    /// A client was disconnected: it neither sent nor read for too long.
    pub(crate) stalled: RateLimitedEvent,
    /// A client was disconnected: it did not read its last replies while the server stopped. No
    /// statistic: nobody can ask any more.
    pub(crate) undrained: RateLimitedEvent,
    /// A client was disconnected because of [`ServerState::BUFFERED_MAX`].
    pub(crate) overfull: RateLimitedEvent,
    /// The system had no file descriptor or memory for a connection.
    pub(crate) out_of_files: RateLimitedEvent,
    /// A client was disconnected: it sent no request for too long.
    pub(crate) idle_kicks: RateLimitedEvent,
    /// Authentications, successful or not.
    pub(crate) auth_cmds: AtomicU64,
    /// A request was rejected because the client is not authenticated.
    pub(crate) auth_errors: RateLimitedEvent,
    /// Where wrong passwords come from.
    pub(crate) throttle: Throttle,
    /// How long accepting was paused, in microseconds.
    pub(crate) accept_paused_us: AtomicU64,
    /// How often a connection with more to do made way for others.
    pub(crate) yields: AtomicU64,
    /// Threads that use io_uring.
    pub(crate) rings: AtomicUsize,
    /// Whether accepting is not paused.
    pub(crate) accepting: AtomicBool,
    /// Bytes of the buffers that all connections keep: half-sent requests and unsent replies.
    pub(crate) buffered: AtomicUsize,
    traffic: [Traffic; STRIPES],
}

/// Statistics of memcached that are always 0 here: replies are not objects, workers have their
/// buffers from the start, no page moves in the background, the index grows by a bucket at a time,
/// and there is one LRU list without maintainer or crawler.
const ALWAYS_ZERO: [&str; 28] = [
    "response_obj_oom",
    "response_obj_count",
    "response_obj_bytes",
    "read_buf_oom",
    "malloc_fails",
    "hash_power_level",
    "hash_is_expanding",
    "slab_reassign_rescues",
    "slab_reassign_inline_reclaim",
    "slab_reassign_busy_items",
    "slab_reassign_busy_deletes",
    "slab_reassign_busy_nomem",
    "slab_reassign_last_busy_status",
    "slab_reassign_running",
    "unexpected_napi_ids",
    "round_robin_fallback",
    "lru_crawler_running",
    "lru_crawler_starts",
    "lru_maintainer_juggles",
    "crawler_reclaimed",
    "crawler_items_checked",
    "lrutail_reflocked",
    "evicted_active",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",
    "lru_bumps_dropped",
];

/// How many cache lines the byte counts are spread over, so that threads do not contend for one.
const STRIPES: usize = 8;

#[derive(Debug, Default)]
#[repr(align(64))]
struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
}

#[cfg(test)]
impl ServerState {
    /// That of a server with default options which listens nowhere.
    pub(crate) fn for_tests() -> Self {
        let settings = Settings {
            options: crate::Options::default(),
            port: 0,
            addresses: Vec::new(),
        };
        let limits = Limits::new(&settings.options, 1);
        Self::new(settings, limits)
    }
}

impl ServerState {
    /// The limit of [`buffered`](Self::buffered). A client that needs more is disconnected: halves
    /// of large values must not use up the machine's memory.
    pub(crate) const BUFFERED_MAX: usize = 256 << 20;

    pub(crate) fn new(settings: Settings, limits: Limits) -> Self {
        let stat_prefix = settings.options.memcached.stat_prefix;
        let max_prefixes = settings.options.memcached.max_prefixes;
        let watchers = Arc::<Watchers>::default();
        watchers.count_prefixes(stat_prefix.is_some());
        let clock = Clock::start();
        Self {
            clock,
            heartbeats: Heartbeats::new(settings.options.thread_count(), clock.now()),
            latency: Latency::default(),
            slow: SlowLog::new(settings.options.slow_log),
            switches: Switches::new(&settings.options),
            settings,
            limits,
            clients: Clients::default(),
            watchers,
            prefixes: Prefixes::new(stat_prefix, max_prefixes),
            tls: None,
            stop: Arc::default(),
            saves: Saves::default(),
            connections: AtomicUsize::new(0),
            total_connections: AtomicU64::new(0),
            rejected: RateLimitedEvent::new(
                "rejected_connections",
                "a client was rejected: the limit of --max-connections is reached",
            ),
            rejections: Rejections::default(),
            foreign: ForeignProtocols::new(),
            stalled: RateLimitedEvent::new(
                "stalled_connections",
                "a client was disconnected: it neither sent nor read for --stall-timeout",
            ),
            undrained: RateLimitedEvent::new(
                "drain_timeouts",
                "a client was disconnected: it did not read its last replies before the stop",
            ),
            overfull: RateLimitedEvent::new(
                "overfull_connections",
                "a client was disconnected: the buffers of slow readers and half requests are full",
            ),
            out_of_files: RateLimitedEvent::new(
                "listen_disabled_num",
                "accepting is paused: out of file descriptors or memory",
            ),
            idle_kicks: RateLimitedEvent::new(
                "idle_kicks",
                "a client was disconnected: it sent no request for -o idle_timeout",
            ),
            auth_cmds: AtomicU64::new(0),
            auth_errors: RateLimitedEvent::new(
                "auth_errors",
                "a request was rejected: the client is not authenticated",
            ),
            throttle: Throttle::default(),
            accept_paused_us: AtomicU64::new(0),
            yields: AtomicU64::new(0),
            rings: AtomicUsize::new(0),
            accepting: AtomicBool::new(true),
            buffered: AtomicUsize::new(0),
            traffic: Default::default(),
        }
    }

    /// The settings that commands can change.
    pub(crate) const fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Counts a connection, if the limit allows one more.
    pub(crate) fn admit(&self) -> bool {
        let most = self.limits.max_connections();
        let free = |open| (open < most).then_some(open + 1);
        let admitted = self
            .connections
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, free)
            .is_ok();
        if admitted {
            count(&self.total_connections, 1);
        } else {
            self.rejected.record(self.clock.now());
        }
        admitted
    }

    /// Counts a connection as closed.
    pub(crate) fn dismiss(&self) {
        self.connections.fetch_sub(1, Ordering::Release);
    }

    pub(crate) fn count_read(&self, bytes: usize) {
        count(&self.traffic[stripe()].read, bytes as u64);
    }

    pub(crate) fn count_written(&self, bytes: usize) {
        count(&self.traffic[stripe()].written, bytes as u64);
    }

    /// Counts a request whose replies were written at this moment, in microseconds.
    pub(crate) fn count_written_at(&self, now: u64, measured: &Measured, client: &Client) {
        let took = now.saturating_sub(measured.since);
        let class = CommandClass::of(measured.verb);
        self.latency.of(class).record(took);
        let watchers = &self.watchers;
        // Nobody else needs the clock to be read once more.
        if self.slow.is_wanted(watchers.wanted()) {
            let now = self.clock.now();
            self.slow.record(now, took, measured, client, watchers);
        }
    }

    /// Reports all statistics by memcached's names, and then those that it does not have.
    pub(crate) fn report(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        self.report_process(report);
        self.report_connections(report);
        self.watchers
            .report(&mut |name, value| report(name, &value));
        if let Some(tls) = &self.tls {
            tls.report(report);
        }
        self.saves.report(report);
        report("log_lines_dropped", &log::dropped());
        report("detail_uncounted", &self.prefixes.lock().uncounted());
        report("slow_requests", &self.slow.count());
        for name in ALWAYS_ZERO {
            report(name, &0);
        }
    }

    fn events(&self) -> impl Iterator<Item = &RateLimitedEvent> {
        let own = [
            &self.rejected,
            &self.stalled,
            &self.overfull,
            &self.out_of_files,
            &self.idle_kicks,
            &self.auth_errors,
        ];
        let tls = self.tls.iter().flat_map(|tls| tls.events());
        own.into_iter().chain(self.foreign.events()).chain(tls)
    }

    fn report_process(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        let options = &self.settings.options;
        report("pid", &std::process::id());
        report("uptime", &self.clock.uptime());
        report("time", &unix_time().as_secs());
        report("version", &options.memcached_version);
        report("dynamidb_version", &env!("CARGO_PKG_VERSION"));
        report("libevent", &"none");
        report("pointer_size", &usize::BITS);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            report("rusage_user", &seconds(usage.user_time()));
            report("rusage_system", &seconds(usage.system_time()));
        }
        report("threads", &options.thread_count());
        report("io_uring_threads", &self.rings.load(Ordering::Relaxed));
    }

    fn report_connections(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let open = self.connections.load(Ordering::Relaxed);
        report("max_connections", &self.limits.max_connections());
        report("curr_connections", &open);
        report("total_connections", &load(&self.total_connections));
        report("connection_structures", &open);
        for event in self.events() {
            report(event.name, &event.count());
        }
        report("auth_cmds", &load(&self.auth_cmds));
        let paused = load(&self.accept_paused_us);
        report("time_in_listen_disabled_us", &paused);
        let accepting = u8::from(self.accepting.load(Ordering::Relaxed));
        report("accepting_conns", &accepting);
        report("reserved_fds", &FILES_RESERVED);
        report("conn_yields", &load(&self.yields));
        let sum = |of: fn(&Traffic) -> &AtomicU64| {
            let traffic = self.traffic.iter();
            traffic.map(|traffic| load(of(traffic))).sum::<u64>()
        };
        report("bytes_read", &sum(|traffic| &traffic.read));
        report("bytes_written", &sum(|traffic| &traffic.written));
        let (buffers, size) = buffers::count_and_size();
        report("read_buf_count", &buffers);
        report("read_buf_bytes", &(buffers * size));
        report("read_buf_bytes_free", &(buffers * size));
        report("buffered", &self.buffered.load(Ordering::Relaxed));
    }

    /// Resets the counters of events.
    pub(crate) fn reset(&self) {
        log::reset();
        self.watchers.reset();
        self.prefixes.lock().reset();
        self.latency.reset();
        self.slow.reset();
        if let Some(tls) = &self.tls {
            tls.reset();
        }
        for event in self.events() {
            event.reset();
        }
        let counters = [
            &self.total_connections,
            &self.auth_cmds,
            &self.accept_paused_us,
            &self.yields,
        ];
        let traffic = self.traffic.iter();
        let traffic = traffic.flat_map(|traffic| [&traffic.read, &traffic.written]);
        for counter in counters.into_iter().chain(traffic) {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

/// Adds to a counter.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// The stripe of the calling thread.
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
