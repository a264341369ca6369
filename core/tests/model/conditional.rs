//! The conditional operations, with all their conditions and effects, against the model.

use dynamidb_core::{
    ArithmeticOptions, ArithmeticOutcome, Cas, DeleteOptions, DeleteOutcome, Error, GetOptions,
    Instant, Recache, SetMode, SetOptions, SetOutcome, Value,
};

use super::{Entry, Run, same};

impl Run {
    /// One operation with options.
    pub(super) fn with_options(&mut self, key: &[u8]) {
        match self.random.below(8) {
            0..=2 => self.get_with(key),
            3 | 4 => self.set_with(key),
            5 | 6 => self.delete_with(key),
            _ => self.arithmetic_with(key),
        }
    }

    fn chance(&mut self, times: u64) -> bool {
        self.random.below(times) == 0
    }

    /// A cas for an item: mostly the next, sometimes a small or a very large one.
    fn wanted_cas(&mut self) -> Option<Cas> {
        Cas::new(match self.random.below(6) {
            0 => 1 + self.random.below(1000),
            1 => self.random.next() | 1 << 63,
            _ => 0,
        })
    }

    /// The cas of an item; 0 if it has none.
    pub(super) fn cas(&self, key: &[u8]) -> Option<u64> {
        let item = self.cache.peek(self.now, key)?;
        Some(item.cas.map_or(0, Cas::get))
    }

    /// A cas to compare with: that of the item, one less or one more, or none.
    fn compared(&mut self, key: &[u8]) -> (Option<u64>, Option<u64>) {
        let current = self.cas(key);
        let about = current.unwrap_or(7);
        let given = match self.random.below(6) {
            0 | 1 => Some(about),
            2 => Some(about.saturating_sub(1)),
            3 => Some(about.saturating_add(1)),
            _ => None,
        };
        (given, current)
    }

    /// Whether this is no cas that the item can have; an item without a cas has not even 0.
    fn differs((given, current): (Option<u64>, Option<u64>)) -> bool {
        given.is_some_and(|cas| cas == 0 || given != current)
    }

    /// Where the live item is in the model.
    fn place(&self, key: &[u8]) -> Option<usize> {
        let live = |entry: &Entry| entry.deadline.is_none_or(|end| end > self.now);
        let is_it = |entry: &Entry| entry.key == key && live(entry);
        self.model.items.iter().position(is_it)
    }

    /// An item that was written; it has this cas, or one that the cache chose.
    fn has_cas(&self, key: &[u8], wanted: Option<Cas>, got: Option<Cas>) {
        assert!(got == wanted || wanted.is_none() && got.is_some() != self.compact);
        if let Some(item) = self.cache.peek(self.now, key) {
            assert_eq!(item.cas, got);
        }
    }

    fn get_with(&mut self, key: &[u8]) {
        let mut options = GetOptions::default();
        options.no_bump = self.chance(3);
        let (touch, ends) = self.expiry();
        options.touch = self.chance(4).then_some(touch);
        let (vivify, vivified) = self.expiry();
        options.vivify = self.chance(3).then_some(vivify);
        options.cas = self.wanted_cas();
        options.base64 = self.chance(2);
        let (limit, _) = self.expiry();
        options.recache = match self.random.below(4) {
            0 => Recache::Always,
            1 => Recache::EndsBefore(limit),
            _ => Recache::Never,
        };
        let at = self.place(key);
        let fetched = self.cache.get_with(self.now, key, &options);
        let Some(at) = at else {
            assert_eq!(fetched.is_some(), options.vivify.is_some());
            let Some(fetched) = fetched else { return };
            assert!(fetched.created && fetched.win && !fetched.won && !fetched.stale);
            assert!(fetched.item.value.is_empty() && fetched.base64 == options.base64);
            assert!(fetched.item.cas == options.cas || options.cas.is_none());
            let entry = Entry {
                key: key.to_vec(),
                deadline: vivified,
                won: true,
                base64: options.base64,
                ..Entry::default()
            };
            self.model.put(self.now, entry);
            return;
        };
        let fetched = fetched.expect("the model has it");
        let mut entry = self.model.items.remove(at);
        let seconds = |end: Instant| end.since(self.now).as_millis().div_ceil(1000);
        let due = match options.recache {
            Recache::EndsBefore(limit) => {
                let limit = limit.deadline(self.now);
                let ends = entry.deadline.zip(limit);
                ends.is_some_and(|(end, limit)| seconds(end) < seconds(limit))
            }
            other => other == Recache::Always,
        };
        assert_eq!(fetched.win, (due || entry.stale) && !entry.won);
        let marks = (fetched.stale, fetched.won, fetched.base64);
        assert_eq!(marks, (entry.stale, entry.won, entry.base64));
        assert!(!fetched.created);
        entry.won |= fetched.win;
        same(Some(fetched.item), Some(&entry));
        if options.touch.is_some() {
            entry.deadline = ends;
        }
        self.model
            .items
            .insert(if options.no_bump { at } else { 0 }, entry);
    }

