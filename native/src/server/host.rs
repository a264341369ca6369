//! What the server adds to the keyspace of one session: commands for operators, events for
//! watchers, statistics, the wall clock.

use std::fmt::Display;

use dynamidb_core::{AdminCommand, AdminOutcome, Cache, Credentials, Error, Event, Host};
use dynamidb_core::{Instant, Key, Keyspace, Output};
use dynamidb_sync::{Region, Shard, Shards};

use crate::server::admin::{self, Task};
use crate::server::auth::Access;
use crate::server::auth::sasl::Accounts;
use crate::server::clock;
use crate::server::state::watchers::Kinds;
use crate::server::state::{ServerState, count};
use crate::server::view::{LockedShard, View};

/// The reply to an admin command that a user who may only read cannot give; as the core's to a
/// request.
const READ_ONLY: &[u8] = b"CLIENT_ERROR this user may only read\r\n";

/// The most requests that a connection executes in one turn, of a `get` one for each key. Bytes of
/// input do not bound work: 16 KiB of keys of one letter are 8,000 lookups, and a quiet client
/// waits for those of all greedy ones.
pub(crate) const TURN_REQUESTS: usize = 256;

/// The host of one session during one call.
#[derive(Debug)]
pub(crate) struct SessionHost<'s> {
    view: View<'s>,
    /// What the connection is in the middle of.
    task: Option<Box<Task>>,
    /// The number of the connection.
    client: u64,
    /// What watchers want to know.
    watched: Kinds,
    /// Who may sign in by SASL.
    accounts: Option<&'s Accounts>,
    pub(crate) sign_ins: SignIns,
    access: Access,
    /// Whether watchers want events, or requests have to be looked at before they are carried out.
    wants_events: bool,
    /// How many requests may still be executed, not counting those that come alone.
    requests_left: usize,
}

/// How often a client signed in by SASL during one call, and tried in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SignIns {
    pub(crate) successes: u32,
    pub(crate) failures: u32,
}

impl<'s> SessionHost<'s> {
    /// For a connection, with what it is in the middle of and the lock that the one before it
    /// [held](Self::suspend).
    pub(crate) fn new(
        shards: &'s Shards,
        server: &'s ServerState,
        accounts: Option<&'s Accounts>,
        access: Access,
        client: u64,
        task: Option<Box<Task>>,
        held: Option<LockedShard<'s>>,
    ) -> Self {
        let watched = server.watchers.wanted();
        Self {
            view: View::with_lock(shards, server, held),
            task,
            client,
            watched,
            accounts,
            sign_ins: SignIns::default(),
            access,
            wants_events: watched.concern_items() | (access == Access::ReadOnly),
            requests_left: TURN_REQUESTS,
        }
    }

    /// What the client may do.
    pub(crate) const fn access(&self) -> Access {
        self.access
    }

    /// Updates which events are wanted, and what the client may do.
    fn supervise(&mut self) {
        self.watched = self.view.host().watchers.wanted();
        self.wants_events = self.watched.concern_items() | (self.access == Access::ReadOnly);
    }

    /// What the connection is in the middle of, and the lock that is held.
    pub(crate) fn suspend(self) -> (Option<Box<Task>>, Option<LockedShard<'s>>) {
        (self.task, self.view.into_lock())
    }
}

impl Keyspace for SessionHost<'_> {
    type Memory = Region;

    fn cache_at(&mut self, index: usize) -> &mut Shard {
        self.view.cache_at(index)
    }

    fn cache_count(&self) -> usize {
        self.view.cache_count()
    }

    fn index_of(&self, key: &Key<'_>) -> usize {
        self.view.index_of(key)
    }

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.view.key(bytes)
    }

    fn cache_to_store(
        &mut self,
        now: Instant,
        key: &Key<'_>,
        len: usize,
        joins: bool,
    ) -> &mut Shard {
        self.view.cache_to_store(now, key, len, joins)
    }

    fn flush_prefix(&mut self, prefix: &[u8]) -> Result<(), Error> {
        self.view.flush_prefix(prefix)
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        // Once for a batch, and never for a client that waits for each reply.
        self.requests_left = self.requests_left.saturating_sub(keys.len());
        self.view.prefetch(keys);
    }
}

