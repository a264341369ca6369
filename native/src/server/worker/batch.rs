//! Receives and sends of several connections by one call of the system, where the kernel lets a
//! worker have a ring.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::server::context::ServerContext;
use crate::server::worker::ring::Ring;
use crate::server::worker::transfer::Transfer;

/// Performs transfers together. Without a ring it performs none.
#[derive(Debug)]
pub(crate) struct Batch {
    context: Arc<ServerContext>,
    ring: Option<Ring>,
}

impl Batch {
    pub(crate) fn new(context: Arc<ServerContext>, ring: Option<Ring>) -> Self {
        let rings = usize::from(ring.is_some());
        context.server.rings.fetch_add(rings, Ordering::Relaxed);
        Self { context, ring }
    }

    /// Called in the thread that performs transfers.
    pub(crate) fn start(&mut self) {
        if let Some(Err(error)) = self.ring.as_mut().map(Ring::start) {
            self.fail(&error);
        }
    }

    pub(crate) const fn has_ring(&self) -> bool {
        self.ring.is_some()
    }

    /// Performs the transfers if there are at least two: a single one costs less without a ring.
    pub(crate) fn perform(&mut self, transfers: &mut [Transfer<'_>]) {
        let Some(ring) = self.ring.as_mut().filter(|_| transfers.len() > 1) else {
            return;
        };
        if let Err(error) = ring.perform(transfers) {
            self.fail(&error);
        }
    }

    /// Goes on without the ring.
    fn fail(&mut self, error: &io::Error) {
        tracing::warn!("a thread goes on without io_uring: {error}");
        self.ring = None;
        self.context.server.rings.fetch_sub(1, Ordering::Relaxed);
    }
}
