//! What the shards together have learned about the use of the cache.

use dynamidb_core::insight::{MissRatioCurve, Prediction};
use dynamidb_core::{Instant, Keyspace, Policy};

use crate::server::view::View;

/// How many hot keys are listed.
pub(crate) const HOT_KEYS: usize = 20;

/// The memory for which the hit ratio is predicted, as multiples of what there is.
pub(crate) const FACTORS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The keys that were asked for most in the last minute.
#[derive(Debug, Default)]
pub(crate) struct HotKeys {
    /// How many requests were sampled.
    pub(crate) samples: u64,
    /// The hottest first.
    pub(crate) keys: Vec<HotKey>,
}

#[derive(Debug)]
pub(crate) struct HotKey {
    pub(crate) key: Vec<u8>,
    /// Of all requests, from 0 to 1; at most, and by how much that may be too many.
    pub(crate) share: f64,
    pub(crate) error: f64,
    /// Of the requests for this key, those that read.
    pub(crate) reads: f64,
}

impl HotKeys {
    pub(crate) fn of(view: &mut View<'_>, now: Instant) -> Self {
        let mut samples = 0;
        let mut all = Vec::new();
        view.for_each(|cache| {
            samples += cache.key_samples(now);
            let keys = cache.hot_keys(now);
            all.extend(keys.map(|key| (key.samples, key.error, key.reads, key.key.to_vec())));
        });
        view.release();
        all.sort_unstable_by(|a, b| (b.0, &a.3).cmp(&(a.0, &b.3)));
        all.truncate(HOT_KEYS);
        let share = |count: u32| f64::from(count) / (samples.max(1) as f64);
        let keys = all.into_iter().map(|(count, error, reads, key)| HotKey {
            key,
            share: share(count),
            error: share(error),
            reads: f64::from(reads) / f64::from((count - error).max(1)),
        });
        Self {
            samples,
            keys: keys.collect(),
        }
    }
}

/// Whether the cache is large enough.
#[derive(Debug)]
pub(crate) struct Advice {
    curve: MissRatioCurve,
    memory: u64,
    policy: Policy,
}

impl Advice {
    /// `None` if it was switched off.
    pub(crate) fn of(view: &mut View<'_>) -> Option<Self> {
        let mut sum: Option<MissRatioCurve> = None;
        let mut memory = 0;
        view.for_each(|cache| {
            memory += cache.stats().limit_maxbytes;
            match (&mut sum, cache.miss_ratio_curve()) {
                (Some(sum), Some(curve)) => sum.merge(&curve),
                (None, curve) => sum = curve,
                (Some(_), None) => {}
            }
        });
        view.release();
        Some(Self {
            curve: sum?,
            memory,
            policy: view.host().settings.options.config().policy,
        })
    }

    /// Hits per read, as measured.
    pub(crate) fn measured(&self) -> Option<f64> {
        self.curve.measured()
    }

    pub(crate) const fn curve(&self) -> &MissRatioCurve {
        &self.curve
    }

    /// What is predicted for each of the [`FACTORS`]; nothing until enough is known.
    pub(crate) fn predictions(&self) -> Vec<(f64, Prediction)> {
        let predicted = FACTORS.map(|factor| Some((factor, self.curve.predict(factor)?)));
        predicted.into_iter().flatten().collect()
    }

    /// The bytes of this many times the memory.
    pub(crate) fn bytes(&self, factor: f64) -> u64 {
        (self.memory as f64 * factor) as u64
    }

    /// In one sentence.
    pub(crate) fn sentence(&self) -> String {
        let at = |factor| self.curve.predict(factor);
        let (Some(half), Some(now), Some(twice)) = (at(0.5), at(1.0), at(2.0)) else {
            return format!(
                "not yet: it takes a cache that was full, {} sampled hits and two turnovers since",
                MissRatioCurve::SAMPLES_MIN
            );
        };
        let percent = |of: Prediction| format!("{:.1} %", 100.0 * of.hit_ratio);
        let policy = match self.policy {
            Policy::Lru => "",
            _ => " (with lru)",
        };
        format!(
            "twice the memory: {} hits instead of {}; half: {}{policy}",
            percent(twice),
            percent(now),
            percent(half)
        )
    }
}
