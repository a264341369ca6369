//! The conditional operations: the plain ones with every condition and effect that a client of the
//! meta commands can ask for.

use super::Cache;
use crate::key::HashedKey;
use crate::number;
use crate::options::{ArithmeticOptions, DeleteOptions, GetOptions, Recache, SetMode, SetOptions};
use crate::outcome::{ArithmeticOutcome, DeleteOutcome, GetOutcome, SetOutcome};
use crate::storage::{Deadline, ItemAttrs, ItemFlags, ItemHandle, Write, Written};
use crate::{Bytes, Cas, Error, Instant, Item, Key, Memory, Value};

impl<M: Memory> Cache<M> {
    /// The item under a key, looked up as the options say; `None` if there is none and none was
    /// made.
    ///
    /// # Examples
    /// One of many callers fills an empty or outdated item, while the others wait or use what is
    /// there:
    /// ```
    /// # use core::time::Duration;
    /// use dynamidb_core::{Cache, Config, Expiry, GetOptions, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let mut options = GetOptions::default();
    /// options.vivify = Some(Expiry::After(Duration::from_secs(10)));
    /// assert!(cache.get_with(now, "key", &options).unwrap().win);
    /// assert!(!cache.get_with(now, "key", &options).unwrap().win);
    /// cache.set(now, "key", "computed")?;
    /// assert_eq!(cache.get_with(now, "key", &options).unwrap().item.value, b"computed");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn get_with<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        options: &GetOptions,
    ) -> Option<GetOutcome<'_>> {
        let key = self.begin(now, key);
        let Some(found) = self.find(&key) else {
            self.was_read(&key, None);
            return self.vivify(&key, options);
        };
        self.count_hit(&found, options);
        self.was_read(&key, Some(&found));
        let flags = found.header.flags();
        let due = flags.has(ItemFlags::STALE) || self.is_due(now, &found, options.recache);
        let win = due && !flags.has(ItemFlags::WON);
        let touched = options.touch.map(|expiry| self.deadline(expiry));
        let mut store = self.store_mut();
        if !options.no_bump {
            store.bump(&found);
        }
        if win {
            let flags = flags.and(read(options)).and(ItemFlags::WON);
            store.set_flags(found.item, flags);
        }
        if let Some(deadline) = touched {
            store.set_deadline(found.item, deadline);
        }
        Some(GetOutcome {
            win,
            created: false,
            ..self.fetched(&found)
        })
    }

    /// What a lookup that found nothing makes.
    #[cold]
    fn vivify(&mut self, key: &HashedKey<'_>, options: &GetOptions) -> Option<GetOutcome<'_>> {
        let made = options.vivify.and_then(|expiry| {
            let flags = ItemFlags::WON.and(base64(options.base64));
            let attrs = ItemAttrs::new(Deadline::NEVER, Cas::number(options.cas), flags);
            self.fits(key, 0).ok()?;
            let write = Write::new(key, 0, attrs, &[]);
            self.write(None, &write).ok()?;
            self.parts.stats.total_items += 1;
            let found = self.store().find(key)?;
            Some((found, self.deadline(expiry)))
        });
        let Some((found, deadline)) = made else {
            self.parts.stats.cmd_get += 1;
            self.parts.stats.get_misses += 1;
            return None;
        };
        self.count_hit(&found, options);
        let flags = found.header.flags().and(read(options));
        let mut store = self.store_mut();
        store.set_flags(found.item, flags);
        // Only now: one that has expired already is to be seen once.
        store.set_deadline(found.item, deadline);
        let fetched = self.fetched(&found);
        Some(GetOutcome {
            created: true,
            win: true,
            won: false,
            item: Item {
                expires_at: None,
                ..fetched.item
            },
            ..fetched
        })
    }

    fn count_hit(&mut self, found: &ItemHandle, options: &GetOptions) {
        if options.touch.is_some() {
            self.parts.stats.cmd_touch += 1;
            self.count(found, |stats| stats.touch_hits += 1);
        } else {
            self.parts.stats.cmd_get += 1;
            self.count(found, |stats| stats.get_hits += 1);
        }
    }

    fn fetched(&self, found: &ItemHandle) -> GetOutcome<'_> {
        let flags = found.header.flags();
        GetOutcome {
            item: self.item(found),
            created: false,
            win: false,
            won: flags.has(ItemFlags::WON),
            stale: flags.has(ItemFlags::STALE),
            base64: flags.has(ItemFlags::BASE64),
        }
    }

    /// Whether an item is to be renewed before its time.
    fn is_due(&self, now: Instant, found: &ItemHandle, recache: Recache) -> bool {
        let limit = match recache {
            Recache::Never => return false,
            Recache::Always => return true,
            Recache::EndsBefore(limit) => limit.deadline(now),
        };
        let end = self.parts.clock.instant(found.header.deadline());
        end.zip(limit)
            .is_some_and(|(end, limit)| end.seconds_since(now) < limit.seconds_since(now))
    }

    /// Stores a value as the options say.
    ///
    /// # Errors
    /// As [`set`](Self::set). A value that is too large leaves the old one, unless it would have
    /// been stored whatever was there.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Cas, Config, Instant, SetOptions, SetOutcome};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let mut options = SetOptions::default();
    /// options.cas = Cas::new(20260101);
    /// assert!(cache.set_with(now, "key", "value", &options)?.is_stored());
    /// assert_eq!(cache.get(now, "key").unwrap().cas, Cas::new(20260101));
    /// options.compare = Some(20251231);
    /// assert_eq!(cache.set_with(now, "key", "other", &options)?, SetOutcome::Exists);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_with<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        self.parts.stats.cmd_set += 1;
        let (key, value) = (self.begin(now, key), value.into());
        let len = value.bytes.len();
        let old = self.find(&key);
        let outdated = match self.admit(old.as_ref(), options) {
            Ok(outdated) => outdated,
            Err(outcome) => return Ok(self.refuse(&key, &value, options, outcome)),
        };
        let joins = options.mode.joins();
        if let Some(old) = old.as_ref().filter(|_| joins) {
            return self.join(&key, value.bytes, old, options);
        }
        if options.mode != SetMode::Set || options.compare.is_some() {
            self.fits(&key, len)?;
        }
        let expiry = options.vivify.filter(|_| joins).unwrap_or(value.expiry);
        let deadline = self.deadline(expiry);
        let mut attrs = ItemAttrs::new(deadline, Cas::number(options.cas), base64(options.base64));
        if let Some(old) = old.as_ref().filter(|_| outdated) {
            let kept = old.header.flags().only(ItemFlags::WON);
            attrs.deadline = old.header.deadline();
            attrs.flags = attrs.flags.and(ItemFlags::STALE).and(kept);
        }
        let written = self.put(&key, &value, attrs, old.as_ref())?;
        Ok(self.stored(written, len))
    }

    /// What is said of an item that was stored.
    fn stored(&mut self, Written { cas, class }: Written, len: usize) -> SetOutcome {
        self.parts.count_in(class, |stats| stats.cmd_set += 1);
        let cas = Cas::new(cas);
        SetOutcome::Stored { cas, len }
    }

    /// What is said of one that was not. It counts for the class in which it would have been.
    fn refuse(
        &mut self,
        key: &HashedKey<'_>,
        value: &Value<'_>,
        options: &SetOptions,
        outcome: SetOutcome,
    ) -> SetOutcome {
        let attrs = ItemAttrs::new(Deadline::NEVER, Cas::number(options.cas), ItemFlags::NONE);
        let write = Write::new(key, value.flags, attrs, value.bytes);
        let class = self.parts.class_of_new(&write, value.bytes.len());
        self.parts.count_in(class, |stats| stats.cmd_set += 1);
        outcome
    }

    /// Whether a value may be stored, and if so, whether it is out of date already.
    fn admit(
        &mut self,
        old: Option<&ItemHandle>,
        options: &SetOptions,
    ) -> Result<bool, SetOutcome> {
        match (options.mode, options.compare, old) {
            (SetMode::Set, None, _) => Ok(false),
            (SetMode::Set | SetMode::Replace, Some(cas), old) => {
                self.compare(old, cas, options.invalidate)
            }
            (SetMode::Add, _, None) => Ok(false),
            (SetMode::Add, _, Some(old)) => {
                let mut store = self.store_mut();
                store.bump(old);
                // It was used, but nobody has read it.
                store.set_flags(old.item, old.header.flags());
                Err(SetOutcome::NotStored)
            }
            (SetMode::Replace, None, None) => Err(SetOutcome::NotStored),
            (SetMode::Append | SetMode::Prepend, _, None) => match options.vivify {
                Some(_) => Ok(false),
                None => Err(SetOutcome::NotStored),
            },
            (_, None, Some(_)) => Ok(false),
            (_, Some(cas), Some(old)) if self.has_cas(old, cas) => Ok(false),
            (_, Some(_), Some(_)) => Err(SetOutcome::Exists),
        }
    }

    /// Whether the item has this cas, or one that is allowed to be greater.
    fn compare(
        &mut self,
        old: Option<&ItemHandle>,
        cas: u64,
        lower: bool,
    ) -> Result<bool, SetOutcome> {
        let Some(old) = old else {
            self.parts.stats.cas_misses += 1;
            return Err(SetOutcome::NotFound);
        };
        let current = self.cas(old);
        if self.has_cas(old, cas) || lower && cas < current {
            self.count(old, |stats| stats.cas_hits += 1);
            return Ok(cas != current);
        }
        self.count(old, |stats| stats.cas_badval += 1);
        Err(SetOutcome::Exists)
    }

    /// Adds bytes to a value.
    fn join(
        &mut self,
        key: &HashedKey<'_>,
        bytes: &[u8],
        old: &ItemHandle,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        let len = old.header.value_len().saturating_add(bytes.len());
        self.fits(key, len)?;
        let (front, back): (&[u8], _) = match options.mode {
            SetMode::Append => (&[], bytes),
            _ => (bytes, &[]),
        };
        let flags = old.header.flags().only(ItemFlags::BASE64);
        let write = Write {
            front,
            back,
            join: true,
            ..self.rewrite(key, old, Cas::number(options.cas), flags)
        };
        let written = self.write_again(old, &write)?;
        self.parts.stats.total_items += 1;
        Ok(self.stored(written, len))
    }

    /// Deletes an item, or does what the options say instead.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], if an item stays and room for its new form cannot be made.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, DeleteOptions, DeleteOutcome, GetOptions, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// let mut options = DeleteOptions::default();
    /// options.invalidate = true;
    /// assert_eq!(cache.delete_with(now, "key", &options)?, DeleteOutcome::Deleted);
    /// let fetched = cache.get_with(now, "key", &GetOptions::default()).unwrap();
    /// assert!(fetched.stale && fetched.win);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn delete_with<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        options: &DeleteOptions,
    ) -> Result<DeleteOutcome, Error> {
        let key = self.begin(now, key);
        let Some(found) = self.find(&key) else {
            self.parts.stats.delete_misses += 1;
            return Ok(DeleteOutcome::NotFound);
        };
        if options
            .compare
            .is_some_and(|cas| !self.has_cas(&found, cas))
        {
            self.parts.stats.delete_misses += 1;
            return Ok(DeleteOutcome::Exists);
        }
        if !options.invalidate {
            self.count(&found, |stats| stats.delete_hits += 1);
        }
        if options.clear {
            self.empty(&key, &found, options)?;
        } else if options.invalidate {
            self.invalidate(&key, &found, options)?;
        } else {
            self.store_mut().remove(&found, key.hash);
            self.was_deleted(&key);
        }
        Ok(DeleteOutcome::Deleted)
    }

    /// Puts an empty value in place of an item's.
    fn empty(
        &mut self,
        key: &HashedKey<'_>,
        old: &ItemHandle,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let mut flags = old.header.flags().only(ItemFlags::BASE64);
        let mut cas = Cas::number(options.cas);
        if options.invalidate {
            flags = flags.and(ItemFlags::STALE);
        } else if cas == 0 {
            cas = self.cas(old);
        }
        let deadline = self.deadline(options.touch.unwrap_or_default());
        let attrs = ItemAttrs::new(deadline, cas, flags);
        let value = Value::default().flags(options.flags);
        self.put(key, &value, attrs, Some(old)).map(|_| ())
    }

    /// Marks an item as out of date, whoever was told to renew it before.
    fn invalidate(
        &mut self,
        key: &HashedKey<'_>,
        old: &ItemHandle,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let kept = ItemFlags::FETCHED.and(ItemFlags::BASE64);
        let flags = old.header.flags().only(kept).and(ItemFlags::STALE);
        let cas = self.parts.cas.next(Cas::number(options.cas));
        let touched = options.touch.map(|expiry| self.deadline(expiry));
        let mut store = self.store_mut();
        if store.revise(old.item, flags, cas) {
            if let Some(deadline) = touched {
                store.set_deadline(old.item, deadline);
            }
            return Ok(());
        }
        let mut write = self.rewrite(key, old, cas, flags);
        write.attrs.deadline = touched.unwrap_or(write.attrs.deadline);
        write.join = true;
        self.write_again(old, &write).map(|_| ())
    }

    /// Calculates with a decimal number.
    ///
    /// # Errors
    /// [`Error::NotANumber`]; otherwise as [`set`](Self::set).
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, ArithmeticOptions, Config, Expiry, Instant};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let mut options = ArithmeticOptions::default();
    /// options.initial = Some((100, Expiry::Never));
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number(), Some(100));
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number(), Some(101));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn arithmetic_with<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        let key = self.begin(now, key);
        let Some(old) = self.find(&key) else {
            return self.initial(&key, options);
        };
        let expires_at = self.parts.clock.instant(old.header.deadline());
        let value = Bytes::new(self.store().value(&old));
        let len = value.len();
        // As in memcached, an empty value is no number before anything is compared.
        if len == 0 {
            return Err(Error::NotANumber);
        }
        if options.compare.is_some_and(|cas| !self.has_cas(&old, cas)) {
            return Ok(ArithmeticOutcome::Exists);
        }
        let mut text = [0; number::DIGITS_MAX];
        let text = value.copy_to(&mut text).ok_or(Error::NotANumber)?;
        let number = number::parse(text).ok_or(Error::NotANumber)?;
        let number = if options.decrement {
            number.saturating_sub(options.delta)
        } else {
            number.wrapping_add(options.delta)
        };
        let digits = number::Digits::new(number);
        let digits = digits.as_bytes();
        // What keeps its length is the same item, changed in place.
        let is_new = digits.len() > len;
        let flags = match is_new {
            true => old.header.flags().only(ItemFlags::BASE64),
            false => old.header.flags(),
        };
        let mut write = self.rewrite(&key, &old, Cas::number(options.cas), flags);
        (write.front, write.back) = (digits, number::padding(digits.len(), len));
        if let Some(expiry) = options.touch {
            write.attrs.deadline = self.deadline(expiry);
        }
        self.count(&old, |stats| {
            *match options.decrement {
                true => &mut stats.decr_hits,
                false => &mut stats.incr_hits,
            } += 1;
        });
        let Written { cas, .. } = self.write_again(&old, &write)?;
        self.parts.stats.total_items += u64::from(is_new);
        Ok(ArithmeticOutcome::Stored {
            number,
            cas: Cas::new(cas),
            created: false,
            expires_at,
        })
    }

    /// What a calculation that found nothing makes.
    fn initial(
        &mut self,
        key: &HashedKey<'_>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        let Some((number, expiry)) = options.initial else {
            let stats = &mut self.parts.stats;
            *match options.decrement {
                true => &mut stats.decr_misses,
                false => &mut stats.incr_misses,
            } += 1;
            return Ok(ArithmeticOutcome::NotFound);
        };
        let digits = number::Digits::new(number);
        let deadline = self.deadline(expiry);
        let attrs = ItemAttrs::new(deadline, Cas::number(options.cas), base64(options.base64));
        let Written { cas, .. } = self.put(key, &digits.as_bytes().into(), attrs, None)?;
        Ok(ArithmeticOutcome::Stored {
            number,
            cas: Cas::new(cas),
            created: true,
            expires_at: None,
        })
    }

    /// The cas of an item.
    pub(super) fn cas(&self, found: &ItemHandle) -> u64 {
        self.store().cas(found)
    }

    /// Whether an item has this cas; one that has none has not even 0.
    fn has_cas(&self, found: &ItemHandle, cas: u64) -> bool {
        cas != 0 && cas == self.cas(found)
    }

    #[inline(never)]
    fn write_again(&mut self, old: &ItemHandle, write: &Write<'_>) -> Result<Written, Error> {
        self.write(Some(old), write)
    }

    /// Another value for an item that keeps its flags and deadline.
    fn rewrite<'w>(
        &self,
        key: &HashedKey<'w>,
        old: &ItemHandle,
        cas: u64,
        flags: ItemFlags,
    ) -> Write<'w> {
        let attrs = ItemAttrs::new(old.header.deadline(), cas, flags);
        Write::new(key, old.header.client_flags(), attrs, &[])
    }
}

/// What a lookup records about an item.
const fn read(options: &GetOptions) -> ItemFlags {
    match options.no_bump {
        true => ItemFlags::NONE,
        false => ItemFlags::FETCHED,
    }
}

const fn base64(is_base64: bool) -> ItemFlags {
    match is_base64 {
        true => ItemFlags::BASE64,
        false => ItemFlags::NONE,
    }
}
