//! The sockets of a worker where there is no epoll: async-std's reactor is told of each wait.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use socket2::{SockRef, Socket};

use crate::server::runtime::interface::{Stream, send, would_block};

/// The reactor wakes tasks by itself.
#[derive(Debug)]
pub(crate) struct Sockets;

impl Sockets {
    pub(super) const fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) const fn wake_ready(&self) -> usize {
        0
    }

    pub(super) const fn poll_ready(&self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: Async<Socket>,
}

impl Connected {
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        let socket = Async::new(socket)?;
        Ok(Self { socket })
    }

    pub(super) fn register(self, _sockets: &Arc<Sockets>) -> io::Result<Self> {
        Ok(self)
    }
}

impl AsFd for Connected {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.get_ref().as_fd()
    }
}

impl Stream for Connected {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let read = self.socket.get_ref().read(into);
            if !would_block(&read) {
                return Poll::Ready(read);
            }
            ready!(self.socket.poll_readable(cx))?;
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let written = send(self.socket.get_ref(), bytes);
            if !would_block(&written) {
                return Poll::Ready(written);
            }
            ready!(self.socket.poll_writable(cx))?;
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_readable(cx)
    }

    fn set_drained(&mut self) {
        // The next read finds out.
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.socket.get_ref())
    }
}
