//! The general operations: the plain ones with every condition and effect that a client of the meta
//! commands can ask for.

use super::Cache;
use crate::number;
use crate::options::{
    ArithmeticOptions, ArithmeticOutcome, DeleteOptions, GetOptions, GetOutcome, Recache,
};
use crate::options::{SetMode, SetOptions, SetOutcome};
use crate::storage::{Deadline, Facts, Found, Notes, Write, Written};
use crate::{Error, Instant, Item, Key, Memory, Outcome, Value};

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
        let (key, time) = (self.hashed(key), self.begin(now));
        let Some(found) = self.find(time, &key) else {
            return self.vivify(time, &key, options);
        };
        self.count_hit(&found, options);
        let notes = found.head.notes();
        let due = notes.has(Notes::STALE) || self.is_due(now, &found, options.recache);
        let win = due && !notes.has(Notes::WON);
        let touched = options.touch.map(|expiry| self.deadline(expiry));
        let memory = self.memory.bytes_mut();
        if !options.no_bump {
            self.store.bump(memory, &found);
        }
        if win {
            let notes = notes.and(read(options)).and(Notes::WON);
            self.store.set_notes(memory, found.item, notes);
        }
        if let Some(deadline) = touched {
            self.store.set_deadline(memory, found.item, deadline);
        }
        Some(GetOutcome {
            win,
            created: false,
            ..self.fetched(&found)
        })
    }

    /// What a lookup that found nothing makes.
    #[cold]
    fn vivify(&mut self, time: u64, key: &Key<'_>, options: &GetOptions) -> Option<GetOutcome<'_>> {
        let hash = self.hasher().hash(key);
        let made = options.vivify.and_then(|expiry| {
            let notes = Notes::WON.and(base64(options.base64));
            let facts = Facts::new(Deadline::NEVER, options.cas, notes);
            self.fits(key, 0).ok()?;
            let write = Write::new(key.bytes, hash, 0, facts, &[]);
            self.write(time, None, &write).ok()?;
            self.store.stats.total_items += 1;
            let found = self.store.find(self.memory.bytes(), hash, key.bytes)?;
            Some((found, self.deadline(expiry)))
        });
        let Some((found, deadline)) = made else {
            self.store.stats.cmd_get += 1;
            self.store.stats.get_misses += 1;
            return None;
        };
        self.count_hit(&found, options);
        let notes = found.head.notes().and(read(options));
        let memory = self.memory.bytes_mut();
        self.store.set_notes(memory, found.item, notes);
        // Only now: one that is over already is to be seen once.
        self.store.set_deadline(memory, found.item, deadline);
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

    fn count_hit(&mut self, found: &Found, options: &GetOptions) {
        if options.touch.is_some() {
            self.store.stats.cmd_touch += 1;
            self.count(found, |stats| stats.touch_hits += 1);
        } else {
            self.store.stats.cmd_get += 1;
            self.count(found, |stats| stats.get_hits += 1);
        }
    }

    fn fetched(&self, found: &Found) -> GetOutcome<'_> {
        let notes = found.head.notes();
        GetOutcome {
            item: self.item(found),
            created: false,
            win: false,
            won: notes.has(Notes::WON),
            stale: notes.has(Notes::STALE),
            base64: notes.has(Notes::BASE64),
        }
    }

    /// Whether an item is to be renewed before its time.
    fn is_due(&self, now: Instant, found: &Found, recache: Recache) -> bool {
        let limit = match recache {
            Recache::Never => return false,
            Recache::Always => return true,
            Recache::EndsBefore(limit) => limit.deadline(now),
        };
        let end = self.store.clock.instant(found.head.deadline());
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
    /// use dynamidb_core::{Cache, Config, Instant, Outcome, SetOptions};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// let mut options = SetOptions::default();
    /// options.cas = 20260101;
    /// assert_eq!(cache.set_with(now, "key", "value", &options)?.cas, 20260101);
    /// options.compare = Some(20251231);
    /// let stored = cache.set_with(now, "key", "other", &options)?;
    /// assert_eq!(stored.outcome, Outcome::Exists);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn set_with<'k, 'v>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        value: impl Into<Value<'v>>,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        self.store.stats.cmd_set += 1;
        let (key, value, time) = (self.hashed(key), value.into(), self.begin(now));
        let len = value.bytes.len();
        let old = self.find(time, &key);
        let outdated = match self.admit(old.as_ref(), options) {
            Ok(outdated) => outdated,
            Err(outcome) => return Ok(self.refuse(&key, &value, options, outcome)),
        };
        let joins = options.mode.joins();
        if let Some(old) = old.as_ref().filter(|_| joins) {
            return self.join(time, &key, value.bytes, old, options);
        }
        if options.mode != SetMode::Set || options.compare.is_some() {
            self.fits(&key, len)?;
        }
        let expiry = options.vivify.filter(|_| joins).unwrap_or(value.expiry);
        let deadline = self.deadline(expiry);
        let mut facts = Facts::new(deadline, options.cas, base64(options.base64));
        if let Some(old) = old.as_ref().filter(|_| outdated) {
            let kept = old.head.notes().only(Notes::WON);
            facts.deadline = old.head.deadline();
            facts.notes = facts.notes.and(Notes::STALE).and(kept);
        }
        let written = self.put(time, &key, &value, facts, old.as_ref())?;
        Ok(self.stored(written, len))
    }

    /// What is said of an item that was stored.
    fn stored(&mut self, Written { cas, class }: Written, len: usize) -> SetOutcome {
        self.store.count_in(class, |stats| stats.cmd_set += 1);
        let outcome = Outcome::Stored;
        SetOutcome { outcome, cas, len }
    }

    /// What is said of one that was not. It counts for the class in which it would have been.
    fn refuse(
        &mut self,
        key: &Key<'_>,
        value: &Value<'_>,
        options: &SetOptions,
        outcome: Outcome,
    ) -> SetOutcome {
        let facts = Facts::new(Deadline::NEVER, options.cas, Notes::NONE);
        let write = Write::new(key.bytes, 0, value.flags, facts, value.bytes);
        let (cas, len) = (0, value.bytes.len());
        let class = self.store.class_of_new(&write, len);
        let refused = Written { cas, class };
        SetOutcome {
            outcome,
            ..self.stored(refused, len)
        }
    }

    /// Whether a value may be stored, and if so, whether it is out of date already.
    fn admit(&mut self, old: Option<&Found>, options: &SetOptions) -> Result<bool, Outcome> {
        match (options.mode, options.compare, old) {
            (SetMode::Set, None, _) => Ok(false),
            (SetMode::Set | SetMode::Replace, Some(cas), old) => {
                self.compare(old, cas, options.invalidate)
            }
            (SetMode::Add, _, None) => Ok(false),
            (SetMode::Add, _, Some(old)) => {
                let memory = self.memory.bytes_mut();
                self.store.bump(memory, old);
                // It was used, but nobody has read it.
                self.store.set_notes(memory, old.item, old.head.notes());
                Err(Outcome::NotStored)
            }
            (SetMode::Replace, None, None) => Err(Outcome::NotStored),
            (SetMode::Append | SetMode::Prepend, _, None) => match options.vivify {
                Some(_) => Ok(false),
                None => Err(Outcome::NotStored),
            },
            (_, None, Some(_)) => Ok(false),
            (_, Some(cas), Some(old)) if self.has_cas(old, cas) => Ok(false),
            (_, Some(_), Some(_)) => Err(Outcome::Exists),
        }
    }

    /// Whether the item has this cas, or one that is allowed to be greater.
    fn compare(&mut self, old: Option<&Found>, cas: u64, lower: bool) -> Result<bool, Outcome> {
        let Some(old) = old else {
            self.store.stats.cas_misses += 1;
            return Err(Outcome::NotFound);
        };
        let current = self.cas(old);
        if self.has_cas(old, cas) || lower && cas < current {
            self.count(old, |stats| stats.cas_hits += 1);
            return Ok(cas != current);
        }
        self.count(old, |stats| stats.cas_badval += 1);
        Err(Outcome::Exists)
    }

    /// Adds bytes to a value.
    fn join(
        &mut self,
        time: u64,
        key: &Key<'_>,
        bytes: &[u8],
        old: &Found,
        options: &SetOptions,
    ) -> Result<SetOutcome, Error> {
        let len = old.head.value_len().saturating_add(bytes.len());
        self.fits(key, len)?;
        let (front, back): (&[u8], _) = match options.mode {
            SetMode::Append => (&[], bytes),
            _ => (bytes, &[]),
        };
        let notes = old.head.notes().only(Notes::BASE64);
        let write = Write {
            front,
            back,
            join: true,
            ..self.rewrite(key, old, options.cas, notes)
        };
        let written = self.write_again(time, old, &write)?;
        self.store.stats.total_items += 1;
        Ok(self.stored(written, len))
    }

    /// Deletes an item, or does what the options say instead.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], if an item stays and room for its new form cannot be made.
    ///
    /// # Examples
    /// ```
    /// use dynamidb_core::{Cache, Config, DeleteOptions, GetOptions, Instant, Outcome};
    ///
    /// let mut cache = Cache::new(Config::new(64 * 1024))?;
    /// let now = Instant::from_secs(0);
    /// cache.set(now, "key", "value")?;
    /// let mut options = DeleteOptions::default();
    /// options.invalidate = true;
    /// assert_eq!(cache.delete_with(now, "key", &options)?, Outcome::Deleted);
    /// let fetched = cache.get_with(now, "key", &GetOptions::default()).unwrap();
    /// assert!(fetched.stale && fetched.win);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn delete_with<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        options: &DeleteOptions,
    ) -> Result<Outcome, Error> {
        let (key, time) = (self.hashed(key), self.begin(now));
        let Some(found) = self.find(time, &key) else {
            self.store.stats.delete_misses += 1;
            return Ok(Outcome::NotFound);
        };
        if options
            .compare
            .is_some_and(|cas| !self.has_cas(&found, cas))
        {
            self.store.stats.delete_misses += 1;
            return Ok(Outcome::Exists);
        }
        if !options.invalidate {
            self.count(&found, |stats| stats.delete_hits += 1);
        }
        if options.clear {
            self.empty(time, &key, &found, options)?;
        } else if options.invalidate {
            self.invalidate(time, &key, &found, options)?;
        } else {
            let hash = self.hasher().hash(&key);
            self.store.remove(self.memory.bytes_mut(), &found, hash);
        }
        Ok(Outcome::Deleted)
    }

    /// Puts an empty value in place of an item's.
    fn empty(
        &mut self,
        time: u64,
        key: &Key<'_>,
        old: &Found,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let mut notes = old.head.notes().only(Notes::BASE64);
        let mut cas = options.cas;
        if options.invalidate {
            notes = notes.and(Notes::STALE);
        } else if cas == 0 {
            cas = self.cas(old);
        }
        let deadline = self.deadline(options.touch.unwrap_or_default());
        let facts = Facts::new(deadline, cas, notes);
        let value = Value::default().flags(options.flags);
        self.put(time, key, &value, facts, Some(old)).map(|_| ())
    }

    /// Marks an item as out of date, whoever was told to renew it before.
    fn invalidate(
        &mut self,
        time: u64,
        key: &Key<'_>,
        old: &Found,
        options: &DeleteOptions,
    ) -> Result<(), Error> {
        let kept = Notes::FETCHED.and(Notes::BASE64);
        let notes = old.head.notes().only(kept).and(Notes::STALE);
        let cas = self.store.cas.next(options.cas);
        let touched = options.touch.map(|expiry| self.deadline(expiry));
        let memory = self.memory.bytes_mut();
        if self.store.revise(memory, old.item, notes, cas) {
            if let Some(deadline) = touched {
                self.store.set_deadline(memory, old.item, deadline);
            }
            return Ok(());
        }
        let mut write = self.rewrite(key, old, cas, notes);
        write.facts.deadline = touched.unwrap_or(write.facts.deadline);
        write.join = true;
        self.write_again(time, old, &write).map(|_| ())
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
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number, 100);
    /// assert_eq!(cache.arithmetic_with(now, "ticket", &options)?.number, 101);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn arithmetic_with<'k>(
        &mut self,
        now: Instant,
        key: impl Into<Key<'k>>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        let (key, time) = (self.hashed(key), self.begin(now));
        let Some(old) = self.find(time, &key) else {
            return self.initial(time, &key, options);
        };
        let item = self.item(&old);
        let (expires_at, len) = (item.expires_at, item.value.len());
        // As in memcached, an empty value is no number before anything is compared.
        if len == 0 {
            return Err(Error::NotANumber);
        }
        if options.compare.is_some_and(|cas| !self.has_cas(&old, cas)) {
            return Ok(ArithmeticOutcome::not(Outcome::Exists));
        }
        let number = number::parse(&item.value).ok_or(Error::NotANumber)?;
        let number = if options.decrement {
            number.saturating_sub(options.delta)
        } else {
            number.wrapping_add(options.delta)
        };
        let digits = number::Digits::new(number);
        let digits = digits.as_bytes();
        // What keeps its length is the same item, changed in place.
        let is_new = digits.len() > len;
        let notes = match is_new {
            true => old.head.notes().only(Notes::BASE64),
            false => old.head.notes(),
        };
        let mut write = self.rewrite(&key, &old, options.cas, notes);
        (write.front, write.back) = (digits, number::padding(digits.len(), len));
        if let Some(expiry) = options.touch {
            write.facts.deadline = self.deadline(expiry);
        }
        self.count(&old, |stats| {
            *match options.decrement {
                true => &mut stats.decr_hits,
                false => &mut stats.incr_hits,
            } += 1;
        });
        let Written { cas, .. } = self.write_again(time, &old, &write)?;
        self.store.stats.total_items += u64::from(is_new);
        Ok(ArithmeticOutcome {
            outcome: Outcome::Stored,
            number,
            cas,
            created: false,
            expires_at,
        })
    }

    /// What a calculation that found nothing makes.
    fn initial(
        &mut self,
        time: u64,
        key: &Key<'_>,
        options: &ArithmeticOptions,
    ) -> Result<ArithmeticOutcome, Error> {
        let Some((number, expiry)) = options.initial else {
            let stats = &mut self.store.stats;
            *match options.decrement {
                true => &mut stats.decr_misses,
                false => &mut stats.incr_misses,
            } += 1;
            return Ok(ArithmeticOutcome::not(Outcome::NotFound));
        };
        let digits = number::Digits::new(number);
        let deadline = self.deadline(expiry);
        let facts = Facts::new(deadline, options.cas, base64(options.base64));
        let Written { cas, .. } = self.put(time, key, &digits.as_bytes().into(), facts, None)?;
        Ok(ArithmeticOutcome {
            number,
            cas,
            created: true,
            ..ArithmeticOutcome::not(Outcome::Stored)
        })
    }

    /// The cas of an item.
    pub(super) fn cas(&self, found: &Found) -> u64 {
        self.store.cas(self.memory.bytes(), found)
    }

    /// Whether an item has this cas; one that has none has not even 0.
    fn has_cas(&self, found: &Found, cas: u64) -> bool {
        cas != 0 && cas == self.cas(found)
    }

    #[inline(never)]
    fn write_again(&mut self, time: u64, old: &Found, write: &Write<'_>) -> Result<Written, Error> {
        self.write(time, Some(old), write)
    }

    /// Another value for an item that keeps its flags and deadline.
    fn rewrite<'w>(&self, key: &Key<'w>, old: &Found, cas: u64, notes: Notes) -> Write<'w> {
        let (hash, flags) = (self.hasher().hash(key), old.head.flags());
        let facts = Facts::new(old.head.deadline(), cas, notes);
        Write::new(key.bytes, hash, flags, facts, &[])
    }
}

impl ArithmeticOutcome {
    const fn not(outcome: Outcome) -> Self {
        Self {
            outcome,
            number: 0,
            cas: 0,
            created: false,
            expires_at: None,
        }
    }
}

/// What a lookup notes about an item.
const fn read(options: &GetOptions) -> Notes {
    match options.no_bump {
        true => Notes::NONE,
        false => Notes::FETCHED,
    }
}

const fn base64(is_base64: bool) -> Notes {
    match is_base64 {
        true => Notes::BASE64,
        false => Notes::NONE,
    }
}
