//! The configuration of a session: its protocol, its dialect and its limits.

use super::line::LINE_MAX;

/// Which verbs a session understands.
///
/// # Examples
/// ```
/// # use dynamidb_core::{Cache, Config, Dialect, Instant, Session, SessionConfig};
/// # let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let mut config = SessionConfig::default();
/// config.dialect = Dialect::Memcached;
/// let mut output = Vec::new();
/// let mut session = Session::new(config);
/// let _ = session.process(Instant::from_secs(0), b"GET key\r\n", &mut cache, &mut output);
/// assert_eq!(output, b"ERROR\r\n");
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// A verb with a capital letter is DynamiDB's, one in small letters memcached's.
    #[default]
    Auto,
    /// All verbs are DynamiDB's, in any case.
    DynamiDb,
    /// All verbs are memcached's, which has none with capital letters.
    Memcached,
}

/// Which of memcached's protocols a session speaks; in a build without the feature `binary` it is
/// text, whatever is asked for.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant, Protocol, Session, SessionConfig};
///
/// let mut cache = Cache::new(Config::new(64 * 1024))?;
/// let mut config = SessionConfig::default();
/// config.protocol = Protocol::Text;
/// let mut output = Vec::new();
/// let mut session = Session::new(config);
/// let _ = session.process(Instant::from_secs(0), b"\x80\r\n", &mut cache, &mut output);
/// assert_eq!(output, b"CLIENT_ERROR bad command line format\r\n");
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// The first byte of a client decides: 0x80 is the binary protocol, any other is text.
    #[default]
    Auto,
    /// Only text.
    Text,
    /// Only the binary protocol.
    Binary,
}

/// The limits of a session.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Dialect, Instant, Protocol, Session, SessionConfig};
///
/// let config = SessionConfig::default().with_item_size_max(1000);
/// // An item, and the line before it.
/// assert!((1000..4000).contains(&Session::new(config).input_max()));
///
/// let locked = SessionConfig::default()
///     .with_dialect(Dialect::Memcached)
///     .with_protocol(Protocol::Text)
///     .with_sasl(false)
///     .with_output_max(4096)
///     .with_version("1.6.45 device")
///     .with_flush_enabled(false)
///     .with_cas_enabled(false);
/// let (mut cache, mut output) = (Cache::new(Config::new(64 * 1024))?, Vec::new());
/// let mut session = Session::new(locked);
/// let _ = session.process(Instant::default(), b"version\r\n", &mut cache, &mut output);
/// assert_eq!(output, b"VERSION 1.6.45 device\r\n");
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Which verbs it understands.
    pub dialect: Dialect,
    /// Which of memcached's protocols it speaks.
    pub protocol: Protocol,
    /// Whether a client of the binary protocol has to sign in before anything else;
    /// [`Host::authenticate`](crate::Host::authenticate) decides who may. Text is for the host to
    /// hold back.
    pub sasl: bool,
    /// The largest item accepted, in bytes of key and value together; the same as the cache's
    /// [`Config::item_size_max`](crate::Config::item_size_max).
    pub item_size_max: usize,
    /// With this many bytes of replies waiting, no further request is executed. So there are never
    /// more than these and one item, or one report of `stats`.
    pub output_max: usize,
    /// What `version` answers; memcached clients parse it.
    pub version: &'static str,
    /// Whether `flush_all` is allowed.
    pub flush_enabled: bool,
    /// Whether clients see the `cas` of items. Otherwise they see 0, and no comparison succeeds.
    pub cas_enabled: bool,
}

impl SessionConfig {
    /// The same with these verbs.
    #[must_use]
    pub const fn with_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The same with this protocol.
    #[must_use]
    pub const fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The same with or without [signing in](Self::sasl).
    #[must_use]
    pub const fn with_sasl(mut self, sasl: bool) -> Self {
        self.sasl = sasl;
        self
    }

    /// The same with this [largest item](Self::item_size_max).
    #[must_use]
    pub const fn with_item_size_max(mut self, item_size_max: usize) -> Self {
        self.item_size_max = item_size_max;
        self
    }

    /// The same with this [limit of replies waiting](Self::output_max).
    #[must_use]
    pub const fn with_output_max(mut self, output_max: usize) -> Self {
        self.output_max = output_max;
        self
    }

    /// The same with this answer to `version`.
    #[must_use]
    pub const fn with_version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// The same with or without `flush_all`.
    #[must_use]
    pub const fn with_flush_enabled(mut self, flush_enabled: bool) -> Self {
        self.flush_enabled = flush_enabled;
        self
    }

    /// The same with or without [`cas`](Self::cas_enabled).
    #[must_use]
    pub const fn with_cas_enabled(mut self, cas_enabled: bool) -> Self {
        self.cas_enabled = cas_enabled;
        self
    }

    /// The most input that has to be kept for one request: a line, a value and their ends, LF and
    /// CRLF.
    pub(super) const fn input_max(&self) -> usize {
        self.item_size_max.saturating_add(LINE_MAX + 3)
    }

    /// Whether an item with a value of `value_len` bytes is larger than the largest, or its request
    /// larger than all the input that is kept for one.
    pub(super) const fn is_too_large(
        &self,
        line_len: usize,
        key_len: usize,
        value_len: u64,
    ) -> bool {
        const fn exceeds(value_len: u64, len: usize, max: usize) -> bool {
            value_len.saturating_add(len as u64) > max as u64
        }
        exceeds(value_len, key_len, self.item_size_max)
            || exceeds(value_len, line_len + 2, self.input_max())
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            dialect: Dialect::Auto,
            protocol: Protocol::Auto,
            sasl: false,
            item_size_max: crate::Config::ITEM_SIZE_MAX,
            output_max: 64 * 1024,
            version: "1.6.45",
            flush_enabled: true,
            cas_enabled: true,
        }
    }
}
