//! The miss-ratio curve: what the hit ratio would be with other memory, from a sample of the keys.
//!
//! SHARDS (Waldspurger, Park, Garthwaite and Ahmad, "Efficient MRC construction with SHARDS", FAST
//! 2015) with a bounded number of keys, in bytes, and with two changes. Large items are sampled
//! more often, in proportion to their size: few of them make up much of the memory. And distances
//! are not kept exactly: the keys are in some hundred epochs by their last use, and a reuse
//! distance is the bytes of the newer epochs and half of the key's own.
//!
//! The curve is *anchored*: a prediction is the hit ratio that was measured, plus the difference
//! between the curve at that memory and at the memory there is. Hot keys that the sample has too
//! few or too many of cancel out.

use super::access::{AccessedItem, Totals};
use super::sampled::{SampledKey, SampledKeys};

/// Edges of the curve: from a sixteenth of the memory, four to each doubling.
const EDGES: usize = 27;
/// The edge of the memory there is.
const NOW: usize = 16;
/// The fourth roots of two, in 65,536ths.
const ROOTS: [u64; 4] = [65_536, 77_936, 92_682, 110_218];
/// The curve is measured in this many parts, by other bits of the hash: how they differ says how
/// far to trust it.
const GROUPS: usize = 8;

/// How many epochs there are at most; then neighbours are merged.
const EPOCHS: usize = 128;
/// Into how many epochs the bytes are divided that are followed.
const EPOCHS_WANTED: u64 = 64;
/// How many slots are looked at for expired keys with each sampled request.
const SWEPT: usize = 8;

/// How much more often the largest items are sampled.
const WEIGHT_MAX: u64 = 64;
/// The size of an item as it is first thought to be: rather too large, so that the sample is too
/// large at first, and is halved.
const SIZE_AT_FIRST: u64 = 4096;

/// How many bytes are followed: reuse at a distance beyond four times the memory is no matter.
const fn followed(capacity: u64) -> u64 {
    capacity / 2 * 9
}

#[derive(Debug)]
pub(super) struct Curve {
    keys: SampledKeys,
    /// Keys of a rank below this are sampled, and those of large items up to 64 times as many.
    threshold: u32,
    /// The size from which items are large: four times the mean.
    large: u32,
    /// The same from the next halving on.
    large_next: u32,
    /// The budget for which the threshold was chosen.
    memory: u64,
    /// The bytes of all items in a full cache, and the distances of the edges.
    capacity: u64,
    edges: [u64; EDGES],
    /// Bytes of each epoch as estimated from its keys; the newest is the last.
    epochs: [u64; EPOCHS],
    newest: usize,
    /// Requests that found a key at a distance up to each edge and beyond the one before.
    bins: [[f32; EDGES]; GROUPS],
    samples: u32,
    window: Window,
    swept: usize,
}

/// The time that the counts are of: since the cache was full, and what is older counts less.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    was_full: bool,
    /// Reads and hits before the counters were last looked at, and the counters then.
    gets: f64,
    hits: f64,
    counted: (u64, u64),
    /// Bytes used, estimated from the sampled ones.
    moved: u64,
    /// After how many reads what was counted counts half.
    half_life: u64,
}

impl Window {
    /// Reads and hits in it.
    fn total(&self, counted: (u64, u64)) -> (f64, f64) {
        let gets = counted.0.saturating_sub(self.counted.0);
        let hits = counted.1.saturating_sub(self.counted.1);
        (self.gets + gets as f64, self.hits + hits as f64)
    }

    fn restart(&mut self, counted: (u64, u64)) {
        (self.gets, self.hits, self.counted, self.moved) = (0.0, 0.0, counted, 0);
    }
}

impl Curve {
    /// How many bytes it has for this many keys.
    pub(super) const fn bytes(keys: usize) -> usize {
        SampledKeys::bytes(keys)
    }

