//! The end of a connection: the client gets time to read the last replies.
//!
//! A socket that is closed with bytes unread is reset, and the client loses the replies that it has
//! not read yet. So the sending side is shut down first, and what arrives is discarded.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::server::runtime::{Runtime, Stream, Timer};

/// How long a client may take to close its side.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// What is discarded in each pause at most: a client that pours in requests is to find time to read
/// its replies.
const DISCARDED_MAX: usize = 1 << 20;

/// A connection whose sending side is shut down.
pub(crate) struct Linger {
    /// It is over when nothing arrives for so long.
    pause: Duration,
    pause_end: Timer,
    end: Timer,
    /// What has been discarded in this pause.
    discarded: usize,
}

impl Linger {
    /// Shuts down the sending side. It is over at `end`, if that is given, or else after
    /// [`TIMEOUT`].
    ///
    /// # Errors
    /// The client is not there any more.
    pub(crate) fn start<R: Runtime>(
        stream: &R::Stream,
        pause: Duration,
        end: Option<Timer>,
    ) -> io::Result<Self> {
        stream.socket().shutdown(Shutdown::Write)?;
        Ok(Self {
            pause,
            pause_end: Box::pin(R::sleep(pause)),
            end: end.unwrap_or_else(|| Box::pin(R::sleep(TIMEOUT))),
            discarded: 0,
        })
    }

    /// Ready when the connection can be closed. What arrives is read to the buffer.
    pub(crate) fn poll<R: Runtime>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut R::Stream,
        buffer: &mut [u8],
    ) -> Poll<()> {
        loop {
            if self.discarded == 0 {
                match discard(cx, stream, buffer) {
                    Some(len) => self.discarded = len,
                    None => return Poll::Ready(()),
                }
            }
            if self.end.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if self.pause_end.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.discarded == 0 {
                return Poll::Ready(());
            }
            (self.discarded, self.pause_end) = (0, Box::pin(R::sleep(self.pause)));
        }
    }
}

/// Discards what has arrived, within limits; `None` if nothing more can arrive.
fn discard(cx: &mut Context<'_>, stream: &mut impl Stream, buffer: &mut [u8]) -> Option<usize> {
    let mut discarded = 0;
    while discarded < DISCARDED_MAX {
        match stream.poll_read(cx, buffer) {
            Poll::Ready(Ok(read @ 1..)) => discarded += read,
            Poll::Ready(_) => return None,
            Poll::Pending => break,
        }
    }
    Some(discarded)
}

/// As many rejected clients as linger at a time. A flood of them must not use up the
/// process's files: those beyond are closed at once.
pub(crate) const REJECTIONS_MAX: usize = 64;

/// The rejected clients that linger.
#[derive(Debug, Default)]
pub(crate) struct Rejections(AtomicUsize);

/// One of them, for as long as it is.
#[derive(Debug)]
pub(crate) struct Rejection<'r>(&'r Rejections);

impl Rejections {
    /// `None` if there are as many as there may be.
    pub(crate) fn enter(&self) -> Option<Rejection<'_>> {
        let order = Ordering::Relaxed;
        let next = |count| (count < REJECTIONS_MAX).then_some(count + 1);
        let entered = self.0.fetch_update(order, order, next).is_ok();
        entered.then(|| Rejection(self))
    }
}

impl Drop for Rejection<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_clients_linger_up_to_the_limit() {
        let rejections = Rejections::default();
        let mut entered: Vec<_> = (1..REJECTIONS_MAX)
            .filter_map(|_| rejections.enter())
            .collect();
        assert_eq!(entered.len(), REJECTIONS_MAX - 1);
        entered.extend(rejections.enter());
        assert_eq!(entered.len(), REJECTIONS_MAX);
        assert!(rejections.enter().is_none());
        entered.pop();
        entered.extend(rejections.enter());
        assert_eq!(entered.len(), REJECTIONS_MAX);
        assert!(rejections.enter().is_none());
    }
}
