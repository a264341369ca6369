//! How items leave for a snapshot and come back from one.

use super::Cache;
use crate::snapshot::{Clocks, Record, Save};
use crate::storage::{ItemAttrs, ItemFlags};
use crate::view::ItemView;
use crate::{Cas, Error, Expiry, Instant, Key, Memory, Value};

impl<M: Memory> Cache<M> {
    /// A snapshot of all items in the order of use, to be made piece by piece.
    ///
    /// # Examples
    /// A device keeps its cache over a restart:
    /// ```
    /// use dynamidb_core::snapshot::{Clocks, Restore, buffer_size};
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut config = Config::new(16 * 1024);
    /// config.item_size_max = 200;
    /// let mut cache = Cache::new(config.clone())?;
    /// cache.set(Instant::from_secs(50), "sensor/1", "21.5")?;
    ///
    /// let mut flash = Vec::new(); // as many sectors as the pieces need
    /// let mut buffer = [0; buffer_size(200)];
    /// let mut save = cache.save(Clocks::new(Instant::from_secs(60)));
    /// while let piece @ [_, ..] = save.next(&mut buffer)? {
    ///     flash.extend_from_slice(piece);
    /// }
    ///
    /// // After the restart, the clock begins again.
    /// let now = Instant::from_secs(0);
    /// let mut cache = Cache::new(config)?;
    /// let mut restore = Restore::new(Clocks::new(now));
    /// let mut at = 0;
    /// while let used @ 1.. = restore.feed(now, &mut cache, &flash[at..])? {
    ///     at += used;
    /// }
    /// restore.finish()?;
    /// assert_eq!(cache.get(now, "sensor/1").unwrap().value, b"21.5");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn save(&self, clocks: Clocks) -> Save<impl Iterator<Item = ItemView<'_>>> {
        Save::new(clocks, self.saved_items(clocks.now), self.last_cas()).expect(self.len())
    }

    /// The items as a snapshot has them: the least recently used first; with
    /// [`Policy::S3Lru`](crate::Policy::S3Lru), those in the admission queue come before the
    /// others. Without what has expired; where a flush is to come, no item expires later than that.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let (now, later) = (Instant::from_secs(0), Instant::from_secs(60));
    /// cache.set(now, "key", "value")?;
    /// cache.flush_at(later);
    /// assert_eq!(cache.saved_items(now).next().unwrap().item.expires_at, Some(later));
    /// assert_eq!(cache.saved_items(later).count(), 0);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn saved_items(&self, now: Instant) -> impl Iterator<Item = ItemView<'_>> {
        let items = self.items().rev();
        items.filter_map(move |view| self.saved_item(now, view))
    }

    /// An item as a snapshot has it; `None` if it has expired.
    pub(crate) fn saved_item<'c>(
        &self,
        now: Instant,
        mut view: ItemView<'c>,
    ) -> Option<ItemView<'c>> {
        let ends = [view.item.expires_at, self.flush_at];
        view.item.expires_at = ends.into_iter().flatten().min();
        let is_expired = view.item.expires_at.is_some_and(|end| end <= now);
        (!is_expired).then_some(view)
    }

    /// Stores an item of a snapshot as the most recently used, in place of what is under its key;
    /// returns whether it did: one that has expired is left out.
    ///
    /// It keeps its times, and its `cas` unless the cache is [`compact`](crate::Config::compact).
    ///
    /// # Errors
    /// As [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// use core::time::Duration;
    /// use dynamidb_core::snapshot::Record;
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(1000);
    /// let mut record = Record::new(b"key", b"value");
    /// record.idle = Duration::from_secs(600);
    /// assert!(cache.restore(now, &record)?);
    /// assert_eq!(cache.peek(now, "key").unwrap().last_used, Instant::from_secs(400));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore(&mut self, now: Instant, record: &Record<'_>) -> Result<bool, Error> {
        self.restore_as(now, record.key.into(), record)
    }

    /// The same for a host that has made the record's key, which then carries its hash.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::snapshot::Record;
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let (now, record) = (Instant::from_secs(0), Record::new(b"key", b"value"));
    /// let key = cache.hasher().key(record.key);
    /// assert!(cache.restore_as(now, key, &record)?);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn restore_as(
        &mut self,
        now: Instant,
        key: Key<'_>,
        record: &Record<'_>,
    ) -> Result<bool, Error> {
        let expiry = record.expires_in.map_or(Expiry::Never, Expiry::After);
        if record.expires_in.is_some_and(|time| time.is_zero()) {
            return Ok(false);
        }
        let key = self.begin(now, key);
        let old = self.store().find(&key);
        let old = old.filter(|old| self.is_live(old));
        let flags = [
            (record.fetched, ItemFlags::FETCHED),
            (record.stale, ItemFlags::STALE),
            (record.won, ItemFlags::WON),
            // A key that no line can have must not be written into one: not even if the file is
            // forged.
            (record.base64 || !is_text(key.bytes), ItemFlags::BASE64),
        ];
        let flags = flags.iter().filter(|(is_set, _)| *is_set);
        let flags = flags.fold(ItemFlags::NONE, |all, (_, flag)| all.and(*flag));
        let cas = match self.parts.cas.is_counted() {
            true => Cas::number(record.cas),
            false => 0,
        };
        let attrs = ItemAttrs::new(self.deadline(expiry), cas, flags);
        let value = Value::from(record.value).flags(record.flags);
        // Nobody has asked for it.
        let sampling = self.insight.pause_sampling();
        let written = self.put(&key, &value, attrs, old.as_ref());
        self.insight.resume_sampling(sampling);
        written?;
        let idle = record.idle.as_secs() as u32;
        self.store_mut().restore_use(&key, idle, !record.queued);
        Ok(true)
    }

    /// Goes on from the last `cas` of a cache whose items are restored into this one, so that no
    /// item that is stored from now on has a `cas` that one of them had. Call it before the first
    /// of them is stored.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Cas, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// cache.resume_cas(41);
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// assert_eq!(cache.get(now, "key").unwrap().cas, Cas::new(42));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn resume_cas(&mut self, last: u64) {
        // A count has 32 bits; more comes from a file that somebody has written.
        let Ok(last) = u32::try_from(last) else {
            return;
        };
        // Where there are items, their count must not go back either.
        if self.is_empty() || last > self.parts.cas.last() {
            self.parts.cas.resume(last);
        }
    }

    /// Makes the index large enough for this many items at once, as far as an eighth of the memory
    /// allows: while they are stored it neither grows, for which it would have to look at each item
    /// some times, nor shrinks. It does both again after a call with 0.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut cache = Cache::new(Config::new(256 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.reserve(1000);
    /// for number in 0..1000_u32 {
    ///     cache.set(now, &number.to_le_bytes(), "value")?;
    /// }
    /// cache.reserve(0);
    /// assert_eq!(cache.len(), 1000);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn reserve(&mut self, items: usize) {
        loop {
            let extent = self.store().worst_case_extent(0);
            self.memory.extend_to(extent);
            if !self.store_mut().grow_index_for(items) {
                break;
            }
        }
        self.store_mut().keep_index(items > 0);
    }

    /// Whether an item was evicted since the counters were reset.
    pub(crate) const fn has_evicted(&self) -> bool {
        self.parts.stats.evictions > 0
    }

    /// Brings all items into the order of the second of their last use, for those that were stored
    /// in another one: of a [`LiveSave`](crate::snapshot::LiveSave). Items of the same second stay
    /// as they are; so do those of a [`compact`](crate::Config::compact) cache, which have none.
    ///
    /// Walks all items a few times.
    ///
    /// # Examples
    /// ```
    /// use core::time::Duration;
    /// use dynamidb_core::snapshot::Record;
    /// use dynamidb_core::{Cache, Config, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(1000);
    /// let (new, mut old) = (Record::new(b"new", b"1"), Record::new(b"old", b"2"));
    /// old.idle = Duration::from_secs(600);
    /// cache.restore(now, &new)?;
    /// cache.restore(now, &old)?;
    /// cache.sort_by_last_use();
    /// assert_eq!(cache.items().next().unwrap().key, b"new");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn sort_by_last_use(&mut self) {
        self.store_mut().sort_by_last_use();
    }
}

/// Whether a key can be part of a line.
fn is_text(key: &[u8]) -> bool {
    key.iter().all(|&byte| byte > b' ' && byte != 0x7F)
}
