//! memcached's meta commands: how they are spelled, what they do, and their replies.
//!
//! Without the feature `meta` their verbs are unknown.

#[cfg(not(feature = "meta"))]
mod disabled;
#[cfg(feature = "meta")]
mod execute;
#[cfg(feature = "meta")]
mod flags;
#[cfg(feature = "meta")]
mod parse;
#[cfg(feature = "meta")]
mod reply;
#[cfg(feature = "meta")]
mod request;

#[cfg(not(feature = "meta"))]
pub(super) use self::disabled::{MetaRequest, execute, noop, parse, reply_max, shows_value};
#[cfg(feature = "meta")]
pub(super) use self::{
    execute::execute,
    parse::{noop, parse},
    reply::{reply_max, shows_value},
    request::MetaRequest,
};

/// The meta commands that are about a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum MetaCommand {
    Get,
    Set,
    Delete,
    Arithmetic,
    Debug,
}
