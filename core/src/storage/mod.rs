//! How bytes are kept: memory > pages > chunks > items.
//!
//! ```text
//! Store ─┬─ Slabs     which page belongs to which chunk size; free chunks     slab.rs, page.rs
//!        ├─ Index     key -> head of the item                                 index.rs, bucket.rs
//!        ├─ Eviction  who goes first          eviction.rs over lru.rs and ghost.rs
//!        └─ Expiry    pages in a timing wheel by their earliest deadline      expiry.rs
//! ```
//! All of them work on one slice of bytes that is handed in with every call; what they hold
//! themselves is a few numbers. `arena.rs` says where pages lie in it, `header.rs` what is in a
//! chunk, `plan.rs` which chunks an item takes, `chain.rs` how its value runs through them. Beside
//! them, `clock.rs` has the cache's own time, in which a `deadline.rs` is, `cas.rs` counts stores,
//! `removal.rs` notes who was evicted, `monitor.rs` counts by slab class, `prefetch.rs` asks for
//! memory before it is needed.

mod arena;
mod bucket;
mod cas;
mod chain;
mod chunk;
mod clock;
mod deadline;
mod eviction;
mod expiry;
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
mod removal;
mod slab;
mod store;

pub(crate) use arena::Geometry;
pub(crate) use cas::Cas;
pub(crate) use deadline::Deadline;
pub(crate) use handle::ItemHandle;
pub(crate) use header::ItemFlags;
pub(crate) use layout::{Budget, Layout};
pub(crate) use monitor::Counted;
pub(crate) use store::{ItemAttrs, Parts, Store, StoreMut, StoredValue, Write, Written};
