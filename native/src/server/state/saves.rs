//! Saves to the file of `--state` while clients are served: one at a time, and how they went.

use std::fmt::Display;
use std::mem;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

/// Lets one save happen at a time, also by a thread that clients ask, and counts how they end.
#[derive(Debug, Default)]
pub(crate) struct Saves {
    requests: OnceLock<SyncSender<()>>,
    is_busy: AtomicBool,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// Why there is no save.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// There is no file.
    NoFile,
    /// The one before is still in progress.
    Busy,
}

impl Saves {
    /// From now on requests come through this channel; each is [taken](Self::take).
    pub(crate) fn serve(&self, requests: SyncSender<()>) {
        // A server runs once.
        let _ = self.requests.set(requests);
    }

    /// Asks for a save.
    pub(crate) fn request(&self) -> Result<(), Refusal> {
        let requests = self.requests.get().ok_or(Refusal::NoFile)?;
        let saving = self.begin().ok_or(Refusal::Busy)?;
        // The thread that takes them lives as long as the server.
        requests.try_send(()).map_err(|_| Refusal::Busy)?;
        // It ends where the request is taken.
        mem::forget(saving);
        Ok(())
    }

    /// A save that no client has asked for; `None` if one is in progress.
    pub(crate) fn begin(&self) -> Option<Saving<'_>> {
        // Not `then_some`: what is made and dropped ends the other one.
        (!self.is_busy.swap(true, Ordering::SeqCst)).then(|| Saving(self))
    }

    /// The save that was requested.
    pub(crate) const fn take(&self) -> Saving<'_> {
        Saving(self)
    }

    /// Counts a save.
    pub(crate) fn record(&self, is_saved: bool) {
        let counter = if is_saved {
            &self.succeeded
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Reports what is counted, if there is a file.
    pub(crate) fn report(&self, report: &mut dyn FnMut(&str, &dyn Display)) {
        if self.requests.get().is_some() {
            // In this order: a save that is over is counted.
            let is_busy = self.is_busy.load(Ordering::SeqCst);
            report("state_saving", &u8::from(is_busy));
            report("state_saves", &self.succeeded.load(Ordering::SeqCst));
            report("state_save_failures", &self.failed.load(Ordering::SeqCst));
        }
    }
}

/// A save in progress, which ends when this is dropped, also by a panic. It is counted before.
#[derive(Debug)]
pub(crate) struct Saving<'s>(&'s Saves);

impl Drop for Saving<'_> {
    fn drop(&mut self) {
        self.0.is_busy.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn one_save_at_a_time_is_asked_for() {
        let saves = Saves::default();
        assert_eq!(saves.request(), Err(Refusal::NoFile));
        let (sender, requests) = mpsc::sync_channel(1);
        saves.serve(sender);
        assert_eq!(saves.request(), Ok(()));
        assert_eq!(saves.request(), Err(Refusal::Busy));
        assert!(saves.begin().is_none());
        requests.recv().unwrap();
        let saving = saves.take();
        assert_eq!(saves.request(), Err(Refusal::Busy));
        drop(saving);
        let saving = saves.begin();
        assert!(saving.is_some());
        assert_eq!(saves.request(), Err(Refusal::Busy));
        drop(saving);
        assert_eq!(saves.request(), Ok(()));
        drop((saves.take(), requests));
        assert_eq!(saves.request(), Err(Refusal::Busy));
        assert!(saves.begin().is_some());
    }
}