    fn set_with(&mut self, key: &[u8]) {
        let bytes = self.bytes();
        let (value, deadline) = self.value(&bytes);
        let mut options = SetOptions::default();
        options.mode = [
            SetMode::Set,
            SetMode::Add,
            SetMode::Replace,
            SetMode::Append,
            SetMode::Prepend,
        ][self.random.below(5) as usize];
        let (given, current) = self.compared(key);
        options.compare = given;
        options.cas = self.wanted_cas();
        options.invalidate = self.chance(3);
        let (vivify, vivified) = self.expiry();
        options.vivify = self.chance(3).then_some(vivify);
        options.base64 = self.chance(3);
        let joins = matches!(options.mode, SetMode::Append | SetMode::Prepend);
        let at = self.place(key);
        let differs = Self::differs((given, current));
        let older = given < current && options.invalidate;
        let refusal = match (options.mode, at) {
            (SetMode::Set, _) if given.is_none() => None,
            (SetMode::Add, None) => None,
            (SetMode::Add, Some(_)) => Some(SetOutcome::NotStored),
            (SetMode::Set | SetMode::Replace, None) if given.is_some() => {
                Some(SetOutcome::NotFound)
            }
            (SetMode::Set | SetMode::Replace, Some(_)) if differs && !older => {
                Some(SetOutcome::Exists)
            }
            (SetMode::Replace, None) => Some(SetOutcome::NotStored),
            (_, None) if options.vivify.is_none() => Some(SetOutcome::NotStored),
            (_, Some(_)) if joins && differs => Some(SetOutcome::Exists),
            _ => None,
        };
        let old_len = at
            .filter(|_| joins)
            .map(|at| self.model.items[at].value.len());
        let len = bytes.len() + old_len.unwrap_or(0);
        let result = self.cache.set_with(self.now, key, value, &options);
        if refusal.is_none() && key.len() + len > self.item_size_max {
            assert_eq!(result, Err(Error::ValueTooLarge));
            if options.mode == SetMode::Set && given.is_none() {
                self.model.take(self.now, key);
            }
            return;
        }
        let outcome = result.expect("a store was refused");
        if let Some(refusal) = refusal {
            assert_eq!(outcome, refusal);
            if let Some(at) = at.filter(|_| options.mode == SetMode::Add) {
                let entry = self.model.items.remove(at);
                self.model.items.insert(0, entry);
            }
            return;
        }
        let SetOutcome::Stored { cas, len: stored } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(stored, len);
        self.has_cas(key, options.cas, cas);
        let old = at.map(|at| self.model.items.remove(at));
        let deadline = if joins { vivified } else { deadline };
        let entry = self.stored(key, value, deadline, &options, old, differs);
        self.model.put(self.now, entry);
    }

    /// What a store leaves in place of `old`.
    fn stored(
        &self,
        key: &[u8],
        value: Value<'_>,
        deadline: Option<Instant>,
        options: &SetOptions,
        old: Option<Entry>,
        differs: bool,
    ) -> Entry {
        let new = Entry {
            key: key.to_vec(),
            value: value.bytes.to_vec(),
            flags: value.flags,
            deadline,
            base64: options.base64,
            ..Entry::default()
        };
        match (options.mode, old) {
            (SetMode::Append | SetMode::Prepend, Some(old)) => Entry {
                value: match options.mode {
                    SetMode::Append => [old.value, new.value].concat(),
                    _ => [new.value, old.value].concat(),
                },
                stale: false,
                won: false,
                ..old
            },
            (SetMode::Set | SetMode::Replace, Some(old)) if differs => Entry {
                deadline: old.deadline,
                won: old.won,
                stale: true,
                ..new
            },
            _ => new,
        }
    }

