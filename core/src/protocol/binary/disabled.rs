//! A protocol without packets: no request is one, and no state of a session knows of them.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::marker::PhantomData;

use super::super::context::Context;
use super::super::event::Effect;
use super::super::parsed::{Parsed, State};
use super::super::{Host, Protocol, SessionConfig};
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

    pub(in crate::protocol) const fn writes(&self) -> bool {
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

pub(in crate::protocol) const fn execute<H: Host>(
    _: &mut Context<'_, H>,
    _: &SessionConfig,
    request: &BinaryRequest<'_>,
    _: Key<'_>,
) -> Option<Effect> {
    match request.0 {}
}

pub(in crate::protocol) const fn refuse(_: &mut Vec<u8>, request: &BinaryRequest<'_>) {
    match request.0 {}
}

pub(in crate::protocol) const fn control<H: Host>(
    _: &mut Context<'_, H>,
    control: &BinaryControl<'_>,
) -> State {
    match control.0 {}
}

pub(in crate::protocol) const fn resume<H: Host>(
    _: &mut Context<'_, H>,
    stat: PendingStat,
) -> State {
    match stat.0 {}
}

pub(in crate::protocol) const fn skip(
    skip: PacketSkip,
    _: &[u8],
    _: &mut Vec<u8>,
) -> (usize, State) {
    match skip.0 {}
}
