//! Saves to the file of `--state` that clients ask for, and how all saves went.

use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

/// Asks a thread for saves, one at a time, and counts how they end.
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
    /// From now on requests come through this channel; each is [answered](Self::finish).
    pub(crate) fn serve(&self, requests: SyncSender<()>) {
        // A server runs once.
        let _ = self.requests.set(requests);
    }

    /// Asks for a save.
    pub(crate) fn request(&self) -> Result<(), Refusal> {
        let requests = self.requests.get().ok_or(Refusal::NoFile)?;
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return Err(Refusal::Busy);
        }
        // The thread that takes them lives as long as the server.
        requests.try_send(()).map_err(|_| Refusal::Busy)
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

    /// The save that was asked for has ended, and is counted.
    pub(crate) fn finish(&self) {
        self.is_busy.store(false, Ordering::SeqCst);
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
        requests.recv().unwrap();
        assert_eq!(saves.request(), Err(Refusal::Busy));
        saves.record(true);
        saves.finish();
        assert_eq!(saves.request(), Ok(()));
    }
}
