//! How long requests take, from readable to written, and how large turns are: histograms of a
//! sample, so that a request pays next to nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bounds are powers of two, from 1 microsecond (or connection) to 8.4 seconds.
const BOUNDS: usize = 24;

/// Values by size: up to 1, 2, 4, … and above the last bound.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BOUNDS + 1],
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Distribution {
    /// How many values are up to each bound and above the one before; last, how many are above all.
    pub(crate) counts: [u64; BOUNDS + 1],
    pub(crate) sum: u64,
}

/// What a request is for, to tell apart how long it takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum CommandClass {
    Get,
    Set,
    Other,
}

/// The histograms of a server.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// Microseconds from readable to written, by class.
    requests: [Histogram; 3],
    /// Microseconds of a turn.
    pub(crate) turns: Histogram,
    /// Connections in a turn.
    pub(crate) turn_sizes: Histogram,
}

impl Histogram {
    pub(crate) fn record(&self, value: u64) {
        self.counts[bucket(value)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    pub(crate) fn distribution(&self) -> Distribution {
        let count = |at: usize| self.counts[at].load(Ordering::Relaxed);
        Distribution {
            counts: std::array::from_fn(count),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }

    fn reset(&self) {
        let counts = self.counts.iter();
        counts.for_each(|count| count.store(0, Ordering::Relaxed));
        self.sum.store(0, Ordering::Relaxed);
    }
}

/// The first bucket whose bound is not below the value.
fn bucket(value: u64) -> usize {
    let bits = u64::BITS - value.saturating_sub(1).leading_zeros();
    (bits as usize).min(BOUNDS)
}

impl Distribution {
    /// The bounds of all counts but the last.
    pub(crate) fn bounds() -> impl Iterator<Item = u64> {
        (0..BOUNDS).map(|bits| 1 << bits)
    }
}

impl CommandClass {
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::Set, Self::Other];

    /// The class of a request by its verb; `None` stands for one about no key.
    pub(crate) fn of(verb: Option<&str>) -> Self {
        match verb {
            Some("get" | "gets" | "gat" | "gats" | "mg") => Self::Get,
            Some("set" | "add" | "replace" | "append" | "prepend" | "cas" | "ms") => Self::Set,
            _ => Self::Other,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Other => "other",
        }
    }
}

impl Latency {
    pub(crate) const fn of(&self, class: CommandClass) -> &Histogram {
        &self.requests[class as usize]
    }

    pub(crate) fn reset(&self) {
        let all = self.requests.iter().chain([&self.turns, &self.turn_sizes]);
        all.for_each(Histogram::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_under_the_first_bound_that_is_not_below_it() {
        for (at, bound) in Distribution::bounds().enumerate() {
            assert_eq!(bucket(bound), at, "{bound}");
            assert_eq!(bucket(bound + 1), at + 1, "{bound} and 1");
        }
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u64::MAX), BOUNDS);
    }

    #[test]
    fn a_histogram_counts_and_adds_up_until_it_is_reset() {
        let latency = Latency::default();
        let histogram = latency.of(CommandClass::Set);
        let values = [1, 3, 4, u64::from(u32::MAX)];
        values.into_iter().for_each(|value| histogram.record(value));
        let distribution = histogram.distribution();
        assert_eq!(distribution.counts[..3], [1, 0, 2]);
        assert_eq!(distribution.counts[BOUNDS], 1);
        assert_eq!(distribution.sum, 8 + u64::from(u32::MAX));
        latency.reset();
        assert_eq!(histogram.distribution(), Distribution::default());
    }

    #[test]
    fn a_verb_belongs_to_a_class() {
        for (verb, class) in [
            (Some("get"), CommandClass::Get),
            (Some("gat"), CommandClass::Get),
            (Some("mg"), CommandClass::Get),
            (Some("cas"), CommandClass::Set),
            (Some("ms"), CommandClass::Set),
            (Some("delete"), CommandClass::Other),
            (None, CommandClass::Other),
        ] {
            assert_eq!(CommandClass::of(verb), class, "{verb:?}");
        }
    }
}
