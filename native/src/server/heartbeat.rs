//! Shows that the loop of each worker runs: a task on each of them leaves the time now and then.

use std::sync::Arc;
use std::time::Duration;

use crate::server::context::ServerContext;
use crate::server::runtime::Runtime;

const PERIOD: Duration = Duration::from_secs(1);

/// Runs on a worker for as long as it lives.
pub(crate) async fn run<R: Runtime>(context: Arc<ServerContext>, worker: usize) {
    let server = &context.server;
    loop {
        server.heartbeats.record(worker, server.clock.now());
        R::sleep(PERIOD).await;
    }
}
