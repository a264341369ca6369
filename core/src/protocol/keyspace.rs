//! Where a key lives: one cache, or many behind locks.

use crate::{Cache, Instant, Key, Memory};

/// The caches that a [`Session`](crate::Session) works on: one [`Cache`], or the many of a server.
///
/// A [`Cache`] is one itself. Another type also implements [`Host`](crate::Host), whose functions
/// all have defaults. With one cache, [`cache_at`](Self::cache_at) is all it has to say.
///
/// # Examples
/// Two caches, and a bit of a key's hash that says which of them it lives in:
/// ```
/// use dynamidb_core::{Cache, Config, Host, Instant, Key, Keyspace, Session, SessionConfig};
///
/// struct Halves([Cache; 2]);
///
/// impl Keyspace for Halves {
///     type Memory = Vec<u8>;
///
///     fn cache_at(&mut self, index: usize) -> &mut Cache {
///         &mut self.0[index]
///     }
///
///     fn cache_count(&self) -> usize {
///         2
///     }
///
///     fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
///         self.0[0].hasher().key(bytes)
///     }
///
///     fn index_of(&self, key: &Key<'_>) -> usize {
///         (self.0[0].hasher().hash(key) >> 63) as usize
///     }
/// }
///
/// impl Host for Halves {}
///
/// let half = |part| Cache::new(Config::new(64 * 1024).with_shard(part, 2));
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

    /// The cache of this number, which is below [`cache_count`](Self::cache_count).
    fn cache_at(&mut self, index: usize) -> &mut Cache<Self::Memory>;

    /// How many caches there are; one by default.
    fn cache_count(&self) -> usize {
        1
    }

    /// The number of the cache in which a key lives; 0 by default.
    fn index_of(&self, key: &Key<'_>) -> usize {
        let _ = key;
        0
    }

    /// The key; with its hash, if that is wanted more than once. By default without.
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        bytes.into()
    }

    /// The cache in which this key lives.
    fn cache_for(&mut self, key: &Key<'_>) -> &mut Cache<Self::Memory> {
        let index = self.index_of(key);
        self.cache_at(index)
    }

    /// The cache in which this key lives, before `len` bytes are stored in it, alone or joined to
    /// the value that is there: a host with several caches may first give this one a larger share
    /// of its memory.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Keyspace};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let (now, key) = (Instant::from_secs(0), Keyspace::key(&cache, b"key"));
    /// cache.cache_to_store(now, &key, 5, false).set(now, key, "value")?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    fn cache_to_store(
        &mut self,
        now: Instant,
        key: &Key<'_>,
        len: usize,
        joins: bool,
    ) -> &mut Cache<Self::Memory> {
        let _ = (now, len, joins);
        self.cache_for(key)
    }

    /// Visits every cache once.
    fn for_each(&mut self, mut visit: impl FnMut(&mut Cache<Self::Memory>)) {
        for index in 0..self.cache_count() {
            visit(self.cache_at(index));
        }
    }

    /// Removes everything that is stored under keys with this prefix: see
    /// [`Cache::flush_prefix`]. All caches take part, or if one of them cannot, none. A host whose
    /// caches others may flush meanwhile keeps them from it.
    ///
    /// # Errors
    /// As [`Cache::flush_prefix`].
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, Instant, Keyspace};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.set(Instant::from_secs(0), "berlin:42", "value")?;
    /// Keyspace::flush_prefix(&mut cache, b"berlin:")?;
    /// assert!(cache.get(Instant::from_secs(0), "berlin:42").is_none());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[cfg(feature = "flush-prefix")]
    fn flush_prefix(&mut self, prefix: &[u8]) -> Result<(), crate::Error> {
        let mut can = true;
        self.for_each(|cache| can &= cache.can_flush_prefix());
        if !can {
            return Err(crate::Error::TooManyFlushes);
        }
        let mut result = Ok(());
        self.for_each(|cache| result = result.and_then(|()| cache.flush_prefix(prefix)));
        result
    }

    /// Fetches the memory that lookups of these keys will need, so that their waits overlap.
    fn prefetch(&mut self, keys: &[Key<'_>]) {
        let _ = keys;
    }
}

impl<M: Memory> Keyspace for Cache<M> {
    type Memory = M;

    fn cache_at(&mut self, _index: usize) -> &mut Self {
        self
    }

    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.hasher().key(bytes)
    }

    fn prefetch(&mut self, keys: &[Key<'_>]) {
        Self::prefetch(self, keys);
    }
}
