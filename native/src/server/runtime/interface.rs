//! What the server needs of a runtime: readiness of sockets, timers, accept and spawn.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockRef, Socket};

/// Worker threads that serve sockets.
pub(crate) trait Runtime: Send + Sync + Sized + 'static {
    type Listener: Send + Sync + 'static;
    type Stream: Stream;

    /// Runs `main` to its end on `threads` workers. Spawned tasks that still run are dropped.
    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()>;

    fn listen(listener: Socket) -> io::Result<Self::Listener>;

    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Runs a task on this worker.
    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static);

    /// Moves a stream to a worker, whose tasks read and write it from now on.
    ///
    /// # Errors
    /// The system cannot register the socket there.
    fn move_to(&self, worker: usize, stream: Self::Stream) -> io::Result<Self::Stream>;

    /// Wakes the task after the other tasks have run and the sockets were polled.
    fn wake_later(cx: &mut Context<'_>);

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}

/// A boxed [`Runtime::sleep`].
pub(crate) type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connected socket. `poll_*` instead of `async`, so that all connections of a thread share
/// buffers: they are used during a call, not while waiting for a client.
pub(crate) trait Stream: AsFd + Debug + Send + Unpin + 'static {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Ready if a read may succeed. Otherwise the task is woken when it may.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    /// Called after a short read of the socket itself: it is empty until the next event.
    fn set_drained(&mut self);
    fn socket(&self) -> SockRef<'_>;

    /// Whether the socket itself has one of these events, an error, or both directions closed: the
    /// runtime may not have polled it yet.
    fn is_ready(&self, events: PollFlags) -> bool {
        let socket = self.socket();
        let mut polled = [PollFd::new(socket.as_fd(), events)];
        matches!(poll(&mut polled, PollTimeout::ZERO), Ok(1..))
    }
}

/// Adds what failed to the error.
pub(crate) fn no_thread(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("a thread cannot be started: {error}"))
}

/// Writes to a socket. No signal is sent if the other side has closed it: a program that embeds the
/// server may not ignore `SIGPIPE`.
pub(crate) fn send(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    let flags = nix::libc::MSG_NOSIGNAL;
    // Elsewhere the socket has an option for it, or the signal has to be ignored.
    #[cfg(not(target_os = "linux"))]
    let flags = 0;
    socket.send_with_flags(bytes, flags)
}

/// Whether a socket is empty, or full.
pub(crate) fn would_block<T>(outcome: &io::Result<T>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Lets the other tasks run once.
pub(crate) async fn yield_now<R: Runtime>() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        R::wake_later(cx);
        Poll::Pending
    })
    .await;
}
