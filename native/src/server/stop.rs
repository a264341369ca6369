//! The request to stop, which all tasks of the server can wait for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use event_listener::Event;

/// A flag that can be waited for on any runtime.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    requested: AtomicBool,
    event: Event,
}

impl Stop {
    pub(crate) fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.event.notify(usize::MAX);
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    pub(crate) async fn requested(&self) {
        let listener = self.event.listen();
        // Checked after the listener is registered, so that a request in between is not missed.
        if !self.requested.load(Ordering::SeqCst) {
            listener.await;
        }
    }

    /// The output of `future`, or `None` if the request comes first.
    pub(crate) async fn or<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut requested = pin!(self.requested());
        let mut future = pin!(future);
        poll_fn(|cx| match requested.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }
}
