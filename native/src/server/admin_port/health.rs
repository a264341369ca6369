//! Health checks, for those who restart a server or send it clients.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::server::admin_port::response::{Response, TEXT};
use crate::server::context::ServerContext;

/// A worker that has not run for this long stands still. Each leaves a sign every second, but a
/// restart loses all items, so that a busy machine must not look like a fault.
const STANDSTILL: Duration = Duration::from_secs(10);
/// How long a worker that seems to stand still may take to run: the whole process may have stood
/// still until now.
const RECOVERY: Duration = Duration::from_secs(3);
const POLL_PERIOD: Duration = Duration::from_millis(20);

/// Whether the loops of all workers run.
pub(super) fn alive(context: &ServerContext) -> Response {
    let server = &context.server;
    let asked = server.clock.now();
    loop {
        let now = server.clock.now();
        let (worker, beat) = server.heartbeats.oldest();
        let age = now.since(beat);
        if age < STANDSTILL || context.stop.is_requested() {
            return Response::ok(TEXT, &b"ok\n"[..]);
        }
        if now.since(asked) >= RECOVERY {
            let seconds = age.as_secs();
            let reason = format!("worker {worker} has not run for {seconds} seconds");
            return Response::error(503, &reason);
        }
        thread::sleep(POLL_PERIOD);
    }
}

/// Whether clients are accepted.
pub(super) fn ready(context: &ServerContext) -> Response {
    if context.stop.is_requested() {
        return Response::error(503, "stopping");
    }
    if !context.server.accepting.load(Ordering::Relaxed) {
        return Response::error(
            503,
            "accepting is paused: out of file descriptors or memory",
        );
    }
    Response::ok(TEXT, &b"ready\n"[..])
}

#[cfg(test)]
mod tests {
    use dynamidb_core::Instant;
    use dynamidb_sync::{Growth, Shards};

    use super::*;
    use crate::server::options::Options;
    use crate::server::state::heartbeats::Heartbeats;

    fn context() -> ServerContext {
        let options = Options::default();
        let shards = Shards::new(&options.config(), 1, Growth::default()).unwrap();
        ServerContext::new(&options, shards, None, None, Vec::new(), 100)
    }

    #[test]
    fn a_worker_that_stands_still_is_unhealthy_until_it_runs_again() {
        let mut context = context();
        context.server.heartbeats = Heartbeats::new(2, Instant::from_secs(0));
        let beat = |context: &ServerContext, worker| {
            let server = &context.server;
            server.heartbeats.record(worker, server.clock.now());
        };
        beat(&context, 0);
        let response = alive(&context);
        assert_eq!(response.status, 503);
        assert!(response.body.starts_with(b"worker 1 has not run for "));
        // It has stood still together with the rest of the process.
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(100));
                beat(&context, 1);
            });
            beat(&context, 0);
            assert_eq!(alive(&context).status, 200);
        });
    }

    #[test]
    fn a_server_that_accepts_nobody_is_not_ready() {
        let context = context();
        assert_eq!(ready(&context).status, 200);
        context.server.accepting.store(false, Ordering::Relaxed);
        assert_eq!(ready(&context).status, 503);
        context.server.accepting.store(true, Ordering::Relaxed);
        context.stop.request();
        assert_eq!((ready(&context).status, alive(&context).status), (503, 200));
    }
}
