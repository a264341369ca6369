//! Whether a reply fits the output, which is known before its request is executed: a reply is never
//! cut off, and what was executed is always answered. All of this is about outputs of fixed size;
//! for one that grows the compiler leaves nothing of it.

use super::context::Context;
use super::parsed::{Parsed, State};
use super::request::Request;
use super::{Host, Output, binary, meta, reply};
use crate::Key;

/// The longest reply that has neither a key nor a value in it, and what a retrieval adds to these.
pub(super) const REPLY_MAX: usize = 80;

/// What a retrieval may add to key and value: any of the fields of `mg`, with the longest key once
/// more, in base64.
pub(super) const RETRIEVAL_MAX: usize = 640;

/// What to do with a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    /// Its reply fits.
    Enough,
    /// It will, once the output is empty.
    Later,
    /// It never will.
    Never,
}

impl<H: Host, O: Output> Context<'_, H, O> {
    /// Whether no request is to be executed before something is taken from the output.
    #[inline(always)]
    pub(super) fn is_full(&self, output_max: usize) -> bool {
        self.output.len() >= output_max || self.output.available() < REPLY_MAX
    }

    /// Whether not even an empty output has space for a short reply.
    #[inline(always)]
    pub(super) fn is_too_small(&self) -> bool {
        self.output.available() < REPLY_MAX
            && self.output.len() + self.output.available() < REPLY_MAX
    }

    /// Whether the reply to a request fits.
    #[inline(always)]
    pub(super) fn room(&mut self, parsed: &Parsed<'_>, key: Key<'_>) -> Room {
        let available = self.output.available();
        if available == usize::MAX {
            return Room::Enough;
        }
        match self.reply_max(&parsed.request, key) {
            size if size <= available => Room::Enough,
            size if size <= self.output.len() + available => Room::Later,
            _ => Room::Never,
        }
    }

    /// Answers a request that is not executed, because its reply never fits, and says what follows.
    /// Between two keys no client would take that for the end of the reply, so the session ends.
    #[cold]
    pub(super) fn refuse(&mut self, state: State, parsed: &Parsed<'_>) -> State {
        if !binary::refuse_for_size(self.output, &parsed.request) {
            self.output.extend_from_slice(reply::OUTPUT_TOO_SMALL);
        }
        match (state, parsed.next) {
            (State::Keys(_), _) | (_, State::Keys(_)) => State::Closed { error: true },
            (_, State::PendingStat(stat)) => binary::after_refusal(stat),
            (_, next) => next,
        }
    }

    /// The most bytes that the reply may have.
    #[inline(never)]
    fn reply_max(&mut self, request: &Request<'_>, key: Key<'_>) -> usize {
        match *request {
            Request::Get { key: written, .. } => match self.value_len(key) {
                Some(len) => REPLY_MAX + written.len() + len,
                None => REPLY_MAX,
            },
            Request::Meta(ref request) => {
                let mut buffer = [0; Key::LEN_MAX];
                let key = match request.is_base64() {
                    true => key.written(request.key_bytes(&mut buffer)),
                    false => key,
                };
                let value = match meta::shows_value(request) {
                    true => self.value_len(key),
                    false => None,
                };
                meta::reply_max(request) + value.unwrap_or(0)
            }
            // A packet has the key also where there is no value.
            Request::Binary(ref request) if binary::shows_value(request) => {
                REPLY_MAX + key.as_bytes().len() + self.value_len(key).unwrap_or(0)
            }
            // Whatever a host answers, it heeds what is available. Reports are made again.
            _ => REPLY_MAX,
        }
    }

    /// The length of the value that a request for this key would get.
    fn value_len(&mut self, key: Key<'_>) -> Option<usize> {
        let item = self.host.cache_for(&key).peek(self.now, key)?;
        Some(item.value.len())
    }
}
