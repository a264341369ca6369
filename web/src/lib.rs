//! The DynamiDB cache for JavaScript: the server's core, compiled to WebAssembly.
//!
//! A [`Playground`] is one cache, its clients and its clock. Like the core, it reads no clock and
//! draws no random numbers: the page passes both in, so a session can be replayed. A [`Scenario`]
//! is such a replay as text. Everything else is the core's; this crate only converts the core's
//! types to JavaScript's, and to flat arrays where there are many.
//!
//! With the feature `page` nothing of the standard library is in it: its allocator, its formatting
//! and its panics with text would be a fifth of what a visitor downloads. The page starts without
//! the feature `full`; with it, the crate is a second module for what is seldom used.
#![cfg_attr(all(feature = "page", target_arch = "wasm32"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod admin;
mod client;
mod feed;
mod host;
mod insight;
mod limits;
mod load;
#[cfg(feature = "full")]
mod open;
#[cfg(all(feature = "page", target_arch = "wasm32"))]
mod page;
mod playground;
mod record;
mod scenario;
mod settings;
#[cfg(feature = "full")]
mod sizing;
mod snapshot;
mod text;
mod zipf;

pub use load::Load;
#[cfg(feature = "full")]
pub use open::Opening;
pub use playground::Playground;
pub use scenario::{Scenario, Step};
pub use settings::{Dialect, Policy, Settings};