    pub(super) fn new(keys: usize, memory: usize, half_life: u64) -> Self {
        let mut curve = Self {
            keys: SampledKeys::new(keys),
            threshold: 0,
            large: 0,
            large_next: 0,
            memory: 0,
            capacity: 0,
            edges: [0; EDGES],
            epochs: [0; EPOCHS],
            newest: 0,
            bins: [[0.0; EDGES]; GROUPS],
            samples: 0,
            window: Window {
                half_life,
                ..Window::default()
            },
            swept: 0,
        };
        curve.begin(memory as u64, (0, 0));
        curve
    }

    /// Begins with so much memory, with nothing known.
    fn begin(&mut self, memory: u64, counted: (u64, u64)) {
        let keys = self.keys.slots() as u64 / 2;
        let share = (SIZE_AT_FIRST << 32) / followed(memory).max(1);
        self.threshold = share.saturating_mul(keys).clamp(1, u32::MAX.into()) as u32;
        self.large = 4 * SIZE_AT_FIRST as u32;
        self.large_next = self.large;
        self.memory = memory;
        self.set_capacity(memory);
        self.clear();
        self.window.was_full = false;
        self.restart(counted);
    }

    /// The cache has another budget now. While it is about the same, as where shards share one,
    /// what was learned holds.
    pub(super) fn set_memory(&mut self, memory: u64, counted: (u64, u64)) {
        if memory > 2 * self.memory || memory < self.memory / 2 || self.keys.len() == 0 {
            self.begin(memory, counted);
        }
    }

    /// Whether a request has to be shown to it; the size is not known of a key that was not found.
    #[inline]
    pub(super) fn wants(&self, rank: u32, size: Option<u64>) -> bool {
        rank < self.threshold
            || u64::from(rank) < WEIGHT_MAX * u64::from(self.threshold)
                && size.is_none_or(|size| self.is_sampled(rank, size as u32))
    }

    /// Of 2^32 keys of this size, how many are sampled.
    #[inline]
    fn rate(&self, size: u32) -> u64 {
        let threshold = u64::from(self.threshold);
        if size <= self.large {
            return threshold;
        }
        let weight = (u64::from(size) << 8) / u64::from(self.large);
        ((threshold * weight.min(WEIGHT_MAX << 8)) >> 8).min(1 << 32)
    }

    #[inline]
    fn is_sampled(&self, rank: u32, size: u32) -> bool {
        u64::from(rank) < self.rate(size)
    }

    /// The bytes that a sampled key stands for.
    fn share(&self, size: u32) -> u64 {
        (u64::from(size) << 32) / self.rate(size).max(1)
    }

    /// A key was asked for, and this item found.
    pub(super) fn read(&mut self, rank: u32, tag: u32, item: Option<AccessedItem>, now: u32) {
        let Some((slot, key)) = self.find(tag, now) else {
            if let Some(item) = item {
                self.insert(rank, tag, item);
            }
            return;
        };
        let epoch = usize::from(key.epoch) % EPOCHS;
        let newer: u64 = self.epochs[epoch..].iter().skip(1).sum();
        let distance = newer.saturating_add(self.epochs[epoch] / 2);
        let edge = self.edges.partition_point(|&edge| edge < distance);
        let requests = (1_u64 << 32) as f32 / self.rate(key.size).max(1) as f32;
        if let Some(bin) = self.bins[tag as usize % GROUPS].get_mut(edge) {
            *bin += requests;
            self.samples = self.samples.saturating_add(1);
        }
        self.use_again(slot, key, item);
        self.sweep(now);
    }

    /// An item was stored.
    pub(super) fn store(&mut self, rank: u32, tag: u32, item: AccessedItem, now: u32) {
        match self.find(tag, now) {
            None => self.insert(rank, tag, item),
            Some((slot, key)) => self.use_again(slot, key, Some(item)),
        }
        self.sweep(now);
    }

    /// An item was deleted.
    pub(super) fn delete(&mut self, tag: u32) {
        if let Some(slot) = self.keys.find(tag) {
            self.forget(slot);
        }
    }

