//! Many receives or sends by one call of the system: an io_uring. The only unsafe code of the
//! server.
//!
//! The kernel reads and writes the buffers of operations in progress, which the compiler does not
//! see. So [`Ring::perform`] returns only when the kernel is done with all of them, and borrows
//! buffers and sockets until then. Where it cannot know, because of a panic or because the kernel
//! fails, the process ends: to free the memory would let the kernel write into what comes there
//! next.

#![allow(unsafe_code)]

use std::fmt;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::process;

use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};
use nix::errno::Errno;
use nix::libc;

use crate::server::worker::transfer::{Buffer, Transfer};

/// The most operations that are submitted at once. There is space for twice as many completions.
const ENTRIES: usize = 64;
/// How often in a row the kernel may refuse for now what is submitted.
const REFUSALS_MAX: usize = 100;

/// A queue of operations for the kernel. Only the thread that starts it uses it.
pub(crate) struct Ring {
    /// `None` after the kernel has failed.
    ring: Option<IoUring>,
}

impl Ring {
    /// A ring that performs nothing before it is [started](Self::start).
    ///
    /// # Errors
    /// The kernel has no io_uring, or forbids it.
    pub(crate) fn new() -> io::Result<Self> {
        let entries = ENTRIES as u32;
        let ring = IoUring::builder()
            .setup_r_disabled()
            .setup_submit_all()
            .setup_coop_taskrun()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .build(entries)
            // Before Linux 6.1 there is no deferred task work.
            .or_else(|_| IoUring::builder().setup_r_disabled().build(entries))?;
        Ok(Self { ring: Some(ring) })
    }

