//! `watch`: log lines about requests, evictions and connections, for clients that ask for them.
//!
//! Each watcher has a queue of limited size. Lines that find it full are skipped and counted;
//! nothing waits for a watcher. Without watchers a batch of requests costs one load of a number.

use std::io::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use dynamidb_core::view::{Removal, RemovalReason};
use dynamidb_core::{Action, Event, Instant, ItemSummary, Lookup, push_percent_encoded};
use event_listener::EventListener;

use crate::server::clock::unix_time;
use crate::server::lock::lock;
use crate::server::state::clients::Client;
use crate::server::state::measured::Measured;

/// The most watchers; memcached's limit.
const WATCHERS_MAX: usize = 20;
/// The size of a watcher's queue in bytes; memcached's default.
pub(crate) const QUEUE_SIZE: usize = 256 * 1024;
/// The most evictions that are recorded for one request.
pub(crate) const REMOVALS_MAX: usize = 256;

/// Kinds of lines, a bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Kinds(u32);

impl Kinds {
    pub(crate) const FETCHERS: Self = Self(1);
    const MUTATIONS: Self = Self(2);
    pub(crate) const EVICTIONS: Self = Self(4);
    const DELETIONS: Self = Self(8);
    const CONNECTIONS: Self = Self(16);
    /// No lines, but counts: `stats detail`.
    pub(crate) const PREFIXES: Self = Self(32);
    /// Requests that take long.
    pub(crate) const SLOW: Self = Self(64);
    /// The kinds that are about items.
    const ITEMS: Self = Self(1 | 2 | 4 | 8 | 32);

    /// The kind of a word of the command. The last ones do not happen here.
    pub(crate) fn named(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"fetchers" => Self::FETCHERS,
            b"mutations" => Self::MUTATIONS,
            b"evictions" => Self::EVICTIONS,
            b"deletions" => Self::DELETIONS,
            b"connevents" => Self::CONNECTIONS,
            b"slow" => Self::SLOW,
            b"sysevents" | b"rawcmds" | b"proxyreqs" | b"proxyevents" | b"proxyuser" => Self(0),
            _ => return None,
        })
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether each request has to be reported.
    pub(crate) const fn concern_items(self) -> bool {
        self.has(Self::ITEMS)
    }
}

/// All watchers, and their counters.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// The kinds that at least one watcher wants.
    wanted: AtomicU32,
    queues: Mutex<Vec<Arc<Queue>>>,
    /// Lines made so far.
    written: AtomicU64,
    /// Lines that were queued, counted for each watcher.
    sent: AtomicU64,
    /// Lines that were skipped, counted for each watcher.
    skipped: AtomicU64,
}

/// The queue of one watcher.
#[derive(Debug)]
struct Queue {
    kinds: Kinds,
    waiting: Mutex<Waiting>,
    filled: event_listener::Event,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Lines skipped since the last one.
    skipped: u64,
}

/// A client that watches, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    watchers: Arc<Watchers>,
    queue: Arc<Queue>,
    listener: Option<EventListener>,
}

impl Watchers {
    pub(crate) fn wanted(&self) -> Kinds {
        Kinds(self.wanted.load(Ordering::Relaxed))
    }

    pub(crate) fn wants_evictions(&self) -> bool {
        self.wanted().has(Kinds::EVICTIONS)
    }

