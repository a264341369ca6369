//! Requests in packets, with everything checked that can be checked without the cache.

use super::header::{Echo, Status};
use super::state::Login;
use crate::SetMode;

/// A request that does not change what follows it.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct BinaryRequest<'i> {
    pub(super) echo: Echo,
    pub(super) quiet: bool,
    /// The item's, for those that only want it like that; 0 for any.
    pub(super) cas: u64,
    pub(super) key: &'i [u8],
    pub(super) operation: Operation<'i>,
}

/// What it asks for. An exptime is a number as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation<'i> {
    Get {
        touch: Option<u32>,
        with_key: bool,
    },
    Touch {
        exptime: u32,
    },
    Store {
        mode: SetMode,
        flags: u32,
        exptime: u32,
        value: &'i [u8],
    },
    /// A store whose value is refused because of its size; the state says what is to be skipped.
    TooLarge {
        mode: SetMode,
    },
    Delete,
    Arithmetic {
        decrement: bool,
        delta: u64,
        initial: u64,
        exptime: u32,
    },
    Flush {
        delay: u32,
    },
    Noop,
    Version,
    SaslList,
    /// To leave; also what is refused once the rest of it has been passed over.
    Silence,
    /// Whatever it asks for, this is the answer.
    Reply(Status),
}

/// A request whose answer decides what follows: nothing is read ahead.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct BinaryControl<'i> {
    pub(super) echo: Echo,
    pub(super) login: Login,
    pub(super) action: ControlAction<'i>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ControlAction<'i> {
    Stat {
        name: &'i [u8],
    },
    /// A piece of a conversation in which a client signs in; `step`: not the first.
    SignIn {
        step: bool,
        mechanism: &'i [u8],
        data: &'i [u8],
    },
}

impl BinaryControl<'_> {
    /// Whether its answer tells of the whole cache, and it does nothing else.
    pub(in crate::protocol) const fn is_report(&self) -> bool {
        matches!(self.action, ControlAction::Stat { name: [] })
    }
}

impl<'i> BinaryRequest<'i> {
    /// The key it is about; empty if it is about none.
    pub(in crate::protocol) const fn key(&self) -> &'i [u8] {
        self.key
    }

    /// Whether its answer tells of the protocol, and it does nothing else.
    pub(in crate::protocol) const fn is_report(&self) -> bool {
        matches!(self.operation, Operation::Version)
    }

    /// Whether it would change an item.
    pub(in crate::protocol) const fn writes(&self) -> bool {
        match self.operation {
            Operation::Get { touch, .. } => touch.is_some(),
            Operation::Touch { .. }
            | Operation::Store { .. }
            | Operation::TooLarge { .. }
            | Operation::Delete
            | Operation::Arithmetic { .. }
            | Operation::Flush { .. } => true,
            Operation::Noop
            | Operation::Version
            | Operation::SaslList
            | Operation::Silence
            | Operation::Reply(_) => false,
        }
    }

    /// What it is called; `None` if it is about no key.
    pub(in crate::protocol) const fn verb(&self) -> Option<&'static str> {
        Some(match self.operation {
            Operation::Get { touch: None, .. } => "get",
            Operation::Get { touch: Some(_), .. } => "gat",
            Operation::Touch { .. } => "touch",
            Operation::Store { mode, .. } | Operation::TooLarge { mode } => match mode {
                SetMode::Set | SetMode::Add | SetMode::Replace if self.cas != 0 => "cas",
                SetMode::Set => "set",
                SetMode::Add => "add",
                SetMode::Replace => "replace",
                SetMode::Append => "append",
                SetMode::Prepend => "prepend",
            },
            Operation::Delete => "delete",
            Operation::Arithmetic { decrement, .. } => match decrement {
                false => "incr",
                true => "decr",
            },
            _ => return None,
        })
    }
}
