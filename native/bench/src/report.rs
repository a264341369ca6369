//! What all tables begin with, and what they are made of.

use std::fs;
use std::path::Path;
use std::process::Command;

use hdrhistogram::Histogram;

use crate::peer::version;

/// Prints when and where this was measured, and what.
pub fn head(server: &Path) {
    println!("{}\n", where_and_what(server));
}

/// When and where this was measured, and what.
pub fn where_and_what(server: &Path) -> String {
    let date = Command::new("date").arg("-uI").output();
    let date = date.map_or_else(
        |_| "an unknown day".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name\t: "));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processors = cpus.matches("processor\t").count();
    let server = version(&server.to_string_lossy()).unwrap_or_default();
    let peers = ["memcached", "redis-server"].map(version);
    let peers: Vec<_> = peers.iter().flatten().map(String::as_str).collect();
    format!(
        "Measured on {date}: {processors} x {}, Linux {}. Servers: {server}; {}.",
        model.unwrap_or("unknown processor"),
        kernel.trim(),
        peers.join("; "),
    )
}

/// For times in nanoseconds, up to a minute.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(60_000_000_000, 3).expect("three digits are few enough")
}

/// Whose turn it is when this many are measured in rounds: forwards and backwards by turns, so that
/// what drifts on the machine meets all alike.
pub fn turns(rounds: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..rounds).flat_map(move |round| {
        (0..count).map(move |step| match round % 2 {
            0 => step,
            _ => count - 1 - step,
        })
    })
}

/// The middle one.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<_> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.is_empty() {
        f64::NAN
    } else if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    use super::{median, turns};

    #[test]
    fn rounds_go_forwards_and_backwards() {
        assert!(turns(3, 3).eq([0, 1, 2, 2, 1, 0, 0, 1, 2]));
        assert_eq!(turns(2, 0).count(), 0);
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
