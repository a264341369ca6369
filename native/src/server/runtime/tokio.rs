//! tokio: a single-threaded runtime for each worker, so that no connection ever changes threads.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::runtime::{self, Handle};
use tokio::sync::watch;

use crate::server::runtime::interface::{Runtime, Stream, no_thread, would_block};

#[derive(Debug)]
pub(crate) struct Tokio {
    workers: Vec<Handle>,
}

impl Runtime for Tokio {
    type Listener = Listener;
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

    fn listen(listener: Socket) -> io::Result<Listener> {
        listener.set_nonblocking(true)?;
        let is_unix = listener.local_addr()?.is_unix();
        let listener = OwnedFd::from(listener);
        Ok(if is_unix {
            Listener::Unix(UnixListener::from_std(listener.into())?)
        } else {
            Listener::Tcp(TcpListener::from_std(listener.into())?)
        })
    }

    async fn accept(listener: &Listener) -> io::Result<Connected> {
        Ok(match listener {
            Listener::Tcp(listener) => Connected::Tcp(listener.accept().await?.0),
            Listener::Unix(listener) => Connected::Unix(listener.accept().await?.0),
        })
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
        Ok(match stream {
            Connected::Tcp(stream) => {
                let stream = stream.into_std()?;
                let _there = worker.enter();
                Connected::Tcp(TcpStream::from_std(stream)?)
            }
            Connected::Unix(stream) => {
                let stream = stream.into_std()?;
                let _there = worker.enter();
                Connected::Unix(UnixStream::from_std(stream)?)
            }
        })
    }

    fn wake_later(cx: &mut Context<'_>) {
        // A task that wakes itself is run again before the sockets are looked at, up to 61 times.
        let _ = pin!(tokio::task::yield_now()).poll(cx);
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }
}

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

#[derive(Debug)]
pub(crate) enum Connected {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream for Connected {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut into = ReadBuf::new(into);
        ready!(match self {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut into),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, &mut into),
        })?;
        Poll::Ready(Ok(into.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Nearly always there is room, and then nobody has to be told whom to wake.
        let written = match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        };
        if !would_block(&written) {
            return Poll::Ready(written);
        }
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Unix(stream) => stream.poll_read_ready(cx),
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => stream.into(),
            Self::Unix(stream) => stream.into(),
        }
    }
}
