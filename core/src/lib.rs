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
//! | the cache itself there, too | [`Cache::init`], which takes the least stack |
//! | deadlines | [`Expiry`] in a [`Value`]; [`Cache::maintain`] gives their memory back |
//! | conditions, leases, outdated values, your own `cas` | [`Cache::get_with`] and the like |
//! | to see inside: pages, chunks, order, who was evicted and why | [`Cache::pages`], [`view`] |
//! | to draw what is inside | [`MemoryMap`] |
//! | to answer memcached's clients | [`Session`], on a [`Cache`] or a [`Keyspace`] of several |
//! | to answer them without a heap | [`FixedOutput`] |
//! | to count their requests by the prefix of the key | [`PrefixStats`] |
//!
//! # Which call do I want
//!
//! | you want to | call | |
//! |---|---|---|
//! | read a value | [`Cache::get`] | counts as use; borrows, copies nothing |
//! | read it and keep its place in the order | [`Cache::peek`] | changes nothing at all |
//! | have its bytes | [`Bytes::as_slice`], [`Bytes::pieces`] | in place; mostly one piece |
//! | have a copy | [`Bytes::copy_to`], [`Bytes::to_vec`] | the first needs no allocator |
//! | know whether there is one | [`Cache::contains_key`] | changes nothing at all |
//! | read it, or load what is missing | [`Cache::get_or_insert_with`] | the closure may also fail |
//! | read it and remove it | [`Cache::take`], [`Cache::pop_lru`] | lent to a closure, not copied |
//! | store a value | [`Cache::set`] | refused only for its size |
//! | store it if there is none | [`Cache::add`] | returns whether it did |
//! | store it only over another | [`Cache::replace`] | returns whether it did |
//! | store it if nobody else did | [`Cache::compare_and_swap`] | with the `cas` of an [`Item`] |
//! | let it end after a time | [`Value::expire`] | never served late, whoever calls what |
//! | let it live longer | [`Cache::touch`], [`Cache::get_and_touch`] | |
//! | count | [`Cache::increment`], [`Cache::decrement`] | decimal numbers, as in memcached |
//! | add to a value | [`Cache::append`], [`Cache::prepend`] | |
//! | let one of many callers renew a value | [`Cache::get_with`] | leases, as mg's `N` and `R` |
//! | mark a value as out of date | [`Cache::delete_with`] | still served, renewed by one |
//! | bring versions of your own | [`Cache::set_with`] | a `cas` of 64 bits |
//! | count from a start | [`Cache::arithmetic_with`] | |
//! | remove | [`Cache::delete`], [`Cache::clear`], [`Cache::flush_at`] | the last two in no time |
//! | remove what a closure says | [`Cache::retain`], [`Cache::drain`] | walks over all items |
//! | remove what has keys with a prefix | `Cache::flush_prefix` | in no time, too |
//! | have expired memory back early | [`Cache::maintain`] | as many short steps as you like |
//! | keep the items over a restart | [`Cache::save`], [`snapshot`] | any cache can read them |
//! | see how it goes | [`Cache::stats`], [`Cache::slabs`] | |
//! | walk over all items | [`Cache::iter`], `for … in &cache` | the most recently used first |
//! | look up many keys at once | [`Cache::prefetch`] before | their waits for memory overlap |
//! | share it between threads | `SharedCache` of `dynamidb-sync` | or a lock of your own |
//!
//! The programs in `examples/` are a client that remembers what it fetched, a limiter of requests,
//! sensor readings in a static buffer, clocks, and the protocol over a serial line.
//!
//! # Seeds, clocks and memory, without `std`
//!
//! - **The seed** of the hash is [`Config::hash_seed`]. Take 16 random bytes wherever others choose
//!   the keys, or they can choose keys that collide; a device that makes its own keys may leave it
//!   0. The same seed, clock and operations lead to the same state on every platform.
//! - **The clock** is whatever you pass as `now`, in milliseconds from an origin that you keep: a
//!   counter of ticks will do, one of 32 bits by [`Ticks32`]. It may begin anywhere, leap, and run
//!   for ever. If it runs backwards by less than 24 days, items live longer; if by more, time goes
//!   on from where it was.
//! - **The memory** of [`Cache::with_memory`] is yours, of any alignment, whatever is in it. At
//!   least 3,712 bytes are needed with pages of 512 bytes; [`ConfigError::MemoryTooSmall`] says
//!   the exact number. The [`Cache`] itself takes about 3 KB beside it. No allocator is called.
//! - **A heap** is the feature `alloc`, on by default. Without it a program needs no
//!   `#[global_allocator]`: caches are in memory of the caller, and a [`Session`] replies into a
//!   [`FixedOutput`]. `docs/embedding.md` lists what needs one.
//! - **Space per item** in caller-provided memory: a header of 24 bytes, or 16 with
//!   [`Config::compact`], key and value, rounded up to the slab sizes, and about 9 bytes for index
//!   and records. Slab sizes that fit the readings are worth more than anything else: `[64]` for 16
//!   bytes of key and of value, `[48]` if they are compact.
//! - **The meta commands** are the feature `meta`, on by default. A program that needs none saves
//!   13 kB of flash on a Cortex-M4 with `default-features = false`. They are unknown then, and `ms`
//!   ends the conversation, so that its value is not taken for a command.
//! - **Flushes by prefix** are the feature `flush-prefix`, on by default. Each that may be under
//!   way takes 256 bytes of the memory, and there are none in less than 64 KiB unless
//!   `Config::flush_prefix_max` says so.
//! - **The binary protocol** of memcached is the feature `binary`, off by default: 9 kB of flash
//!   on a Cortex-M4. With it the first byte of each client selects the protocol, unless
//!   [`SessionConfig::protocol`] does.
//! - **Eviction by age and size**, `Policy::Density`, is the feature `density`, off by default. The
//!   [`Cache`] itself is some 370 bytes larger with it.
#![no_std]
// Documentation says which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Except in one file, `storage/prefetch.rs`; `tests/tidy.rs` sees to it.
#![deny(unsafe_code)]
// What only maps and logs call, which need a heap.
#![cfg_attr(not(feature = "alloc"), allow(dead_code))]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;

