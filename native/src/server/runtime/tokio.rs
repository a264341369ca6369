//! tokio: a single-threaded runtime for each worker, so that no connection changes threads.

use std::future::Future;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;

use crate::server::runtime::interface::{Runtime, Stream, no_thread, send, would_block};

#[derive(Debug)]
pub(crate) struct Tokio {
    workers: Vec<Handle>,
}

impl Runtime for Tokio {
    type Listener = AsyncFd<Socket>;
    type Stream = Connected;

    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()> {
        let build = || runtime::Builder::new_current_thread().enable_all().build();
        let first = build()?;
        let others = (1..threads)
            .map(|_| build())
            .collect::<io::Result<Vec<_>>>()?;
        let workers = std::iter::once(&first)
            .chain(&others)
            .map(|r| r.handle().clone())
            .collect();
        let this = Arc::new(Self { workers });

        let (end, ended) = watch::channel(());
        thread::scope(|scope| {
            for (number, worker) in (1..threads).zip(others) {
                let mut ended = ended.clone();
                let serve = move || {
                    // The sender is dropped when `main` is done.
                    let _ = worker.block_on(ended.changed());
                };
                thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .spawn_scoped(scope, serve)
                    .map_err(no_thread)?;
            }
            first.block_on(main(this));
            drop(end);
            Ok(())
        })
    }

    fn listen(listener: Socket) -> io::Result<AsyncFd<Socket>> {
        listener.set_nonblocking(true)?;
        register(listener, Interest::READABLE)
    }

    async fn accept(listener: &AsyncFd<Socket>) -> io::Result<Connected> {
        let accepted = listener.async_io(Interest::READABLE, Socket::accept);
        let (socket, _) = accepted.await?;
        socket.set_nonblocking(true)?;
        Connected::new(socket)
    }

    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static) {
        self.workers[worker].spawn(task);
    }

    fn move_to(&self, worker: usize, stream: Connected) -> io::Result<Connected> {
        let worker = &self.workers[worker];
        if worker.id() == Handle::current().id() {
            return Ok(stream);
        }
        // A socket belongs to the runtime in which it was registered.
        let socket = stream.socket.into_inner();
        let _there = worker.enter();
        Connected::new(socket)
    }

    fn wake_later(cx: &mut Context<'_>) {
        // A task that wakes itself is run again before the sockets are looked at, up to 61 times.
        let _ = pin!(tokio::task::yield_now()).poll(cx);
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }
}

/// Registers a socket with the runtime of this thread.
// The replacement of this function is unsafe: it has to be promised that the descriptor stays the
// same one. That of a `Socket` does.
#[allow(deprecated)]
fn register(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
    AsyncFd::with_interest(socket, interest)
}

/// A connected socket.
///
/// Edge-triggered: after a short read the socket is empty, and is not tried again before the next
/// event. But a read also stops at urgent data, with more bytes behind it.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: AsyncFd<Socket>,
}

impl Connected {
    fn new(socket: Socket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        #[cfg(target_os = "linux")]
        let interest = interest | Interest::PRIORITY;
        let socket = register(socket, interest)?;
        Ok(Self { socket })
    }

    /// Whether urgent data was announced since the socket was last empty.
    #[cfg(target_os = "linux")]
    fn has_urgent_data(&self) -> bool {
        self.socket.try_io(Interest::PRIORITY, |_| Ok(())).is_ok()
    }

    /// Forgets urgent data, which is read.
    #[cfg(target_os = "linux")]
    fn clear_urgent_data(&self) {
        self.clear(Interest::PRIORITY);
    }

    /// Forgets readiness until the next event.
    fn clear(&self, interest: Interest) {
        // Readiness is cleared by an operation that would block.
        let operation = |_: &Socket| Err(io::ErrorKind::WouldBlock.into());
        let _: io::Result<()> = self.socket.try_io(interest, operation);
    }

    #[cfg(not(target_os = "linux"))]
    const fn has_urgent_data(&self) -> bool {
        false
    }

    #[cfg(not(target_os = "linux"))]
    const fn clear_urgent_data(&self) {}
}

impl AsFd for Connected {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.get_ref().as_fd()
    }
}

impl Stream for Connected {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.socket.poll_read_ready(cx))?;
            let read = ready.get_inner().read(into);
            if would_block(&read) {
                ready.clear_ready();
                self.clear_urgent_data();
                continue;
            }
            let is_short = matches!(read, Ok(len) if len > 0 && len < into.len());
            if is_short && !self.has_urgent_data() {
                ready.clear_ready();
            }
            return Poll::Ready(read);
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Usually there is space, and no waker has to be registered.
        let written = self
            .socket
            .try_io(Interest::WRITABLE, |socket| send(socket, bytes));
        if !would_block(&written) {
            return Poll::Ready(written);
        }
        loop {
            let mut ready = ready!(self.socket.poll_write_ready(cx))?;
            if let Ok(written) = ready.try_io(|socket| send(socket.get_ref(), bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_read_ready(cx).map_ok(|_| ())
    }

    fn set_drained(&mut self) {
        if !self.has_urgent_data() {
            self.clear(Interest::READABLE);
        }
    }

    fn socket(&self) -> SockRef<'_> {
        self.socket.get_ref().into()
    }
}
