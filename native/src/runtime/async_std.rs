//! async-std: its global executor moves tasks between worker threads as it sees fit.

use std::future::Future;
use std::io;
use std::net::{self, Shutdown};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_global_executor::GlobalExecutorConfig;
use async_std::io::{Read, Write};
use async_std::net::{TcpListener, TcpStream};
use async_std::task;

use super::{Runtime, Stream};

#[derive(Debug)]
pub(crate) struct AsyncStd;

impl Runtime for AsyncStd {
    type Listener = TcpListener;
    type Stream = TcpStream;

    /// The executor belongs to the process and outlives the call: the first number of threads
    /// that is asked for stays.
    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()> {
        let workers = GlobalExecutorConfig::default().with_min_threads(threads);
        async_global_executor::init_with_config(workers.with_max_threads(threads));
        task::block_on(main(Arc::new(Self)));
        Ok(())
    }

    fn listen(listener: net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        Ok(listener.into())
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        listener.accept().await.map(|(stream, _)| stream)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        task::spawn(task);
    }

    fn hand_over<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) {
        task::spawn(serve(stream));
    }

    fn wake_later(cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        task::sleep(duration)
    }
}

impl Stream for TcpStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Read::poll_read(Pin::new(self), cx, into)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Write::poll_write(Pin::new(self), cx, bytes)
    }

    fn peer_addr(&self) -> Option<net::SocketAddr> {
        Self::peer_addr(self).ok()
    }

    fn local_addr(&self) -> Option<net::SocketAddr> {
        Self::local_addr(self).ok()
    }

    fn finish(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}
