//! An item of a snapshot, and the clocks that its times count by.

use core::time::Duration;

use crate::view::ItemView;
use crate::{Bytes, Cas, Instant};

/// The host's clocks at one moment.
///
/// # Examples
/// ```
/// use dynamidb_core::Instant;
/// use dynamidb_core::snapshot::Clocks;
///
/// // A device that only counts from its start.
/// let device = Clocks::new(Instant::from_secs(17));
/// // A server, which knows the date: time goes on for its items while it does not run.
/// let server = Clocks::new(Instant::from_secs(17)).unix(Instant::from_secs(1_700_000_000));
/// assert!(device.unix.is_none() && server.unix.is_some());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clocks {
    /// The time of the cache.
    pub now: Instant,
    /// The wall clock: the time since 1970, if there is one.
    pub unix: Option<Instant>,
}

impl Clocks {
    /// A host without a wall clock.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { now, unix: None }
    }

    /// The same with a wall clock.
    #[must_use]
    pub const fn unix(self, unix: Instant) -> Self {
        Self {
            unix: Some(unix),
            ..self
        }
    }
}

/// An item as a snapshot has it.
///
/// # Examples
/// ```
/// use core::time::Duration;
/// use dynamidb_core::snapshot::Record;
///
/// let mut record = Record::new(b"key", b"value");
/// record.expires_in = Some(Duration::from_secs(60));
/// assert_eq!((record.flags, record.idle), (0, Duration::ZERO));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record<'r> {
    /// The key.
    pub key: &'r [u8],
    /// The value.
    pub value: &'r [u8],
    /// The client's flags.
    pub flags: u32,
    /// Its `cas`, if it has one.
    pub cas: Option<Cas>,
    /// In what time it expires, in milliseconds; zero if it has.
    pub expires_in: Option<Duration>,
    /// For how long nobody has used it, in seconds.
    pub idle: Duration,
    /// Whether it was read since it was stored.
    pub fetched: bool,
    /// Whether it was declared out of date.
    pub stale: bool,
    /// Whether somebody was told to renew it.
    pub won: bool,
    /// Whether its key was given in base64.
    pub base64: bool,
    /// Whether it waits in the admission queue of [`Policy::S3Lru`](crate::Policy::S3Lru).
    pub queued: bool,
}

impl<'r> Record<'r> {
    /// An item that was just stored, without flags, and never expires.
    #[must_use]
    pub const fn new(key: &'r [u8], value: &'r [u8]) -> Self {
        Self {
            key,
            value,
            flags: 0,
            cas: None,
            expires_in: None,
            idle: Duration::ZERO,
            fetched: false,
            stale: false,
            won: false,
            base64: false,
            queued: false,
        }
    }
}

/// An item on its way into a file: its value may be in pieces, and the other bytes of its record
/// are in `record`.
#[derive(Debug)]
pub(super) struct Entry<'e> {
    pub(super) record: Record<'e>,
    pub(super) value: Bytes<'e>,
}

impl<'e> Entry<'e> {
    /// An item of a cache, whose times count from `start` on.
    pub(super) fn of_item(view: ItemView<'e>, start: Instant) -> Self {
        let item = view.item;
        let record = Record {
            key: view.key,
            value: &[],
            flags: item.flags,
            cas: item.cas,
            expires_in: item.expires_at.map(|at| at.since(start)),
            idle: start.since(item.last_used),
            fetched: item.fetched,
            stale: view.stale,
            won: view.won,
            base64: view.base64,
            queued: view.queued,
        };
        let value = item.value;
        Self { record, value }
    }
}

impl<'e> From<&Record<'e>> for Entry<'e> {
    fn from(record: &Record<'e>) -> Self {
        Self {
            record: *record,
            value: record.value.into(),
        }
    }
}
