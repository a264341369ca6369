//! The DynamiDB cache for JavaScript: the server's core, compiled to WebAssembly.
//!
//! A [`Playground`] is one cache, the clients that talk to it, and its time. Like the core, it
//! reads no clock and draws no random number: the page passes both in, so what happened can be
//! replayed. A [`Scenario`] is such a replay, written down. Everything else is the core's; this
//! crate only turns its types into those that JavaScript has, flat arrays where there are many.
#![forbid(unsafe_code)]

mod client;
mod load;
mod look;
mod playground;
mod record;
mod scenario;
mod settings;
mod zipf;

pub use load::Load;
pub use playground::Playground;
pub use scenario::{Scenario, Step};
pub use settings::{Dialect, Policy, Settings};
