//! Reading through the cache: what is missing is loaded and stored.

use super::Cache;
use crate::{Error, Instant, Item, Key, Memory, Value};

impl<M: Memory> Cache<M> {
    /// The item under a key; if there is none, the one that `load` makes. Counts as use, and as
    /// [`set`](Self::set) if it was made.
    ///
    /// `load` returns what a [`Value`] can be made from: text or bytes, a pair of them and an
    /// [`Expiry`](crate::Expiry), or a [`Value`].
    ///
    /// # Errors
    /// As [`set`](Self::set), and [`Error::Expired`] if what was made has expired already: there is
    /// no item then. An invalid key is refused before anything is loaded.
    ///
    /// # Examples
    /// ```
    /// use core::time::Duration;
    /// use dynamidb_core::{Cache, Config, Expiry, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let (now, hour) = (Instant::from_secs(0), Expiry::After(Duration::from_secs(3600)));
    /// for _ in 0..2 {
    ///     let item = cache.get_or_insert_with(now, "9²", || (format!("{}", 9 * 9), hour))?;
    ///     assert_eq!(item.value, "81");
    /// }
    /// assert_eq!((cache.stats().get_hits, cache.stats().cmd_set), (1, 1));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn get_or_insert_with<'k, V>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        load: impl FnOnce() -> V,
    ) -> Result<Item<'_>, Error>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        self.get_or_try_insert_with(now, key, || Ok(load()))
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with), where `load` may fail. Nothing has
    /// changed then.
    ///
    /// # Errors
    /// Those of `load`; its error type also takes those of
    /// [`get_or_insert_with`](Self::get_or_insert_with).
    ///
    /// # Examples
    /// Remember what was fetched, and lend it without a copy:
    /// ```
    /// use std::error::Error;
    /// use dynamidb_core::{Bytes, Cache, Config, Instant};
    ///
    /// fn fetch(url: &str) -> Result<String, Box<dyn Error>> {
    ///     Ok(url.strip_prefix("page:").ok_or("no page")?.to_uppercase())
    /// }
    ///
    /// fn page<'c>(cache: &'c mut Cache, url: &str) -> Result<Bytes<'c>, Box<dyn Error>> {
    ///     let now = Instant::from_secs(0);
    ///     Ok(cache.get_or_try_insert_with(now, url, || fetch(url))?.value)
    /// }
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// assert_eq!(page(&mut cache, "page:hello")?, "HELLO");
    /// assert!(page(&mut cache, "hello").is_err());
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    pub fn get_or_try_insert_with<'k, V, E: From<Error>>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        load: impl FnOnce() -> Result<V, E>,
    ) -> Result<Item<'_>, E>
    where
        for<'v> &'v V: Into<Value<'v>>,
    {
        let key = key.into();
        if key.as_bytes().is_empty() || key.as_bytes().len() > Key::LEN_MAX {
            return Err(Error::KeyLength.into());
        }
        let key = self.hasher().key(key.as_bytes());
        if self.get(now, key).is_none() {
            let value = load()?;
            self.set(now, key, &value)?;
        }
        let hashed = self.hasher().hashed(&key);
        let found = self.find_unchanged(&hashed).ok_or(Error::Expired)?;
        Ok(self.item(&found))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use alloc::string::String;
    use alloc::vec;

    use super::*;
    use crate::{Config, Expiry, Policy};

    const NOW: Instant = Instant::from_secs(100);

    fn cache() -> Cache {
        Cache::new(Config::new(64 * 1024)).unwrap()
    }

    #[test]
    fn get_or_insert_with_loads_once_until_the_item_expires() {
        let (mut cache, mut loads) = (cache(), 0);
        let brief = Expiry::After(Duration::from_secs(5));
        for (secs, expected) in [(100, "1"), (104, "1"), (105, "2"), (109, "2")] {
            let load = || {
                loads += 1;
                (vec![b'0' + loads], brief)
            };
            let now = Instant::from_secs(secs);
            let item = cache.get_or_insert_with(now, "key", load).unwrap();
            assert_eq!(item.value, expected, "{secs}");
        }
        cache.check();
    }

    #[test]
    fn get_or_insert_with_takes_whatever_a_value_is_made_from() {
        let mut cache = cache();
        let flagged = Value::from("value").flags(7);
        assert_eq!(
            cache
                .get_or_insert_with(NOW, "1", || flagged)
                .unwrap()
                .flags,
            7
        );
        let mut hold = |key: &str, item: fn(&mut Cache) -> Result<Item<'_>, Error>| {
            assert_eq!(item(&mut cache).unwrap().value, "value", "{key}");
        };
        hold("text", |cache| {
            cache.get_or_insert_with(NOW, "2", || "value")
        });
        hold("array", |cache| {
            cache.get_or_insert_with(NOW, "3", || *b"value")
        });
        hold("bytes", |cache| {
            cache.get_or_insert_with(NOW, "4", || &b"value"[..])
        });
        hold("string", |cache| {
            cache.get_or_insert_with(NOW, "5", || String::from("value"))
        });
    }

    #[test]
    fn a_failed_load_changes_nothing() {
        let mut cache = cache();
        let result = cache.get_or_try_insert_with(NOW, "key", || Err::<&str, _>(Error::NotANumber));
        assert_eq!(result.map(|_| ()), Err(Error::NotANumber));
        assert!(cache.is_empty());
    }

    #[test]
    fn an_invalid_key_is_refused_before_anything_is_loaded() {
        let mut cache = cache();
        for len in [0, Key::LEN_MAX + 1] {
            let load = || -> &str { panic!("it was loaded") };
            let result = cache.get_or_insert_with(NOW, &vec![b'k'; len], load);
            assert_eq!(result.map(|_| ()), Err(Error::KeyLength));
        }
        let longest = vec![b'k'; Key::LEN_MAX];
        assert!(cache.get_or_insert_with(NOW, &longest, || "value").is_ok());
    }

    #[test]
    fn a_value_that_cannot_be_stored_is_an_error() {
        let config = Config::new(128 * 1024).with_policy(Policy::Refuse);
        let mut cache = Cache::new(config).unwrap();
        for (value, error) in [
            (Value::from(&[0; 64 * 1024]), Error::ValueTooLarge),
            (Value::from("old").expire(Expiry::At(NOW)), Error::Expired),
        ] {
            let result = cache.get_or_insert_with(NOW, "key", || value);
            assert_eq!(result.map(|_| ()), Err(error));
        }
        while cache
            .set(NOW, &cache.len().to_le_bytes(), &[0; 200])
            .is_ok()
        {}
        let result = cache.get_or_insert_with(NOW, "key", || [0; 200]);
        assert_eq!(result.map(|_| ()), Err(Error::OutOfMemory));
    }
}
