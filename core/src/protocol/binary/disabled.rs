//! A protocol without packets: no request is one, and no state of a session knows of them.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::super::context::Context;
use super::super::event::Effect;
use super::super::parsed::{Parsed, State};
use super::super::request::Request;
use super::super::{Host, Output, Protocol, SessionConfig};
use crate::Key;

/// A request that does not occur.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct BinaryRequest<'i>(Infallible, PhantomData<&'i [u8]>);

/// A request that does not occur.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct BinaryControl<'i>(Infallible, PhantomData<&'i [u8]>);

/// What is known of no client.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct Login(Infallible);

/// What is never passed over.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct PacketSkip(Infallible);

/// What is never answered.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct PendingStat(Infallible);

impl<'i> BinaryRequest<'i> {
    pub(in crate::protocol) const fn key(&self) -> &'i [u8] {
        match self.0 {}
    }

    pub(in crate::protocol) const fn verb(&self) -> Option<&'static str> {
        match self.0 {}
    }

    pub(in crate::protocol) const fn is_report(&self) -> bool {
        match self.0 {}
    }

    pub(in crate::protocol) const fn writes(&self) -> bool {
        match self.0 {}
    }
}

impl BinaryControl<'_> {
    pub(in crate::protocol) const fn is_report(&self) -> bool {
        match self.0 {}
    }
}

/// Text, whatever is asked for.
pub(in crate::protocol) const fn initial_state(_: Protocol) -> State {
    State::Ready { dynamidb: false }
}

pub(in crate::protocol) const fn parse<'i>(
    _: &SessionConfig,
    login: Login,
    _: &'i [u8],
) -> Option<Parsed<'i>> {
    match login.0 {}
}

pub(in crate::protocol) const fn execute<H: Host, O: Output>(
    _: &mut Context<'_, H, O>,
    _: &SessionConfig,
    request: &BinaryRequest<'_>,
    _: Key<'_>,
) -> Option<Effect> {
    match request.0 {}
}

pub(in crate::protocol) const fn refuse(_: &mut impl Output, request: &BinaryRequest<'_>) {
    match request.0 {}
}

pub(in crate::protocol) const fn refuse_for_size(_: &mut impl Output, _: &Request<'_>) -> bool {
    false
}

pub(in crate::protocol) const fn shows_value(request: &BinaryRequest<'_>) -> bool {
    match request.0 {}
}

pub(in crate::protocol) const fn control<H: Host, O: Output>(
    _: &mut Context<'_, H, O>,
    control: &BinaryControl<'_>,
) -> State {
    match control.0 {}
}

pub(in crate::protocol) const fn resume<H: Host, O: Output>(
    _: &mut Context<'_, H, O>,
    stat: PendingStat,
) -> State {
    match stat.0 {}
}

pub(in crate::protocol) const fn after_refusal(stat: PendingStat) -> State {
    match stat.0 {}
}

pub(in crate::protocol) const fn skip(
    skip: PacketSkip,
    _: &[u8],
    _: &mut impl Output,
) -> (usize, State) {
    match skip.0 {}
}
