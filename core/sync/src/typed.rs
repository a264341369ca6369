//! A cache of types of the program's own, encoded by postcard.
//!
//! postcard, because its encoding is small, documented and the same on every platform, so that a
//! file of one machine is read on another; bytemuck would take fixed layouts only.

use std::error;
use std::fmt;
use std::marker::PhantomData;

use dynamidb_core::{Error, Expiry, Key, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::SharedCache;

/// A [`SharedCache`] whose keys and values are of types that serde knows. A clone is another handle
/// to the same cache.
///
/// A key takes at most [`Key::LEN_MAX`] bytes as postcard encodes it. Its encoding does not name
/// the type: two of these on one `SharedCache` need keys that differ, for example an enum of both.
/// What was saved with one type and restored with another is an error, or a wrong value if the
/// bytes happen to fit, so [clear](SharedCache::clear) a cache whose types have changed.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use dynamidb_core::{Config, Expiry};
/// use dynamidb_sync::{SharedCache, TypedCache};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Deserialize, PartialEq, Serialize)]
/// struct User {
///     name: String,
///     roles: Vec<u8>,
/// }
///
/// let hour = Expiry::After(Duration::from_secs(3600));
/// let bytes = SharedCache::new(&Config::new(64 << 20), 4)?;
/// let users = TypedCache::<u64, User>::new(bytes).with_expiry(hour);
/// let alice = || User { name: "alice".into(), roles: vec![1, 2] };
/// assert_eq!(users.get_or_insert_with(&7, alice)?, alice());
/// assert_eq!(users.get(&7)?, Some(alice()));
/// assert_eq!(users.get(&8)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TypedCache<K: ?Sized, V> {
    cache: SharedCache,
    expiry: Expiry,
    types: PhantomData<fn(&K) -> V>,
}

impl<K: ?Sized + Serialize, V: Serialize + DeserializeOwned> TypedCache<K, V> {
    /// A typed view of a cache. Nothing in it expires unless [`with_expiry`](Self::with_expiry)
    /// says when.
    #[must_use]
    pub const fn new(cache: SharedCache) -> Self {
        Self {
            cache,
            expiry: Expiry::Never,
            types: PhantomData,
        }
    }

    /// Lets the values expire that this handle and its clones store.
    #[must_use]
    pub const fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    /// The cache of bytes: its statistics, maintenance, and whatever needs no types.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::{SharedCache, TypedCache};
    ///
    /// let squares = TypedCache::<u32, u64>::new(SharedCache::new(&Config::new(1 << 20), 1)?);
    /// squares.set(&9, &81)?;
    /// assert_eq!(squares.cache().len(), 1);
    /// squares.cache().clear();
    /// assert_eq!(squares.get(&9)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn cache(&self) -> &SharedCache {
        &self.cache
    }

    /// The value under a key; counts as use.
    ///
    /// # Errors
    /// [`TypedError::Decode`] if the bytes under the key are no `V`, [`TypedError::Encode`] if
    /// serde cannot serialize the key, and [`Error::KeyLength`] if it is too long.
    pub fn get(&self, key: &K) -> Result<Option<V>, TypedError> {
        let value = self.cache.get(Encoded::new(key)?);
        value.map(|bytes| decode(&bytes)).transpose()
    }

    /// Stores a value, whatever was there.
    ///
    /// # Errors
    /// As [`SharedCache::set`], and [`TypedError::Encode`] if serde cannot serialize one of them.
    pub fn set(&self, key: &K, value: &V) -> Result<(), TypedError> {
        let bytes = encode(value)?;
        let value = Value::from(&bytes).expire(self.expiry);
        Ok(self.cache.set(Encoded::new(key)?, value)?)
    }

    /// Deletes the value under a key. Says whether there was one.
    ///
    /// # Errors
    /// As [`get`](Self::get), but for values, which are not looked at.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::{SharedCache, TypedCache};
    ///
    /// let ages = TypedCache::<str, u8>::new(SharedCache::new(&Config::new(1 << 20), 1)?);
    /// ages.set("alice", &42)?;
    /// assert!(ages.contains_key("alice")?);
    /// assert!(ages.delete("alice")? && !ages.delete("alice")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn delete(&self, key: &K) -> Result<bool, TypedError> {
        Ok(self.cache.delete(Encoded::new(key)?))
    }

    /// Whether there is a value under a key; does not count as use.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub fn contains_key(&self, key: &K) -> Result<bool, TypedError> {
        Ok(self.cache.contains_key(Encoded::new(key)?))
    }

    /// The value under a key; if there is none, the one that `load` makes, which is stored. Threads
    /// that ask for the same key meanwhile wait for it, as in
    /// [`SharedCache::get_or_insert_with`].
    ///
    /// # Errors
    /// As [`get`](Self::get) and [`set`](Self::set).
    pub fn get_or_insert_with(&self, key: &K, load: impl FnOnce() -> V) -> Result<V, TypedError> {
        self.get_or_try_insert_with(key, || Ok(load()))
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with), where `load` may fail. Nothing has
    /// changed then, and one of the threads that waited loads next.
    ///
    /// # Errors
    /// Those of `load`; its error type also takes a [`TypedError`].
    ///
    /// # Examples
    /// ```
    /// use std::error::Error;
    ///
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::{SharedCache, TypedCache};
    ///
    /// let numbers = TypedCache::<str, i32>::new(SharedCache::new(&Config::new(1 << 20), 1)?);
    /// let parse = |text: &str| -> Result<i32, Box<dyn Error>> {
    ///     numbers.get_or_try_insert_with(text, || Ok(text.parse()?))
    /// };
    /// assert_eq!(parse("42")?, 42);
    /// assert!(parse("forty-two").is_err());
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    pub fn get_or_try_insert_with<E: From<TypedError>>(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let key = Encoded::new(key)?;
        let mut loaded = None;
        let load = || self.loaded(load().map_err(Failure)?, &mut loaded);
        let stored = self.cache.get_or_try_insert_with(key, load);
        loaded_or_stored(loaded, stored)
    }

    /// As [`get_or_try_insert_with`](Self::get_or_try_insert_with) for tasks, of any runtime; see
    /// [`SharedCache::get_or_insert_async`].
    ///
    /// # Errors
    /// Those of `load`; its error type also takes a [`TypedError`].
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::{SharedCache, TypedCache, TypedError};
    ///
    /// # async fn count(_url: &str) -> Result<u64, TypedError> { Ok(3) }
    /// async fn links(counts: &TypedCache<str, u64>, url: &str) -> Result<u64, TypedError> {
    ///     counts.get_or_try_insert_async(url, count(url)).await
    /// }
    /// # let counts = TypedCache::new(SharedCache::new(&Config::new(1 << 20), 1)?);
    /// # let links = std::pin::pin!(links(&counts, "url"));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(matches!(links.poll(&mut context), std::task::Poll::Ready(Ok(3))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn get_or_try_insert_async<E: From<TypedError>>(
        &self,
        key: &K,
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<V, E> {
        let key = Encoded::new(key)?;
        let mut loaded = None;
        let load = async { self.loaded(load.await.map_err(Failure)?, &mut loaded) };
        let stored = self.cache.get_or_try_insert_async(key, load).await;
        loaded_or_stored(loaded, stored)
    }

    /// What to store of a loaded value, which is kept in `loaded` so that it need not be decoded.
    fn loaded<E: From<TypedError>>(
        &self,
        value: V,
        loaded: &mut Option<V>,
    ) -> Result<(Vec<u8>, Expiry), Failure<E>> {
        let bytes = encode(&value).map_err(|error| Failure(error.into()))?;
        *loaded = Some(value);
        Ok((bytes, self.expiry))
    }
}

