//! Where a key lives: one cache, or many behind locks.

use alloc::vec::Vec;
use core::fmt::Display;

use super::{AdminCommand, Event, Next};
use crate::{Cache, Instant, Key, Memory};

/// The caches that a [`Session`](crate::Session) works on: one [`Cache`], or the many of a server.
///
/// # Examples
/// Two caches, and a bit of a key's hash that says which of them it lives in:
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Key, Keyspace, Session, SessionConfig};
///
/// struct Halves([Cache; 2]);
///
/// impl Keyspace for Halves {
///     type Memory = Vec<u8>;
///
///     fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
///         self.0[0].hasher().key(bytes)
///     }
///
///     fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache {
///         let half = self.0[0].hasher().hash(key) >> 63;
///         &mut self.0[half as usize]
///     }
///
///     fn cache_at(&mut self, index: usize) -> Option<&mut Cache> {
///         self.0.get_mut(index)
///     }
/// }
///
/// let half = |part| {
///     let mut config = Config::new(64 * 1024);
///     (config.shard, config.shard_count) = (part, 2);
///     Cache::new(config)
/// };
/// let mut halves = Halves([half(0)?, half(1)?]);
/// let mut output = Vec::new();
/// let input = b"set key 0 0 5\r\nvalue\r\nflush_all\r\nget key\r\n";
/// let mut session = Session::new(SessionConfig::default());
/// let used = session.process(Instant::from_secs(0), input, &mut halves, &mut output);
/// assert_eq!((used, &output[..]), (input.len(), &b"STORED\r\nOK\r\nEND\r\n"[..]));
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
pub trait Keyspace {
    /// The memory its caches work in.
    type Memory: Memory;

    /// The key with its hash.
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k>;

    /// The cache in which this key lives.
    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache<Self::Memory>;

    /// The caches by number, from 0 on; `None` behind the last one.
    fn cache_at(&mut self, index: usize) -> Option<&mut Cache<Self::Memory>>;

    /// Visits every cache once.
    fn for_each(&mut self, mut visit: impl FnMut(&mut Cache<Self::Memory>)) {
        let mut index = 0;
        while let Some(cache) = self.cache_at(index) {
            visit(cache);
            index += 1;
        }
    }

    /// What a wall clock shows at `now`, as the time since the Unix epoch: that moment itself, if
    /// the caller's time counts from there. Asked only where a request names a date. The deadline
    /// is then as far away as the date is now, and setting the clock later does not move it.
    ///
    /// # Examples
    /// A device whose time counts from its start has learned what time that was:
    /// ```
    /// use core::time::Duration;
    /// use dynamidb_core::{Cache, Config, Instant, Key, Keyspace, Session, SessionConfig};
    ///
    /// struct Device(Cache, Duration);
    ///
    /// impl Keyspace for Device {
    ///     type Memory = Vec<u8>;
    ///
    ///     fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
    ///         self.0.hasher().key(bytes)
    ///     }
    ///     fn cache_for(&mut self, _key: &Key<'_>) -> &mut Cache {
    ///         &mut self.0
    ///     }
    ///     fn cache_at(&mut self, index: usize) -> Option<&mut Cache> {
    ///         (index == 0).then_some(&mut self.0)
    ///     }
    ///     fn unix_time(&self, now: Instant) -> Instant {
    ///         now + self.1
    ///     }
    /// }
    ///
    /// let started = Duration::from_secs(1_800_000_000);
    /// let mut device = Device(Cache::new(Config::new(64 * 1024))?, started);
    /// let mut session = Session::new(SessionConfig::default());
    /// let mut output = Vec::new();
    /// let input = b"set k 0 1800000100 1\r\nv\r\nmg k t\r\n";
    /// session.process(Instant::from_secs(40), input, &mut device, &mut output);
    /// assert_eq!(output, b"STORED\r\nHD t60\r\n");
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    fn unix_time(&self, now: Instant) -> Instant {
        now
    }

    /// Announces lookups to come, so that what they need can be fetched together.
    fn prefetch(&mut self, keys: &[Key<'_>]) {
        let _ = keys;
    }

    /// Acts on a command that is not the protocol's and appends the reply. A `noreply` is for the
    /// host to follow.
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut Vec<u8>) -> Next {
        output.extend_from_slice(command.unknown());
        Next::Request
    }

    /// Goes on with what a command began that came to [`Next::More`]: a bounded piece of it.
    fn resume(&mut self, output: &mut Vec<u8>) -> Next {
        let _ = output;
        Next::Request
    }

    /// Whether somebody wants to know of every [`Event`]. Asked before each request.
    fn wants_events(&self) -> bool {
        false
    }

    /// Hears what a request did, while this [`wants_events`](Self::wants_events).
    fn on_event(&mut self, event: &Event<'_>) {
        let _ = event;
    }

    /// Sets the counters of what happened to zero: those of the caches, and the host's.
    fn reset_stats(&mut self) {
        self.for_each(Cache::reset_stats);
    }

    /// Statistics that only the host knows (process, connections, threads): calls `report` with
    /// memcached's names.
    fn host_stats(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        let _ = report;
    }
}

impl<M: Memory> Keyspace for Cache<M> {
    type Memory = M;

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.hasher().key(bytes)
    }

    fn cache_for(&mut self, _key: &Key<'_>) -> &mut Self {
        self
    }

    fn cache_at(&mut self, index: usize) -> Option<&mut Self> {
        (index == 0).then_some(self)
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        Self::prefetch(self, keys);
    }
}