    /// Lets this thread use the ring.
    ///
    /// # Errors
    /// The kernel forbids it.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        match &self.ring {
            Some(ring) => ring.submitter().register_enable_rings(),
            None => Ok(()),
        }
    }

    /// Whether the kernel lets this thread have a ring and use it.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn try_out() -> io::Result<()> {
        let mut ring = Self::new()?;
        ring.start()?;
        let (mut ours, theirs) = UnixStream::pair()?;
        let (mut first, mut second) = ([0; 4], [0; 4]);
        let mut transfers = [
            Transfer::send(ours.as_fd(), b"ping"),
            Transfer::send(theirs.as_fd(), b"pong"),
            Transfer::receive(theirs.as_fd(), &mut first),
        ];
        ring.perform(&mut transfers)?;
        for transfer in transfers {
            transfer.outcome?;
        }
        ours.read_exact(&mut second)?;
        match (&first, &second) {
            (b"ping", b"pong") => Ok(()),
            _ => Err(io::Error::other("it transfers other bytes")),
        }
    }

    /// Performs all transfers.
    ///
    /// # Errors
    /// The kernel has failed. Some transfers may be performed, and the ring performs nothing any
    /// more.
    pub(crate) fn perform(&mut self, transfers: &mut [Transfer<'_>]) -> io::Result<()> {
        for batch in transfers.chunks_mut(ENTRIES) {
            let Some(ring) = &mut self.ring else {
                return Err(io::Error::other("the ring has failed before"));
            };
            if let Err(error) = perform(ring, batch) {
                // What the kernel has not taken yet it must not take later.
                self.ring = None;
                return Err(error);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

/// Performs up to [`ENTRIES`] transfers. Nothing else is in the queues.
fn perform(ring: &mut IoUring, transfers: &mut [Transfer<'_>]) -> io::Result<()> {
    let in_progress = AbortOnDrop;
    let mut queue = ring.submission();
    let mut pending = 0;
    for transfer in &mut *transfers {
        let entry = entry(transfer).user_data(pending as u64);
        // SAFETY: The socket and the buffer are borrowed by `transfers` until this function
        // returns. It returns when the kernel is done with them; otherwise `in_progress` ends the
        // process.
        if unsafe { queue.push(&entry) }.is_err() {
            // The queue is full: the caller performs the rest one by one.
            break;
        }
        pending += 1;
    }
    drop(queue);
    let mut refusals = 0;
    let mut outcome = Ok(());
    while pending > 0 {
        let submitted = ring.submit_and_wait(pending);
        for completion in ring.completion() {
            let number = completion.user_data() as usize;
            transfers[number].outcome = result(completion.result());
            pending -= 1;
            refusals = 0;
        }
        let Err(error) = submitted else { continue };
        refusals += 1;
        if is_temporary(&error) && refusals < REFUSALS_MAX {
            continue;
        }
        if ring.submission().len() < pending {
            // The kernel has taken some, and does not say what becomes of them.
            process::abort();
        }
        outcome = Err(error);
        break;
    }
    mem::forget(in_progress);
    outcome
}

/// The operation of a transfer. A buffer of 4 GiB or more is used in part.
fn entry(transfer: &mut Transfer<'_>) -> Entry {
    let socket = types::Fd(transfer.socket.as_raw_fd());
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    match &mut transfer.buffer {
        Buffer::Receive(into) => {
            let size = size(into);
            let receive = opcode::Recv::new(socket, into.as_mut_ptr(), size);
            receive.flags(libc::MSG_DONTWAIT).build()
        }
        Buffer::Send(bytes) => {
            let send = opcode::Send::new(socket, bytes.as_ptr(), size(bytes));
            send.flags(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL).build()
        }
    }
}

/// What the kernel says of an operation, as a call of the system says it.
fn result(result: i32) -> nix::Result<usize> {
    usize::try_from(result).map_err(|_| Errno::from_raw(-result))
}

/// Whether the same call may succeed the next time: it was interrupted, memory is short, or
/// completions have to be taken first.
fn is_temporary(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    matches!(code, Some(libc::EINTR | libc::EAGAIN | libc::EBUSY))
}

/// Ends the process when it is dropped, also by a panic.
struct AbortOnDrop;

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        process::abort();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
    use std::os::unix::process::ExitStatusExt;
    use std::panic::catch_unwind;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use socket2::SockRef;

    use super::*;
    use crate::server::race::SetOnDrop;

    /// More than are submitted at once.
    const MANY: usize = 2 * ENTRIES + 1;

    /// A ring. `None` if this system has none and `IO_URING=absent` admits that.
    pub(crate) fn ring() -> Option<Ring> {
        let started = Ring::new().and_then(|mut ring| ring.start().map(|()| ring));
        match started {
            Ok(ring) => Some(ring),
            Err(error) if std::env::var_os("IO_URING").is_some_and(|value| value == "absent") => {
                eprintln!("not tested: {error}");
                None
            }
            Err(error) => panic!("no io_uring: {error}; if that is right, set IO_URING=absent"),
        }
    }

    /// Pairs of sockets, into one end of which `write` has written.
    fn pairs(write: impl Fn(usize, &mut UnixStream)) -> Vec<(UnixStream, UnixStream)> {
        let pairs = (0..MANY).map(|number| {
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            write(number, &mut ours);
            (ours, theirs)
        });
        pairs.collect()
    }

    /// What is written for a number.
    fn text(number: usize) -> Vec<u8> {
        format!("{number} ").repeat(number + 1).into_bytes()
    }

    /// Which transfers have received something else than the text of their number.
    fn wrong(transfers: &[Transfer<'_>]) -> Vec<usize> {
        let is_wrong = |(number, transfer): (usize, &Transfer<'_>)| {
            let Buffer::Receive(into) = &transfer.buffer else {
                return Some(number);
            };
            let received = transfer.outcome.map(|len| &into[..len]);
            let is_right = received.is_ok_and(|received| received == text(number));
            (!is_right).then_some(number)
        };
        transfers.iter().enumerate().filter_map(is_wrong).collect()
    }

    #[test]
    fn each_socket_has_its_own_buffer_and_outcome() {
        let Some(mut ring) = ring() else { return };
        let pairs = pairs(|number, ours| ours.write_all(&text(number)).unwrap());
        let mut buffers = vec![[0; 1024]; MANY];
        let ends = pairs.iter().zip(&mut buffers);
        let mut transfers: Vec<_> = ends
            .map(|((_, theirs), buffer)| Transfer::receive(theirs.as_fd(), buffer))
            .collect();
        assert_eq!(wrong(&transfers).len(), MANY, "nothing is received yet");
        ring.perform(&mut transfers).unwrap();
        assert_eq!(wrong(&transfers), [0; 0]);
        // The check notices two buffers that are confused.
        let (first, second) = transfers.split_at_mut(70);
        mem::swap(&mut first[3].buffer, &mut second[5].buffer);
        assert_eq!(wrong(&transfers), [3, 75]);
    }

    #[test]
    fn each_socket_is_sent_its_own_bytes() {
        let Some(mut ring) = ring() else { return };
        let pairs = pairs(|_, _| {});
        let texts: Vec<_> = (0..MANY).map(text).collect();
        let mut transfers: Vec<_> = std::iter::zip(&pairs, &texts)
            .map(|((ours, _), text)| Transfer::send(ours.as_fd(), text))
            .collect();
        ring.perform(&mut transfers).unwrap();
        for (transfer, text) in transfers.into_iter().zip(&texts) {
            let (sent, size) = transfer.finish().unwrap();
            assert_eq!((sent.unwrap(), size), (text.len(), text.len()));
        }
        for ((ours, mut theirs), text) in pairs.into_iter().zip(texts) {
            drop(ours);
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).unwrap();
            assert_eq!(received, text);
        }
    }

    #[test]
    fn sockets_that_are_empty_full_or_closed_delay_no_other() {
        let Some(mut ring) = ring() else { return };
        let mut pairs = pairs(|_, ours| ours.set_nonblocking(true).unwrap());
        let full = vec![0; 1 << 20];
        while pairs[1].0.write(&full).is_ok() {}
        pairs[2].0.shutdown(Shutdown::Write).unwrap();
        pairs[3].1.shutdown(Shutdown::Both).unwrap();
        let mut buffers = [[0; 9]; 2];
        let [first, second] = &mut buffers;
        let mut transfers = [
            Transfer::receive(pairs[0].1.as_fd(), first),
            Transfer::send(pairs[1].0.as_fd(), b"more"),
            Transfer::receive(pairs[2].1.as_fd(), second),
            Transfer::send(pairs[3].0.as_fd(), b"more"),
            Transfer::send(pairs[4].0.as_fd(), b"more"),
        ];
        ring.perform(&mut transfers).unwrap();
        let outcomes = transfers.map(|transfer| transfer.finish().map(|(outcome, _)| outcome));
        let expected = [
            None,
            None,
            Some(Ok(0)),
            Some(Err(Errno::EPIPE)),
            Some(Ok(4)),
        ];
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn a_ring_that_fails_performs_nothing_and_stays_failed() {
        let Some(mut ring) = ring() else { return };
        let null = File::open("/dev/null").unwrap();
        let file = ring.ring.as_ref().unwrap().as_raw_fd();
        // SAFETY: The ring goes on to own this descriptor, which means another file now.
        assert_eq!(unsafe { libc::dup2(null.as_raw_fd(), file) }, file);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"text").unwrap();
        let mut buffer = [0; 9];
        for _ in 0..2 {
            let mut transfers = [Transfer::receive(theirs.as_fd(), &mut buffer)];
            ring.perform(&mut transfers).unwrap_err();
            let [transfer] = transfers;
            assert!(transfer.finish().is_none());
        }
        assert!(ring.ring.is_none());
        assert_eq!((&theirs).read(&mut buffer).unwrap(), 4);
    }

    #[test]
    fn a_panic_while_the_kernel_has_buffers_ends_the_process() {
        const CHILD: &str = "DYNAMIDB_TEST_PANIC";
        if std::env::var_os(CHILD).is_some() {
            let _ = catch_unwind(|| {
                let _in_progress = AbortOnDrop;
                panic!("on purpose");
            });
            return;
        }
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::a_panic_while_the_kernel_has_buffers_ends_the_process");
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", &name]).env(CHILD, "1");
        let status = child.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert_eq!(status.unwrap().signal(), Some(libc::SIGABRT));
    }

    /// Sends a byte again and again, over connections that may end at any time.
    fn send_and_vanish(address: SocketAddr, byte: u8, end: &AtomicBool) {
        let mut random = fastrand::Rng::with_seed(byte.into());
        let timeout = Duration::from_millis(50);
        while !end.load(Ordering::Relaxed) {
            // The listener's queue may be full, and after the end nobody accepts from it.
            let Ok(mut socket) = TcpStream::connect_timeout(&address, timeout) else {
                continue;
            };
            socket.set_write_timeout(Some(timeout)).unwrap();
            for _ in 0..random.usize(1..20) {
                let bytes = vec![byte; random.usize(1..9000)];
                if socket.write_all(&bytes).is_err() {
                    break;
                }
            }
            if random.bool() {
                // A reset, which also takes back what is not read yet.
                let socket = SockRef::from(&socket);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
    }

    #[test]
    fn clients_that_vanish_leave_no_bytes_to_others() {
        let Some(mut ring) = ring() else { return };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let end = AtomicBool::new(false);
        thread::scope(|scope| {
            for byte in 1..=8 {
                scope.spawn({
                    let end = &end;
                    move || send_and_vanish(address, byte, end)
                });
            }
            let _end = SetOnDrop(&end);
            listener.set_nonblocking(true).unwrap();
            // The byte of a client, once it is known.
            let mut clients = Vec::<(TcpStream, Option<u8>)>::new();
            let (mut received, mut gone) = (0, 0);
            let deadline = Instant::now() + Duration::from_secs(600);
            while received < 10_000_000 || gone < 200 {
                assert!(
                    Instant::now() < deadline,
                    "{received} bytes, {gone} clients"
                );
                while clients.len() < MANY {
                    let Ok((socket, _)) = listener.accept() else {
                        break;
                    };
                    clients.push((socket, None));
                }
                let mut buffers = vec![[0; 512]; clients.len()];
                let mut transfers: Vec<_> = std::iter::zip(&clients, &mut buffers)
                    .map(|((socket, _), buffer)| Transfer::receive(socket.as_fd(), buffer))
                    .collect();
                ring.perform(&mut transfers).unwrap();
                let outcomes: Vec<_> = transfers.into_iter().map(Transfer::finish).collect();
                let mut kept = Vec::new();
                for ((mut client, outcome), buffer) in
                    clients.into_iter().zip(outcomes).zip(&buffers)
                {
                    let len = match outcome {
                        Some((Ok(len @ 1..), _)) => len,
                        Some(_) => {
                            gone += 1;
                            continue;
                        }
                        None => 0,
                    };
                    for &byte in &buffer[..len] {
                        assert_eq!(*client.1.get_or_insert(byte), byte);
                        received += 1;
                    }
                    // Nothing is written behind what was received.
                    assert!(buffer[len..].iter().all(|&byte| byte == 0));
                    kept.push(client);
                }
                clients = kept;
            }
        });
    }
}
