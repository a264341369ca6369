//! One connection of the admin port: one request, one response. Every wait has an end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use dynamidb_core::Instant;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::server::admin_port::limits::{
    HEAD_MAX, LINGER_MAX, LINGER_TIMEOUT, REQUEST_TIMEOUT, RESPONSE_TIMEOUT,
};
use crate::server::admin_port::request::Request;
use crate::server::admin_port::response::Response;
use crate::server::clock::Clock;

/// What ends the waits of a connection beside its client: time, and the end of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits<'s> {
    pub(super) clock: Clock,
    /// Can be read when the server stops.
    pub(super) stop: BorrowedFd<'s>,
}

impl Waits<'_> {
    /// Waits until a socket has one of these events.
    ///
    /// # Errors
    /// The time is over or the server stops.
    fn until(&self, socket: &TcpStream, events: PollFlags, deadline: Instant) -> io::Result<()> {
        loop {
            let now = self.clock.now();
            if now >= deadline {
                return Err(ErrorKind::TimedOut.into());
            }
            // A millisecond more, so that it has passed when the wait ends.
            let left = deadline.since(now) + Duration::from_millis(1);
            let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            let mut polled = [
                PollFd::new(socket.as_fd(), events),
                PollFd::new(self.stop, PollFlags::POLLIN),
            ];
            match poll(&mut polled, left) {
                Err(nix::Error::EINTR) => continue,
                polled => polled?,
            };
            if polled[1].any().unwrap_or(true) {
                return Err(ErrorKind::Interrupted.into());
            }
            if polled[0].any().unwrap_or(true) {
                return Ok(());
            }
        }
    }
}

/// Answers one request.
///
/// # Errors
/// The client is gone or too slow to read, or the server stops.
pub(super) fn serve(
    mut socket: TcpStream,
    waits: Waits<'_>,
    names: &[String],
    answer: impl FnOnce(&Request) -> Response,
) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let head = match read_head(&mut socket, &waits) {
        Ok(head) => head,
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Err(Response::error(408, "the request did not come in time"))
        }
        Err(error) => return Err(error),
    };
    let request = head.and_then(|head| Request::parse(&head, names));
    let response = match request {
        Ok(request) => answer(&request).into_bytes(request.head_only),
        Err(refusal) => refusal.into_bytes(false),
    };
    write(&mut socket, &waits, &response, RESPONSE_TIMEOUT)?;
    linger(&mut socket, &waits)
}

/// Reads up to the blank line. What comes behind it is ignored: a connection has one request.
fn read_head(socket: &mut TcpStream, waits: &Waits<'_>) -> io::Result<Result<Vec<u8>, Response>> {
    let deadline = waits.clock.now() + REQUEST_TIMEOUT;
    let (mut head, mut len) = (vec![0; HEAD_MAX], 0);
    loop {
        waits.until(socket, PollFlags::POLLIN, deadline)?;
        match socket.read(&mut head[len..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                // The blank line may have begun in an earlier piece.
                let seen = len.saturating_sub(3);
                len += read;
                if let Some(end) = end_of_head(&head[seen..len]) {
                    head.truncate(seen + end);
                    return Ok(Ok(head));
                }
            }
            Err(error) if is_temporary(&error) => {}
            Err(error) => return Err(error),
        }
        if len > 0 && !head[0].is_ascii_uppercase() {
            return Ok(Err(Response::error(400, "HTTP is spoken here")));
        }
        if len == HEAD_MAX {
            return Ok(Err(Response::error(431, "the request is too long")));
        }
    }
}

/// Where the first blank line ends.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut ends = ends.map(|(at, _)| at);
    ends.find_map(|at| match &bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn write(
    socket: &mut TcpStream,
    waits: &Waits<'_>,
    mut bytes: &[u8],
    timeout: Duration,
) -> io::Result<()> {
    let deadline = waits.clock.now() + timeout;
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                waits.until(socket, PollFlags::POLLOUT, deadline)?;
            }
            Err(error) if is_temporary(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Lets the client read the response: closing with unread input would reset the connection.
fn linger(socket: &mut TcpStream, waits: &Waits<'_>) -> io::Result<()> {
    socket.shutdown(Shutdown::Write)?;
    let deadline = waits.clock.now() + LINGER_TIMEOUT;
    let (mut discarded, mut buffer) = (0, [0; 4096]);
    while discarded < LINGER_MAX {
        waits.until(socket, PollFlags::POLLIN, deadline)?;
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => discarded += read,
            Err(error) if is_temporary(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Tells a client above the limit, without waiting for it.
pub(super) fn reject(mut socket: TcpStream) {
    let busy = Response::error(503, "too many connections to the admin port");
    // It fits into the socket's buffer; if it does not, the client is none that reads.
    let _ = socket
        .set_nonblocking(true)
        .and_then(|()| socket.write(&busy.into_bytes(false)));
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    /// Writes more than the system's buffers take to a client that does not read.
    fn write_to_sleeper(timeout: Duration, stops: bool) -> (ErrorKind, Duration) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut socket = listener.accept().unwrap().0;
        socket.set_nonblocking(true).unwrap();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let clock = Clock::start();
        let waits = Waits {
            clock,
            stop: stopped.as_fd(),
        };
        let began = clock.now();
        let outcome = thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(100));
                if stops {
                    drop(stop);
                } else {
                    std::mem::forget(stop);
                }
            });
            write(&mut socket, &waits, &vec![0; 64 << 20], timeout)
        });
        (outcome.unwrap_err().kind(), clock.now().since(began))
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up_after_its_time() {
        let timeout = Duration::from_millis(300);
        let (error, took) = write_to_sleeper(timeout, false);
        assert_eq!(error, ErrorKind::TimedOut);
        assert!(took >= timeout, "{took:?}");
    }

    #[test]
    fn the_end_of_the_server_ends_a_wait() {
        let (error, _) = write_to_sleeper(Duration::from_secs(600), true);
        assert_eq!(error, ErrorKind::Interrupted);
    }

    #[test]
    fn a_head_ends_behind_its_blank_line() {
        for (bytes, end) in [
            (&b"GET / HTTP/1.1\r\n\r\nrest"[..], Some(18)),
            (b"GET / HTTP/1.1\n\nrest", Some(16)),
            (b"a\n\r\nb", Some(4)),
            (b"GET / HTTP/1.1\r\n\r", None),
            (b"GET / HTTP/1.1\r\nA: b\r\n", None),
            (b"", None),
        ] {
            assert_eq!(end_of_head(bytes), end, "{}", bytes.escape_ascii());
        }
    }
}
