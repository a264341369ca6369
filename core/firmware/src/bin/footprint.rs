//! The program whose flash is measured: empty; with the feature `device` a cache with the
//! basic operations; with `all` every operation; with `protocol` a session, too; with `snapshot` a
//! file of its items. It is measured, never run: inputs and outputs are hidden from the compiler,
//! so that it removes nothing.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;

/// Of what is measured, the binary protocol alone needs one.
#[cfg(feature = "heap")]
#[global_allocator]
static HEAP: embedded_alloc::LlffHeap = embedded_alloc::LlffHeap::empty();

#[entry]
fn main() -> ! {
    let mut buffer = [0; 256];
    loop {
        #[cfg(feature = "device")]
        cache::run(black_box(&mut buffer));
        black_box(&mut buffer);
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}

#[cfg(feature = "device")]
mod cache {
    use core::hint::black_box;
    use core::time::Duration;

    use dynamidb_core::{Cache, Config, Expiry, Instant, Memory, Value};

    // Not inlined, so that `check_calls` can tell the cache's code from the rest.
    #[inline(never)]
    pub fn run(output: &mut [u8]) {
        let mut memory = [0; 16 * 1024];
        let memory = black_box(&mut memory[..]);
        let config = Config::new(memory.len());
        let Ok(mut cache) = Cache::with_memory(config, memory) else {
            return;
        };
        keep_readings(&mut cache);
        #[cfg(feature = "all")]
        {
            read(&mut cache);
            store(&mut cache);
            change(&mut cache);
            inspect(&mut cache);
        }
        #[cfg(feature = "protocol")]
        serve(&mut cache, output);
        #[cfg(feature = "snapshot")]
        {
            save(&cache);
            restore(&mut cache);
        }
        black_box(output);
    }

    fn now() -> Instant {
        Instant::from_millis(black_box(1))
    }

    fn key() -> &'static [u8] {
        black_box(b"key")
    }

    fn value() -> Value<'static> {
        let expiry = Expiry::After(Duration::from_millis(1));
        Value::from(black_box("value")).expire(black_box(expiry))
    }

    fn keep_readings<M: Memory>(cache: &mut Cache<M>) {
        let (now, key) = (now(), key());
        black_box(cache.set(now, key, value()).is_ok());
        if let Some(item) = cache.get(now, key) {
            black_box(item.value.copy_to(black_box(&mut [0; 16])));
        }
        black_box(cache.delete(now, key));
        black_box(cache.maintain(now, black_box(8)));
        black_box(cache.len());
    }

    #[cfg(feature = "all")]
    fn read<M: Memory>(cache: &mut Cache<M>) {
        for piece in cache
            .get(now(), key())
            .iter()
            .flat_map(|item| item.value.pieces())
        {
            black_box(piece);
        }
        black_box(&cache.peek(now(), key()));
        black_box(&cache.get_and_touch(now(), key(), value().expiry));
        black_box(cache.touch(now(), key(), value().expiry));
    }

    // Not inlined, as a large frame needs larger instructions.
    #[cfg(feature = "all")]
    #[inline(never)]
    fn store<M: Memory>(cache: &mut Cache<M>) {
        use dynamidb_core::Cas;

        black_box(cache.add(now(), key(), value())).ok();
        black_box(cache.replace(now(), key(), value())).ok();
        if let Some(cas) = Cas::new(black_box(1)) {
            black_box(cache.compare_and_swap(now(), key(), value(), cas)).ok();
        }
    }

    #[cfg(feature = "all")]
    fn change<M: Memory>(cache: &mut Cache<M>) {
        black_box(cache.append(now(), key(), black_box(b"more"))).ok();
        black_box(cache.prepend(now(), key(), black_box(b"more"))).ok();
        black_box(cache.increment(now(), key(), black_box(1))).ok();
        black_box(cache.decrement(now(), key(), black_box(1))).ok();
        cache.clear();
        cache.flush_at(now());
    }

    #[cfg(feature = "all")]
    fn inspect<M: Memory>(cache: &mut Cache<M>) {
        black_box(&cache.stats());
        cache.reset_stats();
        for slab in cache.slabs() {
            black_box(&slab);
        }
        for item in cache.iter() {
            black_box(&item);
        }
    }

    #[cfg(feature = "snapshot")]
    #[inline(never)]
    fn save<M: Memory>(cache: &Cache<M>) {
        use dynamidb_core::snapshot::Clocks;

        let mut save = cache.save(Clocks::new(now()));
        let mut buffer = [0; 512];
        while let Ok(piece @ [_, ..]) = save.next(&mut buffer) {
            black_box(piece);
        }
    }

    #[cfg(feature = "snapshot")]
    #[inline(never)]
    fn restore<M: Memory>(cache: &mut Cache<M>) {
        use dynamidb_core::snapshot::{Clocks, Restore};

        let mut restore = Restore::new(Clocks::new(now()));
        let used = restore.feed(now(), cache, key());
        black_box((used.ok(), restore.finish().ok()));
    }

    #[cfg(feature = "protocol")]
    fn serve<M: Memory>(cache: &mut Cache<M>, output: &mut [u8]) {
        use dynamidb_core::{FixedOutput, Session, SessionConfig};

        let mut session = Session::new(black_box(SessionConfig::default()));
        let mut output = FixedOutput::new(output);
        black_box(session.process(now(), key(), cache, &mut output));
    }
}
