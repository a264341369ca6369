//! What a connection does differently when its client speaks TLS: records come in and go out in the
//! place of requests and replies.

use std::io;
use std::task::{Context, Poll};

use crate::server::connection::buffers::{InputPool, SMALL, Slot, UnsentOutput};
use crate::server::connection::{Connection, READ_MAX, Received, State};
use crate::server::runtime::{Runtime, Stream};
use crate::server::tls::Tls;

impl<R: Runtime> Connection<R> {
    /// First step of a turn, by TLS: as [`receive`](Self::receive) from where it reads.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(super) fn receive_records(
        &mut self,
        cx: &mut Context<'_>,
        slot: &mut Slot,
        output: &mut Vec<u8>,
        pool: &mut InputPool,
        limit: usize,
    ) -> io::Result<Received> {
        let Some(tls) = &mut self.tls else {
            return Ok(Received::Nothing);
        };
        let limit = if self.large {
            slot.enlarge(pool);
            READ_MAX
        } else {
            limit
        };
        let before = slot.input().len();
        let was_handshaking = tls.is_handshaking();
        let total = tls.receive(cx, &mut self.stream, slot, pool, limit)?;
        self.large &= total >= SMALL;
        if total > 0
            && let Some(suspended) = &mut self.suspended
        {
            suspended.timer.restart_stall();
        }
        if tls.has_failed() {
            (self.state, self.protocol_error) = (State::Flushing, true);
            return Ok(Received::Output);
        }
        let received = slot.input().len() - before;
        if received > 0 {
            self.context.server.count_read(received);
            self.sign_in(slot.input_mut(), output);
            return Ok(match self.state {
                State::Open => Received::Input,
                _ => Received::Output,
            });
        }
        if tls.has_ended() {
            if self.half_close_watcher() {
                return Ok(Received::Nothing);
            }
            self.state = State::Flushing;
            return Ok(Received::Output);
        }
        Ok(match total {
            0 => Received::Nothing,
            _ if was_handshaking => Received::Handshake,
            _ => Received::Output,
        })
    }

    /// Whether there is something to send without a reply.
    pub(crate) fn has_records(&self) -> bool {
        self.tls.as_deref().is_some_and(Tls::has_pending)
    }

    /// Tells a client that speaks TLS that this was all.
    ///
    /// # Errors
    /// Why the connection has to be closed.
    pub(super) fn close_tls(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return Ok(());
        };
        let mut records = Vec::new();
        tls.close(&mut records)?;
        let sent = match records.is_empty() {
            true => 0,
            false => match self.stream.poll_write(cx, &records)? {
                Poll::Ready(sent) => sent,
                Poll::Pending => 0,
            },
        };
        if sent < records.len() {
            let rest = UnsentOutput::rest_of(&mut records, sent);
            self.suspended.get_or_insert_default().output = rest;
        }
        Ok(())
    }

    /// Bytes of memory that half a record of TLS takes.
    pub(super) fn half_a_record(&self) -> usize {
        self.tls.as_deref().map_or(0, Tls::kept_size)
    }
}
