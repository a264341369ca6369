//! The end of a connection, at which the client has time to take the last replies.
//!
//! A socket that is closed with bytes unread is reset, and the client loses what it has not taken
//! yet. So what arrives after the last reply is thrown away for a while.

use std::future::{Future, poll_fn};
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::buffers::Buffers;
use crate::runtime::{Runtime, Stream};

/// How long a client has at most.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
/// So much is thrown away at a time: a client that pours in requests is to find time to take its
/// replies.
const DISCARD_SIZE: usize = 1 << 20;

/// As many refused clients as are lingered for at a time. A flood of them must not use up the
/// process's files: those beyond are closed at once.
pub(crate) const REFUSALS_MAX: usize = 64;

/// The refused clients that are lingered for.
#[derive(Debug, Default)]
pub(crate) struct Refusals(AtomicUsize);

/// One of them, for as long as it is.
#[derive(Debug)]
pub(crate) struct Refusal<'r>(&'r Refusals);

impl Refusals {
    /// `None` if there are as many as there may be.
    pub(crate) fn enter(&self) -> Option<Refusal<'_>> {
        let order = Ordering::Relaxed;
        let next = |count| (count < REFUSALS_MAX).then_some(count + 1);
        let entered = self.0.fetch_update(order, order, next).is_ok();
        entered.then(|| Refusal(self))
    }
}

impl Drop for Refusal<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Says that there is nothing more to come, and throws away what arrives: until the client closes,
/// until nothing arrives in a `pause`, or until the `end`.
pub(crate) async fn linger<R: Runtime>(
    stream: &mut R::Stream,
    pause: Duration,
    mut end: Pin<Box<dyn Future<Output = ()> + Send>>,
) {
    if stream.socket().shutdown(Shutdown::Write).is_err() {
        return;
    }
    loop {
        let mut pause = pin!(R::sleep(pause));
        let mut discarded = 0;
        let over = poll_fn(|cx| {
            if discarded == 0 {
                match discard(stream, cx) {
                    Some(len) => discarded = len,
                    None => return Poll::Ready(true),
                }
            }
            if end.as_mut().poll(cx).is_ready() {
                return Poll::Ready(true);
            }
            pause.as_mut().poll(cx).map(|()| discarded == 0)
        });
        if over.await {
            return;
        }
    }
}

/// Throws away what has arrived, within limits; `None` if nothing more can arrive.
fn discard(stream: &mut impl Stream, cx: &mut Context<'_>) -> Option<usize> {
    let mut discarded = 0;
    while discarded < DISCARD_SIZE {
        let read = Buffers::with(|b| stream.poll_read(cx, b.received.room()));
        match read {
            Poll::Ready(Ok(read @ 1..)) => discarded += read,
            Poll::Ready(_) => return None,
            Poll::Pending => break,
        }
    }
    Some(discarded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_lingered_for_up_to_the_limit() {
        let refusals = Refusals::default();
        let mut entered: Vec<_> = (1..REFUSALS_MAX).filter_map(|_| refusals.enter()).collect();
        assert_eq!(entered.len(), REFUSALS_MAX - 1);
        entered.extend(refusals.enter());
        assert_eq!(entered.len(), REFUSALS_MAX);
        assert!(refusals.enter().is_none());
        entered.pop();
        entered.extend(refusals.enter());
        assert_eq!(entered.len(), REFUSALS_MAX);
        assert!(refusals.enter().is_none());
    }
}
