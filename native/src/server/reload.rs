//! What a reload changes in a running server, and what it leaves alone.

use crate::server::context::ServerContext;
use crate::server::options::Options;
use crate::server::process::{memory_limit, open_files};
use crate::server::view::View;

// The options that take effect while the server runs; of the last one, `idle_timeout`.
const MEMORY: &str = "memory";
const MAX_CONNECTIONS: &str = "max-connections";
const STALL_TIMEOUT: &str = "stall-timeout";
const VERBOSE: &str = "verbose";
const EXTENDED: &str = "extended";

/// Puts the limits of `new` into effect where they differ from those of `current`, which becomes
/// what is in effect. Logs what changes, what cannot, and what goes wrong.
pub(super) fn limits(context: &ServerContext, current: &mut Options, mut new: Options) {
    let server = &context.server;
    let mut failed = Vec::new();
    let memory = |options: &Options| options.config().memory;
    if memory(&new) != memory(current) {
        match View::new(&context.shards, server).set_memory(memory(&new)) {
            Ok(()) => memory_limit::warn_if_exceeded(memory(&new)),
            Err(error) => {
                tracing::warn!("the memory limit is unchanged: {error}");
                // The next reload tries it again.
                new.memory = current.memory;
                failed.push(MEMORY);
            }
        }
    }
    if new.max_connections != current.max_connections {
        match open_files::connection_limit(new.max_connections) {
            Ok(count) => server.limits.set_max_connections(count),
            Err(error) => {
                tracing::warn!("the connection limit is unchanged: {error}");
                new.max_connections = current.max_connections;
                failed.push(MAX_CONNECTIONS);
            }
        }
    }
    server.limits.set_timeouts(&new);
    server.switches().set_verbosity(new.verbose.into());
    let idle_timeout = |options: &Options| options.memcached.idle_timeout();
    let has_idle_timeout = idle_timeout(&new) != idle_timeout(current);
    let (mut applied, mut left) = (Vec::new(), Vec::new());
    for change in new.differences(current) {
        match &*change.name {
            name if failed.contains(&name) => {}
            EXTENDED if has_idle_timeout => {
                applied.push(format!("idle_timeout {}", idle_timeout(&new)));
            }
            MEMORY | MAX_CONNECTIONS | STALL_TIMEOUT | VERBOSE => applied.push(change.to_string()),
            _ => left.push(change.name),
        }
    }
    // What is not in effect is named again by the next reload, unless the file takes it back.
    let is_in_effect =
        |name: &str| !failed.contains(&name) && !left.iter().any(|left| left == name);
    new.show_in_effect(current, is_in_effect);
    if !applied.is_empty() {
        tracing::info!("reloaded: {}", applied.join(", "));
    }
    if !left.is_empty() {
        tracing::warn!("not changed before a restart: {}", left.join(", "));
    }
    *current = new;
}
