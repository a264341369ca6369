//! What is sampled, and when.

use super::access::{Access, Totals};
use super::curve::{Curve, MissRatioCurve};
use super::hot_keys::{HotKey, HotKeys};
use crate::Config;
use crate::key::HashedKey;

/// How many keys all shards together follow for the miss-ratio curve, and each at least.
const KEYS: usize = 4096;
const KEYS_MIN: usize = 64;

/// After this many reads in all shards, what was counted counts half.
const HALF_LIFE: u64 = 1_000_000;

/// Nothing, unless the configuration asks for it.
#[derive(Debug)]
pub(crate) struct Insight {
    /// Requests until the next one whose key is counted.
    countdown: u32,
    samplers: Option<Samplers>,
}

#[derive(Debug)]
struct Samplers {
    curve: Curve,
    hot_keys: HotKeys,
}

impl Insight {
    /// For a cache with so much memory.
    pub(crate) fn new(config: &Config, memory: usize) -> Self {
        let shards = config.shard_count.max(1);
        let samplers = config.insight.then(|| Samplers {
            curve: Curve::new(keys(config), memory, HALF_LIFE / u64::from(shards)),
            hot_keys: HotKeys::new(),
        });
        Self {
            countdown: 1,
            samplers,
        }
    }

    /// What it takes of the heap.
    pub(crate) const fn bytes(config: &Config) -> usize {
        if config.insight {
            Curve::bytes(keys(config)) + HotKeys::BYTES
        } else {
            0
        }
    }

    /// Whether to [observe](Self::observe) this request; the size is that of the item, if one was
    /// found or stored. To be asked once for each request.
    #[inline]
    pub(crate) fn wants(&mut self, key: &HashedKey<'_>, size: Option<u64>) -> bool {
        let Some(samplers) = &self.samplers else {
            return false;
        };
        self.countdown = self.countdown.wrapping_sub(1);
        self.countdown == 0 || samplers.curve.wants(rank(key.hash), size)
    }

    /// Looks at a request that it [wants](Self::wants). Returns whether to [go on](Self::go_on).
    pub(crate) fn observe(&mut self, key: &HashedKey<'_>, access: Access, now: u32) -> bool {
        let Some(Samplers { curve, hot_keys }) = &mut self.samplers else {
            return false;
        };
        if self.countdown == 0 {
            let is_read = matches!(access, Access::Read(_));
            self.countdown = hot_keys.sample(key, is_read, now);
        }
        let (rank, tag) = (rank(key.hash), tag(key.hash));
        match access {
            Access::Read(item) if curve.wants(rank, item.map(|item| item.size)) => {
                curve.read(rank, tag, item, now);
            }
            Access::Store(item) if curve.wants(rank, Some(item.size)) => {
                curve.store(rank, tag, item, now);
            }
            Access::Delete => curve.delete(tag),
            Access::Read(_) | Access::Store(_) => {}
        }
        curve.is_epoch_full()
    }

    /// Begins another epoch of the curve.
    #[cold]
    pub(crate) fn go_on(&mut self, totals: &Totals) {
        if let Some(samplers) = &mut self.samplers {
            samplers.curve.begin_epoch(totals);
        }
    }

    /// The cache has another budget.
    pub(crate) fn set_memory(&mut self, memory: usize, totals: &Totals) {
        if let Some(samplers) = &mut self.samplers {
            samplers.curve.set_memory(memory as u64, totals.counted);
        }
    }

    /// There are no items any more.
    pub(crate) fn clear(&mut self) {
        if let Some(samplers) = &mut self.samplers {
            samplers.curve.clear();
            samplers.hot_keys.clear();
        }
    }

    /// Until [`resume_sampling`](Self::resume_sampling), requests count for no key. Returns what
    /// that wants.
    pub(crate) const fn pause_sampling(&mut self) -> u32 {
        core::mem::replace(&mut self.countdown, 0)
    }

    /// Goes on with what was paused.
    pub(crate) const fn resume_sampling(&mut self, countdown: u32) {
        self.countdown = countdown;
    }

    /// The counters are about to be set to zero.
    pub(crate) fn reset_stats(&mut self, totals: &Totals) {
        if let Some(samplers) = &mut self.samplers {
            samplers.curve.reset_stats(totals.counted);
        }
    }

    pub(crate) fn curve(&self, totals: &Totals) -> Option<MissRatioCurve> {
        let samplers = self.samplers.as_ref()?;
        Some(samplers.curve.snapshot(totals.counted))
    }

    pub(crate) fn hot_keys(&self, now: u32) -> impl Iterator<Item = HotKey<'_>> {
        let samplers = self.samplers.iter();
        samplers.flat_map(move |samplers| samplers.hot_keys.keys(now))
    }

    pub(crate) fn key_samples(&self, now: u32) -> u64 {
        let samplers = self.samplers.as_ref();
        samplers.map_or(0, |samplers| samplers.hot_keys.samples(now))
    }
}

const fn keys(config: &Config) -> usize {
    let shards = if config.shard_count == 0 {
        1
    } else {
        config.shard_count as usize
    };
    let keys = KEYS / shards;
    if keys < KEYS_MIN { KEYS_MIN } else { keys }
}

/// Shards, buckets and tags are chosen by bits of the hash; these are others.
#[inline]
const fn mixed(hash: u64) -> u64 {
    hash.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// What decides whether a key is sampled.
#[inline]
const fn rank(hash: u64) -> u32 {
    (mixed(hash) >> 32) as u32
}

const fn tag(hash: u64) -> u32 {
    (mixed(hash.rotate_left(32)) >> 24) as u32
}
