//! What each request in a packet does: one call of the cache, one reply or none.

use core::time::Duration;

use super::super::context::Context;
use super::super::event::Effect;
use super::super::line::has_control;
use super::super::request::Request;
use super::super::{Host, Output, SessionConfig};
use super::header::{Echo, Status};
use super::request::{BinaryControl, BinaryRequest, Operation};
use super::sasl;
use crate::{ArithmeticOptions, ArithmeticOutcome, Cas, DeleteOptions, DeleteOutcome};
use crate::{Error, Expiry, Instant, Key, SetMode, SetOptions, SetOutcome, Value};

/// Exptimes up to thirty days count from now, larger ones are Unix times.
const RELATIVE_MAX: u32 = 30 * 24 * 60 * 60;
/// What is said to a client who may only read.
const READ_ONLY: &[u8] = b"This user may only read";
/// The exptime of `incr` and `decr` that makes no item.
const NEVER_CREATE: u32 = u32::MAX;

/// Carries out a request and returns what it did to an item; `None` if it is about no item. `key`
/// is the request's, with its hash.
#[inline(never)]
pub(in crate::protocol) fn execute<H: Host, O: Output>(
    context: &mut Context<'_, H, O>,
    config: &SessionConfig,
    request: &BinaryRequest<'_>,
    key: Key<'_>,
) -> Option<Effect> {
    let &BinaryRequest { echo, quiet, .. } = request;
    let effect = match request.operation {
        Operation::Get { touch, with_key } => {
            context.binary_get(config, request, key, touch, with_key);
            Effect::Get
        }
        Operation::Touch { exptime } => {
            context.binary_touch(config, echo, key, exptime);
            Effect::Change
        }
        Operation::Store {
            mode,
            flags,
            exptime,
            value: bytes,
        } => {
            let mut expiry = expiry(exptime);
            context.resolve(&mut expiry);
            let value = Value {
                bytes,
                flags,
                expiry,
            };
            let result = context.binary_store(config, request.cas, key, mode, value);
            context.changed(config, echo, quiet, stored(result, mode));
            Effect::store(result)
        }
        Operation::TooLarge { mode } => {
            context.too_large(key, mode == SetMode::Set);
            Effect::store(Err(Error::ValueTooLarge))
        }
        Operation::Delete => {
            let status = context.binary_delete(config, request.cas, key);
            context.changed(config, echo, quiet, status.map(|()| 0));
            Effect::Delete {
                deleted: status.is_ok(),
            }
        }
        Operation::Arithmetic { .. } => {
            context.binary_arithmetic(config, request, key);
            Effect::Change
        }
        Operation::Flush { delay } => {
            // As in memcached, a delay of one second is none.
            context.flush_all((delay > 1).then(|| expiry(delay)));
            context.changed(config, echo, quiet, Ok(0));
            return None;
        }
        Operation::Noop => {
            echo.done(context.output, 0);
            return None;
        }
        Operation::Version => {
            let version = config.version.as_bytes();
            echo.packet(context.output, Status::Ok, 0, &[], version);
            return None;
        }
        Operation::SaslList => {
            echo.packet(context.output, Status::Ok, 0, &[], sasl::MECHANISM);
            return None;
        }
        Operation::Silence => return None,
        Operation::Reply(status) => {
            echo.refusal(context.output, status);
            return None;
        }
    };
    Some(effect)
}

/// Answers a request of a client who may only read. A value that is too large has an answer of its
/// own, once it has been passed over.
pub(in crate::protocol) fn refuse(output: &mut impl Output, request: &BinaryRequest<'_>) {
    if !matches!(request.operation, Operation::TooLarge { .. }) {
        // It is the status that libraries know for what somebody may not do.
        let echo = request.echo;
        echo.packet(output, Status::AuthFailure, 0, &[], READ_ONLY);
    }
}

/// Answers a request whose reply never fits the output; `false` if it is not in a packet.
pub(in crate::protocol) fn refuse_for_size(
    output: &mut impl Output,
    request: &Request<'_>,
) -> bool {
    let (Request::Binary(BinaryRequest { echo, .. })
    | Request::BinaryControl(BinaryControl { echo, .. })) = *request
    else {
        return false;
    };
    echo.refusal(output, Status::OutOfMemory);
    true
}

/// Whether the reply has an item's key or value in it.
pub(in crate::protocol) const fn shows_value(request: &BinaryRequest<'_>) -> bool {
    matches!(request.operation, Operation::Get { .. })
}

