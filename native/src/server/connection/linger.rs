//! The lingering close of a connection: the client has time to read the last replies.
//!
//! Closing a socket with unread input resets the connection, and the client loses replies that it
//! has not read. So the sending side is shut down first, and input is discarded until the client
//! closes.

use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::server::runtime::{Runtime, Stream, Timer};

/// How long a client may take to close its side.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);
/// The most that is discarded in each pause: a client that keeps sending must get time to read.
const DISCARDED_MAX: usize = 1 << 20;

/// A connection whose sending side is shut down.
pub(crate) struct Linger {
    /// Lingering ends when nothing arrives for this long.
    pause: Duration,
    pause_end: Timer,
    end: Timer,
    /// Bytes discarded in this pause.
    discarded: usize,
}

impl Linger {
    /// Shuts down the sending side. Lingering ends with the timer `end`, or after [`TIMEOUT`].
    ///
    /// # Errors
    /// The connection is closed already.
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

    /// Ready when the connection can be closed. Input is read to `buffer` and discarded.
    pub(crate) fn poll<R: Runtime>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut R::Stream,
        buffer: &mut [u8],
    ) -> Poll<()> {
        loop {
            if self.discarded == 0 {
                match discard(|| stream.poll_read(cx, buffer)) {
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

/// Discards what has arrived, up to a limit; `None` at the end of the input.
fn discard(mut read: impl FnMut() -> Poll<io::Result<usize>>) -> Option<usize> {
    let mut discarded = 0;
    while discarded < DISCARDED_MAX {
        match read() {
            Poll::Ready(Ok(read @ 1..)) => discarded += read,
            Poll::Ready(_) => return None,
            Poll::Pending => break,
        }
    }
    Some(discarded)
}

/// The most rejected clients that linger at a time: a flood of them must not use up the files of
/// the process. Others are closed at once.
pub(crate) const REJECTIONS_MAX: usize = 64;

/// Counts the rejected clients that linger.
#[derive(Debug, Default)]
pub(crate) struct Rejections(AtomicUsize);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Rejection<'r>(&'r Rejections);

impl Rejections {
    /// `None` if the limit is reached.
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
    fn received_bytes_are_discarded_up_to_the_limit_in_each_pause() {
        const PIECE: usize = 1 << 16;
        let discarded = |arrived: usize| {
            let mut left = arrived;
            discard(|| match left.min(PIECE) {
                0 => Poll::Pending,
                read => {
                    left -= read;
                    Poll::Ready(Ok(read))
                }
            })
        };
        assert_eq!((discarded(0), discarded(3000)), (Some(0), Some(3000)));
        assert_eq!(discarded(DISCARDED_MAX - 1), Some(DISCARDED_MAX - 1));
        assert_eq!(discarded(DISCARDED_MAX), Some(DISCARDED_MAX));
        assert_eq!(discarded(DISCARDED_MAX + 1), Some(DISCARDED_MAX));
        assert_eq!(discard(|| Poll::Ready(Ok(0))), None);
    }

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
