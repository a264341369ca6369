//! What requests do to items, told to a host that lets somebody watch.
//!
//! Nothing of this happens while nobody does. What a request did is seen from outside: the item
//! before it and after it, and what was counted meanwhile.

use super::execute::Executor;
use super::meta::Command as Meta;
use super::request::{Form, Request, Retrieval, Sign};
use super::{META, SessionConfig};
use crate::{Instant, Key, Keyspace, SetMode, Stats};

/// A request about one key, and what came of it.
///
/// # Examples
/// A host that notes which items of what size are read:
/// ```
/// use dynamidb_core::{Action, Cache, Config, Event, Instant, Key, Keyspace, Lookup, ItemSummary};
/// use dynamidb_core::{Session, SessionConfig};
///
/// struct Host(Cache, Vec<(Vec<u8>, usize)>);
///
/// impl Keyspace for Host {
///     # type Memory = Vec<u8>;
///     # fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
///     #     self.0.key(bytes)
///     # }
///     # fn cache_for(&mut self, _key: &Key<'_>) -> &mut Cache {
///     #     &mut self.0
///     # }
///     # fn cache_at(&mut self, index: usize) -> Option<&mut Cache> {
///     #     self.0.cache_at(index)
///     # }
///     // (and the functions that say where the items are)
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
/// let mut host = Host(Cache::new(Config::new(64 * 1024))?, Vec::new());
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
        /// What became of it, by memcached's names: `stored`, `not_stored`, `exists`, `not_found`,
        /// `too_large`, `no_memory`.
        status: &'static str,
        /// The item afterwards, if there is one.
        item: Option<ItemSummary>,
    },
    /// To delete an item.
    Delete {
        /// Whether that happened.
        deleted: bool,
    },
}

/// What was under a key, and what had been counted by then.
struct Seen {
    lookup: Lookup,
    stats: Stats,
}

impl<K: Keyspace> Executor<'_, K> {
    /// As [`perform`](Self::perform), and tells the host what happened.
    #[cold]
    #[inline(never)]
    pub(super) fn perform_watched(
        &mut self,
        config: &SessionConfig,
        request: &Request<'_>,
        key: Key<'_>,
    ) {
        let Some(verb) = verb(request) else {
            return self.perform(config, request, key);
        };
        let mut buffer = [0; Key::LEN_MAX];
        let written = key;
        let key = match request {
            Request::Meta(meta) if META => key.written(meta.key_bytes(&mut buffer)),
            _ => key,
        };
        let before = self.see(&key);
        self.perform(config, request, written);
        let after = self.see(&key);
        let action = match kind(request) {
            Kind::Get => Action::Get,
            Kind::Store => Action::Store {
                status: status(&before, &after),
                item: after.lookup.place(),
            },
            Kind::Delete => Action::Delete {
                deleted: after.stats.delete_hits > before.stats.delete_hits
                    && after.lookup == Lookup::NotFound,
            },
            Kind::Change => Action::Change,
        };
        let event = Event {
            at: self.now,
            key: key.as_bytes(),
            verb,
            lookup: before.lookup,
            action,
        };
        self.keyspace.on_event(&event);
    }

    fn see(&mut self, key: &Key<'_>) -> Seen {
        let cache = self.keyspace.cache_for(key);
        // A flush that has come due happens first.
        cache.maintain(self.now, 0);
        let lookup = match cache.view_of(*key) {
            None => Lookup::NotFound,
            Some(view) if view.item.expires_at.is_some_and(|end| end <= self.now) => {
                Lookup::Expired
            }
            Some(view) => Lookup::Found(ItemSummary {
                class: view.class,
                size: view.item.value.len(),
                expires_at: view.item.expires_at,
            }),
        };
        let stats = cache.stats();
        Seen { lookup, stats }
    }
}

impl Lookup {
    const fn place(&self) -> Option<ItemSummary> {
        match *self {
            Self::Found(place) => Some(place),
            Self::NotFound | Self::Expired => None,
        }
    }
}

/// What a request is called; `None` if it is about no key.
const fn verb(request: &Request<'_>) -> Option<&'static str> {
    Some(match request {
        Request::Get { retrieval, .. } => match retrieval {
            Retrieval { touch: Some(_), .. } => "gat",
            Retrieval {
                form: Form::FlagsAndCas,
                ..
            } => "gets",
            _ => "get",
        },
        Request::Store { mode, compare, .. } | Request::TooLarge { mode, compare, .. } => {
            match mode {
                SetMode::Set if compare.is_some() => "cas",
                SetMode::Set => "set",
                SetMode::Add => "add",
                SetMode::Replace => "replace",
                SetMode::Append => "append",
                SetMode::Prepend => "prepend",
            }
        }
        Request::Delete { .. } => "delete",
        Request::Arithmetic { sign, .. } => match sign {
            Sign::Plus => "incr",
            Sign::Minus => "decr",
        },
        Request::Touch { .. } => "touch",
        Request::Meta(meta) => match meta.command {
            Meta::Get => "mg",
            Meta::Set => "ms",
            Meta::Delete => "md",
            Meta::Arithmetic => "ma",
            Meta::Debug => "me",
        },
        _ => return None,
    })
}

/// What a request is for, before anything is known of what came of it.
enum Kind {
    Get,
    Store,
    Delete,
    Change,
}

const fn kind(request: &Request<'_>) -> Kind {
    match request {
        Request::Get { .. } => Kind::Get,
        Request::Store { .. } | Request::TooLarge { .. } => Kind::Store,
        Request::Delete { .. } => Kind::Delete,
        Request::Meta(meta) => match meta.command {
            Meta::Get => Kind::Get,
            Meta::Set => Kind::Store,
            Meta::Delete => Kind::Delete,
            Meta::Arithmetic | Meta::Debug => Kind::Change,
        },
        _ => Kind::Change,
    }
}

/// What became of a store.
fn status(before: &Seen, after: &Seen) -> &'static str {
    let counted = |count: fn(&Stats) -> u64| count(&after.stats) > count(&before.stats);
    if counted(|stats| stats.store_too_large) {
        "too_large"
    } else if counted(|stats| stats.store_no_memory) {
        "no_memory"
    } else if counted(|stats| stats.total_items) {
        "stored"
    } else if counted(|stats| stats.cas_badval) {
        "exists"
    } else if counted(|stats| stats.cas_misses) {
        "not_found"
    } else {
        "not_stored"
    }
}
