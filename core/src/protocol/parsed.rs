//! What parsing finds: a request, its length, and what the bytes behind it are.

use super::binary::{Login, PacketSkip, PendingStat};
use super::line::Line;
use super::reply::{self, Form};
use super::request::{Request, Retrieval};
use super::{AdminCommand, AdminOutcome};

/// What the session expects next.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// A request begins. `dynamidb`: the last one was in DynamiDB's dialect, so that a blank line
    /// is ignored.
    Ready { dynamidb: bool },
    /// More keys of a retrieval follow.
    Keys(Retrieval),
    /// The first byte decides between lines and packets.
    #[cfg_attr(
        not(feature = "binary"),
        expect(dead_code, reason = "there are no packets")
    )]
    Undecided(Login),
    /// A packet begins, of a client that has signed in so far.
    #[cfg_attr(
        not(feature = "binary"),
        expect(dead_code, reason = "there are no packets")
    )]
    Packets(Login),
    /// The rest of a refused request follows.
    Skip(Skip),
    /// The rest of a refused packet follows.
    #[cfg_attr(
        not(feature = "binary"),
        expect(dead_code, reason = "there are no packets")
    )]
    PacketSkip(PacketSkip),
    /// The host has not finished its answer to a command, and that goes into packets.
    #[cfg_attr(
        not(feature = "binary"),
        expect(dead_code, reason = "there are no packets")
    )]
    PendingStat(PendingStat),
    /// The host has not finished its answer to a command: nothing is read until it has.
    HostBusy,
    /// Whatever follows is ignored; the host may still write.
    OutputOnly,
    /// The conversation is over. `error`: because of an invalid request, not because the client
    /// quit.
    Closed { error: bool },
}

impl State {
    /// What follows an admin command.
    pub(super) const fn after(outcome: AdminOutcome) -> Self {
        match outcome {
            AdminOutcome::Done => Self::Ready { dynamidb: false },
            AdminOutcome::Pending => Self::HostBusy,
            AdminOutcome::OutputOnly => Self::OutputOnly,
            AdminOutcome::Close => Self::Closed { error: false },
        }
    }
}

/// The rest of a refused request, which is skipped before the reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    /// This many bytes.
    pub(super) block: u64,
    /// And then everything up to the next LF.
    pub(super) line: bool,
    pub(super) reply: &'static [u8],
    /// The request was in DynamiDB's dialect.
    pub(super) dynamidb: bool,
}

/// A request found at the front of the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed<'i> {
    pub(super) request: Request<'i>,
    /// How many bytes it takes.
    pub(super) len: usize,
    pub(super) next: State,
}

impl<'i> Parsed<'i> {
    /// A whole request in DynamiDB's dialect.
    pub(super) const fn dynamidb(len: usize, request: Request<'i>) -> Self {
        let next = State::Ready { dynamidb: true };
        Self { request, len, next }
    }

    /// A whole request of memcached's.
    pub(super) const fn classic(len: usize, request: Request<'i>) -> Self {
        let next = State::Ready { dynamidb: false };
        Self { request, len, next }
    }

    /// A line for the host, which also decides what follows: nothing is parsed ahead.
    pub(super) const fn command(line: Line<'i>) -> Self {
        Self {
            request: Request::AdminCommand(AdminCommand::new(line)),
            len: line.len,
            next: State::HostBusy,
        }
    }

    /// A whole retrieval, or the last part of one, in its dialect.
    pub(super) const fn retrieved(len: usize, retrieval: Retrieval, request: Request<'i>) -> Self {
        let dynamidb = matches!(retrieval.form, Form::Bare);
        let next = State::Ready { dynamidb };
        Self { request, len, next }
    }

    /// The reply to a client that quits.
    pub(super) const fn quit(len: usize, reply: &'static [u8]) -> Self {
        let next = State::Closed { error: false };
        let request = Request::Reply(reply);
        Self { request, len, next }
    }

    /// The reply to an invalid request after which the connection is closed.
    pub(super) const fn close(len: usize, reply: &'static [u8]) -> Self {
        let next = State::Closed { error: true };
        let request = Request::Reply(reply);
        Self { request, len, next }
    }

    /// A refusal of a request whose rest is still to come.
    pub(super) const fn skip(len: usize, skip: Skip) -> Self {
        let (request, next) = (Request::Reply(reply::NONE), State::Skip(skip));
        Self { request, len, next }
    }
}
