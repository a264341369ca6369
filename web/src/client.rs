//! A client's connection: its session, and its incomplete request.

use alloc::vec::Vec;

use dynamidb_core::{Host, Instant, Session};

pub(crate) struct Client {
    pub(crate) session: Session,
    pub(crate) input: Vec<u8>,
    /// When it sent something last.
    pub(crate) last_used: Instant,
}

impl Client {
    pub(crate) const fn new(session: Session, now: Instant) -> Self {
        Self {
            session,
            input: Vec::new(),
            last_used: now,
        }
    }

    /// Whether a part of a request has come.
    pub(crate) const fn is_waiting(&self) -> bool {
        !self.input.is_empty()
    }

    /// Processes every complete request, and keeps the rest of the input for later.
    pub(crate) fn process(&mut self, now: Instant, host: &mut impl Host) -> Vec<u8> {
        self.last_used = now;
        let mut output = Vec::new();
        let mut used = 0;
        while !self.session.is_closed() {
            // A session pauses when its output is full, so each call gets an empty one.
            let mut reply = Vec::new();
            let input = &self.input[used..];
            let done = self.session.process(now, input, host, &mut reply);
            output.append(&mut reply);
            if done == 0 {
                self.input.drain(..used);
                return output;
            }
            used += done;
        }
        self.input = Vec::new();
        output
    }
}
