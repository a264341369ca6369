//! A cache for the threads of a program: `dynamidb-core`'s [`Cache`](dynamidb_core::Cache) in
//! shards, each behind a lock. It needs no runtime, and starts threads only while it restores a
//! snapshot.
//!
//! [`SharedCache`] is what programs use. [`Shards`] is what it is made of, for hosts that hold a
//! lock over several operations, as the DynamiDB server does.
//!
//! # Examples
//! ```
//! use std::time::Duration;
//!
//! use dynamidb_core::{Config, Expiry, Value};
//! use dynamidb_sync::SharedCache;
//!
//! let cache = SharedCache::new(&Config::new(64 << 20), 4)?;
//! let session = Value::from("alice").expire(Expiry::After(Duration::from_secs(1800)));
//! cache.set("session:1", session)?;
//! assert_eq!(cache.get("session:1").as_deref(), Some(&b"alice"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

mod ahead;
mod cache;
mod clock;
#[cfg(all(test, shuttle))]
mod interleavings;
mod keyspace;
mod loads;
mod primitives;
mod region;
mod seed;
mod shards;
mod snapshot;
#[cfg(feature = "typed")]
mod typed;

pub use cache::SharedCache;
pub use cache::iter::Iter;
pub use clock::{Clock, FakeClock};
pub use keyspace::SharedKeyspace;
pub use region::{Region, Shard};
pub use seed::random_seed;
pub use shards::{Growth, ShardGuard, Shards};
pub use snapshot::RestoreError;
#[cfg(feature = "typed")]
pub use typed::{TypedCache, TypedError};

/// The example of the read-me file is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
