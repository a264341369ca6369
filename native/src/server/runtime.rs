//! The runtimes that the server can run on. Only [`Server::run`](crate::Server::run) names them.

#[cfg(feature = "async-std")]
mod async_std;
mod interface;
#[cfg(feature = "tokio")]
mod tokio;

use std::fmt;

#[cfg(feature = "async-std")]
pub(crate) use self::async_std::AsyncStd;
pub(crate) use self::interface::{Runtime, Stream, Timer, no_thread, yield_now};
#[cfg(feature = "tokio")]
pub(crate) use self::tokio::Tokio;

#[cfg(not(any(feature = "tokio", feature = "async-std")))]
compile_error!("enable the feature `tokio` or `async-std`: the server needs a runtime");

/// A runtime that is compiled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RuntimeName {
    /// One single-threaded tokio runtime for each thread.
    #[cfg(feature = "tokio")]
    Tokio,
    /// async-std's reactor and one executor for each thread.
    #[cfg(feature = "async-std")]
    AsyncStd,
}

impl RuntimeName {
    /// The runtimes that are compiled in.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "tokio")]
        Self::Tokio,
        #[cfg(feature = "async-std")]
        Self::AsyncStd,
    ];

    /// The default.
    #[cfg(feature = "tokio")]
    pub const DEFAULT: Self = Self::Tokio;
    /// The default.
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::net::{self, Shutdown};
    use std::sync::Arc;
    use std::task::Poll;
    use std::thread;
    use std::time::Duration;

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

    fn a_panic_ends_only_its_connection<R: Runtime>() {
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
    fn a_panic_ends_only_its_connection_on_tokio() {
        a_panic_ends_only_its_connection::<Tokio>();
    }

    #[cfg(feature = "async-std")]
    #[test]
    fn a_panic_ends_only_its_connection_on_async_std() {
        a_panic_ends_only_its_connection::<AsyncStd>();
    }
}
