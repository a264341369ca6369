//! Which keys are being loaded, so that each is loaded by one thread at a time.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The keys that are being loaded. No shard is locked while this is.
#[derive(Default)]
pub(crate) struct Loads {
    keys: Mutex<BTreeSet<Box<[u8]>>>,
    ended: Condvar,
}

impl Loads {
    /// Begins to load a key. If another thread does, waits until it has ended and returns `None`.
    pub(crate) fn begin<'l>(&'l self, key: &'l [u8]) -> Option<Load<'l>> {
        let mut keys = self.lock();
        if keys.insert(key.into()) {
            return Some(Load { loads: self, key });
        }
        while keys.contains(key) {
            let woken = self.ended.wait(keys);
            keys = woken.unwrap_or_else(PoisonError::into_inner);
        }
        None
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

/// A key that is being loaded; dropped when that ends, also by an error or a panic.
pub(crate) struct Load<'l> {
    loads: &'l Loads,
    key: &'l [u8],
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.loads.lock().remove(self.key);
        self.loads.ended.notify_all();
    }
}
