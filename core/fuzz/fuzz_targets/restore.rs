//! Any bytes as a snapshot, their checksums right or not: no input makes an unsound cache, how the
//! bytes are cut makes no difference, and what was restored is saved and restored the same.
#![no_main]

use std::collections::HashSet;

use dynamidb_core::snapshot::{Clocks, HEADER_SIZE, LiveSave, Part, ReadError, Reader, Restore};
use dynamidb_core::snapshot::{Restored, Writer};
use dynamidb_core::{Cache, Config, Instant, LruBump, Policy};
use libfuzzer_sys::fuzz_target;
use rapidhash::v3::{RapidSecrets, rapidhash_v3_nano_inline};

const NOW: Instant = Instant::from_secs(1_700_000_000);
/// What is saved at a time: any item of these caches fits.
const BUFFER: usize = 8 << 10;

fuzz_target!(|data: &[u8]| {
    let Some((&[settings, piece], bytes)) = data.split_first_chunk() else {
        return;
    };
    let mut file = bytes.to_vec();
    if settings & 0x80 == 0 {
        seal(&mut file);
    }
    let config = config(settings);
    let (whole, outcome) = restore(&config, &file, usize::MAX);
    let (cut, outcome_of_cut) = restore(&config, &file, piece.into());
    assert_eq!(outcome, outcome_of_cut);
    assert_eq!(whole.digest(), cut.digest());
    let saved = save(&whole);
    let (again, outcome) = restore(&config, &saved, usize::MAX);
    assert!(outcome.is_ok());
    assert!(again.len() <= whole.len());
    assert_eq!(keys(&saved).len(), whole.saved_items(NOW).count());
    assert_eq!(keys(&save_live(&whole)), keys(&saved));
});

fn config(settings: u8) -> Config {
    let mut config = Config::new([12, 16, 24, 48][settings as usize % 4] << 10);
    config.policy = [Policy::Lru, Policy::S3Lru][settings as usize / 4 % 2];
    config.lru_bump = [LruBump::Strict, LruBump::Lazy][settings as usize / 8 % 2];
    config.compact = settings & 16 != 0;
    config.max_items = (settings & 32 != 0).then_some(5);
    config.hash_seed = u128::from(settings);
    config
}

/// Makes all checksums right: no fuzzer guesses one.
fn seal(file: &mut Vec<u8>) {
    let header = Writer::new(Clocks::new(NOW)).header();
    file.resize(file.len().max(HEADER_SIZE), 0);
    // Order and number of items stay what they are.
    let claims: [u8; 6] = file[10..16].try_into().expect("six bytes");
    file[..HEADER_SIZE].copy_from_slice(&header);
    file[10..16].copy_from_slice(&claims);
    file[10] &= 1;
    let sum = checksum(0, &file[..HEADER_SIZE - 8]);
    file[HEADER_SIZE - 8..HEADER_SIZE].copy_from_slice(&sum);
    let mut rest = &mut file[HEADER_SIZE..];
    for number in 1.. {
        let Some(len) = rest.get(8..12) else {
            return;
        };
        let len = u32::from_le_bytes([len[0], len[1], len[2], len[3]]);
        let Some(block) = rest.split_off_mut(..24 + len as usize) else {
            return;
        };
        let sum = checksum(number, &block[8..]);
        block[..8].copy_from_slice(&sum);
    }
}

fn checksum(number: u64, bytes: &[u8]) -> [u8; 8] {
    rapidhash_v3_nano_inline::<true, true>(bytes, &RapidSecrets::seed(number)).to_le_bytes()
}

/// Restores a file that comes in pieces of this size.
fn restore(config: &Config, file: &[u8], size: usize) -> (Cache, Result<Restored, ReadError>) {
    let mut cache = Cache::new(config.clone()).expect("these limits are possible");
    let mut restore = Restore::new(Clocks::new(NOW));
    let mut input = Vec::new();
    let mut result = Ok(());
    for piece in file.chunks(size.clamp(1, file.len().max(1))) {
        input.extend_from_slice(piece);
        result = feed(&mut restore, &mut cache, &mut input);
        if result.is_err() {
            break;
        }
    }
    cache.check();
    (cache, result.and_then(|()| restore.finish()))
}

fn feed(restore: &mut Restore, cache: &mut Cache, input: &mut Vec<u8>) -> Result<(), ReadError> {
    while let used @ 1.. = restore.feed(NOW, cache, input)? {
        input.drain(..used);
    }
    assert!(restore.wanted() > input.len());
    Ok(())
}

fn save(cache: &Cache) -> Vec<u8> {
    let (mut buffer, mut file) = ([0; BUFFER + 100], Vec::new());
    let mut save = cache.save(Clocks::new(NOW));
    while let piece @ [_, ..] = save.next(&mut buffer).expect("every item fits") {
        file.extend_from_slice(piece);
    }
    file
}

fn save_live(cache: &Cache) -> Vec<u8> {
    let (mut buffer, mut file) = ([0; BUFFER + 100], Vec::new());
    let mut save = LiveSave::new(Clocks::new(NOW), 1);
    while save.cache().is_some() {
        let piece = save.next(NOW, cache, &mut buffer);
        file.extend_from_slice(piece.expect("every item fits"));
    }
    file
}

/// The keys in a file, each of which is there once.
fn keys(file: &[u8]) -> HashSet<Vec<u8>> {
    let mut reader = Reader::new(Clocks::new(NOW));
    let (mut rest, mut keys) = (file, HashSet::new());
    while !rest.is_empty() {
        let (used, part) = reader.next(rest).expect("it was just saved");
        rest = &rest[used..];
        if let Part::Block(block) = part {
            for record in block.records() {
                assert!(keys.insert(record.key.to_vec()), "a key twice");
            }
        }
    }
    keys
}
