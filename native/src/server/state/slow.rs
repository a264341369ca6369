//! Requests that take long, and why: in the log, and for clients that `watch slow`.

use std::sync::atomic::{AtomicU64, Ordering};

use dynamidb_core::Instant;

use crate::server::state::clients::Client;
use crate::server::state::measured::Measured;
use crate::server::state::watchers::{Kinds, Watchers};

/// What counts as slow for watchers if nothing is said, in microseconds.
const WATCHED_FROM: u64 = 10_000;
/// How many log lines there are in a second at most; what is more is counted.
const LINES_PER_SECOND: u64 = 10;

/// What took most of the time of a slow request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Cause {
    /// Others had their turn first.
    Queue,
    /// The lock of the shard.
    Lock,
    /// Execution: large values, or many requests together.
    Size,
    /// Sending the replies: the client reads slowly, or they are large.
    Output,
}

/// What is slow, and how often it was.
#[derive(Debug)]
pub(crate) struct SlowLog {
    /// From how many microseconds on a request is logged, if at all.
    logged_from: Option<u64>,
    count: AtomicU64,
    /// The second of the last log line, times 256, and the lines in it.
    lines: AtomicU64,
}

impl SlowLog {
    /// Logs what takes this many milliseconds.
    pub(crate) fn new(milliseconds: Option<u32>) -> Self {
        Self {
            logged_from: milliseconds.map(|milliseconds| u64::from(milliseconds) * 1000),
            count: AtomicU64::new(0),
            lines: AtomicU64::new(0),
        }
    }

    /// Whether every request has to be measured.
    pub(crate) fn is_wanted(&self, watched: Kinds) -> bool {
        self.logged_from.is_some() || watched.has(Kinds::SLOW)
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    /// Tells of a request that took this many microseconds, if that is slow.
    pub(crate) fn record(
        &self,
        now: Instant,
        took: u64,
        measured: &Measured,
        client: &Client,
        watchers: &Watchers,
    ) {
        let watched = watchers.wanted().has(Kinds::SLOW);
        if took < self.logged_from.unwrap_or(WATCHED_FROM) {
            return;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        if watched {
            watchers.on_slow(took, measured, cause(took, measured).name(), client.number);
        }
        if self.logged_from.is_some() && self.may_log(now) {
            let Measured {
                queued,
                locked,
                executed,
                input,
                output,
                ..
            } = measured;
            tracing::warn!(
                "slow: {} of {client} took {} ms, most of it for {} ({queued} us queued, {locked} \
                 locked, {executed} executed, {} sending; {input} bytes in, {output} out)",
                measured.verb.unwrap_or("a command"),
                took / 1000,
                cause(took, measured).name(),
                sending(took, measured),
            );
        }
    }

    /// Whether there is a line left in this second.
    fn may_log(&self, now: Instant) -> bool {
        let second = now.as_secs();
        let next = |lines: u64| match lines / 256 == second {
            true if lines % 256 >= LINES_PER_SECOND => None,
            true => Some(lines + 1),
            false => Some(second * 256 + 1),
        };
        let order = Ordering::Relaxed;
        self.lines.fetch_update(order, order, next).is_ok()
    }
}

/// How long the replies took to be written.
fn sending(took: u64, measured: &Measured) -> u64 {
    let Measured {
        queued,
        locked,
        executed,
        ..
    } = measured;
    took.saturating_sub(queued + locked + executed)
}

fn cause(took: u64, measured: &Measured) -> Cause {
    let parts = [
        (measured.queued, Cause::Queue),
        (measured.locked, Cause::Lock),
        (measured.executed, Cause::Size),
        (sending(took, measured), Cause::Output),
    ];
    let longest = parts.into_iter().max_by_key(|(time, _)| *time);
    longest.map_or(Cause::Queue, |(_, cause)| cause)
}

impl Cause {
    const fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Lock => "lock",
            Self::Size => "size",
            Self::Output => "output",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_what_took_longest() {
        let measured = |queued, locked, executed| Measured {
            queued,
            locked,
            executed,
            ..Measured::default()
        };
        assert_eq!(cause(100, &measured(60, 20, 10)), Cause::Queue);
        assert_eq!(cause(100, &measured(10, 60, 20)), Cause::Lock);
        assert_eq!(cause(100, &measured(10, 20, 60)), Cause::Size);
        assert_eq!(cause(100, &measured(10, 20, 10)), Cause::Output);
    }

    #[test]
    fn ten_lines_are_logged_in_a_second() {
        let log = SlowLog::new(Some(1));
        let lines = |second| {
            let now = Instant::from_secs(second);
            (0..1000).filter(|_| log.may_log(now)).count() as u64
        };
        assert_eq!(lines(7), LINES_PER_SECOND);
        assert_eq!(lines(7), 0);
        assert_eq!(lines(8), LINES_PER_SECOND);
    }
}
