//! A shard and its locks.

use std::ops::{Deref, DerefMut};

use super::share::Share;
use crate::primitives::{RwLockReadGuard, RwLockWriteGuard};
use crate::region::Shard;

/// A shard that is locked.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, Instant};
/// use dynamidb_sync::{Growth, Shard, ShardGuard, Shards};
///
/// let shards = Shards::new(&Config::new(64 << 20), 1, Growth::default())?;
/// let mut guard: ShardGuard = shards.lock(0);
/// let shard: &mut Shard = &mut guard;
/// shard.set(Instant::from_secs(0), "key", "value")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ShardGuard<'s>(pub(super) RwLockWriteGuard<'s, Share>);

impl Deref for ShardGuard<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.0.shard
    }
}

impl DerefMut for ShardGuard<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        &mut self.0.shard
    }
}

/// A shard that is locked for reading.
pub(super) struct Reading<'s>(pub(super) RwLockReadGuard<'s, Share>);

impl Deref for Reading<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        &self.0.shard
    }
}