    /// The key with this tag, if it has not expired.
    fn find(&mut self, tag: u32, now: u32) -> Option<(usize, SampledKey)> {
        let slot = self.keys.find(tag)?;
        let key = self.keys.get(slot)?;
        if key.deadline <= now {
            self.forget(slot);
            return None;
        }
        Some((slot, key))
    }

    /// Moves a key to the newest epoch, with the size that its item has now if that is known.
    fn use_again(&mut self, slot: usize, mut key: SampledKey, item: Option<AccessedItem>) {
        self.take_from_epoch(&key);
        key.epoch = self.newest as u8;
        if let Some(item) = item {
            (key.size, key.deadline) = (item.size.max(1) as u32, item.deadline);
        }
        self.keys.set(slot, key);
        self.add_to_newest(key.size);
    }

    fn insert(&mut self, rank: u32, tag: u32, item: AccessedItem) {
        while self.keys.is_full() && self.threshold > 1 {
            self.halve();
        }
        let size = item.size.max(1) as u32;
        if self.is_sampled(rank, size) && !self.keys.is_full() {
            self.keys.insert(SampledKey {
                tag,
                rank,
                size,
                deadline: item.deadline,
                epoch: self.newest as u8,
            });
            self.add_to_newest(size);
        }
    }

    fn forget(&mut self, slot: usize) {
        if let Some(key) = self.keys.get(slot) {
            self.take_from_epoch(&key);
            self.keys.remove(slot);
        }
    }

    fn take_from_epoch(&mut self, key: &SampledKey) {
        let share = self.share(key.size);
        let bytes = &mut self.epochs[usize::from(key.epoch) % EPOCHS];
        *bytes = bytes.saturating_sub(share);
    }

    fn add_to_newest(&mut self, size: u32) {
        let share = self.share(size);
        self.window.moved = self.window.moved.saturating_add(share);
        let bytes = &mut self.epochs[self.newest % EPOCHS];
        *bytes = bytes.saturating_add(share);
    }

    /// Drops some of the keys that have expired.
    fn sweep(&mut self, now: u32) {
        for _ in 0..SWEPT {
            self.swept = (self.swept + 1) % self.keys.slots();
            if self
                .keys
                .get(self.swept)
                .is_some_and(|key| key.deadline <= now)
            {
                self.forget(self.swept);
            }
        }
    }

    /// Halves the sample.
    fn halve(&mut self) {
        self.threshold = (self.threshold / 2).max(1);
        self.large = self.large_next;
        let mut keys = core::mem::take(&mut self.keys);
        keys.retain(|key| self.is_sampled(key.rank, key.size));
        self.epochs = [0; EPOCHS];
        for key in keys.iter() {
            self.epochs[usize::from(key.epoch) % EPOCHS] += self.share(key.size);
        }
        self.keys = keys;
    }

    /// Whether the newest epoch has as many bytes as it should.
    pub(super) fn is_epoch_full(&self) -> bool {
        self.epochs[self.newest % EPOCHS] >= followed(self.capacity) / EPOCHS_WANTED
    }

    /// Begins another epoch.
    pub(super) fn begin_epoch(&mut self, totals: &Totals) {
        self.large_next = (4 * totals.bytes / totals.items.max(1)).clamp(1, 1 << 30) as u32;
        self.renew_capacity(totals);
        self.drop_old_epochs();
        if self.newest == EPOCHS - 1 {
            self.merge_epochs();
        }
        self.newest += 1;
        let window = &mut self.window;
        let (gets, hits) = window.total(totals.counted);
        if totals.is_full && !window.was_full {
            // What was counted is of a cache that still filled.
            window.was_full = true;
            self.restart(totals.counted);
        } else if gets > window.half_life as f64 && window.moved > 10 * self.capacity {
            let moved = window.moved / 2;
            window.restart(totals.counted);
            (window.gets, window.hits, window.moved) = (gets / 2.0, hits / 2.0, moved);
            self.samples /= 2;
            let bins = self.bins.as_flattened_mut();
            bins.iter_mut().for_each(|bin| *bin /= 2.0);
        }
    }

