//! What a connection keeps between its turns: most keep nothing.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::server::admin::Task;
use crate::server::connection::buffers::{Input, UnsentOutput};
use crate::server::connection::timeout::TimeoutTimer;
use crate::server::runtime::Stream;
use crate::server::state::ServerState;
use crate::server::state::clients::ConnState;
use crate::server::state::measured::Measured;

/// What a connection keeps while it waits for its client, or for its turn.
#[derive(Default)]
pub(crate) struct Suspended {
    /// A command that takes longer than one reply.
    pub(crate) task: Option<Box<Task>>,
    /// Bytes that were received and not processed: half a request, or with a backlog whole ones.
    pub(crate) input: Input,
    pub(crate) output: UnsentOutput,
    /// The request whose replies these are, if it is measured.
    pub(crate) measured: Option<Box<Measured>>,
    /// For how long replies are held back, because of wrong passwords from the client's address.
    pub(crate) held: Option<Duration>,
    /// Whether this is a watcher that has closed its sending side.
    pub(crate) half_closed: bool,
    /// What the buffers count for in [`ServerState::buffered`].
    accounted: usize,
    pub(crate) timer: TimeoutTimer,
}

impl Suspended {
    pub(crate) fn is_watching(&self) -> bool {
        matches!(self.task.as_deref(), Some(Task::Watch(_)))
    }

    /// Whether there is neither input nor output nor a task: only timers.
    pub(crate) fn keeps_nothing(&self) -> bool {
        self.task.is_none() && self.input.is_empty() && self.output.is_empty()
    }

    /// Appends the lines that wait for a watcher; pending if there are none, or nobody watches.
    pub(crate) fn poll_watch(&mut self, cx: &mut Context<'_>, output: &mut Vec<u8>) -> Poll<()> {
        match self.task.as_deref_mut() {
            Some(Task::Watch(watcher)) => watcher.poll_lines(cx, output),
            _ => Poll::Pending,
        }
    }

    /// Sends the replies that the socket did not take before, and counts them if they are not.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Stream,
        server: &ServerState,
        counted: bool,
    ) -> io::Result<Poll<()>> {
        while !self.output.is_empty() {
            if self.held.is_some() && !server.stop.is_requested() {
                return Ok(Poll::Pending);
            }
            match stream.poll_write(cx, self.output.bytes())? {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.output.consume(written);
                    if counted {
                        server.count_written(written);
                    }
                }
            }
            self.timer.restart_stall();
        }
        Ok(Poll::Ready(()))
    }

    /// Accounts for the buffers, and half a record of TLS. Fails if all connections together keep
    /// more than [`ServerState::BUFFERED_MAX`]; this one has to be closed then.
    pub(crate) fn account(&mut self, server: &ServerState, half_a_record: usize) -> io::Result<()> {
        let size = self.input.size() + self.output.size() + half_a_record;
        let before = std::mem::replace(&mut self.accounted, size);
        if size < before {
            server.buffered.fetch_sub(before - size, Ordering::Relaxed);
        } else if size > before {
            let added = size - before;
            let total = server.buffered.fetch_add(added, Ordering::Relaxed) + added;
            if total > ServerState::BUFFERED_MAX {
                server.overfull.record(server.clock.now());
                return Err(io::Error::other("the buffers of all connections are full"));
            }
        }
        Ok(())
    }

    /// Takes back what [`account`](Self::account) has counted.
    pub(crate) fn release(&mut self, server: &ServerState) {
        let accounted = std::mem::take(&mut self.accounted);
        server.buffered.fetch_sub(accounted, Ordering::Relaxed);
    }

    /// Whether nothing is kept, so that this can be freed.
    pub(crate) fn is_empty(&self) -> bool {
        self.accounted == 0 && self.task.is_none()
    }

    /// What `stats conns` shows.
    pub(crate) fn conn_state(&self) -> ConnState {
        if self.is_watching() {
            ConnState::Watching
        } else if !self.output.is_empty() {
            ConnState::Writing
        } else if !self.input.is_empty() {
            ConnState::Reading
        } else {
            ConnState::Waiting
        }
    }
}
