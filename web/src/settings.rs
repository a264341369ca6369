//! The settings of a playground: those of the server.

use alloc::string::String;
use alloc::vec::Vec;

use dynamidb_core::{Config, ConfigError, SessionConfig};

use crate::snapshot::NONE;
use crate::text::{decimal, joined};

/// Which verbs the clients of a playground may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Dialect {
    /// A verb with a capital letter is DynamiDB's, one in small letters memcached's.
    Auto,
    /// All verbs are DynamiDB's, in any case.
    DynamiDb,
    /// All verbs are memcached's.
    Memcached,
}

/// Which item is evicted when memory is full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// The least recently used one.
    Lru,
    /// New items pass an admission queue before the LRU.
    S3Lru,
    /// By age and size.
    Density,
}

/// The settings of a playground. Every field may be changed before it is made.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The budget in bytes.
    pub memory: u32,
    /// The item limit; by default only memory limits the number of items.
    pub max_items: Option<u32>,
    /// The largest item, in bytes of key and value together.
    pub item_size_max: u32,
    /// The slab sizes: the sizes of chunks, in bytes.
    pub slab_sizes: Vec<u32>,
    /// Which item is evicted when memory is full.
    pub policy: Policy,
    /// Which verbs clients may use.
    pub dialect: Dialect,
    /// Whether `flush_all` is enabled.
    pub flush_enabled: bool,
    /// Whether items have a `cas`.
    pub cas_enabled: bool,
}

impl Settings {
    /// The core's defaults for a budget of `memory` bytes.
    pub fn new(memory: u32) -> Self {
        let config = Config::new(memory as usize);
        Self {
            memory,
            max_items: None,
            item_size_max: config.item_size_max as u32,
            slab_sizes: config.slab_sizes.iter().map(|&size| size as u32).collect(),
            policy: Policy::Lru,
            dialect: Dialect::Auto,
            flush_enabled: true,
            cas_enabled: true,
        }
    }
}

impl Settings {
    /// The policies by their number, with their names in a scenario.
    pub(crate) const POLICIES: [(&str, Policy); 3] = [
        ("lru", Policy::Lru),
        ("s3lru", Policy::S3Lru),
        ("density", Policy::Density),
    ];
    /// The dialects by their number, with their names in a scenario.
    pub(crate) const DIALECTS: [(&str, Dialect); 3] = [
        ("auto", Dialect::Auto),
        ("dynamidb", Dialect::DynamiDb),
        ("memcached", Dialect::Memcached),
    ];

    /// As an array for JavaScript: memory, item limit (`u32::MAX`: none), largest item, policy (0
    /// LRU, 1 S3LRU, 2 density), dialect (0 both, 1 DynamiDB's, 2 memcached's), then the slab
    /// sizes.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let limits = [
            self.memory,
            self.max_items.unwrap_or(NONE),
            self.item_size_max,
            self.policy as u32,
            self.dialect as u32,
        ];
        let mut numbers = limits.to_vec();
        numbers.extend_from_slice(&self.slab_sizes);
        numbers
    }

    /// Reads such an array; `None` if it is too short, or a number is unknown.
    pub(crate) fn from_numbers(numbers: &[u32]) -> Option<Self> {
        let (&[memory, max_items, item_size_max, policy, dialect], sizes) =
            numbers.split_first_chunk()?;
        Some(Self {
            memory,
            max_items: Some(max_items).filter(|&max| max != NONE),
            item_size_max,
            slab_sizes: sizes.to_vec(),
            policy: Self::POLICIES.get(policy as usize)?.1,
            dialect: Self::DIALECTS.get(dialect as usize)?.1,
            ..Self::new(memory)
        })
    }

    pub(crate) fn config(&self, hash_seed: u128) -> Config {
        let mut config = Config::new(self.memory as usize);
        config.max_items = self.max_items.map(|max| max as usize);
        config.item_size_max = self.item_size_max as usize;
        config.slab_sizes = self.slab_sizes.iter().map(|&size| size as usize).collect();
        config.policy = match self.policy {
            Policy::Lru => dynamidb_core::Policy::Lru,
            Policy::S3Lru => dynamidb_core::Policy::S3Lru,
            Policy::Density => dynamidb_core::Policy::Density,
        };
        config.hash_seed = hash_seed;
        config.insight = true;
        config
    }

    pub(crate) fn session_config(&self) -> SessionConfig {
        let mut config = SessionConfig::default();
        config.item_size_max = self.item_size_max as usize;
        config.flush_enabled = self.flush_enabled;
        config.cas_enabled = self.cas_enabled;
        config.dialect = match self.dialect {
            Dialect::Auto => dynamidb_core::Dialect::Auto,
            Dialect::DynamiDb => dynamidb_core::Dialect::DynamiDb,
            Dialect::Memcached => dynamidb_core::Dialect::Memcached,
        };
        config
    }
}

/// Why a cache cannot be made, as a sentence for people.
pub(crate) fn sentence(error: ConfigError) -> String {
    let number = |text: &str, number: u64, more: &str| joined(&[text, &decimal(number), more]);
    match error {
        ConfigError::MemoryTooSmall(least) => {
            number("too little memory: at least ", least as u64, " bytes")
        }
        ConfigError::MemoryTooLarge(most) => {
            number("too much memory for one cache: at most ", most, " bytes")
        }
        ConfigError::SlabSizeCount => "there must be between 1 and 62 slab sizes".into(),
        ConfigError::SlabSizeOrder(size) => {
            number("slab sizes must ascend, ", size as u64, " does not")
        }
        ConfigError::SlabSize(size) => number(
            "slab size ",
            size as u64,
            " is not a multiple of 16 between 32 and the page size",
        ),
        ConfigError::ItemSize(size) => number(
            "the largest item cannot be ",
            size as u64,
            " bytes: 1 to 16777216 are possible",
        ),
        ConfigError::OutOfMemory => "the memory could not be allocated".into(),
        // Of what a page cannot set.
        _ => "the settings are invalid".into(),
    }
}
