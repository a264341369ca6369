//! Reading through the cache: what is missing is loaded once, however many threads ask for it
//! meanwhile.

use crate::primitives::Listener as _;
use dynamidb_core::{Error, Key, Value};

use super::SharedCache;

impl SharedCache {
    /// A copy of the value under a key; if there is none, the one that `load` makes, which is
    /// stored. Counts as use.
    ///
    /// Threads that ask for the same key meanwhile wait for the one that loads it; all others go
    /// on. `load` may use the cache, but must not ask for its own key by this function, nor for one
    /// whose load waits for this one.
    ///
    /// `load` returns what a [`Value`] can be made from: text or bytes, a pair of them and an
    /// [`Expiry`](dynamidb_core::Expiry), or a [`Value`].
    ///
    /// # Errors
    /// As [`set`](Self::set). An invalid key is refused before anything is loaded.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// use dynamidb_core::{Config, Expiry};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let hour = Expiry::After(Duration::from_secs(3600));
    /// for _ in 0..2 {
    ///     let square = cache.get_or_insert_with("9²", || (format!("{}", 9 * 9), hour))?;
    ///     assert_eq!(square, b"81");
    /// }
    /// assert_eq!(cache.stats().cmd_set, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_insert_with<V>(
        &self,
        key: impl AsRef<[u8]>,
        load: impl FnOnce() -> V,
    ) -> Result<Vec<u8>, Error>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        self.get_or_try_insert_with(key, || Ok(load()))
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with), where `load` may fail. Nothing has
    /// changed then, and one of the threads that waited loads next.
    ///
    /// # Errors
    /// Those of `load`; its error type also takes those of
    /// [`get_or_insert_with`](Self::get_or_insert_with).
    ///
    /// # Examples
    /// ```
    /// use std::error::Error;
    ///
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let fetch = |url: &str| -> Result<String, Box<dyn Error>> {
    ///     Ok(url.strip_prefix("page:").ok_or("no page")?.to_uppercase())
    /// };
    /// let page = |url: &str| cache.get_or_try_insert_with(url, || fetch(url));
    /// assert_eq!(page("page:hello")?, b"HELLO");
    /// assert!(page("hello").is_err());
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    pub fn get_or_try_insert_with<V, E: From<Error>>(
        &self,
        key: impl AsRef<[u8]>,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<Vec<u8>, E>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        let key = checked(key.as_ref())?;
        let _load = loop {
            if let Some(value) = self.get(key) {
                return Ok(value);
            }
            if let Some(load) = self.loads.begin(key) {
                break load;
            }
            while let Some(ended) = self.loads.listen(key) {
                ended.wait();
            }
        };
        match self.loaded_meanwhile(key) {
            Some(value) => Ok(value),
            None => Ok(self.keep(key, &load()?)?),
        }
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with) for tasks: a future makes the value, and
    /// tasks that ask for the same key meanwhile wait without blocking their thread. It needs no
    /// particular runtime.
    ///
    /// If the task that loads is cancelled, one of those that waited loads next. A key should be
    /// loaded by tasks or by threads: one that waits in the other function may block the task that
    /// loads.
    ///
    /// # Errors
    /// As [`get_or_insert_with`](Self::get_or_insert_with).
    ///
    /// # Examples
    /// ```
    /// # async fn fetch(_url: &str) -> String { String::from("page") }
    /// use dynamidb_core::{Config, Error};
    /// use dynamidb_sync::SharedCache;
    ///
    /// async fn page(cache: &SharedCache, url: &str) -> Result<Vec<u8>, Error> {
    ///     cache.get_or_insert_async(url, fetch(url)).await
    /// }
    /// # let cache = SharedCache::new(&Config::default(), 1)?;
    /// # let pages = std::pin::pin!(page(&cache, "url"));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert_eq!(pages.poll(&mut context), std::task::Poll::Ready(Ok(b"page".to_vec())));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub async fn get_or_insert_async<V>(
        &self,
        key: impl AsRef<[u8]>,
        load: impl Future<Output = V>,
    ) -> Result<Vec<u8>, Error>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        self.get_or_try_insert_async(key, async { Ok(load.await) })
            .await
    }

    /// As [`get_or_insert_async`](Self::get_or_insert_async), where `load` may fail. Nothing has
    /// changed then, and one of the tasks that waited loads next.
    ///
    /// # Errors
    /// Those of `load`; its error type also takes those of
    /// [`get_or_insert_async`](Self::get_or_insert_async).
    ///
    /// # Examples
    /// ```
    /// # async fn fetch(_url: &str) -> Result<String, Box<dyn Error>> { Err("no page".into()) }
    /// use std::error::Error;
    ///
    /// use dynamidb_core::Config;
    /// use dynamidb_sync::SharedCache;
    ///
    /// async fn page(cache: &SharedCache, url: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    ///     cache.get_or_try_insert_async(url, fetch(url)).await
    /// }
    /// # let cache = SharedCache::new(&Config::default(), 1)?;
    /// # let pages = std::pin::pin!(page(&cache, "url"));
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # assert!(matches!(pages.poll(&mut context), std::task::Poll::Ready(Err(_))));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub async fn get_or_try_insert_async<V, E: From<Error>>(
        &self,
        key: impl AsRef<[u8]>,
        load: impl Future<Output = Result<V, E>>,
    ) -> Result<Vec<u8>, E>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        let key = checked(key.as_ref())?;
        let _load = loop {
            if let Some(value) = self.get(key) {
                return Ok(value);
            }
            if let Some(load) = self.loads.begin(key) {
                break load;
            }
            while let Some(ended) = self.loads.listen(key) {
                ended.await;
            }
        };
        match self.loaded_meanwhile(key) {
            Some(value) => Ok(value),
            None => Ok(self.keep(key, &load.await?)?),
        }
    }

    /// What another one stored between the lookup and the beginning of this load.
    fn loaded_meanwhile(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.peek(key, |item| item.value.to_vec())
    }

    /// Stores what was loaded, and returns a copy.
    fn keep<'v>(&self, key: &[u8], loaded: impl Into<Value<'v>>) -> Result<Vec<u8>, Error> {
        let value = loaded.into();
        self.set(key, value)?;
        Ok(value.bytes.to_vec())
    }
}

/// The key, if it is valid: nothing is loaded otherwise.
const fn checked(key: &[u8]) -> Result<&[u8], Error> {
    match key.len() {
        1..=Key::LEN_MAX => Ok(key),
        _ => Err(Error::KeyLength),
    }
}
