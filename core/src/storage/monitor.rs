//! What those who monitor a server ask for: what happened to the items of each slab class, and
//! whether a key that is missing has expired. There is nothing of this without the feature
//! `monitoring`: the tables are empty then, and the compiler removes the code that fills them.

use super::arena::Page;
use super::class::{CLASSES, Class};
use crate::ClassStats;

/// Whether there is any of this.
pub(crate) const ON: bool = cfg!(feature = "monitoring");

/// How many classes are counted.
const COUNTED: usize = if ON { CLASSES } else { 0 };

/// How many expired keys are remembered at most: one for each value of the low bits of a hash.
const EXPIRED_MAX: usize = if ON { 4096 } else { 0 };

/// The class in which an item counts; without the feature there is none, and this takes no room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted([Class; ON as usize]);

impl Counted {
    #[inline]
    pub(crate) const fn new(class: Class) -> Self {
        Self([class; ON as usize])
    }
}

/// The class of each page once more, a byte each: the records of pages are 32 times as far apart,
/// and whoever finds an item has no need of them otherwise.
#[derive(Debug)]
pub(crate) struct PageClasses([ClassTable; ON as usize]);

#[cfg(feature = "monitoring")]
type ClassTable = alloc::vec::Vec<u8>;
#[cfg(not(feature = "monitoring"))]
type ClassTable = [u8; 0];

#[cfg(feature = "monitoring")]
fn class_table(pages: u32) -> ClassTable {
    alloc::vec![0; pages as usize]
}

#[cfg(not(feature = "monitoring"))]
const fn class_table(_: u32) -> ClassTable {
    []
}

impl PageClasses {
    /// For this many pages. What is never written takes no memory.
    pub(crate) fn new(pages: u32) -> Self {
        Self([(); ON as usize].map(|()| class_table(pages)))
    }

    #[inline]
    pub(crate) fn set(&mut self, page: Page, class: u8) {
        for classes in &mut self.0 {
            if let Some(known) = classes.get_mut(page.0 as usize) {
                *known = class;
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, page: Page) -> Counted {
        let class = |of: &ClassTable| of.get(page.0 as usize).copied().unwrap_or(0);
        Counted(self.0.each_ref().map(|of| Class(class(of))))
    }
}

#[derive(Debug)]
pub(crate) struct Monitor {
    classes: [ClassStats; COUNTED],
    /// Further bits of the hashes of keys that have expired; 0 is none.
    expired: [u32; EXPIRED_MAX],
}

impl Monitor {
    pub(crate) fn new() -> Self {
        Self {
            classes: [ClassStats::default(); COUNTED],
            expired: [0; EXPIRED_MAX],
        }
    }

    /// Changes what is counted of a class.
    #[inline]
    pub(crate) fn count(&mut self, Counted(class): Counted, count: impl Fn(&mut ClassStats)) {
        for Class(class) in class {
            // No class has a number beyond the last one; saying so spares a branch.
            count(&mut self.classes[usize::from(class) % CLASSES]);
        }
    }

    /// What was counted of each class; nothing if there is none of this.
    pub(crate) const fn classes(&self) -> &[ClassStats] {
        &self.classes
    }

    /// Sets to zero what counts events.
    pub(crate) fn reset(&mut self) {
        for class in &mut self.classes {
            *class = ClassStats {
                mem_requested: class.mem_requested,
                ..ClassStats::default()
            };
        }
    }

    /// There are no items any more, and none that has expired.
    pub(crate) fn clear(&mut self) {
        for class in &mut self.classes {
            class.mem_requested = 0;
        }
        self.expired = [0; EXPIRED_MAX];
    }

    /// Remembers a key that has expired before anybody asked for it.
    pub(crate) fn expire(&mut self, hash: u64) {
        if let Some(tag) = self.expired.get_mut(place(hash)) {
            *tag = tag_of(hash);
        }
    }

    /// Whether a missing key is one of those. The next lookup is an ordinary miss.
    #[inline]
    pub(crate) fn take_expired(&mut self, hash: u64) -> bool {
        match self.expired.get_mut(place(hash)) {
            Some(tag) if *tag == tag_of(hash) => {
                *tag = 0;
                true
            }
            _ => false,
        }
    }
}

const fn place(hash: u64) -> usize {
    hash as usize & EXPIRED_MAX.saturating_sub(1)
}

/// Bits that do not decide the place; never 0.
const fn tag_of(hash: u64) -> u32 {
    (hash >> 16) as u32 | 1
}

#[cfg(all(test, feature = "monitoring"))]
mod tests {
    use super::*;

    #[test]
    fn an_expired_key_is_found_once_until_another_takes_its_place() {
        let mut monitor = Monitor::new();
        let hash = |number: u64| number | number << 20;
        let last = EXPIRED_MAX as u64 - 1;
        (0..=last).for_each(|number| monitor.expire(hash(number)));
        assert!(monitor.take_expired(hash(0)) && monitor.take_expired(hash(last)));
        assert!(!monitor.take_expired(hash(0)), "it was taken");
        assert!(
            !monitor.take_expired(hash(last + 2)),
            "another at the same place"
        );
        monitor.expire(hash(last + 2));
        assert!(!monitor.take_expired(hash(1)), "its place was taken");
        assert!(monitor.take_expired(hash(last + 2)));
        monitor.expire(hash(7));
        monitor.clear();
        assert!(!monitor.take_expired(hash(7)), "cleared");
    }

    #[test]
    fn no_key_has_expired_at_first_whatever_its_hash() {
        let mut monitor = Monitor::new();
        for bits in 0..=3 {
            assert!(!monitor.take_expired(bits << 16), "{bits}");
            assert!(!monitor.take_expired(bits << 62), "{bits}");
        }
    }
}