    fn restart(&mut self, counted: (u64, u64)) {
        self.window.restart(counted);
        self.bins = [[0.0; EDGES]; GROUPS];
        self.samples = 0;
    }

    /// Follows the memory: while a cache fills, and where shards share a budget, it changes a bit
    /// all the time; if by much, what was counted says nothing any more.
    fn renew_capacity(&mut self, totals: &Totals) {
        // Until it is full, what there is room for is as good a guess.
        if totals.is_full {
            if self.capacity.abs_diff(totals.bytes) > self.capacity / 4 {
                self.restart(totals.counted);
            }
            self.set_capacity(totals.bytes);
        }
    }

    fn set_capacity(&mut self, capacity: u64) {
        self.capacity = capacity.max(1);
        for (number, edge) in self.edges.iter_mut().enumerate() {
            let sixteenths = (self.capacity >> 4).max(1) << (number / 4);
            *edge = ((u128::from(sixteenths) * u128::from(ROOTS[number % 4])) >> 16) as u64;
        }
    }

    /// Forgets what was used so long ago that it is of no matter.
    fn drop_old_epochs(&mut self) {
        let mut newer: u64 = self.epochs.iter().sum();
        let is_old = |bytes: &&u64| {
            newer = newer.saturating_sub(**bytes);
            newer > followed(self.capacity)
        };
        let old = self.epochs[..self.newest].iter().take_while(is_old).count();
        if old > 0 {
            self.keys.retain(|key| usize::from(key.epoch) >= old);
            self.keys.renumber(|epoch| epoch.saturating_sub(old as u8));
            self.epochs.copy_within(old.., 0);
            self.epochs[EPOCHS - old..].fill(0);
            self.newest -= old;
        }
    }

    fn merge_epochs(&mut self) {
        self.keys.renumber(|epoch| epoch / 2);
        for epoch in 0..EPOCHS / 2 {
            self.epochs[epoch] = self.epochs[2 * epoch].saturating_add(self.epochs[2 * epoch + 1]);
        }
        self.epochs[EPOCHS / 2..].fill(0);
        self.newest = EPOCHS / 2 - 1;
    }

    /// The cache is empty.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.epochs = [0; EPOCHS];
        self.newest = 0;
    }

    /// The cache's counters are about to be 0.
    pub(super) fn reset_stats(&mut self, counted: (u64, u64)) {
        let moved = self.window.moved;
        let (gets, hits) = self.window.total(counted);
        self.window.restart((0, 0));
        (self.window.gets, self.window.hits, self.window.moved) = (gets, hits, moved);
    }

    /// The curve as it is.
    pub(super) fn snapshot(&self, counted: (u64, u64)) -> MissRatioCurve {
        let (gets, hits) = self.window.total(counted);
        let mut spread = 0.0;
        for key in self.keys.iter() {
            let (share, rate) = (self.share(key.size) as f64, self.rate(key.size) as f64);
            spread += share * share * (1.0 - rate / (1_u64 << 32) as f64);
        }
        MissRatioCurve {
            bins: self.bins.map(|bins| bins.map(f64::from)),
            gets,
            hits,
            samples: self.samples.into(),
            keys: self.keys.len() as u64,
            spread,
            bytes: self.epochs.iter().sum::<u64>() as f64,
            was_full: self.window.was_full,
            turnovers: self.window.moved as f64 / self.capacity as f64,
        }
    }
}

