//! Gives back what has expired or was flushed and nobody asks for, a bounded piece at a time.

use std::sync::Arc;
use std::time::Duration;

use dynamidb_sync::Shards;

use crate::server::context::ServerContext;
use crate::server::runtime::{Runtime, yield_now};
use crate::server::state::ServerState;
use crate::server::view::View;

/// How often each shard is looked at: often enough that memory comes back well within a second.
const PERIOD: Duration = Duration::from_millis(100);
/// How often the files of certificates are looked at.
const FILES_PERIOD: Duration = Duration::from_secs(1);
/// Steps under one lock. A step looks at the items of one page, so this is some hundred
/// microseconds where all of them have expired.
const SLICE: usize = 16;

/// Runs until the server stops.
pub(crate) async fn run<R: Runtime>(shared: Arc<ServerContext>) {
    let mut logged = false;
    while shared.stop.or(R::sleep(PERIOD)).await.is_some() {
        log_evictions(&shared.shards, &shared.server, &mut logged);
        for shard in 0..shared.shards.len() {
            while shared
                .shards
                .maintain(shard, shared.server.clock.now(), SLICE)
                >= SLICE
            {
                yield_now::<R>().await;
            }
        }
    }
}

/// Looks at the files of certificates until the server stops.
pub(crate) async fn watch_certificates<R: Runtime>(shared: Arc<ServerContext>) {
    while shared.stop.or(R::sleep(FILES_PERIOD)).await.is_some() {
        if let Some(tls) = &shared.server.tls {
            tls.poll_files();
        }
    }
}

/// Ends the noting of evictions that nobody watches any more: the last one to leave cannot, because
/// it may hold up nobody. It is begun by who begins to watch, and here once more in case that came
/// just before an end.
fn log_evictions(shards: &Shards, server: &ServerState, logged: &mut bool) {
    let wanted = server.watchers.wants_evictions();
    if *logged != wanted {
        View::new(shards, server).log_removals(wanted);
    }
    *logged = wanted;
}

#[cfg(test)]
mod tests {
    use dynamidb_core::{Config, Instant};
    use dynamidb_sync::Growth;

    use super::*;
    use crate::server::state::watchers::Kinds;

    #[test]
    fn a_watcher_that_starts_while_recording_stops_gets_evictions() {
        let mut config = Config::new(1 << 20);
        config.max_items = Some(1);
        let shards = Shards::new(&config, 1, Growth::default()).unwrap();
        let server = ServerState::for_tests();
        let evict = || {
            View::new(&shards, &server).log_removals(false);
            let mut logged = false;
            log_evictions(&shards, &server, &mut logged);
            let mut removals = 0;
            shards.for_each(|cache| {
                for key in ["a", "b", "c"] {
                    cache.set(Instant::from_secs(0), key, "v").unwrap();
                }
                removals += cache.removal_log().len();
            });
            removals
        };
        assert_eq!(evict(), 0);
        let watcher = server.watchers.watch(Kinds::EVICTIONS).unwrap();
        assert!(evict() > 0);
        drop(watcher);
        assert_eq!(evict(), 0);
    }
}
