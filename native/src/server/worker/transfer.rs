//! A receive or a send that a ring performs together with others.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;

/// A receive or a send that does not wait.
#[derive(Debug)]
pub(crate) struct Transfer<'a> {
    #[allow(dead_code, reason = "not every system has a ring that uses it")]
    pub(super) socket: BorrowedFd<'a>,
    pub(super) buffer: Buffer<'a>,
    /// How many bytes were transferred. Before it is performed, it would block.
    pub(super) outcome: nix::Result<usize>,
}

#[derive(Debug)]
pub(super) enum Buffer<'a> {
    Receive(&'a mut [u8]),
    Send(&'a [u8]),
}

impl<'a> Transfer<'a> {
    /// Receives up to as many bytes as `into` has.
    pub(crate) fn receive(socket: BorrowedFd<'a>, into: &'a mut [u8]) -> Self {
        Self::new(socket, Buffer::Receive(into))
    }

    /// Sends as much as the socket takes.
    pub(crate) fn send(socket: BorrowedFd<'a>, bytes: &'a [u8]) -> Self {
        Self::new(socket, Buffer::Send(bytes))
    }

    fn new(socket: BorrowedFd<'a>, buffer: Buffer<'a>) -> Self {
        Self {
            socket,
            buffer,
            outcome: Err(Errno::EAGAIN),
        }
    }

    /// The outcome, and the size of the buffer. `None` if the transfer would block, or was not
    /// performed.
    pub(crate) fn finish(self) -> Option<(nix::Result<usize>, usize)> {
        let size = match self.buffer {
            Buffer::Receive(into) => into.len(),
            Buffer::Send(bytes) => bytes.len(),
        };
        (self.outcome != Err(Errno::EAGAIN)).then_some((self.outcome, size))
    }
}
