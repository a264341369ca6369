use std::future::pending;
use std::io::Write;
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::*;
use crate::server::context::ConnectionPermit;
use crate::server::host::TURN_REQUESTS;
use crate::server::listen::ListenerOptions;
use crate::server::options::Options;
use crate::server::runtime::{Stream, Tokio};
use dynamidb_sync::{Growth, Shards};

fn context() -> Arc<ServerContext> {
    let options = Options::default();
    let shards = Shards::new(&options.config(), 1, Growth::default()).unwrap();
    let context = ServerContext::new(&options, shards, None, None, Vec::new(), 100);
    Arc::new(context)
}

/// A worker that only the test polls, and a listener for its clients.
struct Fixture {
    context: Arc<ServerContext>,
    worker: Worker<Tokio>,
    listener: TcpListener,
}

impl Fixture {
    fn new(ring: Option<Ring>) -> Self {
        let context = context();
        let mut worker = Worker::new(Arc::clone(&context), ring);
        worker.batch.start();
        Self {
            worker,
            context,
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    async fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
        let listener = self.listener.try_clone().unwrap();
        let listener = Tokio::listen(listener.into()).unwrap();
        let stream = Tokio::accept(&listener).await.unwrap();
        let permit = ConnectionPermit::acquire(&self.context, ListenerOptions::default()).unwrap();
        self.worker.inbox.push(stream, permit);
        client
    }

    async fn run_until(&mut self, done: impl Fn(&Worker<Tokio>) -> bool) {
        poll_fn(|cx| {
            let _ = self.worker.poll(cx);
            if done(&self.worker) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// How many bytes came from all clients.
fn received(context: &ServerContext) -> usize {
    total(context, "bytes_read")
}

/// A number of the server's statistics.
fn total(context: &ServerContext, wanted: &str) -> usize {
    let mut total = None;
    context.server.report(&mut |name, value| {
        if name == wanted {
            total = value.to_string().parse().ok();
        }
    });
    total.expect("a number")
}

/// Waits until all that a turn reads has arrived from each client, or for a minute.
fn await_arrival(worker: &Worker<Tokio>, sent: usize) {
    let size = sent.min(READ_MAX + SMALL);
    let mut buffer = vec![MaybeUninit::uninit(); size];
    for (_, entry) in &worker.connections {
        let socket = entry.connection.socket();
        let socket = SockRef::from(&socket);
        let mut has_arrived = || socket.peek(&mut buffer).is_ok_and(|len| len == size);
        (0..6000)
            .take_while(|_| !has_arrived())
            .for_each(|_| thread::sleep(Duration::from_millis(10)));
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(test);
}

/// Each case is a number of clients, what each sends, and what a turn has to receive of it.
fn check_shares(ring: impl Fn() -> Option<Ring>, cases: &[(usize, usize, usize)]) {
    // Nothing is replied.
    let requests = b"delete k noreply\r\n".repeat(20_000);
    for &(count, size, expected) in cases {
        block_on(async {
            let mut fixture = Fixture::new(ring());
            let mut clients = Vec::new();
            for _ in 0..count {
                clients.push(fixture.connect().await);
            }
            let opened = |worker: &Worker<Tokio>| worker.connections.len() == count;
            fixture.run_until(opened).await;
            for client in &mut clients {
                client.write_all(&requests[..size]).unwrap();
            }
            await_arrival(&fixture.worker, size);
            // The runtime hears of it.
            Tokio::sleep(Duration::from_millis(20)).await;
            let _ = poll_fn(|cx| Poll::Ready(fixture.worker.poll(cx))).await;
            assert_eq!(received(&fixture.context), expected, "{count} clients");
            let context = Arc::clone(&fixture.context);
            let done = |_: &Worker<Tokio>| received(&context) == count * size;
            fixture.run_until(done).await;
        });
    }
}

#[test]
fn a_turn_receives_its_share_from_each_and_no_more_than_its_limit_from_all() {
    // Of one client all, up to the most of one read; of some, an equal share; of many, a small
    // buffer each, until there is enough.
    let cases = [
        (1, 200_000, READ_MAX + SMALL),
        (6, 50_000, 6 * 50_000),
        (40, 30_000, (TURN_INPUT / SMALL + 1) * SMALL),
    ];
    check_shares(|| None, &cases);
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#[test]
fn with_io_uring_a_turn_receives_from_each_and_no_more_than_its_limit_from_all() {
    if ring::tests::ring().is_none() {
        return;
    }
    // First a small buffer or an equal share of all, then the rest, until there is enough.
    let share = TURN_INPUT / 40;
    let cases = [
        (1, 200_000, READ_MAX + SMALL),
        (6, 50_000, 5 * 50_000 + SMALL),
        (40, 5_000, 40 * 5_000),
        (40, 30_000, 40 * share + SMALL - share),
    ];
    check_shares(|| Ring::new().ok(), &cases);
}

#[test]
fn a_turn_executes_no_more_requests_of_a_connection_than_its_limit() {
    let count = 3 * TURN_REQUESTS + 10;
    // Many requests, and many keys in one: what is sent, and the longest reply to one of them.
    let cases = [
        (b"mn\r\n".repeat(count), "MN\r\n".len()),
        (
            [b"set k 0 0 1\r\nx\r\nget", &*b" k".repeat(count), b"\r\n"].concat(),
            "VALUE k 0 1\r\nx\r\n".len(),
        ),
    ];
    for (requests, reply) in cases {
        block_on(async {
            let mut fixture = Fixture::new(None);
            let mut client = fixture.connect().await;
            let opened = |worker: &Worker<Tokio>| worker.connections.len() == 1;
            fixture.run_until(opened).await;
            client.write_all(&requests).unwrap();
            let context = Arc::clone(&fixture.context);
            while total(&context, "bytes_written") < count * reply {
                let before = total(&context, "bytes_written");
                // One turn.
                fixture.run_until(|_| true).await;
                Tokio::sleep(Duration::from_millis(1)).await;
                let written = total(&context, "bytes_written") - before;
                assert!(written <= TURN_REQUESTS * reply, "{written} bytes");
            }
        });
    }
}

#[test]
fn a_waker_that_outlives_its_connection_gives_no_other_a_turn() {
    block_on(async {
        let mut fixture = Fixture::new(None);
        let first = fixture.connect().await;
        fixture
            .run_until(|worker| worker.connections.len() == 1)
            .await;
        let late = fixture.worker.connections[0].waker.clone();
        drop(first);
        fixture
            .run_until(|worker| worker.connections.is_empty())
            .await;
        late.wake();
        let mut second = fixture.connect().await;
        second.write_all(b"get k\r\n").unwrap();
        drop(second);
        // The runtime hears of what has arrived.
        Tokio::sleep(Duration::from_millis(20)).await;
        // Its key is that of the first, which is on the list before it.
        let _ = poll_fn(|cx| Poll::Ready(fixture.worker.poll(cx))).await;
        assert_eq!(fixture.worker.tokens.len(), 2);
        fixture
            .run_until(|worker| worker.connections.is_empty())
            .await;
    });
}

/// Sockets of which some panic when they are used.
struct Faulty;

#[derive(Debug)]
struct FaultyStream {
    socket: Socket,
    panics: bool,
}

impl AsFd for FaultyStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Stream for FaultyStream {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn set_drained(&mut self) {}

    fn socket(&self) -> SockRef<'_> {
        assert!(!self.panics, "on purpose");
        SockRef::from(&self.socket)
    }
}

impl Runtime for Faulty {
    type Listener = ();
    type Stream = FaultyStream;

    fn run<F: Future<Output = ()>>(_: usize, _: impl FnOnce(Arc<Self>) -> F) -> io::Result<()> {
        Ok(())
    }

    fn listen(_: Socket) -> io::Result<()> {
        Ok(())
    }

    async fn accept((): &()) -> io::Result<FaultyStream> {
        pending().await
    }

    fn spawn(&self, _: usize, _: impl Future<Output = ()> + Send + 'static) {}

    fn move_to(&self, _: usize, stream: FaultyStream) -> io::Result<FaultyStream> {
        Ok(stream)
    }

    fn wake_later(_: &mut Context<'_>) {}

    fn sleep(_: Duration) -> impl Future<Output = ()> + Send + 'static {
        pending()
    }
}

#[test]
fn a_panic_while_a_connection_opens_ends_only_that_connection() {
    let context = context();
    let mut worker = Worker::<Faulty>::new(Arc::clone(&context), None);
    for panics in [false, true, false] {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let permit = ConnectionPermit::acquire(&context, ListenerOptions::default()).unwrap();
        worker.inbox.push(FaultyStream { socket, panics }, permit);
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(worker.poll(&mut cx).is_pending());
    assert_eq!(worker.connections.len(), 2);
    let server = &context.server;
    assert_eq!(server.connections.load(Ordering::Relaxed), 2);
    assert_eq!(server.clients.after(0, 9).len(), 2);
}
