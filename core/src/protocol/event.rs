//! Events: what a request did to an item.

use core::fmt;

use crate::{Error, Instant, SetOutcome};

/// A request about one key, and what came of it.
///
/// # Examples
/// A host that records the keys and sizes of the items that are read:
/// ```
/// use dynamidb_core::{Action, Cache, Config, Event, Host, Instant, Keyspace, Lookup};
/// use dynamidb_core::{ItemSummary, Session, SessionConfig};
///
/// struct Recorder(Cache, Vec<(Vec<u8>, usize)>);
///
/// impl Keyspace for Recorder {
///     type Memory = Vec<u8>;
///
///     fn cache_at(&mut self, _index: usize) -> &mut Cache {
///         &mut self.0
///     }
/// }
///
/// impl Host for Recorder {
///     fn wants_events(&self) -> bool {
///         true
///     }
///
///     fn on_event(&mut self, event: &Event<'_>) {
///         if let (Action::Get, Lookup::Found(item)) = (event.action, event.lookup) {
///             self.1.push((event.key.to_vec(), item.size));
///         }
///     }
/// }
///
/// let mut host = Recorder(Cache::new(Config::new(64 * 1024))?, Vec::new());
/// let mut session = Session::new(SessionConfig::default());
/// let input = b"set key 0 0 5\r\nvalue\r\nget key absent\r\n";
/// let _ = session.process(Instant::from_secs(0), input, &mut host, &mut Vec::new());
/// assert_eq!(host.1, [(b"key".to_vec(), 5)]);
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Event<'e> {
    /// When.
    pub at: Instant,
    /// The key.
    pub key: &'e [u8],
    /// The request's verb.
    pub verb: &'static str,
    /// What was there before.
    pub lookup: Lookup,
    /// What the request was for.
    pub action: Action,
}

/// What a request found under its key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lookup {
    /// Nothing.
    NotFound,
    /// An item past its deadline.
    Expired,
    /// An item.
    Found(ItemSummary),
}

/// Where an item is, and how large it is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ItemSummary {
    /// The slab class of its first chunk, from 0 on.
    pub class: u8,
    /// Bytes of its value.
    pub size: usize,
    /// When it ends.
    pub expires_at: Option<Instant>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// To read an item.
    Get,
    /// To change a number or a deadline.
    Change,
    /// To store an item.
    Store {
        /// What became of it.
        status: StoreStatus,
        /// The item afterwards, if there is one.
        item: Option<ItemSummary>,
    },
    /// To delete an item.
    Delete {
        /// Whether that happened.
        deleted: bool,
    },
}

/// What became of a store.
///
/// # Examples
/// ```
/// use dynamidb_core::StoreStatus;
///
/// assert_eq!(StoreStatus::NotStored.to_string(), "not_stored");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StoreStatus {
    /// The item was stored.
    Stored,
    /// There was an item where none was wanted, or none where one was.
    NotStored,
    /// The item has another `cas`.
    Exists,
    /// There is no item whose `cas` could be compared.
    NotFound,
    /// The item is larger than the largest.
    TooLarge,
    /// No memory could be freed for it.
    NoMemory,
}

impl fmt::Display for StoreStatus {
    /// By memcached's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stored => "stored",
            Self::NotStored => "not_stored",
            Self::Exists => "exists",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::NoMemory => "no_memory",
        })
    }
}

/// What a request did: an [`Action`] before its item has been looked up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Get,
    Change,
    Store(StoreStatus),
    Delete { deleted: bool },
}

impl Effect {
    /// A store with this result.
    pub(super) const fn store(result: Result<SetOutcome, Error>) -> Self {
        Self::Store(match result {
            Ok(SetOutcome::Stored { .. }) => StoreStatus::Stored,
            Ok(SetOutcome::Exists) => StoreStatus::Exists,
            Ok(SetOutcome::NotFound) => StoreStatus::NotFound,
            Err(Error::ValueTooLarge) => StoreStatus::TooLarge,
            Err(Error::OutOfMemory) => StoreStatus::NoMemory,
            Ok(_) | Err(_) => StoreStatus::NotStored,
        })
    }
}
