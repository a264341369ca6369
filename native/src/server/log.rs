//! The log: lines on the standard error stream, which never block the server.
//!
//! A write blocks while the reader pauses (a full pipe, Ctrl-S in a terminal, a slow disk). So a
//! separate thread writes lines from a bounded queue. Lines that find the queue full are dropped
//! and counted.

pub(crate) mod format;
pub(crate) mod subscriber;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;

/// The most lines in the queue: about a megabyte.
const LINES_MAX: usize = 4096;
/// How long the end of the process waits until the last lines are written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a stream that would block is tried again.
const RETRY_PERIOD: Duration = Duration::from_millis(20);

/// Lines dropped so far. There is one standard error stream, so there is one log.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// Dropped lines that the log does not mention yet.
static UNREPORTED: AtomicU64 = AtomicU64::new(0);

/// The standard error stream, written by a separate thread. Each write is a line; it never blocks
/// and never fails.
///
/// # Examples
/// ```
/// use std::io::Write;
///
/// let log = dynamidb::Log::to_stderr()?;
/// (&log).write_all(b"a line\n")?;
/// log.finish();
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Log {
    queue: SyncSender<Message>,
}

enum Message {
    Line(Vec<u8>),
    /// Dropped when all lines before it are written.
    Finish(#[expect(dead_code, reason = "only dropped")] SyncSender<()>),
}

impl Log {
    /// Starts the thread.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn to_stderr() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    fn to(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = mpsc::sync_channel(LINES_MAX);
        let thread = thread::Builder::new().name("log".into());
        thread.spawn(move || write_lines(&lines, stream))?;
        Ok(Self { queue })
    }

    /// Waits until all lines are written, for one second at most: the process must end even if
    /// nobody reads its log.
    pub fn finish(&self) {
        let mut left = FINISH_TIMEOUT;
        let (told, finished) = mpsc::sync_channel(0);
        let mut message = Message::Finish(told);
        while let Err(TrySendError::Full(unsent)) = self.queue.try_send(message) {
            if left.is_zero() {
                return;
            }
            message = unsent;
            thread::sleep(RETRY_PERIOD);
            left = left.saturating_sub(RETRY_PERIOD);
        }
        // Nothing is ever sent.
        let _ = finished.recv_timeout(left);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Write for &Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Message::Line(line.to_vec())).is_err() {
            count_dropped();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many lines were dropped, because the queue was full or a write failed.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Resets the counter.
pub(crate) fn reset() {
    DROPPED.store(0, Ordering::Relaxed);
}

fn count_dropped() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
    UNREPORTED.fetch_add(1, Ordering::Relaxed);
}

/// Writes a line before the log of the process is set up, and waits a second at most.
pub(crate) fn log_and_flush(text: &str) {
    match Log::to_stderr() {
        Ok(log) => {
            // It never fails.
            let _ = (&log).write_all(format!("{text}\n").as_bytes());
            log.finish();
        }
        // Better late than never.
        Err(_) => eprintln!("{text}"),
    }
}

/// Writes lines until the log is dropped.
fn write_lines(lines: &Receiver<Message>, mut stream: impl Write) {
    let mut works = true;
    loop {
        let message = match lines.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {
                let unreported = if works {
                    UNREPORTED.swap(0, Ordering::Relaxed)
                } else {
                    0
                };
                if unreported > 0 {
                    // Queued like any other line.
                    tracing::warn!(
                        "{unreported} lines of this log were dropped: it was not read in time"
                    );
                }
                match lines.recv() {
                    Ok(message) => message,
                    Err(_) => return,
                }
            }
        };
        if let Message::Line(line) = message {
            works = write_line(&mut stream, &line).is_ok();
            if !works {
                count_dropped();
            }
        }
    }
}

/// Like [`Write::write_all`], but waits if another process has made the stream non-blocking.
fn write_line(stream: &mut impl Write, mut line: &[u8]) -> io::Result<()> {
    while !line.is_empty() {
        match stream.write(line) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(len) => line = &line[len..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_PERIOD),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use super::*;

    /// Takes one byte at a time, and first asks to be tried again.
    #[derive(Clone, Default)]
    struct Reluctant(Arc<Mutex<(Vec<u8>, bool)>>);

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.lock().unwrap();
            state.1 = !state.1;
            if state.1 && state.0.len() < 4 {
                return Err(ErrorKind::WouldBlock.into());
            }
            state.0.push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_whole_and_in_order() {
        let stream = Reluctant::default();
        let log = Log::to(stream.clone()).unwrap();
        for number in 0..1000 {
            (&log).write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        log.finish();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        while stream.0.lock().unwrap().0.len() < expected.len() && Instant::now() < deadline {
            thread::sleep(RETRY_PERIOD);
        }
        assert_eq!(stream.0.lock().unwrap().0, expected.as_bytes());
    }

    /// A stream that takes nothing until the lock is free.
    struct Paused(Arc<Mutex<()>>, mpsc::Sender<usize>);

    impl Write for Paused {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _paused = self.0.lock();
            let _ = self.1.send(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_dropped_and_counted_while_the_queue_is_full() {
        let (pause, (tell, written)) = (Arc::<Mutex<()>>::default(), mpsc::channel());
        let paused = pause.lock().unwrap();
        let log = Log::to(Paused(Arc::clone(&pause), tell)).unwrap();
        let before = dropped();
        // The thread may hold one already.
        let count = LINES_MAX + 1 + 100;
        for _ in 0..count {
            (&log).write_all(b"x\n").unwrap();
        }
        let lost = dropped() - before;
        assert!((100..=101).contains(&lost), "{lost}");
        let began = Instant::now();
        log.finish();
        assert!(began.elapsed() >= FINISH_TIMEOUT, "all was written");
        drop(paused);
        drop(log);
        assert_eq!(written.iter().count() as u64, count as u64 - lost);
    }
}
