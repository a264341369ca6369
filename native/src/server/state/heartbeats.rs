//! When the loop of each worker last ran.

use std::sync::atomic::{AtomicU64, Ordering};

use dynamidb_core::Instant;

/// When the loop of each worker last ran.
#[derive(Debug)]
pub(crate) struct Heartbeats {
    /// In milliseconds of the server's clock.
    beats: Vec<AtomicU64>,
}

impl Heartbeats {
    pub(crate) fn new(workers: usize, now: Instant) -> Self {
        let beat = || AtomicU64::new(now.as_millis());
        Self {
            beats: std::iter::repeat_with(beat).take(workers).collect(),
        }
    }

    /// The worker that has not run for the longest time, and since when.
    pub(crate) fn oldest(&self) -> (usize, Instant) {
        let beats = self.beats.iter().map(|beat| beat.load(Ordering::Relaxed));
        let oldest = beats.enumerate().min_by_key(|(_, beat)| *beat);
        let (worker, beat) = oldest.unwrap_or_default();
        (worker, Instant::from_millis(beat))
    }

    /// The worker runs at this moment.
    pub(crate) fn record(&self, worker: usize, now: Instant) {
        self.beats[worker].store(now.as_millis(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_heartbeat_is_that_of_the_worker_that_stands_still() {
        let at = Instant::from_secs;
        let beats = Heartbeats::new(3, at(1));
        beats.record(0, at(9));
        beats.record(2, at(8));
        assert_eq!(beats.oldest(), (1, at(1)));
        beats.record(1, at(10));
        assert_eq!(beats.oldest(), (2, at(8)));
    }
}
