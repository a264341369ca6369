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
    let mut bytes: Vec<u8> = (0..251_u16).map(|at| (at * 7 % 251) as u8).collect();
    bytes.rotate_left(len % 251);
    bytes.into_iter().cycle().take(len).collect()
}

/// Values in one piece and in several, and each way to read them.
#[test]
fn a_value_is_equal_to_its_own_bytes_alone_in_whatever_form() {
    let mut cache = Cache::new(Config::new(64 << 10)).expect("a configuration that works");
    let whole = [1, 2, 3, 4];
    let mut split = [7; 3000];
    (split[1], split[2999]) = (8, 9);
    assert_eq!(cache.set(NOW, "whole", &whole), Ok(()));
    assert_eq!(cache.set(NOW, "split", &split), Ok(()));
    assert_eq!(cache.set(NOW, "empty", b""), Ok(()));
    let read = |key: &str| cache.peek(NOW, key).expect("it was stored").value;
    let (mut other, mut longer) = (split, split.to_vec());
    other[2999] = 7;
    longer.push(0);
    let (shorter, changed): ([u8; 3], [u8; 4]) = ([1, 2, 3], [1, 2, 3, 5]);
    // Arrays, references to arrays, slices, and references to slices.
    assert!(read("whole") == whole && read("whole") != changed && read("whole") != shorter);
    assert!(read("split") == split && read("split") != other);
    let (same, unlike) = ((&whole, &split), (&shorter, &changed, &other));
    assert!(read("whole") == same.0 && read("split") == same.1);
    assert!(read("whole") != unlike.0 && read("whole") != unlike.1 && read("split") != unlike.2);
    assert!(read("whole") == whole[..] && read("whole") != shorter[..]);
    assert!(read("split") == split[..] && read("split") != longer[..]);
    assert!(read("split") != split[..2999] && read("split") != other[..]);
    let (same, unlike) = ((&whole[..], &split[..]), (&changed[..], &other[..]));
    assert!(read("whole") == same.0 && read("split") == same.1);
    assert!(read("whole") != unlike.0 && read("split") != unlike.1);
    assert!(read("empty").is_empty() && !read("whole").is_empty() && !read("split").is_empty());

    assert_eq!(read("whole").as_slice(), Some(&whole[..]));
    assert_eq!(read("split").as_slice(), None);
    assert_eq!(
        (
            read("empty").pieces().count(),
            read("whole").pieces().count()
        ),
        (0, 1)
    );
    let pieces: Vec<&[u8]> = read("split").pieces().collect();
    assert!(pieces.len() > 1 && pieces.concat() == split);
    for (key, bytes) in [("whole", &whole[..]), ("split", &split[..])] {
        let (value, len) = (read(key), bytes.len());
        let mut output = vec![0; len + 1];
        assert_eq!(value.copy_to(&mut output), Some(bytes));
        assert_eq!(value.copy_to(&mut output[..len]), Some(bytes));
        assert_eq!(value.copy_to(&mut output[1..len]), None);
        assert_eq!((value.len(), value.to_vec()), (len, bytes.to_vec()));
        assert_eq!(format!("{value:?}"), format!("{bytes:?}"));
        let mut output = vec![5];
        value.append_to(&mut output);
        assert_eq!((output[0], &output[1..]), (5, bytes));
    }
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
            assert!(
                item.value.to_vec() == bytes,
                "{len} in {:?}",
                config.slab_sizes
            );
            if let Some(item) = cache.get(NOW, &before) {
                let bytes = value(len.max(1) - 1);
                assert!(
                    item.value.to_vec() == bytes,
                    "{len} in {:?}",
                    config.slab_sizes
                );
            }
            if len % 501 == 0 {
                cache.check();
            }
        }
        cache.check();
    }
}

/// Memory is not stuck in the wrong class: where few chunks of many pages are in use, they are
/// moved together, and nothing is evicted as long as that frees pages.
#[test]
fn sparse_pages_are_emptied_before_anything_is_evicted() {
    for kept in [4, 10] {
        let mut cache = Cache::new(Config::new(512 << 10)).expect("a configuration that works");
        let mut count = 0_u32;
        while cache.stats().unused_pages > 0 {
            assert_eq!(cache.set(NOW, &count.to_le_bytes(), b"small"), Ok(()));
            count += 1;
        }
        let is_kept = |number: &u32| number.is_multiple_of(kept);
        for number in (0..count).filter(|number| !is_kept(number)) {
            assert!(cache.delete(NOW, &number.to_le_bytes()));
        }
        // Half of the pages, at least, hold nothing but free chunks once the others are together.
        let pages = cache.pages().count() / 2;
        for number in 0..pages as u64 {
            assert_eq!(cache.set(NOW, &number.to_le_bytes(), &[b'v'; 4000]), Ok(()));
        }
        cache.check();
        assert!(cache.stats().chunks_moved > 0);
        assert_eq!(cache.stats().evictions, 0);
        assert!((0..count).filter(is_kept).all(|number| {
            let item = cache.peek(NOW, &number.to_le_bytes());
            item.is_some_and(|item| item.value == b"small")
        }));
    }
}
