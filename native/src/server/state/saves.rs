//! Saves to the file of `--state` that clients ask for, and how all saves went.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, OnceLock};

use crate::server::state_file::{StateFile, Turn};

/// Has a thread save what clients ask for, and counts how saves end.
#[derive(Debug, Default)]
pub(crate) struct Saves {
    /// The file, and where the turns to save go that clients have got.
    served: OnceLock<(Arc<StateFile>, SyncSender<Turn>)>,
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
    /// From now on clients may ask for a save to this file. Their turns are sent to the thread
    /// that saves.
    pub(crate) fn serve(&self, file: Arc<StateFile>, turns: SyncSender<Turn>) {
        // A server runs once.
        let _ = self.served.set((file, turns));
    }

    /// Asks for a save.
    pub(crate) fn request(&self) -> Result<(), Refusal> {
        let (file, turns) = self.served.get().ok_or(Refusal::NoFile)?;
        let turn = file.begin().map_err(|_| Refusal::Busy)?;
        turns.try_send(turn).map_err(|_| Refusal::Busy)
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
        if let Some((file, _)) = self.served.get() {
            // In this order: a save that is over is counted.
            report("state_saving", &u8::from(file.is_saving()));
            report("state_saves", &self.succeeded.load(Ordering::SeqCst));
            report("state_save_failures", &self.failed.load(Ordering::SeqCst));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::{env, fs, process};

    use super::*;
    use crate::server::clock::Clock;

    #[test]
    fn one_save_at_a_time_is_asked_for() {
        let path = env::temp_dir().join(format!("dynamidb-saves-{}", process::id()));
        let _ = fs::remove_file(&path);
        let file = Arc::new(StateFile::open(&path, Clock::start()).unwrap());
        let saves = Saves::default();
        assert_eq!(saves.request(), Err(Refusal::NoFile));
        let (sender, turns) = mpsc::sync_channel(1);
        saves.serve(Arc::clone(&file), sender);
        assert_eq!(saves.request(), Ok(()));
        assert_eq!(saves.request(), Err(Refusal::Busy));
        assert!(file.begin().is_err());
        let turn = turns.recv().unwrap();
        assert_eq!(saves.request(), Err(Refusal::Busy));
        drop(turn);
        let turn = file.begin();
        assert!(turn.is_ok());
        assert_eq!(saves.request(), Err(Refusal::Busy));
        drop(turn);
        assert_eq!(saves.request(), Ok(()));
        drop(turns);
        assert_eq!(saves.request(), Err(Refusal::Busy));
        assert!(file.begin().is_ok());
    }
}
