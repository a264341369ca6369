//! The program around the protocol: its wall clock, admin commands, statistics and events.

use core::fmt::Display;

use super::{AdminCommand, AdminOutcome, Credentials, Event, Keyspace, Output};
use crate::{Cache, Instant, Memory};

/// What a program adds to its [`Keyspace`] for a [`Session`](crate::Session). All of it has a
/// default, and [`Cache`] has the defaults.
///
/// # Examples
/// [`AdminCommand`] shows a command of a host, [`Event`] a host that hears what requests do.
/// ```
/// use dynamidb_core::{Cache, Config, Host, Instant};
///
/// let cache = Cache::new(Config::new(64 * 1024))?;
/// assert_eq!(cache.unix_time(Instant::from_secs(5)), Instant::from_secs(5));
/// assert!(!cache.wants_events());
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
pub trait Host: Keyspace {
    /// What a wall clock shows at `now`, as the time since the Unix epoch: that moment itself, if
    /// the caller's time counts from there. Asked only where a request names a date. The deadline
    /// is then as far away as the date is now, and setting the clock later does not move it.
    ///
    /// # Examples
    /// A device whose time counts from its start has learned what time that was:
    /// ```
    /// use core::time::Duration;
    /// use dynamidb_core::{Cache, Config, Host, Instant, Keyspace, Session, SessionConfig};
    ///
    /// struct Device(Cache, Duration);
    ///
    /// impl Keyspace for Device {
    ///     type Memory = Vec<u8>;
    ///
    ///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
    ///         &mut self.0
    ///     }
    /// }
    ///
    /// impl Host for Device {
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

    /// Carries out a command that is not the protocol's and appends the reply. The host heeds
    /// `noreply`, and what is [available](Output::available) in an output of fixed size: at least
    /// 80 bytes. More to say is [`AdminOutcome::Pending`]; a reply that does not fit is taken back
    /// and ends the session.
    fn command(&mut self, command: &AdminCommand<'_>, output: &mut dyn Output) -> AdminOutcome {
        output.extend_from_slice(command.unknown());
        AdminOutcome::Done
    }

    /// Continues a command that is [`AdminOutcome::Pending`], by a bounded piece.
    fn resume(&mut self, output: &mut dyn Output) -> AdminOutcome {
        let _ = output;
        AdminOutcome::Done
    }

    /// Whether a client may sign in by these credentials, if [`SessionConfig::sasl`] is set; `None`
    /// if what it sent are none. A host may count it; the session ends after five refusals.
    ///
    /// # Examples
    /// A host that has one user:
    /// ```
    /// use dynamidb_core::{Cache, Config, Credentials, Host, Instant, Keyspace};
    /// use dynamidb_core::{Session, SessionConfig};
    ///
    /// struct OneUser(Cache);
    ///
    /// impl Keyspace for OneUser {
    ///     type Memory = Vec<u8>;
    ///
    ///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
    ///         &mut self.0
    ///     }
    /// }
    ///
    /// impl Host for OneUser {
    ///     fn authenticate(&mut self, credentials: Option<Credentials<'_>>) -> bool {
    ///         credentials.is_some_and(|shown| (shown.user, shown.password) == (b"ada", b"secret"))
    ///     }
    /// }
    ///
    /// let mut host = OneUser(Cache::new(Config::new(64 * 1024))?);
    /// let mut config = SessionConfig::default();
    /// config.sasl = true;
    /// let mut session = Session::new(config);
    /// // The lengths of mechanism and body are 5 and 16.
    /// let mut request = vec![0x80, 0x21, 0, 5, 0, 0, 0, 0, 0, 0, 0, 16];
    /// request.extend([0; 12]);
    /// request.extend(b"PLAIN\0ada\0secret");
    /// let mut output = Vec::new();
    /// let _ = session.process(Instant::from_secs(0), &request, &mut host, &mut output);
    /// # if cfg!(feature = "binary") {
    /// assert!(output.ends_with(b"Authenticated"));
    /// # }
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    ///
    /// [`SessionConfig::sasl`]: crate::SessionConfig::sasl
    fn authenticate(&mut self, credentials: Option<Credentials<'_>>) -> bool {
        let _ = credentials;
        false
    }

    /// Whether the client may change items. If not, what would change one is refused with an error.
    /// Asked only while the host [`wants_events`](Self::wants_events), so that a request of a
    /// client who may do everything costs nothing more. Admin commands are for the host to refuse.
    ///
    /// # Examples
    /// A host whose clients may only read:
    /// ```
    /// use dynamidb_core::{Cache, Config, Host, Instant, Keyspace, Session, SessionConfig};
    ///
    /// struct ReadOnly(Cache);
    ///
    /// impl Keyspace for ReadOnly {
    ///     type Memory = Vec<u8>;
    ///
    ///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
    ///         &mut self.0
    ///     }
    /// }
    ///
    /// impl Host for ReadOnly {
    ///     fn allows_writes(&self) -> bool {
    ///         false
    ///     }
    ///     fn wants_events(&self) -> bool {
    ///         true
    ///     }
    /// }
    ///
    /// let mut host = ReadOnly(Cache::new(Config::new(64 * 1024))?);
    /// let mut session = Session::new(SessionConfig::default());
    /// let (now, mut output) = (Instant::from_secs(0), Vec::new());
    /// let _ = session.process(now, b"get k\r\ndelete k\r\n", &mut host, &mut output);
    /// assert_eq!(output, b"END\r\nCLIENT_ERROR this user may only read\r\n");
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    fn allows_writes(&self) -> bool {
        true
    }

    /// Whether the host wants every [`Event`], or has to be asked who may write. Asked before each
    /// request.
    fn wants_events(&self) -> bool {
        false
    }

    /// Whether a session stops here, so that others have a turn: call
    /// [`process`](crate::Session::process) again with the rest of the input, though nothing has
    /// arrived. Asked where input is left after a batch of at most 16 requests, of which a `get`
    /// makes one for each key.
    ///
    /// # Examples
    /// A host that serves 32 requests at a time:
    /// ```
    /// use dynamidb_core::{Cache, Config, Host, Instant, Key, Keyspace, Session, SessionConfig};
    ///
    /// struct Turn(Cache, usize);
    ///
    /// impl Keyspace for Turn {
    ///     type Memory = Vec<u8>;
    ///
    ///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
    ///         &mut self.0
    ///     }
    ///     fn prefetch(&mut self, keys: &[Key<'_>]) {
    ///         self.1 += keys.len();
    ///     }
    /// }
    ///
    /// impl Host for Turn {
    ///     fn wants_pause(&self) -> bool {
    ///         self.1 >= 32
    ///     }
    /// }
    ///
    /// let mut host = Turn(Cache::new(Config::new(64 * 1024))?, 0);
    /// let mut session = Session::new(SessionConfig::default());
    /// let (input, mut output) = (b"mn\r\n".repeat(100), Vec::new());
    /// let used = session.process(Instant::from_secs(0), &input, &mut host, &mut output);
    /// assert_eq!((used, output), (32 * 4, b"MN\r\n".repeat(32)));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    fn wants_pause(&self) -> bool {
        false
    }

    /// Called with what a request did, while the host [`wants_events`](Self::wants_events).
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

impl<M: Memory> Host for Cache<M> {}
