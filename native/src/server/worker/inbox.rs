//! How accepted connections reach a worker.

use std::mem;
use std::sync::{Arc, Mutex};

use crate::server::context::ConnectionPermit;
use crate::server::lock::lock;
use crate::server::runtime::Runtime;
use crate::server::worker::ready::ReadyList;

/// Connections that the worker has not opened yet.
#[derive(Debug)]
pub(crate) struct Inbox<R: Runtime> {
    arrivals: Mutex<Vec<Arrival<R>>>,
    ready: Arc<ReadyList>,
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Arrival<R: Runtime> {
    pub(crate) stream: R::Stream,
    pub(crate) permit: ConnectionPermit,
}

impl<R: Runtime> Inbox<R> {
    /// The inbox of the worker with this ready list.
    pub(crate) fn new(ready: Arc<ReadyList>) -> Self {
        Self {
            arrivals: Mutex::default(),
            ready,
        }
    }

    /// Hands a connection over to the worker.
    pub(crate) fn push(&self, stream: R::Stream, permit: ConnectionPermit) {
        lock(&self.arrivals).push(Arrival { stream, permit });
        self.ready.notify();
    }

    pub(crate) fn take(&self) -> Vec<Arrival<R>> {
        mem::take(&mut *lock(&self.arrivals))
    }
}
