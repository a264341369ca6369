//! The log: lines for the standard error stream, for which nobody waits.
//!
//! Whoever reads the log may pause (a full pipe, Ctrl-S in a terminal, a slow disk), and a write
//! then takes as long as the pause. So a thread of its own writes, from a bounded queue, and what
//! finds the queue full is dropped and counted.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written: about a megabyte.
const LINES_MAX: usize = 4096;
/// How long the end of the process waits for the last lines to be written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a stream is tried that takes nothing and says so.
const RETRY_PERIOD: Duration = Duration::from_millis(20);

/// Lines dropped so far. There is one standard error stream, and so one log.
static DROPPED: AtomicU64 = AtomicU64::new(0);
/// Of them, those that the log does not know of yet.
static UNSAID: AtomicU64 = AtomicU64::new(0);

/// The standard error stream, written by a thread of its own: each write to it is a line, never
/// waits, and never fails.
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
    /// Everything before this was written once the sender is dropped.
    Finish(#[expect(dead_code, reason = "its end is the message")] SyncSender<()>),
}

impl Log {
    /// Starts the thread.
    ///
    /// # Errors
    /// Those of the system if it has no thread.
    pub fn to_stderr() -> io::Result<Self> {
        Self::to(io::stderr())
    }

    fn to(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = mpsc::sync_channel(LINES_MAX);
        let thread = thread::Builder::new().name("log".into());
        thread.spawn(move || write_lines(&lines, stream))?;
        Ok(Self { queue })
    }

    /// Waits until all lines are written, but a second at most: the process must be able to end
    /// though nobody reads its log.
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

/// Lines that were dropped, because nobody read the log or it could not be written.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Counts from zero again.
pub(crate) fn reset() {
    DROPPED.store(0, Ordering::Relaxed);
}

fn count_dropped() {
    DROPPED.fetch_add(1, Ordering::Relaxed);
    UNSAID.fetch_add(1, Ordering::Relaxed);
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

/// Writes until nobody can log any more.
fn write_lines(lines: &Receiver<Message>, mut stream: impl Write) {
    let mut works = true;
    loop {
        let message = match lines.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Disconnected) => return,
            Err(TryRecvError::Empty) => {
                let unsaid = if works {
                    UNSAID.swap(0, Ordering::Relaxed)
                } else {
                    0
                };
                if unsaid > 0 {
                    // A line like the others, which comes here in its turn.
                    tracing::warn!("{unsaid} lines of this log were lost: nobody took them");
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

/// Like [`Write::write_all`], but waits for a stream that others have made non-blocking.
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
    fn what_finds_the_queue_full_is_dropped_and_counted() {
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
