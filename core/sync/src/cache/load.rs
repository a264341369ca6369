//! Reading through the cache: what is missing is loaded once, however many threads ask for it
//! meanwhile.

use dynamidb_core::{Error, Instant, Key, Value};

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
    /// use dynamidb_core::{Config, Expiry, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let (now, hour) = (Instant::from_secs(0), Expiry::After(Duration::from_secs(3600)));
    /// for _ in 0..2 {
    ///     let square = cache.get_or_insert_with(now, "9²", || (format!("{}", 9 * 9), hour))?;
    ///     assert_eq!(square, b"81");
    /// }
    /// assert_eq!(cache.stats().cmd_set, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_or_insert_with<V>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        load: impl FnOnce() -> V,
    ) -> Result<Vec<u8>, Error>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        self.get_or_try_insert_with(now, key, || Ok(load()))
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
    /// use dynamidb_core::{Config, Instant};
    /// use dynamidb_sync::SharedCache;
    ///
    /// let cache = SharedCache::new(&Config::new(1 << 20), 1)?;
    /// let now = Instant::from_secs(0);
    /// let fetch = |url: &str| -> Result<String, Box<dyn Error>> {
    ///     Ok(url.strip_prefix("page:").ok_or("no page")?.to_uppercase())
    /// };
    /// let page = |url: &str| cache.get_or_try_insert_with(now, url, || fetch(url));
    /// assert_eq!(page("page:hello")?, b"HELLO");
    /// assert!(page("hello").is_err());
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    pub fn get_or_try_insert_with<V, E: From<Error>>(
        &self,
        now: Instant,
        key: impl AsRef<[u8]>,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<Vec<u8>, E>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        let key = key.as_ref();
        if key.is_empty() || key.len() > Key::LEN_MAX {
            return Err(Error::KeyLength.into());
        }
        let _load = loop {
            if let Some(value) = self.get(now, key) {
                return Ok(value);
            }
            if let Some(load) = self.loads.begin(key) {
                break load;
            }
        };
        // Another thread may have stored it between the lookup and the beginning of this load.
        if let Some(value) = self.peek(now, key, |item| item.value.to_vec()) {
            return Ok(value);
        }
        let loaded = load()?;
        let value: Value<'_> = (&loaded).into();
        self.set(now, key, value)?;
        Ok(value.bytes.to_vec())
    }
}
