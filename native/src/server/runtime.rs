//! The narrow seam between the server and the runtime it runs on. Everything above it names none.

#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "tokio")]
mod tokio;

use std::fmt::{self, Debug};
use std::future::Future;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockRef, Socket};

#[cfg(feature = "async-std")]
pub(crate) use self::async_std::AsyncStd;
#[cfg(feature = "tokio")]
pub(crate) use self::tokio::Tokio;

#[cfg(not(any(feature = "tokio", feature = "async-std")))]
compile_error!("enable the feature `tokio` or `async-std`: the server needs a runtime");

/// The runtimes that are compiled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RuntimeName {
    /// One single-threaded tokio runtime for each thread.
    #[cfg(feature = "tokio")]
    Tokio,
    /// async-std's reactor, and an executor of its kind for each thread.
    #[cfg(feature = "async-std")]
    AsyncStd,
}

impl RuntimeName {
    /// All that are compiled in.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "tokio")]
        Self::Tokio,
        #[cfg(feature = "async-std")]
        Self::AsyncStd,
    ];

    /// The one that is used unless another is asked for.
    #[cfg(feature = "tokio")]
    pub const DEFAULT: Self = Self::Tokio;
    /// The one that is used unless another is asked for.
    #[cfg(not(feature = "tokio"))]
    pub const DEFAULT: Self = Self::AsyncStd;

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => "tokio",
            #[cfg(feature = "async-std")]
            Self::AsyncStd => "async-std",
        }
    }

    /// What `--help` says of it.
    pub(crate) const fn about(self) -> &'static str {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio => "One single-threaded tokio runtime for each thread",
            #[cfg(feature = "async-std")]
            Self::AsyncStd => "async-std's reactor and one executor for each thread",
        }
    }
}

impl fmt::Display for RuntimeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of worker threads that serve sockets.
pub(crate) trait Runtime: Send + Sync + Sized + 'static {
    type Listener: Send + Sync + 'static;
    type Stream: Stream;

    /// Runs `main` to its end on `threads` workers. What was spawned and still goes on is dropped.
    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()>;

    fn listen(listener: Socket) -> io::Result<Self::Listener>;

    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Runs a task on this worker.
    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static);

    /// Lets the stream be read and written by tasks of this worker from now on.
    ///
    /// # Errors
    /// The system has no means to watch the socket there.
    fn move_to(&self, worker: usize, stream: Self::Stream) -> io::Result<Self::Stream>;

    /// Wakes the task once the other tasks and the sockets have had a turn.
    fn wake_later(cx: &mut Context<'_>);

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}

/// Ready after a while.
pub(crate) type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connected socket. `poll_*` rather than `async`, so that buffers can be shared by all
/// connections of a thread: they are needed during a call only, not while a client is waited for.
pub(crate) trait Stream: Debug + Send + Unpin + 'static {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
    /// Ready if a read may succeed. Otherwise the task is woken as soon as it may.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn socket(&self) -> SockRef<'_>;

    /// Whether one of these events, an error or the end of both directions can be seen at the
    /// socket itself: a runtime knows of them only when it has asked.
    fn is_ready(&self, events: PollFlags) -> bool {
        let socket = self.socket();
        let mut waiting = [PollFd::new(socket.as_fd(), events)];
        matches!(poll(&mut waiting, PollTimeout::ZERO), Ok(1..))
    }
}

/// Says what could not be had.
fn no_thread(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("a thread cannot be started: {error}"))
}

/// Whether a socket has nothing to give, or takes nothing more.
fn would_block<T>(outcome: &io::Result<T>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Lets others have a turn.
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::net::{self, Shutdown};
    use std::thread;

    use super::*;

    /// Sends back one byte, or panics if it is `!`.
    async fn echo(mut stream: impl Stream) {
        let mut byte = [0];
        poll_fn(|cx| stream.poll_read(cx, &mut byte)).await.unwrap();
        assert_ne!(byte, *b"!", "on purpose");
        poll_fn(|cx| stream.poll_write(cx, &byte)).await.unwrap();
        stream.socket().shutdown(Shutdown::Write).unwrap();
    }

    fn ask(address: net::SocketAddr, byte: u8) -> Vec<u8> {
        let mut socket = net::TcpStream::connect(address).unwrap();
        socket.write_all(&[byte]).unwrap();
        let mut reply = Vec::new();
        socket.read_to_end(&mut reply).unwrap();
        reply
    }

    fn a_panic_ends_its_connection_and_no_other<R: Runtime>() {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let clients = thread::spawn(move || {
            // Every worker has its turn, before and after.
            [b"a", b"b", b"!", b"!", b"!", b"c", b"d", b"e"].map(|byte| ask(address, byte[0]))
        });
        R::run(2, async |runtime: Arc<R>| {
            let listener = R::listen(listener.into()).unwrap();
            let mut next = 0;
            while !clients.is_finished() {
                let stream = R::accept(&listener);
                let mut stream = std::pin::pin!(stream);
                let mut pause = std::pin::pin!(R::sleep(Duration::from_millis(5)));
                let accepted = poll_fn(|cx| match stream.as_mut().poll(cx) {
                    Poll::Ready(accepted) => Poll::Ready(Some(accepted.unwrap())),
                    Poll::Pending => pause.as_mut().poll(cx).map(|()| None),
                });
                if let Some(stream) = accepted.await {
                    next += 1;
                    let stream = runtime.move_to(next % 2, stream).unwrap();
                    runtime.spawn(next % 2, echo(stream));
                }
            }
        })
        .unwrap();
        let replies: [&[u8]; 8] = [b"a", b"b", b"", b"", b"", b"c", b"d", b"e"];
        assert_eq!(clients.join().unwrap(), replies);
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn a_panic_ends_its_connection_and_no_other_on_tokio() {
        a_panic_ends_its_connection_and_no_other::<Tokio>();
    }

    #[cfg(feature = "async-std")]
    #[test]
    fn a_panic_ends_its_connection_and_no_other_on_async_std() {
        a_panic_ends_its_connection_and_no_other::<AsyncStd>();
    }
}
