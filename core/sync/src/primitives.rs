//! Locks, atomics and events: the usual ones, or in some tests those that try interleavings.
//!
//! With `--cfg shuttle` the tests in `interleavings.rs` run one thread at a time and switch to
//! another one at locks and atomics, in thousands of orders.

#[cfg(not(all(test, shuttle)))]
pub(crate) use event_listener::{Event, EventListener, Listener};
#[cfg(not(all(test, shuttle)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, atomic,
};

#[cfg(all(test, shuttle))]
pub(crate) use self::event::{Event, EventListener, Listener};
#[cfg(all(test, shuttle))]
pub(crate) use self::exclusive::{RwLock, RwLockReadGuard};
#[cfg(all(test, shuttle))]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard, PoisonError, RwLockWriteGuard, TryLockError, atomic,
};

/// Readers exclude each other here. So threads that get along with this get along with any lock:
/// also with one that lets no reader in while a writer waits.
#[cfg(all(test, shuttle))]
mod exclusive {
    use shuttle::sync::{LockResult, TryLockResult};

    pub(crate) type RwLockReadGuard<'l, T> = shuttle::sync::RwLockWriteGuard<'l, T>;

    #[derive(Debug)]
    pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(shuttle::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
            self.0.write()
        }

        pub(crate) fn write(&self) -> LockResult<RwLockReadGuard<'_, T>> {
            self.0.write()
        }

        pub(crate) fn try_write(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
            self.0.try_write()
        }

        pub(crate) fn clear_poison(&self) {
            self.0.clear_poison();
        }
    }
}

/// What the crate `event-listener` has, for threads that are run in turn.
#[cfg(all(test, shuttle))]
mod event {
    use std::fmt;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use shuttle::sync::{Condvar, Mutex};

    #[derive(Debug, Default)]
    struct Count {
        notified: Mutex<u64>,
        changed: Condvar,
    }

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Event(Arc<Count>);

    impl Event {
        pub(crate) fn listen(&self) -> EventListener {
            let seen = *self.0.notified.lock().unwrap();
            EventListener {
                event: self.clone(),
                seen,
            }
        }

        /// All listeners, whatever the limit: a caller that wakes too few is not found here.
        pub(crate) fn notify(&self, _limit: usize) {
            *self.0.notified.lock().unwrap() += 1;
            self.0.changed.notify_all();
        }
    }

    pub(crate) struct EventListener {
        event: Event,
        seen: u64,
    }

    pub(crate) trait Listener {
        fn wait(self);
    }

    impl Listener for EventListener {
        fn wait(self) {
            let mut notified = self.event.0.notified.lock().unwrap();
            while *notified == self.seen {
                notified = self.event.0.changed.wait(notified).unwrap();
            }
        }
    }

    impl Future for EventListener {
        type Output = ();

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if *self.event.0.notified.lock().unwrap() == self.seen {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        }
    }

    impl fmt::Debug for EventListener {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("EventListener").finish_non_exhaustive()
        }
    }
}
