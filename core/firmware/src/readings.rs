//! The work of a sensor hub with its cache, without any input: it has the same outcome on the host,
//! where this file is compiled too, and on every device.

use core::fmt;
use core::time::Duration;

use dynamidb_core::{Cache, Config, Expiry, Instant, Memory, Value};

/// The cache's memory, in bytes.
pub const MEMORY: usize = 16 * 1024;

const STEPS: u32 = 20_000;
const SENSORS: u32 = 400;
/// The maintenance steps between two requests.
const MAINTAIN_STEPS: usize = 2;

/// The configuration of a cache for small readings.
pub fn config() -> Config {
    let mut config = Config::new(MEMORY);
    config.slab_sizes = [32, 64, 128].into();
    config.hash_seed = 0x5eed;
    config
}

/// The outcome of the work.
pub struct Outcome {
    hits: u32,
    misses: u32,
    items: usize,
    evictions: u64,
    reclaimed: u64,
    /// A checksum of all values that were read, in order.
    sum: u32,
    /// The state digest at the end.
    digest: u64,
}

/// Stores, reads, deletes and expires several times as many readings as the memory holds.
pub fn play<M: Memory>(cache: &mut Cache<M>) -> Outcome {
    let (mut hits, mut misses, mut sum) = (0, 0, 0_u32);
    let (mut millis, mut random) = (0, 1_u32);
    for step in 0..STEPS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The upper bits are the random ones. Few sensors are read often, many rarely.
        let dice = random >> 8;
        let sensor = (dice % SENSORS) * (dice / SENSORS % 16) / 16;
        millis += u64::from(dice % 8);
        let now = Instant::from_millis(millis);
        let key = key(sensor);
        match dice / 16 % 8 {
            0..4 => match cache.get(now, &key) {
                Some(item) => {
                    hits += 1;
                    for byte in item.value.pieces().flatten() {
                        sum = sum.rotate_left(5) ^ u32::from(*byte);
                    }
                }
                None => misses += 1,
            },
            4..7 => {
                // Now and then a larger record, so that memory has to move between slab sizes.
                let bytes = [step as u8; 100];
                let len = if step % 16 == 0 { bytes.len() } else { 16 };
                let ttl = Duration::from_millis(u64::from(dice % 20_000));
                let value = Value::from(&bytes[..len]).expire(Expiry::After(ttl));
                cache.set(now, &key, value).expect("items can be evicted");
            }
            _ => {
                cache.delete(now, &key);
            }
        }
        cache.maintain(now, MAINTAIN_STEPS);
    }
    cache.check();
    let stats = cache.stats();
    let (evictions, reclaimed) = (stats.evictions, stats.reclaimed);
    Outcome {
        hits,
        misses,
        items: cache.len(),
        evictions,
        reclaimed,
        sum,
        digest: cache.digest(),
    }
}

/// 16 bytes: `reading/` and the sensor.
fn key(sensor: u32) -> [u8; 16] {
    let mut key = *b"reading/........";
    key[8..12].copy_from_slice(&sensor.to_be_bytes());
    key
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hits,
            misses,
            items,
            evictions,
            reclaimed,
            sum,
            digest,
        } = self;
        write!(
            f,
            "{hits} hits, {misses} misses, {items} items, {evictions} evicted, "
        )?;
        write!(
            f,
            "{reclaimed} expired, sum {sum:08x}, digest {digest:016x}"
        )
    }
}
