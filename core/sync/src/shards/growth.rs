//! How far a budget can grow, and what one shard of a cache is made from.

use dynamidb_core::{Config, ConfigError};

/// The largest shard: what one cache can address.
pub(super) const SHARD_MEMORY_MAX: u64 = 4 << 30;

/// How far the budget can be raised, and whether shares of it can move.
///
/// # Examples
/// ```
/// use dynamidb_sync::Growth;
///
/// // Up to 1 GiB, without ever moving what is stored.
/// let growth = Growth { max: 1 << 30, set_aside: true };
/// // Each shard keeps the share of the budget that it begins with.
/// assert_eq!(Growth::default().max, 0);
/// # let _ = growth;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Growth {
    /// The largest budget. If it is less than the one at the start, shares do not move.
    pub max: usize,
    /// Whether each shard has addresses set aside for all of it, up to the 4 GiB that a shard can
    /// use. If not, a shard that grows moves, and shares change only for large values.
    pub set_aside: bool,
}

/// Whether shares of the budget can move. Each shard's table of evicted hashes would have to be
/// made for the whole budget.
pub(super) fn shares_move(config: &Config, growth: Growth) -> bool {
    growth.max >= config.memory && !config.policy.remembers_evicted()
}

/// The configuration of one shard, with an equal share of everything.
pub(super) fn part(config: &Config, index: usize, count: usize) -> Config {
    let mut part = config.clone();
    part.memory = config.memory / count + if index == 0 { config.memory % count } else { 0 };
    part.reserved = config.reserved.div_ceil(count);
    part.max_items = config
        .max_items
        .map(|max| max / count + usize::from(index < max % count));
    // There are no more shards than six bits can tell apart.
    (part.shard, part.shard_count) = (index as u16, count as u16);
    part
}

/// What is wrong with one shard of this many, as of all together.
pub(super) fn of_all(error: ConfigError, count: usize) -> ConfigError {
    match error {
        ConfigError::MemoryTooSmall(least) => ConfigError::MemoryTooSmall(least * count),
        ConfigError::MemoryTooLarge(most) => ConfigError::MemoryTooLarge(most * count as u64),
        other => other,
    }
}
