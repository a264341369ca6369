//! The latest readings of many sensors in a static buffer of 16 KiB, as on a device: nothing is
//! allocated, new readings evict old ones, and stale readings are never returned.

use std::time::Duration;

use dynamidb_core::{Cache, Config, Error, Expiry, Instant, Value};

/// How long a reading is valid.
const TTL: Duration = Duration::from_secs(30);

/// Readings in caller-provided memory.
struct Readings {
    cache: Cache<&'static mut [u8]>,
}

impl Readings {
    fn store(&mut self, now: Instant, sensor: u16, tenths: i32) -> Result<(), Error> {
        let bytes = tenths.to_le_bytes();
        let value = Value::from(&bytes).expire(Expiry::After(TTL));
        self.cache.set(now, &sensor.to_le_bytes(), value)
    }

    fn latest(&mut self, now: Instant, sensor: u16) -> Option<i32> {
        let item = self.cache.get(now, &sensor.to_le_bytes())?;
        let mut bytes = [0; 4];
        item.value.copy_to(&mut bytes)?;
        Some(i32::from_le_bytes(bytes))
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    // A device has a `static` here; a leak is the same on a host.
    let memory = Box::leak(Box::new([0; 16 * 1024]));
    let mut config = Config::new(memory.len());
    // An item header of 24 bytes, 2 of the key, 4 of the value: one chunk of 32.
    config.slab_sizes = [32, 64].into();
    let cache = Cache::with_memory(config, &mut memory[..])?;
    let mut readings = Readings { cache };

    for second in 0..120 {
        let now = Instant::from_secs(second);
        // Every sensor once in ten seconds.
        for sensor in (0..200).filter(|sensor| u64::from(sensor % 10) == second % 10) {
            readings.store(now, sensor, 200 + i32::from(sensor))?;
        }
        // A little maintenance between readings.
        readings.cache.maintain(now, 2);
    }
    let now = Instant::from_secs(119);
    assert_eq!(readings.latest(now, 7), Some(207));
    assert_eq!(readings.latest(now, 200), None, "no such sensor");
    assert_eq!(readings.latest(now + TTL, 7), None, "stale");
    while readings.cache.maintain(now + TTL, 8) == 8 {}
    assert!(readings.cache.is_empty(), "all memory is reclaimed");
    println!("{:?}", readings.cache);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the memory is large enough");
}
