//! A scan of all items of all shards, in bounded steps.

use dynamidb_core::Keyspace;
use dynamidb_core::view::ItemView;

use crate::server::view::View;

/// How many cursor positions are scanned under one lock: some hundreds of items, well below a
/// millisecond.
const POSITIONS: usize = 8;

/// The position of a scan.
#[derive(Debug, Default)]
pub(super) struct Scan {
    shard: usize,
    cursor: u32,
}

impl Scan {
    /// Visits the next items that have not expired; `false` if there are no more. No lock is held
    /// afterwards.
    pub(super) fn step(
        &mut self,
        view: &mut View<'_>,
        mut visit: impl FnMut(&ItemView<'_>),
    ) -> bool {
        let now = view.host().clock.now();
        if self.shard >= view.cache_count() {
            return false;
        }
        let cache = view.cache_at(self.shard);
        // A delayed flush that is due happens first.
        cache.maintain(now, 0);
        for _ in 0..POSITIONS {
            let (items, next) = cache.scan(self.cursor);
            let live = items.filter(|view| view.item.expires_at.is_none_or(|end| end > now));
            live.for_each(|item| visit(&item));
            self.cursor = next.unwrap_or(0);
            if next.is_none() {
                self.shard += 1;
                break;
            }
        }
        view.release();
        true
    }
}
