//! Accepts connections up to the limit, and rejects those above it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::server::connection::linger::{Linger, TIMEOUT};
use crate::server::context::{ConnectionPermit, ServerContext};
use crate::server::listen::ListenerOptions;
use crate::server::runtime::{Runtime, Stream};
use crate::server::state::count;
use crate::server::tls::{ALERT, Tls};
use crate::server::worker::Inbox;

/// How long nothing is accepted after the system had no file descriptor or memory for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often a handshake that has to wait is tried again.
const HANDSHAKE_PERIOD: Duration = Duration::from_millis(5);
/// How much of the input of a rejected client is discarded at once.
const DISCARD_BUFFER: usize = 16 * 1024;

/// Accepts connections and assigns them to the workers in turn.
pub(crate) struct Acceptor<R: Runtime> {
    runtime: Arc<R>,
    context: Arc<ServerContext>,
    inboxes: Vec<Arc<Inbox<R>>>,
    /// Counts the connections that were assigned.
    next: AtomicUsize,
}

impl<R: Runtime> Acceptor<R> {
    pub(crate) const fn new(
        runtime: Arc<R>,
        context: Arc<ServerContext>,
        inboxes: Vec<Arc<Inbox<R>>>,
    ) -> Self {
        Self {
            runtime,
            context,
            inboxes,
            next: AtomicUsize::new(0),
        }
    }

    /// Accepts connections from a listener until the server stops.
    pub(crate) async fn accept(self: Arc<Self>, listener: R::Listener, options: ListenerOptions) {
        let Self { context, .. } = &*self;
        let server = &context.server;
        while let Some(accepted) = context.stop.or(R::accept(&listener)).await {
            let Some(tls) = context.stop.or(self.begin_tls(options)).await else {
                break;
            };
            match accepted.and_then(|stream| self.hand_over(stream, options, tls)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::debug!("accept: {error}");
                    server.out_of_files.record(server.clock.now());
                    server.accepting.store(false, Ordering::Relaxed);
                    context.stop.or(R::sleep(ACCEPT_PAUSE)).await;
                    let paused = ACCEPT_PAUSE.as_micros() as u64;
                    count(&server.accept_paused_us, paused);
                    server.accepting.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// The TLS of a new connection, if it has any. Waits while there are too many handshakes: other
    /// clients then wait in the queue of the listener.
    async fn begin_tls(&self, options: ListenerOptions) -> Option<Box<Tls>> {
        let (Some(clients), Some(tls)) = (options.tls, &self.context.server.tls) else {
            return None;
        };
        loop {
            let begun = tls.begin_handshake(clients);
            if begun.is_some() {
                return begun;
            }
            R::sleep(HANDSHAKE_PERIOD).await;
        }
    }

    fn hand_over(
        &self,
        stream: R::Stream,
        options: ListenerOptions,
        tls: Option<Box<Tls>>,
    ) -> io::Result<()> {
        let Some(mut permit) = ConnectionPermit::acquire(&self.context, options) else {
            let stream = self.runtime.move_to(0, stream)?;
            let context = Arc::clone(&self.context);
            self.runtime
                .spawn(0, reject::<R>(stream, context, tls.is_some()));
            return Ok(());
        };
        permit.tls = tls;
        let worker = self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len();
        let stream = self.runtime.move_to(worker, stream)?;
        self.inboxes[worker].push(stream, permit);
        Ok(())
    }
}

/// Sends memcached's error, or an alert, and closes the connection. The client may have sent
/// requests by then.
async fn reject<R: Runtime>(mut stream: R::Stream, context: Arc<ServerContext>, tls: bool) {
    let line = match tls {
        true => ALERT,
        false => b"ERROR Too many open connections\r\n",
    };
    let _ = poll_fn(|cx| stream.poll_write(cx, line)).await;
    let Some(_rejection) = context.server.rejections.enter() else {
        return;
    };
    // It holds no permit, so the client may take its time.
    if let Ok(mut linger) = Linger::start::<R>(&stream, TIMEOUT, None) {
        let mut buffer = vec![0; DISCARD_BUFFER];
        poll_fn(|cx| linger.poll::<R>(cx, &mut stream, &mut buffer)).await;
    }
}
