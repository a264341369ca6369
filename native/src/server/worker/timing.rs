//! Which turns are measured: one in some, or all while somebody wants to know what is slow, which
//! takes effect with the next one of the sample.
//!
//! A turn reads the clock at its beginning and its end, which is a twentieth of an unpipelined
//! `get`; so it does that rarely. Connections that were ready and found no place in a measured turn
//! are measured from its beginning too, or it would not show that they wait.

use crate::server::state::ServerState;

/// Of how many turns one is measured: a prime, so that it falls into no step with what clients do.
pub(crate) const SAMPLED_ONE_IN: u32 = 97;

/// Decides which turns are measured.
#[derive(Debug, Default)]
pub(super) struct Timing {
    /// How many turns follow that are not measured.
    skipped: u32,
    /// Since when connections are ready that a measured turn left on the list.
    left_since: u64,
    /// How many they are.
    left: usize,
}

/// Since when the connections of a turn are ready, in microseconds; 0 if that is not measured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Ready {
    /// The first ones, which an earlier turn left, and how many they are.
    left_since: u64,
    left: usize,
    /// All others.
    now: u64,
}

impl Timing {
    /// Called when a turn begins, with how many connections it has and how many are left for the
    /// next ones.
    #[inline]
    pub(super) fn begin(&mut self, server: &ServerState, taken: usize, rest: usize) -> Ready {
        if taken == 0 {
            return Ready::default();
        }
        if self.skipped == 0 {
            return self.sample(server, taken, rest);
        }
        self.skipped -= 1;
        if self.left == 0 {
            return Ready::default();
        }
        self.sort(0, taken, rest)
    }

    /// Measures this turn, and the next one too if somebody wants all.
    #[cold]
    fn sample(&mut self, server: &ServerState, taken: usize, rest: usize) -> Ready {
        let every = server.slow.is_wanted(server.watchers.wanted());
        self.skipped = if every { 0 } else { SAMPLED_ONE_IN - 1 };
        self.sort(server.clock.micros(), taken, rest)
    }

    #[cold]
    fn sort(&mut self, now: u64, taken: usize, rest: usize) -> Ready {
        let ready = Ready {
            left_since: self.left_since,
            left: self.left.min(taken),
            now,
        };
        self.left -= ready.left;
        if self.left == 0 && now > 0 {
            (self.left_since, self.left) = (now, rest);
        }
        ready
    }
}

impl Ready {
    /// Since when the connection at this place in the turn is ready.
    pub(super) const fn since(&self, at: usize) -> u64 {
        if at < self.left {
            self.left_since
        } else {
            self.now
        }
    }

    /// When the turn began, if it is measured.
    pub(super) fn turn_began(&self) -> Option<u64> {
        (self.now > 0).then_some(self.now)
    }

    /// Whether any connection is measured.
    pub(super) const fn is_measured(&self) -> bool {
        self.now > 0 || self.left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_turn_in_some_is_measured_and_idle_ones_do_not_count() {
        let (server, mut timing) = (ServerState::for_tests(), Timing::default());
        let mut measured = 0;
        for _ in 0..10 * SAMPLED_ONE_IN {
            assert!(!timing.begin(&server, 0, 0).is_measured());
            measured += u32::from(timing.begin(&server, 1, 0).is_measured());
        }
        assert_eq!(measured, 10);
    }

    #[test]
    fn connections_that_a_measured_turn_leaves_are_measured_from_its_beginning() {
        let mut timing = Timing::default();
        let first = timing.sort(100, 64, 70);
        assert_eq!((first.since(0), first.since(63)), (100, 100));
        // 70 of those that are ready now were so before.
        let second = timing.sort(0, 64, 10);
        assert_eq!((second.since(0), second.since(63)), (100, 100));
        let third = timing.sort(0, 10, 0);
        assert_eq!((third.since(5), third.since(6)), (100, 0));
        assert!(third.is_measured() && third.turn_began().is_none());
        assert!(!timing.sort(0, 9, 0).is_measured());
    }

    #[test]
    fn every_turn_is_measured_soon_after_somebody_watches_what_is_slow() {
        let (server, mut timing) = (ServerState::for_tests(), Timing::default());
        let mut measured = |turns: u32| {
            let begin = |_: &u32| timing.begin(&server, 1, 0).is_measured();
            (0..turns).filter(begin).count()
        };
        assert_eq!(measured(SAMPLED_ONE_IN), 1);
        let kinds = crate::server::state::watchers::Kinds::SLOW;
        let watcher = server.watchers.watch(kinds).unwrap();
        measured(SAMPLED_ONE_IN);
        assert_eq!(measured(100), 100);
        drop(watcher);
        measured(1);
        assert_eq!(measured(SAMPLED_ONE_IN), 1);
    }
}
