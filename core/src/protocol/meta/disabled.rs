//! A protocol without meta commands: their verbs are unknown, and no request is one of them.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::super::context::Context;
use super::super::event::Effect;
use super::super::line::Line;
use super::super::parsed::Parsed;
use super::super::{Host, Output, SessionConfig, reply};
use super::MetaCommand;
use crate::Key;

/// A request that does not occur.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct MetaRequest<'i>(Infallible, PhantomData<&'i [u8]>);

impl<'i> MetaRequest<'i> {
    pub(in crate::protocol) const fn key(&self) -> &'i [u8] {
        match self.0 {}
    }

    pub(in crate::protocol) const fn is_base64(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::protocol) const fn verb(&self) -> &'static str {
        match self.0 {}
    }

    pub(in crate::protocol) const fn writes(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::protocol) const fn key_bytes<'k>(
        &self,
        _: &'k mut [u8; Key::LEN_MAX],
    ) -> &'k [u8] {
        match self.0 {}
    }
}

pub(in crate::protocol) const fn reply_max(request: &MetaRequest<'_>) -> usize {
    match request.0 {}
}

pub(in crate::protocol) const fn shows_value(request: &MetaRequest<'_>) -> bool {
    match request.0 {}
}

/// An unknown command. `ms` ends the conversation: its value must not be taken for a command.
pub(in crate::protocol) const fn parse<'i>(
    _: &SessionConfig,
    command: MetaCommand,
    line: Line<'i>,
) -> Option<Parsed<'i>> {
    match command {
        MetaCommand::Set => Some(Parsed::close(line.len, reply::ERROR)),
        _ => Some(Parsed::command(line)),
    }
}

/// `mn`, which is unknown as well.
pub(in crate::protocol) const fn noop(line: Line<'_>) -> Parsed<'_> {
    Parsed::command(line)
}

pub(in crate::protocol) const fn execute<H: Host, O: Output>(
    _: &mut Context<'_, H, O>,
    request: &MetaRequest<'_>,
    _: Key<'_>,
) -> Effect {
    match request.0 {}
}
