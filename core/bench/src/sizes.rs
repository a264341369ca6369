//! The sizes of a social network's general cache, also for the benchmarks of the server.

/// Value sizes as CacheLib's `kvcache` workload has them: buckets (upper end, share in percent),
/// coarse.
const VALUES: [(u64, u64); 9] = [
    (50, 14),
    (100, 20),
    (150, 14),
    (250, 16),
    (400, 14),
    (600, 10),
    (1000, 8),
    (2000, 3),
    (3000, 1),
];

/// The lengths of a key and a value, of 336 bytes in the mean, by two random numbers.
pub fn social(random: u64, other: u64) -> (usize, usize) {
    let key_len = 16 + (random % 48) as usize;
    let mut share = random / 48 % 100;
    let mut low = 1;
    for (high, part) in VALUES {
        if share < part {
            return (key_len, (low + other % (high - low)) as usize);
        }
        share -= part;
        low = high;
    }
    (key_len, 1)
}
