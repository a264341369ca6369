//! Shows that the loop of each worker runs, and tells a watchdog.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::server::context::ServerContext;
use crate::server::runtime::Runtime;

/// How often each worker leaves the time, at least.
const PERIOD: Duration = Duration::from_secs(1);

/// How often it does in a period of a watchdog.
const BEATS: u32 = 2;

/// What is called in each period in which all workers made progress.
pub(crate) struct Watchdog {
    period: Duration,
    beat: Box<dyn Fn() + Send + Sync>,
}

impl Watchdog {
    pub(crate) fn new(period: Duration, beat: impl Fn() + Send + Sync + 'static) -> Self {
        let beat = Box::new(beat);
        Self { period, beat }
    }

    /// Runs until the server stops.
    async fn run<R: Runtime>(self, context: Arc<ServerContext>) {
        let server = &context.server;
        while context.stop.or(R::sleep(self.period)).await.is_some() {
            let (_, beat) = server.heartbeats.oldest();
            if server.clock.now().since(beat) < self.period {
                (self.beat)();
            }
        }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = &self.period;
        f.debug_struct("Watchdog")
            .field("period", period)
            .finish_non_exhaustive()
    }
}

/// Starts a task on each worker that leaves the time now and then, and one for the watchdog.
pub(crate) fn start<R: Runtime>(
    runtime: &R,
    context: &Arc<ServerContext>,
    watchdog: Option<Watchdog>,
) {
    let wanted = watchdog.as_ref().map(|watchdog| watchdog.period / BEATS);
    let period = wanted.map_or(PERIOD, |wanted| wanted.min(PERIOD));
    for worker in 0..context.server.settings.options.thread_count() {
        runtime.spawn(worker, beat::<R>(Arc::clone(context), worker, period));
    }
    if let Some(watchdog) = watchdog {
        runtime.spawn(0, watchdog.run::<R>(Arc::clone(context)));
    }
}

/// Runs on a worker for as long as it lives.
async fn beat<R: Runtime>(context: Arc<ServerContext>, worker: usize, period: Duration) {
    let server = &context.server;
    loop {
        server.heartbeats.record(worker, server.clock.now());
        R::sleep(period).await;
    }
}
