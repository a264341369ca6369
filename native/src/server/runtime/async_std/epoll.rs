//! The sockets of a worker on Linux: an epoll instance, in which each socket is registered once,
//! edge-triggered. async-std's reactor watches only that instance: for each wait it needs a system
//! call.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_io::Async;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use slab::Slab;
use socket2::{SockRef, Socket};

use crate::server::lock::lock;
use crate::server::runtime::interface::{Stream, send, would_block};

/// How many events are fetched at once.
const EVENTS: usize = 64;

/// The sockets of one worker.
#[derive(Debug)]
pub(crate) struct Sockets {
    epoll: Async<Descriptor>,
    sources: Mutex<Slab<Arc<Source>>>,
}

/// Gives the reactor the descriptor in the standard library's way.
#[derive(Debug)]
struct Descriptor(Epoll);

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}

/// Whether a socket may be read and written, and the wakers that wait for it.
#[derive(Debug, Default)]
struct Source {
    state: Mutex<[Direction; 2]>,
}

const READ: usize = 0;
const WRITE: usize = 1;

#[derive(Debug, Default)]
struct Direction {
    /// An operation would block: nothing has happened since it was tried.
    blocked: bool,
    /// The end was announced. It comes after the last bytes, without another event.
    ended: bool,
    /// Urgent data was announced since the socket was last empty: a read stops there, with more
    /// bytes behind it.
    urgent: bool,
    waker: Option<Waker>,
}

impl Sockets {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self {
            epoll: Async::new_nonblocking(Descriptor(epoll))?,
            sources: Mutex::default(),
        })
    }

    /// Wakes the tasks whose sockets have become ready; returns how many.
    pub(super) fn wake_ready(&self) -> usize {
        let mut events = [EpollEvent::empty(); EVENTS];
        let fetched = self.epoll.get_ref().0.wait(&mut events, EpollTimeout::ZERO);
        let events = &events[..fetched.unwrap_or(0)];
        for event in events {
            let key = usize::try_from(event.data()).unwrap_or(usize::MAX);
            let source = lock(&self.sources).get(key).map(Arc::clone);
            // A closed socket may have left an event.
            if let Some(source) = source {
                source.set_ready(event.events());
            }
        }
        events.len()
    }

    /// Ready when [`wake_ready`](Self::wake_ready) has something to do.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.epoll.poll_readable(cx).map(|_| ())
    }
}

impl Source {
    fn set_ready(&self, events: EpollFlags) {
        let both = EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP;
        let flags = [
            (
                EpollFlags::EPOLLIN | EpollFlags::EPOLLPRI,
                EpollFlags::EPOLLRDHUP | both,
            ),
            (EpollFlags::EPOLLOUT, both),
        ];
        for (direction, (moves, ends)) in flags.into_iter().enumerate() {
            if events.intersects(moves | ends) {
                let waker = {
                    let direction = &mut lock(&self.state)[direction];
                    direction.blocked = false;
                    direction.ended |= events.intersects(ends);
                    direction.urgent |= (events & moves).contains(EpollFlags::EPOLLPRI);
                    direction.waker.take()
                };
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
    }

    /// Pending if an operation would block.
    fn poll(&self, direction: usize, cx: &Context<'_>) -> Poll<()> {
        let direction = &mut lock(&self.state)[direction];
        if !direction.blocked || direction.ended {
            return Poll::Ready(());
        }
        direction.watch(cx);
        Poll::Pending
    }

    fn watch(&self, direction: usize, cx: &Context<'_>) {
        lock(&self.state)[direction].watch(cx);
    }

    /// After an operation that would block: the socket is empty or full until the next event.
    fn set_blocked(&self, direction: usize) {
        let direction = &mut lock(&self.state)[direction];
        (direction.blocked, direction.urgent) = (true, false);
    }

    /// After a short one.
    fn set_drained(&self, direction: usize) {
        let direction = &mut lock(&self.state)[direction];
        direction.blocked = !direction.urgent;
    }
}

impl Direction {
    fn watch(&mut self, cx: &Context<'_>) {
        if !matches!(&self.waker, Some(waker) if waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Connected {
    socket: Socket,
    /// `None` until it is moved to a worker.
    registration: Option<Registration>,
}

#[derive(Debug)]
struct Registration {
    sockets: Arc<Sockets>,
    key: usize,
    source: Arc<Source>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        // The system forgets the socket when it is closed.
        lock(&self.sockets.sources).remove(self.key);
    }
}

impl Connected {
    pub(super) const fn new(socket: Socket) -> io::Result<Self> {
        Ok(Self {
            socket,
            registration: None,
        })
    }

    /// Registers the socket with a worker's sockets.
    pub(super) fn register(mut self, sockets: &Arc<Sockets>) -> io::Result<Self> {
        self.socket.set_nonblocking(true)?;
        let source = Arc::<Source>::default();
        let key = lock(&sockets.sources).insert(Arc::clone(&source));
        let registration = Registration {
            sockets: Arc::clone(sockets),
            key,
            source,
        };
        let flags = EpollFlags::EPOLLIN
            | EpollFlags::EPOLLPRI
            | EpollFlags::EPOLLOUT
            | EpollFlags::EPOLLRDHUP
            | EpollFlags::EPOLLET;
        let event = EpollEvent::new(flags, key as u64);
        sockets.epoll.get_ref().0.add(&self.socket, event)?;
        self.registration = Some(registration);
        Ok(self)
    }

    fn source(&self) -> io::Result<&Source> {
        let registration = self.registration.as_ref();
        let source = registration.map(|registration| &*registration.source);
        source.ok_or_else(|| io::Error::other("the socket is not registered with a worker"))
    }

    /// Performs an operation unless it would block.
    fn poll(
        &self,
        direction: usize,
        cx: &Context<'_>,
        len: usize,
        mut operate: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let source = self.source()?;
        if source.poll(direction, cx).is_pending() {
            return Poll::Pending;
        }
        let outcome = operate(&self.socket);
        // Less than was asked for is all there was: more comes with another event.
        if matches!(outcome, Ok(count) if count > 0 && count < len) {
            source.set_drained(direction);
        }
        if would_block(&outcome) {
            source.set_blocked(direction);
            source.watch(direction, cx);
            return Poll::Pending;
        }
        Poll::Ready(outcome)
    }
}

impl AsFd for Connected {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Stream for Connected {
    fn poll_read(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let len = into.len();
        self.poll(READ, cx, len, |mut socket| socket.read(into))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(WRITE, cx, bytes.len(), |socket| send(socket, bytes))
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let source = self.source()?;
        source.poll(READ, cx).map(Ok)
    }

    fn set_drained(&mut self) {
        if let Ok(source) = self.source() {
            source.set_drained(READ);
        }
    }

    fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }
}
