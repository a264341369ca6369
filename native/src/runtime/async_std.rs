//! async-std: its reactor serves all threads, and each has an executor to itself, so that no
//! connection ever changes threads.
//!
//! The reactor has to be told anew of each wait for a socket, which takes a call of the system.
//! So it is told only if a socket still has nothing to give after all others have had a turn.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Waker, ready};
use std::thread;
use std::time::Duration;

use async_executor::Executor;
use async_io::Async;
use async_std::{channel, task};
use socket2::{SockRef, Socket};

use super::{Runtime, Stream, would_block};

/// How many tasks are run before the sockets are looked at.
const TASKS_MAX: usize = 256;

thread_local! {
    /// Tasks of this thread that go on after the sockets have been looked at.
    static LATER: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct AsyncStd {
    /// Tasks know of this, so it does not keep them.
    workers: Vec<Weak<Executor<'static>>>,
}

impl Runtime for AsyncStd {
    type Listener = Async<Socket>;
    type Stream = Connected;

    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()> {
        try_threads(threads)?;
        let workers: Vec<_> = (0..threads)
            .map(|_| Arc::<Executor<'_>>::default())
            .collect();
        let this = Arc::new(Self {
            workers: workers.iter().map(Arc::downgrade).collect(),
        });

        let (end, ended) = channel::bounded::<()>(1);
        thread::scope(|scope| {
            for (number, worker) in workers.iter().enumerate().skip(1) {
                let ended = ended.clone();
                let serve = move || {
                    // The sender is dropped when `main` is done.
                    let _ = task::block_on(work(worker, ended.recv()));
                };
                thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .spawn_scoped(scope, serve)?;
            }
            task::block_on(work(&workers[0], main(this)));
            drop(end);
            Ok(())
        })
    }

    fn listen(listener: Socket) -> io::Result<Async<Socket>> {
        Async::new(listener)
    }

    async fn accept(listener: &Async<Socket>) -> io::Result<Connected> {
        let (socket, _) = listener.read_with(Socket::accept).await?;
        Ok(Connected {
            socket: Async::new(socket)?,
            heard: false,
        })
    }

    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(worker) = self.workers[worker].upgrade() {
            worker.spawn(task).detach();
        }
    }

    fn move_to(&self, _worker: usize, stream: Connected) -> io::Result<Connected> {
        Ok(stream)
    }

    fn wake_later(cx: &mut Context<'_>) {
        LATER.with_borrow_mut(|later| later.push(cx.waker().clone()));
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        task::sleep(duration)
    }
}

/// Starts as many threads as there will be, and ends them: async-std panics if it cannot have its
/// own, one for each processor and one for the reactor.
fn try_threads(workers: usize) -> io::Result<()> {
    let own = thread::available_parallelism().map_or(1, usize::from) + 1;
    let tried = (1..workers + own).map(|_| {
        let (release, released) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || released.recv());
        thread.map(|thread| (release, thread))
    });
    // All at once: each waits until the last has started.
    for (release, thread) in tried.collect::<io::Result<Vec<_>>>()? {
        drop(release);
        // It does nothing that could fail.
        let _ = thread.join();
    }
    Ok(())
}

/// Runs the tasks of a worker, and looks at the sockets in between, until `main` is done.
async fn work<T>(worker: &Executor<'_>, main: impl Future<Output = T>) -> T {
    let tasks = async {
        loop {
            worker.tick().await;
            let many = (1..TASKS_MAX).all(|_| worker.try_tick());
            let later = LATER.with_borrow_mut(mem::take);
            if many || !later.is_empty() {
                task::yield_now().await;
            }
            later.into_iter().for_each(Waker::wake);
        }
    };
    let (mut main, mut tasks) = (pin!(main), pin!(tasks));
    poll_fn(|cx| match main.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => tasks.as_mut().poll(cx),
    })
    .await
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: Async<Socket>,
    /// Whether it gave all that it had just now.
    heard: bool,
}

impl Stream for Connected {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if mem::take(&mut self.heard) {
            AsyncStd::wake_later(cx);
            return Poll::Pending;
        }
        loop {
            let read = self.socket.get_ref().read(into);
            if !would_block(&read) {
                self.heard = read
                    .as_ref()
                    .is_ok_and(|read| (1..into.len()).contains(read));
                return Poll::Ready(read);
            }
            ready!(self.socket.poll_readable(cx))?;
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let written = self.socket.get_ref().write(bytes);
            if !would_block(&written) {
                return Poll::Ready(written);
            }
            ready!(self.socket.poll_writable(cx))?;
        }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if mem::take(&mut self.heard) {
            AsyncStd::wake_later(cx);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(self.socket.get_ref())
    }
}
