//! What a client may keep the server waiting for, and for how long.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::server::runtime::{Runtime, Timer};

/// How long a stopping server waits for a client to read its last replies.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take for its TLS handshake in all.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a half-closed watcher is checked for having left.
pub(crate) const DEPARTURE_PERIOD: Duration = Duration::from_secs(1);
/// How long a half-closed watcher may be silent before TCP probes whether its host is still there.
pub(crate) const DEPARTURE_PROBE: Duration = Duration::from_secs(30);

/// What a client may keep the server waiting for, but not forever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Timeout {
    /// The rest of a request, or space in the socket for replies.
    Stall,
    /// A request.
    Idle,
    /// The end of the TLS handshake.
    Handshake,
    /// The end of the time for which replies are held back.
    Throttled,
    /// Space in the socket for the last replies before the server stops.
    Drain,
    /// The departure of a watcher that has closed its sending side.
    Departure,
}

/// The one timeout of a connection that runs at a time.
#[derive(Default)]
pub(crate) struct TimeoutTimer {
    running: Option<(Timeout, Timer)>,
}

impl TimeoutTimer {
    /// Ready when `limit` has passed since this timeout was first polled. Another timeout that was
    /// running is dropped.
    pub(crate) fn poll<R: Runtime>(
        &mut self,
        cx: &mut Context<'_>,
        timeout: Timeout,
        limit: Duration,
    ) -> Poll<()> {
        let running = self.running.take().filter(|(same, _)| *same == timeout);
        let (_, timer) = self
            .running
            .insert(running.unwrap_or_else(|| (timeout, Box::pin(R::sleep(limit)))));
        timer.as_mut().poll(cx)
    }

    /// Ends the timeout that runs; the next poll starts one.
    pub(crate) fn clear(&mut self) {
        self.running = None;
    }

    /// Gives a client that has sent or read something its full time again.
    pub(crate) fn restart_stall(&mut self) {
        self.running
            .take_if(|(timeout, _)| *timeout == Timeout::Stall);
    }

    /// The timer of [`Timeout::Drain`], if it runs.
    pub(crate) fn into_drain(self) -> Option<Timer> {
        match self.running {
            Some((Timeout::Drain, timer)) => Some(timer),
            _ => None,
        }
    }
}
