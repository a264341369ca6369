//! How bytes are kept: memory > pages > chunks > items.
//!
//! ```text
//! Store ─┬─ Arena     the bytes, as pages and chunks      arena.rs, page.rs, chunk.rs, header.rs
//!        └─ Parts ─┬─ Slabs     which page belongs to which chunk size; free chunks    slab.rs
//!                  ├─ Index     key -> item                          index.rs over bucket.rs
//!                  ├─ Eviction  which item is evicted next
//!                  │            eviction.rs over lru.rs, density.rs, ghost.rs
//!                  └─ Expiry    pages in a timing wheel by their earliest deadline  expiry.rs
//! ```
//! A cache has the bytes and the parts, which are a few numbers; for each operation they become a
//! store. `arena.rs` says where pages lie, and the files that know the layout of something in it
//! make views of that: `page.rs` of page records, `bucket.rs` of buckets, `header.rs` of item
//! headers, `chunk.rs` of the chunks behind them. `layout.rs` divides the memory, `plan.rs` says
//! which chunks an item takes, `chain.rs` how its value runs through them. Beside them, `clock.rs`
//! has the cache's own time, in which a `deadline.rs` is, `cas.rs` counts stores, `flush.rs` knows
//! the flushes by prefix that are under way, `removal.rs` logs evicted and expired items,
//! `monitor.rs` counts by slab class, `prefetch.rs` asks for memory before it is needed.

mod arena;
mod bucket;
mod cas;
mod chain;
mod chunk;
mod class;
mod clock;
mod deadline;
mod density;
mod eviction;
mod expiry;
#[cfg(feature = "flush-prefix")]
mod flush;
#[cfg(not(feature = "flush-prefix"))]
#[path = "storage/flush/disabled.rs"]
mod flush;
mod ghost;
mod handle;
mod header;
mod index;
mod layout;
mod lru;
mod monitor;
mod page;
mod plan;
mod prefetch;
#[cfg(feature = "alloc")]
mod removal;
#[cfg(not(feature = "alloc"))]
#[path = "storage/removal/disabled.rs"]
mod removal;
mod slab;
mod store;

pub(crate) use arena::{ChunkRef, Geometry};
pub(crate) use cas::Cas;
pub(crate) use chain::StoredValue;
pub(crate) use deadline::Deadline;
pub(crate) use handle::ItemHandle;
pub(crate) use header::ItemFlags;
pub(crate) use layout::{Budget, Layout};
pub(crate) use monitor::Counted;
#[cfg(feature = "alloc")]
pub use removal::RemovalLog;
pub(crate) use store::{ItemAttrs, Items, PageInfo, Parts, Store, StoreMut, Write, Written};