impl<K: ?Sized, V> Clone for TypedCache<K, V> {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache.clone(),
            ..*self
        }
    }
}

impl<K: ?Sized, V> fmt::Debug for TypedCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCache")
            .field("cache", &self.cache)
            .field("expiry", &self.expiry)
            .finish()
    }
}

/// Why a [`TypedCache`] could not do what it was asked for.
///
/// # Examples
/// ```
/// use dynamidb_core::{Config, Error};
/// use dynamidb_sync::{SharedCache, TypedCache, TypedError};
///
/// let ages = TypedCache::<str, u8>::new(SharedCache::new(&Config::new(1 << 20), 1)?);
/// let refused = ages.set(&"a".repeat(249), &42);
/// assert!(matches!(refused, Err(TypedError::Cache(Error::KeyLength))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TypedError {
    /// The cache refused a key or a value.
    Cache(Error),
    /// A key or a value cannot be serialized.
    Encode(postcard::Error),
    /// What is under a key is no value of the type.
    Decode(postcard::Error),
}

impl fmt::Display for TypedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(error) => error.fmt(f),
            Self::Encode(_) => f.write_str("the key or value cannot be serialized"),
            Self::Decode(_) => f.write_str("the bytes under the key are no value of the type"),
        }
    }
}

impl error::Error for TypedError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Cache(error) => error.source(),
            Self::Encode(error) | Self::Decode(error) => Some(error),
        }
    }
}

impl From<Error> for TypedError {
    fn from(error: Error) -> Self {
        Self::Cache(error)
    }
}

/// A key in bytes, without a heap.
struct Encoded {
    bytes: [u8; Key::LEN_MAX],
    len: usize,
}

impl Encoded {
    fn new(key: &(impl ?Sized + Serialize)) -> Result<Self, TypedError> {
        let mut bytes = [0; Key::LEN_MAX];
        match postcard::to_slice(key, &mut bytes) {
            Ok([]) | Err(postcard::Error::SerializeBufferFull) => Err(Error::KeyLength.into()),
            Ok(encoded) => {
                let len = encoded.len();
                Ok(Self { bytes, len })
            }
            Err(error) => Err(TypedError::Encode(error)),
        }
    }
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The caller's error, as the cache of bytes needs it: it also takes that cache's.
struct Failure<E>(E);

impl<E: From<TypedError>> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self(TypedError::from(error).into())
    }
}

/// The value that this call has loaded, or else what is stored under the key.
fn loaded_or_stored<V: DeserializeOwned, E: From<TypedError>>(
    loaded: Option<V>,
    stored: Result<Vec<u8>, Failure<E>>,
) -> Result<V, E> {
    let stored = stored.map_err(|Failure(error)| error)?;
    match loaded {
        Some(value) => Ok(value),
        None => Ok(decode(&stored)?),
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, TypedError> {
    postcard::to_allocvec(value).map_err(TypedError::Encode)
}

fn decode<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, TypedError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(TypedError::Decode(postcard::Error::DeserializeBadEncoding)),
        Err(error) => Err(TypedError::Decode(error)),
    }
}
