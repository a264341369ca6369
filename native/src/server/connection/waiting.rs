//! What a connection waits for, and what happens if that does not come.

use std::io;
use std::task::Context;
use std::time::Duration;

use nix::poll::PollFlags;

use crate::server::connection::timeout::{
    DEPARTURE_PERIOD, DRAIN_TIMEOUT, HANDSHAKE_TIMEOUT, Timeout,
};
use crate::server::connection::{Connection, NextStep, State};
use crate::server::runtime::{Runtime, Stream};
use crate::server::tls::Tls;

impl<R: Runtime> Connection<R> {
    /// Fails when the client has kept the server waiting for too long.
    pub(super) fn poll_timeout(&mut self, cx: &mut Context<'_>) -> io::Result<NextStep> {
        let Some((timeout, limit)) = self.timeout() else {
            self.suspended.take_if(|suspended| suspended.is_empty());
            if let Some(suspended) = &mut self.suspended {
                suspended.timer.restart_stall();
            }
            return Ok(NextStep::Wait);
        };
        let suspended = self.suspended.get_or_insert_default();
        let timer = &mut suspended.timer;
        if timer.poll::<R>(cx, timeout, limit).is_pending() {
            return Ok(NextStep::Wait);
        }
        let server = &self.context.server;
        let now = server.clock.now();
        if timeout == Timeout::Idle {
            // Requests do not restart this timer, which would cost each of them.
            let idle = self.client.idle_for(now);
            timer.clear();
            if idle < limit && timer.poll::<R>(cx, timeout, limit - idle).is_pending() {
                return Ok(NextStep::Wait);
            }
        }
        // After a pause of the process or its machine the timer may be ready before the runtime has
        // seen what arrived meanwhile, so the socket itself is asked.
        let has_timed_out = match timeout {
            Timeout::Stall if !suspended.output.is_empty() => {
                !self.stream.is_ready(PollFlags::POLLOUT)
            }
            Timeout::Stall | Timeout::Idle | Timeout::Handshake => {
                !self.stream.is_ready(PollFlags::POLLIN)
            }
            Timeout::Departure => self.stream.is_ready(PollFlags::empty()),
            Timeout::Drain => true,
            Timeout::Throttled => false,
        };
        if !has_timed_out {
            suspended.timer.clear();
            suspended.held = None;
            return Ok(NextStep::Requeue);
        }
        match timeout {
            Timeout::Departure => {
                self.state = State::Flushing;
                return Ok(NextStep::Requeue);
            }
            Timeout::Throttled => {}
            Timeout::Drain => {
                server.undrained.record(now);
            }
            Timeout::Stall => {
                server.stalled.record(now);
            }
            Timeout::Idle => {
                server.idle_kicks.record(now);
            }
            Timeout::Handshake => {
                if let Some(tls) = &server.tls {
                    tls.record_timeout();
                }
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// The timeout that applies now.
    fn timeout(&self) -> Option<(Timeout, Duration)> {
        if matches!(self.state, State::Lingering(_)) {
            return None;
        }
        if self.context.stop.is_requested() {
            return Some((Timeout::Drain, DRAIN_TIMEOUT));
        }
        if self.tls.as_deref().is_some_and(Tls::is_handshaking) {
            return Some((Timeout::Handshake, HANDSHAKE_TIMEOUT));
        }
        if let Some(suspended) = self.suspended.as_deref() {
            if let Some(hold) = suspended.held {
                return Some((Timeout::Throttled, hold));
            }
            let half_a_request =
                (!suspended.input.is_empty() || self.half_a_record() > 0) && !self.backlog;
            if half_a_request || !suspended.output.is_empty() {
                return Some((Timeout::Stall, self.context.server.limits.stall_timeout()?));
            }
            if suspended.half_closed {
                return Some((Timeout::Departure, DEPARTURE_PERIOD));
            }
            // A watcher has nothing to send.
            if suspended.task.is_some() {
                return None;
            }
        }
        Some((Timeout::Idle, self.context.server.limits.idle_timeout()?))
    }
}
