//! An in-memory cache with a hard memory bound, and memcached's protocol as bytes in, bytes out.
//!
//! The same code serves data centres, runs in a browser tab and keeps sensor readings on a device
//! with 16 KiB to spare. It opens no socket, reads no clock, draws no random number, and once a
//! cache is made it allocates nothing: its memory is lent to it or reserved at once.
//!
//! ```
//! use core::time::Duration;
//! use dynamidb_core::{Cache, Config, Expiry, Instant, Session, SessionConfig, Value};
//!
//! // 64 KiB for everything: items, index and records.
//! let mut cache = Cache::new(Config::new(64 * 1024))?;
//!
//! // Time is an argument. It counts from wherever the caller likes.
//! let now = Instant::from_secs(0);
//! let brief = Value::from("hello").expire(Expiry::After(Duration::from_secs(30)));
//! cache.set(now, "greeting", brief)?;
//! assert_eq!(cache.get(now, "greeting").unwrap().value, b"hello");
//! assert!(cache.get(Instant::from_secs(30), "greeting").is_none());
//!
//! // The protocol needs no socket either.
//! let mut session = Session::new(SessionConfig::default());
//! let mut output = Vec::new();
//! let input = b"set key 0 0 5\r\nvalue\r\nget key\r\n";
//! let used = session.process(now, input, &mut cache, &mut output);
//! assert_eq!(used, input.len());
//! assert_eq!(output, b"STORED\r\nVALUE key 0 5\r\nvalue\r\nEND\r\n");
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! Which type is for what:
//!
//! | you want | use |
//! |---|---|
//! | keys and values in your own program | [`Cache`], made from a [`Config`] |
//! | the cache in memory of your own | [`Cache::with_memory`] and [`Memory`] |
//! | deadlines | [`Expiry`] in a [`Value`]; [`Cache::tick`] gives their memory back |
//! | to see inside: pages, chunks, order, who was evicted and why | [`Cache::pages`], [`view`] |
//! | to answer memcached's clients | [`Session`], on a [`Cache`] or a [`Keyspace`] of several |
#![no_std]
// Except in one file, `storage/prefetch.rs`; `tests/tidy.rs` sees to it.
#![deny(unsafe_code)]

extern crate alloc;

mod cache;
mod config;
mod digest;
mod error;
mod item;
mod key;
mod memory;
mod number;
mod protocol;
mod sizes;
mod stats;
mod storage;
mod time;
pub mod view;

pub use cache::Cache;
pub use config::{Config, LruBump, Policy};
pub use error::{ConfigError, Error};
pub use item::{Bytes, Expiry, Item, Outcome, Value};
pub use key::{Hasher, Key};
pub use memory::Memory;
pub use protocol::{Action, Event, Lookup, Place};
pub use protocol::{Command, Dialect, Keyspace, Next, Session, SessionConfig};
pub use sizes::SlabSizes;
pub use stats::{SlabStats, Stats};
pub use time::Instant;

/// The examples of the read-me files are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