    fn delete_with(&mut self, key: &[u8]) {
        let mut options = DeleteOptions::default();
        let (given, current) = self.compared(key);
        options.compare = given;
        options.invalidate = self.chance(2);
        options.clear = self.chance(3);
        options.cas = self.wanted_cas();
        let (touch, ends) = self.expiry();
        options.touch = self.chance(3).then_some(touch);
        options.flags = self.random.below(2) as u32;
        let result = self.cache.delete_with(self.now, key, &options);
        let Some(at) = self.place(key) else {
            assert_eq!(result, Ok(DeleteOutcome::NotFound));
            return;
        };
        if Self::differs((given, current)) {
            assert_eq!(result, Ok(DeleteOutcome::Exists));
            return;
        }
        assert_eq!(result, Ok(DeleteOutcome::Deleted));
        let mut entry = self.model.items.remove(at);
        if options.clear {
            let (value, flags) = (Vec::new(), options.flags);
            let (stale, won) = (options.invalidate, false);
            let deadline = ends.filter(|_| options.touch.is_some());
            let cleared = Entry {
                value,
                flags,
                deadline,
                stale,
                won,
                ..entry
            };
            self.model.put(self.now, cleared);
        } else if options.invalidate {
            (entry.stale, entry.won) = (true, false);
            if options.touch.is_some() {
                entry.deadline = ends;
            }
            self.model.items.insert(at, entry);
            // A cas that does not fit the header moves the item, which makes it the newest.
            let fits = |cas: Cas| u32::try_from(cas.get()).is_ok() && !self.compact;
            if options.cas.is_some_and(|cas| !fits(cas)) {
                self.reorder();
            }
        }
        if options.cas.is_some() && (options.clear || options.invalidate) {
            self.has_cas(key, options.cas, options.cas);
        }
    }

    fn arithmetic_with(&mut self, key: &[u8]) {
        let mut options = ArithmeticOptions::default();
        options.delta = self.random.below(2000);
        options.decrement = self.chance(2);
        let (initial, vivified) = self.expiry();
        let start = self.random.next() >> self.random.below(64);
        options.initial = self.chance(2).then_some((start, initial));
        let (given, current) = self.compared(key);
        options.compare = given;
        options.cas = self.wanted_cas();
        let (touch, ends) = self.expiry();
        options.touch = self.chance(3).then_some(touch);
        options.base64 = self.chance(2);
        let result = self.cache.arithmetic_with(self.now, key, &options);
        let Some(at) = self.place(key) else {
            let outcome = result.expect("there is no number to be wrong");
            assert_eq!(
                outcome != ArithmeticOutcome::NotFound,
                options.initial.is_some()
            );
            if let ArithmeticOutcome::Stored { cas, created, .. } = outcome {
                assert!(created);
                self.has_cas(key, options.cas, cas);
                let entry = Entry {
                    key: key.to_vec(),
                    value: start.to_string().into_bytes(),
                    deadline: vivified,
                    base64: options.base64,
                    ..Entry::default()
                };
                self.model.put(self.now, entry);
            }
            return;
        };
        let (number, cas, expires_at) = match result {
            Err(error) => return assert_eq!(error, Error::NotANumber),
            Ok(ArithmeticOutcome::Stored {
                number,
                cas,
                created: false,
                expires_at,
                ..
            }) => (number, cas, expires_at),
            Ok(outcome) => {
                assert_eq!(outcome, ArithmeticOutcome::Exists);
                return assert!(Self::differs((given, current)));
            }
        };
        assert!(!Self::differs((given, current)));
        self.has_cas(key, options.cas, cas);
        let mut entry = self.model.items.remove(at);
        assert_eq!(expires_at, entry.deadline);
        let width = entry.value.len();
        entry.value = format!("{number:<width$}").into_bytes();
        let same = entry.value.len() == width;
        (entry.stale, entry.won) = (entry.stale && same, entry.won && same);
        if options.touch.is_some() {
            entry.deadline = ends;
        }
        self.model.put(self.now, entry);
    }
}
