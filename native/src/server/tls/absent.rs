//! TLS in a server that is built without it: there is none, and options that ask for it are
//! refused.

use std::fmt::Display;
use std::io;
use std::task::Context;

use crate::server::connection::buffers::{InputPool, Slot};
use crate::server::error::Error;
use crate::server::options::tls::{ClientCerts, TlsFiles};
use crate::server::runtime::Stream;
use crate::server::state::rate_limited::RateLimitedEvent;

pub(crate) const ALERT: &[u8] = &[];

#[derive(Debug)]
pub(crate) enum TlsContext {}

#[derive(Debug)]
pub(crate) enum Tls {}

impl TlsContext {
    pub(crate) fn load(_: TlsFiles) -> Result<Self, Error> {
        Err(Error::Option {
            name: "--tls-cert",
            reason: "this server is built without TLS".into(),
        })
    }

    pub(crate) fn reload(&self) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn poll_files(&self) {
        match *self {}
    }

    pub(crate) fn begin_handshake(&self, _: ClientCerts) -> Option<Box<Tls>> {
        match *self {}
    }

    pub(crate) fn events(&self) -> [&RateLimitedEvent; 3] {
        match *self {}
    }

    pub(crate) fn record_timeout(&self) {
        match *self {}
    }

    pub(crate) fn report(&self, _: &mut dyn FnMut(&str, &dyn Display)) {
        match *self {}
    }

    pub(crate) fn reset(&self) {
        match *self {}
    }
}

impl Tls {
    pub(crate) fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) fn has_ended(&self) -> bool {
        match *self {}
    }

    pub(crate) fn has_failed(&self) -> bool {
        match *self {}
    }

    pub(crate) fn has_pending(&self) -> bool {
        match *self {}
    }

    pub(crate) fn kept_size(&self) -> usize {
        match *self {}
    }

    pub(crate) fn receive(
        &mut self,
        _: &mut Context<'_>,
        _: &mut impl Stream,
        _: &mut Slot,
        _: &mut InputPool,
        _: usize,
    ) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn seal(&mut self, _: &mut Vec<u8>) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn close(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        match *self {}
    }
}
