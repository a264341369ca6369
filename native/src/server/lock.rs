//! How the server takes its locks.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic under the lock: that panic ended one connection, and every list that
/// the server keeps is whole between two statements, so the others can go on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_lock_is_usable_after_a_panic_under_it() {
        let number = Arc::new(Mutex::new(1));
        let other = Arc::clone(&number);
        let panicked = thread::spawn(move || {
            let mut number = lock(&other);
            *number += 1;
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert!(number.is_poisoned());
        assert_eq!(*lock(&number), 2);
    }
}
