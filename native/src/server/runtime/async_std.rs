//! async-std: one reactor for all threads, and one executor for each, so that no connection changes
//! threads.

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(not(target_os = "linux"))]
#[path = "async_std/portable.rs"]
mod epoll;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Weak, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use async_executor::Executor;
use async_io::Async;
use async_std::{channel, task};
use socket2::Socket;

pub(crate) use self::epoll::Connected;
use self::epoll::Sockets;
use crate::server::runtime::interface::{Runtime, no_thread};

/// How many tasks run before the sockets are polled.
const TASKS_MAX: usize = 256;
/// How many such rounds pass before timers are polled.
const ROUNDS_MAX: usize = 8;

thread_local! {
    /// Tasks of this thread that are woken after the sockets were polled.
    static LATER: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct AsyncStd {
    /// Weak, because tasks of the workers refer to this.
    workers: Vec<Weak<Worker>>,
}

/// The executor and the sockets of a thread.
#[derive(Debug)]
struct Worker {
    executor: Executor<'static>,
    sockets: Arc<Sockets>,
}

impl Runtime for AsyncStd {
    type Listener = Async<Socket>;
    type Stream = Connected;

    fn run<F: Future<Output = ()>>(
        threads: usize,
        main: impl FnOnce(Arc<Self>) -> F,
    ) -> io::Result<()> {
        try_threads(threads)?;
        let worker = || {
            Ok(Arc::new(Worker {
                executor: Executor::new(),
                sockets: Arc::new(Sockets::new()?),
            }))
        };
        let workers: Vec<_> = (0..threads).map(|_| worker()).collect::<io::Result<_>>()?;
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
                    .spawn_scoped(scope, serve)
                    .map_err(no_thread)?;
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
        Connected::new(socket)
    }

    fn spawn(&self, worker: usize, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(worker) = self.workers[worker].upgrade() {
            worker.executor.spawn(task).detach();
        }
    }

    fn move_to(&self, worker: usize, stream: Connected) -> io::Result<Connected> {
        match self.workers[worker].upgrade() {
            Some(worker) => stream.register(&worker.sockets),
            None => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn wake_later(cx: &mut Context<'_>) {
        LATER.with_borrow_mut(|later| later.push(cx.waker().clone()));
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        task::sleep(duration)
    }
}

/// Starts as many threads as there will be, and ends them: async-std panics if it cannot start its
/// own, one for each processor and one for the reactor.
fn try_threads(workers: usize) -> io::Result<()> {
    let own = thread::available_parallelism().map_or(1, usize::from) + 1;
    let tried = (1..workers + own).map(|_| {
        let (release, released) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || released.recv());
        thread.map(|thread| (release, thread))
    });
    // Each waits until the last one has started.
    let tried = tried.collect::<io::Result<Vec<_>>>();
    for (release, thread) in tried.map_err(no_thread)? {
        drop(release);
        // The thread cannot fail.
        let _ = thread.join();
    }
    Ok(())
}

/// Runs the tasks of a worker, and polls the sockets in between, until `main` is done.
async fn work<T>(worker: &Worker, main: impl Future<Output = T>) -> T {
    let Worker { executor, sockets } = worker;
    let tasks = async {
        let mut rounds = 0;
        // Whether more than one socket was ready last time: then others probably are by now.
        let mut crowded = false;
        loop {
            let ready = sockets.wake_ready();
            let ran = (0..TASKS_MAX).take_while(|_| executor.try_tick()).count();
            let later = LATER.with_borrow_mut(mem::take);
            let busy = ran == TASKS_MAX || !later.is_empty() || crowded && ran > 0;
            crowded = ready > 1;
            later.into_iter().for_each(Waker::wake);
            if !busy {
                wait(executor, sockets).await;
            }
            rounds += 1;
            if rounds % ROUNDS_MAX == 0 {
                task::yield_now().await;
            }
        }
    };
    let (mut main, mut tasks) = (pin!(main), pin!(tasks));
    poll_fn(|cx| match main.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(outcome),
        Poll::Pending => tasks.as_mut().poll(cx),
    })
    .await
}

/// Waits for a socket, or for a task and runs it.
async fn wait(executor: &Executor<'_>, sockets: &Sockets) {
    let mut tick = pin!(executor.tick());
    poll_fn(|cx| match sockets.poll_ready(cx) {
        Poll::Ready(()) => Poll::Ready(()),
        Poll::Pending => tick.as_mut().poll(cx),
    })
    .await;
}
