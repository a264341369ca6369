//! Which keys are being loaded, so that each is loaded by one caller at a time.

use std::collections::BTreeSet;
use std::fmt;

use crate::primitives::{Event, EventListener, Mutex, MutexGuard, PoisonError};

/// The keys that are being loaded. No shard is locked while this is.
#[derive(Default)]
pub(crate) struct Loads {
    keys: Mutex<BTreeSet<Box<[u8]>>>,
    ended: Event,
}

impl Loads {
    /// Begins to load a key; `None` if somebody else does.
    pub(crate) fn begin<'l>(&'l self, key: &'l [u8]) -> Option<Load<'l>> {
        let begun = self.lock().insert(key.into());
        begun.then(|| Load { loads: self, key })
    }

    /// What to wait for, as a thread or as a task, before asking again; `None` if the key is not
    /// being loaded any more.
    pub(crate) fn listen(&self, key: &[u8]) -> Option<EventListener> {
        let keys = self.lock();
        // The lock is held, so that no load ends in between.
        keys.contains(key).then(|| self.ended.listen())
    }

    /// No code of the caller's runs under this lock, and a set is whole after any step.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<Box<[u8]>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Loads {
    /// Without the keys, which may be others' secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loads").field(&self.lock().len()).finish()
    }
}

/// A key that is being loaded; dropped when that ends, also by an error, a panic or a cancellation.
pub(crate) struct Load<'l> {
    loads: &'l Loads,
    key: &'l [u8],
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.loads.lock().remove(self.key);
        self.loads.ended.notify(usize::MAX);
    }
}