impl Host for SessionHost<'_> {
    fn unix_time(&self, _now: Instant) -> Instant {
        clock::unix_time()
    }

    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        if self.access == Access::ReadOnly && !admin::only_reads(command) {
            output.extend_from_slice(READ_ONLY);
            return AdminOutcome::Done;
        }
        let outcome = admin::command(&mut self.view, &mut self.task, self.client, command, output);
        // It may have been to watch.
        self.supervise();
        outcome
    }

    fn resume(&mut self, output: &mut dyn Output) -> AdminOutcome {
        admin::resume(&mut self.view, &mut self.task, output)
    }

    fn authenticate(&mut self, credentials: Option<Credentials<'_>>) -> bool {
        let server = self.view.host();
        count(&server.auth_cmds, 1);
        let shown = credentials.zip(self.accounts);
        let access = shown.and_then(|(shown, accounts)| accounts.access(&shown));
        if let Some(access) = access {
            self.access = access;
            self.supervise();
            self.sign_ins.successes += 1;
        } else {
            self.sign_ins.failures += 1;
            server.auth_errors.record(server.clock.now());
        }
        access.is_some()
    }

    fn allows_writes(&self) -> bool {
        self.access == Access::ReadWrite
    }

    fn wants_events(&self) -> bool {
        self.wants_events
    }

    fn wants_pause(&self) -> bool {
        self.requests_left == 0
    }

    fn on_event(&mut self, event: &Event<'_>) {
        let server = self.view.host();
        if self.watched.has(Kinds::PREFIXES) {
            server.prefixes.on_event(event);
        }
        server.watchers.on_event(event, self.client);
        if server.watchers.wants_evictions() {
            self.view.report_evictions(event.at, &server.watchers);
        }
    }

    fn reset_stats(&mut self) {
        self.for_each(Cache::reset_stats);
        self.view.host().reset();
    }

    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        self.view.host().report(report);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dynamidb_core::{Config, Session, SessionConfig};
    use dynamidb_sync::Growth;

    use super::*;
    use crate::server::clock::Clock;

    fn shards(memory: usize) -> Shards {
        Shards::new(&Config::new(memory), 2, Growth::default()).unwrap()
    }

    fn session_host<'s>(shards: &'s Shards, server: &'s ServerState) -> SessionHost<'s> {
        SessionHost::new(shards, server, None, Access::ReadWrite, 0, None, None)
    }

    #[test]
    fn a_date_is_right_on_a_server_that_started_with_a_slow_wall_clock() {
        let (shards, mut host) = (shards(64 << 20), ServerState::for_tests());
        host.clock = Clock::started_slow(Duration::from_secs(3600));
        let (now, mut output) = (host.clock.now(), Vec::new());
        let mut session = Session::new(SessionConfig::default());
        let date = clock::unix_time().as_secs() + 100;
        let request = format!("set k 0 {date} 1\r\nv\r\n");
        let _ = session.process(
            now,
            request.as_bytes(),
            &mut session_host(&shards, &host),
            &mut output,
        );
        assert_eq!(output, b"STORED\r\n");
        let left = |after| {
            let now = now + Duration::from_secs(after);
            let mut view = View::new(&shards, &host);
            let key = view.key(b"k");
            let item = view.cache_for(&key).get(now, key)?;
            Some(item.expires_at?.since(now).as_secs_f64())
        };
        assert!((98.0..=101.0).contains(&left(0).unwrap()), "{:?}", left(0));
        // And it is shown as it was given.
        output.clear();
        let mut client = session_host(&shards, &host);
        let dump = b"lru_crawler metadump all\r\n";
        let _ = session.process(now, dump, &mut client, &mut output);
        while client.task.is_some() {
            client.resume(&mut output);
        }
        let text = String::from_utf8(output).unwrap();
        assert!(text.contains(&format!("key=k exp={date} ")), "{text}");
        let used = text
            .split(" la=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let used: u64 = used.parse().unwrap();
        assert!(used.abs_diff(date - 100) <= 5, "{text}");
        let mut time = None;
        host.report(&mut |name, value| {
            if name == "time" {
                time = value.to_string().parse::<u64>().ok();
            }
        });
        assert!(time.unwrap().abs_diff(date - 100) <= 60);
        drop(client);
        assert!(left(98).is_some() && left(101).is_none());
    }
}
