//! Commands that take longer than one reply.

use dynamidb_core::Output;

use crate::server::admin::conns::Conns;
use crate::server::admin::dump::Dump;
use crate::server::admin::sizes::Sizes;
use crate::server::state::watchers::Watcher;
use crate::server::view::View;

/// A command that a connection has not finished.
#[derive(Debug)]
pub(crate) enum Task {
    /// Lists items.
    Dump(Dump),
    /// Counts items by their sizes.
    Sizes(Sizes),
    /// Lists connections.
    Conns(Conns),
    /// Watches. The connection polls the watcher itself.
    Watch(Watcher),
}

/// How a command is answered.
pub(super) enum Answer {
    /// With this, unless the client wants no reply.
    Reply(&'static str),
    /// The reply is in the output already.
    Done,
    /// With this first, whether or not the client wants a reply, and then in pieces.
    Started(&'static str, Task),
    /// It watches from now on.
    Watching(Watcher),
    /// By closing the connection.
    Close,
}

impl Task {
    /// Appends the next piece of the reply; `false` if it was the last one.
    pub(super) fn resume(&mut self, view: &mut View<'_>, output: &mut dyn Output) -> bool {
        match self {
            Self::Dump(dump) => dump.resume(view, output),
            Self::Sizes(sizes) => sizes.resume(view, output),
            Self::Conns(conns) => conns.resume(view, output),
            Self::Watch(_) => false,
        }
    }
}

impl Answer {
    /// Starts a list of items, or refuses to.
    pub(super) fn dump(reply: &'static str, dump: Result<Dump, &'static str>) -> Self {
        match dump {
            Ok(dump) => Self::Started(reply, Task::Dump(dump)),
            Err(refusal) => Self::Reply(refusal),
        }
    }
}
