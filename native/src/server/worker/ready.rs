//! The connections of a worker that are ready: the waker of each connection puts its token on a
//! list, and the first token on an empty list wakes the worker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::server::lock::lock;

/// Names a connection of one worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// Its key in the worker's slab, which a later connection may get too.
    pub(crate) key: usize,
    /// Unique among all connections of the worker: a waker may outlive its connection and put it on
    /// the list when another connection has its key.
    pub(crate) number: u64,
}

/// The connections of one worker that are ready.
#[derive(Debug, Default)]
pub(crate) struct ReadyList {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tokens: Vec<Token>,
    /// Whether the worker has to run although no connection is ready.
    notified: bool,
    /// Wakes the worker; `None` while it runs.
    worker: Option<Waker>,
}

/// The waker of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionWaker {
    token: Token,
    /// Whether the connection is on the list.
    queued: AtomicBool,
    list: Arc<ReadyList>,
}

impl ReadyList {
    /// Called when the worker runs: nothing wakes it until it [parks](Self::park).
    pub(crate) fn unpark(&self) {
        let mut state = lock(&self.state);
        (state.worker, state.notified) = (None, false);
    }

    /// Has the next connection that becomes ready wake the worker. `false` if there is work for it
    /// already.
    pub(crate) fn park(&self, worker: &Waker) -> bool {
        let mut state = lock(&self.state);
        let idle = state.tokens.is_empty() && !state.notified;
        if idle {
            state.worker = Some(worker.clone());
        }
        idle
    }

    /// Moves up to `limit` connections to `tokens`, in the order in which they became ready.
    /// Returns how many are left.
    pub(crate) fn take(&self, limit: usize, tokens: &mut Vec<Token>) -> usize {
        let mut state = lock(&self.state);
        let count = state.tokens.len().min(limit);
        tokens.extend(state.tokens.drain(..count));
        state.tokens.len()
    }

    /// Has the worker run although no connection is ready.
    pub(crate) fn notify(&self) {
        self.change(|state| state.notified = true);
    }

    /// Changes the state, and wakes the worker if it is parked.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.wake();
        }
    }
}

impl ConnectionWaker {
    /// The waker of the connection with this token, which is put on the list at once.
    pub(crate) fn queued(token: Token, list: &Arc<ReadyList>) -> Arc<Self> {
        let waker = Arc::new(Self {
            token,
            queued: AtomicBool::new(false),
            list: Arc::clone(list),
        });
        waker.queue();
        waker
    }

    pub(crate) const fn token(&self) -> Token {
        self.token
    }

    /// Puts the connection on the list, unless it is there.
    pub(crate) fn queue(&self) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.list.change(|state| state.tokens.push(self.token));
        }
    }

    /// Called when the connection has its turn: a wake-up from now on puts it on the list again.
    pub(crate) fn start_turn(&self) {
        // A swap, because a store may become visible after what the turn reads: a wake-up in
        // between would find the connection on the list, and the turn would miss the event.
        self.queued.swap(false, Ordering::AcqRel);
    }
}

impl Wake for ConnectionWaker {
    fn wake(self: Arc<Self>) {
        self.queue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;
    use crate::server::race::MeetingPoint;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn queued(key: usize, list: &Arc<ReadyList>) -> Arc<ConnectionWaker> {
        ConnectionWaker::queued(Token { key, number: 0 }, list)
    }

    fn take(list: &ReadyList, limit: usize) -> Vec<usize> {
        let mut tokens = Vec::new();
        list.take(limit, &mut tokens);
        tokens.into_iter().map(|token| token.key).collect()
    }

    #[test]
    fn a_connection_is_listed_once_until_it_has_its_turn() {
        let list = Arc::<ReadyList>::default();
        let wakers = [5, 3, 9].map(|key| queued(key, &list));
        wakers.iter().for_each(|waker| waker.queue());
        assert_eq!(take(&list, 2), [5, 3]);
        assert_eq!(take(&list, 2), [9]);
        wakers[1].queue();
        assert_eq!(take(&list, 2), [0; 0], "its turn has not begun");
        wakers[1].start_turn();
        wakers[1].queue();
        assert_eq!(take(&list, 2), [3]);
    }

    #[test]
    fn a_parked_worker_is_woken_once_and_a_running_one_never() {
        let (list, count) = (Arc::<ReadyList>::default(), Arc::<Count>::default());
        let (waker, woken) = (Waker::from(Arc::clone(&count)), || {
            count.0.load(Ordering::SeqCst)
        });
        assert!(list.park(&waker));
        let wakers = [1, 2].map(|key| queued(key, &list));
        assert_eq!(woken(), 1);
        list.unpark();
        assert!(!list.park(&waker), "connections are ready");
        assert_eq!(take(&list, 9), [1, 2]);
        wakers[1].start_turn();
        wakers[1].queue();
        assert_eq!(woken(), 1, "it runs");
        assert_eq!(take(&list, 9), [2]);
        list.notify();
        assert!(!list.park(&waker), "it was notified");
        list.unpark();
        assert!(list.park(&waker));
        list.notify();
        assert_eq!(woken(), 2);
    }

    #[test]
    fn no_wake_up_is_lost_between_threads() {
        let list = Arc::<ReadyList>::default();
        let waker = queued(7, &list);
        assert_eq!(take(&list, 9), [7]);
        let (rounds, taken) = (10_000, AtomicUsize::new(0));
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..rounds {
                    // Announces a round and waits until it is taken.
                    let before = taken.load(Ordering::SeqCst);
                    waker.start_turn();
                    waker.queue();
                    while taken.load(Ordering::SeqCst) == before {
                        thread::yield_now();
                    }
                }
                done.store(true, Ordering::SeqCst);
            });
            while !done.load(Ordering::SeqCst) {
                taken.fetch_add(take(&list, 9).len(), Ordering::SeqCst);
                thread::yield_now();
            }
        });
        assert_eq!(taken.load(Ordering::SeqCst), rounds);
    }

    #[test]
    fn an_event_before_a_wake_up_is_seen_in_the_turn_or_leads_to_another() {
        let (rounds, list) = (50_000, Arc::<ReadyList>::default());
        let waker = queued(7, &list);
        let event = AtomicBool::new(false);
        let point = MeetingPoint::default();
        let meet = |number| point.meet(number);
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..rounds {
                    meet(2 * round + 1);
                    event.store(true, Ordering::Relaxed);
                    waker.queue();
                    meet(2 * round + 2);
                }
            });
            let mut lost = 0;
            for round in 0..rounds {
                waker.queue();
                take(&list, 9);
                meet(2 * round + 1);
                waker.start_turn();
                let seen = event.load(Ordering::Relaxed);
                meet(2 * round + 2);
                lost += usize::from(!seen && take(&list, 9).is_empty());
                event.store(false, Ordering::Relaxed);
            }
            assert_eq!(lost, 0);
        });
    }
}
