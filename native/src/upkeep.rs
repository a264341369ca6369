//! Gives back what has expired and nobody asks for, a bounded piece at a time.

use std::sync::Arc;
use std::time::Duration;

use crate::runtime::{Runtime, yield_now};
use crate::server::Shared;

/// How often each shard is looked at: often enough that memory comes back well within a second.
const PERIOD: Duration = Duration::from_millis(100);
/// Steps under one lock. A step looks at the items of one page, so this is some hundred
/// microseconds where all of them have expired.
const SLICE: usize = 16;

/// Runs until the server stops.
pub(crate) async fn run<R: Runtime>(shared: Arc<Shared>) {
    let mut watched = false;
    while shared.stop.or(R::sleep(PERIOD)).await.is_some() {
        // Evictions are noted from the moment on that somebody watches; the last one to leave
        // cannot end that, because it may hold up nobody.
        let wanted = shared.host.watchers.wants_evictions();
        if watched && !wanted {
            shared.shards.view(&shared.host).note_removals(false);
        }
        watched = wanted;
        for shard in 0..shared.shards.len() {
            while shared.shards.tick(shard, shared.host.clock.now(), SLICE) >= SLICE {
                yield_now::<R>().await;
            }
        }
    }
}