    /// Switches counting by prefix.
    pub(crate) fn count_prefixes(&self, on: bool) {
        let Kinds(bit) = Kinds::PREFIXES;
        if on {
            self.wanted.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.wanted.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// `None` if the limit of watchers is reached.
    pub(crate) fn watch(self: &Arc<Self>, kinds: Kinds) -> Option<Watcher> {
        let queue = Arc::new(Queue {
            kinds,
            waiting: Mutex::default(),
            filled: event_listener::Event::new(),
        });
        let mut queues = lock(&self.queues);
        if queues.len() >= WATCHERS_MAX {
            return None;
        }
        queues.push(Arc::clone(&queue));
        self.wanted.fetch_or(kinds.0, Ordering::Relaxed);
        Some(Watcher {
            watchers: Arc::clone(self),
            listener: Some(queue.filled.listen()),
            queue,
        })
    }

    fn leave(&self, queue: &Arc<Queue>) {
        let mut queues = lock(&self.queues);
        queues.retain(|other| !Arc::ptr_eq(other, queue));
        let kinds = queues.iter().fold(0, |all, queue| all | queue.kinds.0);
        let kept = |wanted| Some(kinds | wanted & Kinds::PREFIXES.0);
        let order = Ordering::Relaxed;
        // The closure always returns a value to store.
        let _ = self.wanted.fetch_update(order, order, kept);
    }

    /// Reports what a request did.
    pub(crate) fn on_event(&self, event: &Event<'_>, client: u64) {
        let (wanted, Event { at, key, .. }) = (self.wanted(), *event);
        if wanted.has(Kinds::FETCHERS) {
            let (status, place) = match event.lookup {
                Lookup::Found(place) => ("found", Some(place)),
                Lookup::Expired => ("expired", None),
                _ => ("not_found", None),
            };
            let (class, size) = class_and_size(place);
            let cfd = client;
            self.line(Kinds::FETCHERS, "item_get", Some(key), |line| {
                write!(line, "status={status} clsid={class} cfd={cfd} size={size}")
            });
        }
        match event.action {
            Action::Store { status, item } if wanted.has(Kinds::MUTATIONS) => {
                let ttl = ttl(at, item.and_then(|item| item.expires_at)).unwrap_or(0);
                let (class, size) = class_and_size(item);
                let (verb, cfd) = (event.verb, client);
                self.line(Kinds::MUTATIONS, "item_store", Some(key), |line| {
                    write!(line, "status={status} cmd={verb} ttl={ttl} ")?;
                    write!(line, "clsid={class} cfd={cfd} size={size}")
                });
            }
            Action::Delete { deleted: true } if wanted.has(Kinds::DELETIONS) => {
                let Lookup::Found(place) = event.lookup else {
                    return;
                };
                let (class, size) = class_and_size(Some(place));
                let verb = event.verb;
                self.line(Kinds::DELETIONS, "deleted", Some(key), |line| {
                    write!(line, "cmd={verb} clsid={class} size={size}")
                });
            }
            _ => {}
        }
    }

    /// Reports an eviction.
    pub(crate) fn on_eviction(&self, at: Instant, removal: &Removal<'_>) {
        if !matches!(
            removal.reason,
            RemovalReason::Memory | RemovalReason::ItemLimit
        ) {
            return;
        }
        let fetched = if removal.fetched { "yes" } else { "no" };
        let ttl = ttl(at, removal.expires_at).map_or(-1, u64::cast_signed);
        let unused = at.as_secs().saturating_sub(removal.last_used.as_secs());
        let (class, size) = (removal.class + 1, removal.value_len);
        self.line(Kinds::EVICTIONS, "eviction", Some(removal.key), |line| {
            write!(
                line,
                "fetch={fetched} ttl={ttl} la={unused} clsid={class} size={size}"
            )
        });
    }

    /// Counts evictions that were too many to record.
    pub(crate) fn skip_evictions(&self, count: u64) {
        for queue in &*lock(&self.queues) {
            if queue.kinds.has(Kinds::EVICTIONS) {
                lock(&queue.waiting).skipped += count;
                self.skipped.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// Reports that a connection was opened, or closed for a reason.
    pub(crate) fn on_connection(&self, client: &Client, reason: Option<&str>) {
        if !self.wanted().has(Kinds::CONNECTIONS) {
            return;
        }
        let name = if reason.is_some() {
            "conn_close"
        } else {
            "conn_new"
        };
        self.line(Kinds::CONNECTIONS, name, None, |line| {
            client.write_peer(line)?;
            if let Some(reason) = reason {
                write!(line, " reason={reason}")?;
            }
            write!(line, " cfd={}", client.number)
        });
    }

    /// Reports a request that took this many microseconds.
    pub(crate) fn on_slow(&self, took: u64, measured: &Measured, cause: &str, client: u64) {
        let Measured {
            queued,
            locked,
            executed,
            input,
            output,
            ..
        } = measured;
        let (verb, key) = (measured.verb.unwrap_or("none"), measured.key.as_deref());
        self.line(Kinds::SLOW, "slow", key, |line| {
            write!(line, "cmd={verb} us={took} cause={cause} queued={queued} ")?;
            write!(line, "locked={locked} executed={executed} ")?;
            write!(line, "in={input} out={output} cfd={client}")
        });
    }

    /// Makes a line with the time of the wall clock, and queues it for the watchers of this kind.
    fn line(
        &self,
        kind: Kinds,
        name: &str,
        key: Option<&[u8]>,
        rest: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>,
    ) {
        let number = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let at = unix_time();
        let (second, micros) = (at.as_secs(), at.as_millis() % 1000 * 1000);
        let mut line = Vec::with_capacity(200);
        // Writing to a `Vec` does not fail.
        let _ = write!(line, "ts={second}.{micros:06} gid={number} type={name} ");
        if let Some(key) = key {
            line.extend_from_slice(b"key=");
            push_percent_encoded(&mut line, key);
            line.push(b' ');
        }
        let _ = rest(&mut line);
        line.push(b'\n');
        for queue in &*lock(&self.queues) {
            if queue.kinds.has(kind) {
                let counter = if queue.push(&line) {
                    &self.sent
                } else {
                    &self.skipped
                };
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Reports the counters.
    pub(crate) fn report(&self, report: &mut dyn FnMut(&str, u64)) {
        report("log_worker_dropped", 0);
        report("log_worker_written", self.written.load(Ordering::Relaxed));
        report("log_watcher_skipped", self.skipped.load(Ordering::Relaxed));
        report("log_watcher_sent", self.sent.load(Ordering::Relaxed));
        report("log_watchers", lock(&self.queues).len() as u64);
    }

    /// Resets the counters.
    pub(crate) fn reset(&self) {
        for counter in [&self.written, &self.sent, &self.skipped] {
            counter.store(0, Ordering::Relaxed);
        }
    }
}

impl Queue {
    /// Queues a line; `false` if it was skipped.
    fn push(&self, line: &[u8]) -> bool {
        let mut waiting = lock(&self.waiting);
        let Waiting { lines, skipped } = &mut *waiting;
        let was_empty = lines.is_empty();
        if *skipped > 0 {
            let notice = format!("skipped={skipped}\n");
            if lines.len() + notice.len() + line.len() > QUEUE_SIZE {
                *skipped += 1;
                return false;
            }
            lines.extend_from_slice(notice.as_bytes());
            *skipped = 0;
        }
        if lines.len() + line.len() > QUEUE_SIZE {
            *skipped += 1;
            return false;
        }
        lines.extend_from_slice(line);
        drop(waiting);
        if was_empty {
            self.filled.notify(1);
        }
        true
    }
}

impl Watcher {
    /// Moves the queued lines to `output`; pending if there are none.
    pub(crate) fn poll_lines(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) -> Poll<()> {
        loop {
            // The listener comes first, so that a line in between is not missed.
            let listener = self
                .listener
                .get_or_insert_with(|| self.queue.filled.listen());
            let mut waiting = lock(&self.queue.waiting);
            if !waiting.lines.is_empty() {
                output.append(&mut waiting.lines);
                return Poll::Ready(());
            }
            drop(waiting);
            match Pin::new(listener).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => self.listener = None,
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watchers.leave(&self.queue);
    }
}

/// Classes are numbered from 1; 0 stands for none.
fn class_and_size(place: Option<ItemSummary>) -> (u8, usize) {
    place.map_or((0, 0), |place| (place.class + 1, place.size))
}

/// The remaining seconds of an item.
fn ttl(at: Instant, end: Option<Instant>) -> Option<u64> {
    end.map(|end| end.as_secs().saturating_sub(at.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::hint::spin_loop;
    use std::sync::atomic::AtomicBool;
    use std::task::{Wake, Waker};
    use std::thread::{self, Thread};
    use std::time::{Duration, Instant as SystemInstant};

    use super::*;
    use crate::server::race::{MeetingPoint, SetOnDrop};

    fn queue_line(watchers: &Watchers, number: u32) {
        watchers.line(Kinds::FETCHERS, "test", None, |line| {
            write!(line, "number={number:0100}")
        });
    }

    fn taken(watcher: &mut Watcher) -> String {
        let mut output = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while watcher.poll_lines(&mut cx, &mut output).is_ready() {}
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn skipped_lines_are_counted_and_reported_to_the_watcher() {
        let watchers = Arc::new(Watchers::default());
        let mut watcher = watchers.watch(Kinds::FETCHERS).unwrap();
        queue_line(&watchers, 0);
        let size = taken(&mut watcher).len();
        for number in 1..5000 {
            queue_line(&watchers, number);
        }
        let first = taken(&mut watcher);
        assert!(first.len() <= QUEUE_SIZE && first.len() > QUEUE_SIZE - 2 * size);
        let skipped = 4999 - first.lines().count();
        queue_line(&watchers, 5000);
        let next = taken(&mut watcher);
        assert!(next.starts_with(&format!("skipped={skipped}\n")), "{next}");
        assert_eq!(next.lines().count(), 2);
        let mut counted = Vec::new();
        watchers.report(&mut |name, value| counted.push((name.to_string(), value)));
        assert!(counted.contains(&("log_watcher_skipped".into(), skipped as u64)));
        assert!(counted.contains(&("log_watcher_sent".into(), 5001 - skipped as u64)));
    }

    /// Wakes a thread that waits.
    struct ThreadWaker {
        thread: Thread,
        is_woken: AtomicBool,
    }

    impl Wake for ThreadWaker {
        fn wake(self: Arc<Self>) {
            self.is_woken.store(true, Ordering::SeqCst);
            self.thread.unpark();
        }
    }

    impl ThreadWaker {
        fn of_this_thread() -> (Arc<Self>, Waker) {
            let waker = Arc::new(Self {
                thread: thread::current(),
                is_woken: AtomicBool::new(false),
            });
            (Arc::clone(&waker), Waker::from(waker))
        }

        fn wait(&self) {
            let deadline = SystemInstant::now() + Duration::from_secs(60);
            while !self.is_woken.swap(false, Ordering::SeqCst) {
                assert!(SystemInstant::now() < deadline, "never woken");
                thread::park_timeout(Duration::from_secs(1));
            }
        }
    }

    /// The number behind this word of a line, if the word is in it.
    fn number_in(line: &str, word: &str) -> Option<usize> {
        let words = line.split(' ');
        let number = words.into_iter().find_map(|pair| pair.strip_prefix(word))?;
        Some(number.parse().unwrap())
    }

    /// How many lines each of two threads writes.
    const LINES: usize = 300;

    /// Reads until a line says that it is one of the last, and how many of these came before it.
    fn read_to_the_end(watcher: &mut Watcher) {
        let (waker, task) = ThreadWaker::of_this_thread();
        let mut cx = Context::from_waker(&task);
        let (mut counted, mut first, mut second) = (0, None, None);
        loop {
            let mut output = Vec::new();
            while watcher.poll_lines(&mut cx, &mut output).is_pending() {
                waker.wait();
            }
            for line in str::from_utf8(&output).unwrap().lines() {
                if let Some(number) = number_in(line, "last=") {
                    assert_eq!(counted, 2 * LINES + number);
                    return;
                }
                counted += number_in(line, "skipped=").unwrap_or(1);
                for (word, last) in [("first=", &mut first), ("second=", &mut second)] {
                    if let Some(number) = number_in(line, word) {
                        assert!(last.is_none_or(|last| last < number), "{last:?}");
                        *last = Some(number);
                    }
                }
            }
        }
    }

    #[test]
    fn a_waiting_watcher_is_woken_for_each_line_while_others_write_watch_and_leave() {
        // Some of these are skipped whenever the watcher is slower.
        let filler = "x".repeat(QUEUE_SIZE / 5);
        for _ in 0..30 {
            let watchers = Arc::new(Watchers::default());
            let mut watcher = watchers.watch(Kinds::FETCHERS).unwrap();
            let done = AtomicBool::new(false);
            let write = |word: &str, number: usize, filler: &str| {
                watchers.line(Kinds::FETCHERS, "test", None, |line| {
                    write!(line, "{word}{number} {filler}")
                });
            };
            thread::scope(|scope| {
                let writers = ["first=", "second="].map(|word| {
                    let (write, filler) = (&write, &filler);
                    scope.spawn(move || {
                        for number in 0..LINES {
                            let is_large = number % 100 >= 90;
                            write(word, number, if is_large { filler } else { "" });
                            // So that the watcher often finds nothing.
                            (0..number % 64).for_each(|_| spin_loop());
                            if number % 64 == 0 {
                                thread::yield_now();
                            }
                        }
                    })
                });
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        let other = watchers.watch(Kinds::FETCHERS.and(Kinds::DELETIONS));
                        watchers.count_prefixes(true);
                        drop(other);
                        watchers.count_prefixes(false);
                        thread::yield_now();
                    }
                });
                scope.spawn(|| {
                    let join = |writer: thread::ScopedJoinHandle<'_, ()>| writer.join().unwrap();
                    writers.into_iter().for_each(join);
                    // The first ones may be skipped.
                    let mut number = 0;
                    while !done.load(Ordering::SeqCst) {
                        write("last=", number, "");
                        number += 1;
                        thread::yield_now();
                    }
                });
                let _done = SetOnDrop(&done);
                read_to_the_end(&mut watcher);
            });
            assert_eq!(watchers.wanted(), Kinds::FETCHERS);
        }
    }

    #[test]
    fn a_line_that_is_queued_while_a_watcher_begins_to_wait_wakes_it() {
        const ROUNDS: usize = 20_000;
        let watchers = Arc::new(Watchers::default());
        let mut watcher = watchers.watch(Kinds::FETCHERS).unwrap();
        let (waker, task) = ThreadWaker::of_this_thread();
        let mut cx = Context::from_waker(&task);
        let point = MeetingPoint::default();
        let meet = |number| point.meet(number);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    meet(2 * round + 1);
                    queue_line(&watchers, 0);
                    meet(2 * round + 2);
                }
            });
            let (mut lost, mut output) = (0, Vec::new());
            for round in 0..ROUNDS {
                // It was notified of a line that it has read, so that it has to listen again.
                queue_line(&watchers, 0);
                assert!(watcher.poll_lines(&mut cx, &mut output).is_ready());
                waker.is_woken.store(false, Ordering::SeqCst);
                meet(2 * round + 1);
                // At any moment of that.
                (0..round % 128).for_each(|_| spin_loop());
                let polled = watcher.poll_lines(&mut cx, &mut output);
                meet(2 * round + 2);
                let is_woken = waker.is_woken.load(Ordering::SeqCst);
                lost += usize::from(polled.is_pending() && !is_woken);
                while watcher.poll_lines(&mut cx, &mut output).is_ready() {}
                output.clear();
            }
            assert_eq!(lost, 0);
        });
    }

    #[test]
    fn watchers_are_limited_and_a_leaving_one_ends_what_it_wanted() {
        let watchers = Arc::new(Watchers::default());
        let mut all: Vec<_> = (0..WATCHERS_MAX)
            .map(|_| watchers.watch(Kinds::FETCHERS).unwrap())
            .collect();
        assert!(watchers.watch(Kinds::FETCHERS).is_none());
        all.pop();
        assert!(watchers.watch(Kinds::DELETIONS).is_some());
        assert!(watchers.wanted().has(Kinds::FETCHERS));
        assert!(!watchers.wanted().has(Kinds::DELETIONS));
        watchers.count_prefixes(true);
        all.clear();
        assert_eq!(watchers.wanted(), Kinds::PREFIXES);
        watchers.count_prefixes(false);
        assert_eq!(watchers.wanted(), Kinds::default());
    }
}
