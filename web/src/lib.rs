//! The DynamiDB cache for JavaScript: the server's core, compiled to WebAssembly.
//!
//! A [`Playground`] is one cache, its clients and its clock. Like the core, it reads no clock and
//! draws no random numbers: the page passes both in, so a session can be replayed. A [`Scenario`]
//! is such a replay as text. Everything else is the core's; this crate only converts the core's
//! types to JavaScript's, and to flat arrays where there are many.
#![forbid(unsafe_code)]

mod client;
mod feed;
mod limits;
mod load;
mod playground;
mod record;
mod scenario;
mod settings;
mod snapshot;
mod zipf;

pub use load::Load;
pub use playground::Playground;
pub use scenario::{Scenario, Step};
pub use settings::{Dialect, Policy, Settings};
