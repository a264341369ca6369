//! Where there is no io_uring.

use std::io;

use crate::server::worker::transfer::Transfer;

/// There is none.
#[derive(Debug)]
pub(crate) enum Ring {}

impl Ring {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn try_out() -> io::Result<()> {
        Self::new().map(|_| ())
    }

    pub(crate) fn start(&mut self) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn perform(&mut self, _transfers: &mut [Transfer<'_>]) -> io::Result<()> {
        match *self {}
    }
}