/// How the hit ratio depends on memory, as far as it is known. Those of the shards of one keyspace
/// can be [merged](Self::merge).
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config, Instant};
///
/// let mut config = Config::new(1 << 20);
/// config.insight = true;
/// let mut cache = Cache::new(config)?;
/// let now = Instant::from_secs(0);
/// // 20,000 keys in turn, of which a third has room: least recently used, none is ever found.
/// for number in (0..20_000_u32).cycle().take(200_000) {
///     let key = number.to_le_bytes();
///     if cache.get(now, &key).is_none() {
///         cache.set(now, &key, &[0; 100])?;
///     }
/// }
/// let curve = cache.miss_ratio_curve().expect("it was asked for");
/// assert!(curve.predict(1.0).unwrap().hit_ratio < 0.01);
/// assert!(curve.predict(4.0).unwrap().hit_ratio > 0.9);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MissRatioCurve {
    bins: [[f64; EDGES]; GROUPS],
    gets: f64,
    hits: f64,
    samples: u64,
    keys: u64,
    /// The sum of the squares of what the keys stand for, as far as they are not sure to be there.
    spread: f64,
    bytes: f64,
    was_full: bool,
    turnovers: f64,
}

/// What a [`MissRatioCurve`] says about some memory.
///
/// # Examples
/// ```
/// use dynamidb_core::{Cache, Config};
///
/// let mut config = Config::new(1 << 20);
/// config.insight = true;
/// let cache = Cache::new(config)?;
/// let curve = cache.miss_ratio_curve().expect("it was asked for");
/// assert!(curve.predict(2.0).is_none(), "nothing is known yet");
/// # Ok::<(), dynamidb_core::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// Hits per read, from 0 to 1.
    pub hit_ratio: f64,
    /// By how much that is usually wrong at most: three standard errors.
    pub margin: f64,
}

impl MissRatioCurve {
    /// How many hits there must be among the sampled requests before a prediction is made.
    pub const SAMPLES_MIN: u64 = 1000;

    /// The smallest and the largest memory that it says anything about, as multiples of the memory
    /// there is.
    pub const FACTORS: core::ops::RangeInclusive<f64> = 0.0625..=4.0;

    /// Hits per read in the time that the curve is of; `None` if nothing was read.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut config = Config::new(1 << 20);
    /// # config.insight = true;
    /// # let mut cache = Cache::new(config)?;
    /// cache.get(Instant::from_secs(0), "absent");
    /// let curve = cache.miss_ratio_curve().unwrap();
    /// assert_eq!((curve.measured(), curve.samples(), curve.keys()), (Some(0.0), 0, 0));
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn measured(&self) -> Option<f64> {
        (self.gets > 0.0).then(|| self.hits / self.gets)
    }

