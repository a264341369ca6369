//! The DynamiDB cache: a slab arena, an exact LRU, deadlines to the millisecond, and the protocol as
//! bytes in, bytes out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cache;
mod config;
mod error;
mod item;
mod key;
mod memory;
mod number;
mod protocol;
mod stats;
mod storage;
mod time;

pub use cache::Cache;
pub use config::Config;
pub use error::{ConfigError, Error};
pub use item::{Bytes, Expiry, Item, Outcome, Value};
pub use key::{Hasher, Key};
pub use memory::Memory;
pub use protocol::{Dialect, Keyspace, Session, SessionConfig};
pub use stats::{SlabStats, Stats};
pub use time::Instant;
