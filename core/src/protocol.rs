//! How clients speak: DynamiDB's dialect and memcached's text protocol, as bytes in, bytes out.
//!
//! The grammar of both, with examples, is `docs/protocol.md`; how memcached's commands differ from
//! memcached's is listed in the server's `docs/from-memcached.md`.
//!
//! [`Session`] takes the bytes. [`parse`] finds the first request in them: `parse/` and [`meta`]
//! have the grammar of the commands, [`line`] has words and numbers. [`execute`] calls the cache
//! that the [`Keyspace`] names for the key, and [`mod@reply`], [`meta`] or [`stats`] writes the
//! reply. Any other line is an [`AdminCommand`] for the [`Host`]: the server has memcached's
//! commands for administrators there.
//!
//! ```text
//! session ─▶ parse ───▶ parse/*, meta/parse ───────▶ parsed ─▶ request, line, config
//!         ─▶ notify ─▶ execute ─▶ meta/execute ─▶ context, reply ─▶ host ─▶ keyspace, event, admin
//! ```

mod admin;
mod binary;
mod config;
mod context;
mod credentials;
mod event;
mod execute;
mod exptime;
mod host;
mod keyspace;
mod line;
mod meta;
mod notify;
mod output;
mod parse;
mod parsed;
mod reply;
mod request;
mod room;
mod session;
mod stats;

pub use admin::{AdminCommand, AdminOutcome};
#[cfg(feature = "binary")]
pub use binary::{PacketField, PacketFields, PacketValue};
pub use config::{Dialect, Protocol, SessionConfig};
pub use credentials::Credentials;
pub use event::{Action, Event, ItemSummary, Lookup, StoreStatus};
pub use host::Host;
pub use keyspace::Keyspace;
pub use output::{FixedOutput, Output};
pub use session::{FirstRequest, Session};