    /// How many of the reads were sampled and found a key that is followed.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// How many keys are followed.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.keys
    }

    /// Whether enough is known for predictions: the cache has been full, twice its bytes have been
    /// used since, and there are [`SAMPLES_MIN`](Self::SAMPLES_MIN) sampled hits.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.was_full && self.turnovers >= 2.0 && self.samples >= Self::SAMPLES_MIN
    }

    /// Adds the curve of another shard of the keyspace, which has as much memory.
    ///
    /// # Examples
    /// ```
    /// # use dynamidb_core::{Cache, Config, Instant};
    /// # let mut config = Config::new(1 << 20);
    /// # config.insight = true;
    /// # let cache = Cache::new(config)?;
    /// let mut curve = cache.miss_ratio_curve().unwrap();
    /// curve.merge(&curve.clone());
    /// assert!(!curve.is_ready());
    /// # Ok::<(), dynamidb_core::ConfigError>(())
    /// ```
    pub fn merge(&mut self, other: &Self) {
        let both = self
            .bins
            .as_flattened_mut()
            .iter_mut()
            .zip(other.bins.as_flattened());
        both.for_each(|(sum, bin)| *sum += bin);
        self.gets += other.gets;
        self.hits += other.hits;
        self.samples += other.samples;
        self.keys += other.keys;
        self.spread += other.spread;
        self.bytes += other.bytes;
        self.was_full &= other.was_full;
        self.turnovers = self.turnovers.min(other.turnovers);
    }

    /// The hit ratio with `factor` times the memory, if the requests stay the same and the least
    /// recently used items are evicted; `None` if [too little is known](Self::is_ready) or the
    /// factor is not one of [`FACTORS`](Self::FACTORS).
    #[must_use]
    pub fn predict(&self, factor: f64) -> Option<Prediction> {
        if !self.is_ready() || !Self::FACTORS.contains(&factor) {
            return None;
        }
        let gain = |bins: &[f64; EDGES]| hits(bins, factor) - hits(bins, 1.0);
        let gains = self.bins.each_ref().map(gain);
        let gain: f64 = gains.iter().sum();
        let groups = GROUPS as f64;
        let deviation = |of: &f64| (of - gain / groups) * (of - gain / groups);
        let variance = gains.iter().map(deviation).sum::<f64>() * groups / (groups - 1.0);
        // If the bytes of the sampled keys are too many or too few, all distances are.
        let error = square_root(self.spread) / self.bytes.max(1.0);
        let moved = self.slope(factor) - self.slope(1.0);
        let moved = moved * error;
        let margin = 3.0 * square_root(variance + moved * moved) / self.gets;
        let hit_ratio = (self.hits + gain) / self.gets;
        Some(Prediction {
            hit_ratio: hit_ratio.clamp(0.0, 1.0),
            margin: margin.clamp(0.001, 1.0),
        })
    }

    /// By how many the hits would change if all distances grew by their own size.
    fn slope(&self, factor: f64) -> f64 {
        let less = self
            .bins
            .iter()
            .map(|bins| hits(bins, factor * 0.92))
            .sum::<f64>();
        let more = self
            .bins
            .iter()
            .map(|bins| hits(bins, factor * 1.08))
            .sum::<f64>();
        (more - less) / 0.16
    }
}

/// Requests with a reuse distance up to `factor` times the memory.
fn hits(bins: &[f64; EDGES], factor: f64) -> f64 {
    let edge = |number: usize| {
        let doublings = (1_u64 << (number / 4)) as f64;
        doublings * ROOTS[number % 4] as f64 / (65_536 << (NOW / 4)) as f64
    };
    let below = (0..EDGES)
        .take_while(|&number| edge(number) <= factor)
        .count();
    let whole: f64 = bins[..below].iter().sum();
    let start = below.checked_sub(1).map_or(0.0, edge);
    let part = bins
        .get(below)
        .map_or(0.0, |bin| bin * (factor - start) / (edge(below) - start));
    whole + part
}

/// Without `std` there is none for floating point.
fn square_root(of: f64) -> f64 {
    if of <= 0.0 {
        return 0.0;
    }
    // Twice the digits that are right with each step, from about the right magnitude.
    let mut root = f64::from_bits((of.to_bits() >> 1) + (1023 << 51));
    for _ in 0..4 {
        root = (root + of / root) / 2.0;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_roots_are_right() {
        for of in [1e-12, 0.25, 2.0, 1234.5, 1e18, 1e300] {
            let root = square_root(of);
            assert!((root * root / of - 1.0).abs() < 1e-12, "{of}: {root}");
        }
        assert_eq!((square_root(0.0), square_root(-1.0)), (0.0, 0.0));
    }

    #[test]
    fn hits_are_added_up_to_the_edge_and_in_proportion_behind_it() {
        let mut bins = [0.0; EDGES];
        bins[NOW] = 10.0;
        bins[NOW + 4] = 20.0;
        assert_eq!(hits(&bins, 0.8), 0.0);
        assert_eq!((hits(&bins, 1.0), hits(&bins, 1.6)), (10.0, 10.0));
        assert!(
            (hits(&bins, 1.84) - 20.0).abs() < 0.1,
            "{}",
            hits(&bins, 1.84)
        );
        assert_eq!((hits(&bins, 2.0), hits(&bins, 4.0)), (30.0, 30.0));
    }
}
