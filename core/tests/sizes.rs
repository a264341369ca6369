//! Values of all sizes in caches of all kinds of chunk sizes read back as they were stored.

use dynamidb_core::{Cache, Config, Instant};

const NOW: Instant = Instant::from_secs(1);

/// Page sizes, and lists of chunk sizes for them: powers of two, eleven and thirty sizes.
fn configs() -> Vec<Config> {
    let mut lists: Vec<(usize, Vec<usize>)> = Vec::new();
    for page_size in [512, 1024, 4096, 65536] {
        let powers = (5..).map(|shift| 1 << shift);
        lists.push((page_size, powers.take_while(|&s| s < page_size).collect()));
        lists.push((page_size, vec![32]));
    }
    let eleven = [48, 80, 112, 160, 240, 352, 512, 800, 1200, 2032, 4096];
    lists.push((4096, eleven.to_vec()));
    lists.push((65536, eleven.to_vec()));
    for page_size in [4096, 65536] {
        let thirty = (1..=30).map(|at| page_size / 16 * at * at / 900 * 16 + 16 * (at + 1));
        lists.push((page_size, thirty.filter(|&s| s <= page_size).collect()));
    }
    let config = |(page_size, sizes): (usize, Vec<usize>)| {
        let mut config = Config::new(40 * page_size + (64 << 10));
        (config.page_size, config.slab_sizes) = (page_size, sizes[..].into());
        config
    };
    lists.into_iter().map(config).collect()
}

/// Bytes that are different everywhere nearby and for each length.
fn value(len: usize) -> Vec<u8> {
    let byte = |at: usize| (at * 7 + at / 251 + len) as u8;
    (0..len).map(byte).collect()
}

#[test]
fn values_up_to_some_pages_read_back_as_they_were_stored() {
    for config in configs() {
        let page = config.page_size;
        let mut cache = Cache::new(config.clone()).expect("a configuration that works");
        // All sizes up to some thousand; beyond, those about the ends of pages and some between.
        let step = 1 + page / 1024;
        let lens = (0..2500).chain((2500..7 * page / 2).step_by(step));
        let ends = (1..4).flat_map(|pages| pages * page - 60..pages * page + 20);
        for len in lens.chain(ends) {
            // The next ones take chunks of other sizes while these are still there.
            let (key, before) = (len.to_le_bytes(), (len.max(1) - 1).to_le_bytes());
            let bytes = value(len);
            assert_eq!(cache.set(NOW, &key, &bytes[..]), Ok(()), "{len}");
            let item = cache.get(NOW, &key).expect("it was just stored");
            assert!(item.value == bytes[..], "{len} in {:?}", config.slab_sizes);
            if let Some(item) = cache.get(NOW, &before) {
                let bytes = value(len.max(1) - 1);
                assert!(item.value == bytes[..], "{len} in {:?}", config.slab_sizes);
            }
            if len % 501 == 0 {
                cache.check();
            }
        }
        cache.check();
    }
}
