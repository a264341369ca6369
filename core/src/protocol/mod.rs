//! How clients speak: DynamiDB's dialect and memcached's text protocol, as bytes in, bytes out.
//!
//! The grammar of both, with examples, is `docs/protocol.md`; how memcached's commands differ from
//! memcached's is listed in the project's `ARCHITECTURE.md`.
//!
//! [`Session`] takes the bytes and asks [`request`] for the first request in them, which asks
//! [`dynamidb`] or [`classic`] (and that [`retrieval`] or [`meta`]) how it is spelled; they ask
//! [`line`] for words and numbers. Then [`execute`] calls the cache that the [`Keyspace`] names for
//! the key, and [`mod@reply`], [`meta_reply`] or [`stats`] spells the answer. Any other line is a
//! [`AdminCommand`], for the keyspace to answer: there the server has what memcached has for those
//! who run it.

mod classic;
mod command;
mod dynamidb;
mod event;
mod execute;
mod keyspace;
mod line;
mod meta;
mod meta_reply;
mod reply;
mod request;
mod retrieval;
mod session;
mod stats;

/// Whether the meta commands are spoken; to a session without them they are unknown, and it hangs
/// up on `ms`, whose value follows.
const META: bool = cfg!(feature = "meta");

pub use command::{AdminCommand, Next};
pub use event::{Action, Event, ItemSummary, Lookup};
pub use keyspace::Keyspace;
pub use session::{Dialect, FirstRequest, Session, SessionConfig};