mod cache;
mod cas;
mod config;
mod digest;
mod error;
mod expiry;
pub mod help;
#[cfg(feature = "insight")]
pub mod insight;
#[cfg(not(feature = "insight"))]
mod insight;
mod item;
mod key;
#[cfg(feature = "alloc")]
mod map;
mod memory;
mod number;
mod options;
mod outcome;
#[cfg(feature = "alloc")]
mod prefixes;
mod protocol;
mod sizes;
pub mod snapshot;
mod stats;
mod storage;
mod time;
pub mod view;

pub use cache::{Cache, iter};
pub use cas::Cas;
pub use config::{Config, LruBump, Policy};
pub use error::{ConfigError, Error};
pub use expiry::Expiry;
pub use item::{Bytes, Item, Value};
pub use key::{Key, KeyHasher};
#[cfg(feature = "alloc")]
pub use map::MemoryMap;
pub use memory::Memory;
pub use options::{ArithmeticOptions, DeleteOptions, GetOptions, Recache, SetMode, SetOptions};
pub use outcome::{ArithmeticOutcome, CasOutcome, DeleteOutcome, GetOutcome, SetOutcome};
#[cfg(feature = "alloc")]
pub use prefixes::{PrefixCounts, PrefixStats, push_percent_encoded};
pub use protocol::{Action, Event, ItemSummary, Lookup, StoreStatus};
pub use protocol::{AdminCommand, AdminOutcome, FixedOutput, Host, Keyspace, Output};
pub use protocol::{Credentials, Dialect, FirstRequest, Protocol, Session, SessionConfig};
#[cfg(feature = "binary")]
pub use protocol::{PacketField, PacketFields, PacketValue};
pub use sizes::SlabSizes;
pub use stats::{ClassStats, SlabStats, Stats};
pub use time::{Instant, Ticks32};

/// The examples of the read-me files are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
mod embedding {}
