//! TLS of one connection: records in, requests out; replies in, records out.

use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus,
};
use rustls::{HandshakeKind, ServerConfig};

use crate::server::connection::buffers::{Input, InputPool, LARGE, Slot};
use crate::server::runtime::Stream;
use crate::server::tls::handshake::{ALERT, Handshake};

/// The type of the first record of a client that speaks TLS: a handshake.
const HANDSHAKE_RECORD: u8 = 0x16;
/// What a client of the text protocol is told that does not speak TLS.
const NO_TLS: &[u8] = b"CLIENT_ERROR this port expects TLS\r\n";

/// TLS of one connection. While the connection is idle, it has no buffers.
pub(crate) struct Tls {
    connection: UnbufferedServerConnection,
    phase: Phase,
    /// Half a record: what was received and not used.
    records: Input,
    /// Records that have to be sent before any reply.
    pending: Vec<u8>,
}

enum Phase {
    /// The client's first message is not complete.
    New(Handshake),
    Handshake(Handshake),
    Open,
    /// The client sends nothing more.
    Ended,
    /// Our side is closed too.
    Closed,
    /// The handshake failed, or a record is not the client's.
    Failed,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    pub(super) fn new(
        config: Arc<ServerConfig>,
        handshake: Handshake,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(config)?,
            phase: Phase::New(handshake),
            records: Input::default(),
            pending: Vec::new(),
        })
    }

    pub(crate) const fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::New(_) | Phase::Handshake(_))
    }

    /// Whether nothing more is received.
    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Closed | Phase::Failed)
    }

    /// Whether the connection has to be closed; the client is to be told why.
    pub(crate) const fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }

    /// Whether there are records to send, even without a reply.
    pub(crate) const fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Bytes of memory that half a record takes; 0 if there is none.
    pub(crate) const fn kept_size(&self) -> usize {
        self.records.size()
    }

    /// Reads until the socket is empty or `limit` bytes have come, and appends the requests in them
    /// to the slot. Returns how many bytes have come.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut impl Stream,
        slot: &mut Slot,
        pool: &mut InputPool,
        limit: usize,
    ) -> io::Result<usize> {
        if self.has_ended() {
            return Ok(0);
        }
        let kept = mem::replace(&mut self.records, pool.take());
        self.records.push(kept.bytes());
        let mut total = 0;
        let mut outcome = Ok(());
        while total < limit && !self.has_ended() {
            if self.records.len() >= LARGE {
                // One record is smaller: it is a handshake message in thousands of them.
                self.fail(&"a handshake message is in too many records");
                break;
            }
            let unfilled = self.records.unfilled();
            let size = unfilled.len().min(limit - total);
            match stream.poll_read(cx, &mut unfilled[..size]) {
                Poll::Pending => break,
                // What came before is processed first. The next read returns the same again.
                Poll::Ready(Ok(0) | Err(_)) if total > 0 => break,
                // Without `close_notify` too: half a request has no effect.
                Poll::Ready(Ok(0)) => self.phase = Phase::Ended,
                Poll::Ready(Err(error)) => {
                    outcome = Err(error);
                    break;
                }
                Poll::Ready(Ok(read)) => {
                    self.records.advance(read);
                    total += read;
                    self.open(slot, pool);
                    if read < size {
                        break;
                    }
                }
            }
        }
        let rest = match self.records.is_empty() {
            true => Input::default(),
            false => Input::copy(self.records.bytes()),
        };
        pool.put(mem::replace(&mut self.records, rest));
        outcome.map(|()| total)
    }

    /// Uses all whole records, and follows the handshake.
    fn open(&mut self, slot: &mut Slot, pool: &mut InputPool) {
        if let Phase::New(handshake) = &self.phase {
            let first = self.records.bytes().first().copied().unwrap_or_default();
            if first != HANDSHAKE_RECORD {
                handshake.record_plain();
                let reply = if first.is_ascii() { NO_TLS } else { ALERT };
                self.pending = reply.to_vec();
                self.phase = Phase::Failed;
                return;
            }
        }
        if let Err(error) = self.advance(slot, pool) {
            self.take_alert();
            self.fail(&error);
            return;
        }
        let is_handshaking = self.connection.is_handshaking();
        self.phase = match mem::replace(&mut self.phase, Phase::Failed) {
            phase @ Phase::New(_) if is_handshaking && self.pending.is_empty() => phase,
            Phase::New(handshake) | Phase::Handshake(handshake) if is_handshaking => {
                Phase::Handshake(handshake)
            }
            Phase::New(handshake) | Phase::Handshake(handshake) => {
                let kind = self.connection.handshake_kind();
                handshake.succeed(kind == Some(HandshakeKind::Resumed));
                Phase::Open
            }
            phase => phase,
        };
    }

    /// Takes what rustls has for the client after an error, without looking at any record again.
    fn take_alert(&mut self) {
        while self.connection.wants_write() {
            match self.connection.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    // Without an alert the client sees the end of the connection.
                    let _ = encode(data, &mut self.pending);
                }
                _ => return,
            }
        }
    }

    fn fail(&mut self, reason: &dyn fmt::Display) {
        match mem::replace(&mut self.phase, Phase::Failed) {
            Phase::New(handshake) => {
                if self.pending.is_empty() {
                    self.pending = ALERT.to_vec();
                }
                handshake.record_error(reason);
            }
            Phase::Handshake(handshake) => handshake.record_error(reason),
            _ => tracing::debug!("a TLS connection fails: {reason}"),
        }
    }

    /// Has rustls use all whole records.
    fn advance(&mut self, slot: &mut Slot, pool: &mut InputPool) -> Result<(), rustls::Error> {
        loop {
            let UnbufferedStatus { discard, state } = self
                .connection
                .process_tls_records(self.records.bytes_mut());
            let mut used = discard;
            let mut waits = false;
            let outcome = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                    match traffic.next_record() {
                        None => break Ok(()),
                        Some(Err(error)) => break Err(error),
                        Some(Ok(record)) => {
                            used += record.discard;
                            slot.push(record.payload, pool);
                        }
                    }
                },
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.pending),
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Ok(())
                }
                Ok(state) => {
                    waits = true;
                    match state {
                        ConnectionState::PeerClosed => {
                            self.phase = Phase::Ended;
                            Ok(())
                        }
                        ConnectionState::BlockedHandshake
                        | ConnectionState::WriteTraffic(_)
                        | ConnectionState::Closed => Ok(()),
                        _ => Err(rustls::Error::General("an unknown state".into())),
                    }
                }
                Err(error) => Err(error),
            };
            self.records.consume(used);
            outcome?;
            if waits {
                return Ok(());
            }
        }
    }

    /// Appends the records of the replies in `output`, after those that are pending. Returns where
    /// the records begin.
    ///
    /// # Errors
    /// The connection has failed.
    pub(crate) fn seal(&mut self, output: &mut Vec<u8>) -> io::Result<usize> {
        let replies = output.len();
        output.append(&mut mem::take(&mut self.pending));
        if replies > 0 {
            self.write(output, replies, false)?;
        }
        Ok(replies)
    }

    /// Appends `close_notify`, unless there is nobody to tell.
    ///
    /// # Errors
    /// The connection has failed.
    pub(crate) fn close(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        if matches!(self.phase, Phase::Open | Phase::Ended) && !self.connection.is_handshaking() {
            self.write(output, 0, true)?;
            self.phase = Phase::Closed;
        }
        Ok(())
    }

    /// Appends records of the first bytes of `output`, this many, or `close_notify`.
    fn write(&mut self, output: &mut Vec<u8>, replies: usize, closes: bool) -> io::Result<()> {
        loop {
            // What is kept has to be shown again: half a handshake message may be in it.
            let status = self
                .connection
                .process_tls_records(self.records.bytes_mut());
            match status.state.map_err(io::Error::other)? {
                ConnectionState::EncodeTlsData(data) => {
                    encode(data, output).map_err(io::Error::other)?;
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    let mut write = |replies: &[u8], records: &mut [u8]| match closes {
                        true => traffic.queue_close_notify(records),
                        false => traffic.encrypt(replies, records),
                    };
                    let end = output.len();
                    // Without space it says how much it needs.
                    let size = match write(&output[..replies], &mut []) {
                        Err(EncryptError::InsufficientSize(error)) => error.required_size,
                        outcome => return outcome.map(|_| ()).map_err(io::Error::other),
                    };
                    output.resize(end + size, 0);
                    let (before, records) = output.split_at_mut(end);
                    let written = write(&before[..replies], records);
                    let written = written.map_err(io::Error::other)?;
                    output.truncate(end + written);
                    return Ok(());
                }
                _ => return Err(io::ErrorKind::NotConnected.into()),
            }
        }
    }
}

/// Appends a record of rustls' own: of a handshake, or an alert.
fn encode<D>(mut data: EncodeTlsData<'_, D>, output: &mut Vec<u8>) -> Result<(), rustls::Error> {
    let end = output.len();
    let failed = |error: EncodeError| rustls::Error::General(error.to_string());
    // Without space it says how much it needs.
    if let Err(EncodeError::InsufficientSize(error)) = data.encode(&mut []) {
        output.resize(end + error.required_size, 0);
        data.encode(&mut output[end..]).map_err(failed)?;
    }
    Ok(())
}