impl<H: Host, O: Output> Context<'_, H, O> {
    /// Says how it went, unless it went well and nobody wants to hear so.
    fn changed(
        &mut self,
        config: &SessionConfig,
        echo: Echo,
        quiet: bool,
        result: Result<u64, Status>,
    ) {
        match result {
            Ok(_) if quiet => {}
            Ok(cas) => echo.done(self.output, known_cas(config, cas)),
            Err(status) => echo.refusal(self.output, status),
        }
    }

    fn binary_get(
        &mut self,
        config: &SessionConfig,
        request: &BinaryRequest<'_>,
        key: Key<'_>,
        touch: Option<u32>,
        with_key: bool,
    ) {
        let (echo, written): (_, &[u8]) = match with_key {
            true => (request.echo, request.key),
            false => (request.echo, &[]),
        };
        self.look_up(config, key, touch.map(expiry), |output, item| match item {
            Some(item) => echo.item(output, written, item),
            None if request.quiet => {}
            None if with_key => echo.packet(output, Status::NotFound, 0, written, &[]),
            None => echo.refusal(output, Status::NotFound),
        });
    }

    fn binary_touch(&mut self, config: &SessionConfig, echo: Echo, key: Key<'_>, exptime: u32) {
        let touch = Some(expiry(exptime));
        self.look_up(config, key, touch, |output, item| match item {
            Some(item) => echo.touched(output, item),
            None => echo.refusal(output, Status::NotFound),
        });
    }

    fn binary_store(
        &mut self,
        config: &SessionConfig,
        cas: u64,
        key: Key<'_>,
        mode: SetMode,
        value: Value<'_>,
    ) -> Result<SetOutcome, Error> {
        let compare = (cas != 0 && config.cas_enabled).then_some(cas);
        let options = SetOptions {
            mode: match mode {
                // With a cas, whatever stores a value replaces that item and no other.
                SetMode::Add if compare.is_some() => SetMode::Set,
                mode => mode,
            },
            compare,
            // Text can name such a key only in base64.
            base64: has_control(key.as_bytes()),
            ..SetOptions::default()
        };
        let (len, joins) = (value.bytes.len(), mode.joins());
        let cache = self.host.cache_to_store(self.now, &key, len, joins);
        cache.set_with(self.now, key, value, &options)
    }

    fn binary_delete(
        &mut self,
        config: &SessionConfig,
        cas: u64,
        key: Key<'_>,
    ) -> Result<(), Status> {
        let cache = self.host.cache_for(&key);
        if cas == 0 {
            let found = cache.delete(self.now, key);
            return if found { Ok(()) } else { Err(Status::NotFound) };
        }
        let options = DeleteOptions {
            compare: Some(known_cas(config, cas)),
            ..DeleteOptions::default()
        };
        match cache.delete_with(self.now, key, &options) {
            Ok(DeleteOutcome::Deleted) => Ok(()),
            Ok(DeleteOutcome::Exists) => Err(Status::Exists),
            Ok(_) => Err(Status::NotFound),
            Err(error) => Err(status(error)),
        }
    }

    fn binary_arithmetic(
        &mut self,
        config: &SessionConfig,
        request: &BinaryRequest<'_>,
        key: Key<'_>,
    ) {
        let Operation::Arithmetic {
            decrement,
            delta,
            initial,
            exptime,
        } = request.operation
        else {
            return;
        };
        let mut expiry = expiry(exptime);
        self.resolve(&mut expiry);
        let options = ArithmeticOptions {
            delta,
            decrement,
            initial: (exptime != NEVER_CREATE).then_some((initial, expiry)),
            compare: (request.cas != 0).then(|| known_cas(config, request.cas)),
            base64: has_control(key.as_bytes()),
            ..ArithmeticOptions::default()
        };
        let cache = self.host.cache_to_store(self.now, &key, 0, false);
        let refusal = match cache.arithmetic_with(self.now, key, &options) {
            Ok(ArithmeticOutcome::Stored { number, cas, .. }) => {
                if !request.quiet {
                    let cas = known_cas(config, Cas::number(cas));
                    let number = number.to_be_bytes();
                    let echo = request.echo;
                    echo.packet(self.output, Status::Ok, cas, &[], &number);
                }
                return;
            }
            Ok(ArithmeticOutcome::Exists) => Status::Exists,
            Ok(ArithmeticOutcome::NotFound) => Status::NotFound,
            Err(error) => status(error),
        };
        request.echo.refusal(self.output, refusal);
    }
}

/// What came of a store: the item's new cas, or what is said instead.
fn stored(result: Result<SetOutcome, Error>, mode: SetMode) -> Result<u64, Status> {
    let stored = result.map_err(|error| match error {
        // The bytes alone were not too large.
        Error::ValueTooLarge if mode.joins() => Status::NotStored,
        error => status(error),
    })?;
    match stored {
        SetOutcome::Stored { cas, .. } => Ok(Cas::number(cas)),
        SetOutcome::Exists => Err(Status::Exists),
        SetOutcome::NotStored if mode == SetMode::Add => Err(Status::Exists),
        SetOutcome::NotStored if mode.joins() => Err(Status::NotStored),
        SetOutcome::NotStored | SetOutcome::NotFound => Err(Status::NotFound),
    }
}

/// What an exptime means. It has no sign: the largest is a date far away.
fn expiry(exptime: u32) -> Expiry {
    let seconds = exptime.into();
    match exptime {
        0 => Expiry::Never,
        1..=RELATIVE_MAX => Expiry::After(Duration::from_secs(seconds)),
        _ => Expiry::At(Instant::from_secs(seconds)),
    }
}

/// The cas to compare with or to tell; no item has 0.
const fn known_cas(config: &SessionConfig, cas: u64) -> u64 {
    if config.cas_enabled { cas } else { 0 }
}

const fn status(error: Error) -> Status {
    match error {
        Error::KeyLength => Status::InvalidArguments,
        Error::ValueTooLarge => Status::TooLarge,
        // No packet loads what is missing, so that none meets `Expired`.
        Error::OutOfMemory | Error::Expired => Status::OutOfMemory,
        Error::NotANumber => Status::NotANumber,
        // No packet begins a flush by prefix.
        #[cfg(feature = "flush-prefix")]
        Error::TooManyFlushes => Status::OutOfMemory,
    }
}
